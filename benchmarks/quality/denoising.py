"""Denoising: every method on every image of a set at one noise level, each measured once.

A row of the table is {set, sigma_8bit, method, setting, records}, records the figures by image.
"""

import concurrent.futures
import multiprocessing
import tempfile

import numpy as np

from images import CHOICE_IMAGES, add_noise, centre, choice_set
from program import METRICS, Failure
from rivals import best_choice, run_rival

CHUNK = 8  # images between two notes in the cache


def noisy_image(program, image_set, path, sigma):
    """[H,W] or [H,W,3]. Gaussian noise is NumPy's own; speckle is that of the program."""
    if image_set.noise == "gaussian":
        return add_noise(image_set.load(path), sigma, image_set.clip)
    return np.squeeze(program.noisy(image_set, path, sigma).transpose(1, 2, 0))


def check_noise(program, image_set):
    """Our program and the rivals must be given the same noisy images, bit for bit."""
    if image_set.noise != "gaussian":
        return  # the rivals are given the program's
    path = image_set.paths[0]
    for sigma in image_set.sigmas:
        expected = np.atleast_3d(noisy_image(program, image_set, path, sigma)).transpose(2, 0, 1)
        if not np.array_equal(expected, program.noisy(image_set, path, sigma)):
            raise Failure(f"{image_set.name}/{path}, sigma {sigma}: the program's noise is not NumPy's")


def one_worker():
    """A process of its own, so that its peak memory is that of one method."""
    return concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def ask(worker, function, *arguments):
    """What the function gives in the worker; whatever a library throws becomes a Failure of one line."""
    try:
        return worker.submit(function, *arguments).result()
    except Exception as error:
        text = str(error).strip().splitlines()
        raise Failure(f"{type(error).__name__}: {text[0] if text else 'no message'}") from None


def chosen_setting(rival, image_set, sigma, arguments, program, cache, version):
    """The rival's free setting for this kind of images and noise; None if it has none."""
    if not rival.choices:
        return None
    separate = choice_set(image_set, arguments)
    key = {"chosen_on": separate.name, "sigma": sigma, "method": rival.name, "version": version}
    key["choices"] = list(rival.choices)
    if cache.get(key) is None:
        pairs = [
            (centre(separate.load(path)), centre(noisy_image(program, separate, path, sigma)))
            for path in separate.paths[:CHOICE_IMAGES]
        ]
        with one_worker() as worker:
            choice = ask(worker, best_choice, rival.name, pairs, sigma, arguments.threads)
        cache.put(key, {"choice": choice})
    return cache.get(key)["choice"]


def rival_row(rival, image_set, sigma, arguments, program, cache, version):
    choice = chosen_setting(rival, image_set, sigma, arguments, program, cache, version)
    setting = f"{rival.setting} {choice}" if rival.choices else rival.setting

    def key(path):
        where = {"set": image_set.name, "image": path, "sigma": sigma}
        return where | {"method": rival.name, "setting": setting, "version": version}

    missing = [path for path in image_set.paths if cache.get(key(path)) is None]
    with one_worker() as worker:
        for start in range(0, len(missing), CHUNK):
            paths = missing[start : start + CHUNK]
            originals = [image_set.load(path) for path in paths]
            noisy = [noisy_image(program, image_set, path, sigma) for path in paths]
            jobs = [(rival.name, image, sigma, choice, arguments.threads) for image in noisy]
            results = [ask(worker, run_rival, *job) for job in jobs]
            figures = program.compare(originals, [result for result, _ in results])
            for path, values, (_, cost) in zip(paths, figures, results):
                cache.put(key(path), values | cost)
    records = {path: cache.get(key(path)) for path in image_set.paths}
    return {"set": image_set.name, "sigma_8bit": sigma, "method": rival.name, "setting": setting, "records": records}


def our_row(name, weights, image_set, sigma, program, cache):
    """Our weights, by one `sscvae evaluate` over the images that are missing."""
    described = program.describe(weights)
    model = described["options"]["model"]
    if model["in_channels"] != image_set.channels:
        raise Failure(f"made for images of {model['in_channels']} channel(s), these have {image_set.channels}")

    def key(path):
        where = {"set": image_set.name, "image": path, "sigma": sigma}
        return where | {"weights": described["sha256"], "engine": program.engine}

    missing = [path for path in image_set.paths if cache.get(key(path)) is None]
    if missing:
        noise = ["--noise", image_set.noise, *(["--clip"] if image_set.clip else [])]
        report = program.evaluate(weights, image_set, missing, ["--task", "denoise", "--sigma-8bit", sigma, *noise])
        peak = peak_of_denoise(weights, image_set, sigma, program)
        for path in missing:
            row = report["rows"][path]
            values = {metric: float(row[metric]) for metric in (*METRICS, "seconds", "noisy_psnr_db")}
            cache.put(key(path), values | {"peak_bytes": peak})
    records = {path: cache.get(key(path)) for path in image_set.paths}
    return {"set": image_set.name, "sigma_8bit": sigma, "method": name, "setting": model["name"], "records": records}


def peak_of_denoise(weights, image_set, sigma, program):
    """Peak memory of `sscvae denoise` for the largest image: the metrics' networks do not count."""
    largest = max(image_set.paths, key=lambda path: image_set.load(path).size)
    with tempfile.TemporaryDirectory() as folder:
        noise = ["--add-noise", sigma, "--sigma-8bit", sigma]
        program.restore(weights, [image_set.root / largest], folder, noise)
    return program.peak


def largest_disagreement(rows):
    """Largest |PSNR of a noisy image by `evaluate` - by row `noisy`|, dB; None if no image is in both."""
    noisy = {(row["set"], row["sigma_8bit"]): row["records"] for row in rows if row["method"] == "noisy"}
    differences = [
        abs(record["noisy_psnr_db"] - noisy[row["set"], row["sigma_8bit"]][path]["psnr_db"])
        for row in rows
        for path, record in row["records"].items()
        if "noisy_psnr_db" in record and (row["set"], row["sigma_8bit"]) in noisy
    ]
    return max(differences, default=None)
