#include "sscvae/train/training_run.h"
#include "sscvae/train/lpips_distance.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/log.h"
#include "sscvae/core/process_memory.h"
#include "sscvae/core/progress.h"
#include "sscvae/core/shipped_files.h"
#include "sscvae/core/text.h"
#include "sscvae/core/version.h"
#include "sscvae/image/padding.h"
#include "sscvae/metrics/metrics.h"
#include "sscvae/metrics/perceptual.h"
#include "sscvae/models/registry.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/train/circumstances.h"
#include "sscvae/train/divergence.h"
#include "sscvae/train/ema.h"
#include "sscvae/train/muon.h"
#include "sscvae/train/precision.h"
#include "sscvae/train/previews.h"
#include "sscvae/train/schedule.h"
#include "sscvae/train/training_report.h"

namespace sscvae::train {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLeastCopies = 16;  // of a batch that a step holds at once, features and gradients included
constexpr int64_t kFewestValidationSteps = 100, kMostValidationSteps = 500;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

int64_t parameter_count(torch::nn::Module& module) {
  int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

/// Whole epochs, at least kFewestValidationSteps and at most kMostValidationSteps apart.
int64_t default_validation_interval(int64_t steps_per_epoch) {
  const int64_t epochs = (kFewestValidationSteps + steps_per_epoch - 1) / steps_per_epoch;
  return std::min(kMostValidationSteps, epochs * steps_per_epoch);
}

}  // namespace

TrainingRun::TrainingRun(const TrainRequest& request)
    : request_(request),
      options_(request.experiment.options),
      folder_(request.out),
      device_(request.device),
      bf16_(uses_bf16(options_.train.precision, device_)) {
  check_folder();
  if (request_.resume) lock_.emplace(folder_.root());
  std::error_code ignored;
  const bool known_split = request_.resume && std::filesystem::exists(folder_.split(), ignored);
  const bool goes_on = request_.resume && std::filesystem::exists(folder_.last(), ignored);
  const std::optional<Circumstances> before = goes_on ? read_circumstances(folder_.last()) : std::nullopt;
  data_ = open_data_of_run(options_, known_split ? folder_.split() : std::filesystem::path(), before);
  if (before) compare_circumstances(*before, circumstances_of(data_, device_, bf16_), options_.train.precision);
  place_batches(data_, options_.data, device_);
  plan_steps();
  build_model();
  step_settings_ = {options_.train.loss,
                    options_.train.gradient_clip,
                    options_.train.threshold_jitter,
                    options_.train.noise_levels,
                    device_,
                    bf16_,
                    static_cast<uint64_t>(options_.train.seed),
                    adversary_.get()};
  state_.sparsity_weight = options_.train.loss.sparsity_weight;
  if (goes_on) prepare_resumed();
  else prepare_fresh();
  choose_recomputation();
  choose_capture();
  if (!device_.is_cpu() || request_.queue_steps) device_state_.emplace(state_, options_.train, device_);
  open_logs();
}

void TrainingRun::check_folder() const {
  if (request_.out.empty()) throw UsageError("training needs an output folder");
  const std::string name = "'" + folder_.root().string() + "'";
  if (request_.resume && !folder_.holds_run()) throw IoError(name + " holds no run to resume");
  if (!request_.resume && !request_.overwrite && folder_.holds_run())
    throw UsageError(
        name + " holds a run already: --resume goes on with it, --overwrite replaces it; or choose another folder");
  folder_.check();
  if (const auto other = folder_.first_in_the_way(); !request_.resume && !request_.overwrite && !other.empty())
    throw UsageError(name + " is no run of this program but has '" + other.lexically_relative(folder_.root()).string() +
                     "', which training would take the place of: choose another folder, or --overwrite replaces it");
}

void TrainingRun::plan_steps() {
  const TrainOptions& train = options_.train;
  const int64_t batches = data_.batches->batches_per_epoch();
  if (batches < 1)
    throw UsageError("the training images give no batch: patches larger than the images, or too few images");
  steps_per_epoch_ = (batches + train.accumulate - 1) / train.accumulate;
  total_steps_ = train.steps > 0 ? train.steps : (train.epochs * batches + train.accumulate - 1) / train.accumulate;
  if (total_steps_ < 1) throw UsageError("train.steps and train.epochs are both 0: there is nothing to do");
  validate_every_ = train.validate_every > 0 ? train.validate_every : default_validation_interval(steps_per_epoch_);
  checkpoint_every_ = train.checkpoint_every > 0 ? train.checkpoint_every : validate_every_;
}

void TrainingRun::build_model() {
  const auto make = [&] {
    auto model = models::make_autoencoder(options_.model, static_cast<uint64_t>(options_.train.seed));
    model->to(device_);
    use_channels_last(*model);
    model->train();
    return model;
  };
  model_ = make();
  if (options_.train.ema_decay > 0) average_ = make();
  const TrainOptions& train = options_.train;
  const AdamOptions adam{train.beta1, train.beta2, train.epsilon, train.weight_decay};
  if (train.optimizer == OptimizerKind::kMuon) {
    MuonOptions muon{train.muon_ratio, train.muon_momentum, train.muon_weight_decay, bf16_};
    muon.dictionary_ratio = train.muon_dictionary_ratio;
    for (const auto& item : model_->named_parameters())
      if (const int64_t axis = model_->atom_axis(item.key()); axis >= 0 && muon.dictionary_ratio > 0)
        muon.atom_axes[item.key()] = axis;
    optimizer_ = std::make_unique<Muon>(named_parameters(*model_), muon, adam);
  } else optimizer_ = std::make_unique<Adam>(named_parameters(*model_), adam);
  PerceptualDistance perceptual = request_.perceptual;
  if (train.adversarial.perceptual_weight > 0 && !perceptual) {
    const int64_t least = metrics::smallest_side(metrics::LpipsNet::kAlex);
    if (options_.data.sampling != data::Sampling::kWholeImages && options_.data.patch_size < least)
      throw UsageError(format("train.adversarial.perceptual_weight > 0 needs data.patch_size >= %lld, got %lld",
                              static_cast<long long>(least), static_cast<long long>(options_.data.patch_size)));
    perceptual = shipped_perceptual_distance(device_);
  }
  if (Adversary::is_wanted(train.adversarial))
    adversary_ = std::make_unique<Adversary>(train.adversarial, options_.model.in_channels,
                                             static_cast<uint64_t>(train.seed), device_, bf16_, std::move(perceptual));
}

bool TrainingRun::load_initial_weights() {
  const std::string& given = options_.train.initial_weights;
  if (given.empty()) return false;
  std::error_code error;
  const bool file = std::filesystem::exists(given, error) && !std::filesystem::is_directory(given, error);
  const std::string path = file ? given : find_shipped_file(given + ".safetensors");
  if (path.empty())
    throw IoError("train.initial_weights: no weights file '" + given +
                  "', and none of that name comes with the program");
  models::load_state(*model_, runtime::load_weights(path).model.state(), path);
  return true;
}

void TrainingRun::prepare_fresh() {
  const bool loaded = load_initial_weights();
  check_batch_size();
  const Batch first = tensors_of(data_.batches->at(0));
  if (adversary_ && adversary_->discriminator()) adversary_->discriminator()->check_size(first.input);
  if (!loaded) model_->initialize_from(models::pad_to_multiple(first.input.to(device_), model_->size_multiple()));
  if (average_) copy_weights(*average_, *model_);
  try_a_pass(first);
  create_folder(folder_.root());
  lock_.emplace(folder_.root());
  check_folder();  // once more: another run may have begun while the images were read
  folder_.clear();
  folder_.create();
  write_atomically(folder_.config(), request_.experiment.toml());
  data::write_manifest(folder_.split(), data_.split);
}

void TrainingRun::check_batch_size() const {
  const double pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES)),
               page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  double pixels = 0;
  const std::vector<data::SamplePlan> samples = data_.batches->plan(0);
  for (const data::SamplePlan& sample : samples)
    pixels += static_cast<double>(sample.window.height) * static_cast<double>(sample.window.width);
  const double bytes = pixels * static_cast<double>(options_.model.in_channels) * sizeof(float);
  if (kLeastCopies * bytes <= pages * page) return;
  const data::Window& window = samples.front().window;
  throw UsageError(
      format("a batch of %zu times %lldx%lld pixels takes %.3g GB, a step many times of that, and this "
             "machine has %.3g GB: a smaller data.patch_size or train.batch_size fits",
             samples.size(), static_cast<long long>(window.width), static_cast<long long>(window.height), bytes / 1e9,
             pages * page / 1e9));
}

void TrainingRun::try_a_pass(const Batch& batch) {
  const auto model = models::make_autoencoder(options_.model, static_cast<uint64_t>(options_.train.seed));
  model->to(device_);
  use_channels_last(*model);
  model->train();
  copy_weights(*model, *model_);
  measure_pass_memory(*model, {batch.input.narrow(0, 0, 1), batch.target.narrow(0, 0, 1), {}}, step_settings_);
}

void TrainingRun::prepare_resumed() {
  state_ = read_checkpoint(folder_.last(), parts());
  seconds_before_ = state_.seconds;
  saved_step_ = state_.step;
  folder_.create();
  folder_.remove_leftovers(state_.step);
  write_atomically(folder_.config(), request_.experiment.toml());
  if (state_.step < total_steps_)
    note(format("resuming '%s' after step %lld", folder_.root().c_str(), static_cast<long long>(state_.step)));
}

void TrainingRun::choose_recomputation() {
  const TrainOptions& train = options_.train;
  bool recompute = train.recompute;
  if (train.memory_gib > 0) {
    constexpr double kGiB = 1 << 30;
    const Batch batch = tensors_of(data_.batches->at(0));
    const Batch one{batch.input.narrow(0, 0, 1), batch.target.narrow(0, 0, 1), {}};
    const auto predicted_gib = [&](bool again) {
      models::set_recompute(*model_, again);
      const double pass = static_cast<double>(measure_pass_memory(*model_, one, step_settings_));
      return (static_cast<double>(peak_resident_bytes()) + pass * static_cast<double>(batch.input.size(0))) / kGiB;
    };
    double predicted = predicted_gib(recompute);
    if (!recompute && predicted > train.memory_gib) {
      recompute = true;
      const double less = predicted_gib(true);
      note(format("a step would take about %.1f GiB of train.memory_gib = %s: recompute is on, about %.1f GiB",
                  predicted, to_text(train.memory_gib).c_str(), less));
      predicted = less;
    }
    if (predicted > train.memory_gib)
      warn(
          format("a step takes about %.1f GiB with recompute, train.memory_gib = %s: a smaller train.batch_size with "
                 "train.accumulate takes less",
                 predicted, to_text(train.memory_gib).c_str()));
  }
  models::set_recompute(*model_, recompute);
}

void TrainingRun::choose_capture() {
  if (!options_.train.cuda_graph || device_.is_cpu()) return;
  const std::string obstacle = obstacle_to_capture(*model_, step_settings_, options_.train.accumulate);
  if (!obstacle.empty()) return note("train.cuda_graph: steps run operation by operation: " + obstacle);
  captured_ = std::make_unique<CapturedPasses>(
      *model_, *optimizer_, [this](const std::function<void()>& work) { return record_work(device_, work); });
  step_settings_.captured = captured_.get();
}

void TrainingRun::open_logs() {
  log_.emplace(folder_.log(), log_columns(), state_.step);
  std::vector<std::string> columns{"step"};
  columns.insert(columns.end(), validation_columns().begin(), validation_columns().end());
  validation_log_.emplace(folder_.validation_log(), columns, state_.step);
  board_.emplace(folder_.tensorboard(), state_.step > 0 ? std::optional<int64_t>(state_.step + 1) : std::nullopt);
  const auto earlier = read_csv_log(folder_.validation_log());
  for (const auto& [name, values] : earlier)
    if (!values.empty()) last_validation_[name] = values.back();
}

std::map<std::string, std::string> TrainingRun::metadata() const {
  nlohmann::ordered_json figures{{"step", state_.step}};
  for (const auto& [name, value] : last_validation_)
    if (name != "step" && std::isfinite(value)) figures["validation_" + name] = value;
  return {{runtime::kConfigKey, request_.experiment.toml()},
          {runtime::kVersionKey, version()},
          {runtime::kProfileKey, options_.profile},
          {runtime::kDataKey, data_.metadata(options_.data)},
          {runtime::kMetricsKey, figures.dump()}};
}

ValidationSettings TrainingRun::validation_settings() const {
  return {options_.train, state_.sparsity_weight, device_, bf16_};
}

TrainSummary TrainingRun::run() {
  started_ = saved_ = Clock::now();
  {
    Progress progress("training", total_steps_, "step", state_.step);
    loop(progress);
  }
  finish();
  TrainSummary summary;
  summary.steps = state_.step;
  summary.total_steps = total_steps_;
  summary.finished = state_.step >= total_steps_;
  summary.seconds = seconds_so_far();
  summary.loss = state_.last_loss;
  summary.best_psnr_db = logged_value(folder_.validation_log(), state_.best_step, "psnr_db");
  summary.best_step = state_.best_step;
  summary.validation = last_validation_;
  summary.last = folder_.last();
  summary.best = folder_.best();
  summary.report = folder_.report();
  write_training_report(folder_, summary, facts());
  return summary;
}

bool TrainingRun::validation_due() const { return state_.step % validate_every_ == 0 || state_.step == total_steps_; }

bool TrainingRun::checkpoint_due() const {
  const double minutes = options_.train.checkpoint_minutes;
  return state_.step % checkpoint_every_ == 0 || state_.step == total_steps_ ||
         (minutes > 0 && seconds_since(saved_) > 60 * minutes);
}

bool TrainingRun::out_of_time() const {
  return options_.train.max_minutes > 0 && seconds_since(started_) > 60 * options_.train.max_minutes;
}

double TrainingRun::seconds_so_far() const { return seconds_before_ + seconds_since(started_); }

void TrainingRun::validate_now() {
  read_device_state();
  if (!data_.validation.empty()) {
    last_validation_ = validate(evaluated(), data_.validation, validation_settings());
    if (!std::isfinite(last_validation_.at("reconstruction")))
      throw DivergenceError(format("training diverged: the validation loss after step %lld is not finite; %s",
                                   static_cast<long long>(state_.step), first_bad_weight(evaluated()).c_str()));
    std::vector<double> values;
    for (const std::string& column : validation_columns()) {
      values.push_back(last_validation_.at(column));
      if (std::isfinite(values.back())) board_->scalar("validation/" + column, state_.step, values.back());
    }
    validation_log_->row(state_.step, values);
    const double score = validation_score(last_validation_, options_.train.best_by);
    if (score > state_.best_value) {
      state_.best_value = score;
      state_.best_step = state_.step;
      write_weights(folder_.best(), parts(), metadata());
    }
  }
  const int64_t previous = (state_.step - 1) / validate_every_ * validate_every_;
  if (!data_.previews.empty() && preview_due(previous, state_.step, total_steps_)) draw_previews();
}

void TrainingRun::draw_previews() {
  const image::Image sheet =
      preview_sheet(data_.previews, reconstruct_images(evaluated(), data_.previews, validation_settings()));
  const std::string png = image::encode_png(sheet);
  write_atomically(folder_.preview(state_.step), png);
  board_->image("preview", state_.step, png, sheet.width, sheet.height, sheet.channels);
}

void TrainingRun::save() {
  read_device_state();
  if (const std::string bad = first_bad_weight(*model_); !bad.empty())
    throw DivergenceError(format("training diverged: after step %lld the %s is not finite",
                                 static_cast<long long>(state_.step), bad.c_str()));
  check_discriminator();
  log_->sync();
  validation_log_->sync();
  board_->flush();
  state_.seconds = seconds_so_far();
  if (adversary_ && adversary_->adam()) state_.discriminator_steps = adversary_->adam()->steps();
  std::map<std::string, std::string> kept = metadata();
  kept[runtime::kCircumstancesKey] = to_json(circumstances_of(data_, device_, bf16_));
  write_checkpoint(folder_.last(), parts(), state_, std::move(kept));
  saved_step_ = state_.step;
  saved_ = Clock::now();
}

void TrainingRun::finish() {
  if (saved_step_ != state_.step) save();
  std::error_code ignored;
  if (data_.validation.empty() || !std::filesystem::exists(folder_.best(), ignored))
    write_weights(folder_.best(), parts(), metadata());
  board_->flush();
}

std::vector<std::pair<std::string, std::string>> TrainingRun::facts() const {
  return {{"model", options_.model.name + ", profile " + options_.profile},
          {"parameters", std::to_string(parameter_count(*model_))},
          {"task", choice_names<Task>().at(static_cast<size_t>(options_.task))},
          {"data", options_.data.dataset + ": " + data_.split.counts()},
          {"steps", format("%lld of %lld (%.1f epochs)", static_cast<long long>(state_.step),
                           static_cast<long long>(total_steps_),
                           static_cast<double>(state_.step) / static_cast<double>(steps_per_epoch_))},
          {"time", duration_text(seconds_so_far())},
          {"arithmetic", device_.str() + (bf16_ ? ", bf16 networks" : ", fp32")}};
}

}  // namespace sscvae::train
