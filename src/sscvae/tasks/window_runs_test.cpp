#include "sscvae/tasks/window_runs.h"
#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace sscvae::tasks {
namespace {

TEST(Windows, StrideIsTheDatasetsUnlessGiven) {
  EXPECT_EQ(protocol_with_stride("paper", 0, "bsds500").window_stride, 32);
  EXPECT_EQ(protocol_with_stride("authors", 0, "mini-imagenet").window_stride, 128);
  EXPECT_EQ(protocol_with_stride("paper", 0, "ultrasound").window_stride, 256);
  EXPECT_EQ(protocol_with_stride("paper", 64, "bsds500").window_stride, 64);
  EXPECT_THROW(protocol_with_stride("paper", 257, "bsds500"), UsageError) << "would leave gaps";
  EXPECT_THROW(protocol_with_stride("paper", -1, "bsds500"), UsageError);
  EXPECT_THROW(protocol_with_stride("sound", 32, "bsds500"), UsageError);
}

TEST(Windows, AnImagesFiguresAreTheMeansOfItsWindows) {
  const metrics::Protocol paper = protocol_with_stride("paper", 32, "folder");
  torch::manual_seed(1);
  const at::Tensor original = torch::rand({1, 256, 288});
  at::Tensor other = original.clone();
  other.narrow(2, 0, 32) += 0.1;  // the first window's error only
  other.narrow(2, 200, 88) += 0.02;
  const auto psnr = [&](int64_t left) {
    return metrics::compare_images(original.narrow(2, left, 256), other.narrow(2, left, 256), paper, {"psnr"})
        .at("psnr");
  };
  const auto means = compare_parts(parts_of(paper, original), parts_of(paper, other), paper, {"psnr"}, nullptr);
  EXPECT_DOUBLE_EQ(means.at("psnr"), (psnr(0) + psnr(32)) / 2);
  EXPECT_GT(psnr(32) - psnr(0), 1) << "the windows must differ";
  const metrics::Protocol authors = protocol_with_stride("authors", 32, "folder");
  EXPECT_EQ(parts_of(authors, original).size(), 1u);
}

TEST(Windows, ANoteOfManyWindowsIsSaidOnce) {
  metrics::Protocol small = protocol_with_stride("paper", 32, "folder");
  small.window = 8;  // below the SSIM's window
  small.window_stride = 8;
  const at::Tensor image = torch::zeros({1, 16, 16});
  std::vector<std::string> notes;
  compare_parts(parts_of(small, image), parts_of(small, image), small, {"ssim"}, &notes);
  EXPECT_EQ(notes.size(), 1u);
}

}  // namespace
}  // namespace sscvae::tasks
