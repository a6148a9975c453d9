#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sscvae/models/autoencoder.h"
#include "sscvae/networks/network.h"
#include "sscvae/nn/codebook.h"
#include "sscvae/nn/network_pass.h"
#include "sscvae/nn/network_weights.h"

namespace sscvae::models {

/// A model of the table (networks/table.h) as a module: holds the weights of its network, runs it with gradients, and
/// applies the updates of weights that no optimizer makes.
class NetworkAutoencoder : public Autoencoder {
 public:
  /// Weights are drawn from `seed`. Errors: UsageError for options that contradict each other.
  NetworkAutoencoder(const ModelOptions& options, uint64_t seed);

  ForwardResult forward(const at::Tensor& images) override;
  at::Tensor encode(const at::Tensor& images) override;
  at::Tensor decode(const at::Tensor& code) override;
  at::Tensor coded_features(const at::Tensor& code) override;
  int64_t size_multiple() const override { return graph().size_multiple; }
  /// For csc, the atoms of W as image patches [C q^2,K], q = kernel stride.
  at::Tensor dictionary() override;
  int64_t num_codes() const override;
  at::Tensor decode_indices(const at::Tensor& indices) override;
  at::Tensor last_weight() const override;
  int64_t atom_axis(const std::string& parameter) const override;
  void observe(const ForwardResult& result) override;
  /// Renormalizes atoms or projects them to the unit ball, and updates codebooks, where the options ask for it.
  void after_optimizer_step() override;
  void initialize_from(const at::Tensor& images) override;

  const networks::Network& network() const { return network_; }
  /// A weight by name; undefined if there is none.
  at::Tensor weight(const std::string& name) const { return weights_.find(name); }

  /// Multiplies all thresholds from now on (1 = as trained): the strength knob. Errors: UsageError if negative.
  void set_threshold_scale(double scale);
  /// The noise level of all images from now on in 8-bit grey levels, or that of each image of a batch; empty: estimate
  /// it in each image.
  void set_noise_levels(std::span<const double> sigma_8bit);
  /// Levels [N,1,1,1] on the model's device, in the image's units, which each pass reads; undefined: as above.
  void set_noise_level_tensor(const at::Tensor& levels) { manner_.noise_levels = levels; }
  /// Iterates sparse codes by plain operations from now on (nn/sparse_coding.h).
  void set_plain_iterations(bool plain) { manner_.plain_code = plain; }
  bool plain_iterations() const { return manner_.plain_code; }
  /// Recomputes levels of the network in the backward pass from now on instead of keeping them (nn/recompute.h).
  void set_recompute(bool recompute) { manner_.recompute = recompute; }
  /// The current strength and noise levels.
  const networks::PassSettings& settings() const { return manner_.settings; }
  bool has_sparse_code() const { return graph().threshold >= 0; }
  bool knows_noise_levels() const;

 private:
  const graph::Graph& graph() const { return network_.graph; }
  std::shared_ptr<const nn::live::Graph> live() const;
  nn::NetworkPass::Result run(std::vector<std::pair<graph::Value, at::Tensor>> given,
                              const std::vector<graph::Value>& wanted);
  void check_code(const at::Tensor& code) const;
  void check_images(const at::Tensor& images) const;
  at::Tensor still_features_of(const at::Tensor& images);
  void add_latent_loss(ForwardResult& result, const at::Tensor& images) const;

  networks::Network network_;
  nn::NetworkWeights weights_;
  nn::NetworkPass pass_;
  nn::PassManner manner_;
  std::optional<nn::CodebookUpdates> codebook_;
};

}  // namespace sscvae::models
