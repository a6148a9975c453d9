#pragma once

#include <cstdint>
#include <vector>

#include "sscvae/core/random.h"

/// What lies under the probe of a speckle phantom. Private to this folder.
/// Places (x, y) are in units of the image's short side, y downwards from the skin.
namespace sscvae::image {

struct Tissue {
  double level_db = 0;        ///< scatterer density relative to soft tissue
  double attenuation_db = 0;  ///< loss over one unit of depth, beyond what the machine compensates
};

class Anatomy {
 public:
  /// Draws layers, fibres and bodies for an image of `width` x `height` units.
  Anatomy(Random& random, double width, double height);
  Tissue at(double x, double y) const;

 private:
  struct Wave {
    double amplitude, frequency, phase;
  };
  struct Layer {
    double top, slope;
    Wave waves[2];
    Tissue tissue;
    double boundary_db, boundary_width;          ///< the bright line along its top
    double fibre_db, fibre_spacing, fibre_tilt;  ///< stripes within
    double top_at(double x) const;
  };
  struct Body {
    double x, y, half_width, half_height, cosine, sine;
    Wave outline[2];  ///< deviation of the radius with the direction
    double edge;      ///< softness of the edge, as a part of the radius
    Tissue tissue;
    double wall_db, wall_width;  ///< a bright wall (vessel, skull); 0 dB for none
    double wall_attenuation_db;
    double radius(double px, double py) const;  ///< 1 on the outline
  };
  void add_layers(Random& random, double height);
  void add_bodies(Random& random, double width, double height);
  Body draw_body(Random& random, double width, double height) const;
  void blend(const Body& body, double radius, Tissue& tissue) const;
  std::vector<Layer> layers_;
  std::vector<Body> bodies_;
  Wave patches_[6];  ///< slow variation of the density over the image
};

}  // namespace sscvae::image
