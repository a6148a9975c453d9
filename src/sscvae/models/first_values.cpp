#include "sscvae/models/first_values.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "sscvae/core/random.h"
#include "sscvae/networks/values.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/nn/codebook.h"
#include "sscvae/nn/dictionary.h"
#include "sscvae/nn/patch_coding.h"

namespace sscvae::models {

namespace {

using FirstValues = std::map<std::string, at::Tensor>;
using networks::kThresholdUnit;
using networks::Network;

constexpr double kInitialFloor = -6, kInitialSlope = -1, kInitialSlopeOfMean = -8;  // before softplus
constexpr double kOwnShare = 0.8, kGroupShare = 0.2;  // of the energy that decides, where all atoms have the same
constexpr double kLittle = 1e-5;                      // of an atom in a group that is not its own

/// Orthonormal directions of colour [C,C]: first the mean of the channels, which carries most of an image.
at::Tensor colour_directions(int64_t channels) {
  at::Tensor basis = at::zeros({channels, channels});
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t c = 0; c < channels; ++c)
      basis[i][c] = std::cos((2.0 * static_cast<double>(c) + 1) * static_cast<double>(i) * std::numbers::pi /
                             (2.0 * static_cast<double>(channels)));
  return basis / basis.norm(2, 1, true);
}

/// Rows are cosines or sines by rising frequency, unit length: cos or sin ((2 i + 1) f pi / (2 n)), f = 0, 1, ... or
/// 1, 2, ...
at::Tensor waves(int64_t side, bool sines) {
  at::Tensor wave = at::zeros({side, side});
  for (int64_t f = 0; f < side; ++f)
    for (int64_t i = 0; i < side; ++i) {
      const double phase = (2.0 * static_cast<double>(i) + 1) * std::numbers::pi / (2.0 * static_cast<double>(side));
      wave[f][i] = sines ? std::sin(phase * static_cast<double>(f + 1)) : std::cos(phase * static_cast<double>(f));
    }
  return wave / wave.norm(2, 1, true);
}

/// A separable atom: the direction of its colour and its waves by number.
struct AtomIndex {
  int64_t colour, row, column;
  bool sine;
};

/// Of cosines, then, where those are used up, of sines; of each all atoms of the first colour direction by rising
/// frequency, then those of the others in turn.
std::vector<AtomIndex> atom_order(const ConvolutionalCoderOptions& options, int64_t channels) {
  const int64_t side = options.kernel * options.stride;
  std::vector<AtomIndex> order;
  for (const bool sine : {false, true})
    for (int64_t colour = 0; colour < channels; ++colour)
      for (int64_t row = 0; row < side; ++row)
        for (int64_t column = 0; column < side; ++column) order.push_back({colour, row, column, sine});
  std::stable_sort(order.begin(), order.end(), [](const AtomIndex& a, const AtomIndex& b) {
    if (a.sine != b.sine) return b.sine;
    if ((a.colour == 0) != (b.colour == 0)) return a.colour == 0;
    if (a.row + a.column != b.row + b.column) return a.row + a.column < b.row + b.column;
    return a.colour < b.colour;
  });
  order.resize(static_cast<size_t>(options.num_atoms));
  return order;
}

/// Groups of atoms of one size that are neighbours in frequency: the group of each atom, 0 ... count - 1.
std::vector<int64_t> frequency_groups(const std::vector<AtomIndex>& atoms, int64_t count) {
  std::vector<size_t> rising(atoms.size());
  std::iota(rising.begin(), rising.end(), size_t{0});
  const auto key = [&](size_t k) {
    const AtomIndex& atom = atoms[k];
    return std::pair(atom.colour != 0, atom.row + atom.column + (atom.sine ? 2 : 0));
  };
  std::stable_sort(rising.begin(), rising.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  std::vector<int64_t> groups(atoms.size());
  for (size_t rank = 0; rank < rising.size(); ++rank)
    groups[rising[rank]] = static_cast<int64_t>(rank) * count / static_cast<int64_t>(rising.size());
  return groups;
}

/// Atoms, unit length, as filters over folded blocks [K,C s^2,k,k]. All C (k s)^2 of one kind together are a tight
/// frame.
at::Tensor frame_filters(const ConvolutionalCoderOptions& options, int64_t channels) {
  const int64_t side = options.kernel * options.stride;
  const at::Tensor colours = colour_directions(channels), cosines = waves(side, false), sines = waves(side, true);
  std::vector<at::Tensor> atoms;
  for (const AtomIndex& atom : atom_order(options, channels)) {
    const at::Tensor& wave = atom.sine ? sines : cosines;
    const at::Tensor patch = wave[atom.row].unsqueeze(1) * wave[atom.column].unsqueeze(0);
    atoms.push_back(colours[atom.colour].reshape({channels, 1, 1}) * patch);
  }
  const int64_t s = options.stride, k = options.kernel;
  return at::stack(atoms)
      .reshape({options.num_atoms, channels, k, s, k, s})
      .permute({0, 1, 3, 5, 2, 4})
      .reshape({options.num_atoms, channels * s * s, k, k});
}

/// The norm of analysis followed by synthesis, by power iteration on an image of random numbers.
double squared_norm(const at::Tensor& filters, uint64_t seed) {
  Random random(derive_seed(seed, "frame"));
  const int64_t side = 32;
  const at::Tensor synthesis = synthesis_of(filters);
  at::Tensor x = at::empty({1, filters.size(1), side, side});
  for (int64_t i = 0; i < x.numel(); ++i) x.mutable_data_ptr<float>()[i] = static_cast<float>(random.normal());
  double norm = 1;
  for (int iteration = 0; iteration < 40; ++iteration) {
    x = nn::synthesise(nn::analyse(x, filters), synthesis);
    norm = x.norm().item<double>();
    x = x / norm;
  }
  return norm;
}

/// The inverse of softplus at value > 0.
double before_softplus(double value) { return std::log(std::expm1(value)); }

/// `down` [T,R,K] and `up` [T,K,R], which take atoms to groups of neighbouring frequencies and back.
void fill_groups(at::Tensor down, at::Tensor up, const ConvolutionalCoderOptions& o, int64_t channels) {
  const std::vector<int64_t> groups = frequency_groups(atom_order(o, channels), down.size(1));
  down.fill_(before_softplus(kLittle));
  up.fill_(before_softplus(kLittle));
  for (int64_t atom = 0; atom < o.num_atoms; ++atom) {
    const int64_t group = groups[static_cast<size_t>(atom)];
    const auto size = static_cast<double>(std::count(groups.begin(), groups.end(), group));
    down.select(2, atom).select(1, group).fill_(before_softplus(1 / size));
    up.select(1, atom).select(1, group).fill_(before_softplus(kGroupShare));
  }
  down.div_(kThresholdUnit);
  up.div_(kThresholdUnit);
}

FirstValues of_convolutional_coder(const Network& network, const ModelOptions& options, uint64_t seed) {
  const ConvolutionalCoderOptions& o = options.csc;
  const at::Tensor frame = frame_filters(o, options.in_channels);
  const double scale = 1 / std::sqrt(squared_norm(frame, seed));
  const at::Tensor filters = frame * scale;
  FirstValues values;
  for (const networks::Declared& weight : network.weights) {
    if (weight.start.rule != networks::Start::Rule::kOwn) continue;
    const std::string& name = weight.name;
    const auto filled = [&](double value) { return at::full(weight.placeholder.sizes(), value / kThresholdUnit); };
    if (name.starts_with("_A")) values[name] = filters;
    else if (name.starts_with("_B") || name == "_W") values[name] = synthesis_of(filters);
    else if (name == "_frame_scale") values[name] = at::full({}, scale);
    else if (name == "_floor") values[name] = filled(kInitialFloor);
    else if (name == "_slope") values[name] = filled(kInitialSlope);
    else if (name == "_group_own") values[name] = filled(before_softplus(kOwnShare));
    else if (name == "_group_pool")
      values[name] = filled(before_softplus(1.0 / static_cast<double>(o.group_window * o.group_window)));
    else values[name] = at::empty(weight.placeholder.sizes());  // _group_down, _group_up
  }
  const at::Tensor slope = values.at("_slope");
  if (slope.size(1) > 1) slope.select(1, 0).fill_(kInitialSlopeOfMean / kThresholdUnit);  // the patch's mean passes
  if (values.contains("_group_down")) fill_groups(values["_group_down"], values["_group_up"], o, options.in_channels);
  return values;
}

FirstValues of_sparse_coder(const Network& network, const networks::SparseCoderOptions& o, uint64_t seed) {
  const at::Tensor dictionary = nn::initial_dictionary(o.dictionary_init, o.atom_dim, o.num_atoms,
                                                       at::detail::createCPUGenerator(derive_seed(seed, "dictionary")));
  const at::Tensor trained_bound = dictionary.square().sum();
  const at::Tensor atoms = o.unit_norm_atoms ? nn::normalize_atoms(dictionary) : dictionary;
  const at::Tensor bound = o.lipschitz == networks::Lipschitz::kTrainable
                               ? trained_bound
                               : o.lipschitz_margin * nn::largest_eigenvalue(atoms);
  FirstValues values{{"_LISTA._Dict", dictionary}, {"_LISTA._L", trained_bound}};
  for (const networks::Declared& weight : network.weights) {
    if (weight.name.starts_with("_LISTA._We")) values[weight.name] = (atoms.t() / bound).contiguous();
    if (weight.name.starts_with("_LISTA._S"))
      values[weight.name] = at::eye(o.num_atoms) - at::mm(atoms.t(), atoms) / bound;
  }
  return values;
}

FirstValues of_quantizer(const networks::VectorQuantizerOptions& options, uint64_t seed) {
  const at::Tensor codebook = nn::uniform_codebook(options, seed);
  const double share = 1.0 / static_cast<double>(options.num_codes);
  return {{"_vq_layer.embedding.weight", codebook},
          {"_vq_layer.usage", at::full({options.num_codes}, share)},
          {"_vq_layer.sums", codebook / static_cast<double>(options.num_codes)}};
}

}  // namespace

at::Tensor synthesis_of(const at::Tensor& filters) { return filters.transpose(0, 1).flip({2, 3}).contiguous(); }

std::map<std::string, at::Tensor> first_values(const networks::Network& network, const ModelOptions& options,
                                               uint64_t seed) {
  const at::NoGradGuard no_grad;
  const auto declares = [&](const std::string& name) {
    return std::any_of(network.weights.begin(), network.weights.end(),
                       [&](const networks::Declared& weight) { return weight.name == name; });
  };
  if (declares("_frame_scale")) return of_convolutional_coder(network, options, seed);
  if (declares("_vq_layer.embedding.weight")) return of_quantizer(options.quantizer, seed);
  if (declares("_LISTA._Dict")) return of_sparse_coder(network, options.sparse_coder, seed);
  return {};
}

}  // namespace sscvae::models
