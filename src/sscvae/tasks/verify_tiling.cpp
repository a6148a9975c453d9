#include "sscvae/tasks/verify_tiling.h"

#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/image/image.h"
#include "sscvae/image/tiles.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/noise_range.h"

namespace sscvae::tasks {

TilingDifference tiling_difference(const at::Tensor& tiled, const at::Tensor& whole) {
  const at::Tensor difference = (tiled - whole).to(at::kDouble).abs() * 255, of_pixels = difference.amax(0);
  const int64_t place = of_pixels.argmax().item<int64_t>(), width = of_pixels.size(1);
  return {of_pixels.max().item<double>(), difference.square().mean().sqrt().item<double>(), place / width,
          place % width};
}

Report verify_tiling(const VerifyTilingOptions& options) {
  Inference inference(options.source, options.inference);
  if (options.sigma_8bit != "auto") inference.set_noise_level(parse_sigma(options.sigma_8bit));
  const image::Image picture = InputReader(options.reading).read(options.image);
  const at::Tensor image = image::to_array(image::with_channels(picture, inference.channels()));
  const int64_t height = image.size(1), width = image.size(2), tile = inference.tile_for(height, width);
  if (tile == 0)
    throw UsageError(format("'%s' of %lldx%lld pixels is not cut into tiles: --tile N makes them smaller",
                            options.image.c_str(), static_cast<long long>(width), static_cast<long long>(height)));
  const int64_t multiple = inference.model().size_multiple(), overlap = inference.tiling().overlap;
  const size_t tiles = image::plan_tiles(height, tile, overlap, multiple).size() *
                       image::plan_tiles(width, tile, overlap, multiple).size();
  const EndsAtOnce no_part_is_wanted;
  const InferenceResult tiled = inference.run(image);
  inference.set_tile(0);
  const InferenceResult whole = inference.run(image);
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
