#!/usr/bin/env bash
# Installs what the build needs: system packages (Debian, Ubuntu) and LibTorch. Does only what is missing.
# With --without-libtorch only what the programs that run models need.
#
#   TORCH_ROOT          a torch package or LibTorch folder to use as it is (so does one on CMAKE_PREFIX_PATH)
#   TORCH_VERSION       the version to install where there is none (default 2.13.0)
#   TORCH_INDEX_URL     a package index with CPU builds of torch (default: pip's own index, whose builds may bring CUDA)
#   SKIP_APT=1          leave system packages alone
set -euo pipefail
cd "$(dirname "$0")/.."

readonly torch_version="${TORCH_VERSION:-2.13.0}"
readonly torch_index="${TORCH_INDEX_URL:-}"
readonly oldest=2.11 newest=2.13

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

install_system_packages() {
  if [[ -n "${SKIP_APT:-}" ]]; then
    say "system packages left alone (SKIP_APT); CMake will name what it cannot find"
    return
  fi
  local wanted=(g++ cmake make ninja-build ccache libpng-dev libjpeg-dev zlib1g-dev nlohmann-json3-dev libeigen3-dev libtomlplusplus-dev
                libcli11-dev libgtest-dev libgmock-dev libsimde-dev locales)
  # Python is needed only to fetch LibTorch.
  [[ -z "$(given_torch)" ]] && wanted+=(python3 python3-venv python3-pip)
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian or Ubuntu system: please install the equivalents of: ${wanted[*]}"
    return
  fi
  local missing=() package
  local present
  present="$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)"
  for package in "${wanted[@]}"; do
    grep -qx "installed $package" <<<"$present" || missing+=("$package")
  done
  if (( ${#missing[@]} == 0 )); then
    return
  fi
  if (( EUID != 0 )); then
    fail "missing system packages. Please run:" "  sudo apt-get update && sudo apt-get install ${missing[*]}" \
         "and then 'make setup' again (or SKIP_APT=1 make setup, if they are installed in another way)"
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # The lists may be absent or old: refreshed only where the packages cannot be had without.
  apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
    { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } ||
    fail "apt-get could not install: ${missing[*]}"
}

# "2.13" of a torch package or LibTorch folder; nothing if it is none.
version_of() {
  local header="$1/include/torch/headeronly/version.h"
  [[ -r "$header" ]] || return 0
  awk '$2 == "TORCH_VERSION_MAJOR" {a = $3} $2 == "TORCH_VERSION_MINOR" {b = $3} END {print a "." b}' "$header"
}

in_range() { [[ "$1" == "$(printf '%s\n' "$oldest" "$1" "$newest" | sort -V | sed -n 2p)" ]]; }

# The folder of the torch package that a Python would import; the package is located, not imported.
torch_of() {
  command -v "$1" >/dev/null || return 0
  "$1" -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')" \
    2>/dev/null || true
}

# A LibTorch that the user points at.
given_torch() {
  local folder
  if [[ -n "${TORCH_ROOT:-}" ]]; then
    echo "$TORCH_ROOT"
    return
  fi
  local -a prefixes
  IFS=':;' read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for folder in ${prefixes[@]+"${prefixes[@]}"}; do
    for folder in "$folder" "$folder/../.."; do
      if [[ -n "$(version_of "$folder")" ]]; then
        echo "$folder"
        return
      fi
    done
  done
}

find_torch() {
  local folder version
  folder="$(given_torch)"
  if [[ -n "$folder" ]]; then
    version="$(version_of "$folder")"
    [[ -n "$version" ]] || fail "TORCH_ROOT=$folder holds no LibTorch (no include/torch/headeronly/version.h)"
    in_range "$version" || say "warning: LibTorch $version is outside the tested range $oldest to $newest"
    say "LibTorch $version at $folder (as given)"
    return 0
  fi
  local python
  for python in .venv/bin/python python3; do
    folder="$(torch_of "$python")"
    version="$([[ -n "$folder" ]] && version_of "$folder" || true)"
    if [[ -n "$version" ]] && in_range "$version"; then
      say "LibTorch $version at $folder"
      return 0
    fi
  done
  return 1
}

install_torch() {
  [[ -x .venv/bin/python ]] || python3 -m venv .venv || fail "cannot create .venv: is python3-venv installed?"
  local pip=(.venv/bin/python -m pip --disable-pip-version-check -q)
  local scratch found=
  say "installing torch $torch_version into .venv"
  # A CPU build that pip knows of without asking an index (find-links in its configuration or environment).
  scratch="$(mktemp -d)"
  "${pip[@]}" download --no-index --no-deps --only-binary=:all: -d "$scratch" "torch==$torch_version+cpu" \
    >/dev/null 2>&1 && found=1
  rm -rf "$scratch"
  if [[ -n "$found" ]] && "${pip[@]}" install --only-binary=:all: "torch==$torch_version+cpu"; then
    return
  fi
  if [[ -n "$torch_index" ]]; then
    "${pip[@]}" install --only-binary=:all: --index-url "$torch_index" "torch==$torch_version" && return
    fail "no torch $torch_version at TORCH_INDEX_URL=$torch_index"
  fi
  say "taking the build of pip's own index, which may bring several GB of CUDA;" \
      "TORCH_INDEX_URL=<index of CPU builds> avoids that"
  if "${pip[@]}" install --only-binary=:all: "torch==$torch_version"; then
    return
  fi
  fail "torch $torch_version could not be installed. Any one of these helps:" \
       "  TORCH_ROOT=<folder of an unpacked LibTorch or an installed torch package> make setup" \
       "  TORCH_INDEX_URL=<package index with CPU builds of torch> make setup" \
       "  .venv/bin/python -m pip install <a torch wheel file>, then make setup"
}

# These serve the tests in which they read our files; without them those tests skip. OpenVINO, which is larger, is left to
# benchmarks/requirements.txt.
install_judges() {
  [[ -n "$(torch_of .venv/bin/python)" ]] || return 0
  local judges=(numpy safetensors tensorboard onnx onnxruntime)
  .venv/bin/python -c "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))" "${judges[@]}" &&
    return
  .venv/bin/python -m pip --disable-pip-version-check -q install -c benchmarks/requirements.txt "${judges[@]}" ||
    say "warning: not all of ${judges[*]} could be installed; tests that need them will skip"
}

# The layout of the sources is that of this release; `make format-check` needs it, nothing else does.
install_format() {
  command -v clang-format-14 >/dev/null && return
  [[ -x .venv/bin/clang-format ]] && return
  if [[ -z "${SKIP_APT:-}" ]] && (( EUID == 0 )) && command -v apt-get >/dev/null &&
     apt-get install -y -q --no-install-recommends clang-format-14 >/dev/null 2>&1; then
    return
  fi
  [[ -x .venv/bin/python ]] &&
    .venv/bin/python -m pip --disable-pip-version-check -q install clang-format==14.0.6 && return
  say "warning: no clang-format 14; make format and format-check will not work"
}

install_system_packages
if [[ "${1:-}" == --without-libtorch ]]; then
  say "ready for what runs models"
  exit
fi
if ! find_torch; then
  install_torch
  find_torch || fail "the installed torch is outside the range $oldest to $newest (TORCH_VERSION=$torch_version)"
fi
install_judges
install_format
say "ready"
