#include "sscvae/networks/first_values.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include "sscvae/array/draws.h"
#include "sscvae/array/products.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/error.h"
#include "sscvae/core/random.h"
#include "sscvae/graph/arithmetic.h"
#include "sscvae/networks/dictionary.h"
#include "sscvae/networks/values.h"

namespace sscvae::networks {

namespace {

using FirstValues = std::map<std::string, Array>;

constexpr double kInitialFloor = -6, kInitialSlope = -1, kInitialSlopeOfMean = -8;  // before softplus
constexpr double kOwnShare = 0.8, kGroupShare = 0.2;  // of the energy that decides, where all atoms have the same
constexpr double kLittle = 1e-5;                      // of an atom in a group that is not its own

Array in_unit_rows(const Array& matrix) { return matrix / sqrt(sum(square(matrix), {1}, true)); }

/// Orthonormal directions of colour [C,C]: first the mean of the channels, which carries most of an image.
Array colour_directions(int64_t channels) {
  const Array basis = Array::zeros({channels, channels});
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t c = 0; c < channels; ++c)
      basis.select(0, i).select(0, c).fill_(std::cos((2.0 * static_cast<double>(c) + 1) * static_cast<double>(i) *
                                                     std::numbers::pi / (2.0 * static_cast<double>(channels))));
  return in_unit_rows(basis);
}

/// Rows are cosines or sines by rising frequency, unit length: cos or sin ((2 i + 1) f pi / (2 n)), f = 0, 1, ... or
/// 1, 2, ...
Array waves(int64_t side, bool sines) {
  const Array wave = Array::zeros({side, side});
  for (int64_t f = 0; f < side; ++f)
    for (int64_t i = 0; i < side; ++i) {
      const double phase = (2.0 * static_cast<double>(i) + 1) * std::numbers::pi / (2.0 * static_cast<double>(side));
      wave.select(0, f).select(0, i).fill_(sines ? std::sin(phase * static_cast<double>(f + 1))
                                                 : std::cos(phase * static_cast<double>(f)));
    }
  return in_unit_rows(wave);
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
Array frame_filters(const ConvolutionalCoderOptions& options, int64_t channels) {
  const int64_t side = options.kernel * options.stride;
  const Array colours = colour_directions(channels), cosines = waves(side, false), sines = waves(side, true);
  std::vector<Array> atoms;
  for (const AtomIndex& atom : atom_order(options, channels)) {
    const Array& wave = atom.sine ? sines : cosines;
    const Array patch = wave.select(0, atom.row).unsqueeze(1) * wave.select(0, atom.column).unsqueeze(0);
    atoms.push_back(colours.select(0, atom.colour).reshape({channels, 1, 1}) * patch);
  }
  const int64_t s = options.stride, k = options.kernel;
  return stack(atoms)
      .reshape({options.num_atoms, channels, k, s, k, s})
      .permute({0, 1, 3, 5, 2, 4})
      .reshape({options.num_atoms, channels * s * s, k, k});
}

/// A convolution of stride 1 that keeps the size.
Array filtered(const Array& x, const Array& filters, int64_t more_at_end) {
  graph::Convolution convolution{filters, {}};
  convolution.padding = filters.size(2) / 2;
  convolution.more_at_end = more_at_end;
  return graph::convolve(convolution, x);
}

/// The norm of analysis followed by synthesis, by power iteration on an image of random numbers.
double squared_norm(const Array& filters, uint64_t seed) {
  Random random(derive_seed(seed, "frame"));
  const int64_t side = 32, more = filters.size(2) % 2 == 0 ? 1 : 0;
  const Array synthesis = synthesis_of(filters);
  Array x = Array::empty({1, filters.size(1), side, side});
  for (float& value : std::span(x.data<float>(), static_cast<size_t>(x.numel())))
    value = static_cast<float>(random.normal());
  double norm = 1;
  for (int iteration = 0; iteration < 40; ++iteration) {
    x = filtered(filtered(x, filters, more), synthesis, -more);
    norm = std::sqrt(dot(x.flatten(), x.flatten()));
    x = x / norm;
  }
  return norm;
}

/// The inverse of softplus at value > 0.
double before_softplus(double value) { return std::log(std::expm1(value)); }

/// `down` [T,R,K] and `up` [T,K,R], which take atoms to groups of neighbouring frequencies and back.
void fill_groups(const Array& down, const Array& up, const ConvolutionalCoderOptions& o, int64_t channels) {
  const std::vector<int64_t> groups = frequency_groups(atom_order(o, channels), down.size(1));
  down.fill_(before_softplus(kLittle));
  up.fill_(before_softplus(kLittle));
  for (int64_t atom = 0; atom < o.num_atoms; ++atom) {
    const int64_t group = groups[static_cast<size_t>(atom)];
    const auto size = static_cast<double>(std::count(groups.begin(), groups.end(), group));
    down.select(2, atom).select(1, group).fill_(before_softplus(1 / size));
    up.select(1, atom).select(1, group).fill_(before_softplus(kGroupShare));
  }
  down /= kThresholdUnit;
  up /= kThresholdUnit;
}

FirstValues of_convolutional_coder(const Network& network, const ModelOptions& options, uint64_t seed) {
  const ConvolutionalCoderOptions& o = options.csc;
  const Array frame = frame_filters(o, options.in_channels);
  const double scale = 1 / std::sqrt(squared_norm(frame, seed));
  const Array filters = frame * scale;
  FirstValues values;
  for (const Declared& weight : network.weights) {
    if (weight.start.rule != Start::Rule::kOwn) continue;
    const std::string& name = weight.name;
    const auto filled = [&](double value) { return Array::full(weight.placeholder.sizes(), value / kThresholdUnit); };
    if (name.starts_with("_A")) values[name] = filters;
    else if (name.starts_with("_B") || name == "_W") values[name] = synthesis_of(filters);
    else if (name == "_frame_scale") values[name] = Array::full({}, scale);
    else if (name == "_floor") values[name] = filled(kInitialFloor);
    else if (name == "_slope") values[name] = filled(kInitialSlope);
    else if (name == "_group_own") values[name] = filled(before_softplus(kOwnShare));
    else if (name == "_group_pool")
      values[name] = filled(before_softplus(1.0 / static_cast<double>(o.group_window * o.group_window)));
    else values[name] = Array::empty(weight.placeholder.sizes());  // _group_down, _group_up
  }
  const Array slope = values.at("_slope");
  if (slope.size(1) > 1) slope.select(1, 0).fill_(kInitialSlopeOfMean / kThresholdUnit);  // the patch's mean passes
  if (values.contains("_group_down")) fill_groups(values["_group_down"], values["_group_up"], o, options.in_channels);
  return values;
}

FirstValues of_sparse_coder(const Network& network, const SparseCoderOptions& o, uint64_t seed) {
  using F = graph::Functions<Array>;
  const Array dictionary =
      initial_dictionary(o.dictionary_init, o.atom_dim, o.num_atoms, derive_seed(seed, "dictionary"));
  const Array trained_bound = Array::scalar(sum(square(dictionary)));
  const Array atoms = o.unit_norm_atoms ? F::unit_columns(dictionary) : dictionary;
  const Array bound =
      o.lipschitz == Lipschitz::kTrainable ? trained_bound : o.lipschitz_margin * F::largest_eigenvalue(atoms);
  FirstValues values{{"_LISTA._Dict", dictionary}, {"_LISTA._L", trained_bound}};
  for (const Declared& weight : network.weights) {
    if (weight.name.starts_with("_LISTA._We")) values[weight.name] = (atoms.t() / bound).contiguous();
    if (weight.name.starts_with("_LISTA._S"))
      values[weight.name] = Array::identity(o.num_atoms) - mm(atoms.t(), atoms) / bound;
  }
  return values;
}

FirstValues of_quantizer(const VectorQuantizerOptions& options, uint64_t seed) {
  const Array codebook = uniform_codebook(options, seed);
  const double share = 1.0 / static_cast<double>(options.num_codes);
  return {{"_vq_layer.embedding.weight", codebook},
          {"_vq_layer.usage", Array::full({options.num_codes}, share)},
          {"_vq_layer.sums", codebook / static_cast<double>(options.num_codes)}};
}

/// The value of a weight that has no rule of its own.
Array drawn(const Declared& weight, Draws& draws) {
  const Sizes& shape = weight.placeholder.sizes();
  const Start& start = weight.start;
  switch (start.rule) {
    case Start::Rule::kZeros:
      return Array::zeros(shape, weight.placeholder.type());
    case Start::Rule::kOnes:
      return Array::ones(shape, weight.placeholder.type());
    case Start::Rule::kConstant:
      return Array::full(shape, start.value);
    case Start::Rule::kKaiming:
    case Start::Rule::kFanIn:
    case Start::Rule::kOwn:
      break;
  }
  const int64_t inputs = start.rule == Start::Rule::kKaiming ? shape.product() / shape[0] : start.fan_in;
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  const Array value = draws.uniform(shape, -bound, bound);
  if (start.value != 1) value *= start.value;
  return value;
}

FirstValues own_values(const Network& network, const ModelOptions& options, uint64_t seed) {
  const auto declares = [&](const std::string& name) {
    return std::any_of(network.weights.begin(), network.weights.end(),
                       [&](const Declared& weight) { return weight.name == name; });
  };
  if (declares("_frame_scale")) return of_convolutional_coder(network, options, seed);
  if (declares("_vq_layer.embedding.weight")) return of_quantizer(options.quantizer, seed);
  if (declares("_LISTA._Dict")) return of_sparse_coder(network, options.sparse_coder, seed);
  return {};
}

}  // namespace

Array synthesis_of(const Array& filters) { return flip(filters.transpose(0, 1), {2, 3}).contiguous(); }

Array uniform_codebook(const VectorQuantizerOptions& options, uint64_t seed) {
  const double bound = 1.0 / static_cast<double>(options.num_codes);
  return (2 * Draws(derive_seed(seed, "codebook")).uniform({options.num_codes, options.code_dim}, 0, 1) - 1) * bound;
}

std::map<std::string, Array> first_values(const Network& network, const ModelOptions& options, uint64_t seed) {
  return drawn_values(network, own_values(network, options, seed), derive_seed(seed, "weights"));
}

std::map<std::string, Array> drawn_values(const Network& network, const std::map<std::string, Array>& own,
                                          uint64_t seed) {
  Draws draws(seed);
  FirstValues values;
  for (const Declared& weight : network.weights) {
    const bool by_own_rule = weight.start.rule == Start::Rule::kOwn;
    const Array value = by_own_rule ? own.at(weight.name).contiguous() : drawn(weight, draws);
    SSCVAE_ASSERT(value.sizes() == weight.placeholder.sizes());
    values[weight.name] = value;
  }
  return values;
}

}  // namespace sscvae::networks
