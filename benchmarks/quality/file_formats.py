"""Image file formats, for rate against distortion: what a file of so many bits keeps of an image."""

import dataclasses
import io
import time

import numpy as np
from PIL import Image, features


@dataclasses.dataclass(frozen=True)
class FileFormat:
    name: str  # in the table
    pillow: str  # Pillow's name of the format
    feature: str  # of Pillow
    setting: str  # what the values are called
    values: tuple
    options: object  # value -> options of Pillow's save


FILE_FORMATS = [
    FileFormat(
        "JPEG", "JPEG", "jpg", "quality", (5, 10, 20, 30, 50, 70, 80), lambda q: {"quality": q, "optimize": True}
    ),
    FileFormat("WebP", "WEBP", "webp", "quality", (1, 10, 30, 50, 70, 80, 90), lambda q: {"quality": q, "method": 6}),
    FileFormat(  # values: how many times smaller than 8 bits a pixel and channel
        "JPEG 2000",
        "JPEG2000",
        "jpg_2000",
        "rate",
        (160, 80, 40, 20, 13, 10, 8, 5, 4),
        lambda rate: {"quality_mode": "rates", "quality_layers": [rate], "irreversible": True},
    ),
]


def is_available(file_format):
    return features.check(file_format.feature)


def encode_and_decode(image, file_format, value):
    """Decoded image, bits per pixel of the whole file, seconds of both. Grey in, grey out; colour in, colour out."""
    begin = time.perf_counter()
    file = io.BytesIO()
    Image.fromarray(image).save(file, file_format.pillow, **file_format.options(value))
    with Image.open(io.BytesIO(file.getvalue())) as decoded:
        result = np.asarray(decoded.convert("L" if image.ndim == 2 else "RGB"))  # WebP has colour only
    pixels = image.shape[0] * image.shape[1]
    return result, 8 * len(file.getvalue()) / pixels, time.perf_counter() - begin
