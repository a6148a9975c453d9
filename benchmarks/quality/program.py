"""Our program: what it measures of its own weights, and of images that others made."""

import csv
import json
import os
import pathlib
import subprocess
import tempfile
import tomllib

import numpy as np
from PIL import Image

PROTOCOL = "literature-denoise"  # reconstructions are measured by the same rule: whole image, 8 bit, Gaussian SSIM
METRICS = ("psnr_db", "ssim", "lpips")


class Failure(Exception):
    """What went wrong, in one line."""


class Program:
    def __init__(self, path, threads, engine):
        self.path, self.threads, self.engine = str(path), threads, engine
        self.environment = os.environ | thread_limits(threads)
        self.peak = 0  # bytes, of the last call
        self.described = {}  # weights file -> what describe() gives

    def __call__(self, *arguments):
        """Standard output of one call. Failure with the last line of its errors if it fails."""
        command = [self.path, *map(str, arguments), "--quiet"]
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            try:
                process = subprocess.Popen(command, env=self.environment, stdout=output, stderr=errors)
            except OSError as error:
                raise Failure(f"program '{self.path}': {error.strerror}") from None
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.peak = usage.ru_maxrss * 1024
            output.seek(0), errors.seek(0)
            lines = [line.strip() for line in errors if line.strip()]
            if process.returncode != 0:
                reason = lines[-1] if lines else f"ended with status {process.returncode}"
                raise Failure(reason.removeprefix("sscvae: error: "))
            return output.read()

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json", "-"))

    def _compute(self):
        return ["--threads", self.threads, "--device", "cpu", "--engine", self.engine]

    def describe(self, weights):
        """{sha256, options}: the hash of a weights file and the configuration inside it."""
        if weights not in self.described:
            report = self.json("inspect", weights)
            text = report["metadata"].get("sscvae.config")
            if text is None:
                raise Failure(f"'{weights}' holds no configuration")
            self.described[weights] = {"sha256": report["sha256"], "options": tomllib.loads(text)}
        return self.described[weights]

    def compare(self, originals, results):
        """[{psnr_db, ssim, lpips}] of two lists of 8-bit images."""
        with tempfile.TemporaryDirectory() as folder:
            for part, images in (("a", originals), ("b", results)):
                pathlib.Path(folder, part).mkdir()
                for number, image in enumerate(images):
                    write_png(pathlib.Path(folder, part, f"{number:06}.png"), image)
            chosen = ["--protocol", PROTOCOL, "--metrics", "psnr,ssim,lpips"]
            report = self.json("compare", pathlib.Path(folder, "a"), pathlib.Path(folder, "b"), *chosen)
        rows = sorted(report["images"], key=lambda row: row["name"])
        return [{name: float(row[name]) for name in METRICS} for row in rows]

    def noisy(self, image_set, path, sigma_8bit):
        """The program's noisy copy of an image of the set, exactly: float32 [C,H,W]."""
        kind = ["--noise", image_set.noise, *(["--clip"] if image_set.clip else [])]
        with tempfile.TemporaryDirectory() as folder:
            chosen = ["--sigma-8bit", sigma_8bit, "--format", "safetensors", *kind]
            self("data", "noise", image_set.root / path, "--out", folder, *chosen)
            file = next(pathlib.Path(folder).glob("*.safetensors"))
            return read_tensor(file, "input")[0]  # of a batch of one

    def evaluate(self, weights, image_set, paths, options):
        """The report of `evaluate` on these images of the set; its rows lie by path in "rows"."""
        with tempfile.TemporaryDirectory() as folder:
            manifest = pathlib.Path(folder, "images.csv")
            with open(manifest, "w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(
                    [("path", "part", "group"), *((path, "test", path) for path in paths)]
                )
            chosen = ["--dataset", "folder", "--data", image_set.root, "--split", manifest, "--part", "test"]
            rule = ["--protocol", PROTOCOL, *options]
            report = self.json("evaluate", "--weights", weights, *chosen, *rule, *self._compute())
        report["rows"] = {row["name"]: row for row in report["images"]}
        return report

    def restore(self, weights, files, folder, options):
        """The report of `denoise`, which writes an 8-bit PNG for each file into the folder."""
        given = ["--weights", weights, "--out", folder, "--format", "png", "--overwrite", *options]
        return self.json("denoise", *files, *given, *self._compute())


def thread_limits(threads):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {name: str(threads) for name in names}


def write_png(path, image):
    Image.fromarray(image).save(path, compress_level=1)


def read_tensor(path, name):
    """One float32 tensor of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8 : 8 + length])[name]
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    return np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
