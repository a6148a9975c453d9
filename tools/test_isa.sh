#!/usr/bin/env bash
# Runs the tests once for each instruction set that this processor has, held to it by environment: our kernels by
# SSCVAE_ISA, those of LibTorch, oneDNN and MKL by their own variables.
#
#   tools/test_isa.sh BUILD [SET...]      sets: portable neon avx2 avx512 avx512_bf16 amx (default: all that there are)
set -euo pipefail

fail() { printf 'test-isa: %s\n' "$*" >&2; exit 2; }
[[ $# -ge 1 && -f "$1/CTestTestfile.cmake" ]] || fail "expected a build folder with tests, got '${1:-}'"
readonly build="$1"
shift

flags=" $(sed -n 's/^\(flags\|Features\)[[:space:]]*: //p' /proc/cpuinfo | head -1) "
has() { local flag; for flag in "$@"; do [[ "$flags" == *" $flag "* ]] || return 1; done; }

# What our kernels ask for: the table in src/sscvae/core/cpu_features.cpp.
is_there() {
  case "$1" in
    portable) true ;;
    neon) has asimd ;;
    avx2) has avx2 fma ;;
    avx512) is_there avx2 && has avx512f avx512bw avx512vl avx512dq ;;
    avx512_bf16) is_there avx512 && has avx512_bf16 ;;
    amx) is_there avx512_bf16 && has amx_bf16 ;;
    *) fail "expected portable, neon, avx2, avx512, avx512_bf16 or amx, got '$1'" ;;
  esac
}

sets=()
if (( $# == 0 )); then
  for name in portable neon avx2 avx512 avx512_bf16 amx; do
    if is_there "$name"; then sets+=("$name"); fi
  done
else
  for name in "$@"; do
    is_there "$name" || fail "this processor has no $name"
    sets+=("$name")
  done
fi

failed=()
for name in "${sets[@]}"; do
  case "$name" in
    portable) limits=(ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_ENABLE_INSTRUCTIONS=SSE4_2) ;;
    avx2) limits=(ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2) ;;
    avx512) limits=(ATEN_CPU_CAPABILITY=avx512 ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI MKL_ENABLE_INSTRUCTIONS=AVX512) ;;
    avx512_bf16) limits=(ATEN_CPU_CAPABILITY=avx512 ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 MKL_ENABLE_INSTRUCTIONS=AVX512) ;;
    amx | neon) limits=() ;;
  esac
  printf 'test-isa: %s (%s)\n' "$name" "${limits[*]-}"
  env SSCVAE_ISA="$name" "${limits[@]}" ctest --test-dir "$build" -LE 'gpu|cuda' -j 2 --output-on-failure --progress ||
    failed+=("$name")
done
(( ${#failed[@]} == 0 )) || fail "failed with: ${failed[*]}"
printf 'test-isa: passed with: %s\n' "${sets[*]}"
