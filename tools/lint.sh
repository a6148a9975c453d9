#!/usr/bin/env bash
# clang-tidy on the sources that differ from a commit: tools/lint.sh BUILD_FOLDER [COMMIT]
set -euo pipefail
cd "$(dirname "$0")/.."
build="${1:-build}"
base="${2:-origin/main}"
command -v clang-tidy >/dev/null || { echo "clang-tidy is not installed: apt-get install clang-tidy libomp-dev" >&2; exit 1; }
git rev-parse -q --verify "$base" >/dev/null || base=HEAD
mapfile -t changed < <({ git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } |
                       grep -E '^(src|apps|tests|benchmarks)/.*\.cpp$' | sort -u)
if (( ${#changed[@]} == 0 )); then
  echo "no source differs from $base"
  exit 0
fi
clang-tidy -p "$build" --quiet "${changed[@]}"
