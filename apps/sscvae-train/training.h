#pragma once

namespace CLI {
class App;
}

/// The commands of the training half.
namespace sscvae::cli {

void add_train(CLI::App& app);
void add_trace(CLI::App& app);
void add_tables(CLI::App& app);

}  // namespace sscvae::cli
