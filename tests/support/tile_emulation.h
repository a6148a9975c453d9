#pragma once

/// AMX on processors that have none: their exception for an unknown instruction (SIGILL) is answered by doing what the
/// tile instruction would have done, so that kernels of tiles can be tested there. Right, and slow.
namespace sscvae::testing {

/// From now on, in every thread of this program. Changes nothing where the processor has tiles.
/// Returns false where it cannot be done (another system or kind of processor).
bool emulate_tiles();

}  // namespace sscvae::testing
