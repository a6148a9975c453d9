#pragma once

#include <mutex>

#include "sscvae/core/log.h"

/// What messages and progress bars share: one terminal. Private to core.
namespace sscvae {

struct LogState {
  std::mutex mutex;
  Verbosity verbosity = Verbosity::kNormal;
  bool bar_visible = false;  ///< the cursor stands on a bar that the next message must clear
};
LogState& log_state();

}  // namespace sscvae
