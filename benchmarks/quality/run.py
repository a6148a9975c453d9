"""How good our program's images are beside those of other methods, on the same images and noise. See ../README.md."""

import argparse
import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import subprocess
import sys

import denoising
import reconstruction
from cache import Cache
from file_formats import FILE_FORMATS, is_available
from images import ULTRASOUND, MissingData, choice_set, denoising_set, reconstruction_set
from plots import draw
from program import PROTOCOL, Failure, Program, thread_limits
from rivals import RIVALS, find_rival
from table import image_rows, markdown, summary, write_csv

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parents[1] / "../shared/data"
PACKAGES = ("numpy", "scipy", "scikit-image", "PyWavelets", "bm3d", "pillow")
CLEAN_SETS = ("bsds500", "bsds500-colour", "ultrasound")  # for reconstruction
MISSING_DATA = 3  # exit code


def say(text):
    print(f"quality: {text}", file=sys.stderr, flush=True)


def named_file(text):
    name, separator, file = text.partition("=")
    if not (name and separator and file):
        raise argparse.ArgumentTypeError(f"expected NAME=FILE, got '{text}'")
    return name, file


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="build/sscvae", help="our program")
    parser.add_argument("--out", default="out/quality", help="folder of the cache, tables and plots")
    parser.add_argument("--data", default=str(DATA / "testsets"), help="folder with BSD68, Set12, CBSD68")
    parser.add_argument("--ultrasound", default=str(DATA / "ultrasound"), help="folder of ultrasound images")
    parser.add_argument(
        "--ultrasound-split",
        metavar="CSV",
        default=str(HERE.parents[1] / "models/splits/ultrasound.csv"),
        help="path,part: part test is measured",
    )
    parser.add_argument("--bsds500", default=str(DATA / "bsds500"), help="folder with train, val, test")
    parser.add_argument("--bsds500-split", metavar="CSV", default=str(HERE.parents[1] / "models/splits/bsds500.csv"))
    sets = parser.add_argument_group("denoising")
    names = f"of these and {', '.join(ULTRASOUND)} (noise of the latter two cut to [0,1])"
    sets.add_argument("--sets", nargs="*", default=["Set12", "BSD68", "CBSD68"], help=names)
    sets.add_argument("--sigmas", nargs="*", type=int, help="noise levels (default: 15 25 50; ultrasound 10 20 30)")
    sets.add_argument("--methods", nargs="*", default=[rival.name for rival in RIVALS], help="rivals (default: all)")
    sets.add_argument("--weights", nargs="*", type=named_file, default=[], metavar="NAME=FILE", help="our denoisers")
    codes = parser.add_argument_group("reconstruction")
    codes.add_argument("--reconstruct", nargs="*", type=named_file, default=[], metavar="NAME=FILE", help="our weights")
    codes.add_argument("--reconstruct-sets", nargs="*", default=["bsds500"], help=f"of {', '.join(CLEAN_SETS)}: part test")
    codes.add_argument(
        "--strengths", nargs="*", type=float, default=[0.5, 0.7, 1, 1.4, 2], help="factors of thresholds"
    )
    codes.add_argument(
        "--code-step", type=float, default=0, help="sparse codes are rounded to it (default: train.loss.rate_step)"
    )
    parser.add_argument("--limit", type=int, default=0, help="the first so many images of each set only; 0: all")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--engine", default="fast", help="of our program: fast or plain")
    arguments = parser.parse_args()
    known = {rival.name for rival in RIVALS}
    if unknown := set(arguments.methods) - known:
        parser.error(f"--methods: no {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    if unknown := set(arguments.sets) - {"Set12", "BSD68", "CBSD68", *ULTRASOUND}:
        parser.error(f"--sets: no {', '.join(sorted(unknown))}")
    if unknown := set(arguments.reconstruct_sets) - set(CLEAN_SETS):
        parser.error(f"--reconstruct-sets: no {', '.join(sorted(unknown))}")
    return arguments


def installed_version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def header(arguments, program):
    doctor = program.json("doctor")
    ours = {"sscvae": doctor["libraries"]["sscvae"], "LibTorch": doctor["libraries"]["libtorch"]}
    versions = ours | {"Python": sys.version.split()[0]} | {name: installed_version(name) for name in PACKAGES}
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "cpu": doctor["processor"]["model"],
        "threads": arguments.threads,
        "protocol": PROTOCOL,
        "versions": versions,
    }


def limited(image_set, arguments):
    """The images and noise levels that this run measures."""
    if arguments.limit > 0:
        image_set = dataclasses.replace(image_set, paths=image_set.paths[: arguments.limit])
    if arguments.sigmas and image_set.sigmas:
        image_set = dataclasses.replace(image_set, sigmas=tuple(arguments.sigmas))
    return image_set


class Run:
    """Rows are added one after the other and written to the folder each time."""

    def __init__(self, arguments):
        self.arguments, self.out = arguments, pathlib.Path(arguments.out).resolve()
        self.program = Program(pathlib.Path(arguments.program).resolve(), arguments.threads, arguments.engine)
        self.header = header(arguments, self.program)
        self.cache = Cache(self.out / "cache.jsonl")
        self.denoising, self.reconstruction, self.left_out = [], [], []

    def _row(self, rows, what, measure):
        """Adds the row that measure() gives; what fails is named below the table."""
        say(what)
        try:
            row = measure()
        except MissingData:
            raise
        except Failure as failure:
            say(f"left out: {what}: {failure}")
            self.left_out.append((what, str(failure)))
            return
        if row is not None:
            rows.append(row)
            self.write()

    def denoise(self, image_set):
        arguments, program, cache = self.arguments, self.program, self.cache
        denoising.check_noise(program, image_set)
        for sigma in image_set.sigmas:
            for method in arguments.methods:
                rival = find_rival(method)
                version = installed_version(rival.package) if rival.package else None
                what = f"{image_set.name}, sigma {sigma}, {method}"
                if rival.package and version is None:
                    self.left_out.append((what, f"package {rival.package} is not installed"))
                    continue
                job = (rival, image_set, sigma, arguments, program, cache, version)
                self._row(self.denoising, what, lambda: denoising.rival_row(*job))
            for name, file in arguments.weights:
                job = (name, file, image_set, sigma, program, cache)
                self._row(self.denoising, f"{image_set.name}, sigma {sigma}, {name}", lambda: denoising.our_row(*job))

    def reconstruct(self, image_set):
        program, cache, rows = self.program, self.cache, self.reconstruction
        for name, file in self.arguments.reconstruct:
            for strength in self.arguments.strengths:
                job = (name, file, image_set, strength, self.arguments.code_step, program, cache)
                what = f"{image_set.name}, {name}, strength {strength:g}"
                self._row(rows, what, lambda: reconstruction.our_row(*job))
        for file_format in filter(is_available, FILE_FORMATS):
            for value in file_format.values:
                job = (file_format, value, image_set, program, cache, installed_version("pillow"))
                what = f"{image_set.name}, {file_format.name}, {file_format.setting} {value}"
                self._row(rows, what, lambda: reconstruction.file_row(*job))
        absent = [file_format.name for file_format in FILE_FORMATS if not is_available(file_format)]
        self.left_out += [(name, "this Pillow does not have it") for name in absent]

    def write(self):
        denoised = [summary(row) for row in self.denoising]
        reconstructed = [summary(row) for row in self.reconstruction]
        self.header["disagreement_db"] = denoising.largest_disagreement(self.denoising)
        write_csv(self.out / "results.csv", denoised + reconstructed)
        write_csv(self.out / "images.csv", image_rows(self.denoising + self.reconstruction))
        text = markdown(self.header, denoised, reconstructed, self.left_out)
        (self.out / "table.md").write_text(text)
        return text, denoised, reconstructed

    def finish(self):
        text, denoised, reconstructed = self.write()
        draw(self.out, denoised, reconstructed)
        print(text)


def main():
    arguments = parse_arguments()
    os.environ.update(thread_limits(arguments.threads))
    # All data is looked for before anything is measured.
    noisy_sets = [limited(denoising_set(name, arguments), arguments) for name in arguments.sets]
    wanted = arguments.reconstruct_sets if arguments.reconstruct else []
    clean_sets = [limited(reconstruction_set(name, arguments), arguments) for name in wanted]
    if any(find_rival(method).choices for method in arguments.methods):
        for image_set in noisy_sets:
            choice_set(image_set, arguments)
    run = Run(arguments)
    for image_set in noisy_sets:
        run.denoise(image_set)
    for image_set in clean_sets:
        run.reconstruct(image_set)
    run.finish()


if __name__ == "__main__":
    try:
        main()
    except MissingData as missing:
        print(f"quality: error: {missing}", file=sys.stderr)
        sys.exit(MISSING_DATA)
    except Failure as failure:
        sys.exit(f"quality: error: {failure}")
    except KeyboardInterrupt:
        sys.exit("quality: interrupted; the same command goes on where it stopped")
