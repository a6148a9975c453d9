#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>

#include "sscvae/core/error.h"
#include "sscvae/image/noise.h"
#include "sscvae/models/network_autoencoder.h"
#include "sscvae/models/threshold_scale.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::models {
namespace {

ModelOptions options() {
  ModelOptions result;
  result.name = "csc";
  return result;
}

at::Tensor smooth_image(int64_t channels) {
  const at::Tensor wave = at::arange(64, at::kFloat).mul(0.2).sin().mul(0.3).add(0.5);
  return (wave.unsqueeze(1) * wave.unsqueeze(0)).expand({1, channels, 64, 64}).contiguous();
}

double psnr(const at::Tensor& a, const at::Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>());
}

/// All cosine atoms together are a tight frame: what is inside the borders comes back from its first iteration on.
TEST(ConvolutionalCoder, WithoutThresholdsTheStartIsAFrame) {
  const at::NoGradGuard no_grad;
  for (const int64_t channels : {1, 3}) {
    ModelOptions all = options();
    all.in_channels = channels;
    all.csc.num_atoms = channels * 100;
    all.csc.num_iterations = 1;
    NetworkAutoencoder coder(all, 1);
    coder.set_threshold_scale(0);
    torch::manual_seed(5);
    const at::Tensor images = torch::rand({1, channels, 64, 64});
    const at::Tensor found = coder.forward(images).reconstruction;
    const auto inside = [](const at::Tensor& x) { return x.slice(2, 10, 54).slice(3, 10, 54); };
    EXPECT_LT((inside(found) - inside(images)).abs().max().item<double>(), 1e-4);
  }
}

TEST(ConvolutionalCoder, DenoisesBeforeAnyTraining) {
  const at::NoGradGuard no_grad;
  NetworkAutoencoder coder(options(), 1);
  coder.eval();
  const at::Tensor clean = smooth_image(1);
  const at::Tensor noisy = image::add_gaussian_noise(clean[0], 25, 3, false).unsqueeze(0);
  EXPECT_GT(psnr(coder.forward(noisy).reconstruction, clean), psnr(noisy, clean) + 5);
}

TEST(ConvolutionalCoder, ThresholdsFollowTheNoiseLevelAndTheKnob) {
  const at::NoGradGuard no_grad;
  const auto shared = std::make_shared<NetworkAutoencoder>(options(), 1);
  NetworkAutoencoder& coder = *shared;
  coder.eval();
  const at::Tensor noisy = image::add_gaussian_noise(smooth_image(1)[0], 25, 3, false).unsqueeze(0);
  const auto mean_threshold = [&] { return coder.forward(noisy).threshold.mean().item<double>(); };
  const double estimated = mean_threshold();
  coder.set_noise_levels(std::array{25.0});
  EXPECT_NEAR(mean_threshold(), estimated, 0.1 * estimated);
  coder.set_noise_levels(std::array{50.0});
  EXPECT_GT(mean_threshold(), 1.7 * estimated);
  coder.set_noise_levels({});
  EXPECT_TRUE(set_threshold_scale(coder, 2));
  EXPECT_NEAR(mean_threshold(), 2 * estimated, 1e-5);
  EXPECT_THROW(set_threshold_scale(coder, -1), UsageError);
}

TEST(ConvolutionalCoder, ScalesHalveTheGridOfTheThresholdNetwork) {
  const at::NoGradGuard no_grad;
  ModelOptions scaled = options();
  scaled.csc.attention_width = 8;
  scaled.csc.attention_scales = 3;
  NetworkAutoencoder coder(scaled, 1);
  coder.eval();
  EXPECT_EQ(coder.size_multiple(), 8);
  EXPECT_EQ(coder.forward(at::rand({1, 1, 24, 40})).code.sizes(), at::IntArrayRef({1, 100, 12, 20}));
  EXPECT_THROW(coder.forward(at::rand({1, 1, 12, 40})), ShapeError);
  EXPECT_EQ(coder.named_parameters()["_blocks2.1.conv2.weight"].sizes(), at::IntArrayRef({32, 32, 3, 3}));
  // The finest scale alone, four blocks of two 3 x 3 filters behind a stem, would see 18 pixels far.
  torch::manual_seed(3);
  for (at::Tensor& parameter : coder.parameters())
    if (parameter.dim() == 4 && parameter.size(2) == 3) parameter.normal_(0, 0.1);
  coder.set_noise_levels(std::array{25.0});
  at::Tensor image = at::rand({1, 1, 64, 64});
  const auto first_factor = [&] {
    return coder.forward(image).threshold_inference.select(1, 0)[0][0][0].item<float>();
  };
  const float before = first_factor();
  image.slice(2, 44).slice(3, 44).zero_();
  EXPECT_NE(first_factor(), before);
  scaled.csc.threshold = networks::ThresholdKind::kPerAtom;
  scaled.csc.threshold_refinement = networks::ThresholdRefinement::kNone;
  EXPECT_EQ(NetworkAutoencoder(scaled, 1).size_multiple(), 2);
}

TEST(ConvolutionalCoder, TheDictionaryIsWhatASingleEntryDraws) {
  const at::NoGradGuard no_grad;
  NetworkAutoencoder coder(options(), 1);
  const at::Tensor atoms = coder.dictionary();
  ASSERT_EQ(atoms.sizes(), at::IntArrayRef({100, 100}));  // 10 x 10 pixels, 100 atoms
  at::Tensor code = at::zeros({1, 100, 9, 9});
  code[0][37][4][4] = 1;
  const at::Tensor drawn = (coder.decode(code) - 0.5).squeeze();  // centred on pixels 8 and 9
  EXPECT_TRUE(at::allclose(drawn.slice(0, 4, 14).slice(1, 4, 14).flatten(), atoms.select(1, 37), 1e-5, 1e-6));
}

ModelOptions grouped_options() {
  ModelOptions grouped = options();
  grouped.csc.kernel = 4;
  grouped.csc.num_atoms = 70;  // 64 cosines, 6 sines
  grouped.csc.num_iterations = 3;
  grouped.csc.threshold = networks::ThresholdKind::kPerAtom;
  grouped.csc.threshold_refinement = networks::ThresholdRefinement::kNone;
  grouped.csc.shrinkage = Shrinkage::kGrouped;
  grouped.csc.group_rank = 8;
  return grouped;
}

TEST(ConvolutionalCoder, DenoisesByGroupsWithEvenFilters) {
  const at::NoGradGuard no_grad;
  NetworkAutoencoder coder(grouped_options(), 1);
  const at::Tensor clean = smooth_image(1);
  const at::Tensor noisy = image::add_gaussian_noise(clean[0], 25, 3, false).unsqueeze(0);
  const ForwardResult found = coder.forward(noisy);
  EXPECT_GT(psnr(found.reconstruction, clean), psnr(noisy, clean) + 5);
  EXPECT_LT(found.code.count_nonzero().item<double>(), 0.4 * static_cast<double>(found.code.numel()));
}

/// What a group decides: energy beside an entry that would not pass alone lets it pass.
TEST(ConvolutionalCoder, NeighboursHelpAnEntryPass) {
  const at::NoGradGuard no_grad;
  NetworkAutoencoder coder(grouped_options(), 1);
  coder.set_noise_levels(std::array{40.0});
  const at::Tensor wave = at::arange(64, at::kFloat).mul(1.2).sin().mul(0.25).add(0.5).expand({1, 1, 64, 64});
  at::Tensor alone = at::full({1, 1, 64, 64}, 0.5);
  alone.slice(3, 28, 36).copy_(wave.slice(3, 28, 36));
  const auto inside = [&](const at::Tensor& image) {
    return coder.encode(image).slice(3, 15, 17).count_nonzero().item<int64_t>();
  };
  EXPECT_GT(inside(wave.contiguous()), inside(alone));
}

TEST(ConvolutionalCoder, AtomsStayInTheUnitBall) {
  const at::NoGradGuard no_grad;
  ModelOptions bounded = grouped_options();
  bounded.csc.unit_ball = true;
  NetworkAutoencoder coder(bounded, 1);
  const auto parameters = coder.named_parameters();
  for (const auto& item : parameters)
    if (const int64_t axis = coder.atom_axis(item.key()); axis >= 0) {
      item.value().mul_(100);
      item.value().select(axis, 3).mul_(1e-6);
    }
  coder.after_optimizer_step();
  int dictionaries = 0;
  for (const auto& item : parameters) {
    const int64_t axis = coder.atom_axis(item.key());
    if (axis < 0) continue;
    ++dictionaries;
    const at::Tensor lengths = item.value().transpose(0, axis).flatten(1).norm(2, 1);
    ASSERT_EQ(lengths.size(0), 70) << item.key();
    EXPECT_NEAR(lengths.max().item<double>(), 1, 1e-5) << item.key();
    EXPECT_LT(lengths[3].item<double>(), 1e-3) << item.key();  // short atoms are left alone
  }
  EXPECT_EQ(dictionaries, 6);  // A of three iterations, B of two, W
}

TEST(ConvolutionalCoder, RefusesContradictions) {
  ModelOptions even = options(), even_attention = options(), groups = options(), many = options(),
               per_position = options(), refined = options();
  even = grouped_options();
  even.csc.group_window = 4;
  even_attention.sparse_coder.cbam_kernel = 4;
  many.csc.num_atoms = 201;
  per_position.csc.threshold = networks::ThresholdKind::kPerPosition;
  refined.csc.threshold = networks::ThresholdKind::kPerAtom;
  groups.csc.shrinkage = Shrinkage::kGrouped;  // of inferred thresholds
  for (const ModelOptions& wrong : {even, even_attention, groups, many, per_position, refined})
    EXPECT_THROW(NetworkAutoencoder(wrong, 1), UsageError);
}

}  // namespace
}  // namespace sscvae::models
