"""The results as CSV and Markdown."""

import csv
import math

import numpy as np

RESAMPLES, SEED = 2000, 1  # as in the program
FIGURES = ("psnr_db", "ssim", "lpips", "bits_per_pixel", "nnz", "zero_fraction", "fit_error", "seconds", "cpu_seconds")
INTERVALS = ("psnr_db", "ssim", "lpips")

# head, figure, pattern
DENOISING_COLUMNS = [
    ("PSNR dB", "psnr_db", "{:.2f}"),
    ("SSIM", "ssim", "{:.4f}"),
    ("LPIPS", "lpips", "{:.4f}"),
    ("s / image", "seconds", "{:.3g}"),
    ("CPU s / image", "cpu_seconds", "{:.3g}"),
    ("peak MiB", "peak_mib", "{:.0f}"),
]
RECONSTRUCTION_COLUMNS = [
    ("bits / pixel", "bits_per_pixel", "{:.3f}"),
    ("PSNR dB", "psnr_db", "{:.2f}"),
    ("SSIM", "ssim", "{:.4f}"),
    ("LPIPS", "lpips", "{:.4f}"),
    ("nnz", "nnz", "{:.2f}"),
    ("zeros", "zero_fraction", "{:.4f}"),
    ("fit error", "fit_error", "{:.4f}"),
    ("s / image", "seconds", "{:.3g}"),
]


def interval95(values):
    """95 % percentile bootstrap interval of the mean over images."""
    picks = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(np.asarray(values)[picks].mean(1), [2.5, 97.5])
    return float(low), float(high)


def summary(row):
    """A row with means and intervals in place of its records."""
    records = row["records"].values()
    result = {name: value for name, value in row.items() if name != "records"} | {"images": len(records)}
    for name in FIGURES:
        values = [record[name] for record in records if math.isfinite(record.get(name, math.nan))]
        if not values:
            continue
        result[name] = float(np.mean(values))
        if name in INTERVALS:
            result[f"{name}_low"], result[f"{name}_high"] = interval95(values)
    peaks = [record["peak_bytes"] / 2**20 for record in records if "peak_bytes" in record]
    return result | ({"peak_mib": max(peaks)} if peaks else {})


def write_csv(path, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def image_rows(rows):
    """A row for each image."""
    return [
        {name: value for name, value in row.items() if name != "records"} | {"image": path} | record
        for row in rows
        for path, record in row["records"].items()
    ]


def cell(row, figure, pattern):
    if figure not in row:
        return "-"
    text = pattern.format(row[figure])
    if figure not in INTERVALS:
        return text
    return f"{text} ({pattern.format(row[f'{figure}_low'])} to {pattern.format(row[f'{figure}_high'])})"


def table(rows, columns):
    present = [column for column in columns if any(column[1] in row for row in rows)]
    heads = ["method", "setting", *(head for head, _, _ in present)]
    lines = ["| " + " | ".join(heads) + " |", "| --- | --- |" + " ---: |" * len(present)]
    for row in rows:
        cells = [row["method"], row["setting"] or "-", *(cell(row, *column[1:]) for column in present)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def section(title, rows, columns):
    counts = sorted({row["images"] for row in rows})
    return ["", f"### {title}, {counts[0]} images", "", *table(rows, columns)]


def markdown(header, denoising, reconstruction, left_out):
    versions = ", ".join(f"{name} {version or 'absent'}" for name, version in header["versions"].items())
    lines = [
        "# Quality",
        "",
        f"- {header['date']}, commit {header['commit']}; {header['cpu']}, {header['threads']} thread(s); {versions}",
        f"- protocol {header['protocol']}; in brackets the 95 % bootstrap interval of the mean over images",
    ]
    if header.get("disagreement_db") is not None:
        largest = f"{header['disagreement_db']:.1e} dB"
        lines.append(f"- largest difference in the PSNR of a noisy image, by evaluate and by compare: {largest}")
    for name, sigma in dict.fromkeys((row["set"], row["sigma_8bit"]) for row in denoising):
        rows = [row for row in denoising if (row["set"], row["sigma_8bit"]) == (name, sigma)]
        lines += section(f"{name}, sigma {sigma}", rows, DENOISING_COLUMNS)
    for name in dict.fromkeys(row["set"] for row in reconstruction):
        rows = [row for row in reconstruction if row["set"] == name]
        lines += section(f"{name}, reconstruction", rows, RECONSTRUCTION_COLUMNS)
    lines += [""] if left_out else []
    lines += [f"Left out: {what}: {reason}  " for what, reason in left_out]
    return "\n".join(lines) + "\n"
