"""The sets of images, and the noise of the denoising literature."""

import csv
import dataclasses
import pathlib

import numpy as np
from PIL import Image

from program import Failure

NATURAL_SIGMAS, ULTRASOUND_SIGMAS = (15, 25, 50), (10, 20, 30)  # grey levels of 0 to 255
# The same images under three kinds of noise.
ULTRASOUND = {
    "ultrasound": {},
    "ultrasound-clipped": {"clip": True},
    "ultrasound-speckle": {"noise": "speckle", "clip": True},
}
FILES = (".png", ".jpg", ".jpeg")
NOISE_SEED = 0  # of every image anew
CHOICE_IMAGES, CHOICE_SIDE = 8, 256  # settings are chosen on so many centre squares


class MissingData(Failure):
    """A folder or list of images that is not there."""


@dataclasses.dataclass(frozen=True)
class ImageSet:
    name: str
    root: pathlib.Path
    paths: tuple  # relative to root
    channels: int
    sigmas: tuple = ()
    noise: str = "gaussian"  # or speckle
    clip: bool = False  # noisy images are cut to [0,1], as files hold them

    def load(self, path):
        return load(self.root / path, self.channels)


def load(path, channels):
    """uint8, [H,W] or [H,W,3]. Grey is 0.299 R + 0.587 G + 0.114 B with Pillow's integers, as in the program."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L" if channels == 1 else "RGB"))


def add_noise(image, sigma_8bit, clip=False):
    """Image and Gaussian noise: the values that the program computes, bit for bit.

    numpy.random.seed(0); numpy.random.normal(0, sigma / 255, (H, W) or (H, W, 3)) in float64, added to the float32
    image and rounded to float32 once.
    """
    noise = np.random.RandomState(NOISE_SEED).normal(0, sigma_8bit / 255, image.shape)
    clean = image.astype(np.float32) / np.float32(255)
    noisy = (clean.astype(np.float64) + noise).astype(np.float32)
    return np.clip(noisy, 0, 1) if clip else noisy


def to_8bit(values):
    """As an 8-bit file holds them, which is what the protocol measures."""
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)


def psnr_db(image, other):
    error = np.square(image.astype(np.float64) - other).mean()
    return np.inf if error == 0 else 10 * np.log10(255**2 / error)


def centre(image):
    height, width = (min(side, CHOICE_SIDE) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def folder_set(name, root, channels, sigmas=(), manifest=None, part="test", **noise):
    """All images under a folder in the order of their names, or those of one part of a list with columns path,part."""
    root = pathlib.Path(root)
    if not root.is_dir():
        raise MissingData(f"{name}: no folder '{root}'")
    if manifest is None:
        paths = [str(path.relative_to(root)) for path in root.rglob("*") if path.suffix.lower() in FILES]
    else:
        paths = listed(name, manifest, part)
    if not paths:
        raise MissingData(f"{name}: no images in '{manifest or root}'")
    absent = next((path for path in paths if not (root / path).is_file()), None)
    if absent is not None:
        raise MissingData(f"{name}: '{manifest}' names '{absent}', which is not in '{root}'")
    return ImageSet(name, root, tuple(sorted(paths)), channels, tuple(sigmas), **noise)


def listed(name, manifest, part):
    if not pathlib.Path(manifest).is_file():
        raise MissingData(f"{name}: no list '{manifest}'")
    with open(manifest, newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"path", "part"} <= rows[0].keys():
        raise MissingData(f"{name}: '{manifest}' has no columns path and part")
    return [row["path"] for row in rows if row["part"] == part]


def denoising_set(name, arguments):
    if name in ULTRASOUND:
        noise = ULTRASOUND[name]
        return folder_set(name, arguments.ultrasound, 1, ULTRASOUND_SIGMAS, arguments.ultrasound_split, **noise)
    channels = 3 if name == "CBSD68" else 1
    return folder_set(name, pathlib.Path(arguments.data) / name, channels, NATURAL_SIGMAS)


def reconstruction_set(name, arguments):
    if name == "ultrasound":
        return folder_set(name, arguments.ultrasound, 1, manifest=arguments.ultrasound_split)
    channels = 3 if name == "bsds500-colour" else 1
    return folder_set(name, arguments.bsds500, channels, manifest=arguments.bsds500_split)


def choice_set(image_set, arguments):
    """Images on which a rival's settings are chosen: none of those that are measured.

    Part val of the ultrasound list for ultrasound, if there is one; else BSDS500's validation images outside BSD68.
    """
    if image_set.name in ULTRASOUND and arguments.ultrasound_split:
        if listed("ultrasound", arguments.ultrasound_split, "val"):
            noise = ULTRASOUND[image_set.name]
            return folder_set(f"{image_set.name}-val", arguments.ultrasound, 1, (), arguments.ultrasound_split, "val", **noise)
    name = f"bsds500-val-{image_set.channels}"
    return folder_set(name, arguments.bsds500, image_set.channels, (), arguments.bsds500_split, "val")
