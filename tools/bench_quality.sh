#!/usr/bin/env bash
# The quality of our program's images beside that of other methods: tools/bench_quality.sh [options of
# benchmarks/quality/run.py]. The rivals live in the Python of .venv (or QUALITY_PYTHON); what
# benchmarks/quality/requirements.txt names is installed there.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly python="${QUALITY_PYTHON:-.venv/bin/python}"

missing() { # of the given modules, those that this Python does not have
  "$python" -c "import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])" "$@"
}

if ! "$python" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then
  echo "quality: error: no Python 3.11 at $python: 'TORCH_ROOT= make setup' makes it, QUALITY_PYTHON names another" >&2
  exit 1
fi
if [[ -n "$(missing bm3d matplotlib numpy PIL pywt skimage scipy)" ]]; then
  "$python" -m pip --disable-pip-version-check -q install -r benchmarks/quality/requirements.txt 2>/dev/null ||
    echo "quality: warning: not installed (no network?), these will be left out: $(missing bm3d pywt skimage scipy)" >&2
fi
needed="$(missing numpy PIL matplotlib)"
if [[ -n "$needed" ]]; then
  echo "quality: error: Python packages are missing: $needed" >&2
  exit 1
fi
exec "$python" benchmarks/quality/run.py "$@"
