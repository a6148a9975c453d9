#include "sscvae/report/diagram.h"

#include <gtest/gtest.h>

namespace sscvae::report {
namespace {

TEST(Diagram, HasEveryBoxPanelAndArrow) {
  Diagram diagram;
  diagram.title = "a & b";
  diagram.panels = {"first", "second"};
  diagram.boxes = {{0, "one", {"3 < 4"}}, {0, "two", {}}, {1, "three", {"x", "y"}}};
  diagram.arrows = {{0, 1}, {0, 2}, {1, 2}};
  const std::string svg = svg_of(diagram);
  const auto count = [&](const std::string& what) {
    size_t found = 0;
    for (size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("class=\"box\""), 3u);
  EXPECT_EQ(count("class=\"panel\""), 2u);
  EXPECT_EQ(count("class=\"arrow\""), 3u);
  EXPECT_EQ(count(">3 &lt; 4<"), 1u);
  EXPECT_EQ(count("a &amp; b"), 2u) << "title and heading";
}

}  // namespace
}  // namespace sscvae::report
