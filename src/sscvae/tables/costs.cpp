#include "sscvae/tables/costs.h"

#include "sscvae/core/progress.h"
#include "sscvae/models/registry.h"
#include "sscvae/tasks/complexity.h"
#include "sscvae/train/experiment.h"

namespace sscvae::tables {

namespace {
constexpr int64_t kSide = 256;
}

std::vector<CostRow> measure_costs() {
  std::vector<CostRow> rows;
  Progress progress("costs", static_cast<int64_t>(published_costs().size()), "model");
  for (const PublishedCost& published : published_costs()) {
    progress.update(static_cast<int64_t>(rows.size()), published.model);
    const train::Experiment experiment =
        train::resolve_experiment("", {"profile=\"reference\"", "model.name=\"" + published.model + "\""});
    const auto model = models::make_autoencoder(experiment.options.model, 1);
    model->eval();
    const tasks::Complexity exact = tasks::measure_complexity(*model, kSide, kSide, tasks::CountingRule::kExact);
    const tasks::Complexity output = tasks::measure_complexity(*model, kSide, kSide, tasks::CountingRule::kPtflops);
    rows.push_back({published, exact.parameters, exact.macs, output.macs});
  }
  progress.update(static_cast<int64_t>(rows.size()));
  return rows;
}

}  // namespace sscvae::tables
