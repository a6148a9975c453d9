#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sscvae/array/array.h"
#include "sscvae/metrics/features.h"
#include "sscvae/metrics/protocol.h"
#include "sscvae/tasks/report.h"

/// Distances between sets of images: FID and KID.
namespace sscvae::tasks {

struct FeatureOptions {
  std::string inception;  ///< weights of the FID's Inception network: the original .pth or safetensors
  std::string cache;      ///< folder where features are kept by images and weights; "": nowhere
};

/// The network that turns images into features, loaded once.
class FeatureNetwork {
 public:
  /// Errors: IoError, FormatError.
  explicit FeatureNetwork(const FeatureOptions& options);
  ~FeatureNetwork();
  const FeatureOptions& options() const { return options_; }
  const std::string& sha256() const { return sha256_; }
  /// Images [3,299,299] as the network wants them -> [N,2048] on the CPU.
  Array features(const std::vector<Array>& prepared);

 private:
  struct Network;
  FeatureOptions options_;
  std::string sha256_;
  std::unique_ptr<Network> network_;
};

/// The features of one set of images, computed in batches while they come, in memory that does not grow with the set.
class FeatureSet {
 public:
  /// `data_sha256` names the images, so that features which are kept already are taken; "": they are never kept.
  FeatureSet(FeatureNetwork& network, std::string data_sha256);
  ~FeatureSet();
  /// Whether the features were kept: nothing needs to be added, and what is added is left out.
  bool is_complete() const { return complete_; }
  /// [1,H,W] or [3,H,W] in [0,1].
  void add(const Array& image);
  /// An image could not be read: the features of the others are not kept, or nobody would hear of it again.
  void leave_one_out() { data_sha256_.clear(); }
  /// Of all images; keeps them in the cache.
  const metrics::FeatureCloud& finish();

 private:
  void flush();
  FeatureNetwork& network_;
  std::string data_sha256_;
  bool complete_ = false;
  std::vector<Array> pending_;
  metrics::FeatureCloud cloud_;
};

/// The image as sets are compared: cropped and rounded as the protocol says, always with all channels.
Array seen_in_set(const metrics::Protocol& protocol, const Array& image);

/// Names the content of image files together with the rule by which they are seen. A file that cannot be read counts by
/// its absence.
std::string hash_of_images(const std::vector<std::string>& paths, const std::string& rule);

/// The figures `names` (all for none) of two sets as {"inception", "inception_sha256", "counts", "fid", "kid",
/// "kid_standard_error", "kid_images", "warning"}. "kid_images" is there where fewer images were paired than counted,
/// "warning" where there is one; it is shown on standard error, too.
/// Errors: UsageError for unknown names and for sets of less than 2 images.
Json compare_feature_sets(FeatureSet& a, FeatureSet& b, const FeatureNetwork& network,
                          const std::vector<std::string>& names);
/// A table of these figures.
std::string feature_sets_text(const Json& figures);

}  // namespace sscvae::tasks
