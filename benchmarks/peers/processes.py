"""Contenders as processes: one interface over our program and the rivals' workers.

  prepare()        everything that is paid once; every pass has run when it returns; seconds
  run(n)           each pass n times: {pass: [seconds, ...]}
  result(path)     writes what the passes made; figures beside it
  peak_bytes()     peak memory of its process so far
  close()
What goes wrong raises Failure with one line. Inside ended_with_us() no process outlives this one when it is stopped.
"""

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PREPARE_SECONDS = 1200  # compiling on a slow machine takes minutes


class Failure(Exception):
    pass


class Stopped(BaseException):
    """A signal asked this program to end."""


_running = set()


def start(command, **options):
    """A process in a group of its own: with it end those that it has started, and it does not see a Ctrl-C before us."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    _running.add(process)
    return process


def end(process):
    """What is left of the process and its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        process.wait()
    _running.discard(process)


@contextlib.contextmanager
def ended_with_us():
    """SIGINT, SIGTERM and SIGHUP raise Stopped; whatever ends the block ends the processes that run then."""

    def stop(number, frame):
        for other in signals:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for process in list(_running):
            end(process)
        for number in signals:
            signal.signal(number, before[number])


def environment(threads, cache):
    """For all alike: so many threads, and no thread that waits by spinning, as it would steal time from the others."""
    return os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
    }


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"


def run_program(command, env):
    """Output of a command. Raises Failure with its last line if it fails."""
    process = start(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate()
    finally:
        end(process)
    if process.returncode != 0:
        raise Failure(last_line(errors).removeprefix("sscvae: error: "))
    return output


class OurProgram:
    """`sscvae benchmark`, started anew for each round: its warm-up run is not counted."""

    def __init__(self, program, job, env):
        self.job, self.env, self.peak, self.report = job, env, 0, None
        self.command = [program, "benchmark", "--stage", job["stage"], "--threads", str(job["threads"])]
        self.command += ["--device", job.get("device", "cpu"), "--warmup", str(job.get("warmup", 1))]
        self.command += ["--json", "-", "--quiet"] + self._stage_options()

    def _stage_options(self):
        job = self.job
        if job["stage"] == "loading":
            options = ["--data", job["folder"], "--size", f"{job['size']}x{job['size']}", "--batch", str(job["batch"])]
            return options + ["--set", "data.augment=false", "--set", f"data.workers={job['threads']}"]
        tf32 = job["precision"] == "tf32"
        options = ["--input", job["input"], "--precision", "fp32" if tf32 else job["precision"]] + ["--tf32"] * tf32
        return options if job["stage"] == "lista" else ["--weights", job["weights"], *options]

    def _benchmark(self, repeats, more=()):
        self.report = json.loads(run_program(self.command + ["--repeats", str(repeats), *more], self.env))
        self.peak = max(self.peak, self.report["peak_resident_bytes"])
        return {timed["name"]: timed["seconds"] for timed in self.report["passes"]}

    def prepare(self):
        begin = time.perf_counter()
        self._benchmark(1)
        return time.perf_counter() - begin

    def run(self, repeats):
        return self._benchmark(repeats)

    def result(self, path):
        wanted = self.job["stage"] in ("inference", "lista")
        self._benchmark(1, ["--out", str(path), "--overwrite"] if wanted else [])
        return self.report["results"]

    def peak_bytes(self):
        return self.peak

    def close(self):
        pass


class Rival:
    """A worker.py process; its commands are described there."""

    def __init__(self, job, env, log):
        self.process = start(
            [sys.executable, str(HERE / "worker.py"), json.dumps(job)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )

    def _ask(self, line, seconds=PREPARE_SECONDS):
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(self._end()) from None
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            raise Failure(f"no answer within {seconds} s")
        reply = self.process.stdout.readline()
        if not reply:
            raise Failure(self._end())
        answer = json.loads(reply)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def _end(self):
        status = self.process.wait()
        return f"ended by signal {-status}" if status < 0 else f"ended with status {status}"

    def prepare(self):
        return self._ask("prepare")["seconds"]

    def run(self, repeats):
        return self._ask(f"run {repeats}")["seconds"]

    def result(self, path):
        return self._ask(f"result {path}")

    def peak_bytes(self):
        return self._ask("memory")["peak_resident_bytes"]

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        end(self.process)


class OneShot:
    """A command from its start to its end, as a person waits for it."""

    def __init__(self, command, env):
        self.command, self.env, self.peak = command, env, 0

    def _once(self):
        begin = time.perf_counter()
        process = start(self.command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            errors = process.stderr.read().decode(errors="replace")
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            end(process)
            process.stderr.close()
        if process.returncode != 0:
            raise Failure(last_line(errors))
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        return seconds

    def prepare(self):
        return self._once()

    def run(self, repeats):
        return {"start to end": [self._once() for _ in range(repeats)]}

    def result(self, path):
        return {}

    def peak_bytes(self):
        return self.peak

    def close(self):
        pass
