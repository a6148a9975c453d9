#include "sscvae/data/image_size.h"

#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/data/test_images.h"
#include "support/paths.h"

namespace sscvae::data {
namespace {

using testing::TemporaryFolder;

TEST(ImageSize, is_read_from_headers) {
  const TemporaryFolder folder;
  image::write_image(folder / "a.png", test::random_image(31, 17, 3, 1));
  image::write_image(folder / "b.png", test::random_image(300, 2, 1, 1, 16));
  image::write_image(folder / "c.jpg", test::random_image(481, 321, 3, 1));
  const ImageSize a = read_image_size(folder / "a.png"), b = read_image_size(folder / "b.png"),
                  c = read_image_size(folder / "c.jpg");
  EXPECT_EQ(std::tuple(a.width, a.height, a.bit_depth), std::tuple(31, 17, 8));
  EXPECT_EQ(std::tuple(b.width, b.height, b.bit_depth), std::tuple(300, 2, 16));
  EXPECT_EQ(std::tuple(c.width, c.height, c.bit_depth), std::tuple(481, 321, 8));
}

TEST(ImageSize, missing_and_foreign_files_are_refused) {
  const TemporaryFolder folder;
  test::put_text(folder / "text.png", "hello");
  test::put_text(folder / "empty.png", "");
  EXPECT_THROW(read_image_size(folder / "none.png"), IoError);
  EXPECT_THROW(read_image_size(folder.path()), IoError);
  EXPECT_THROW(read_image_size(folder / "text.png"), FormatError);
  EXPECT_THROW(read_image_size(folder / "empty.png"), FormatError);
}

TEST(ImageSize, headers_that_promise_too_much_or_nothing_are_refused) {
  const TemporaryFolder folder;
  std::string png = image::encode_png(test::random_image(2, 2, 1, 1));
  std::string huge = png, empty = png;
  for (size_t i = 16; i < 24; ++i) huge[i] = '\x7f', empty[i] = '\0';
  test::put_text(folder / "huge.png", huge);
  test::put_text(folder / "empty.png", empty);
  EXPECT_THROW(read_image_size(folder / "huge.png"), FormatError);
  EXPECT_THROW(read_image_size(folder / "empty.png"), FormatError);
}

TEST(ImageSize, every_truncation_and_byte_flip_is_read_or_refused) {
  const TemporaryFolder folder;
  image::write_image(folder / "a.jpg", test::random_image(9, 5, 3, 1));
  image::write_image(folder / "a.png", test::random_image(9, 5, 3, 1));
  for (const std::string name : {"a.jpg", "a.png"}) {
    const std::string good = read_file(folder / name).substr(0, 700);
    size_t refused = 0;
    const auto probe = [&](const std::string& content) {
      test::put_text(folder / "probe", content);
      try {
        const ImageSize size = read_image_size(folder / "probe");
        EXPECT_GE(size.width * size.height, 1);
      } catch (const FormatError&) {
        ++refused;
      }
    };
    for (size_t i = 0; i < std::min<size_t>(good.size(), 200); ++i) {
      probe(good.substr(0, i));
      std::string flipped = good;
      flipped[i] = static_cast<char>(~flipped[i]);
      probe(flipped);
    }
    EXPECT_GT(refused, 24U) << name;
  }
}

}  // namespace
}  // namespace sscvae::data
