#pragma once

#include <cstdint>
#include <vector>

#include "sscvae/image/image.h"

/// Images that the project makes itself, for demonstrations and tests: no file, no licence. Each is a pure function of
/// its arguments, the same on every machine.
namespace sscvae::image {

/// What an ultrasound probe shows: a rectangle, a fan between two radii, or either, drawn from the seed.
enum class Probe { kAny, kLinear, kSector };

/// An ultrasound-like B-mode image, 8-bit grey: tissue layers with fibres and bright boundaries, cysts, vessels, solid
/// inclusions, bone-like shells; shadows and enhancements follow from attenuation along each beam. The grey value is
/// 255 (1 + (20 log10(e) - gain) / range), clipped, with a range of 50 to 60 dB; e is the mean envelope of 1 to 4 looks
/// with independent speckle (see speckle_envelope), drawn from the seed as everything else.
/// Source: the cyst phantom of Jensen 1996 (Field II), with more anatomy.
/// Errors: UsageError unless 1 <= width, height <= 8192.
Image speckle_phantom(uint64_t seed, int64_t width, int64_t height, Probe probe = Probe::kAny);

/// Scatterers of the given density (amplitude squared) on a grid of `depths` x `beams`, row by row.
struct SpeckleField {
  int64_t depths = 0, beams = 0;
  std::vector<double> density;        ///< depths x beams, >= 0
  double axial_width = 1;             ///< of the pulse, along the beam: standard deviation in rows
  std::vector<double> lateral_width;  ///< of the beam at each depth: standard deviation in columns
};

/// The envelope of fully developed speckle: |h * (sqrt(density / 2) (n1 + i n2))| with independent standard normal n1,
/// n2 and a Gaussian point spread function h of energy 1. Where the density is constant, the envelope squared has the
/// density as its mean, and the envelope is Rayleigh distributed: mean / standard deviation = 1.91.
/// Source: Wagner, Smith, Sandrik & Lopez 1983, "Statistics of speckle in ultrasound B-scans".
std::vector<double> speckle_envelope(uint64_t seed, const SpeckleField& field);

/// Dead leaves: opaque discs, ellipses and rounded boxes of radius density r^-3 (from 2.5 to 9 pixels upwards) lie on
/// each other until the image is covered, each with its own colour, slight shading and texture, softened as by a lens.
/// Has the occlusions, the heavy-tailed differences and the falling power spectrum of photographs. 8 bit, `channels` 1
/// or 3. Source: Lee, Mumford & Huang 2001, "Occlusion models for natural images". Errors: UsageError unless 1 <=
/// width, height <= 8192 and channels is 1 or 3.
Image dead_leaves(uint64_t seed, int64_t width, int64_t height, int64_t channels);

}  // namespace sscvae::image
