#include "sscvae/image/anatomy.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sscvae::image {

namespace {

constexpr double kTurn = 2 * std::numbers::pi;

double smooth_step(double t) {
  const double s = std::clamp(t, 0.0, 1.0);
  return s * s * (3 - 2 * s);
}

double bell(double t) { return t * t > 30 ? 0.0 : std::exp(-0.5 * t * t); }

}  // namespace

double Anatomy::Layer::top_at(double x) const {
  double y = top + slope * (x - 0.5);
  for (const Wave& wave : waves) y += wave.amplitude * std::sin(kTurn * wave.frequency * x + wave.phase);
  return y;
}

double Anatomy::Body::radius(double px, double py) const {
  const double dx = px - x, dy = py - y;
  const double u = (dx * cosine + dy * sine) / half_width, v = (dy * cosine - dx * sine) / half_height;
  const double distance = std::sqrt(u * u + v * v);
  if (distance < 1e-9 || distance > 3) return distance;
  const double direction = std::atan2(v, u);
  double outline_radius = 1;
  for (const Wave& wave : outline) outline_radius += wave.amplitude * std::sin(wave.frequency * direction + wave.phase);
  return distance / outline_radius;
}

Anatomy::Anatomy(Random& random, double width, double height) {
  for (Wave& wave : patches_) wave = {random.uniform(0.6, 1.6), random.uniform(0.7, 4.5), random.uniform(0, kTurn)};
  add_layers(random, height);
  add_bodies(random, width, height);
}

void Anatomy::add_layers(Random& random, double height) {
  const int64_t count = 2 + random.below(4);
  double top = -1;
  for (int64_t i = 0; i < count; ++i) {
    Layer layer{};
    layer.top = top;
    layer.slope = random.uniform(-0.18, 0.18);
    for (Wave& wave : layer.waves)
      wave = {random.uniform(0.0, 0.022), random.uniform(0.4, 2.2), random.uniform(0, kTurn)};
    layer.tissue = {random.uniform(-20, 1), random.uniform(2, 13)};
    layer.boundary_db = i > 0 && random.uniform() < 0.75 ? random.uniform(5, 15) : 0;
    layer.boundary_width = random.uniform(0.004, 0.012);
    layer.fibre_db = random.uniform() < 0.55 ? random.uniform(2, 8) : 0;
    layer.fibre_spacing = random.uniform(0.018, 0.06);
    layer.fibre_tilt = random.uniform(-0.3, 0.3);
    layers_.push_back(layer);
    top = (i == 0 ? 0 : top) + height * random.uniform(0.08, 0.36);
  }
}

Anatomy::Body Anatomy::draw_body(Random& random, double width, double height) const {
  Body body{};
  const double kind = random.uniform(), size = 0.04 * std::pow(6.0, random.uniform());  // many small, few large
  const double tilt = random.uniform(-0.6, 0.6);
  body.x = random.uniform(0.05, 0.95) * width;
  body.y = random.uniform(0.15, 0.9) * height;
  body.half_width = size * random.uniform(0.8, 1.7);
  body.half_height = size * random.uniform(0.5, 1.0);
  body.cosine = std::cos(tilt);
  body.sine = std::sin(tilt);
  body.edge = random.uniform(0.04, 0.25);
  const double roughness = random.uniform(0.0, 0.14);
  body.outline[0] = {roughness, static_cast<double>(2 + random.below(3)), random.uniform(0, kTurn)};
  body.outline[1] = {0.5 * roughness, static_cast<double>(5 + random.below(5)), random.uniform(0, kTurn)};
  if (kind < 0.33) {  // cyst or vessel: no echo, no loss, so that what lies below looks brighter
    body.tissue = {random.uniform(-48, -28), 0};
    body.wall_db = random.uniform() < 0.6 ? random.uniform(4, 12) : 0;
    body.wall_width = random.uniform(0.006, 0.014);
  } else if (kind < 0.6) {  // dark solid lesion
    body.tissue = {random.uniform(-20, -9), random.uniform(2, 30)};
  } else if (kind < 0.85) {  // bright inclusion
    body.tissue = {random.uniform(3, 11), random.uniform(4, 30)};
  } else {  // small calcification with its shadow
    body.half_width *= 0.35;
    body.half_height *= 0.2;
    body.tissue = {random.uniform(10, 18), random.uniform(300, 900)};
  }
  return body;
}

void Anatomy::add_bodies(Random& random, double width, double height) {
  const int64_t count = 1 + random.below(6);
  if (random.uniform() < 0.25) {  // a shell like a skull, around most of the image
    Body shell = draw_body(random, width, height);
    shell.x = width * random.uniform(0.42, 0.58);
    shell.y = height * random.uniform(0.45, 0.58);
    shell.half_width = width * random.uniform(0.28, 0.4);
    shell.half_height = height * random.uniform(0.24, 0.34);
    shell.edge = 0.03;
    for (Wave& wave : shell.outline) wave.amplitude *= 0.2;
    shell.tissue = {random.uniform(-26, -14), random.uniform(0, 5)};
    shell.wall_db = random.uniform(14, 20);
    shell.wall_width = random.uniform(0.012, 0.022);
    shell.wall_attenuation_db = random.uniform(20, 120);
    bodies_.push_back(shell);
  }
  for (int64_t i = 0; i < count; ++i) bodies_.push_back(draw_body(random, width, height));
}

void Anatomy::blend(const Body& body, double radius, Tissue& tissue) const {
  const double inside = 1 - smooth_step((radius - 1) / body.edge + 0.5);
  tissue.level_db += inside * (body.tissue.level_db - tissue.level_db);
  tissue.attenuation_db += inside * (body.tissue.attenuation_db - tissue.attenuation_db);
  if (body.wall_db <= 0) return;
  const double wall = bell((radius - 1) * std::min(body.half_width, body.half_height) / body.wall_width);
  tissue.level_db += wall * (body.wall_db - tissue.level_db);
  tissue.attenuation_db += wall * body.wall_attenuation_db;
}

Tissue Anatomy::at(double x, double y) const {
  Tissue tissue = layers_.front().tissue;
  for (const Layer& layer : layers_) {
    const double below = y - layer.top_at(x);
    if (below > 0) {
      tissue = layer.tissue;
      if (layer.fibre_db > 0) {
        const double along = (below + layer.fibre_tilt * x) / layer.fibre_spacing;
        const double bend = 0.8 * std::sin(5 * x + 3 * y) + 0.35 * std::sin(23 * x - 11 * y);
        tissue.level_db += layer.fibre_db * (std::sin(kTurn * along + 2 * bend) - 0.3) * std::sin(7 * x - 2 * y + bend);
      }
    }
    if (layer.boundary_db > 0) tissue.level_db += layer.boundary_db * bell(below / layer.boundary_width);
  }
  for (int i = 0; i < 6; i += 2) {
    const Wave &a = patches_[i], &b = patches_[i + 1];
    tissue.level_db += a.amplitude * std::sin(kTurn * a.frequency * x + a.phase + b.amplitude * y) *
                       std::sin(kTurn * b.frequency * y + b.phase - x);
  }
  for (const Body& body : bodies_) {
    const double radius = body.radius(x, y);
    if (radius < 1.6) blend(body, radius, tissue);
  }
  return tissue;
}

}  // namespace sscvae::image
