#pragma once

namespace CLI {
class App;
}

namespace sscvae::cli {

/// No output takes the place of an input of the same call, with --overwrite neither. Looks at a parsed command, before
/// its work: an output file that exists and is also named by another option (a value, or what follows the "=" of
/// key=value), or is an image below a folder or pattern that is. Errors: UsageError.
void keep_inputs(const CLI::App& command);

}  // namespace sscvae::cli
