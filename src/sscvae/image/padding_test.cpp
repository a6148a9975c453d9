#include "sscvae/image/padding.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::image {
namespace {

std::vector<double> padded_row(int64_t size, int64_t extra) {
  const Array row = reflect_pad(Array::range(size, kFloat64).view({1, 1, size}), 0, extra).contiguous();
  return {row.data<double>(), row.data<double>() + row.numel()};
}

TEST(ReflectPad, DoesNotRepeatTheEdge) {
  EXPECT_EQ(padded_row(3, 2), (std::vector<double>{0, 1, 2, 1, 0}));
  EXPECT_EQ(padded_row(3, 7), (std::vector<double>{0, 1, 2, 1, 0, 1, 2, 1, 0, 1}));
  EXPECT_EQ(padded_row(2, 5), (std::vector<double>{0, 1, 0, 1, 0, 1, 0}));
  EXPECT_EQ(padded_row(1, 3), (std::vector<double>{0, 0, 0, 0}));
}

TEST(ReflectPad, EqualsLibTorchWhereThatWorks) {
  const at::Tensor image = at::rand({2, 3, 6, 9});
  EXPECT_TRUE(at::equal(reflect_pad(image, 5, 8), at::reflection_pad2d(image, {0, 8, 0, 5})));
  EXPECT_TRUE(at::equal(reflect_pad(image[0], 2, 1), at::reflection_pad2d(image[0], {0, 1, 0, 2})));
}

TEST(ReflectPad, ReturnsTheInputWhereNothingIsAdded) {
  const at::Tensor image = at::rand({1, 1, 8, 16});
  EXPECT_EQ(reflect_pad(image, 0, 0).bytes(), image.data_ptr());
  EXPECT_EQ(reflect_pad_to_multiple(image, 8).bytes(), image.data_ptr());
}

TEST(ReflectPad, CropUndoesItForEverySize) {
  for (int64_t height = 1; height < 10; ++height)
    for (int64_t width = 1; width < 10; ++width) {
      const at::Tensor image = at::rand({1, 2, height, width});
      const at::Tensor padded = reflect_pad_to_multiple(image, 8);
      EXPECT_EQ(padded.size(2), height <= 8 ? 8 : 16);
      EXPECT_EQ(padded.size(3), width <= 8 ? 8 : 16);
      EXPECT_TRUE(at::equal(crop_to(padded, height, width), image));
    }
}

TEST(ReflectedSpan, BeginsAnywhereInside) {
  const Array row = reflected_span(Array::range(4).view({1, 1, 4}), 2, 3, 6);
  EXPECT_EQ((std::vector<int64_t>(row.data<int64_t>(), row.data<int64_t>() + 6)),
            (std::vector<int64_t>{3, 2, 1, 0, 1, 2}));
}

TEST(Padding, ChecksItsArguments) {
  EXPECT_THROW(reflect_pad(at::zeros({4, 4}), 1, 1), ShapeError);
  EXPECT_THROW(reflect_pad(at::zeros({1, 4, 4}), -1, 0), ShapeError);
  EXPECT_THROW(reflect_pad(at::zeros({1, 0, 4}), 1, 0), ShapeError);
  EXPECT_THROW(reflect_pad_to_multiple(at::zeros({1, 4, 4}), 0), UsageError);
  EXPECT_THROW(crop_to(at::zeros({1, 4, 4}), 5, 4), ShapeError);
}

TEST(ReflectedIndex, WorksOnBothSides) {
  const std::vector<int64_t> expected{2, 1, 0, 1, 2, 3, 2, 1, 0, 1};
  for (int64_t i = -2; i < 8; ++i) EXPECT_EQ(reflected_index(i, 4), expected[static_cast<size_t>(i + 2)]) << i;
  EXPECT_EQ(reflected_index(-5, 1), 0);
}

}  // namespace
}  // namespace sscvae::image
