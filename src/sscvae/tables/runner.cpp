#include "sscvae/tables/runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/tables/child_process.h"
#include "sscvae/tables/memory.h"
#include "sscvae/tables/schedule.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/train/csv_log.h"
#include "sscvae/train/run_folder.h"

namespace sscvae::tables {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr double kStartSeconds = 4;  // from a command to its first step
constexpr double kLiteSpeedMinutes = 0.2, kPaperSpeedMinutes = 1;
constexpr double kLiteImageSeconds = 0.2, kPaperImageSeconds = 3;  // of evaluation, until one has been measured
constexpr double kPagesSeconds = 15;                               // figures and pages at the end
constexpr int64_t kSpeedWarmUp = 3;                                // steps that are slower than the rest
constexpr auto kPollInterval = std::chrono::milliseconds(250);

struct Active {
  size_t run = 0;
  bool evaluates = false;
  int64_t lane = 0;
  Clock::time_point began;
  ChildProcess process;
};

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Runs of one class are equally fast.
std::string speed_class(const RunSpec& run) {
  return run.model + (run.experiment.options.model.in_channels == 3 ? " colour" : " grey");
}

/// Steps a second of a log.csv, without the first steps; 0 if there is none.
double rate_of(const fs::path& log) {
  const auto table = train::read_csv_log(log);
  const auto steps = table.find("step"), seconds = table.find("seconds");
  if (steps == table.end() || seconds == table.end() || steps->second.empty()) return 0;
  const std::vector<double>&step = steps->second, &time = seconds->second;
  const size_t last = step.size() - 1;
  size_t first = 0;
  while (first < last && step[first] <= kSpeedWarmUp) ++first;
  if (first == last) return time[last] > 0 ? step[last] / time[last] : 0;
  return (step[last] - step[first]) / std::max(1e-6, time[last] - time[first]);
}

int64_t steps_done(const fs::path& log) {
  const auto table = train::read_csv_log(log);
  const auto steps = table.find("step");
  return steps == table.end() || steps->second.empty() ? 0 : static_cast<int64_t>(steps->second.back());
}

class Runner {
 public:
  Runner(const TablesOptions& options, const std::vector<RunSpec>& runs)
      : options_(options),
        runs_(runs),
        budget_(options.budget.empty() ? 0 : parse_duration(options.budget)),
        plan_(fs::path(options.out) / "plan.json"),
        memory_(Memory::from_file(plan_)),
        used_before_(memory_.used_seconds) {
    const auto cores = static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
    lanes_ = options.jobs > 0 ? options.jobs : options.scale == "lite" ? std::min<int64_t>(4, cores) : 1;
    threads_ = options.compute.threads > 0 ? options.compute.threads : std::max<int64_t>(1, cores / lanes_);
    devices_ = split(options.compute.device, ',');
    for (const RunSpec& run : runs_) outcomes_.push_back({&run, "not run", 0, 0, false, {}, {}});
  }

  std::vector<RunOutcome> run() {
    remember();  // from now on the folder is known as ours
    if (runs_.empty()) return {};
    take_finished();
    Progress progress("tables", static_cast<int64_t>(runs_.size()), "run", finished_);
    if (budget_ > 0) measure_speeds();
    while (next_ < runs_.size() || !active_.empty()) {
      while (next_ < runs_.size() && static_cast<int64_t>(active_.size()) < lanes_) start_next();
      wait_for_one(progress);
    }
    remember();
    return outcomes_;
  }

 private:
  bool is_finished(size_t run) const { return outcomes_[run].failure.empty(); }

  void take_finished() {
    for (size_t i = 0; i < runs_.size(); ++i) {
      std::error_code ignored;
      if (!fs::exists(files(i).evaluation(), ignored)) continue;
      complete(i);
      outcomes_[i].reused = is_finished(i);
    }
    if (finished_ > 0)
      note(share_text(finished_, runs_.size(), "run") + agreeing(finished_, " is", " are") + " finished already");
  }

  /// Reads what the run left; a run whose files are damaged is done again.
  void complete(size_t run) {
    RunOutcome& outcome = outcomes_[run];
    try {
      const json trained = json::parse(read_file(files(run).result()));
      outcome.steps = trained.at("steps");
      outcome.seconds = trained.at("seconds");
      outcome.weights = train::RunFolder(files(run).training()).best();
      outcome.evaluation = files(run).evaluation();
      json::parse(read_file(outcome.evaluation)).at("mean");
      outcome.failure.clear();
      ++finished_;
    } catch (const std::exception& error) {
      outcome.failure = std::string("its results cannot be read: ") + error.what();
    }
  }

  RunFiles files(size_t run) const { return files_of(options_, runs_[run]); }

  std::vector<std::string> place(int64_t lane) const {
    return {"--threads", std::to_string(threads_), "--device", devices_[static_cast<size_t>(lane) % devices_.size()],
            "--overwrite"};
  }

  int64_t free_lane() const {
    for (int64_t lane = 0;; ++lane)
      if (std::none_of(active_.begin(), active_.end(), [&](const Active& a) { return a.lane == lane; })) return lane;
  }

  void launch(size_t run, bool evaluates, std::vector<std::string> arguments, const fs::path& log) {
    const int64_t lane = free_lane();
    for (const std::string& argument : place(lane)) arguments.push_back(argument);
    active_.push_back({run, evaluates, lane, Clock::now(), ChildProcess(arguments, log)});
  }

  /// Trains each kind of model for a few seconds, as many at once as later.
  void measure_speeds() {
    std::map<std::string, size_t> wanted;
    for (size_t i = 0; i < runs_.size(); ++i)
      if (!is_finished(i) && !memory_.rates.count(speed_class(runs_[i]))) wanted.emplace(speed_class(runs_[i]), i);
    if (wanted.empty()) return;
    note("measuring the speed of " + count_text(wanted.size(), "kind of model", "kinds of models"));
    auto pending = wanted.begin();
    while (pending != wanted.end() || !active_.empty()) {
      for (; pending != wanted.end() && static_cast<int64_t>(active_.size()) < lanes_; ++pending)
        start_speed(pending->second);
      tasks::stop_if_interrupted();
      std::this_thread::sleep_for(kPollInterval);
      for (size_t i = 0; i < active_.size(); ++i)
        if (active_[i].process.poll()) {
          finish_speed(active_[i].run);
          active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i--));
        }
    }
    remember();
  }

  fs::path speed_folder(size_t run) const { return fs::path(options_.out) / "speed" / runs_[run].key; }

  void start_speed(size_t run) {
    create_folder(speed_folder(run));
    const fs::path config = speed_folder(run) / "config.toml";
    write_atomically(config, runs_[run].experiment.toml());
    const double minutes = options_.scale == "lite" ? kLiteSpeedMinutes : kPaperSpeedMinutes;
    launch(run, false,
           {"train", "--config", config.string(), "--out", (speed_folder(run) / "run").string(), "--set",
            "train.steps=1000000", "--set", "train.validation_images=0", "--set", "train.log_every=1", "--set",
            "train.max_minutes=" + to_text(minutes)},
           speed_folder(run) / "train.log");
  }

  void finish_speed(size_t run) {
    const double rate = rate_of(train::RunFolder(speed_folder(run) / "run").log());
    if (rate > 0) memory_.rates[speed_class(runs_[run])] = rate;
    std::error_code ignored;
    const train::RunFolder trained(speed_folder(run) / "run");
    trained.clear();
    for (const fs::path& path : {trained.root(), speed_folder(run) / "config.toml", speed_folder(run) / "train.log",
                                 speed_folder(run), speed_folder(run).parent_path()})
      fs::remove(path, ignored);  // folders where they are empty: the last run takes the outermost along
  }

  double rate(size_t run) const {
    const auto found = memory_.rates.find(speed_class(runs_[run]));
    return found == memory_.rates.end() ? 1 : found->second;
  }

  double evaluation_seconds(size_t run) const {
    const double guess = options_.scale == "lite" ? kLiteImageSeconds : kPaperImageSeconds;
    return kStartSeconds +
           static_cast<double>(runs_[run].test_images) * (memory_.image_seconds > 0 ? memory_.image_seconds : guess);
  }

  double used_seconds() const { return used_before_ + seconds_since(began_); }

  /// What the runs under way still take, in seconds of one lane.
  double seconds_under_way() const {
    double seconds = 0;
    for (const Active& active : active_) {
      double left = evaluation_seconds(active.run);
      if (active.evaluates) left -= seconds_since(active.began);
      else
        left += static_cast<double>(memory_.steps.at(runs_[active.run].key) -
                                    steps_done(train::RunFolder(files(active.run).training()).log())) /
                rate(active.run);
      seconds += std::max(0.0, left);
    }
    return seconds;
  }

  int64_t steps_for(size_t run) {
    const auto known = memory_.steps.find(runs_[run].key);
    if (known != memory_.steps.end()) return known->second;
    std::vector<Remaining> remaining;
    for (size_t i = run; i < runs_.size(); ++i)
      if (!is_finished(i)) remaining.push_back({rate(i), kStartSeconds + evaluation_seconds(i)});
    const double left = budget_ - kPagesSeconds - used_seconds() - seconds_under_way() / static_cast<double>(lanes_);
    const int64_t fitting = fitting_steps(remaining, left, lanes_);
    const int64_t earlier = memory_.planned_steps;
    memory_.planned_steps = earlier > 0 ? corrected_steps(earlier, fitting) : fitting;
    if (memory_.planned_steps != earlier)
      note(count_text(memory_.planned_steps, "step") + " for each run; left: " + std::to_string(remaining.size()));
    memory_.steps[runs_[run].key] = memory_.planned_steps;
    remember();
    return memory_.planned_steps;
  }

  void start_next() {
    const size_t run = next_++;
    if (is_finished(run)) return;
    const RunFiles where = files(run);
    create_folder(where.folder);
    write_atomically(where.config(), runs_[run].experiment.toml());
    std::vector<std::string> arguments{"train", "--json", where.result().string()};
    if (train::RunFolder(where.training()).holds_run()) {
      arguments.insert(arguments.end(), {"--resume", where.training().string()});
    } else {
      arguments.insert(arguments.end(), {"--config", where.config().string(), "--out", where.training().string()});
      if (budget_ > 0) arguments.insert(arguments.end(), {"--set", "train.steps=" + std::to_string(steps_for(run))});
    }
    launch(run, false, std::move(arguments), where.log("train"));
  }

  void start_evaluation(size_t run) {
    const RunFiles where = files(run);
    std::vector<std::string> arguments{"evaluate",
                                       "--weights",
                                       train::RunFolder(where.training()).best().string(),
                                       "--protocol",
                                       options_.protocol,
                                       "--json",
                                       where.evaluation().string(),
                                       "--per-image",
                                       where.images().string()};
    // One window for most images: at lite scale evaluation should not take longer than training.
    if (options_.scale == "lite" && metrics::find_protocol(options_.protocol).windows != metrics::WindowRule::kNone)
      arguments.insert(arguments.end(), {"--stride", "256"});
    if (options_.test_images > 0) arguments.insert(arguments.end(), {"--limit", std::to_string(options_.test_images)});
    if (!options_.inception.empty()) arguments.insert(arguments.end(), {"--inception", options_.inception});
    launch(run, true, std::move(arguments), where.log("evaluate"));
  }

  void wait_for_one(Progress& progress) {
    if (tasks::interrupted()) {
      active_.clear();  // each ends its step and writes a checkpoint
      remember();
      tasks::stop_if_interrupted();
    }
    std::this_thread::sleep_for(kPollInterval);
    for (size_t i = 0; i < active_.size(); ++i) {
      const std::optional<int> status = active_[i].process.poll();
      if (!status) continue;
      const Active& done = active_[i];
      const size_t run = done.run;
      const bool evaluated = done.evaluates;
      if (evaluated && *status == 0 && runs_[run].test_images > 0)
        memory_.image_seconds =
            (seconds_since(done.began) - kStartSeconds) / static_cast<double>(runs_[run].test_images);
      active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i--));
      if (*status != 0 && !(evaluated && measured_readable_images(run, *status)))
        fail(run, evaluated ? "evaluate" : "train");
      else if (evaluated) complete(run);
      else finish_training(run);
    }
    progress.update(finished_ + failed_, status_text());
    if (seconds_since(remembered_) > 5) remember();
  }

  /// An evaluation that left out broken images delivers its figures and then fails.
  bool measured_readable_images(size_t run, int status) const {
    std::error_code error;
    const bool delivered = std::filesystem::exists(files(run).evaluation(), error);
    if (status != static_cast<int>(ExitCode::kData) || !delivered) return false;
    warn(runs_[run].name + ": " + last_line(files(run).log("evaluate")));
    return true;
  }

  void finish_training(size_t run) {
    const double measured = rate_of(train::RunFolder(files(run).training()).log());
    if (measured > 0) memory_.rates[speed_class(runs_[run])] = measured;
    start_evaluation(run);
  }

  void fail(size_t run, const std::string& phase) {
    const std::string reason = last_line(files(run).log(phase));
    outcomes_[run].failure = phase + ": " + (reason.empty() ? "ended without a word" : reason);
    ++failed_;
    warn(runs_[run].name + ": " + outcomes_[run].failure);
  }

  std::string status_text() const {
    std::string text;
    for (const Active& active : active_) {
      const RunSpec& run = runs_[active.run];
      text += (text.empty() ? "" : ", ") + run.name;
      if (active.evaluates) text += " (evaluation)";
      else
        text += format(" step %lld",
                       static_cast<long long>(steps_done(train::RunFolder(files(active.run).training()).log())));
    }
    if (budget_ > 0) text += "; " + duration_text(std::max(0.0, budget_ - used_seconds())) + " of the budget left";
    return text;
  }

  void remember() {
    memory_.used_seconds = used_seconds();
    memory_.write(plan_);
    remembered_ = Clock::now();
  }

  const TablesOptions& options_;
  const std::vector<RunSpec>& runs_;
  double budget_;
  fs::path plan_;
  Memory memory_;
  double used_before_;
  Clock::time_point began_ = Clock::now(), remembered_ = Clock::now();
  int64_t lanes_ = 1, threads_ = 1, finished_ = 0, failed_ = 0;
  std::vector<std::string> devices_;
  std::vector<RunOutcome> outcomes_;
  std::vector<Active> active_;
  size_t next_ = 0;
};

}  // namespace

RunFiles files_of(const TablesOptions& options, const RunSpec& spec) {
  return {fs::path(options.out) / "runs" / spec.key};
}

std::vector<RunOutcome> run_all(const TablesOptions& options, const std::vector<RunSpec>& runs) {
  create_folder(options.out);
  return Runner(options, runs).run();
}

}  // namespace sscvae::tables
