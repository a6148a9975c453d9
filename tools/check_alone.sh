#!/usr/bin/env bash
# Compiles sources one by one, as a build with SSCVAE_UNITY=OFF and SSCVAE_PCH=OFF does, and headers alone: a unity build hides a missing
# include and a name that another file happens to bring.
#
#   tools/check_alone.sh [1/N]      one file of N; which ones follows from the commit, so that many commits see them all.
#                                   1/1 compiles everything. Default: 1/16. Environment: CMAKE_ARGS, JOBS
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'check-alone: %s\n' "$*" >&2; exit 2; }
readonly share="${1:-1/16}" build=build-alone
[[ "$share" =~ ^1/([1-9][0-9]{0,3})$ ]] || fail "expected a share such as 1/16, got '$share'"
readonly groups="${BASH_REMATCH[1]}"

mkdir -p "$build"
# shellcheck disable=SC2086  # several arguments
cmake --preset alone ${CMAKE_ARGS:-} >"$build/configure.log" 2>&1 ||
  { cat "$build/configure.log" >&2; fail "cannot configure"; }

commit="$(git rev-parse HEAD 2>/dev/null || echo 0)"
readonly offset=$(( 16#${commit:0:8} % groups ))
mapfile -t objects < <(ninja -C "$build" -t targets all | sed -n 's/^\(.*\.cpp\.o\): .*/\1/p' | sort |
                       awk -v n="$groups" -v i="$offset" 'NR % n == i')
(( ${#objects[@]} > 0 )) || fail "this group of $groups is empty: there are fewer files"
printf 'check-alone: compiling %d files of their own (group %d of %d)\n' "${#objects[@]}" "$offset" "$groups"
ninja -C "$build" -j "${JOBS:-2}" "${objects[@]}"
printf 'check-alone: each of the %d files compiles alone\n' "${#objects[@]}"
