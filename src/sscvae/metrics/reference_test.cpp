#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "sscvae/core/atomic_file.h"
#include "sscvae/image/image.h"
#include "sscvae/metrics/metrics.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "support/paths.h"

/// Against scikit-image, NumPy and the published implementation: the pairs of parity/metrics.
namespace sscvae::metrics {
namespace {

constexpr double kExact = 1e-9;      ///< float64 input
constexpr double kPsnrFloat = 1e-4;  ///< dB
constexpr double kFloat = 1e-5;      ///< SSIM and Hoyer
constexpr double kNmiFloat = 2e-3;

nlohmann::json expected() {
  return nlohmann::json::parse(read_file(testing::parity_folder() / "metrics" / "expected.json"));
}

struct Pair {
  at::Tensor a, b;
  Pair in_double() const { return {exact(a), exact(b)}; }
  static at::Tensor exact(const at::Tensor& image) { return (image * 255).round().to(at::kDouble) / 255; }
};

Pair read_pair(const std::string& name) {
  const auto read = [&](const char* which) {
    return image::to_array(image::read_image(testing::parity_folder() / "metrics" / (name + which)));
  };
  return {read("_a.png"), read("_b.png")};
}

TEST(ReferenceNumbers, GreyPairs) {
  int64_t pairs = 0;
  const nlohmann::json document = expected();
  for (const auto& [name, row] : document["pairs"].items()) {
    if (!name.starts_with("gray")) continue;
    SCOPED_TRACE(name);
    const Pair narrow = read_pair(name), wide = narrow.in_double();
    EXPECT_NEAR(psnr_db(wide.a, wide.b), row["psnr_range_1"], kExact);
    EXPECT_NEAR(psnr_db(wide.a * 255, wide.b * 255, 255), row["psnr_8bit_range_255"], kExact);
    EXPECT_NEAR(mean_squared_error(wide.a * 255, wide.b * 255), row["mse_8bit"], 1e-8);
    EXPECT_NEAR(ssim_uniform(wide.a, wide.b), row["ssim_uniform7_sample_covariance"], kExact);
    EXPECT_NEAR(ssim_gaussian(wide.a, wide.b), row["ssim_gaussian11_sigma1.5"], kExact);
    EXPECT_NEAR(nmi(wide.a, wide.b), row["nmi_float64_input"], kExact);
    const auto& reference = row["reference_float32"];
    EXPECT_NEAR(psnr_db(narrow.a, narrow.b), reference["psnr"], kPsnrFloat);
    EXPECT_NEAR(ssim_uniform(narrow.a, narrow.b), reference["ssim"], kFloat);
    EXPECT_NEAR(nmi(narrow.a, narrow.b), reference["nmi"], kNmiFloat);
    EXPECT_NEAR(nmi(narrow.a, narrow.b), reference["nmi"], 1e-6) << "float32 bins decide as the reference's do";
    ++pairs;
  }
  EXPECT_EQ(pairs, 6);
}

TEST(ReferenceNumbers, ColourPair) {
  const auto row = expected()["pairs"]["colour_jpeg"];
  const Pair narrow = read_pair("colour_jpeg"), wide = narrow.in_double();
  EXPECT_NEAR(psnr_db(wide.a, wide.b), row["psnr_all_channels"], kExact);
  EXPECT_NEAR(psnr_db(wide.a[0], wide.b[0]), row["psnr_channel_0"], kExact);
  EXPECT_NEAR(ssim_uniform(wide.a, wide.b), row["ssim_uniform7_mean_of_channels"], kExact);
  EXPECT_NEAR(ssim_uniform(wide.a[0], wide.b[0]), row["ssim_uniform7_channel_0"], kExact);
  EXPECT_NEAR(ssim_gaussian(wide.a, wide.b), row["ssim_gaussian11_mean_of_channels"], kExact);
  EXPECT_NEAR(nmi(wide.a[0], wide.b[0]), row["nmi_channel_0_float64"], kExact);
}

TEST(ReferenceNumbers, ProtocolsAuthorsAndSound) {
  const auto row = expected()["pairs"]["colour_jpeg"];
  const Pair pair = read_pair("colour_jpeg");
  auto values = compare_images(pair.a, pair.b, find_protocol("authors"));
  EXPECT_NEAR(values["psnr"], row["reference_float32"]["psnr"], kPsnrFloat);
  EXPECT_NEAR(values["ssim"], row["reference_float32"]["ssim"], kFloat);
  EXPECT_NEAR(values["nmi"], row["reference_float32"]["nmi"], kNmiFloat);
  values = compare_images(pair.a, pair.b, find_protocol("sound"));
  EXPECT_NEAR(values["psnr"], row["psnr_all_channels"], kExact);
  EXPECT_NEAR(values["ssim"], row["ssim_gaussian11_mean_of_channels"], kExact);
}

TEST(ReferenceNumbers, HoyerSparsity) {
  const auto file = serialization::read_safetensors(testing::parity_folder() / "metrics" / "hoyer.safetensors");
  const at::Tensor code = file.tensors.at("code");
  const auto row = expected()["hoyer"];
  EXPECT_NEAR(hoyer(code.to(at::kDouble)), row["float64"], kExact);
  EXPECT_NEAR(hoyer(code), row["reference_float32"], kFloat);
}

}  // namespace
}  // namespace sscvae::metrics
