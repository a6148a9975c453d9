#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/metrics/code_rate.h"
#include "sscvae/metrics/code_usage.h"
#include "sscvae/tasks/feature_sets.h"
#include "sscvae/tasks/image_selection.h"
#include "sscvae/tasks/summary.h"

/// What an evaluation measures over all images beside the means of single figures.
namespace sscvae::tasks {

/// The figure of a code's entropy.
inline constexpr char kBitsPerPixel[] = "bits_per_pixel";

/// What each image's code costs an entropy coder with the frequencies of all images. The counts of single images wait
/// for those frequencies; where they would take more than `most_kept` numbers (about 16 bytes each), what waits is
/// settled by the frequencies of the images so far, which are thousands by then: memory does not grow with the images.
class RateMeter {
 public:
  explicit RateMeter(size_t most_kept = size_t{1} << 24) : most_kept_(most_kept) {}
  /// `pixels` are all that the model saw of the image.
  void add(const metrics::SymbolCounts& symbols, double pixels);
  /// Fills in kBitsPerPixel of all images.
  void fill(ImageTable& table);

 private:
  struct Image {
    metrics::SymbolCounts symbols;
    double pixels;
  };
  void settle();
  size_t most_kept_, kept_ = 0;
  metrics::SymbolCounts all_;
  std::vector<Image> waiting_;
  std::vector<double> bits_per_pixel_;  ///< of the images before those
};

/// The features of originals and reconstructions, if FID and KID are wanted.
class SetMeter {
 public:
  /// `rule` says how the images are seen, beside the network. Errors: UsageError for a cache without a network.
  SetMeter(const FeatureOptions& options, const SelectedImages& images, const std::string& rule);
  bool is_wanted() const { return network_ != nullptr; }
  void add(const Array& original, const Array& reconstruction, const metrics::Protocol& protocol);
  void leave_one_out();
  /// Adds "sets" to the figures, and what it gives to read.
  std::string finish(Json& json);

 private:
  std::unique_ptr<FeatureNetwork> network_;
  std::unique_ptr<FeatureSet> originals_, reconstructions_;
};

/// Means of the manifest's groups (organs, classes), where there are a few.
class GroupTables {
 public:
  GroupTables(const SelectedImages& images, const std::vector<std::string>& columns);
  void add(const std::string& path, const std::map<std::string, double>& figures);
  /// Adds "groups" to the figures, and what it gives to read.
  std::string finish(Json& json) const;

 private:
  std::vector<std::string> columns_;
  std::map<std::string, std::string> group_of_;
  std::map<std::string, ImageTable> tables_;
};

/// The codebook over the whole dataset; the means of the table are of single images.
Json usage_json(const metrics::CodeUsage& usage);
std::string usage_text(const metrics::CodeUsage& usage);

}  // namespace sscvae::tasks
