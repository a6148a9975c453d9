"""A rival as a process of its own that lives as long as its case, so that it is compiled once.

worker.py JOB: JOB is a JSON object (run.py makes it). Then one command a line on standard input, one JSON object a line
on standard output:
  prepare        loads, compiles, runs each pass once   {"seconds": s}
  run N          each pass N times                      {"seconds": {pass: [s, ...]}}
  result PATH    writes what the passes made            {...figures}
  memory         peak memory of this process            {"peak_resident_bytes": n}
What fails answers {"error": "one line"}.
"""

import json
import os
import sys
import time


def peak_resident_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def timed(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


class Worker:
    def __init__(self, job):
        self.job, self.rival = job, None

    def prepare(self):
        def work():
            import rivals

            self.rival = rivals.prepare(self.job)
            for function in self.rival.passes.values():
                function()

        return {"seconds": timed(work)}

    def run(self, repeats):
        return {
            "seconds": {
                name: [timed(function) for _ in range(int(repeats))] for name, function in self.rival.passes.items()
            }
        }

    def result(self, path):
        return self.rival.result(path)

    def memory(self):
        return {"peak_resident_bytes": peak_resident_bytes()}


def answer(worker, line):
    command, _, argument = line.strip().partition(" ")
    try:
        return getattr(worker, command)(*([argument] if argument else []))
    except Exception as error:  # whatever a library throws becomes the reason why it is left out
        text = str(error).strip().splitlines()
        return {"error": f"{type(error).__name__}: {text[0] if text else ''}"}


def main():
    # Libraries print to standard output as they like: the answers keep a channel of their own.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(json.loads(sys.argv[1]))
    for line in sys.stdin:
        replies.write(json.dumps(answer(worker, line)) + "\n")


if __name__ == "__main__":
    main()
