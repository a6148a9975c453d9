#include <png.h>

#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/codecs.h"

namespace sscvae::image {

namespace {

constexpr uint64_t kMaxDeflateExpansion = 1032;
constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;

/// Owns libpng's state, for reading or for writing.
struct PngState {
  png_structp png = nullptr;
  png_infop info = nullptr;
  bool writing = false;
  std::string_view input;
  size_t position = 0;
  std::string output;
  char message[160] = "unknown error";

  PngState() = default;
  PngState(const PngState&) = delete;
  PngState& operator=(const PngState&) = delete;
  ~PngState() {
    if (writing)
      png_destroy_write_struct(&png, &info);
    else
      png_destroy_read_struct(&png, &info, nullptr);
  }
};

[[noreturn]] void on_png_error(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof state->message, "%s", message);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep target, size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (count > state->input.size() - state->position) png_error(png, "the file ends too early");
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
  bool has_transparency = false, is_grey_palette = false;
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
    png_read_info(png, info);
    png_get_IHDR(png, info, &header.width, &header.height, &header.bit_depth, &header.color_type, &header.interlace,
                 nullptr, nullptr);
    header.has_transparency = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
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
void check_plausible(const PngState& state, const PngHeader& header, const std::string& source) {
  check_image_size(header.width, header.height, source);
  const uint64_t row_bytes = png_get_rowbytes(state.png, state.info);
  const uint64_t needed = row_bytes * header.height / kMaxDeflateExpansion;
  if (needed > state.input.size())
    throw FormatError(source + ": damaged PNG: " + format("%ux%u pixels need at least %llu bytes, the file has %zu",
                                                          header.width, header.height,
                                                          static_cast<unsigned long long>(needed), state.input.size()));
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
    png_read_end(png, nullptr);
  });
  if (!read) fail_png(state, source);
}

/// Blends the last of `channels` samples, the opacity, over black and leaves it out: v' = round(v a / max).
template <class Sample>
void blend_over_black(std::vector<uint8_t>& bytes, int channels) {
  constexpr uint64_t kMax = Sample(-1);
  auto* samples = reinterpret_cast<Sample*>(bytes.data());
  const size_t pixels = bytes.size() / sizeof(Sample) / channels;
  for (size_t i = 0; i < pixels; ++i) {
    const uint64_t alpha = samples[i * channels + channels - 1];
    for (int c = 0; c + 1 < channels; ++c)
      samples[i * (channels - 1) + c] = static_cast<Sample>((samples[i * channels + c] * alpha + kMax / 2) / kMax);
  }
  bytes.resize(pixels * (channels - 1) * sizeof(Sample));
}

void drop_equal_channels(std::vector<uint8_t>& bytes) {
  const size_t pixels = bytes.size() / 3;
  for (size_t i = 0; i < pixels; ++i) bytes[i] = bytes[3 * i];
  bytes.resize(pixels);
}

void open_reader(PngState& state, std::string_view bytes) {
  state.input = bytes;
  state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_png_error, on_warning);
  if (state.png) state.info = png_create_info_struct(state.png);
  if (!state.info) throw InternalError("libpng cannot be started (wrong version or out of memory)");
  png_set_read_fn(state.png, &state, on_read);
}

void write_rows(PngState& state, const Image& image) {
  const size_t row_bytes = image.bytes.size() / static_cast<size_t>(image.height);
  const bool written = guarded_png(state, [&](png_structp png, png_infop info) {
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height),
                 image.bit_depth, image.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    if (image.bit_depth == 16 && std::endian::native == std::endian::little) png_set_swap(png);
    for (int64_t y = 0; y < image.height; ++y) png_write_row(png, image.bytes.data() + y * row_bytes);
    png_write_end(png, info);
  });
  if (!written) throw IoError("cannot encode PNG: " + std::string(state.message));
}

}  // namespace

bool is_png(std::string_view bytes) { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }

Image decode_png(std::string_view bytes, const std::string& source) {
  PngState state;
  open_reader(state, bytes);
  const PngHeader header = read_png_header(state, source);
  check_plausible(state, header, source);
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

  std::vector<std::string> remarks;
  if (header.color_type == PNG_COLOR_TYPE_PALETTE) remarks.push_back("palette");
  if (has_alpha) {
    image.bit_depth == 16 ? blend_over_black<uint16_t>(image.bytes, channels)
                          : blend_over_black<uint8_t>(image.bytes, channels);
    remarks.push_back(header.has_transparency ? "transparency blended over black" : "alpha blended over black");
  }
  if (header.is_grey_palette) {
    drop_equal_channels(image.bytes);
    image.channels = 1;
  }
  image.remarks = join(remarks, ", ");
  return image;
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
