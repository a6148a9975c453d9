"""The peers benchmark leaves no process behind, and no contender runs in software: processes_test.py, without torch."""

import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from contenders import runs_bf16
from processes import Failure, OneShot, end, ended_with_us, run_program, start

HERE = pathlib.Path(__file__).resolve().parent
# A child that ignores what a polite end would be, and has a child of its own; both write their numbers.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {other.pid}\\n")
time.sleep(600)
"""
MAIN = """
import sys
from processes import Stopped, ended_with_us, run_program, start
try:
    with ended_with_us():
        start([sys.executable, "-c", sys.argv[1], sys.argv[2]])
        run_program([sys.executable, "-c", sys.argv[1], sys.argv[3]], None)
except Stopped as stopped:
    print(stopped)
    sys.exit(130)
"""


def lives(number):
    try:
        with open(f"/proc/{number}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition):
    while not condition():
        time.sleep(0.02)


def numbers_in(path):
    wait_for(lambda: path.exists() and path.read_text().endswith("\n"))
    return [int(number) for number in path.read_text().split()]


class Processes(unittest.TestCase):
    def test_a_signal_ends_all_children_and_theirs(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number), tempfile.TemporaryDirectory() as folder:
                files = [pathlib.Path(folder) / name for name in ("a", "b")]
                main = subprocess.Popen([sys.executable, "-c", MAIN, STUBBORN, *map(str, files)], cwd=HERE,
                                        stdout=subprocess.PIPE, text=True)
                children = numbers_in(files[0]) + numbers_in(files[1])
                self.assertTrue(all(map(lives, children)))
                main.send_signal(number)
                self.assertEqual(main.communicate()[0].strip(), number.name)
                self.assertEqual(main.returncode, 130)
                wait_for(lambda: not any(map(lives, children)))

    def test_a_failure_ends_them_too(self):
        with self.assertRaises(Failure), ended_with_us():
            process = start([sys.executable, "-c", "import time; time.sleep(600)"])
            raise Failure("of another one")
        self.assertEqual(process.returncode, -signal.SIGKILL)

    def test_commands_give_output_or_their_last_line(self):
        self.assertEqual(run_program(["echo", "text"], None), "text\n")
        with self.assertRaisesRegex(Failure, "^the reason$"):
            run_program(["sh", "-c", "echo first >&2; echo 'sscvae: error: the reason' >&2; exit 3"], None)
        self.assertGreater(OneShot(["true"], None).run(1)["start to end"][0], 0)
        with self.assertRaisesRegex(Failure, "^no$"):
            OneShot(["sh", "-c", "echo no >&2; exit 1"], None).prepare()

    def test_ended_processes_are_no_trouble(self):
        process = start(["true"])
        process.wait()
        end(process)
        self.assertEqual(process.returncode, 0)


class Contenders(unittest.TestCase):
    def test_bf16_needs_instructions(self):
        self.assertFalse(runs_bf16(["avx2", "avx512f", "avx512_fp16"]))
        self.assertTrue(runs_bf16(["avx512f", "avx512_bf16"]))
        self.assertTrue(runs_bf16(["amx_bf16"]))


if __name__ == "__main__":
    unittest.main()
