#!/usr/bin/env bash
# Runs jobs of a pack on the machine with the GPU: run.sh [options] JOB... See --help.
set -uo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
readonly here
readonly largest=16000000 most_files=8 most_bytes=48000000 least_seconds=20 writing_seconds=60
device=cuda out="${OUT:-}" python=python3 total_minutes=9.5 gigapixels="" small=""
jobs=() settings=()

say() { printf 'run: %s\n' "$*"; }
fail() { printf 'run: error: %s\n' "$*" >&2; exit 2; }

usage() {
  cat <<EOT
Usage: run.sh [options] JOB...

Runs the jobs one after another, from a folder that tools/gpu/pack.sh made. Each has its own time limit; one that fails or
runs out of time does not stop the next. Results are written as they come, and the last minute is kept for writing.

  tests[:MINUTES]         the GPU tests (default 3 minutes)
  bench[:MINUTES]         the program beside PyTorch on the same device (default 5 minutes)
  train:CONFIG:MINUTES    training, start and writing included. A schedule that ends with the steps is made to end in
                          time: a short trial says how many steps fit, and no more than are wanted are taken. A
                          CONFIG can be in the list once

  --out FOLDER       for the results (default: OUT of the environment), which must be empty or not there. results.tar.gz
                     has logs and figures, CONFIG.safetensors (or CONFIG.safetensors.00, .01, ... to put together with
                     cat) the weights as 16-bit numbers: at most $most_files files of at most 16 MB
  --minutes M        for everything (default $total_minutes)
  --gigapixels G     wanted of a training, in place of the steps of its configuration
  --set KEY=VALUE    on top of the configuration of trainings; may be repeated
  --device NAME      cuda or cpu (default $device)
  --python PROGRAM   with torch (default $python): its libraries are the program's, too
  --small            small cases in bench, to try it out
EOT
}

while (( $# )); do
  case "$1" in
    --help) usage; exit 0 ;;
    --small) small=yes; shift ;;
    --out | --minutes | --gigapixels | --set | --device | --python)
      [[ -n "${2:-}" ]] || fail "$1 needs a value"
      case "$1" in
        --out) out="$2" ;; --minutes) total_minutes="$2" ;; --gigapixels) gigapixels="$2" ;;
        --set) settings+=(--set "$2") ;; --device) device="$2" ;; --python) python="$2" ;;
      esac
      shift 2 ;;
    -*) fail "unknown option '$1'; see --help" ;;
    *) jobs+=("$1"); shift ;;
  esac
done

is_number() { [[ "$1" =~ ^[0-9]+(\.[0-9]+)?$ ]]; }
seconds_of() { awk -v m="$1" 'BEGIN {printf "%d", 60 * m}'; }

is_number "$total_minutes" || fail "--minutes: expected a number, got '$total_minutes'"
[[ -z "$gigapixels" ]] || is_number "$gigapixels" || fail "--gigapixels: expected a number, got '$gigapixels'"
[[ "$device" == cuda || "$device" == cpu ]] || fail "--device: expected cuda or cpu, got '$device'"
(( ${#jobs[@]} )) || fail "no job; see --help"
trainings=" "
for job in "${jobs[@]}"; do
  IFS=: read -r kind first second rest <<<"$job"
  case "$kind" in
    tests | bench) [[ -z "$second" ]] && { [[ -z "$first" ]] || is_number "$first"; } || fail "'$job': expected $kind:MINUTES" ;;
    train)
      [[ -n "$first" && -z "$rest" ]] && is_number "$second" || fail "'$job': expected train:CONFIG:MINUTES"
      [[ -e "$here/configs/$(basename "$first" .toml).toml" ]] || fail "'$job': the pack was made without this configuration"
      name="$(basename "$first" .toml)"
      [[ "$trainings" != *" $name "* ]] || fail "'$job': $name is in the list twice, and its results have one place"
      trainings+="$name " ;;
    *) fail "unknown job '$job'; see --help" ;;
  esac
done
[[ -n "$out" ]] || fail "--out FOLDER is missing"
mkdir -p "$out" 2>/dev/null && out="$(cd "$out" && pwd)" || fail "cannot make the folder '$out'"
[[ -z "$(ls -A "$out")" ]] || fail "the folder '$out' is not empty"

deadline=$((SECONDS + $(seconds_of "$total_minutes") - writing_seconds))
command -v "$python" >/dev/null || fail "$python is missing: --python names one with torch"
torch="$("$python" -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")')" ||
  fail "$python does not run"
[[ -n "$torch" ]] || fail "$python has no torch: --python names one that has"
# LibTorch and, where they are packages beside it, NVIDIA's libraries; the pack's own last.
libraries="$torch/lib"
for folder in "$(dirname "$torch")"/nvidia/*/lib; do
  [[ ! -d "$folder" ]] || libraries+=":$folder"
done
export LD_LIBRARY_PATH="$libraries:$here/lib" SSCVAE_MODELS="$here/models" PYTHONUNBUFFERED=1
readonly program="$here/bin/sscvae"
missing="$(ldd "$program" 2>&1 | grep -E 'not found' | head -n 1 | sed 's/^[[:space:]]*//')"
[[ -z "$missing" ]] || fail "the program cannot start here: $missing"

work="$(mktemp -d)" || fail "no folder for temporary files"
mkdir -p "$work/results"
readonly work summary="$work/results/summary.txt"
started=$SECONDS
running="" writer=""

# Whole or not at all: whoever copies the folder at any moment finds the last complete state.
publish() { # FILE NAME
  cp "$1" "$out/$2.part" && mv "$out/$2.part" "$out/$2"
}

# Also called by a process in the background: only one at a time.
publish_results() (
  flock 9
  cd "$work/results" || exit
  local patterns=() kept
  # Figures and pictures that are small; only text where that is too much.
  for kept in all text; do
    [[ "$kept" == all ]] || patterns=(-regex '.*\.\(txt\|log\|json\|csv\|md\|toml\)')
    find . -type f -size -3M ! -path '*/checkpoints/*' ${patterns[@]+"${patterns[@]}"} | sort >"$work/list"
    tar -czf "$work/results.tar.gz" -T "$work/list" 2>/dev/null
    if (( $(stat -c %s "$work/results.tar.gz") <= largest )); then
      publish "$work/results.tar.gz" results.tar.gz
      break
    fi
  done
) 9>"$work/lock"

note() { printf '%s\n' "$*" | tee -a "$summary"; }

# The weights of a training as 16-bit numbers, in parts where one file is too large. Prints what it did; nothing where they
# are those that lie there already. NAME
publish_weights() (
  flock 8
  local run="$work/results/$1/run" half="$work/half.safetensors" weights count size part others
  for weights in "$run/checkpoints/best.safetensors" "$run/checkpoints/last.safetensors"; do
    [[ ! -e "$weights" ]] || break
  done
  [[ -e "$weights" && "$weights" -nt "$work/$1.published" ]] || exit 0
  touch -r "$weights" "$work/seen"
  "$program" export "$weights" --type f16 --format safetensors --out "$half" --overwrite --quiet >/dev/null 2>"$work/export.log" ||
    { echo "  $1: no weights: $(tail -n 1 "$work/export.log")"; exit; }
  size="$(stat -c %s "$half")"
  count=$(((size + largest - 1) / largest))
  # Those of other trainings came first; results.tar.gz has its place.
  others="$(find "$out" -name '*.safetensors*' ! -name '*.part' ! -name "$1.safetensors*" -printf '%s\n' | awk '{n += $1} END {print NR, n + 0}')"
  if (( ${others% *} + count >= most_files || ${others#* } + size > most_bytes )); then
    echo "  $1: no weights: with $((size >> 20)) MiB more there would be over $most_files files or $((most_bytes / 1000000)) MB"
    exit
  fi
  if (( count == 1 )); then
    publish "$half" "$1.safetensors"
  else
    rm -f "$work"/split.*
    split -d -b "$largest" "$half" "$work/split."
    for part in "$work"/split.*; do publish "$part" "$1.safetensors.${part##*.}"; done
  fi
  mv "$work/seen" "$work/$1.published"
  echo "  $1: weights of $((size >> 10)) KiB in $count file(s)"
) 8>"$work/lock-weights"

stop_all() {
  trap '' INT TERM
  [[ -z "$running" ]] || kill -TERM "$running" 2>/dev/null
  [[ -z "$running" ]] || wait "$running" 2>/dev/null
  note "stopped from outside after $((SECONDS - started)) s"
  finish_training
  publish_results
  clean
  exit 143
}

clean() {
  [[ -z "$writer" ]] || kill "$writer" 2>/dev/null
  rm -rf "$work"
}

# Runs a command with a time limit in seconds, its output in results/NAME.log; 124 as timeout says.
limited() { # SECONDS NAME COMMAND...
  local limit="$1" name="$2" status
  shift 2
  (( limit > 0 )) || return 124  # which timeout would take for no limit at all
  timeout --signal=TERM --kill-after=15 "$limit" "$@" >>"$work/results/$name.log" 2>&1 </dev/null &
  running=$!
  wait "$running" 2>/dev/null
  status=$?
  running=""
  return "$status"
}

run_tests() { # SECONDS
  local test name status=0 end=$((SECONDS + $1))
  for test in "$here"/bin/*_test; do
    name="$(basename "$test")"
    limited "$((end - SECONDS))" "$name" "$test" --gtest_output="json:$work/results/$name.json" || status=$?
    # Each test ends in a line with its time.
    ended() { grep -c "^\\[ *$1 *\\] .*ms)$" "$work/results/$name.log"; }
    note "  $name: $(ended OK) passed, $(ended SKIPPED) skipped, $(ended FAILED) failed"
    grep '^\[  FAILED  \] .*ms)$' "$work/results/$name.log" | sed 's/^[^]]*\]/   /; s/, where.*//' | head -n 20 | tee -a "$summary"
  done
  return "$status"
}

run_bench() { # SECONDS
  limited "$1" bench "$python" "$here/peers/gpu.py" --program "$program" --device "$device" --seconds "$1" \
    --out "$work/results/bench" --work "$work/bench" ${small:+--small}
}

# Of a run's log: seconds for a step, from its second half, in which nothing is new any more.
seconds_per_step() {
  "$python" - "$1" <<'PYTHON'
import csv, sys
rows = [(float(row["step"]), float(row["seconds"])) for row in csv.DictReader(open(sys.argv[1]))]
(first, begin), (last, end) = rows[len(rows) // 2 - 1 if len(rows) > 2 else 0], rows[-1]
print((end - begin) / (last - first))
PYTHON
}

# Batch, patch and steps of the resolved configuration: how many steps are wanted.
steps_wanted() {
  "$program" config "$@" --quiet >"$work/config.toml" && "$python" - "$work/config.toml" "$gigapixels" <<'PYTHON'
import sys, tomllib
config = tomllib.load(open(sys.argv[1], "rb"))
train, data = config["train"], config["data"]
pixels = train["batch_size"] * train.get("accumulate", 1) * data["patch_size"] ** 2
print(round(float(sys.argv[2]) * 1e9 / pixels) if sys.argv[2] else train.get("steps", 0))
PYTHON
}

finish_training() {
  local name text
  name="$(cat "$work/training" 2>/dev/null)" || return 0
  text="$(publish_weights "$name")"
  [[ -z "$text" ]] || note "$text"
  rm -f "$work/training"
}

run_training() { # SECONDS CONFIG
  local name end=$((SECONDS + $1)) status folder wanted step fitting
  name="$(basename "$2" .toml)"
  folder="$work/results/$name"
  mkdir -p "$folder"
  local options=(--config "$here/configs/$name.toml")
  case "$(sed -n 's/^dataset *= *"\(.*\)".*/\1/p' "$here/configs/$name.toml")" in
    bsds500)
      options+=(--set "data.root=$here/data/bsds500")
      ! grep -q '^split *= *"manifest"' "$here/configs/$name.toml" ||
        options+=(--set "data.manifest=$here/models/splits/bsds500-denoise.csv") ;;
    ultrasound) options+=(--set "data.root=$here/data/ultrasound") ;;
  esac
  options+=(${settings[@]+"${settings[@]}"})
  wanted="$(steps_wanted "${options[@]}" 2>>"$work/results/$name.log")" ||
    { note "  $(tail -n 1 "$work/results/$name.log")"; return 2; }

  local trial_rows=10
  [[ "$device" == cuda ]] || trial_rows=1
  # A trial of a twelfth of the time, at most 25 s: the first steps choose algorithms and are no measure.
  local trial=$(( $1 / 12 < 25 ? $1 / 12 : 25 ))
  local trial_limit=$((trial + 60 < end - SECONDS ? trial + 60 : end - SECONDS))
  limited "$trial_limit" "$name-trial" "$program" train "${options[@]}" --device "$device" --out "$work/trial" --overwrite \
    --set train.steps=100000000 --set "train.log_every=$trial_rows" --set train.validation_images=0 --set train.preview_images=0 \
    --set "train.max_minutes=$(awk -v s="$trial" 'BEGIN {print s / 60}')"
  step="$(seconds_per_step "$work/trial/log.csv" 2>/dev/null)" || step=""
  rm -rf "$work/trial"
  # Validation, previews and the end take their share.
  local left=$((end - SECONDS - 15))
  if [[ -n "$step" ]]; then
    fitting="$(awk -v s="$left" -v t="$step" 'BEGIN {n = int(0.9 * s / t); print n < 1 ? 1 : n}')"
    (( wanted > 0 && wanted < fitting )) || wanted="$fitting"
    note "  $step s for a step: $wanted steps"
  else
    (( wanted > 0 )) || wanted=100000
    note "  the trial took no two steps ($(tail -n 1 "$work/results/$name-trial.log")): as many of $wanted as time allows"
  fi
  printf '%s' "$name" >"$work/training"
  limited $((end - SECONDS - 5)) "$name" "$program" train "${options[@]}" --device "$device" --out "$folder/run" \
    --set "train.steps=$wanted" --set "train.validate_every=$((wanted / 10 > 0 ? wanted / 10 : 1))" \
    --set train.checkpoint_minutes=1 --set train.preview_images=2 --set "train.max_minutes=$(awk -v s="$((left - 5))" 'BEGIN {print s / 60}')" \
    --json "$folder/summary.json"
  status=$?
  finish_training
  return "$status"
}

trap stop_all INT TERM
{
  printf 'jobs %s\ndevice %s\n' "${jobs[*]}" "$device"
  cat "$here/prepared.txt" 2>/dev/null
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null
  printf 'torch of %s: %s\n' "$python" "$torch"
} >"$summary"
"$program" doctor --device "$device" --quiet --json "$work/results/doctor.json" >/dev/null 2>"$work/results/doctor.log" ||
  { tail -n 1 "$work/results/doctor.log" | tee -a "$summary" >&2; publish_results; clean; exit 2; }

# What lies in the folder of results at any moment is at most so old; weights are those of the last checkpoint.
(
  while sleep 10; do
    publish_results
    [[ ! -e "$work/training" ]] || publish_weights "$(cat "$work/training")" >/dev/null
    kill -0 $$ || exit 0  # nobody is left who would end this
  done
) 2>/dev/null &
writer=$!

failed=0
for job in "${jobs[@]}"; do
  IFS=: read -r kind first second <<<"$job"
  case "$kind" in tests) minutes="${first:-3}" ;; bench) minutes="${first:-5}" ;; train) minutes="$second" ;; esac
  limit="$(seconds_of "$minutes")" begin=$SECONDS
  (( limit <= deadline - SECONDS )) || limit=$((deadline - SECONDS))
  if (( limit < least_seconds )); then
    note "$job: left out: it would have $((limit > 0 ? limit : 0)) s and takes $least_seconds at least"
    failed=1
    continue
  fi
  say "$job: at most $limit s"
  case "$kind" in
    tests) run_tests "$limit" ;;
    bench) run_bench "$limit" ;;
    train) run_training "$limit" "$first" ;;
  esac
  status=$?
  (( status == 0 )) || failed=1
  case "$status" in
    0) text=done ;;
    124 | 130 | 137) text="out of time" ;;
    *) text="failed with status $status: $(grep -hE 'error' "$work/results"/*"${first:-$kind}"*.log 2>/dev/null | tail -n 1)" ;;
  esac
  note "$job: $text after $((SECONDS - begin)) s"
  publish_results
done
kill "$writer" 2>/dev/null
wait "$writer" 2>/dev/null
writer=""
publish_results
rm -f "$out"/*.part
say "$(du -ch "$out"/* | tail -n 1 | cut -f1) in $out: $(ls "$out" | tr '\n' ' ')"
clean
exit "$failed"
