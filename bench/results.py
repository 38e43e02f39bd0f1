"""Here results become a table for people and JSON for the plot."""

import json
import os
import statistics
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def median(runs, name):
    return statistics.median(run[name] for run in runs)


def medians(runs):
    """The median of each figure, and the runs themselves."""
    return {**{name: median(runs, name) for name in runs[0]}, "runs": runs}


def figure(value):
    """Three digits that count; nothing is a dash."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    digits = max(0, 2 - int(f"{value:e}".partition("e")[2]))
    return f"{value:,.{digits}f}"


def table(head, rows):
    """Markdown; text stands as it is."""
    cells = [[one if isinstance(one, str) else figure(one) for one in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


class Machine:
    """What else the machine did during a measurement, which says how far its figures can be trusted."""

    def __init__(self, work):
        self.file_system = file_system(work)
        self.begun, self.before = time.monotonic(), self._seconds()

    @staticmethod
    def _seconds():
        """CPU of everybody, of the measurement with all that it started and ended, and what a host took away."""
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, _, _, irq, softirq, steal = (int(one) / TICKS_PER_S for one in fields)
        return user + nice + system + irq + softirq, sum(os.times()[:4]), steal

    def facts(self):
        every, own, steal = (now - was for now, was in zip(self._seconds(), self.before))
        there = (time.monotonic() - self.begun) * os.cpu_count()
        return {
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "processors": os.cpu_count(),
            "file_system": self.file_system,
            "others_share": max(0, every - own) / there,
            "steal_share": steal / there,
        }


def file_system(folder):
    """The kind of file system that a folder is on."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        place, kind = line.split()[1:3]
        if folder.is_relative_to(place) and len(place) >= len(best[0]):
            best = (place, kind)
    return best[1]


def remark(facts):
    """One sentence below the table."""
    return (
        f"{facts['processors']} processors, of which others used {facts['others_share']:.0%} and a host took away "
        f"{facts['steal_share']:.0%}; {facts['file_system']}; medians of {facts['run_count']}."
    )


def write(path, result):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(result, out, indent=1)
        out.write("\n")
