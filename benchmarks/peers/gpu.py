"""Our program and PyTorch on one GPU, in turn. See ../README.md.

PyTorch's contenders run in this process; our program is restarted for each round. The most important cases come first,
and those that do not fit into the time limit are left out. Results are written after each contender.
"""

import argparse
import dataclasses
import datetime
import gc
import json
import os
import pathlib
import signal
import sys
import time

import torch

import rivals
from compare import compare
from contenders import CHANNELS_LAST, COMPILED, OURS, Case, Contender
from processes import Failure, OurProgram, environment
from run import reference_of, rows_of
from subjects import POSITIONS, Subjects
from table import case_lines

PYTORCH = "torch"
_OURS = [Contender("sscvae", OURS, precision) for precision in ("fp32", "tf32", "bf16")]
_EAGER = [
    Contender("PyTorch eager", PYTORCH, "fp32"),
    Contender("PyTorch eager", PYTORCH, "tf32"),
    Contender("PyTorch eager, channels-last", PYTORCH, "fp32", (CHANNELS_LAST,)),
    Contender("PyTorch eager, channels-last", PYTORCH, "tf32", (CHANNELS_LAST,)),
    Contender("PyTorch autocast", PYTORCH, "bf16"),
    Contender("PyTorch autocast, channels-last", PYTORCH, "bf16", (CHANNELS_LAST,)),
]
_COMPILED = [
    Contender("torch.compile", PYTORCH, "tf32", (CHANNELS_LAST, COMPILED)),
    Contender("torch.compile", PYTORCH, "bf16", (CHANNELS_LAST, COMPILED)),
]
# The coder computes in float32 inside a bf16 network, so that bf16 is no case of its own.
_LISTA = [Contender("sscvae", OURS, "fp32"), Contender("sscvae", OURS, "tf32")] + [
    Contender("PyTorch eager", PYTORCH, "fp32"),
    Contender("PyTorch eager", PYTORCH, "tf32"),
]
_LISTA_COMPILED = [
    Contender("torch.compile", PYTORCH, "fp32", (COMPILED,)),
    Contender("torch.compile", PYTORCH, "tf32", (COMPILED,)),
]

_ONE, _BATCH, _LARGE = Case("inference", 1, 256), Case("inference", 16, 256), Case("inference", 1, 1024)
_STEP, _CODER = Case("training", 16, 256), Case("lista")
# In order of worth: a case, and whether with what has to be compiled, which takes up to a minute each.
PLAN = [(_BATCH, False), (_STEP, False), (_CODER, False), (_ONE, False), (_STEP, True), (_ONE, True), (_LARGE, False)]
PLAN += [(_BATCH, True), (_CODER, True), (_LARGE, True)]
SMALL_PLAN = [(Case("inference", 1, 64), False), (Case("training", 2, 64), False), (_CODER, False), (_CODER, True)]
SMALL_POSITIONS = 512


def contenders_of(case, is_compiled):
    """What is compiled runs beside the others that it is compared with."""
    if not is_compiled:
        return _LISTA if case.stage == "lista" else _OURS + _EAGER
    compiled = _LISTA_COMPILED if case.stage == "lista" else _COMPILED
    precisions = {contender.precision for contender in compiled}
    ours = [contender for contender in _OURS if contender.precision in precisions]
    return [_EAGER[0], *ours, *compiled]


class OutOfTime(BaseException):  # no library is to take it for an error of its own
    pass


class InThisProcess:
    """One of PyTorch's contenders, with the interface of processes.py."""

    def __init__(self, job):
        self.job, self.rival, self.peak, self.on_gpu = job, None, 0, job["device"] == "cuda"
        self.repeats = job["repeats"]

    def _setting(self):
        allowed = self.job["precision"] == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed

    def _synchronize(self):
        if self.on_gpu:
            torch.cuda.synchronize()

    def _timed(self, function):
        self._synchronize()
        begin = time.perf_counter()
        function()
        self._synchronize()
        return time.perf_counter() - begin

    def _work(self, function):
        """What fails becomes one line; what this contender kept but does not need goes back to the others."""
        self._setting()
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        try:
            return function()
        except OutOfTime:
            raise
        except Exception as error:  # whatever a library throws becomes the reason why it is left out
            lines = str(error).strip().splitlines()
            raise Failure(f"{type(error).__name__}: {lines[0] if lines else ''}") from None
        finally:
            if self.on_gpu:
                self.peak = max(self.peak, torch.cuda.max_memory_allocated())
                gc.collect()
                torch.cuda.empty_cache()

    def prepare(self):
        def work():
            self.rival = rivals.PREPARE[PYTORCH, self.job["stage"]](self.job)
            for function in self.rival.passes.values():
                for _ in range(self.job["warmup"]):
                    function()

        return self._work(lambda: self._timed(work))

    def first_round(self):
        first = sum(sum(seconds) for seconds in self.run(1).values())
        self.repeats = max(2, min(self.job["repeats"], int(self.job["turn"] / first)))
        return self.run(self.repeats)

    def run(self, repeats):
        def work():
            return {name: [self._timed(f) for _ in range(repeats)] for name, f in self.rival.passes.items()}

        return self._work(work)

    def result(self, path):
        return self._work(lambda: self.rival.result(path))

    def peak_bytes(self):
        return self.peak

    def close(self):
        self.rival = None
        gc.collect()
        if self.on_gpu:
            torch.cuda.empty_cache()


class OurProgramOnGpu(OurProgram):
    """Starting it takes seconds: each start is a round, the first one leaves the result. Its peak is that of its tensors on
    the device, as PyTorch's is."""

    def _benchmark(self, repeats, more=()):
        times = super()._benchmark(repeats, more)
        self.peak = max(timed.get("peak_tensor_bytes", 0) for timed in self.report["passes"])
        return times

    def prepare(self):
        begin = time.perf_counter()
        writes = self.job["stage"] != "training"
        self.first = self._benchmark(self.job["repeats"], ["--out", self.job["path"], "--overwrite"] if writes else [])
        return time.perf_counter() - begin - sum(sum(seconds) for seconds in self.first.values())

    def first_round(self):
        return self.first

    @property
    def repeats(self):
        return self.job["repeats"]

    def result(self, path):
        return self.report["results"]


class Field:
    """The contenders of one case."""

    def __init__(self, case, bench, is_compiled):
        self.case, self.bench, self.number = case, bench, len(bench.fields)
        self.entries, self.left_out, self.reference = [], [], None
        self.title = case.title
        if case.stage == "lista":
            self.input = bench.subjects.lista(bench.positions)
            self.title = self.title.replace(str(POSITIONS), str(bench.positions))
        else:
            self.input = bench.subjects.batch(case.batch, case.size)
        if is_compiled:
            self.title += ", compiled"

    def _job(self, contender, path):
        arguments = self.bench.arguments
        return dataclasses.asdict(self.case) | {
            "kind": contender.kind,
            "precision": contender.precision,
            "settings": dict(contender.settings),
            "device": arguments.device,
            "threads": arguments.threads,
            "warmup": arguments.warmup,
            "repeats": arguments.repeats,
            "turn": arguments.turn,
            "path": str(path),
            "weights": self.bench.subjects.weights,
            "input": self.input,
        }

    def _left_out(self, contender, reason):
        self.bench.say(f"{self.title}: left out: {contender.key}: {reason}")
        self.left_out.append({"contender": contender.key, "reason": reason})

    def enter(self, contender):
        """Prepares it, measures its first round and its error."""
        self.bench.check_time()
        self.bench.say(f"{self.title}: {contender.key}")
        path = self.bench.work / f"result-{self.number}-{len(self.entries)}.safetensors"
        job = self._job(contender, path)
        process = InThisProcess(job) if contender.kind == PYTORCH else self._ours(job)
        entry = {"contender": contender, "process": process, "rounds": [], "path": path}
        try:
            entry["prepare"] = process.prepare()
            entry["rounds"].append(process.first_round())
            entry["figures"] = process.result(path)
            entry["peak"] = process.peak_bytes()
        except Failure as failure:
            process.close()
            return self._left_out(contender, str(failure))
        self.entries.append(entry)
        self._compare(entry)
        self.bench.write()

    def _ours(self, job):
        return OurProgramOnGpu(self.bench.arguments.program, job, self.bench.env)

    def _compare(self, entry):
        reference = reference_of(self.entries)
        if not reference:
            return
        # Those that came before the reference are still to be compared.
        for one in self.entries if entry is reference else [entry]:
            if self.case.stage == "training":
                loss = one["figures"]["first_loss"]
                one["figures"]["loss_error"] = abs(loss / reference["figures"]["first_loss"] - 1)
            else:
                one["figures"] |= compare(self.case, one["path"], reference["path"], self.input)

    def run_round(self, number):
        start = number % max(1, len(self.entries))  # nobody always runs behind the same neighbour
        for entry in self.entries[start:] + self.entries[:start]:
            self.bench.check_time()
            try:
                entry["rounds"].append(entry["process"].run(entry["process"].repeats))
                entry["peak"] = max(entry["peak"], entry["process"].peak_bytes())
            except Failure as failure:
                self.entries.remove(entry)
                entry["process"].close()
                self._left_out(entry["contender"], str(failure))
        self.bench.write()

    def close(self):
        for entry in self.entries:
            entry["process"].close()

    def report(self):
        return dataclasses.asdict(self.case) | {
            "title": self.title,
            "alone": False,
            "rows": rows_of(self.entries),
            "left_out": self.left_out,
        }


RESULTS, TABLE = "results.json", "table.md"
TITLE = "# On one device, in turn"


def refuse_files_of_others(out):
    """Results of an earlier run are replaced, nothing else is."""
    if out.exists() and not out.is_dir():
        sys.exit(f"gpu: error: '{out}' is no folder")
    for name in RESULTS, TABLE:
        path = out / name
        if path.exists() and TITLE not in path.read_text(errors="replace"):
            sys.exit(f"gpu: error: '{path}' is no earlier result of this benchmark; choose another --out")


class Bench:
    def __init__(self, arguments):
        self.arguments, self.begin = arguments, time.monotonic()
        self.out, self.work = pathlib.Path(arguments.out).resolve(), pathlib.Path(arguments.work).resolve()
        refuse_files_of_others(self.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.env = environment(arguments.threads, self.work)
        self.positions = SMALL_POSITIONS if arguments.small else POSITIONS
        self.fields, self.unfinished = [], None
        self.subjects = Subjects(arguments.program, self.work, self.env)

    def say(self, text):
        print(f"gpu: {time.monotonic() - self.begin:6.1f} s: {text}", flush=True)

    def check_time(self):
        if time.monotonic() - self.begin > self.arguments.seconds - self.arguments.spare:
            raise OutOfTime

    def header(self):
        name = torch.cuda.get_device_name() if self.arguments.device == "cuda" else "the processor"
        return [
            TITLE,
            "",
            f"- date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M UTC}",
            f"- device: {name}; PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}",
            f"- {self.arguments.rounds} rounds, contender after contender in each; convolutions chosen by trial for all",
            "- peak: memory of tensors on the device; tf32: factors of products have 10 bits of mantissa",
        ]

    def write(self):
        cases = [field.report() for field in self.fields]
        lines = self.header() + ([f"- unfinished: {self.unfinished}"] if self.unfinished else [])
        for case in cases:
            lines += case_lines(case)
        results = {"header": self.header(), "unfinished": self.unfinished, "cases": cases}
        for name, text in (RESULTS, json.dumps(results, indent=1)), (TABLE, "\n".join(lines)):
            part = self.out / (name + ".part")
            part.write_text(text + "\n")
            part.replace(self.out / name)

    def run_case(self, case, is_compiled):
        field = Field(case, self, is_compiled)
        self.fields.append(field)
        for contender in contenders_of(case, is_compiled):
            field.enter(contender)
        for number in range(1, self.arguments.rounds):
            field.run_round(number)
        field.close()

    def run(self):
        try:
            for case, is_compiled in SMALL_PLAN if self.arguments.small else PLAN:
                self.run_case(case, is_compiled)
        except OutOfTime:
            self.unfinished = f"out of time after {time.monotonic() - self.begin:.0f} s"
            self.say(self.unfinished)
        self.write()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build-gpu/sscvae", help="our program")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--out", default="out/gpu", help="folder of results.json and table.md")
    parser.add_argument("--work", default="out/gpu/work", help="folder of what is made for it")
    parser.add_argument("--seconds", type=float, default=600, help="for everything")
    parser.add_argument("--spare", type=float, default=10, help="seconds of them after which nothing new begins")
    parser.add_argument("--turn", type=float, default=0.5, help="seconds of a contender in a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=20, help="most runs of a pass in one round")
    parser.add_argument("--warmup", type=int, default=3, help="runs before the first that counts")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--small", action="store_true", help="small cases, to try it out")
    arguments = parser.parse_args()
    arguments.program = str(pathlib.Path(arguments.program).resolve())
    if not os.access(arguments.program, os.X_OK):
        parser.error(f"--program: there is no program at {arguments.program}")
    for name in ("threads", "rounds", "repeats"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name}: expected at least 1, got {getattr(arguments, name)}")
    if arguments.small:
        arguments.warmup, arguments.repeats = 1, 2
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no GPU that PyTorch can use")
    return arguments


def end_in_order(*_):
    raise OutOfTime


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGINT, end_in_order)
    signal.signal(signal.SIGTERM, end_in_order)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    bench = Bench(arguments)
    bench.run()
    print((bench.out / TABLE).read_text())


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"gpu: error: {failure}")
