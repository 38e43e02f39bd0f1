"""An SVG of what storing and searching cost against size, drawn from what growth and searches wrote."""

import json
import math
from html import escape
from pathlib import Path

from servers import Failure

WIDTH, PANEL, HEAD, GAP = 840, 250, 44, 46
LEFT, RIGHT = 64, 620
LABEL_GAP = 15
# Each line has a colour for light pages, one for dark ones, and a pattern for who sees no colours.
LINES = (
    ("#0b6e99", "#6cc5f0", ""),
    ("#b3530f", "#f2a65a", "6 3"),
    ("#2e7d32", "#7fd18a", "2 3"),
    ("#8e24aa", "#d79bf0", "10 3"),
    ("#c62828", "#ff8a80", "8 3 2 3"),
    ("#5d4037", "#c8a99a", ""),
    ("#00796b", "#5fd0c0", "6 3"),
    ("#3949ab", "#9fa8ff", "2 3"),
    ("#6d6d00", "#d6d65c", "10 3"),
)


def arguments(parser, root):
    parser.add_argument("results", type=Path, nargs="+", help="files that growth and searches wrote with --out")
    parser.add_argument("--out", type=Path, default=root / "docs/bench/archive-cost.svg")


def draw(options):
    panels = []
    for file in options.results:
        result = json.loads(file.read_text())
        panels += PANELS.get(result.get("measure"), refuse)(result)
    # The ways in first, whichever file was named first.
    panels.sort(key=lambda panel: panel["is_search"])
    options.out.write_text(picture(panels))


def refuse(result):
    raise Failure(f"Only what growth and searches wrote is drawn, not `{result.get('measure')}`.")


def storing(result):
    """Lines of points: size, value, and the least and most of the runs."""
    lines = []
    for what, name in (("CPU", "cpu_ms"), ("wall time", "wall_ms")):
        points = []
        for row in result["rows"]:
            runs = [run[name] for run in row["runs"]]
            points.append((row["size"], row[name], min(runs), max(runs)))
        lines.append((what, points))
    how = f"{result['per_request']} a request, {result['connections']} connections"
    title = f"Storing one instance by STOW ({how}): ms"
    return [{"title": title, "sizes": "instances in the archive", "lines": lines, "is_search": False}]


def searching(result):
    panels = []
    for who, sees in (("everything", "everything"), ("grants", "what it was granted, one study in 20")):
        lines = {}
        for index in result["indexes"]:
            for row in index["questions"]:
                if row["who"] == who:
                    runs = [run["cpu_ms"] for run in row["runs"]]
                    point = (index["studies"], row["cpu_ms"], min(runs), max(runs))
                    lines.setdefault(row["what"], []).append(point)
        title = f"One search by a token that sees {sees}: ms of CPU"
        facts = {"sizes": "studies in the index", "lines": list(lines.items()), "is_search": True}
        panels.append({"title": title, **facts})
    return panels


PANELS = {"growth": storing, "searches": searching}


def picture(panels):
    height = len(panels) * (HEAD + PANEL + GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        '<title id="title">What storing and searching cost against size</title>',
        f"<style>{style()}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
    ]
    for at, panel in enumerate(panels):
        parts += draw_panel(panel, at * (HEAD + PANEL + GAP) + HEAD)
    return "\n".join([*parts, "</svg>"]) + "\n"


def style():
    light = "".join(f".l{at}{{stroke:{light};fill:{light}}}" for at, (light, _, _) in enumerate(LINES))
    dark = "".join(f".l{at}{{stroke:{dark};fill:{dark}}}" for at, (_, dark, _) in enumerate(LINES))
    return (
        "text{font:12px sans-serif;fill:#24292f}.page{fill:#fff}.grid{stroke:#d0d7de}.title{font-weight:600}"
        "path{fill:none!important;stroke-width:2}line{stroke-width:1}circle{stroke:none}" + light + "@media"
        "(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.grid{stroke:#30363d}" + dark + "}"
    )


def draw_panel(panel, top):
    points = [point for _, line in panel["lines"] for point in line]
    sizes = sorted({size for size, *_ in points})
    across = scale(math.log10(sizes[0]), math.log10(sizes[-1]), LEFT + 10, RIGHT - 10)
    ticks, height_of = height_scale(panel, points, top)
    parts = [text(LEFT, top - 18, panel["title"], "start", "title")]
    for tick in ticks:
        y = height_of(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}"/>')
        parts.append(text(LEFT - 8, y + 4, f"{tick:g} ms" if tick == ticks[-1] else f"{tick:g}", "end"))
    for size in sizes:
        x = across(math.log10(size))
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + PANEL}"/>')
        parts.append(text(x, top + PANEL + 16, f"{size:,}", "middle"))
    parts.append(text((LEFT + RIGHT) / 2, top + PANEL + 34, panel["sizes"], "middle"))
    ends = []
    for at, (what, line) in enumerate(panel["lines"]):
        placed = [(across(math.log10(size)), *map(height_of, values)) for size, *values in line]
        parts += draw_line(at, placed)
        ends.append((placed[-1][1], at, what, line[-1][1]))
    return parts + draw_labels(ends, top)


def draw_line(at, placed):
    way = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y, _, _) in enumerate(placed))
    parts = [f'<path class="l{at}" stroke-dasharray="{LINES[at][2]}" d="{way}"/>']
    for x, y, low, high in placed:
        parts.append(f'<line class="l{at}" x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}"/>')
        parts.append(f'<circle class="l{at}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
    return parts


def draw_labels(ends, top):
    """Names right of their lines, moved apart where lines end close together."""
    ends.sort()
    places, least = [], top
    for y, *_ in ends:
        least = max(y, least)
        places.append(least)
        least += LABEL_GAP
    over = max(0, places[-1] - top - PANEL)
    parts = []
    for number in reversed(range(len(places))):
        highest = places[number + 1] - LABEL_GAP if number + 1 < len(places) else places[-1] - over
        places[number] = min(places[number], highest)
        y, at, what, value = ends[number]
        to = places[number]
        parts.append(f'<line class="l{at}" x1="{RIGHT - 4}" y1="{y:.1f}" x2="{RIGHT + 14}" y2="{to:.1f}"/>')
        parts.append(text(RIGHT + 18, to + 4, f"{what}: {value:.2g}", "start"))
    return parts


def height_scale(panel, points, top):
    """Ticks, and where a value lies: storing from nothing on, searches by factors, since they lie far apart."""
    most = max(high for *_, high in points)
    if not panel["is_search"]:
        step = nice(most / 5)
        ticks = [number * step for number in range(math.ceil(most / step) + 1)]
        return ticks, scale(0, ticks[-1], top + PANEL, top)
    # A cost below what the clock can tell is drawn at the lowest tick.
    floor = max(min(low for _, _, low, _ in points), 0.01)
    ladder = [base * 10.0**power for power in range(-2, 6) for base in (1, 2, 5)]
    ticks = [tick for tick in ladder if floor / 2.5 < tick < most * 2.5]
    by_logarithm = scale(math.log10(ticks[0]), math.log10(ticks[-1]), top + PANEL, top)
    return ticks, lambda value: by_logarithm(math.log10(max(value, ticks[0])))


def nice(step):
    """The next of 1, 2, 5, 10, …"""
    power = 10.0 ** math.floor(math.log10(step))
    return next(base * power for base in (1, 2, 5, 10) if base * power >= step)


def scale(low, high, start, end):
    """Maps low to high onto start to end; a single value lies in the middle."""
    if low == high:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def text(x, y, words, anchor, name="label"):
    return f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
