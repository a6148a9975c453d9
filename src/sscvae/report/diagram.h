#pragma once

#include <string>
#include <utility>
#include <vector>

/// Boxes and arrows.
namespace sscvae::report {

/// Boxes stand below each other in panels, panels beside each other, both in the order given.
struct Diagram {
  struct Box {
    size_t panel;
    std::string title;
    std::vector<std::string> lines;  ///< smaller, below the title
  };
  std::string title;
  std::vector<std::string> panels;  ///< their headings
  std::vector<Box> boxes;
  std::vector<std::pair<size_t, size_t>> arrows;  ///< from box to box
};

/// An SVG document of its own, readable on light and dark pages. Text is escaped.
std::string svg_of(const Diagram& diagram);

}  // namespace sscvae::report
