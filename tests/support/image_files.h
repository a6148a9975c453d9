#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <png.h>

/// Image files of every kind, made in memory straight with libpng and libjpeg, for tests of what the program reads.
namespace sscvae::testing {

struct PngSpec {
  uint32_t width = 1, height = 1;
  int bit_depth = 8, color_type = PNG_COLOR_TYPE_GRAY;
  bool interlaced = false;
  std::vector<uint8_t> rows =
      {};  ///< packed as in the file: 16-bit samples big-endian, small samples from the high bits
  std::vector<png_color> palette = {};
  std::vector<uint8_t> palette_alpha = {};
  int transparent_grey = -1;  ///< tRNS of a grey image
};

inline std::string png_file(const PngSpec& spec) {
  std::string file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &file,
      [](png_structp p, png_bytep data, size_t count) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(data), count);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, spec.width, spec.height, spec.bit_depth, spec.color_type,
               spec.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!spec.palette.empty()) png_set_PLTE(png, info, spec.palette.data(), static_cast<int>(spec.palette.size()));
  png_color_16 grey{};
  grey.gray = static_cast<uint16_t>(spec.transparent_grey);
  if (!spec.palette_alpha.empty())
    png_set_tRNS(png, info, spec.palette_alpha.data(), static_cast<int>(spec.palette_alpha.size()), nullptr);
  if (spec.transparent_grey >= 0) png_set_tRNS(png, info, nullptr, 0, &grey);
  png_write_info(png, info);
  const size_t row_bytes = png_get_rowbytes(png, info);
  std::vector<uint8_t> rows = spec.rows;
  rows.resize(row_bytes * spec.height);
  const int passes = png_set_interlace_handling(png);
  for (int pass = 0; pass < passes; ++pass)
    for (uint32_t y = 0; y < spec.height; ++y) png_write_row(png, rows.data() + y * row_bytes);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}

struct JpegSpec {
  int width = 1, height = 1, components = 3;
  J_COLOR_SPACE color_space = JCS_RGB;  ///< of `samples`; the file holds grey, YCbCr, CMYK or YCCK
  bool as_ycck = false, progressive = false, arithmetic = false;
  int chroma_step = 1;  ///< 2: 4:2:0
  int restart_rows = 0, quality = 95;
  std::vector<uint8_t> samples = {};
};

inline std::string jpeg_file(const JpegSpec& spec) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &buffer, &size);
  codec.image_width = static_cast<JDIMENSION>(spec.width);
  codec.image_height = static_cast<JDIMENSION>(spec.height);
  codec.input_components = spec.components;
  codec.in_color_space = spec.color_space;
  jpeg_set_defaults(&codec);
  if (spec.as_ycck) jpeg_set_colorspace(&codec, JCS_YCCK);
  jpeg_set_quality(&codec, spec.quality, TRUE);
  codec.comp_info[0].h_samp_factor = codec.comp_info[0].v_samp_factor = spec.chroma_step;
  codec.arith_code = spec.arithmetic;
  codec.restart_in_rows = spec.restart_rows;
  if (spec.progressive) jpeg_simple_progression(&codec);
  jpeg_start_compress(&codec, TRUE);
  std::vector<uint8_t> samples = spec.samples;
  const size_t row_bytes = static_cast<size_t>(spec.width) * static_cast<size_t>(spec.components);
  samples.resize(row_bytes * static_cast<size_t>(spec.height), 128);
  while (codec.next_scanline < codec.image_height) {
    JSAMPROW row = samples.data() + codec.next_scanline * row_bytes;
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  std::string file(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&codec);
  std::free(buffer);
  return file;
}

/// `count` bytes that look a little like a picture: slow waves and some grain.
inline std::vector<uint8_t> picture_bytes(size_t count, uint32_t seed = 1) {
  std::vector<uint8_t> bytes(count);
  uint32_t state = seed * 2654435761u + 1;
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    bytes[i] = static_cast<uint8_t>(((i * i / 97 + 3 * i) & 0xE0) + (state >> 28));
  }
  return bytes;
}

}  // namespace sscvae::testing
