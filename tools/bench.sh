#!/usr/bin/env bash
# This machine's speed, stage by stage: tools/bench.sh PROGRAM FOLDER. Needs no data but what the program makes itself.
# FOLDER gets doctor.json (the machine), complexity.json (what the model costs), train.json (seconds for 100 steps of
# 16 patches of 64x64) and reconstruct.json (seconds for images of 256x256 and one of 1024x1024).
set -euo pipefail
cd "$(dirname "$0")/.."
program="${1:-build/sscvae}"
out="${2:-out/benchmark}"
rm -rf "$out"
mkdir -p "$out"
"$program" doctor --quiet --json "$out/doctor.json"
"$program" data synth --quiet --kind mixed --count 12 --size 256x256 --out "$out/images/small"
"$program" data synth --quiet --kind speckle --count 1 --size 1024x1024 --out "$out/images/large"
"$program" complexity --quiet --model ssc-vae --size 256x256 --json "$out/complexity.json" | tail -n 3
"$program" train --set data.root="$out/images/small" --set data.split=all --set data.crops_per_image=8 \
  --set train.steps=100 --set train.validation_images=0 --set train.preview_images=0 \
  --out "$out/run" --json "$out/train.json"
"$program" reconstruct "$out/images" --quiet --weights "$out/run/checkpoints/last.safetensors" --out "$out/results" \
  --json "$out/reconstruct.json"
echo "figures as JSON in $out"
