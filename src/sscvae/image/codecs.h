#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sscvae/image/image.h"

/// The two file formats behind read_image and write_image. Private to this folder.
///
/// libpng and libjpeg report errors by longjmp. Every call of theirs therefore stands in a small function whose frame
/// owns nothing with a destructor; what must be released is owned one frame further out.
namespace sscvae::image {

bool is_png(std::string_view bytes);
bool is_jpeg(std::string_view bytes);

/// Memory is taken only after the header proves plausible: deflate cannot expand more than 1032-fold, so a PNG that
/// claims more samples than that for its length is refused before its rows are allocated.
/// Strict: a missing end or a failed check sum of image data is an error. Errors: FormatError.
Image decode_png(std::string_view bytes, const std::string& source);

/// A block of 8x8 samples takes at least one bit of a Huffman-coded JPEG, so that 512 pixels a byte are the most that
/// a header may claim (arithmetic coding: 2^24 pixels more); at most 100 scans. libjpeg's warnings of damaged data are
/// errors here: a truncated file never gives a half-grey image. Errors: FormatError.
Image decode_jpeg(std::string_view bytes, const std::string& source);

/// Errors: UsageError for 16-bit images and for sides above 65500, which JPEG cannot hold.
std::string encode_jpeg(const Image& image, int quality);

/// FormatError unless 1 <= width, height and width * height <= kMaxPixels.
void check_image_size(uint64_t width, uint64_t height, const std::string& source);

/// InternalError unless the image's fields fit each other.
void check_consistent(const Image& image);

}  // namespace sscvae::image
