"""The results as Markdown."""


def number(value, pattern="{:.3g}"):
    return "-" if value is None else pattern.format(value)


def error_of(row):
    """Of the reconstruction or code (largest difference), the gradients or the loss (relative)."""
    if row["pass"] == "forward+backward":
        return row.get("gradient_error")
    return row.get("max_abs_error", row.get("loss_error"))


def row_cells(row):
    cells = [
        row["contender"],
        row["precision"],
        number(1e3 * row["median_seconds"], "{:.1f}"),
        number(1e3 * row["min_seconds"], "{:.1f}"),
        number(row.get("time_to_ours"), "{:.2f}"),
        number(row.get("speed_to_eager"), "{:.2f}"),
        number(error_of(row), "{:.1e}"),
        number(row.get("psnr_change_db"), "{:+.4f}"),
        number(row["peak_resident_bytes"] / 2**20, "{:.0f}"),
        number(row["prepare_seconds"], "{:.1f}"),
    ]
    return "| " + " | ".join(cells) + " |"


COLUMNS = [
    "contender",
    "precision",
    "median ms",
    "fastest ms",
    "time / ours",
    "eager / time",
    "error",
    "PSNR change dB",
    "peak MiB",
    "preparation s",
]
HEAD = ["| " + " | ".join(COLUMNS) + " |", "| --- | --- |" + " ---: |" * (len(COLUMNS) - 2)]


# fp32 contenders beyond compute something else.
LARGEST_ERROR, LARGEST_GRADIENT_ERROR = 1e-3, 1e-2


def is_wrong(row):
    limit = LARGEST_GRADIENT_ERROR if row["pass"] == "forward+backward" else LARGEST_ERROR
    return row["precision"] == "fp32" and (error_of(row) or 0) > limit


def wrong_lines(rows):
    wrong = [row for row in rows if is_wrong(row)]
    return [f"**Not the same result:** {row['contender']}, {row['precision']}  " for row in wrong]


def case_lines(case):
    lines = []
    for name in dict.fromkeys(row["pass"] for row in case["rows"]):
        rows = [row for row in case["rows"] if row["pass"] == name]
        lines += ["", f"### {case['title']}, {name}", "", *HEAD, *map(row_cells, rows), "", *wrong_lines(rows)]
    if not case["rows"]:
        lines += ["", f"### {case['title']}"]
    if case["alone"]:
        lines += ["", "All do not fit into memory together: each contender ran while it was the only one.  "]
    lines += [""] if case["left_out"] else []
    lines += [f"Left out: {item['contender']}: {item['reason']}  " for item in case["left_out"]]
    return lines


def markdown(results):
    header = results["header"]
    versions = ", ".join(f"{name} {version}" for name, version in header["versions"].items())
    lines = [
        "# Side by side",
        "",
        f"- date: {header['date']}, commit {header['commit']}",
        f"- processor: {header['cpu']} ({', '.join(header['features'])}), {header['threads']} threads for everybody",
        f"- versions: {versions}",
        f"- {header['rounds']} rounds, contender after contender in each; up to {header['repeats']} runs of each pass in "
        f"a round (fewer where they take more than {header['seconds']:g} s)",
        f"- load of the machine at the start (1 min): {header['load']:.2f}",
    ]
    for case in results["cases"]:
        lines += case_lines(case)
    return "\n".join(lines) + "\n"
