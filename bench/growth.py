"""Storing by STOW into archives of several sizes: what the same batch costs, and what it leaves behind."""

import itertools
import os
import statistics
import sys

from asking import multipart, stow
from instances import Study, instance
from results import medians, table
from servers import Failure, Installation, cpu_ms, memory_mb, settle


def arguments(parser):
    parser.add_argument("--sizes", default="1000,10000,100000,1000000", help="list of how many instances are there")
    parser.add_argument("--probe", type=int, default=2000, help="instances that are measured at each size, once a run")
    parser.add_argument("--per-study", type=int, default=5, help="instances of a study")
    parser.add_argument("--per-request", type=int, default=20, help="instances of a request")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--side", type=int, default=8, help="columns and rows of a picture")


class Sender:
    """Makes instances that were never sent before, and counts them."""

    def __init__(self, options, token):
        self.options, self.token = options, token
        self.stored = self.sent_bytes = 0
        per_study = options.per_study
        self.files = (
            instance(study, number, options.side)
            for study in map(Study, itertools.count())
            for number in range(1, per_study + 1)
        )

    def requests(self, count):
        while count:
            files = list(itertools.islice(self.files, min(count, self.options.per_request)))
            count -= len(files)
            self.sent_bytes += sum(map(len, files))
            yield multipart(files), len(files)

    def send(self, server, requests):
        acknowledged, wall_s = stow(server.address, self.token, requests, self.options.connections)
        self.stored += acknowledged
        return acknowledged, wall_s


def measure(options, work):
    sizes = sorted(map(int, options.sizes.split(",")))
    for before, size in itertools.pairwise(sizes):
        if before + options.runs * options.probe > size:
            raise Failure(f"The measured batches at {before} already lead past {size}: make --probe smaller.")
    archive = Installation(options.overread, work, "archive")
    sender = Sender(options, archive.token)
    rows = []
    server = archive.serve()
    try:
        for size in sizes:
            row = at_size(server, sender, size, options)
            server.stop()
            row["disc"] = on_disc(archive.data, sender)
            server, starts = restart(archive, options.runs)
            row["start_s"] = statistics.median(starts)
            row["starts_s"] = starts
            settle(server.pid)
            row["idle_mb"] = memory_mb(server.pid)
            rows.append(row)
            print(f"{size:,} instances: {row['cpu_ms']:.2f} ms of CPU each", file=sys.stderr, flush=True)
    finally:
        server.stop()
    kept = ("per_study", "per_request", "connections", "probe", "side")
    return {**{name: getattr(options, name) for name in kept}, "rows": rows}


def at_size(server, sender, size, options):
    """Fills up to the size, then sends the measured batches, which are the same at each size."""
    count, wall_s = sender.send(server, sender.requests(size - sender.stored))
    fill = {"instances": count, "wall_s": wall_s}
    runs = []
    for _ in range(options.runs):
        requests = list(sender.requests(options.probe))
        settle(server.pid)
        begun = cpu_ms(server.pid)
        stored, wall_s = sender.send(server, requests)
        settle(server.pid)
        used = cpu_ms(server.pid) - begun
        runs.append({"cpu_ms": used / stored, "wall_ms": wall_s * 1000 / stored})
    memory = {"resident_mb": memory_mb(server.pid), "peak_mb": memory_mb(server.pid, "VmHWM")}
    return {"size": size, "size_after": sender.stored, "fill": fill, **medians(runs), **memory}


def on_disc(data, sender):
    """Bytes of the data folder for each instance, and for each byte that was sent."""
    archive = index = 0
    for folder, _, names in os.walk(data):
        for name in names:
            # What the disc gave for it, which for a pack can be more than its length.
            taken = os.lstat(os.path.join(folder, name)).st_blocks * 512
            if name.startswith("overread.sqlite"):
                index += taken
            else:
                archive += taken
    return {
        "sent_bytes": sender.sent_bytes / sender.stored,
        "archive_bytes": archive / sender.stored,
        "index_bytes": index / sender.stored,
    }


def restart(archive, runs):
    """Starts and stops a few times; the last server goes on."""
    starts = []
    while True:
        server = archive.serve()
        starts.append(server.start_s)
        if len(starts) >= runs:
            return server, starts
        server.stop()


def show(result):
    least = result["rows"][0]
    head = ["instances", "CPU ms each", "range", "wall ms each", "CPU ratio", "wall ratio"]
    head += ["sent bytes each", "archive", "index", "start s", "idle MB", "peak MB"]
    rows = []
    for row in result["rows"]:
        costs = [run["cpu_ms"] for run in row["runs"]]
        disc = row["disc"]
        rows.append([
            f"{row['size']:,}", row["cpu_ms"], f"{min(costs):.2f}-{max(costs):.2f}", row["wall_ms"],
            row["cpu_ms"] / least["cpu_ms"], row["wall_ms"] / least["wall_ms"],
            *(round(disc[name]) for name in ("sent_bytes", "archive_bytes", "index_bytes")),
            row["start_s"], row["idle_mb"], row["peak_mb"],
        ])
    return table(head, rows)
