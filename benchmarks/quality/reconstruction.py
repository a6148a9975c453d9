"""Reconstruction: how good an image is against what its code costs, for our weights and for image files.

A row of the table is {set, method, setting, records}, records the figures by image.
"""

from file_formats import encode_and_decode
from program import METRICS, Failure

CODE_FIGURES = ("nnz", "zero_fraction", "fit_error", "seconds")
BITS = "bits_per_pixel"  # also the name in the program's reports
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


def our_row(name, weights, image_set, strength, code_step, program, cache):
    """Our weights with all thresholds times `strength`, sparse codes rounded to multiples of `code_step`."""
    described = program.describe(weights)
    model = described["options"]["model"]
    if model["in_channels"] != image_set.channels:
        raise Failure(f"made for images of {model['in_channels']} channel(s), these have {image_set.channels}")
    dense = model["name"] in DENSE
    if dense and strength != 1:
        return None
    code_step = 0 if dense else code_step or described["options"]["train"]["loss"]["rate_step"]

    def key(path):
        where = {"set": image_set.name, "image": path, "strength": strength, "code_step": code_step}
        return where | {"weights": described["sha256"], "engine": program.engine}

    missing = [path for path in image_set.paths if cache.get(key(path)) is None]
    if missing:
        for path, values in measure(weights, image_set, missing, strength, code_step, program).items():
            cache.put(key(path), values)
    setting = model["name"] if dense else f"{model['name']}, strength {strength:g}, step {code_step:g}"
    records = {path: cache.get(key(path)) for path in image_set.paths}
    return {"set": image_set.name, "method": name, "setting": setting, "records": records}


def measure(weights, image_set, paths, strength, code_step, program):
    """{path: figures} by `sscvae evaluate`."""
    options = ["--task", "reconstruct", "--strength", strength]
    report = program.evaluate(weights, image_set, paths, [*options, *(["--code-step", code_step] if code_step else [])])
    return {path: chosen(report["rows"][path], (*METRICS, *CODE_FIGURES, BITS)) for path in paths}


def chosen(row, names):
    """The figures of these names that the row has."""
    return {name: float(row[name]) for name in names if name in row}
