#include "sscvae/nn/codebook.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "sscvae/core/error.h"
#include "sscvae/networks/first_values.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/gradient_check.h"
#include "support/paths.h"
#include "support/tolerances.h"

namespace sscvae::nn {
namespace {

using networks::CodebookInit;
using networks::CodebookUpdate;
using networks::VectorQuantizerOptions;

VectorQuantizerOptions options_of(CodebookUpdate update, int64_t codes = 5, int64_t dim = 3) {
  VectorQuantizerOptions options;
  options.num_codes = codes;
  options.code_dim = dim;
  options.update = update;
  options.initialization = CodebookInit::kUniform;
  options.revival = 0;
  return options;
}

/// A codebook with its statistics.
struct Quantizer {
  explicit Quantizer(const VectorQuantizerOptions& o)
      : options(o),
        codebook(networks::uniform_codebook(o, 1)),
        usage(torch::empty({o.num_codes})),
        sums(torch::empty({o.num_codes, o.code_dim})),
        updates(o, 1, codebook, usage, o.update == CodebookUpdate::kEma ? sums : at::Tensor()) {
    updates.restart_statistics();
  }
  /// Codes and loss of features.
  struct Result {
    at::Tensor indices, quantized, loss;
  };
  Result forward(const at::Tensor& features) const {
    const NearestCodes codes = nearest_codes_of(features, codebook);
    return {codes.indices, codes.quantized, codebook_loss(features, codes.indices, codebook, options)};
  }
  VectorQuantizerOptions options;
  at::Tensor codebook, usage, sums;
  CodebookUpdates updates;
};

TEST(Codebook, ReproducesThePublishedBlock) {
  const auto file =
      serialization::read_safetensors(testing::parity_folder() / "blocks/vector_quantizer.safetensors").tensors;
  Quantizer quantizer(options_of(CodebookUpdate::kGradient, 12, 6));
  quantizer.codebook = as_tensor(file.at("codebook")).clone().requires_grad_();
  const at::Tensor input = as_tensor(file.at("input")).clone().requires_grad_();
  const Quantizer::Result result = quantizer.forward(input);
  EXPECT_TRUE(at::equal(result.indices, file.at("indices")));
  EXPECT_TRUE(testing::is_close(result.quantized, file.at("quantized"), testing::kBlock.float64));
  EXPECT_TRUE(testing::is_close(result.loss, file.at("vq_loss"), testing::kBlock.float64));
  const std::vector<at::Tensor> targets{quantizer.codebook, input};
  const auto of_loss = torch::autograd::grad({result.loss}, targets, {}, true);
  EXPECT_TRUE(testing::is_close(of_loss[0], file.at("grad/codebook_of_vq_loss"), testing::kBlockGradient.float64));
  EXPECT_TRUE(testing::is_close(of_loss[1], file.at("grad/input_of_vq_loss"), testing::kBlockGradient.float64));
  const at::Tensor sum = (result.quantized * as_tensor(file.at("grad_quantized"))).sum() + result.loss;
  const auto of_sum = torch::autograd::grad({sum}, targets);
  EXPECT_TRUE(testing::is_close(of_sum[0], file.at("grad/codebook_of_sum"), testing::kBlockGradient.float64));
  EXPECT_TRUE(testing::is_close(of_sum[1], file.at("grad/input_of_sum"), testing::kBlockGradient.float64));
}

TEST(Codebook, GradientsOfItsTermsMatchDifferences) {
  torch::manual_seed(1);
  const at::Tensor features = torch::randn({2, 3, 2, 2}, at::kDouble).requires_grad_();
  VectorQuantizerOptions options = options_of(CodebookUpdate::kGradient);
  options.commitment = 0;  // what is left does not hold the codes fixed
  Quantizer codebook_term(options);
  codebook_term.codebook = torch::randn({5, 3}, at::kDouble).requires_grad_();
  EXPECT_TRUE(testing::gradients_match([&] { return codebook_term.forward(features.detach()).loss; },
                                       {codebook_term.codebook}));
  Quantizer commitment_term(options_of(CodebookUpdate::kEma));
  commitment_term.codebook = commitment_term.codebook.to(at::kDouble);
  EXPECT_TRUE(testing::gradients_match([&] { return commitment_term.forward(features).loss; }, {features}));
}

TEST(Codebook, TheCodesComeOutExactlyAndGradientsPassStraight) {
  torch::manual_seed(1);
  const Quantizer quantizer(options_of(CodebookUpdate::kGradient));
  const at::Tensor features = torch::randn({2, 3, 4, 5}).requires_grad_();
  const Quantizer::Result result = quantizer.forward(features);
  EXPECT_TRUE(at::equal(result.quantized, codes_by_number(result.indices, quantizer.codebook)));
  const at::Tensor weights = torch::randn({2, 3, 4, 5});
  EXPECT_TRUE(at::equal(torch::autograd::grad({(result.quantized * weights).sum()}, {features})[0], weights));
}

TEST(Codebook, StartsWithinTheUniformBounds) {
  const Quantizer quantizer(options_of(CodebookUpdate::kGradient, 64, 16));
  EXPECT_LE(quantizer.codebook.abs().max().item<double>(), 1.0 / 64);
  EXPECT_GT(quantizer.codebook.abs().max().item<double>(), 0.9 / 64);
}

TEST(Codebook, RunningMeansFollowTheirFormula) {
  VectorQuantizerOptions options = options_of(CodebookUpdate::kEma, 2, 1);
  options.decay = 0.75;
  Quantizer quantizer(options);
  const at::Tensor start = torch::tensor({0.0, 10.0}).reshape({2, 1});
  quantizer.codebook.copy_(start);
  quantizer.sums.copy_(start / 2);
  const at::Tensor features = torch::tensor({1.0, 2.0, 3.0, 9.0}).reshape({1, 1, 2, 2});
  const at::Tensor indices = quantizer.forward(features).indices;
  // The same notes in two parts are the same update.
  quantizer.updates.observe(features.slice(2, 0, 1), indices.slice(1, 0, 1));
  quantizer.updates.observe(features.slice(2, 1, 2), indices.slice(1, 1, 2));
  EXPECT_TRUE(at::equal(quantizer.codebook, start));
  quantizer.updates.update(1);
  const double usage0 = 0.75 / 2 + 0.25 * 3 / 4, usage1 = 0.75 / 2 + 0.25 / 4;
  const double sum0 = 0.25 * 6 / 4, sum1 = 0.75 * 5 + 0.25 * 9 / 4;
  EXPECT_NEAR(quantizer.usage[0].item<double>(), usage0, 1e-6);
  EXPECT_NEAR(quantizer.usage[1].item<double>(), usage1, 1e-6);
  EXPECT_NEAR(quantizer.codebook[0][0].item<double>(), sum0 / usage0, 1e-6);
  EXPECT_NEAR(quantizer.codebook[1][0].item<double>(), sum1 / usage1, 1e-5);
  const at::Tensor after = quantizer.codebook.clone();
  quantizer.updates.update(2);  // nothing noted, nothing changes
  EXPECT_TRUE(at::equal(quantizer.codebook, after));
}

TEST(Codebook, DeadCodesTakeThePlaceOfFeatures) {
  for (const auto update : {CodebookUpdate::kGradient, CodebookUpdate::kEma}) {
    VectorQuantizerOptions options = options_of(update, 4, 2);
    options.decay = 0.5;
    options.revival = 0.1;
    const auto run = [&](uint64_t seed) {
      Quantizer quantizer(options);
      quantizer.codebook.copy_(torch::tensor({0.0, 0.0, 50.0, 50.0, 60.0, 60.0, 70.0, 70.0}).reshape({4, 2}));
      torch::manual_seed(3);
      for (uint64_t step = 0; step < 4; ++step) {  // 0.5^4 of the even share is below a tenth of it
        const at::Tensor features = torch::rand({2, 2, 3, 3});
        quantizer.updates.observe(features, quantizer.forward(features).indices);
        quantizer.updates.update(seed + step);
      }
      return quantizer.codebook.detach().clone();
    };
    const at::Tensor codes = run(1);
    EXPECT_LE(codes.max().item<double>(), 1.0);
    EXPECT_TRUE(at::equal(codes, run(1)));
    EXPECT_FALSE(at::equal(codes, run(7)));
  }
}

TEST(Codebook, StartsFromDataWhereAsked) {
  torch::manual_seed(4);
  const at::Tensor features = torch::randn({2, 3, 4, 4});
  VectorQuantizerOptions options = options_of(CodebookUpdate::kEma, 8, 3);
  const auto error = [&](CodebookInit initialization) {
    options.initialization = initialization;
    Quantizer quantizer(options), again(options);
    quantizer.updates.initialize(features);
    again.updates.initialize(features);
    EXPECT_TRUE(at::equal(quantizer.codebook, again.codebook));
    EXPECT_TRUE(at::allclose(quantizer.sums * 8, quantizer.codebook));
    return quantizer.forward(features).loss.item<double>();
  };
  const double uniform = error(CodebookInit::kUniform), data = error(CodebookInit::kData),
               means = error(CodebookInit::kKMeans);
  EXPECT_LT(data, uniform);
  EXPECT_LT(means, data);
  // More codes than features: all are near features, none twice.
  options.num_codes = 40;
  Quantizer large(options);
  large.updates.initialize(features);
  EXPECT_TRUE(large.codebook.isfinite().all().item<bool>());
}

TEST(Codebook, RefusesWhatDoesNotFit) {
  const at::Tensor codebook = networks::uniform_codebook(options_of(CodebookUpdate::kEma), 1);
  EXPECT_THROW(nearest_codes_of(torch::rand({1, 4, 2, 2}), codebook), ShapeError);
  EXPECT_THROW(codes_by_number(torch::zeros({1, 2, 2}), codebook), ShapeError);
  EXPECT_THROW(codes_by_number(torch::full({1, 2, 2}, 5, at::kLong), codebook), UsageError);
  EXPECT_THROW(codes_by_number(torch::full({1, 2, 2}, -1, at::kLong), codebook), UsageError);
}

}  // namespace
}  // namespace sscvae::nn
