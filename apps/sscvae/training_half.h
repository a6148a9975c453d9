#pragma once

#include <string>
#include <vector>

namespace sscvae::cli {

/// Becomes sscvae-train, with the same arguments, where the call needs it: its command is one of `commands`, or an
/// option asks for a GPU, for passes in train mode or for benchmarks of training. The program lies beside this one or
/// on PATH. Where it is there it also gets `doctor`, to say what it is made of, and `demo`, which then trains. Returns
/// where nothing is handed over. Errors: UsageError where the program is wanted and not there.
void hand_over_to_training_half(int argc, char** argv, const std::vector<std::string>& commands);

}  // namespace sscvae::cli
