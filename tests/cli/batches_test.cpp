#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include "cli/with_images.h"
#include "support/child_program.h"

// Calls that follow each other, are stopped, or run at once.
namespace sscvae::testing {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;
using Batches = WithImages;

TEST_F(Batches, ResultsAreNoInputOfTheNextCall) {
  const Strings reconstruct{"reconstruct", at("images"), "--weights", at("w.safetensors"), "--out", at("images/clean")};
  EXPECT_EQ(run_json(reconstruct)["images"].size(), 4u);
  Strings again = reconstruct;
  again.push_back("--overwrite");
  EXPECT_EQ(run_json(again)["images"].size(), 4u);
  EXPECT_FALSE(fs::exists(folder_ / "images/clean/clean"));
  const Outcome in_place =
      run({"reconstruct", at("images"), "--weights", at("w.safetensors"), "--out", at("images"), "--overwrite"});
  EXPECT_EQ(in_place.code, 2) << in_place.err;

  fs::remove_all(folder_ / "images/clean");
  for (const char* name : {"images/runs/a", "images/runs/b"}) {
    ASSERT_EQ(run(tiny_training(name, {"data.split=official"})).code, 0) << name;
    const std::string split = slurp(folder_ / name / "split.csv");
    EXPECT_EQ(split.find("previews"), std::string::npos) << split;
  }
  ASSERT_TRUE(fs::exists(folder_ / "images/runs/a/previews/step_000001.png"));
  const Outcome info = run({"data", "info", at("images")});
  EXPECT_NE(info.out.find(": 4 images"), std::string::npos) << info.out;
  EXPECT_NE(info.err.find("holds results of this program"), std::string::npos) << info.err;
}

TEST_F(Batches, ImagesOfOneNameGetNamesThatDiffer) {
  fs::remove(folder_ / "images/b.png");
  image::write_image(folder_ / "images/a.jpg", image::dead_leaves(9, 32, 32, 1));
  const auto report =
      run_json({"reconstruct", at("images"), "--weights", at("w.safetensors"), "--out", at("out"), "--format", "png"});
  EXPECT_EQ(report["images"].size(), 4u);
  for (const char* name : {"out/a.png", "out/a.jpg.png"}) EXPECT_TRUE(fs::exists(folder_ / name)) << name;
  const std::string name(240, 'n');
  image::write_image(folder_.path() / (name + ".png"), image::dead_leaves(9, 16, 16, 1));
  run_json({"reconstruct", at(name + ".png"), "--weights", at("w.safetensors"), "--out", at("out")});
  EXPECT_TRUE(fs::exists(folder_.path() / "out" / (name + ".png")));
}

size_t files_below(const fs::path& folder) {
  std::error_code ignored;
  size_t count = 0;
  for (fs::recursive_directory_iterator it(folder, ignored), end; it != end; it.increment(ignored))
    count += it->path().extension() == ".png" && it->is_regular_file(ignored);
  return count;
}

TEST_F(Batches, AnInterruptedBatchKeepsItsReportAndGoesOn) {
  const std::string many = at("many");
  make_many(64);
  for (const auto& [command, signal] : {std::pair("reconstruct", SIGINT), std::pair("denoise", SIGHUP)}) {
    SCOPED_TRACE(command);
    const fs::path out = folder_ / command;
    const std::string report = at(std::string(command) + ".json");
    const Strings call{command, many, "--weights", at("w.safetensors"), "--out", out.string(), "--quiet"};
    Strings first = call;
    first.insert(first.end(), {"--json", report});
    EXPECT_EQ(interrupt(start(first), signal, [&] { return files_below(out) >= 3; }), 130);
    const auto done = nlohmann::json::parse(slurp(report));
    EXPECT_EQ(done["interrupted"], true);
    EXPECT_EQ(done["images"].size(), files_below(out));
    ASSERT_GE(done["images"].size(), 3u);
    ASSERT_LT(done["images"].size(), 200u) << "interrupted too late to show anything";
    const fs::path kept = done["images"][0]["output"].get<std::string>(),
                   torn = done["images"][1]["output"].get<std::string>();
    const auto time = fs::last_write_time(kept);
    fs::resize_file(torn, fs::file_size(torn) / 2);
    Strings on = call;
    on.insert(on.end(), {"--skip-existing", "--json", "-"});
    EXPECT_EQ(run(on).code, 2) << "the torn result is replaced only where asked";
    on.push_back("--overwrite");
    const Outcome outcome = run(on);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto rest = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(rest["skipped"].size() + 1, done["images"].size());
    EXPECT_EQ(rest["images"].size() + rest["skipped"].size(), 200u);
    EXPECT_EQ(fs::last_write_time(kept), time);
    EXPECT_EQ(files_below(out), 200u);
    fs::last_write_time(folder_ / "many/7.png", fs::file_time_type::clock::now());  // a newer input
    const Outcome newer = run(on);
    EXPECT_EQ(nlohmann::json::parse(newer.out)["images"].size(), 1u);
  }
}

TEST_F(Batches, AnInterruptedEvaluationReportsWhatItMeasured) {
  make_many(256);
  const pid_t child = start({"evaluate", "--weights", at("w.safetensors"), "--data", at("many"), "--dataset", "folder",
                             "--ensemble", "--json", at("e.json"), "--per-image", at("e.csv")},
                            at("log"));
  EXPECT_EQ(interrupt(child, SIGTERM, [&] { return slurp(folder_ / "log").find("200 image") != std::string::npos; }),
            130);
  const auto json = nlohmann::json::parse(slurp(folder_ / "e.json"));
  const std::string csv = slurp(folder_ / "e.csv");
  EXPECT_EQ(json["interrupted"], true);
  EXPECT_GE(json["images"].size(), 1u);
  EXPECT_LT(json["images"].size(), 200u) << "interrupted too late to show anything";
  EXPECT_EQ(json["images"].size() + 1, static_cast<size_t>(std::count(csv.begin(), csv.end(), '\n')));
}

TEST_F(Batches, ResultsGoOnWithTheirReport) {
  const Strings call{"reconstruct", at("images"), "--weights", at("w.safetensors"), "--out", at("out"),
                     "--json",      at("r.json"), "--quiet"};
  ASSERT_EQ(run(call).code, 0);
  const auto whole = nlohmann::json::parse(slurp(folder_ / "r.json"));
  std::filesystem::remove(folder_ / "out/b.png");
  Strings again = call;
  again.push_back("--skip-existing");
  const Outcome outcome = run(again);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto joined = nlohmann::json::parse(slurp(folder_ / "r.json"));
  EXPECT_EQ(joined["skipped"].size(), 3u);
  ASSERT_EQ(joined["images"].size(), 4u);
  EXPECT_EQ(joined["images"][0]["name"], "b.png") << "the one that was made now";
  EXPECT_EQ(joined["images"][1]["psnr_db"], whole["images"][0]["psnr_db"]) << "what was known of the others";
  Strings stronger = again;
  stronger.insert(stronger.end(), {"--strength", "2"});
  const Outcome other = run(stronger);
  EXPECT_EQ(other.code, 2) << "results of two strengths in one report";
  EXPECT_NE(other.err.find("is the report of another call: settings"), std::string::npos) << other.err;
  again[0] = "denoise";
  const Outcome refused = run(again);
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("is the report of another call: command"), std::string::npos) << refused.err;
}

TEST_F(Batches, AnEvaluationGoesOnWithItsReport) {
  const Strings call{"evaluate", "--weights", at("w.safetensors"), "--data", at("images"), "--dataset", "folder",
                     "--task",   "denoise",   "--sigma-8bit",      "10",     "--protocol", "authors",   "--quiet"};
  const auto with = [&](const Strings& more) {
    Strings arguments = call;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  ASSERT_EQ(with({"--json", at("whole.json"), "--per-image", at("whole.csv")}).code, 0);
  auto whole = nlohmann::json::parse(slurp(folder_ / "whole.json")), part = whole;
  part["images"].erase(1);  // as if interrupted, with a figure that only the report can have
  part["images"][0]["psnr_db"] = 77.25;
  part["per_image"] = at("rows.csv");
  write_atomically(folder_ / "e.json", part.dump());
  write_atomically(folder_ / "rows.csv", "image\n");

  const Strings on{"--json", at("e.json"), "--skip-existing", "--per-image", at("rows.csv")};
  const Outcome outcome = with(on);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto joined = nlohmann::json::parse(slurp(folder_ / "e.json"));
  EXPECT_EQ(joined["skipped"], 3);
  ASSERT_EQ(joined["images"].size(), 4u);
  EXPECT_EQ(joined["images"][0]["psnr_db"], 77.25);
  EXPECT_EQ(joined["images"][1]["psnr_db"], whole["images"][1]["psnr_db"]) << "the noise is that of the second image";
  const std::string rows = slurp(folder_ / "rows.csv");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 5);

  const std::string before = slurp(folder_ / "e.json");
  Strings other = on;
  other.insert(other.end(), {"--crop", "16"});
  const Outcome refused = with(other);
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("is the report of another call: centre_crop"), std::string::npos) << refused.err;
  EXPECT_EQ(with({"--json", at("e.json"), "--skip-existing", "--per-image", at("whole.csv")}).code, 2)
      << "a table that this evaluation did not write";
  EXPECT_EQ(with({"--skip-existing"}).code, 2);
  EXPECT_EQ(slurp(folder_ / "e.json"), before);
}

TEST_F(Batches, ResultsUnderAnotherNameAreNoInputEither) {
  const Strings reconstruct{"reconstruct", at("images"), "--weights", at("w.safetensors"), "--out"};
  const auto into = [&](const std::string& name) {
    Strings call = reconstruct;
    call.push_back(at(name));
    return run_json(call)["images"].size();
  };
  EXPECT_EQ(into("images/first"), 4u);
  fs::rename(folder_ / "images/first", folder_ / "images/renamed");
  EXPECT_EQ(into("images/second"), 4u);
  EXPECT_NE(run({"data", "info", at("images")}).out.find(": 4 images"), std::string::npos);
  EXPECT_EQ(
      run_json({"reconstruct", at("images/renamed"), "--weights", at("w.safetensors"), "--out", at("third")})["images"]
          .size(),
      4u)
      << "named";
}

TEST_F(Batches, WeightsFromAPipeAreRefusedInOneLine) {
  const std::string program = quoted(SSCVAE_PROGRAM), rest = " " + at("images") + " --out " + at("out");
  const auto refused_with = [&](const std::string& command) {
    const int status = std::system(("bash -c " + quoted(command + " 2>" + at("err"))).c_str());
    EXPECT_EQ(WEXITSTATUS(status), 3) << command;
    return slurp(folder_ / "err");
  };
  const std::string weights = at("w.safetensors"), pipe = at("pipe");
  ASSERT_EQ(std::system(("mkfifo " + pipe).c_str()), 0);
  for (const std::string& command :
       {program + " reconstruct --quiet --weights <(cat " + weights + ")" + rest,
        "cat " + weights + " | " + program + " reconstruct --quiet --weights /dev/stdin" + rest,
        "timeout 60 " + program + " reconstruct --quiet --weights " + pipe + rest,
        "timeout 60 " + program + " evaluate --quiet --weights " + weights + " --data " + at("images") +
            " --dataset folder --inception " + pipe}) {
    const std::string said = refused_with(command);
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_TRUE(said.find("is a pipe") != std::string::npos || said.find("not a regular file") != std::string::npos)
        << said;
  }
  EXPECT_EQ(
      std::system(
          (program + " reconstruct --quiet --weights /dev/stdin" + rest + " <" + weights + " >/dev/null").c_str()),
      0);
}

TEST_F(Batches, TwoTrainingsDoNotShareARun) {
  const Strings slow{"train.steps=100000", "train.validation_images=0", "train.log_every=1"};
  const pid_t first = start([&] {
    Strings arguments = tiny_training("run", slow);
    arguments.push_back("--quiet");
    return arguments;
  }());
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (slurp(folder_ / "run/log.csv").size() < 200 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  Strings replace = tiny_training("run", slow);
  replace.push_back("--overwrite");
  for (const Strings& second : {Strings{"train", "--resume", at("run")}, replace}) {
    const Outcome refused = run(second);
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_NE(refused.err.find("another training is under way"), std::string::npos) << refused.err;
  }
  ::kill(first, SIGKILL);
  wait_for(first);
  Strings resume{"train", "--resume", at("run"), "--set", "train.max_minutes=0.01"};
  const Outcome resumed = run(resume);  // no lock was left behind
  EXPECT_EQ(resumed.code, 0) << resumed.err;
}

TEST_F(Batches, ReportsGoToDescriptorsAndConfigurationsComeFromThem) {
  const std::string program = quoted(SSCVAE_PROGRAM);
  const auto shell = [&](const std::string& command) {
    return std::system(("bash -c " + quoted("set -o pipefail; " + command + " 2>" + at("err"))).c_str());
  };
  EXPECT_EQ(shell(program + " list models --json /dev/stdout > " + at("redirected")), 0) << slurp(folder_ / "err");
  EXPECT_TRUE(nlohmann::json::parse(slurp(folder_ / "redirected")).is_array());
  EXPECT_EQ(shell(program + " list models --json /dev/fd/7 7> " + at("seven")), 0) << slurp(folder_ / "err");
  EXPECT_TRUE(nlohmann::json::parse(slurp(folder_ / "seven")).is_array());
  EXPECT_EQ(shell(program + " config --config <(echo train.steps=77) --json - > " + at("config")), 0)
      << slurp(folder_ / "err");
  EXPECT_EQ(nlohmann::json::parse(slurp(folder_ / "config"))["train"]["steps"], 77);
  EXPECT_EQ(shell("echo train.steps=78 | " + program + " config --config /dev/stdin --json - > " + at("config")), 0)
      << slurp(folder_ / "err");
}

TEST_F(Batches, WhatGoesToOthersHasNoPaths) {
  ASSERT_EQ(run(tiny_training("run")).code, 0);
  const std::string weights = at("run/checkpoints/best.safetensors");
  EXPECT_NE(slurp(weights).find(folder_.path().string()), std::string::npos);  // resuming and evaluating need it
  for (const auto& [format, name] :
       {std::pair("safetensors", "o.safetensors"), {"torch", "o.pt"}, {"onnx", "o.onnx"}}) {
    run_json({"export", weights, "--format", format, "--out", at(name)});
    EXPECT_EQ(slurp(at(name)).find(folder_.path().string()), std::string::npos) << format;
  }
  run_json({"calibrate", "--weights", weights, "--data", at("images"), "--part", "all", "--out", at("c.safetensors")});
  EXPECT_EQ(slurp(at("c.safetensors")).find(folder_.path().string()), std::string::npos);
  EXPECT_EQ(run({"evaluate", "--weights", at("o.safetensors")}).code, 2);
  EXPECT_EQ(run_json({"evaluate", "--weights", at("o.safetensors"), "--data", at("images"), "--part", "all"})["count"],
            4);
}

}  // namespace
}  // namespace sscvae::testing
