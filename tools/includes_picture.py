#!/usr/bin/env python3
"""Draws which layer includes which: the ground floor below, what knows LibTorch above, every arrow pointing down.

    tools/includes_picture.py [OUT.svg]        (default: docs/includes.svg)

An arrow's width tells how many files include something of the layer below; one that points up would be red.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "sscvae"
ROW, BOX, WIDTH, LEFT = 46, 30, 150, 330


def layers():
    """Names in the order of CMake, bottom to top, and which of them know LibTorch."""
    text = (SOURCES / "CMakeLists.txt").read_text()
    names = re.search(r"foreach\(layer ([a-z ]+)\)", text).group(1).split()
    upper = {name for name in names if " LIBTORCH" in (SOURCES / name / "CMakeLists.txt").read_text()}
    return names, upper


def includes(names):
    """How many files of one layer include something of another, without tests."""
    counts = {}
    for name in names:
        for path in (SOURCES / name).rglob("*"):
            if path.suffix not in (".h", ".cpp", ".inl", ".cu", ".cuh") or path.stem.endswith("_test"):
                continue
            seen = set(re.findall(r'#include "sscvae/(\w+)/', path.read_text())) - {name}
            for other in seen & set(names):
                counts[name, other] = counts.get((name, other), 0) + 1
    return counts


def picture(names, upper, counts):
    height = ROW * len(names) + 90
    width = LEFT + WIDTH + 330
    place = {name: height - 50 - ROW * (i + 1) for i, name in enumerate(names)}
    floor = height - 50 - ROW * len([n for n in names if n not in upper]) + 8 - ROW / 2 + BOX / 2 - 4
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="system-ui,sans-serif" font-size="13">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>',
           f'<rect x="8" y="8" width="{width - 16}" height="{floor - 8}" fill="#fbf1e6"/>',
           f'<rect x="8" y="{floor}" width="{width - 16}" height="{height - floor - 8}" fill="#eaf3ea"/>',
           '<text x="20" y="30" font-weight="600">upper storey: LibTorch</text>',
           f'<text x="20" y="{floor + 22}" font-weight="600">ground floor</text>']
    up = 0
    for (high, low), count in sorted(counts.items()):
        y1, y2 = place[high] + BOX / 2, place[low] + BOX / 2
        is_up = names.index(low) > names.index(high)
        up += is_up
        side = LEFT if (names.index(high) + names.index(low)) % 2 else LEFT + WIDTH
        bend = side + (-1 if side == LEFT else 1) * (30 + abs(y2 - y1) * 0.42)
        colour = "#c00" if is_up else "#57606a"
        out.append(f'<path d="M{side} {y1}C{bend:.0f} {y1} {bend:.0f} {y2} {side} {y2}" fill="none" stroke="{colour}" '
                   f'stroke-opacity="0.55" stroke-width="{0.6 + count ** 0.5 * 0.45:.1f}"/>')
    for name in names:
        out.append(f'<rect x="{LEFT}" y="{place[name]}" width="{WIDTH}" height="{BOX}" rx="5" fill="#fff" '
                   'stroke="#1b1f24"/>')
        out.append(f'<text x="{LEFT + WIDTH / 2}" y="{place[name] + 20}" text-anchor="middle">{name}</text>')
    return "\n".join(out + ["</svg>", ""]), up


def main():
    names, upper = layers()
    svg, up = picture(names, upper, includes(names))
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "includes.svg"
    out.write_text(svg)
    print(f"{out}: {len(names)} layers, {len(upper)} with LibTorch, {up} arrows up")
    return 1 if up else 0


if __name__ == "__main__":
    sys.exit(main())
