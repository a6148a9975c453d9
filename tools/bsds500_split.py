"""Writes the splits of BSDS500 that the shipped weights are trained on, without the 68 images of BSD68 in `val`.

models/splits/bsds500.csv is the official split; models/splits/bsds500-denoise.csv trains on `train` and `test`, the 400
images that the literature trains denoisers on.

BSD68 and CBSD68 are photographs of the official `val` part. A model that is chosen on `val` and reported on BSD68 must
not have seen them; they are recognised by their pixels.

    python tools/bsds500_split.py DATA/bsds500 DATA/testsets/BSD68 models/splits/bsds500.csv
    python tools/bsds500_split.py --denoise DATA/bsds500 DATA/testsets/BSD68 models/splits/bsds500-denoise.csv
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image


def grey(path):
    return np.asarray(Image.open(path).convert("L"), np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bsds500", type=Path)
    parser.add_argument("bsd68", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--denoise", action="store_true", help="`test` is training data, too")
    arguments = parser.parse_args()
    images = {p.relative_to(arguments.bsds500).as_posix(): p for p in sorted(arguments.bsds500.glob("*/*.jpg"))}
    pixels = {name: grey(path) for name, path in images.items()}
    reported = set()
    for path in sorted(arguments.bsd68.glob("*.png")):
        wanted = grey(path)
        same = [n for n, p in pixels.items() if p.shape == wanted.shape and np.abs(p - wanted).mean() < 0.5]
        if len(same) != 1:
            raise SystemExit(f"{path}: {len(same)} images of BSDS500 look like it")
        reported.add(same[0])
    with open(arguments.out, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["path", "part", "group"])
        for name in images:
            if name not in reported:
                part = name.split("/")[0]
                writer.writerow([name, "train" if arguments.denoise and part == "test" else part, Path(name).stem])
    print(f"{arguments.out}: {len(images) - len(reported)} images, {len(reported)} of BSD68 left out")


if __name__ == "__main__":
    main()
