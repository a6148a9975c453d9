#include "sscvae/networks/dictionary.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/paths.h"
#include "support/tolerances.h"

namespace sscvae::networks {
namespace {

TEST(Dictionary, AtomsHaveUnitLength) {
  for (const auto kind : {DictionaryInit::kReferenceDct, DictionaryInit::kOvercompleteDct, DictionaryInit::kRandom}) {
    const at::Tensor dictionary = initial_dictionary(kind, 16, 24, 1);
    EXPECT_EQ(dictionary.sizes(), at::IntArrayRef({16, 24}));
    EXPECT_LT((dictionary.norm(2, {0}) - 1).abs().max().item<double>(), 1e-5);
  }
}

TEST(Dictionary, RandomAtomsFollowTheSeed) {
  const auto draw = [](uint64_t seed) -> at::Tensor { return initial_dictionary(DictionaryInit::kRandom, 8, 8, seed); };
  EXPECT_TRUE(at::equal(draw(5), draw(5)));
  EXPECT_FALSE(at::equal(draw(5), draw(6)));
}

TEST(Dictionary, ReferenceCosinesComeInOppositePairs) {
  const at::Tensor dictionary = initial_dictionary(DictionaryInit::kReferenceDct, 16, 24, 1);
  for (const int64_t k : {9, 12, 15})
    EXPECT_LT((dictionary.select(1, 32 - k) + dictionary.select(1, k)).abs().max().item<double>(), 1e-5);
  EXPECT_EQ(dictionary.stride(0), 1);  // the layout of the authors' files
}

/// sum over j of v[j] cos(0.01 j), atoms one after another.
double weighted_checksum(const at::Tensor& dictionary) {
  const at::Tensor flat = dictionary.to(at::kDouble).t().contiguous().flatten();
  return (flat * (torch::arange(flat.numel(), at::kDouble) * 0.01).cos()).sum().item<double>();
}

TEST(Dictionary, Parity) {
  const auto file = serialization::read_safetensors(testing::parity_folder() / "blocks/dct.safetensors").tensors;
  const auto without_noise_atom = [](const at::Tensor& table, int64_t atom) {
    return torch::cat({table.slice(1, 0, atom), table.slice(1, atom + 1)}, 1);
  };
  const at::Tensor small = initial_dictionary(DictionaryInit::kReferenceDct, 16, 24, 1);
  EXPECT_TRUE(
      testing::is_close(without_noise_atom(small, 16), without_noise_atom(file.at("reference_float32"), 16), 1e-5));
  EXPECT_TRUE(
      testing::is_close(overcomplete_dct_1d(16, 24), file.at("overcomplete_1d_float64"), testing::kBlock.float64));
  EXPECT_TRUE(
      testing::is_close(overcomplete_dct_2d(16, 24), file.at("overcomplete_2d_kron_float64"), testing::kBlock.float64));
  // Figures of the paper's size, recorded in expected.json.
  const at::Tensor large = initial_dictionary(DictionaryInit::kReferenceDct, 256, 512, 1);
  EXPECT_NEAR(weighted_checksum(without_noise_atom(large, 256)), -8.603228264505724, 1e-2);
  EXPECT_NEAR(large.to(at::kDouble).square().sum().item<double>(), 512.0, 1e-3);
  const at::Tensor overcomplete = overcomplete_dct_2d(256, 512);
  EXPECT_NEAR(weighted_checksum(overcomplete), 1.9079351374200657, 1e-9);
}

}  // namespace
}  // namespace sscvae::networks
