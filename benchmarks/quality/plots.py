"""The results as pictures (SVG)."""

import re

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "sscvae"  # the same rows give the same file
import matplotlib.pyplot as plt  # noqa: E402


def methods_of(rows):
    return list(dict.fromkeys(row["method"] for row in rows))


def save(figure, folder, name):
    path = folder / (re.sub(r"[^A-Za-z0-9]+", "-", name).lower() + ".svg")
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


NAMES = {
    "sigma_8bit": "noise, grey levels",
    "psnr_db": "PSNR, dB",
    "ssim": "SSIM",
    "lpips": "LPIPS (lower is better)",
    "bits_per_pixel": "bits per pixel",
    "nnz": "non-zeros per position",
}


def draw_lines(axes, rows, x, y):
    """One line for each method, in the order of x, in the same colour in every panel."""
    for number, method in enumerate(methods_of(rows)):
        points = sorted((row[x], row[y]) for row in rows if row["method"] == method and x in row and y in row)
        if points:
            axes.plot(*zip(*points), f"C{number % 10}", marker="o", markersize=4, label=method)
    axes.set_xlabel(NAMES[x])
    axes.set_ylabel(NAMES[y])
    axes.grid(alpha=0.3)


def draw_set(folder, name, rows, pairs):
    pairs = [(x, y) for x, y in pairs if any(x in row and y in row for row in rows)]
    if not pairs:
        return
    figure, panels = plt.subplots(1, len(pairs), figsize=(4.5 * len(pairs), 3.6), squeeze=False)
    for axes, (x, y) in zip(panels[0], pairs):
        draw_lines(axes, rows, x, y)
    handles = {label: line for axes in panels[0] for line, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(name)
    figure.tight_layout()
    save(figure, folder, name)


def draw(folder, denoising, reconstruction):
    for name in dict.fromkeys(row["set"] for row in denoising):
        rows = [row for row in denoising if row["set"] == name]
        draw_set(folder, f"denoising {name}", rows, [("sigma_8bit", y) for y in ("psnr_db", "ssim", "lpips")])
    for name in dict.fromkeys(row["set"] for row in reconstruction):
        rows = [row for row in reconstruction if row["set"] == name]
        pairs = [("bits_per_pixel", "psnr_db"), ("bits_per_pixel", "lpips"), ("nnz", "psnr_db")]
        draw_set(folder, f"reconstruction {name}", rows, pairs)
