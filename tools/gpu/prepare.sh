#!/usr/bin/env bash
# Builds the program for a GPU on a machine that has none: tools/gpu/prepare.sh [options]. See --help.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly torch_folder=build-gpu-torch build_folder=build-gpu stamp=build-gpu/prepared.txt
readonly targets=(sscvae sscvae-train sscvae_gpu_test)
torch_version=2.11.0 python_version=3.12 architectures="80-real;90a-real" jobs="" libraries=yes

say() { printf 'prepare: %s\n' "$*"; }
fail() { printf 'prepare: error: %s\n' "$*" >&2; exit 1; }
fail_usage() { printf 'prepare: error: %s\n' "$*" >&2; exit 2; }

usage() {
  cat <<EOT
Usage: tools/gpu/prepare.sh [options]

Fetches LibTorch with CUDA from PyPI's wheel of torch and builds the program and the GPU tests against it. Needs pip and
nvcc, but no GPU; nothing of the wheel is imported. Runs at the lowest priority; what is there already is kept.

  --torch VERSION      of the wheel, as on the machine with the GPU (default $torch_version)
  --python VERSION     that the wheel is for, as there (default $python_version)
  --architectures LIST of the GPU kernels, as CMake names them (default "$architectures")
  --without-libraries  leave out NVIDIA's libraries (several GB), which only starting the program here needs
  --jobs N             compilers at once (default: the number of processors)

It leaves, all of them git-ignored:
  $torch_folder/   the unpacked wheels
  $build_folder/         the build; $stamp says of which commit
EOT
}

while (( $# )); do
  case "$1" in
    --help) usage; exit 0 ;;
    --without-libraries) libraries=no; shift ;;
    --torch | --python | --architectures | --jobs)
      [[ -n "${2:-}" ]] || fail_usage "$1 needs a value"
      case "$1" in
        --torch) torch_version="$2" ;;
        --python) python_version="$2" ;;
        --architectures) architectures="$2" ;;
        --jobs) jobs="$2" ;;
      esac
      shift 2 ;;
    *) fail_usage "unknown option '$1'; see --help" ;;
  esac
done
[[ -z "$jobs" || "$jobs" =~ ^[1-9][0-9]*$ ]] || fail_usage "--jobs: expected a number, got '$jobs'"
for tool in python3 cmake ninja g++ nvcc git; do
  command -v "$tool" >/dev/null || fail "$tool is missing"
done
renice -n 19 $$ >/dev/null

# Unpacks wheels, all or none.
fetch() { # REQUIREMENT, OR OPTION OF PIP...
  local wheel
  scratch="$(mktemp -d "$torch_folder/.fetch.XXXXXX")"
  python3 -m pip --disable-pip-version-check download -qq --no-cache-dir --only-binary=:all: \
    --python-version "$python_version" --implementation cp --dest "$scratch/wheels" "$@" ||
    fail "pip could not fetch: $*"
  mkdir "$scratch/whole"
  for wheel in "$scratch"/wheels/*.whl; do
    python3 -m zipfile -e "$wheel" "$scratch/whole" || fail "not a whole wheel: $(basename "$wheel")"
  done
  mv "$scratch"/whole/* "$torch_folder/"  # each entry whole or not at all
  rm -rf "$scratch"
  scratch=""
}

# What the wheel asks for of NVIDIA: lines such as nvidia-cudnn-cu13==9.19.0.56.
nvidia_requirements() {
  sed -n 's/^Requires-Dist: \(\(nvidia-\|cuda-toolkit\)[^;]*\).*/\1/p' "$torch_folder"/torch-*.dist-info/METADATA | sed 's/ *$//'
}

mkdir -p "$torch_folder"
exec 9>"$torch_folder/.lock"
flock -n 9 || fail "another prepare.sh is at work here"
scratch=""
trap '[[ -z "$scratch" ]] || rm -rf "$scratch"' EXIT
for old in "$torch_folder"/.fetch.*; do # of a run that was killed
  [[ ! -d "$old" ]] || rm -rf "$old"
done
have="$(sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$torch_folder/torch/version.py" 2>/dev/null || true)"
[[ -z "$have" || "$have" == "$torch_version" ]] ||
  fail "$torch_folder holds torch $have, not $torch_version: remove it, or give --torch $have"
if [[ -z "$have" ]]; then
  say "fetching torch $torch_version for Python $python_version"
  fetch --no-deps "torch==$torch_version"
fi
if [[ "$libraries" == yes && ! -d "$torch_folder/nvidia" ]]; then
  mapfile -t requirements < <(nvidia_requirements)
  (( ${#requirements[@]} )) || fail "this wheel asks for no NVIDIA libraries: is it a CPU build?"
  say "fetching ${#requirements[@]} packages of NVIDIA's libraries"
  fetch "${requirements[@]}"
fi
[[ -e "$torch_folder/torch/lib/libtorch_cuda.so" ]] || fail "torch $torch_version of this index is a CPU build"
cuda="$(sed -n "s/^cuda.*= '\(.*\)'/\1/p" "$torch_folder/torch/version.py")"
say "LibTorch $torch_version, CUDA $cuda, in $torch_folder"

# Linked statically where Debian has the archive, so that the other machine needs no such package; pack.sh carries the rest.
archive() { # NAME
  local path
  path="$(g++ -print-file-name="lib$1.a")"
  [[ "$path" != /* ]] || printf '%s\n' "$path"
}
settings=(-DTORCH_ROOT="$PWD/$torch_folder/torch" -DCMAKE_CUDA_ARCHITECTURES="$architectures" -DCMAKE_EXE_LINKER_FLAGS=-s)
for library in PNG:png JPEG:jpeg ZLIB:z; do
  path="$(archive "${library#*:}")"
  [[ -z "$path" ]] || settings+=("-D${library%:*}_LIBRARY_RELEASE=$path")
done
if command -v ccache >/dev/null; then
  export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
  settings+=(-DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
fi
rm -f "$stamp"
cmake --preset gpu "${settings[@]}" >"$torch_folder/configure.log" 2>&1 ||
  { cat "$torch_folder/configure.log" >&2; fail "CMake could not configure the build"; }
# Asked now: what is edited while the compiler runs may or may not be in the build.
commit="$(git rev-parse HEAD)"
changed="$(git status --porcelain --untracked-files=normal | wc -l)"
say "building ${targets[*]} in $build_folder"
cmake --build "$build_folder" ${jobs:+-j "$jobs"} --target "${targets[@]}" || fail "the build failed"
[[ "$commit" == "$(git rev-parse HEAD)" ]] || fail "the commit changed while the compiler ran: run this again"

programs=("$build_folder/sscvae" "$build_folder/sscvae-train" "$build_folder/tests/sscvae_gpu_test")
newest() { # PREFIX: the newest version of a symbol with it that a program asks for
  objdump -T "${programs[@]}" | grep -o "$1_[0-9.]*" | sort -uV | tail -n 1
}
{
  printf 'commit %s\n' "$commit"
  if (( changed )); then printf 'dirty: %d files differed from the commit\n' "$changed"; fi
  printf 'torch %s, CUDA %s, GPU kernels for %s\n' "$torch_version" "$cuda" "$architectures"
  printf 'needs %s, %s, %s\n' "$(newest GLIBC)" "$(newest GLIBCXX)" "$(newest CXXABI)"
} >"$stamp.part"
mv "$stamp.part" "$stamp"
sed 's/^/prepare: /' "$stamp"
say "ready: tools/gpu/pack.sh"
