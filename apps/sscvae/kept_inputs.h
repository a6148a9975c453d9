#pragma once

namespace CLI {
class App;
}

namespace sscvae::cli {

/// Makes sure that no output replaces an input of the same call, not even with --overwrite. An existing output file is
/// an input if another option names it (as its value or as the value of key=value), or if it is an image below a folder
/// or pattern that another option names. Called after parsing, before any work. Errors: UsageError.
void keep_inputs(const CLI::App& command);

}  // namespace sscvae::cli
