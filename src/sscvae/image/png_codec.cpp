#include <png.h>

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <utility>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/codecs.h"
#include "sscvae/image/metadata.h"

namespace sscvae::image {

namespace {

constexpr uint64_t kMaxDeflateExpansion = 1032;
constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;
constexpr png_byte kKeptChunks[] = "iCCP\0eXIf\0sBIT";
constexpr int kNumKeptChunks = 3;

/// Owns libpng's state, for reading or for writing.
struct PngState {
  png_structp png = nullptr;
  png_infop info = nullptr;
  bool writing = false, bad_profile = false, ended = false;
  std::string_view input;
  size_t position = 0;
  std::string output;
  char message[160] = "unknown error";

  PngState() = default;
  PngState(const PngState&) = delete;
  PngState& operator=(const PngState&) = delete;
  ~PngState() {
    if (writing) png_destroy_write_struct(&png, &info);
    else png_destroy_read_struct(&png, &info, nullptr);
  }
};

[[noreturn]] void on_png_error(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof state->message, "%s", message);
  png_longjmp(png, 1);
}

void on_warning(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  if (std::string_view(message).starts_with("iCCP")) state->bad_profile = true;
}

void on_read(png_structp png, png_bytep target, size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (count > state->input.size() - state->position) {
    state->ended = true;
    png_error(png, "the file ends too early");
  }
  std::memcpy(target, state->input.data() + state->position, count);
  state->position += count;
}

bool append(std::string& output, png_const_bytep data, size_t count) noexcept {
  try {
    output.append(reinterpret_cast<const char*>(data), count);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void on_write(png_structp png, png_bytep data, size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (!append(state->output, data, count)) png_error(png, "out of memory");
}

void on_flush(png_structp) {}

/// False if libpng failed inside `body`, which must not own anything.
template <class Body>
bool guarded_png(PngState& state, const Body& body) {
  if (setjmp(png_jmpbuf(state.png))) return false;
  body(state.png, state.info);
  return true;
}

struct PngHeader {
  png_uint_32 width = 0, height = 0;
  int bit_depth = 0, color_type = 0, interlace = 0;
  bool is_grey_palette = false;
};

[[noreturn]] void fail_png(const PngState& state, const std::string& source) {
  throw FormatError(source + ": damaged PNG: " + state.message);
}

PngHeader read_png_header(PngState& state, const std::string& source) {
  PngHeader header;
  const bool read = guarded_png(state, [&header](png_structp png, png_infop info) {
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, kMaxChunkBytes);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // all but IHDR, PLTE, tRNS, IDAT, IEND
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, kKeptChunks, kNumKeptChunks);
    png_read_info(png, info);
    png_get_IHDR(png, info, &header.width, &header.height, &header.bit_depth, &header.color_type, &header.interlace,
                 nullptr, nullptr);
    png_colorp palette = nullptr;
    int entries = 0;
    if (header.color_type == PNG_COLOR_TYPE_PALETTE && png_get_PLTE(png, info, &palette, &entries)) {
      header.is_grey_palette = true;
      for (int i = 0; i < entries; ++i)
        if (palette[i].red != palette[i].green || palette[i].green != palette[i].blue) header.is_grey_palette = false;
    }
  });
  if (!read) fail_png(state, source);
  return header;
}

/// Could the file's bytes hold the pixels that its header claims?
void check_plausible(const PngState& state, const PngHeader& header, uint64_t length, int64_t max_pixels,
                     const std::string& source) {
  check_image_size(header.width, header.height, max_pixels, source);
  const uint64_t row_bytes = png_get_rowbytes(state.png, state.info);
  const uint64_t needed = row_bytes * header.height / kMaxDeflateExpansion;
  if (needed > length)
    throw FormatError(source + ": damaged PNG: " +
                      format("%ux%u pixels need at least %llu bytes, the file has %llu", header.width, header.height,
                             static_cast<unsigned long long>(needed), static_cast<unsigned long long>(length)));
}

std::string_view png_exif(const PngState& state) {
  png_bytep data = nullptr;
  png_uint_32 length = 0;
  if (!png_get_eXIf_1(state.png, state.info, &length, &data)) return {};
  return {reinterpret_cast<const char*>(data), length};
}

std::string_view png_profile(const PngState& state) {
  png_charp name = nullptr;
  png_bytep data = nullptr;
  png_uint_32 length = 0;
  int compression = 0;
  if (!png_get_iCCP(state.png, state.info, &name, &compression, &data, &length)) return {};
  return {reinterpret_cast<const char*>(data), length};
}

/// Samples of 8 or 16 bits, 1 to 4 of them a pixel. Returns the channels.
int prepare(PngState& state, const PngHeader& header, const std::string& source, int* passes) {
  int channels = 0;
  const bool prepared = guarded_png(state, [&](png_structp png, png_infop info) {
    png_set_expand(png);
    if (header.bit_depth == 16 && std::endian::native == std::endian::little) png_set_swap(png);
    *passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    channels = png_get_channels(png, info);
  });
  if (!prepared) fail_png(state, source);
  return channels;
}

void read_png_rows(PngState& state, int passes, uint8_t* rows, size_t row_bytes, size_t height,
                   const std::string& source) {
  const bool read = guarded_png(state, [&](png_structp png, png_infop info) {
    SSCVAE_ASSERT(png_get_rowbytes(png, info) == row_bytes);
    for (int pass = 0; pass < passes; ++pass)
      for (size_t y = 0; y < height; ++y) png_read_row(png, rows + y * row_bytes, nullptr);
  });
  if (!read) fail_png(state, source);
  const auto read_rest = [](png_structp png, png_infop info) { png_read_end(png, info); };  // may hold EXIF data
  if (!guarded_png(state, read_rest) && !state.ended) fail_png(state, source);
}

int significant_bits_of(const PngState& state, int64_t channels) {
  png_color_8p bits = nullptr;
  if (!png_get_sBIT(state.png, state.info, &bits)) return 0;
  return channels == 1 ? bits->gray : std::max({bits->red, bits->green, bits->blue});
}

/// Moves the last sample of every pixel, the opacity, from the samples to the image's `alpha`.
void split_alpha(Image& image) {
  const size_t sample = static_cast<size_t>(image.bit_depth / 8), colour = sample * static_cast<size_t>(image.channels);
  const size_t pixels = static_cast<size_t>(image.width * image.height);
  image.alpha.resize(pixels * sample);
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t* const pixel = &image.bytes[i * (colour + sample)];
    std::memcpy(&image.alpha[i * sample], pixel + colour, sample);
    std::memmove(&image.bytes[i * colour], pixel, colour);
  }
  image.bytes.resize(pixels * colour);
}

void drop_equal_channels(std::vector<uint8_t>& bytes) {
  const size_t pixels = bytes.size() / 3;
  for (size_t i = 0; i < pixels; ++i) bytes[i] = bytes[3 * i];
  bytes.resize(pixels);
}

void open_reader(PngState& state) {
  state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_png_error, on_warning);
  if (state.png) state.info = png_create_info_struct(state.png);
  if (!state.info) throw InternalError("libpng cannot be started (wrong version or out of memory)");
}

int color_type_of(const Image& image) {
  if (image.alpha.empty()) return image.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY;
  return image.channels == 3 ? PNG_COLOR_TYPE_RGBA : PNG_COLOR_TYPE_GRAY_ALPHA;
}

/// Colours and opacity of one row, interleaved.
void merge_row(const Image& image, size_t y, std::vector<uint8_t>& row) {
  const size_t sample = static_cast<size_t>(image.bit_depth / 8), colour = sample * static_cast<size_t>(image.channels);
  const size_t width = static_cast<size_t>(image.width);
  for (size_t x = 0; x < width; ++x) {
    std::memcpy(&row[x * (colour + sample)], &image.bytes[(y * width + x) * colour], colour);
    std::memcpy(&row[x * (colour + sample) + colour], &image.alpha[(y * width + x) * sample], sample);
  }
}

void write_metadata(png_structp png, png_infop info, const Image& image) {
  const auto* profile = reinterpret_cast<png_const_bytep>(image.icc.data());
  if (!image.icc.empty())
    png_set_iCCP(png, info, "ICC profile", PNG_COMPRESSION_TYPE_BASE, profile,
                 static_cast<png_uint_32>(image.icc.size()));
  auto* exif = reinterpret_cast<png_bytep>(const_cast<char*>(image.exif.data()));
  const auto bits = static_cast<png_byte>(image.significant_bits);
  const png_color_8 significant{bits, bits, bits, bits, static_cast<png_byte>(image.bit_depth)};
  if (bits > 0) png_set_sBIT(png, info, &significant);
  if (!image.exif.empty()) png_set_eXIf_1(png, info, static_cast<png_uint_32>(image.exif.size()), exif);
}

void write_rows(PngState& state, const Image& image) {
  const size_t row_bytes = image.bytes.size() / static_cast<size_t>(image.height);
  std::vector<uint8_t> merged((image.bytes.size() + image.alpha.size()) / static_cast<size_t>(image.height));
  const bool written = guarded_png(state, [&](png_structp png, png_infop info) {
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height),
                 image.bit_depth, color_type_of(image), PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_benign_errors(png, 1);  // a profile that PNG does not allow is left out
    write_metadata(png, info, image);
    png_write_info(png, info);
    if (image.bit_depth == 16 && std::endian::native == std::endian::little) png_set_swap(png);
    for (int64_t y = 0; y < image.height; ++y) {
      if (!image.alpha.empty()) merge_row(image, static_cast<size_t>(y), merged);
      png_write_row(png, image.alpha.empty() ? image.bytes.data() + y * row_bytes : merged.data());
    }
    png_write_end(png, nullptr);  // with `info`, EXIF data would be written once more
  });
  if (!written) throw IoError("cannot encode PNG: " + std::string(state.message));
}

}  // namespace

bool is_png(std::string_view bytes) { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }

Image decode_png(std::string_view bytes, int64_t max_pixels, const std::string& source) {
  PngState state;
  open_reader(state);
  state.input = bytes;
  png_set_read_fn(state.png, &state, on_read);
  const PngHeader header = read_png_header(state, source);
  check_plausible(state, header, bytes.size(), max_pixels, source);
  int passes = 1;
  const int channels = prepare(state, header, source, &passes);
  const bool has_alpha = channels == 2 || channels == 4;

  Image image;
  image.width = header.width;
  image.height = header.height;
  image.bit_depth = header.bit_depth == 16 ? 16 : 8;
  image.channels = channels - (has_alpha ? 1 : 0);
  const size_t row_bytes = size_t{header.width} * channels * (image.bit_depth / 8);
  image.bytes.resize(row_bytes * header.height);
  read_png_rows(state, passes, image.bytes.data(), row_bytes, header.height, source);

  if (header.color_type == PNG_COLOR_TYPE_PALETTE) add_remark(image, "palette");
  if (has_alpha) split_alpha(image);
  if (header.is_grey_palette) {
    drop_equal_channels(image.bytes);
    image.channels = 1;
  }
  if (state.ended) image.defect = kEndMissing;
  if (header.color_type != PNG_COLOR_TYPE_PALETTE) image.significant_bits = significant_bits_of(state, image.channels);
  image.icc = png_profile(state);
  image.exif = png_exif(state);
  if (state.bad_profile && image.icc.empty()) add_remark(image, "damaged colour profile left out");
  return image;
}

ImageSize png_size(std::FILE* file, uint64_t length, int64_t max_pixels, const std::string& source) {
  PngState state;
  open_reader(state);
  png_init_io(state.png, file);
  const PngHeader header = read_png_header(state, source);
  check_plausible(state, header, length, max_pixels, source);
  ImageSize size{header.width, header.height, header.bit_depth == 16 ? 16 : 8};
  if (exif_orientation(png_exif(state)) >= 5) std::swap(size.width, size.height);
  return size;
}

std::string encode_png(const Image& image) {
  check_consistent(image);
  PngState state;
  state.writing = true;
  state.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, on_png_error, on_warning);
  if (state.png) state.info = png_create_info_struct(state.png);
  if (!state.info) throw InternalError("libpng cannot be started (wrong version or out of memory)");
  png_set_write_fn(state.png, &state, on_write, on_flush);
  write_rows(state, image);
  return std::move(state.output);
}

}  // namespace sscvae::image
