#!/usr/bin/env bash
# Our program and its rivals side by side: tools/bench_peers.sh [options of benchmarks/peers/run.py].
# The rivals live in the Python of .venv (or PEERS_PYTHON); what benchmarks/requirements.txt names is installed there.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly python="${PEERS_PYTHON:-.venv/bin/python}"

missing() { # of the given modules, those that this Python does not have
  "$python" -c "import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])" "$@"
}

if [[ ! -x "$python" ]] || [[ -n "$(missing torch)" ]]; then
  echo "peers: error: no PyTorch at $python: 'TORCH_ROOT= make setup' installs it, PEERS_PYTHON names another Python" >&2
  exit 1
fi
if [[ -n "$(missing onnx onnxruntime openvino numpy safetensors PIL)" ]]; then
  "$python" -m pip --disable-pip-version-check -q install -r benchmarks/requirements.txt numpy safetensors pillow \
    2>/dev/null ||
    echo "peers: warning: not installed (no network?), these rivals will be left out: $(missing onnx onnxruntime openvino)" >&2
fi
needed="$(missing numpy safetensors PIL)"
if [[ -n "$needed" ]]; then
  echo "peers: error: Python packages are missing: $needed" >&2
  exit 1
fi
exec "$python" benchmarks/peers/run.py "$@"
