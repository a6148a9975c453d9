#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sscvae/tables/published.h"

/// Table 4: what the networks cost at the published size, one grey image of 256x256.
namespace sscvae::tables {

struct CostRow {
  PublishedCost published;
  int64_t parameters = 0;
  int64_t exact_macs = 0, ptflops_macs = 0;  ///< by the two rules of tasks/complexity.h
};

/// Rows for all published models; nothing is trained. Shows progress. Errors: Interrupted.
std::vector<CostRow> measure_costs();

}  // namespace sscvae::tables
