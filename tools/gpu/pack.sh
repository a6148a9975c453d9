#!/usr/bin/env bash
# Packs what jobs on a machine with a GPU need into one folder: tools/gpu/pack.sh [options] JOB... See --help.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly limit_mib=55 transfer_mib=64 marker=.made-by-pack
build=build-gpu pack=build-gpu-pack data="${SSCVAE_DATA_DIR:-../shared/data}"
jobs=()

fail() { printf 'pack: error: %s\n' "$*" >&2; exit 1; }
fail_usage() { printf 'pack: error: %s\n' "$*" >&2; exit 2; }
note() { printf 'pack: %s\n' "$*" >&2; }

usage() {
  cat <<EOT
Usage: tools/gpu/pack.sh [options] JOB...

Copies the program, the GPU tests and what the jobs read into one git-ignored folder of at most $limit_mib MiB, and prints
its size and what to run there. Jobs are those of tools/gpu/run.sh:

  tests                   the GPU tests, with the LPIPS network that they train against
  bench                   the scripts that set the program beside PyTorch
  train:CONFIG:MINUTES    a preset (configs/) or a TOML file, with the images of its dataset: BSDS500 without BSD68 and
                          CBSD68, as its files are, or the ultrasound images

  --build FOLDER   take the programs from this build (default $build, made by tools/gpu/prepare.sh)
  --out FOLDER     the pack (default $pack); one that this script made, with nothing else in it, is replaced
  --data FOLDER    with bsds500/ and ultrasound/ (default SSCVAE_DATA_DIR, else $data)

Relative paths begin at the root of the repository.
EOT
}

while (( $# )); do
  case "$1" in
    --help) usage; exit 0 ;;
    --build | --out | --data)
      [[ -n "${2:-}" ]] || fail_usage "$1 needs a value"
      case "$1" in --build) build="$2" ;; --out) pack="$2" ;; --data) data="$2" ;; esac
      shift 2 ;;
    -*) fail_usage "unknown option '$1'; see --help" ;;
    *) jobs+=("$1"); shift ;;
  esac
done
(( ${#jobs[@]} )) || fail_usage "no job; see --help"
for job in "${jobs[@]}"; do
  IFS=: read -r kind config minutes rest <<<"$job"
  case "$kind" in
    tests | bench) ;;
    train)
      [[ -n "$config" && "$minutes" =~ ^[0-9]+(\.[0-9]+)?$ && -z "$rest" ]] ||
        fail_usage "'$job': expected train:CONFIG:MINUTES" ;;
    *) fail_usage "unknown job '$job': expected tests, bench or train:CONFIG:MINUTES" ;;
  esac
done

for program in sscvae sscvae-train tests/sscvae_gpu_test; do
  [[ -x "$build/$program" ]] || fail "$build/$program is missing: run tools/gpu/prepare.sh"
done
stamp="$build/prepared.txt"
if [[ ! -e "$stamp" ]]; then
  [[ "$build" != build-gpu ]] || fail "$stamp is missing, so the build is not whole: run tools/gpu/prepare.sh"
  note "$build was not made by tools/gpu/prepare.sh: the pack says nothing of its commit"
elif ! grep -qx "commit $(git rev-parse HEAD)" "$stamp"; then
  note "warning: the build is of another commit than this tree ($(head -n 1 "$stamp"))"
elif grep -q '^dirty' "$stamp"; then
  note "warning: the build is of a tree with changes ($(grep '^dirty' "$stamp"))"
fi
pack="${pack%"${pack##*[!/]}"}" # a slash at the end would put the new pack into the old one
[[ -n "$pack" ]] || fail_usage "--out: expected a folder of its own"
refuse_to_replace() {
  [[ -e "$pack/$marker" ]] || fail "$pack is there and was not made by this script"
  local other
  other="$(find "$pack/" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort |
           grep -vxE "$marker|bin|configs|data|lib|models|peers|prepared.txt|run.sh" | head -n 1)" || true
  [[ -z "$other" ]] || fail "$pack has something that this script did not put there: move away '$other'"
}
[[ ! -e "$pack" ]] || refuse_to_replace

part="$(mktemp -d "$pack.XXXXXX" 2>/dev/null)" || fail "cannot make a folder beside $pack"
trap 'rm -rf "$part"' EXIT
chmod 755 "$part"
touch "$part/$marker"

add_programs() {
  local program library
  mkdir "$part/bin" "$part/lib"
  for program in sscvae sscvae-train tests/sscvae_gpu_test; do
    strip -o "$part/bin/$(basename "$program")" "$build/$program"
  done
  # Image libraries that had no archive to link: theirs go along. LibTorch's, CUDA's and the system's are there.
  ldd "$part/bin/sscvae" | awk '$3 ~ /^\// {print $3}' | grep -E '/lib(png|jpeg|z|deflate)[0-9.-]*\.so' |
    while read -r library; do cp -L "$library" "$part/lib/"; done || true
  cp tools/gpu/run.sh "$part/run.sh"
  [[ ! -e "$stamp" ]] || cp "$stamp" "$part/"
}

add_bsds500() {
  [[ ! -d "$part/data/bsds500" ]] || return 0
  [[ -d "$data/bsds500/train" ]] || fail "there is no BSDS500 at $data/bsds500: --data names the folder around it"
  # The 400 images that denoisers are usually trained on; `val` stays what weights are chosen on.
  local split=models/splits/bsds500-denoise.csv path
  mkdir -p "$part/data/bsds500"/{train,val,test} "$part/models/splits"
  # The split names every image but those of BSD68 and CBSD68.
  tail -n +2 "$split" | cut -d, -f1 | while read -r path; do
    cp -- "$data/bsds500/$path" "$part/data/bsds500/$path" || fail "$data/bsds500/$path cannot be read"
  done
  cp "$split" "$part/models/splits/"
}

add_ultrasound() {
  [[ ! -d "$part/data/ultrasound" ]] || return 0
  [[ -d "$data/ultrasound" ]] || fail "there are no ultrasound images at $data/ultrasound: --data names the folder around it"
  mkdir -p "$part/data"
  cp -rL -- "$data/ultrasound" "$part/data/"
  chmod -R u+w "$part/data/ultrasound"
}

add_training() { # CONFIG
  local file="configs/$1.toml" dataset weights
  [[ -e "$file" ]] || file="$1"
  [[ -f "$file" ]] || fail "train:$1: no such preset or file"
  [[ "$file" == *.toml ]] || fail "train:$1: the name of a configuration ends in .toml"
  mkdir -p "$part/configs" "$part/models/splits"
  cp "$file" "$part/configs/"
  cp models/splits/*.csv "$part/models/splits/"
  dataset="$(sed -n 's/^dataset *= *"\(.*\)".*/\1/p' "$file")"
  case "$dataset" in
    bsds500) add_bsds500 ;;
    ultrasound) add_ultrasound ;;
    *) fail "train:$1: only the datasets bsds500 and ultrasound are packed, not '$dataset'" ;;
  esac
  weights="$(sed -n 's/^initial_weights *= *"\(.*\)".*/\1/p' "$file")"
  [[ -z "$weights" ]] || cp "models/$weights.safetensors" "$part/models/" || fail "train:$1: no weights '$weights'"
}

add_programs
for job in "${jobs[@]}"; do
  IFS=: read -r kind config minutes rest <<<"$job"
  case "$kind" in
    tests)
      [[ -e models/lpips/lpips_alex_v0.1.safetensors ]] || fail "models/lpips is missing: git checkout HEAD -- models"
      mkdir -p "$part/models/lpips"
      cp models/lpips/lpips_alex_v0.1.safetensors "$part/models/lpips/" ;;
    bench) cp -r benchmarks/peers "$part/peers" && rm -rf "$part/peers/__pycache__" ;;
    train) add_training "$config" ;;
  esac
done

bytes_of() { du -sb --apparent-size "$1" | cut -f1; }
mib() { awk -v n="$1" 'BEGIN {printf "%.1f", n / 1048576}'; }
size="$(bytes_of "$part")"
(( size <= limit_mib << 20 )) ||
  fail "these jobs take $(mib "$size") MiB, $limit_mib fit: pack fewer ($(du -sh "$part"/* | awk '{printf "%s %s; ", $2, $1}' | sed "s|$part/||g"))"
rm -rf "$pack"
mv -T "$part" "$pack" || fail "$pack came back: another pack.sh is running"
trap - EXIT

# What need not travel: large tracked files that have no changes, so that git can bring them back.
tracked() { git ls-files -z "$@" | xargs -0 -r stat -c %s 2>/dev/null | awk '{n += $1} END {print n + 0}'; }
rest=$(( $(tracked) - $(tracked models/*.safetensors models/lpips) ))
cat <<EOT
$pack: $(mib "$size") MiB
$(du -sh "$pack"/* | sed "s|$pack/|  |")
The tracked files take $(mib "$(tracked)") MiB, without the weights $(mib "$rest"). Where the whole tree travels, of which $transfer_mib MiB fit,
leave the weights behind and bring them back afterwards:
  git diff --quiet HEAD -- models && git ls-files -z models/*.safetensors models/lpips | xargs -0 rm
  git checkout HEAD -- models
There, with OUT a folder for the results (at most 8 files of 16 MiB):
  bash$(printf ' %q' "$pack/run.sh") --out "\$OUT"$(printf ' %q' "${jobs[@]}")
EOT
(( size + rest <= transfer_mib << 20 )) || fail "pack and tracked files take $(mib $((size + rest))) MiB together: $transfer_mib MiB fit"
