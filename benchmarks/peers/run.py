"""Our program and its rivals side by side, in one run on one machine. See ../README.md."""

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess
import sys

from compare import compare
from contenders import CONTENDERS, FULL, GIB, OURS, QUICK, memory_alone, memory_together, runs_bf16
from processes import HERE, Failure, OneShot, OurProgram, Rival, Stopped, ended_with_us, environment, run_program
from subjects import Subjects
from table import markdown

REFERENCE = ("PyTorch eager", "fp32")  # whose result the others are compared with
BATCHES_PER_PASS = 50  # of `sscvae benchmark --stage loading`


def say(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="build/sscvae", help="our program")
    parser.add_argument("--out", default="out/peers", help="folder of results.json and table.md")
    parser.add_argument("--full", action="store_true", help="all sizes and batches, an hour or more")
    parser.add_argument("--only", nargs="*", help="only these cases, as stage or stage:BATCHxSIZE (inference:1x256)")
    parser.add_argument("--contenders", nargs="*", help="only these, by the beginning of their names (sscvae OpenVINO)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5, help="most runs of a pass in one round")
    parser.add_argument("--seconds", type=float, default=6, help="time of a contender in one round")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--data", help="folder of images for loading (default: made by the program)")
    arguments = parser.parse_args()
    for wanted in arguments.contenders or []:
        if not any(is_called(contender, wanted) for stage in CONTENDERS.values() for contender in stage):
            parser.error(f"--contenders: no contender's name begins with '{wanted}'")
    known = {name for case in FULL + QUICK for name in (case.stage, name_of(case))}
    for wanted in arguments.only or []:
        if wanted not in known:
            parser.error(f"--only: no case '{wanted}', there are {', '.join(sorted(known))}")
    return arguments


def is_called(contender, wanted):
    return contender.name.lower().startswith(wanted.lower())


def name_of(case):
    return f"{case.stage}:{case.batch}x{case.size}"


def available_memory():
    with open("/proc/meminfo") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def chosen_cases(arguments):
    cases = FULL if arguments.full else QUICK
    if not arguments.only:
        return cases
    only = arguments.only
    return [case for case in FULL if name_of(case) in only or (case.stage in only and case in cases)]


def versions():
    names = ["torch", "onnxruntime", "openvino", "onnx", "numpy", "pillow"]
    found = {"Python": sys.version.split()[0]}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def header(arguments, env):
    doctor = json.loads(run_program([arguments.program, "doctor", "--json", "-", "--quiet"], env))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "cpu": doctor["processor"]["model"],
        "features": doctor["processor"]["features"],
        "threads": arguments.threads,
        "versions": {"sscvae": doctor["libraries"]["sscvae"], "LibTorch": doctor["libraries"]["libtorch"]} | versions(),
        "rounds": arguments.rounds,
        "repeats": arguments.repeats,
        "seconds": arguments.seconds,
        "load": os.getloadavg()[0],
    }


def reference_of(entries):
    return next((entry for entry in entries if entry["contender"].identity == REFERENCE), None)


class Field:
    """The contenders of one case, those that could be made. Where they do not fit into memory together, each runs while
    it is the only one: anew for each round, the first of which is the one after its preparation."""

    def __init__(self, case, arguments, subjects, env, features):
        self.case, self.arguments, self.subjects, self.env = case, arguments, subjects, env
        self.features = features
        self.folder = pathlib.Path(arguments.out).resolve() / "work"
        self.entries, self.left_out = [], []
        self.alone = memory_together(case) > available_memory()
        self.input = self._input()
        wanted = arguments.contenders
        for contender in CONTENDERS[case.stage]:
            if not wanted or any(is_called(contender, name) for name in wanted):
                self._enter(contender)
        self._compare()

    def _input(self):
        if self.case.stage == "lista":
            return self.subjects.lista()
        if self.case.stage == "startup":
            return self.subjects.first_image(self.case.size)
        return "" if self.case.stage == "loading" else self.subjects.batch(self.case.batch, self.case.size)

    def _job(self, contender):
        return {
            "stage": self.case.stage,
            "kind": contender.kind,
            "precision": contender.precision,
            "settings": dict(contender.settings),
            "threads": self.arguments.threads,
            "batch": self.case.batch,
            "size": self.case.size,
            "batches": BATCHES_PER_PASS,
            "weights": self.subjects.weights,
            "onnx": self.subjects.onnx if self.case.stage == "inference" else ("", "of no use"),
            "input": self.input,
            "folder": self.subjects.images,
        }

    def _startup(self, contender):
        threads, out = str(self.arguments.threads), self.folder / "startup"
        weights = self.subjects.weights
        if contender.kind == OURS:
            command = [self.arguments.program, "reconstruct", self.input, "--weights", weights, "--out", str(out)]
            return OneShot([*command, "--overwrite", "--quiet", "--threads", threads], self.env)
        out.mkdir(parents=True, exist_ok=True)
        script = [sys.executable, str(HERE / "startup.py"), threads, weights, self.input, str(out / "rival.png")]
        return OneShot(script, self.env)

    def _process(self, contender):
        if self.case.stage == "startup":
            return self._startup(contender)
        if contender.kind == OURS:
            return OurProgram(self.arguments.program, self._job(contender), self.env)
        with open(self.folder / "rivals.log", "a") as log:
            return Rival(self._job(contender), self.env, log)

    def _enter(self, contender):
        if contender.precision == "bf16" and not runs_bf16(self.features):
            return self._leave_out(contender, "this processor has no bf16 instructions (avx512_bf16, amx_bf16)")
        needed, available = memory_alone(self.case, contender), available_memory()
        if needed > available:
            reason = f"may need {needed / GIB:.0f} GiB, {available / GIB:.0f} GiB are free"
            return self._leave_out(contender, reason)
        say(f"{self.case.title}: preparing {contender.key}")
        process = self._process(contender)
        try:
            entry = {"contender": contender, "process": process, "rounds": [], "prepare": process.prepare()}
            times = process.run(1)
            first = sum(sum(seconds) for seconds in times.values())
            entry["repeats"] = max(1, min(self.arguments.repeats, int(self.arguments.seconds / first)))
            entry["path"] = self.folder / f"result-{len(self.entries)}.safetensors"
            entry["figures"] = process.result(entry["path"])
            entry["peak"] = process.peak_bytes()
            if self.alone:
                entry["rounds"].append(times)
                process.close()
            self.entries.append(entry)
        except Failure as failure:
            self._drop(contender, process, failure)

    def _drop(self, contender, process, failure):
        process.close()
        self._leave_out(contender, str(failure))

    def _leave_out(self, contender, reason):
        say(f"{self.case.title}: left out: {contender.key}: {reason}")
        self.left_out.append({"contender": contender.key, "reason": reason})

    def _compare(self):
        reference = reference_of(self.entries)
        for entry in self.entries if reference else []:
            entry["figures"] |= compare(self.case, entry["path"], reference["path"], self.input)
            if "first_loss" in entry["figures"]:
                expected = reference["figures"]["first_loss"]
                entry["figures"]["loss_error"] = abs(entry["figures"]["first_loss"] / expected - 1)

    def _run_once_more(self, entry):
        if not self.alone:
            return entry["process"].run(entry["repeats"])
        entry["process"] = self._process(entry["contender"])
        entry["process"].prepare()
        times = entry["process"].run(entry["repeats"])
        entry["peak"] = max(entry["peak"], entry["process"].peak_bytes())
        entry["process"].close()
        return times

    def run_rounds(self):
        for number in range(1 if self.alone else 0, self.arguments.rounds):
            say(f"{self.case.title}: round {number + 1} of {self.arguments.rounds}")
            start = number % max(1, len(self.entries))  # nobody always runs behind the same neighbour
            for entry in self.entries[start:] + self.entries[:start]:
                try:
                    entry["rounds"].append(self._run_once_more(entry))
                except Failure as failure:
                    self.entries.remove(entry)
                    self._drop(entry["contender"], entry["process"], failure)

    def close(self):
        for entry in self.entries if not self.alone else []:
            entry["peak"] = entry["process"].peak_bytes()
            entry["process"].close()


def ours_of(entries, precision):
    ours = [entry for entry in entries if entry["contender"].kind == OURS]
    return next((entry for entry in ours if entry["contender"].precision == precision), None)


def time_ratio(entry, other, name):
    """Time of `entry` over that of `other`: median over the rounds of the ratio of the round's medians."""
    if entry is None or other is None:
        return None
    ratios = [
        statistics.median(its_round[name]) / statistics.median(other_round[name])
        for its_round, other_round in zip(entry["rounds"], other["rounds"])
        if name in its_round and name in other_round
    ]
    return statistics.median(ratios) if ratios else None


def rows_of(entries):
    rows = []
    eager = reference_of(entries)
    for entry in entries:
        ours = ours_of(entries, entry["contender"].precision)
        for name in entry["rounds"][0]:
            seconds = [second for one_round in entry["rounds"] for second in one_round[name]]
            row = {
                "contender": entry["contender"].name,
                "precision": entry["contender"].precision,
                "pass": name,
                "median_seconds": statistics.median(seconds),
                "min_seconds": min(seconds),
                "time_to_ours": time_ratio(entry, ours, name),
                "speed_to_eager": time_ratio(eager, entry, name),
                "peak_resident_bytes": entry["peak"],
                "prepare_seconds": entry["prepare"],
                "rounds": [one_round[name] for one_round in entry["rounds"]],
            }
            rows.append(row | entry["figures"])
    return rows


def run_case(case, arguments, subjects, env, features):
    field = Field(case, arguments, subjects, env, features)
    try:
        field.run_rounds()
    finally:
        field.close()
    return dataclasses.asdict(case) | {
        "title": case.title,
        "alone": field.alone,
        "rows": rows_of(field.entries),
        "left_out": field.left_out,
    }


def main():
    arguments = parse_arguments()
    arguments.program = str(pathlib.Path(arguments.program).resolve())
    cases = chosen_cases(arguments)
    if not cases:
        raise Failure(f"--only {' '.join(arguments.only)}: no such case")
    out = pathlib.Path(arguments.out).resolve()
    (out / "work").mkdir(parents=True, exist_ok=True)
    env = environment(arguments.threads, out)
    results = {"header": header(arguments, env), "cases": []}
    subjects = Subjects(arguments.program, out / "work", env, arguments.data)
    for case in cases:
        results["cases"].append(run_case(case, arguments, subjects, env, results["header"]["features"]))
        (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        (out / "table.md").write_text(markdown(results))
    print(markdown(results))


if __name__ == "__main__":
    try:
        with ended_with_us():
            main()
    except Failure as failure:
        sys.exit(f"peers: error: {failure}")
    except Stopped as stopped:
        say(f"stopped by {stopped}; results.json has the cases that were complete")
        sys.exit(130)
