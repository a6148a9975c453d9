"""How far a contender's result is from the eager fp32 twin's."""

import math

from safetensors.torch import load_file


def psnr_db(a, b):
    error = (a.double() - b.double()).square().mean().item()
    return math.inf if error == 0 else -10 * math.log10(error)


def relative_error(a, b):
    """|a - b| / |b| (Euclidean). A gradient jumps where a value crosses its threshold: single elements say nothing."""
    return ((a - b).norm() / b.norm()).item()


def compare(case, path, reference_path, input_path):
    """{max_abs_error, psnr_change_db} of inference, {max_abs_error, gradient_error} of lista, else nothing."""
    if case.stage not in ("inference", "lista"):
        return {}
    result, reference = load_file(path), load_file(reference_path)
    if case.stage == "lista":
        gradients = [name for name in reference if name.startswith("gradient.")]
        return {
            "max_abs_error": (result["code"] - reference["code"]).abs().max().item(),
            "gradient_error": max(relative_error(result[name], reference[name]) for name in gradients),
        }
    images = load_file(input_path)["input"]
    output, expected = result["reconstruction"], reference["reconstruction"]
    return {
        "max_abs_error": (output - expected).abs().max().item(),
        "psnr_change_db": psnr_db(output, images) - psnr_db(expected, images),
    }
