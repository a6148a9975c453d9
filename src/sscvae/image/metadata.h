#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sscvae/image/image.h"

/// What files say about an image beside its samples: EXIF data and colour profiles.
namespace sscvae::image {

/// The orientation tag of EXIF data (a TIFF header and its folders of tags): 1 to 8; 1 where there is none, or the data
/// is damaged.
int exif_orientation(std::string_view exif);
/// The same data with orientation 1 and without its thumbnail, whose bytes are gone; `turned`: width and height tags
/// change places. Nothing else moves, so that offsets in notes of cameras stay true. Empty for damaged data.
std::string upright_exif(std::string_view exif, bool turned);
inline constexpr size_t kMaxJpegExif = 65527;  ///< bytes that a JPEG can hold

/// Turns and mirrors the pixels as the EXIF data says, and sets `exif` to upright_exif.
void turn_upright(Image& image);

/// Gives `result`, made of `original`, its opacity, significant bits, profile and EXIF data, as far as a file of that
/// format holds them. Returns what is lost, in words: opacity of a JPEG; a profile for other channels than those of the
/// result; EXIF data above kMaxJpegExif; bits beyond the result's.
std::vector<std::string> carry_over(const Image& original, Image& result, FileFormat format);

}  // namespace sscvae::image
