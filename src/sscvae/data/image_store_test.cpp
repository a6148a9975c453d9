#include "sscvae/data/image_store.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <thread>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/data/test_images.h"
#include "sscvae/image/padding.h"
#include "sscvae/nn/arrays.h"
#include "support/paths.h"

namespace sscvae::data {
namespace {

using testing::TemporaryFolder;
using Names = std::vector<std::string>;

/// The window by plain tensor operations.
at::Tensor slow_window(const at::Tensor& image, const Window& window) {
  at::Tensor result = image::reflect_pad(image, std::max<int64_t>(0, window.top + window.height - image.size(1)),
                                         std::max<int64_t>(0, window.left + window.width - image.size(2)))
                          .narrow(1, window.top, window.height)
                          .narrow(2, window.left, window.width);
  if (window.symmetry & 1) result = result.flip({2});
  if (window.symmetry & 2) result = result.flip({1});
  if (window.symmetry & 4) result = result.transpose(1, 2);
  return result.contiguous();
}

at::Tensor fast_window(const ImageStore& store, int64_t index, const Window& window) {
  std::vector<float> values(static_cast<size_t>(store.channels() * window.height * window.width));
  store.copy_window(index, window, values.data());
  const bool swap = window.symmetry & 4;
  return at::from_blob(values.data(),
                       {store.channels(), swap ? window.width : window.height, swap ? window.height : window.width})
      .clone();
}

class ImageStoreTest : public ::testing::Test {
 protected:
  ImageStoreTest() {
    image::write_image(folder_ / "grey.png", test::random_image(13, 9, 1, 1));
    image::write_image(folder_ / "colour.png", test::random_image(6, 11, 3, 2));
    image::write_image(folder_ / "deep.png", test::random_image(7, 7, 1, 3, 16));
  }
  void damage(const std::string& name, size_t keep) {
    test::put_image(folder_ / name, 40, 40, 3);
    test::put_text(folder_ / name, read_file(folder_ / name).substr(0, keep));
  }
  TemporaryFolder folder_;
  const Names names_{"grey.png", "colour.png", "deep.png"};
};

TEST(ImageStore, samples_are_spread_over_their_range) {
  const testing::TemporaryFolder folder;
  image::Image image = test::random_image(8, 8, 1, 1, 16);
  for (size_t i = 1; i < image.bytes.size(); i += 2) image.bytes[i] &= 0x0F;  // 12 bits, low byte first
  image.bytes[0] = 0xFF, image.bytes[1] = 0x0F;
  image::write_image(folder / "a.png", image);
  const auto first = [&](const std::string& range) {
    DataOptions options;
    options.range = range;
    const ImageStore store(folder.path(), {"a.png"}, 1, 10, OnBroken::kRefuse, decoding_of(options));
    return static_cast<double>(store.get(0).data<float>()[0]);
  };
  EXPECT_EQ(first("auto"), 1.0);
  EXPECT_NEAR(first("full"), 4095 / 65535.0, 1e-7);
  EXPECT_NEAR(first("0:8190"), 0.5, 1e-5);
  EXPECT_THROW(first("much"), UsageError);
}

/// A file without its end is used, unless broken images are refused.
TEST(ImageStore, a_defect_is_a_warning_or_an_error) {
  const testing::TemporaryFolder folder;
  const std::string png = image::encode_png(test::random_image(8, 8, 1, 1));
  test::put_text(folder / "a.png", png.substr(0, png.size() - 12));
  EXPECT_EQ(ImageStore(folder.path(), {"a.png"}, 1, 10, OnBroken::kSkip).size(), 1);
  EXPECT_THROW(ImageStore(folder.path(), {"a.png"}, 1, 10, OnBroken::kRefuse), FormatError);
}

TEST_F(ImageStoreTest, gives_what_reading_gives) {
  for (const int64_t channels : {1, 3})
    for (const int64_t cache_mb : {0, 1}) {
      const ImageStore store(folder_.path(), names_, channels, cache_mb, OnBroken::kRefuse);
      EXPECT_EQ(store.size(), 3);
      EXPECT_EQ(store.cached_images(), cache_mb ? 3 : 0);
      EXPECT_EQ(store.cached_bytes(), cache_mb ? channels * (13 * 9 + 6 * 11 + 7 * 7 * 2) : 0);
      for (int64_t i = 0; i < 3; ++i) {
        const at::Tensor expected =
            image::to_array(image::with_channels(image::read_image(folder_ / names_[i]), channels));
        EXPECT_EQ(store.name(i), names_[i]);
        EXPECT_TRUE(at::equal(store.get(i), expected));
        EXPECT_EQ(store.height(i), expected.size(1));
        EXPECT_EQ(store.width(i), expected.size(2));
      }
    }
}

TEST_F(ImageStoreTest, windows_equal_padding_cropping_and_turning) {
  const ImageStore store(folder_.path(), names_, 3, 1, OnBroken::kRefuse);
  for (int64_t i = 0; i < 3; ++i)
    for (int symmetry = 0; symmetry < 8; ++symmetry)
      for (Window window : {Window{1, 2, 4, 3}, Window{0, 0, 5, 5}, Window{0, 0, 40, 23}, Window{3, 1, 20, 6}}) {
        window.symmetry = symmetry;
        EXPECT_TRUE(at::equal(fast_window(store, i, window), slow_window(store.get(i), window))) << symmetry;
      }
}

TEST_F(ImageStoreTest, the_symmetries_are_eight) {
  const ImageStore store(folder_.path(), {"grey.png"}, 1, 1, OnBroken::kRefuse);
  for (int a = 0; a < 8; ++a)
    for (int b = 0; b < a; ++b)
      EXPECT_FALSE(at::equal(fast_window(store, 0, {0, 0, 5, 5, a}), fast_window(store, 0, {0, 0, 5, 5, b})));
}

TEST_F(ImageStoreTest, the_cache_holds_the_first_images_that_fit) {
  for (int i = 0; i < 5; ++i) test::put_image(folder_ / format("%d.png", i), 512, 512, 3, static_cast<uint64_t>(i));
  const ImageStore store(folder_.path(), {"0.png", "1.png", "2.png", "3.png", "4.png"}, 3, 2, OnBroken::kRefuse);
  EXPECT_EQ(store.cached_images(), 2);
  EXPECT_EQ(store.summary(), "5 images; 2 (1.5 MiB) in memory");
  EXPECT_EQ(store.pixels(1).get(), store.pixels(1).get());
  EXPECT_NE(store.pixels(2).get(), store.pixels(2).get());
}

TEST_F(ImageStoreTest, broken_images_are_left_out_or_refused) {
  damage("cut.png", 2000);
  test::put_text(folder_ / "text.png", "no image");
  const Names with_broken{"grey.png", "cut.png", "colour.png", "text.png", "none.png", "deep.png"};
  const ImageStore store(folder_.path(), with_broken, 1, 10, OnBroken::kSkip);
  EXPECT_EQ(store.left_out(), (Names{"cut.png", "text.png", "none.png"}));
  ASSERT_EQ(store.size(), 3);
  EXPECT_EQ(store.name(1), "colour.png");
  EXPECT_EQ(store.summary().substr(0, 33), "3 images, 3 broken ones left out;");
  EXPECT_THROW(ImageStore(folder_.path(), with_broken, 1, 10, OnBroken::kRefuse), FormatError);
  EXPECT_THROW(ImageStore(folder_.path(), {"none.png"}, 1, 10, OnBroken::kRefuse), IoError);
  EXPECT_THROW(ImageStore(folder_.path(), {"cut.png", "text.png"}, 1, 10, OnBroken::kSkip), FormatError);
  EXPECT_THROW(ImageStore(folder_.path(), {}, 1, 10, OnBroken::kSkip), UsageError);
  EXPECT_THROW(ImageStore(folder_.path(), names_, 2, 10, OnBroken::kSkip), UsageError);
}

TEST_F(ImageStoreTest, damage_behind_a_header_is_met_at_use_beyond_the_cache) {
  damage("cut.png", 2000);
  const ImageStore skip(folder_.path(), {"grey.png", "cut.png", "deep.png"}, 1, 0, OnBroken::kSkip);
  ASSERT_EQ(skip.size(), 3);
  EXPECT_TRUE(at::equal(skip.get(1), skip.get(2)));
  EXPECT_TRUE(at::equal(fast_window(skip, 1, {30, 30, 10, 10}), fast_window(skip, 2, {30, 30, 10, 10})));
  const ImageStore refuse(folder_.path(), {"grey.png", "cut.png"}, 1, 0, OnBroken::kRefuse);
  EXPECT_NO_THROW(refuse.get(0));
  EXPECT_THROW(refuse.get(1), FormatError);
  const ImageStore all(folder_.path(), {"cut.png"}, 1, 0, OnBroken::kSkip);
  EXPECT_THROW(all.get(0), FormatError);
}

TEST_F(ImageStoreTest, threads_may_share_it) {
  const ImageStore store(folder_.path(), names_, 1, 0, OnBroken::kRefuse);
  const at::Tensor expected = store.get(1);
  std::vector<int> equal(4, 0);
  {
    std::vector<std::jthread> threads;
    for (int& count : equal)
      threads.emplace_back([&] {
        for (int i = 0; i < 25; ++i) count += at::equal(store.get(1), expected);
      });
  }
  EXPECT_EQ(equal, std::vector<int>(4, 25));
}

}  // namespace
}  // namespace sscvae::data
