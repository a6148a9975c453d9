"""Does the sparsity controller earn its place? Scalar thresholds, inferred ones, inferred and refined ones, at equal
budgets and seeds: trains them, measures them on the test part of BSDS500, and writes OUT/table.md.

    .venv/bin/python tools/ablation.py --data BSDS500 --out out/ablation --steps 1500 --seeds 1 2 3

A run or measurement that is there is not made again. The interval of a mean over seeds is Student's, 95 %; differences
are paired by seed.
"""

import argparse
import concurrent.futures
import json
import math
import pathlib
import statistics
import subprocess

MODELS = {"sc-vae": "scalar", "sc-vae-in": "inferred", "ssc-vae": "inferred and refined"}
FIGURES = {"psnr_db": "PSNR dB", "ssim": "SSIM", "nnz": "non-zeros", "fit_error": "fit error"}
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # two-sided 95 % quantile by number of values


def call(program, *arguments):
    done = subprocess.run([program, *map(str, arguments), "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, arguments))}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def train(options, model, seed):
    run = options.out / f"{model}-{seed}"
    weights, figures = run / "checkpoints/last.safetensors", options.out / f"{model}-{seed}.json"
    threads = ["--threads", options.threads]
    if not (run / "report.html").exists():
        chosen = [f"model.name={model}", f"train.steps={options.steps}", f"train.seed={seed}", *options.set]
        settings = [item for value in chosen for item in ("--set", value)]
        data = ["--set", f"data.root={options.data}"]
        call(options.program, "train", "--config", options.config, *data, *settings, "--out", run, *threads)
    if not figures.exists():
        table = ["--per-image", figures.with_suffix(".csv"), "--overwrite"]
        call(options.program, "evaluate", "--weights", weights, "--json", figures, *table, *threads)
    return json.loads(figures.read_text())


def spread(values):
    mean = statistics.mean(values)
    if len(values) < 2:
        return mean, math.nan
    return mean, STUDENT[len(values)] * statistics.stdev(values) / math.sqrt(len(values))


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(options, results):
    lines = [row(["thresholds", "seed", *FIGURES.values(), "images", "weights"]), row(["---"] * (len(FIGURES) + 4))]
    for (model, seed), report in results.items():
        figures = [f"{report['mean'][name]:.4g}" for name in FIGURES]
        lines.append(row([MODELS[model], str(seed), *figures, str(report["count"]), report["weights_sha256"][:12]]))
    lines.append("")
    for model, name in MODELS.items():
        mean, half = spread([results[model, seed]["mean"]["psnr_db"] for seed in options.seeds])
        lines.append(f"- {name}: {mean:.2f} +- {half:.2f} dB")
    models = list(MODELS)
    for first, second in zip(models, models[1:]):
        mean, half = spread(
            [
                results[second, seed]["mean"]["psnr_db"] - results[first, seed]["mean"]["psnr_db"]
                for seed in options.seeds
            ]
        )
        lines.append(f"- {MODELS[second]} over {MODELS[first]}, paired by seed: {mean:+.2f} +- {half:.2f} dB")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of BSDS500")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/ablation"))
    parser.add_argument("--program", default="build/sscvae")
    parser.add_argument("--config", default="bsds500-lite")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--set", nargs="*", default=[], help="more options, key=value")
    parser.add_argument("--threads", type=int, default=1, help="of each run")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [(model, seed) for seed in options.seeds for model in MODELS]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = dict(zip(jobs, pool.map(lambda job: train(options, *job), jobs)))
    results = {(model, seed): results[model, seed] for model in MODELS for seed in options.seeds}
    text = table(options, results)
    (options.out / "table.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
