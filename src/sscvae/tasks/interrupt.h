#pragma once

/// Ctrl-C and termination: the first asks the work to stop at the next safe point, a second one ends at once.
namespace sscvae::tasks {

/// Installs the handlers for SIGINT, SIGTERM and, unless it is ignored, SIGHUP.
void watch_interrupts();

bool interrupted();

/// Thrown where work stops because of an interrupt; what was completed stays. Exit status: 128 + SIGINT, as shells
/// expect.
struct Interrupted {};

inline constexpr char kInterruptedLine[] = "interrupted; what was complete is kept";

/// Throws Interrupted after an interrupt.
void stop_if_interrupted();

/// While one lives, an interrupt ends the process at once, with kInterruptedLine and the exit status of Interrupted:
/// for one long computation that has no safe points, that writes no file and leaves nothing worth keeping when it is
/// cut short. Destructors do not run. One at a time.
class EndsAtOnce {
 public:
  EndsAtOnce();  ///< Throws Interrupted after an interrupt.
  ~EndsAtOnce();
  EndsAtOnce(const EndsAtOnce&) = delete;
  EndsAtOnce& operator=(const EndsAtOnce&) = delete;
};

}  // namespace sscvae::tasks
