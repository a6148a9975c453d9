#include "sscvae/tasks/inspect.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sscvae/array/array.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/shape.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "sscvae/core/sha256.h"
#include "sscvae/core/text.h"
#include "sscvae/core/wording.h"
#include "sscvae/graph/interpreter.h"
#include "sscvae/image/image.h"
#include "sscvae/image/padding.h"
#include "sscvae/report/colormap.h"
#include "sscvae/runtime/model_source.h"
#include "sscvae/runtime/weights_file.h"
#include "sscvae/serialization/tensor_file.h"
#include "sscvae/tasks/code_pictures.h"
#include "sscvae/tasks/interrupt.h"
#include "sscvae/tasks/network_diagram.h"
#include "sscvae/tasks/size_option.h"

namespace sscvae::tasks {

namespace fs = std::filesystem;

namespace {

struct TensorFigures {
  double min = 0, max = 0, mean = 0, deviation = 0;
};

TensorFigures figures_of(const Array& tensor) {
  if (tensor.numel() == 0) return {};
  const Array values = tensor.to(kFloat64);
  const double middle = mean(values);
  return {min(values), max(values), middle, std::sqrt(mean(square(values - middle)))};
}

void add_tensors(const serialization::TensorFile& file, std::string& text, Json& json) {
  std::vector<std::vector<std::string>> rows{{"tensor", "dtype", "shape", "min", "max", "mean", "std"}};
  size_t of_training = 0;
  for (const auto& [name, tensor] : file.tensors) {
    const TensorFigures figures = figures_of(tensor);
    json["tensors"].push_back({{"name", name},
                               {"dtype", name_of(tensor.type())},
                               {"shape", tensor.sizes().vec()},
                               {"min", json_number(figures.min)},
                               {"max", json_number(figures.max)},
                               {"mean", json_number(figures.mean)},
                               {"std", json_number(figures.deviation)}});
    if (runtime::is_training_tensor(name)) {
      ++of_training;
      continue;
    }
    rows.push_back({name, name_of(tensor.type()), shape_text(tensor), format("%.4g", figures.min),
                    format("%.4g", figures.max), format("%.4g", figures.mean), format("%.4g", figures.deviation)});
  }
  text += text_table(rows);
  if (of_training > 0) text += "and " + count_text(of_training, "tensor") + " of the training state (in the JSON)\n";
}

/// A line, or the lines of a configuration; tables of numbers by their size.
std::string metadata_text(const std::string& key, const std::string& value) {
  constexpr size_t kLongest = 300;
  if (value.find('\n') != std::string::npos) return key + ":\n" + value + "\n";
  if (value.size() > kLongest) return key + format(": %zu characters (in the JSON)\n", value.size());
  return key + " = " + value + "\n";
}

/// A picture to be written, and what is said about it.
struct Picture {
  fs::path path;
  image::Image image;
  Json json;
  std::string caption;
};

graph::PassValues run_image(runtime::OpenedModel& opened, const ReadingOptions& reading, const std::string& path) {
  const EndsAtOnce no_part_is_wanted;
  const image::Image picture = InputReader(reading).read(path);
  const int64_t channels = opened.experiment.options.model.in_channels;
  const Array batch = image::to_array(image::with_channels(picture, channels)).unsqueeze(0);
  // The engine has no thresholds before their refinement.
  return graph::run_named(opened.model->bound(), image::reflect_pad_to_multiple(batch, opened.model->size_multiple()));
}

void draw_maps(runtime::OpenedModel& opened, OutputFolder& folder, const InspectOptions& options,
               const std::string& source, bool thresholds, std::vector<Picture>& pictures) {
  folder.protect(source);
  for (CodeMap& map : code_maps(run_image(opened, options.reading, source))) {
    if (map.name.starts_with("threshold") != thresholds) continue;
    pictures.push_back({folder.add(map.name + ".png"),
                        std::move(map.image),
                        {{"of", source}, {"low", map.low}, {"high", map.high}},
                        map.caption});
  }
}

/// All are drawn before the first is written: a name that is taken stops the command with nothing done.
std::vector<Picture> draw_pictures(const InspectOptions& options) {
  std::vector<Picture> pictures;
  if (options.atoms.empty() && options.thresholds.empty() && options.codes.empty()) return pictures;
  runtime::OpenedModel opened = runtime::open_model({options.weights, "", "", {}});
  if (!options.atoms.empty())
    pictures.push_back({options.atoms, report::atoms_mosaic(decoded_atoms(*opened.model)),
                        Json::object({{"of", "atoms"}}), "dictionary atoms as the decoder draws them"});
  if (options.out.empty()) return pictures;
  OutputFolder folder("--out", options.out, options.overwrite);
  if (!options.thresholds.empty()) draw_maps(opened, folder, options, options.thresholds, true, pictures);
  if (!options.codes.empty()) draw_maps(opened, folder, options, options.codes, false, pictures);
  return pictures;
}

void write_pictures(const InspectOptions& options, std::string& text, Json& json) {
  const std::vector<Picture> pictures = draw_pictures(options);
  if (!options.out.empty() && !pictures.empty()) create_folder(options.out);
  for (const Picture& picture : pictures) {
    image::write_image(picture.path, picture.image);
    Json entry{{"path", picture.path.string()}};
    entry.update(picture.json);
    json["pictures"].push_back(std::move(entry));
    text += picture.path.string() + ": " + picture.caption + "\n";
  }
}

void draw_network(const InspectOptions& options, int64_t height, int64_t width, std::string& text, Json& json) {
  const runtime::OpenedModel opened = runtime::open_model({options.weights, "", "", {}});
  const runtime::Model& model = *opened.model;
  const int64_t multiple = model.size_multiple();
  const report::Diagram diagram = diagram_of(model.network(), model.options().name, image::round_up(height, multiple),
                                             image::round_up(width, multiple));
  write_atomically(options.diagram, report::svg_of(diagram));
  json["diagram"] = options.diagram;
  text += options.diagram + ": the network, " + count_text(diagram.boxes.size(), "block") + "\n";
}

}  // namespace

Report inspect(const InspectOptions& options) {
  if (options.out.empty() && (!options.thresholds.empty() || !options.codes.empty()))
    throw UsageError("inspect: --thresholds and --codes need --out FOLDER");
  check_writable(options.atoms, options.overwrite);
  check_writable(options.diagram, options.overwrite);
  const auto [height, width] = parse_size(options.size, kLargestSize);
  if (!options.out.empty()) check_folder_writable(options.out);
  const std::string path = runtime::find_weights(options.weights);
  const serialization::TensorFile file = serialization::read_tensor_file(path);
  int64_t numbers = 0;
  for (const auto& [name, tensor] : file.tensors) numbers += tensor.numel();
  Json json{{"path", path},
            {"bytes", fs::file_size(path)},
            {"sha256", sha256_of_file(path)},
            {"tensor_count", file.tensors.size()},
            {"numbers", numbers},
            {"metadata", file.metadata}};
  std::string text = path + ": " + count_text(file.tensors.size(), "tensor") + ", " + count_text(numbers, "number") +
                     ", sha256 " + json["sha256"].get<std::string>() + "\n";
  for (const auto& [key, value] : file.metadata) text += metadata_text(key, value);
  if (options.tensors) add_tensors(file, text, json);
  write_pictures(options, text, json);
  if (!options.diagram.empty()) draw_network(options, height, width, text, json);
  return make_report(std::move(text), std::move(json));
}

}  // namespace sscvae::tasks
