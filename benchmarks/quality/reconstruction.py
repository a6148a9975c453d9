"""Reconstruction: how good an image is against what its code costs, for our weights and for image files.

A row of the table is {set, method, setting, records}, records the figures by image.
"""

import math
import pathlib
import tempfile

from file_formats import encode_and_decode
from program import METRICS, Failure, read_png, write_png

CODE_FIGURES = ("nnz", "zero_fraction", "fit_error", "seconds")
BITS = "bits_per_pixel"  # also the name in the program's reports, if they have it for sparse codes
DENSE = ("vq-vae", "vq-gan", "vae")  # models whose code is not sparse: there is no strength


def file_row(file_format, value, image_set, program, cache, version):
    setting = f"{file_format.setting} {value}"

    def key(path):
        where = {"set": image_set.name, "image": path}
        return where | {"method": file_format.name, "setting": setting, "version": version}

    missing = [path for path in image_set.paths if cache.get(key(path)) is None]
    if missing:
        originals = [image_set.load(path) for path in missing]
        results = [encode_and_decode(image, file_format, value) for image in originals]
        figures = program.compare(originals, [result for result, _, _ in results])
        for path, values, (_, bits, seconds) in zip(missing, figures, results):
            cache.put(key(path), values | {BITS: bits, "seconds": seconds})
    records = {path: cache.get(key(path)) for path in image_set.paths}
    return {"set": image_set.name, "method": file_format.name, "setting": setting, "records": records}


def our_row(name, weights, image_set, strength, program, cache):
    """Our weights with all thresholds times `strength`."""
    described = program.describe(weights)
    model = described["options"]["model"]
    if model["in_channels"] != image_set.channels:
        raise Failure(f"made for images of {model['in_channels']} channel(s), these have {image_set.channels}")
    if model["name"] in DENSE and strength != 1:
        return None

    def key(path):
        where = {"set": image_set.name, "image": path, "strength": strength}
        return where | {"weights": described["sha256"], "engine": program.engine}

    missing = [path for path in image_set.paths if cache.get(key(path)) is None]
    if missing:
        for path, values in measure(weights, image_set, missing, strength, program).items():
            cache.put(key(path), values)
    setting = model["name"] if model["name"] in DENSE else f"{model['name']}, strength {strength:g}"
    records = {path: cache.get(key(path)) for path in image_set.paths}
    return {"set": image_set.name, "method": name, "setting": setting, "records": records}


def measure(weights, image_set, paths, strength, program):
    """{path: figures} by `sscvae evaluate`, or by files where this version of it has no --strength."""
    if strength != 1 and not program.evaluate_takes_strength():
        return measure_files(weights, image_set, paths, strength, program)
    options = [] if strength == 1 else ["--strength", strength]
    report = program.evaluate(weights, image_set, paths, ["--task", "reconstruct", *options])
    bits = codebook_bits(report, image_set, paths)
    return {path: bits | chosen(report["rows"][path], (*METRICS, *CODE_FIGURES, BITS)) for path in paths}


def measure_files(weights, image_set, paths, strength, program):
    """The same by `denoise`, which has --strength; told the noise level of the configuration, it scales nothing."""
    trained_for = program.describe(weights)["options"]["data"]["noise"]["sigma_8bit"]
    originals = [image_set.load(path) for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        given, made = pathlib.Path(folder, "given"), pathlib.Path(folder, "made")
        given.mkdir()
        files = [given / f"{number:06}.png" for number in range(len(paths))]
        for file, image in zip(files, originals):
            write_png(file, image)
        report = program.restore(weights, files, made, ["--sigma-8bit", trained_for, "--strength", strength])
        measured = program.compare(originals, [read_png(made / file.name) for file in files])
    rows = {row["name"]: row for row in report["images"]}
    if any(row["contrast_factor"] != 1 for row in rows.values()):
        raise Failure("denoise has changed the contrast: its figures are not those of a reconstruction")
    code = [chosen(rows[file.name], (*CODE_FIGURES, BITS)) for file in files]
    return {path: figures | of_code for path, figures, of_code in zip(paths, measured, code)}


def chosen(row, names):
    """The figures of these names that the row has."""
    return {name: float(row[name]) for name in names if name in row}


def codebook_bits(report, image_set, paths):
    """Bits per pixel of a codebook: log2 of its size for every position, whatever the codes in use."""
    usage = report.get("code_usage")
    if usage is None:
        return {}
    pixels = sum(image_set.load(path).size for path in paths)
    return {BITS: usage["positions"] * math.log2(usage["num_codes"]) / pixels}
