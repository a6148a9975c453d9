#include "sscvae/report/colormap.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::report {
namespace {

Rgb pixel(const image::Image& picture, int64_t x, int64_t y) {
  const auto at = static_cast<size_t>(3 * (y * picture.width + x));
  return {picture.bytes.at(at), picture.bytes.at(at + 1), picture.bytes.at(at + 2)};
}

TEST(Colormap, EndsMiddleAndWhatIsNoNumber) {
  EXPECT_EQ(color_at("grey", 0), (Rgb{0, 0, 0}));
  EXPECT_EQ(color_at("grey", 7), (Rgb{255, 255, 255}));
  const Rgb blue = color_at("diverging", 0), white = color_at("diverging", 0.5), red = color_at("diverging", 1);
  EXPECT_GT(blue[2], blue[0]);
  EXPECT_GT(red[0], red[2]);
  EXPECT_GT(std::min({white[0], white[1], white[2]}), 230);
  EXPECT_EQ(color_at("viridis", std::numeric_limits<double>::quiet_NaN()), kNotFinite);
  EXPECT_THROW(color_at("no such map", 0), UsageError);
}

TEST(Colormap, ValuesBecomePixelsInPlace) {
  const at::Tensor values = torch::tensor({{0.0, 1.0, 2.0}, {3.0, 4.0, 5.0}}, at::kDouble);
  const image::Image picture = apply_colormap(values, "grey");
  EXPECT_EQ(std::pair(picture.width, picture.height), std::pair(int64_t{3}, int64_t{2}));
  for (int64_t y = 0; y < 2; ++y)
    for (int64_t x = 0; x < 3; ++x)
      EXPECT_EQ(pixel(picture, x, y), color_at("grey", static_cast<double>(3 * y + x) / 5));
  EXPECT_EQ(pixel(apply_colormap(values - 1, "diverging"), 1, 0), color_at("diverging", 0.5));
  EXPECT_THROW(apply_colormap(values, 2, 1), UsageError);
  EXPECT_THROW(apply_colormap(values.unsqueeze(0)), ShapeError);
}

TEST(Colormap, AtomsStandInReadingOrderWithGaps) {
  at::Tensor atoms = torch::zeros({3, 2, 2});
  atoms[1][0][1] = -4;
  atoms[2][1][0] = 2;
  const image::Image mosaic = atoms_mosaic(atoms, 2);
  EXPECT_EQ(std::pair(mosaic.width, mosaic.height), std::pair(int64_t{7}, int64_t{7}));
  EXPECT_EQ(pixel(mosaic, 3, 1), kGap);
  EXPECT_EQ(pixel(mosaic, 5, 5), kGap);  // no fourth atom
  EXPECT_EQ(pixel(mosaic, 1, 1), color_at("diverging", 0.5));
  EXPECT_EQ(pixel(mosaic, 5, 1), color_at("diverging", 0));
  EXPECT_EQ(pixel(mosaic, 1, 5), color_at("diverging", 1));
  EXPECT_THROW(atoms_mosaic(atoms, -1), UsageError);
}

TEST(Colormap, ResidualsAreRedWhereTooBright) {
  const at::Tensor original = torch::full({1, 1, 3}, 0.5), result = original + torch::tensor({{{-0.2, 0.0, 0.2}}});
  const image::Image picture = residual_image(original, result, 5);
  EXPECT_EQ(pixel(picture, 0, 0), color_at("diverging", 0));
  EXPECT_EQ(pixel(picture, 1, 0), color_at("diverging", 0.5));
  EXPECT_EQ(pixel(picture, 2, 0), color_at("diverging", 1));
  EXPECT_THROW(residual_image(original, result, 0), UsageError);
}

}  // namespace
}  // namespace sscvae::report
