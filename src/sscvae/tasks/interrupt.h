#pragma once

/// Ctrl-C and termination: the first asks the work to stop at the next safe point, a second one ends at once.
namespace sscvae::tasks {

/// Installs the handlers for SIGINT, SIGTERM and, unless it is ignored, SIGHUP.
void watch_interrupts();

bool interrupted();

/// Thrown where work stops because of an interrupt; what was completed stays. Exit status: 128 + SIGINT, as shells
/// expect.
struct Interrupted {};

/// Throws Interrupted after an interrupt.
void stop_if_interrupted();

}  // namespace sscvae::tasks
