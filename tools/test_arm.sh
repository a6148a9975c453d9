#!/usr/bin/env bash
# Cross-compiles the ground floor for 64-bit ARM and runs its tests there by qemu-user. Installs what that takes (Debian,
# Ubuntu: a compiler, an emulator, the libraries for arm64), only what is missing.
#
#   tools/test_arm.sh [BUILD]           default: build-arm. Environment: JOBS, CMAKE_ARGS,
#                                       SKIP_APT=1 leaves system packages alone
set -euo pipefail
cd "$(dirname "$0")/.."
readonly build="${1:-build-arm}"

say() { printf 'test-arm: %s\n' "$*"; }
fail() { printf 'test-arm: %s\n' "$@" >&2; exit 1; }

readonly packages=(g++-aarch64-linux-gnu qemu-user cmake ninja-build googletest libgtest-dev nlohmann-json3-dev libeigen3-dev
                   libtomlplusplus-dev libcli11-dev libpng-dev:arm64 libjpeg-dev:arm64 zlib1g-dev:arm64 libgomp1:arm64
                   libstdc++6:arm64)

install_packages() {
  [[ -n "${SKIP_APT:-}" ]] && return
  command -v dpkg-query >/dev/null ||
    { say "not a Debian or Ubuntu system: please install the equivalents of: ${packages[*]}"; return; }
  local missing=() package
  for package in "${packages[@]}"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
  done
  (( ${#missing[@]} == 0 )) && return
  if (( EUID != 0 )); then
    fail "missing system packages. Please run:" \
         "  sudo dpkg --add-architecture arm64 && sudo apt-get update && sudo apt-get install ${missing[*]}" \
         "and then 'make test-arm' again (or SKIP_APT=1 make test-arm, if they are installed in another way)"
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  dpkg --add-architecture arm64
  apt-get update -q >/dev/null
  apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null || fail "apt-get could not install: ${missing[*]}"
}

install_packages
mkdir -p "$build"
# shellcheck disable=SC2086  # several arguments
cmake -S . -B "$build" -G Ninja --toolchain cmake/aarch64.cmake -DCMAKE_BUILD_TYPE=Release -DSSCVAE_TRAINING=OFF \
      ${CMAKE_ARGS:-} >"$build/configure.log" 2>&1 || { cat "$build/configure.log" >&2; fail "cannot configure"; }
# The tests of the ground floor's layers; those of conventions are none of a processor.
mapfile -t programs < <(ninja -C "$build" -t targets all | sed -n 's/^\(sscvae_[a-z]*_test\): .*/\1/p' | grep -v layering)
ninja -C "$build" -j "${JOBS:-2}" "${programs[@]}"
# Thousands of damaged files take an emulator half an hour, and say nothing of a processor.
exec ctest --test-dir "$build" -L unit -E Hostile -j "${JOBS:-2}" --output-on-failure
