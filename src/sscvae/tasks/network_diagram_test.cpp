#include "sscvae/tasks/network_diagram.h"

#include <gtest/gtest.h>

#include "sscvae/networks/table.h"

namespace sscvae::tasks {
namespace {

networks::ModelOptions options_of(const std::string& model) {
  networks::ModelOptions options;
  options.name = model;
  options.lite.width = 16;
  return options;
}

TEST(NetworkDiagram, DrawsEveryModel) {
  for (const networks::ModelEntry& entry : networks::model_entries()) {
    const report::Diagram diagram = diagram_of(entry.network(options_of(entry.name)), entry.name, 64, 96);
    EXPECT_GE(diagram.boxes.size(), 5u) << entry.name;
    EXPECT_LE(diagram.boxes.size(), 60u) << entry.name << ": what repeats is drawn once";
    EXPECT_EQ(diagram.panels.front(), "Encoder") << entry.name;
    EXPECT_EQ(diagram.panels[diagram.boxes.back().panel], "Decoder") << entry.name;
    EXPECT_NE(diagram.boxes.back().lines.back().find("64 \u00d7 96"), std::string::npos) << entry.name;
    for (const auto& [from, to] : diagram.arrows) {
      EXPECT_LT(from, diagram.boxes.size()) << entry.name;
      EXPECT_LT(to, diagram.boxes.size()) << entry.name;
      EXPECT_NE(from, to) << entry.name;
    }
  }
}

TEST(NetworkDiagram, ShowsTheSparsityController) {
  const report::Diagram diagram =
      diagram_of(networks::find_model("ssc-vae").network(options_of("ssc-vae")), "ssc-vae", 64, 64);
  EXPECT_EQ(diagram.panels, (std::vector<std::string>{"Encoder", "Sparsity controller: inference",
                                                      "Sparsity controller: refinement", "Sparse coder", "Decoder"}));
}

}  // namespace
}  // namespace sscvae::tasks
