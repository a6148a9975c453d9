#include "sscvae/tasks/verify_tiling.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/array/reductions.h"
#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/image.h"
#include "sscvae/image/tiles.h"
#include "sscvae/runtime/noise_range.h"
#include "sscvae/tasks/interrupt.h"

namespace sscvae::tasks {

TilingDifference tiling_difference(const Array& tiled, const Array& whole) {
  const Array difference = abs((tiled - whole).to(kFloat64)) * 255, of_pixels = amax(difference, {0});
  const int64_t place = argmax(of_pixels.flatten(), 0).item<int64_t>(), width = of_pixels.size(1);
  return {max(of_pixels), std::sqrt(mean(square(difference))), place / width, place % width};
}

Report verify_tiling(const VerifyTilingOptions& options) {
  runtime::Inference inference(options.source, options.inference);
  if (options.sigma_8bit != "auto") inference.set_noise_level(runtime::parse_sigma(options.sigma_8bit));
  const image::Image picture = InputReader(options.reading).read(options.image);
  const Array image = image::to_array(image::with_channels(picture, inference.channels()));
  const int64_t height = image.size(1), width = image.size(2), tile = inference.tile_for(height, width);
  if (tile == 0)
    throw UsageError(format("'%s' of %lldx%lld pixels is not cut into tiles: --tile N makes them smaller",
                            options.image.c_str(), static_cast<long long>(width), static_cast<long long>(height)));
  const int64_t multiple = inference.model().size_multiple(), overlap = inference.tiling().overlap;
  const size_t tiles = image::plan_tiles(height, tile, overlap, multiple).size() *
                       image::plan_tiles(width, tile, overlap, multiple).size();
  const EndsAtOnce no_part_is_wanted;
  const runtime::InferenceResult tiled = inference.run(image);
  inference.set_tile(0);
  const runtime::InferenceResult whole = inference.run(image);
  const TilingDifference found = tiling_difference(tiled.reconstruction, whole.reconstruction);
  Json json{{"command", "verify-tiling"},
            {"image", options.image},
            {"weights", options.source.weights},
            {"weights_sha256", inference.opened().sha256},
            {"compute", inference.text()},
            {"width", width},
            {"height", height},
            {"tile", tile},
            {"tiles", tiles},
            {"overlap", overlap},
            {"largest_8bit", found.largest_8bit},
            {"row", found.row},
            {"column", found.column},
            {"rms_8bit", found.rms_8bit}};
  if (tiled.sigma_8bit) json["sigma_8bit"] = *tiled.sigma_8bit;
  return make_report(
      format("%lldx%lld pixels in %zu tiles of at most %lld pixels a side, against one piece, in grey levels of 0 to "
             "255:\nlargest difference  %.3f, at row %lld, column %lld\nrms difference      %.4f\n",
             static_cast<long long>(width), static_cast<long long>(height), tiles, static_cast<long long>(tile),
             found.largest_8bit, static_cast<long long>(found.row), static_cast<long long>(found.column),
             found.rms_8bit),
      std::move(json));
}

}  // namespace sscvae::tasks
