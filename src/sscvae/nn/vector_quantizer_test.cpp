#include "sscvae/nn/vector_quantizer.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "sscvae/core/error.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/paths.h"
#include "support/tolerances.h"

namespace sscvae::nn {
namespace {

VectorQuantizerOptions options_of(CodebookUpdate update, int64_t codes = 5, int64_t dim = 3) {
  VectorQuantizerOptions options;
  options.num_codes = codes;
  options.code_dim = dim;
  options.update = update;
  options.initialization = CodebookInit::kUniform;
  options.revival = 0;
  return options;
}

void set_codes(VectorQuantizer& quantizer, const at::Tensor& codes) {
  const at::NoGradGuard no_grad;
  quantizer->codebook().copy_(codes);
}

TEST(VectorQuantizer, ReproducesThePublishedBlock) {
  const auto file =
      serialization::read_safetensors(testing::parity_folder() / "blocks/vector_quantizer.safetensors").tensors;
  VectorQuantizer quantizer(options_of(CodebookUpdate::kGradient, 12, 6), 1);
  quantizer->to(at::kDouble);
  set_codes(quantizer, file.at("codebook"));
  const at::Tensor input = file.at("input").clone().requires_grad_();
  const VectorQuantizerResult result = quantizer->forward(input);
  EXPECT_TRUE(at::equal(result.indices, file.at("indices")));
  EXPECT_TRUE(testing::is_close(result.quantized, file.at("quantized"), testing::kBlock.float64));
  EXPECT_TRUE(testing::is_close(result.loss, file.at("vq_loss"), testing::kBlock.float64));
  const std::vector<at::Tensor> targets{quantizer->codebook(), input};
  const auto of_loss = torch::autograd::grad({result.loss}, targets, {}, true);
  EXPECT_TRUE(testing::is_close(of_loss[0], file.at("grad/codebook_of_vq_loss"), testing::kBlockGradient.float64));
  EXPECT_TRUE(testing::is_close(of_loss[1], file.at("grad/input_of_vq_loss"), testing::kBlockGradient.float64));
  const at::Tensor sum = (result.quantized * file.at("grad_quantized")).sum() + result.loss;
  const auto of_sum = torch::autograd::grad({sum}, targets);
  EXPECT_TRUE(testing::is_close(of_sum[0], file.at("grad/codebook_of_sum"), testing::kBlockGradient.float64));
  EXPECT_TRUE(testing::is_close(of_sum[1], file.at("grad/input_of_sum"), testing::kBlockGradient.float64));
}

TEST(VectorQuantizer, GradientsOfItsTermsMatchDifferences) {
  torch::manual_seed(1);
  const at::Tensor features = torch::randn({2, 3, 2, 2}, at::kDouble).requires_grad_();
  VectorQuantizerOptions options = options_of(CodebookUpdate::kGradient);
  options.commitment = 0;  // what is left does not hold the codes fixed
  VectorQuantizer codebook_term(options, 1);
  codebook_term->to(at::kDouble);
  set_codes(codebook_term, torch::randn({5, 3}, at::kDouble));
  EXPECT_TRUE(testing::gradients_match([&] { return codebook_term->forward(features.detach()).loss; },
                                       {codebook_term->codebook()}));
  VectorQuantizer commitment_term(options_of(CodebookUpdate::kEma), 1);
  commitment_term->to(at::kDouble);
  EXPECT_TRUE(testing::gradients_match([&] { return commitment_term->forward(features).loss; }, {features}));
}

TEST(VectorQuantizer, TheCodesComeOutExactlyAndGradientsPassStraight) {
  torch::manual_seed(1);
  VectorQuantizer quantizer(options_of(CodebookUpdate::kGradient), 1);
  const at::Tensor features = torch::randn({2, 3, 4, 5}).requires_grad_();
  const VectorQuantizerResult result = quantizer->forward(features);
  EXPECT_TRUE(at::equal(result.quantized, quantizer->lookup(result.indices)));
  const at::Tensor weights = torch::randn({2, 3, 4, 5});
  EXPECT_TRUE(at::equal(torch::autograd::grad({(result.quantized * weights).sum()}, {features})[0], weights));
}

TEST(VectorQuantizer, StartsWithinTheUniformBounds) {
  VectorQuantizer quantizer(options_of(CodebookUpdate::kGradient, 64, 16), 1);
  EXPECT_LE(quantizer->codebook().abs().max().item<double>(), 1.0 / 64);
  EXPECT_GT(quantizer->codebook().abs().max().item<double>(), 0.9 / 64);
  EXPECT_EQ(quantizer->named_buffers().size(), 0u);
}

TEST(VectorQuantizer, RunningMeansFollowTheirFormula) {
  VectorQuantizerOptions options = options_of(CodebookUpdate::kEma, 2, 1);
  options.decay = 0.75;
  VectorQuantizer quantizer(options, 1);
  const at::Tensor start = torch::tensor({0.0, 10.0}).reshape({2, 1});
  set_codes(quantizer, start);
  quantizer->named_buffers()["sums"].copy_(start / 2);
  const at::Tensor features = torch::tensor({1.0, 2.0, 3.0, 9.0}).reshape({1, 1, 2, 2});
  const at::Tensor indices = quantizer->forward(features).indices;
  // The same notes in two parts are the same update.
  quantizer->observe(features.slice(2, 0, 1), indices.slice(1, 0, 1));
  quantizer->observe(features.slice(2, 1, 2), indices.slice(1, 1, 2));
  EXPECT_TRUE(at::equal(quantizer->codebook(), start));
  quantizer->update_codebook(1);
  const double usage0 = 0.75 / 2 + 0.25 * 3 / 4, usage1 = 0.75 / 2 + 0.25 / 4;
  const double sum0 = 0.25 * 6 / 4, sum1 = 0.75 * 5 + 0.25 * 9 / 4;
  EXPECT_NEAR(quantizer->named_buffers()["usage"][0].item<double>(), usage0, 1e-6);
  EXPECT_NEAR(quantizer->named_buffers()["usage"][1].item<double>(), usage1, 1e-6);
  EXPECT_NEAR(quantizer->codebook()[0][0].item<double>(), sum0 / usage0, 1e-6);
  EXPECT_NEAR(quantizer->codebook()[1][0].item<double>(), sum1 / usage1, 1e-5);
  const at::Tensor after = quantizer->codebook().clone();
  quantizer->update_codebook(2);  // nothing noted, nothing changes
  EXPECT_TRUE(at::equal(quantizer->codebook(), after));
}

TEST(VectorQuantizer, DeadCodesTakeThePlaceOfFeatures) {
  for (const auto update : {CodebookUpdate::kGradient, CodebookUpdate::kEma}) {
    VectorQuantizerOptions options = options_of(update, 4, 2);
    options.decay = 0.5;
    options.revival = 0.1;
    const auto run = [&](uint64_t seed) {
      VectorQuantizer quantizer(options, 1);
      set_codes(quantizer, torch::tensor({0.0, 0.0, 50.0, 50.0, 60.0, 60.0, 70.0, 70.0}).reshape({4, 2}));
      torch::manual_seed(3);
      for (uint64_t step = 0; step < 4; ++step) {  // 0.5^4 of the even share is below a tenth of it
        const at::Tensor features = torch::rand({2, 2, 3, 3});
        quantizer->observe(features, quantizer->forward(features).indices);
        quantizer->update_codebook(seed + step);
      }
      return quantizer->codebook().detach().clone();
    };
    const at::Tensor codes = run(1);
    EXPECT_LE(codes.max().item<double>(), 1.0);
    EXPECT_TRUE(at::equal(codes, run(1)));
    EXPECT_FALSE(at::equal(codes, run(7)));
  }
}

TEST(VectorQuantizer, StartsFromDataWhereAsked) {
  torch::manual_seed(4);
  const at::Tensor features = torch::randn({2, 3, 4, 4});
  VectorQuantizerOptions options = options_of(CodebookUpdate::kEma, 8, 3);
  const auto error = [&](CodebookInit initialization) {
    options.initialization = initialization;
    VectorQuantizer quantizer(options, 1), again(options, 1);
    quantizer->initialize_codebook(features);
    again->initialize_codebook(features);
    EXPECT_TRUE(at::equal(quantizer->codebook(), again->codebook()));
    EXPECT_TRUE(at::allclose(quantizer->named_buffers()["sums"] * 8, quantizer->codebook()));
    return quantizer->forward(features).loss.item<double>();
  };
  const double uniform = error(CodebookInit::kUniform), data = error(CodebookInit::kData),
               means = error(CodebookInit::kKMeans);
  EXPECT_LT(data, uniform);
  EXPECT_LT(means, data);
  // More codes than features: all are near features, none twice.
  options.num_codes = 40;
  VectorQuantizer large(options, 1);
  large->initialize_codebook(features);
  EXPECT_TRUE(large->codebook().isfinite().all().item<bool>());
}

TEST(VectorQuantizer, RefusesWhatDoesNotFit) {
  VectorQuantizer quantizer(options_of(CodebookUpdate::kEma), 1);
  EXPECT_THROW(quantizer->forward(torch::rand({1, 4, 2, 2})), ShapeError);
  EXPECT_THROW(quantizer->lookup(torch::zeros({1, 2, 2})), ShapeError);
  EXPECT_THROW(quantizer->lookup(torch::full({1, 2, 2}, 5, at::kLong)), UsageError);
  EXPECT_THROW(quantizer->lookup(torch::full({1, 2, 2}, -1, at::kLong)), UsageError);
}

}  // namespace
}  // namespace sscvae::nn
