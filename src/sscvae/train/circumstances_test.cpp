#include "sscvae/train/circumstances.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/train/run_folder.h"
#include "sscvae/train/training_fixture.h"

#include <gtest/gtest.h>

namespace sscvae::train {
namespace {

Circumstances some_circumstances() {
  return {"s", "i", {"a.png", "b\xff.png"}, "fp32", "cpu", "avx2, AVX2", "2.7.1", 4};
}

TEST(CircumstancesTest, ComeBackFromJson) {
  const Circumstances some = some_circumstances();
  EXPECT_EQ(circumstances_from_json(to_json(some), "test"), some);
  for (const std::string json : {"", "[]", "{\"split\": 3}", "{\"split\": \"s\"}"})
    EXPECT_THROW(circumstances_from_json(json, "test"), FormatError) << json;
}

/// What is said when a run goes on so.
std::string said(const Circumstances& before, const Circumstances& now, Precision precision = Precision::kAuto) {
  ::testing::internal::CaptureStderr();
  compare_circumstances(before, now, precision);
  return ::testing::internal::GetCapturedStderr();
}

TEST(CircumstancesTest, WhatChangesTheLastBitsIsNoted) {
  const Circumstances before = some_circumstances();
  EXPECT_EQ(said(before, before), "");
  Circumstances now = before;
  now.threads = 2;
  EXPECT_NE(said(before, now).find("goes on with 2 in place of 4 (threads)"), std::string::npos) << said(before, now);
  now = before;
  now.libtorch = "2.9.0";
  EXPECT_NE(said(before, now).find("2.9.0 in place of 2.7.1"), std::string::npos);
  now = before;
  now.instructions = "portable, DEFAULT";
  EXPECT_NE(said(before, now).find("portable, DEFAULT in place of avx2, AVX2"), std::string::npos);
  now = before;
  now.device = "cuda";
  EXPECT_NE(said(before, now).find("cuda in place of cpu"), std::string::npos);
}

TEST(CircumstancesTest, WhatChangesMoreIsRefusedUnlessAskedFor) {
  const Circumstances before = some_circumstances();
  Circumstances now = before;
  now.precision = "bf16";
  EXPECT_THROW(compare_circumstances(before, now, Precision::kAuto), UsageError);
  EXPECT_THROW(compare_circumstances(before, now, Precision::kFp32), UsageError);
  EXPECT_NE(said(before, now, Precision::kBf16).find("as asked for"), std::string::npos);
  now = before;
  now.images = "others";
  EXPECT_THROW(compare_circumstances(before, now, Precision::kAuto), UsageError);
  now.split = "changed";
  EXPECT_NE(said(before, now).find("split.csv has changed"), std::string::npos);
}

class CircumstancesOfRuns : public ResumeTest {
 protected:
  std::filesystem::path image(const std::string& name) const { return folder_.path() / "images" / name; }
  void stop_at_step_5(const std::string& run, const std::vector<std::string>& options = {}) {
    TrainRequest stopped = request(run, options);
    stopped.keep_going = [](int64_t step) { return step < 5; };
    train(stopped);
  }
  void resume(const std::string& run, const std::vector<std::string>& options = {}) {
    train(resume_request(folder_.path() / run, options));
  }
  /// A PNG whose header is whole and whose pixels are not.
  void damage(const std::string& name) {
    const std::string bytes = read_file(image(name));
    write_atomically(image(name), bytes.substr(0, bytes.size() / 3));
  }
};

TEST_F(CircumstancesOfRuns, AMissingImageIsRefusedUntilItIsBackOrTakenOut) {
  train(request("whole"));
  stop_at_step_5("pieces");
  std::filesystem::rename(image("train/c.png"), folder_ / "away.png");
  try {
    resume("pieces");
    FAIL() << "expected IoError";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("c.png"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("split.csv"), std::string::npos) << error.what();
  }
  const std::string split = table("pieces", "split.csv", false), row = "train/c.png,train,\n";
  ASSERT_NE(split.find(row), std::string::npos) << split;
  stop_at_step_5("shorter");
  write_atomically(folder_.path() / "shorter" / "split.csv", std::string(split).erase(split.find(row), row.size()));
  resume("shorter");
  std::filesystem::rename(folder_ / "away.png", image("train/c.png"));
  resume("pieces");
  expect_same_run("whole", "pieces");
}

TEST_F(CircumstancesOfRuns, AMissingValidationImageIsRefused) {
  stop_at_step_5("run");
  std::filesystem::remove(image("val/f.png"));
  EXPECT_THROW(resume("run"), UsageError);
}

TEST_F(CircumstancesOfRuns, TheCacheDoesNotDecideWhichImagesThereAre) {
  damage("train/b.png");
  for (const auto& [first, then] :
       {std::pair{"data.cache_mb=64", "data.cache_mb=0"}, {"data.cache_mb=0", "data.cache_mb=64"}}) {
    const std::string whole = std::string("whole ") + first, pieces = std::string("pieces ") + first;
    train(request(whole, {first}));
    stop_at_step_5(pieces, {first});
    resume(pieces, {then});
    expect_same_run(whole, pieces);
  }
}

TEST_F(CircumstancesOfRuns, AnotherPrecisionHasToBeAskedFor) {
  stop_at_step_5("run", {"train.precision=auto"});
  const auto path = RunFolder(folder_.path() / "run").last();
  serialization::TensorFile file = serialization::read_safetensors(path);
  Circumstances circumstances = read_circumstances(path).value();
  const std::string here = circumstances.precision;
  circumstances.precision = here == "fp32" ? "bf16" : "fp32";  // as if it came from another machine
  file.metadata[runtime::kCircumstancesKey] = to_json(circumstances);
  serialization::write_safetensors(path, file.tensors, file.metadata);
  EXPECT_THROW(resume("run"), UsageError);
  resume("run", {"train.precision=" + here});
}

TEST_F(CircumstancesOfRuns, AFolderWhoseNameIsNoUtf8) {
  std::filesystem::rename(folder_ / "images", folder_ / "im\xff");
  std::filesystem::create_directory_symlink(folder_ / "im\xff", folder_ / "images");
  const std::string root = "data.root=" + (folder_ / "im\xff").string();
  train(request("whole", {root}));
  stop_at_step_5("pieces", {root});
  std::filesystem::remove(folder_ / "images");
  resume("pieces");
  expect_same_run("whole", "pieces");
}

}  // namespace
}  // namespace sscvae::train
