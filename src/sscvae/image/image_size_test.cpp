#include <gtest/gtest.h>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/image/codecs.h"
#include "sscvae/image/image.h"
#include "sscvae/image/synthetic.h"
#include "support/paths.h"

namespace sscvae::image {
namespace {

using sscvae::testing::TemporaryFolder;

Image sized_picture(int64_t width, int64_t height, int64_t channels, int bit_depth = 8) {
  return from_array(to_array(dead_leaves(1, width, height, channels)), bit_depth);
}

TEST(ImageSize, is_read_from_headers) {
  const TemporaryFolder folder;
  write_image(folder / "a.png", sized_picture(31, 17, 3));
  write_image(folder / "b.png", sized_picture(300, 2, 1, 16));
  write_image(folder / "c.jpg", sized_picture(481, 321, 3));
  const ImageSize a = read_image_size(folder / "a.png"), b = read_image_size(folder / "b.png"),
                  c = read_image_size(folder / "c.jpg");
  EXPECT_EQ(std::tuple(a.width, a.height, a.bit_depth), std::tuple(31, 17, 8));
  EXPECT_EQ(std::tuple(b.width, b.height, b.bit_depth), std::tuple(300, 2, 16));
  EXPECT_EQ(std::tuple(c.width, c.height, c.bit_depth), std::tuple(481, 321, 8));
}

TEST(ImageSize, is_that_of_the_upright_image) {
  const TemporaryFolder folder;
  Image image = sized_picture(31, 17, 3);
  image.exif = std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0", 26);  // orientation 6
  for (const char* name : {"a.png", "a.jpg"}) {
    write_image(folder / name, image);
    const ImageSize size = read_image_size(folder / name);
    EXPECT_EQ(std::tuple(size.width, size.height), std::tuple(17, 31)) << name;
  }
}

/// Images that are listed by one and refused by the other would vanish.
TEST(ImageSize, takes_what_read_image_takes) {
  const TemporaryFolder folder;
  const std::string jpeg = encode_jpeg(sized_picture(31, 17, 3), 90);
  const size_t table = jpeg.find("\xff\xdb");
  write_atomically(folder / "a.jpg", jpeg.substr(0, table) + "garbage" + jpeg.substr(table));
  EXPECT_EQ(read_image(folder / "a.jpg").remarks, "extraneous bytes skipped");
  EXPECT_EQ(read_image_size(folder / "a.jpg").width, 31);
}

TEST(ImageSize, missing_and_foreign_files_are_refused) {
  const TemporaryFolder folder;
  write_atomically(folder / "text.png", "hello");
  write_atomically(folder / "empty.png", "");
  EXPECT_THROW(read_image_size(folder / "none.png"), IoError);
  EXPECT_THROW(read_image_size(folder.path()), IoError);
  EXPECT_THROW(read_image_size(folder / "text.png"), FormatError);
  EXPECT_THROW(read_image_size(folder / "empty.png"), FormatError);
}

TEST(ImageSize, headers_that_promise_too_much_or_nothing_are_refused) {
  const TemporaryFolder folder;
  std::string png = encode_png(sized_picture(2, 2, 1));
  std::string huge = png, empty = png;
  for (size_t i = 16; i < 24; ++i) huge[i] = '\x7f', empty[i] = '\0';
  write_atomically(folder / "huge.png", huge);
  write_atomically(folder / "empty.png", empty);
  EXPECT_THROW(read_image_size(folder / "huge.png"), FormatError);
  EXPECT_THROW(read_image_size(folder / "empty.png"), FormatError);
}

TEST(ImageSize, the_limit_of_pixels_is_that_of_the_caller) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "a.jpg"}) {
    write_image(folder / name, sized_picture(31, 17, 1));
    EXPECT_EQ(read_image_size(folder / name, 31 * 17).width, 31);
    EXPECT_EQ(read_image(folder / name, Alpha::kBlend, 31 * 17).width, 31);
    EXPECT_THROW(read_image_size(folder / name, 31 * 17 - 1), FormatError);
    EXPECT_THROW(read_image(folder / name, Alpha::kBlend, 31 * 17 - 1), FormatError);
  }
}

TEST(ImageSize, every_truncation_and_byte_flip_is_read_or_refused) {
  const TemporaryFolder folder;
  write_image(folder / "a.jpg", sized_picture(9, 5, 3));
  write_image(folder / "a.png", sized_picture(9, 5, 3));
  for (const std::string name : {"a.jpg", "a.png"}) {
    const std::string good = read_file(folder / name);
    size_t refused = 0;
    const auto probe = [&](const std::string& content) {
      write_atomically(folder / "probe", content);
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
}  // namespace sscvae::image
