#include <cstdio>  // jpeglib.h needs FILE and size_t

#include <jpeglib.h>
// after jpeglib.h
#include <jerror.h>

#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/codecs.h"
#include "sscvae/image/metadata.h"

namespace sscvae::image {

namespace {

constexpr int kMaxScans = 100;
constexpr uint64_t kMaxPixelsPerByte = 512;
constexpr uint64_t kArithmeticAllowance = uint64_t{1} << 24;
constexpr int64_t kMaxJpegSide = JPEG_MAX_DIMENSION;
constexpr int kExifMarker = JPEG_APP0 + 1, kProfileMarker = JPEG_APP0 + 2;
constexpr std::string_view kExifName{"Exif\0\0", 6};  // before EXIF data in its marker

struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg knows the object as this
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool extraneous, bogus_profile, ended;
};

ErrorManager& manager_of(j_common_ptr codec) { return *reinterpret_cast<ErrorManager*>(codec->err); }

[[noreturn]] void on_jpeg_error(j_common_ptr codec) {
  ErrorManager& manager = manager_of(codec);
  codec->err->format_message(codec, manager.message);
  std::longjmp(manager.jump, 1);
}

/// Level -1 is a warning. Those about the wrapping of undamaged pixels pass, all others mean damaged data.
void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;
  const int code = codec->err->msg_code;
  if (code == JWRN_EXTRANEOUS_DATA) manager_of(codec).extraneous = true;
  if (code == JWRN_BOGUS_ICC) manager_of(codec).bogus_profile = true;
  if (code == JWRN_JPEG_EOF) manager_of(codec).ended = true;  // whether pixels are missing shows later
  for (const int harmless : {JWRN_EXTRANEOUS_DATA, JWRN_ADOBE_XFORM, JWRN_JFIF_MAJOR, JWRN_BOGUS_ICC, JWRN_JPEG_EOF})
    if (code == harmless) return;
  on_jpeg_error(codec);
}

void on_output(j_common_ptr) {}

void install(ErrorManager& manager, jpeg_error_mgr*& slot) {
  slot = jpeg_std_error(&manager.base);
  manager.base.error_exit = on_jpeg_error;
  manager.base.emit_message = on_message;
  manager.base.output_message = on_output;
  manager.extraneous = manager.bogus_profile = manager.ended = false;
  std::strcpy(manager.message, "unknown error");
}

struct Decoder {
  jpeg_decompress_struct codec{};
  ErrorManager manager{};
  jpeg_progress_mgr progress{};
  Decoder() { install(manager, codec.err); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&codec); }  // harmless if never created
};

struct Encoder {
  jpeg_compress_struct codec{};
  ErrorManager manager{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  Encoder() { install(manager, codec.err); }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() {
    jpeg_destroy_compress(&codec);
    std::free(buffer);
  }
};

/// False if libjpeg failed inside `body`, which must not own anything.
template <class Codec, class Body>
bool guarded_jpeg(Codec& state, const Body& body) {
  if (setjmp(state.manager.jump)) return false;
  body(&state.codec);
  return true;
}

void on_progress(j_common_ptr common) {
  auto* codec = reinterpret_cast<j_decompress_ptr>(common);
  if (codec->input_scan_number <= kMaxScans) return;
  ErrorManager& manager = manager_of(common);
  std::snprintf(manager.message, sizeof manager.message, "more than %d scans", kMaxScans);
  std::longjmp(manager.jump, 1);
}

[[noreturn]] void fail_jpeg(const Decoder& decoder, const std::string& source) {
  throw FormatError(source + ": damaged JPEG: " + decoder.manager.message);
}

/// The header of a file of `length` bytes; `open(codec)` says where its bytes come from.
template <class Open>
void read_jpeg_header(Decoder& decoder, uint64_t length, int64_t max_pixels, const std::string& source,
                      const Open& open) {
  const bool read = guarded_jpeg(decoder, [&](j_decompress_ptr codec) {
    jpeg_create_decompress(codec);
    decoder.progress.progress_monitor = on_progress;
    codec->progress = &decoder.progress;
    open(codec);
    for (const int marker : {kExifMarker, kProfileMarker}) jpeg_save_markers(codec, marker, 0xFFFF);
    jpeg_read_header(codec, TRUE);
  });
  if (!read) fail_jpeg(decoder, source);
  const jpeg_decompress_struct& codec = decoder.codec;
  check_image_size(codec.image_width, codec.image_height, max_pixels, source);
  const uint64_t plausible = length * kMaxPixelsPerByte + (codec.arith_code ? kArithmeticAllowance : 0);
  if (uint64_t{codec.image_width} * codec.image_height > plausible)
    throw FormatError(source + ": damaged JPEG: " +
                      format("%ux%u pixels cannot come from %llu bytes", codec.image_width, codec.image_height,
                             static_cast<unsigned long long>(length)));
  if (codec.num_components != 1 && codec.num_components != 3 && codec.num_components != 4)
    throw FormatError(source + ": " + format("JPEG with %d components, expected 1, 3 or 4", codec.num_components));
}

std::string_view jpeg_exif(const Decoder& decoder) {
  for (jpeg_saved_marker_ptr marker = decoder.codec.marker_list; marker; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (marker->marker == kExifMarker && data.starts_with(kExifName)) return data.substr(kExifName.size());
  }
  return {};
}

std::string jpeg_profile(Decoder& decoder, const std::string& source) {
  JOCTET* data = nullptr;
  unsigned length = 0;
  if (!guarded_jpeg(decoder, [&](j_decompress_ptr codec) { jpeg_read_icc_profile(codec, &data, &length); }))
    fail_jpeg(decoder, source);
  const std::unique_ptr<JOCTET, decltype(&std::free)> owner(data, std::free);
  return data ? std::string(reinterpret_cast<const char*>(data), length) : std::string();
}

/// Pillow's rounding of a b / 255.
int scaled(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// One row of inks (0 = none) to light, or of inverted inks as Adobe writes them.
void cmyk_to_rgb(const uint8_t* inks, uint8_t* rgb, int64_t width, bool inverted) {
  for (int64_t x = 0; x < width; ++x) {
    const int black = inverted ? 255 - inks[4 * x + 3] : inks[4 * x + 3];
    for (int c = 0; c < 3; ++c) {
      const int ink = inverted ? 255 - inks[4 * x + c] : inks[4 * x + c];
      rgb[3 * x + c] = static_cast<uint8_t>(255 - black - scaled(ink, 255 - black));
    }
  }
}

/// Do the scans that were read hold everything? Only files without an end can lack some.
bool has_all_scans(const jpeg_decompress_struct& codec) {
  if (codec.arith_code) return false;  // its decoder takes what is missing for zeros
  for (int c = 0; c < codec.num_components; ++c) {
    if (!codec.comp_info[c].quant_table) return false;  // none of its scans was there
    for (int k = 0; codec.progressive_mode && k < DCTSIZE2; ++k)
      if (codec.coef_bits[c][k] != 0) return false;  // bits of this coefficient are to come
  }
  return true;
}

void read_jpeg_rows(Decoder& decoder, Image& image, std::vector<uint8_t>& inks, const std::string& source) {
  uint8_t* const pixels = image.bytes.data();
  const size_t row_bytes = static_cast<size_t>(image.width * image.channels);
  uint8_t* const ink_row = inks.empty() ? nullptr : inks.data();
  const bool read = guarded_jpeg(decoder, [&](j_decompress_ptr codec) {
    codec->out_color_space = ink_row ? JCS_CMYK : image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(codec);
    while (codec->output_scanline < codec->output_height) {
      uint8_t* const target = pixels + codec->output_scanline * row_bytes;
      JSAMPROW row = ink_row ? ink_row : target;
      if (jpeg_read_scanlines(codec, &row, 1) != 1) ERREXIT(codec, JERR_INPUT_EOF);
      if (ink_row) cmyk_to_rgb(ink_row, target, image.width, codec->saw_Adobe_marker);
    }
    if (decoder.manager.ended && !has_all_scans(*codec)) ERREXIT(codec, JERR_INPUT_EOF);
    jpeg_finish_decompress(codec);
  });
  if (!read) fail_jpeg(decoder, source);
}

void compress(Encoder& encoder, const Image& image, const std::string& exif, int quality) {
  const size_t row_bytes = static_cast<size_t>(image.width * image.channels);
  const bool written = guarded_jpeg(encoder, [&](j_compress_ptr codec) {
    jpeg_create_compress(codec);
    jpeg_mem_dest(codec, &encoder.buffer, &encoder.size);
    codec->image_width = static_cast<JDIMENSION>(image.width);
    codec->image_height = static_cast<JDIMENSION>(image.height);
    codec->input_components = static_cast<int>(image.channels);
    codec->in_color_space = image.channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(codec);
    jpeg_set_quality(codec, quality, TRUE);
    codec->comp_info[0].h_samp_factor = codec->comp_info[0].v_samp_factor = 1;  // colour at full resolution
    jpeg_start_compress(codec, TRUE);
    const auto* exif_bytes = reinterpret_cast<const JOCTET*>(exif.data());
    if (!exif.empty()) jpeg_write_marker(codec, kExifMarker, exif_bytes, static_cast<unsigned>(exif.size()));
    const auto* profile = reinterpret_cast<const JOCTET*>(image.icc.data());
    if (!image.icc.empty()) jpeg_write_icc_profile(codec, profile, static_cast<unsigned>(image.icc.size()));
    while (codec->next_scanline < codec->image_height) {
      auto* row = const_cast<JSAMPLE*>(image.bytes.data() + codec->next_scanline * row_bytes);
      jpeg_write_scanlines(codec, &row, 1);
    }
    jpeg_finish_compress(codec);
  });
  if (!written) throw IoError("cannot encode JPEG: " + std::string(encoder.manager.message));
}

}  // namespace

bool is_jpeg(std::string_view bytes) { return bytes.starts_with("\xff\xd8\xff"); }

Image decode_jpeg(std::string_view bytes, int64_t max_pixels, const std::string& source) {
  Decoder decoder;
  read_jpeg_header(decoder, bytes.size(), max_pixels, source, [&](j_decompress_ptr codec) {
    jpeg_mem_src(codec, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  });
  const int components = decoder.codec.num_components;
  Image image;
  image.format = FileFormat::kJpeg;
  image.exif = jpeg_exif(decoder);
  image.icc = jpeg_profile(decoder, source);
  image.width = decoder.codec.image_width;
  image.height = decoder.codec.image_height;
  image.channels = components == 1 ? 1 : 3;
  image.bytes.resize(static_cast<size_t>(image.width * image.height * image.channels));
  std::vector<uint8_t> inks(components == 4 ? static_cast<size_t>(image.width) * 4 : 0);
  read_jpeg_rows(decoder, image, inks, source);
  if (decoder.manager.ended) image.defect = kEndMissing;
  if (components == 4) add_remark(image, "CMYK");
  if (decoder.manager.extraneous) add_remark(image, "extraneous bytes skipped");
  if (decoder.manager.bogus_profile) add_remark(image, "damaged colour profile left out");
  return image;
}

ImageSize jpeg_size(std::FILE* file, uint64_t length, int64_t max_pixels, const std::string& source) {
  Decoder decoder;
  read_jpeg_header(decoder, length, max_pixels, source, [&](j_decompress_ptr codec) { jpeg_stdio_src(codec, file); });
  ImageSize size{decoder.codec.image_width, decoder.codec.image_height, 8};
  if (exif_orientation(jpeg_exif(decoder)) >= 5) std::swap(size.width, size.height);
  return size;
}

std::string encode_jpeg(const Image& image, int quality) {
  check_consistent(image);
  if (image.bit_depth != 8)
    throw UsageError(format("JPEG holds 8-bit images, got %d bits: write PNG", image.bit_depth));
  if (!image.alpha.empty()) throw UsageError("JPEG holds no opacity: write PNG");
  if (image.exif.size() > kMaxJpegExif)
    throw UsageError(
        format("JPEG holds at most %zu bytes of EXIF data, got %zu: write PNG", kMaxJpegExif, image.exif.size()));
  if (image.width > kMaxJpegSide || image.height > kMaxJpegSide)
    throw UsageError(format("JPEG holds at most %lld pixels a side, got %lldx%lld: write PNG",
                            static_cast<long long>(kMaxJpegSide), static_cast<long long>(image.width),
                            static_cast<long long>(image.height)));
  Encoder encoder;
  compress(encoder, image, image.exif.empty() ? "" : std::string(kExifName) + image.exif, quality);
  return {reinterpret_cast<const char*>(encoder.buffer), encoder.size};
}

}  // namespace sscvae::image
