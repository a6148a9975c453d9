#include "sscvae/tables/costs.h"

#include "sscvae/experiments/experiment.h"
#include "sscvae/networks/table.h"
#include "sscvae/tasks/complexity.h"

namespace sscvae::tables {

namespace {
constexpr int64_t kSide = 256;
}

std::vector<CostRow> measure_costs() {
  std::vector<CostRow> rows;
  for (const PublishedCost& published : published_costs()) {
    const experiments::Experiment experiment =
        experiments::resolve_experiment("", {"profile=\"reference\"", "model.name=\"" + published.model + "\""});
    const networks::Network network = networks::find_model(published.model).network(experiment.options.model);
    const tasks::Complexity exact = tasks::measure_complexity(network, kSide, kSide, graph::CountingRule::kExact);
    const tasks::Complexity output = tasks::measure_complexity(network, kSide, kSide, graph::CountingRule::kPtflops);
    rows.push_back({published, exact.parameters, exact.macs, output.macs});
  }
  return rows;
}

}  // namespace sscvae::tables
