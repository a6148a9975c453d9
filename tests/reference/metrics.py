#!/usr/bin/env python3
"""Makes metrics/: pairs of made-up images, and what scikit-image, NumPy and PyTorch say of them.

    python tests/reference/metrics.py [--check FOLDER]

Needs numpy, pillow, scikit-image, safetensors, torch. LPIPS is written out here from its paper with the weights of models/lpips.
--check measures the pairs of another folder and prints the largest difference to its expected.json instead.
"""
import argparse
import io
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from skimage.metrics import normalized_mutual_information, structural_similarity

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent.parent / "models"


def scene(seed, channels, side=64):
    """Discs of random grey on a slope, with waves: edges, flat parts and texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    planes = np.stack([40 + 120 * rng.random() * x + 60 * rng.random() * y for _ in range(channels)], -1)
    for _ in range(14):
        cx, cy, r = rng.random(), rng.random(), 0.04 + 0.2 * rng.random()
        colour, wave = 255 * rng.random(channels), 30 * rng.random()
        inside = (x - cx) ** 2 + (y - cy) ** 2 < r * r
        planes[inside] = colour + wave * np.sin(40 * (x + y * rng.random()))[inside][:, None]
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8)


def through_jpeg(image, quality):
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze()).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer)).reshape(image.shape)


def pairs():
    clip = lambda x: np.clip(np.rint(x), 0, 255).astype(np.uint8)
    a = [scene(i, 1) for i in range(6)]
    wide = np.pad(a[1][..., 0].astype(float), 2, mode="edge")
    blurred = sum(wide[i : i + 64, j : j + 64] for i in range(5) for j in range(5))[..., None] / 25
    yield "gray_0_noise", a[0], clip(a[0] + np.random.default_rng(9).normal(0, 22, a[0].shape))
    yield "gray_1_blur", a[1], clip(blurred)
    yield "gray_2_jpeg", a[2], through_jpeg(a[2], 15)
    yield "gray_3_shift", a[3], np.roll(a[3], 1, axis=1)
    yield "gray_4_contrast", a[4], clip(128 + 0.6 * (a[4].astype(float) - 128))
    yield "gray_5_quantise", a[5], clip(np.round(a[5] / 36.0) * 36)
    colour = scene(6, 3)
    yield "colour_jpeg", colour, through_jpeg(colour, 20)


def psnr(a, b, peak=1.0):
    return float(10 * np.log10(peak**2 / np.mean((a.astype(np.float64) - b) ** 2)))


def gaussian_ssim(a, b):
    """Wang et al. 2004 on one plane: weighted moments, no border."""
    line = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window = torch.from_numpy(np.outer(line, line) / np.sum(np.outer(line, line)))[None, None]
    mean = lambda x: F.conv2d(torch.from_numpy(x)[None, None], window)
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return float(((2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean())


def uniform_ssim(a, b):
    return float(structural_similarity(a, b, data_range=1.0))


def layers_of(net, weights, x):
    """The features after each layer that LPIPS looks at."""
    conv = lambda name, x, **more: F.relu(F.conv2d(x, weights[name + ".weight"], weights[name + ".bias"], **more))
    f = "features."
    if net == "alex":
        x = conv(f + "0", x, stride=4, padding=2)
        yield x
        x = conv(f + "3", F.max_pool2d(x, 3, 2), padding=2)
        yield x
        x = F.max_pool2d(x, 3, 2)
        for name in ("6", "8", "10"):
            x = conv(f + name, x, padding=1)
            yield x
        return
    fire = lambda n, x: (lambda s: torch.cat([conv(n + ".expand1x1", s), conv(n + ".expand3x3", s, padding=1)], 1))(conv(n + ".squeeze", x))
    x = conv(f + "0", x, stride=2)
    yield x
    for names, seen in ((("3", "4"), 1), (("6", "7"), 1), (("9", "10", "11", "12"), 4)):
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        for i, name in enumerate(names):
            x = fire(f + name, x)
            if i >= len(names) - seen:
                yield x


def lpips(net, a, b, dtype):
    weights = {k: v.to(dtype) for k, v in load_file(MODELS / f"lpips/lpips_{net}_v0.1.safetensors").items()}
    shift = torch.tensor([-0.030, -0.088, -0.188], dtype=dtype).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450], dtype=dtype).view(1, 3, 1, 1)
    of = lambda x: layers_of(net, weights, (x.to(dtype) - shift) / scale)
    unit = lambda x: x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10)
    parts = []
    for i, (x, y) in enumerate(zip(of(a), of(b))):
        parts.append(float(((unit(x) - unit(y)) ** 2 * weights[f"lin{i}.weight"].view(1, -1, 1, 1)).sum(1).mean()))
    return sum(parts), parts


def perceptual(a, b):
    rows = {}
    for net in ("alex", "squeeze"):
        row = {}
        for key, fed in (("range_minus1_1", lambda x: 2 * x - 1), ("range_0_1_as_reference", lambda x: x)):
            wide = [fed(torch.from_numpy(x / 255.0).permute(2, 0, 1)[None].repeat(1, 3 // x.shape[2], 1, 1)) for x in (a, b)]
            narrow = [fed(torch.from_numpy(x).permute(2, 0, 1)[None].float().div(255).repeat(1, 3 // x.shape[2], 1, 1)) for x in (a, b)]
            row[key] = lpips(net, *wide, torch.float64)[0]
            row[key + "_float32"], row[key + "_layers_float32"] = lpips(net, *narrow, torch.float32)
        rows["lpips_" + net] = row
    return rows


def measured(a, b):
    wide, narrow = [x / 255.0 for x in (a, b)], [(x.astype(np.float32) / np.float32(255)) for x in (a, b)]
    planes = list(zip(*[[x[..., c] for c in range(x.shape[2])] for x in wide]))
    first = [x[..., 0] for x in narrow]
    nmi = lambda x, y: float(normalized_mutual_information(x, y, bins=100))
    row = {"reference_float32": {"psnr": psnr(*first), "ssim": uniform_ssim(*first), "nmi": nmi(*first)}}
    if len(planes) == 1:
        row.update({"psnr_range_1": psnr(*wide), "psnr_8bit_range_255": psnr(a, b, 255.0),
                    "mse_8bit": float(np.mean((a.astype(float) - b) ** 2)),
                    "ssim_uniform7_sample_covariance": uniform_ssim(*planes[0]),
                    "ssim_gaussian11_sigma1.5": gaussian_ssim(*planes[0]), "nmi_float64_input": nmi(*planes[0])})
    else:
        row.update({"psnr_all_channels": psnr(*wide), "psnr_channel_0": psnr(*planes[0]),
                    "ssim_uniform7_mean_of_channels": float(np.mean([uniform_ssim(*p) for p in planes])),
                    "ssim_uniform7_channel_0": uniform_ssim(*planes[0]),
                    "ssim_gaussian11_mean_of_channels": float(np.mean([gaussian_ssim(*p) for p in planes])),
                    "nmi_channel_0_float64": nmi(*planes[0])})
    return {**row, **perceptual(a, b)}


def hoyer(code, dtype):
    code = code.astype(dtype)
    root = np.sqrt(dtype(code.shape[1]))
    ratio = np.abs(code).sum(1) / np.sqrt((code**2).sum(1))
    return float(np.mean((root - ratio) / (root - 1)))


def largest_difference(found, stored):
    if isinstance(found, dict):
        return max(largest_difference(found[k], stored[k]) for k in found)
    if isinstance(found, list):
        return max(map(largest_difference, found, stored))
    return abs(found - stored)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", type=pathlib.Path)
    folder = parser.parse_args().check
    torch.set_num_threads(1)
    if folder:
        stored = json.loads((folder / "expected.json").read_text())["pairs"]
        for name, row in stored.items():
            a, b = [np.array(Image.open(folder / f"{name}_{w}.png")) for w in "ab"]
            a, b = [x.reshape(*x.shape[:2], -1) for x in (a, b)]
            print(name, *(f"{k}={largest_difference(v, row[k]):.1e}" for k, v in measured(a, b).items()))
        return
    out = HERE / "metrics"
    document = {"pairs": {}}
    for name, a, b in pairs():
        for which, image in (("a", a), ("b", b)):
            Image.fromarray(image.squeeze()).save(out / f"{name}_{which}.png", optimize=True)
        document["pairs"][name] = measured(a, b)
    from safetensors.numpy import load_file as load
    code = load(out / "hoyer.safetensors")["code"]
    document["hoyer"] = {"float64": hoyer(code, np.float64), "reference_float32": hoyer(code, np.float32)}
    (out / "expected.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
