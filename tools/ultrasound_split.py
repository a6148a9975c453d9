"""Writes models/splits/ultrasound.csv: two organs to train on, their last images and a third organ to test on.

Breast and fetal head: the first 80 % of each organ's images, by number, are for training, the next 10 % for validation,
the last 10 % for testing: neighbours in number are often frames of one patient, so parts are runs, not shuffled. All
carotid images are for testing: an organ that nothing was trained on. Images of validation and test that look like one
of another part (mean difference of 32 x 32 thumbnails below 3 grey levels) are left out.

    python tools/ultrasound_split.py DATA/ultrasound models/splits/ultrasound.csv
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image

TRAINED, UNSEEN = ("breast", "fetal_head"), ("carotid",)
SAME = 3  # grey levels


def thumbnail(path):
    return np.asarray(Image.open(path).convert("L").resize((32, 32), Image.Resampling.BOX), np.float32)


def part_of(number, count):
    return "train" if number < 0.8 * count else "val" if number < 0.9 * count else "test"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ultrasound", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    parts = {}
    for organ in TRAINED + UNSEEN:
        files = sorted((arguments.ultrasound / organ / "high_quality").glob("*.png"))
        for number, file in enumerate(files):
            parts[file] = "test" if organ in UNSEEN else part_of(number, len(files))
    thumbnails = {file: thumbnail(file) for file in parts}
    kept, dropped = [], 0
    for part in ("train", "val", "test"):
        others = np.stack([thumbnails[file] for file in kept]) if kept else np.empty((0, 32, 32), np.float32)
        for file in (file for file, its in parts.items() if its == part):
            if len(others) and np.abs(others - thumbnails[file]).mean(axis=(1, 2)).min() < SAME:
                dropped += 1
            else:
                kept.append(file)
    with open(arguments.out, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["path", "part", "group"])
        for file in kept:
            path = file.relative_to(arguments.ultrasound).as_posix()
            writer.writerow([path, parts[file], path.split("/")[0]])
    print(f"{arguments.out}: {len(kept)} images, {dropped} left out as copies")


if __name__ == "__main__":
    main()
