#include "sscvae/array/shape.h"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/nn/arrays.h"

namespace sscvae {
namespace {

std::string refusal_of_shape(const at::Tensor& tensor, const char* axes, std::initializer_list<int64_t> expected) {
  try {
    check_shape(tensor, "features", axes, expected);
  } catch (const ShapeError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ShapeText, ListsSizes) {
  EXPECT_EQ(shape_text(at::empty({2, 16, 8, 8})), "[2, 16, 8, 8]");
  EXPECT_EQ(shape_text(at::empty({})), "[]");
  EXPECT_EQ(shape_text(at::empty({0})), "[0]");
  EXPECT_EQ(shape_text(at::Tensor()), "nothing");
}

TEST(CheckShape, AcceptsWhatFits) {
  EXPECT_EQ(refusal_of_shape(at::empty({2, 16, 5, 7}), "N,d,h,w", {-1, 16, -1, -1}), "accepted");
  EXPECT_EQ(refusal_of_shape(at::empty({3}), "K", {3}), "accepted");
}

TEST(CheckShape, SaysWhatWasExpectedAndFound) {
  EXPECT_EQ(refusal_of_shape(at::empty({2, 8, 4, 4}), "N,d,h,w", {-1, 16, -1, -1}),
            "features: expected [N, 16, h, w], got [2, 8, 4, 4]");
  EXPECT_EQ(refusal_of_shape(at::empty({2, 16, 4}), "N,d,h,w", {-1, 16, -1, -1}),
            "features: expected [N, 16, h, w], got [2, 16, 4]");
  EXPECT_EQ(refusal_of_shape(at::Tensor(), "K", {-1}), "features: expected [K], got nothing");
}

}  // namespace
}  // namespace sscvae
