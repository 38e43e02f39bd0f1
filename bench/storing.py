"""Storing by STOW: what it costs beside the least that any server must do with the same client."""

import itertools
import json
import os
import subprocess
from pathlib import Path

from asking import STOW_HEADERS, TIMEOUT_S, acknowledge, bearer, multipart
from instances import Study, instance
from results import median, medians, table
from servers import Failure, Installation, Process, clean_environment, cpu_ms, empty, program, settle

SOURCE = Path(__file__).with_name("least.c")
SIDE = 512
HEAD_BYTES = 1 << 16
NAMES = {
    "overread": "Overread",
    "receive": "receive only",
    "sync": "receive, write, sync",
    "disc": "write, sync, no network",
}


def arguments(parser):
    parser.add_argument("--instances", type=int, default=400, help="instances of 0.5 MB that are sent in a run")
    parser.add_argument("--batches", default="1,20", help="list of how many instances a request has")
    parser.add_argument("--connections", default="1,4", help="list of how many connections send")


class Least(Process):
    """A server of least.c, ready when made; with a folder it writes and syncs there."""

    def __init__(self, binary, threads, largest_bytes, log, folder=None):
        super().__init__([binary, "serve", threads, largest_bytes, *([folder] if folder else [])], log)
        try:
            self.port = int(self.until(self._told_port, "it listened"))
        except BaseException:
            self.stop()
            raise

    def _told_port(self):
        told = self.log.read_text(errors="replace")
        return told if told.endswith("\n") and told.strip().isdigit() else ""


class Requests:
    """New instances in each run, as files that hold whole requests, which every server gets as they are."""

    def __init__(self, folder, archive, port):
        self.folder = folder
        headers = {"Host": f"127.0.0.1:{port}", **STOW_HEADERS, **bearer(archive.token)}
        lines = ["POST /dicom-web/studies HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
        self.head = "\r\n".join([*lines, "Content-Length: "]).encode("ascii")
        self.studies = map(lambda number: Study(number, "CT"), itertools.count())
        folder.mkdir()

    def write(self, count, per_request):
        """Replaces what is there; returns how many instances each request has."""
        empty(self.folder)
        study, counts = next(self.studies), []
        for begin in range(0, count, per_request):
            numbers = range(begin, min(count, begin + per_request))
            body = multipart([instance(study, number + 1, SIDE) for number in numbers])
            head = self.head + b"%d\r\n\r\n" % len(body)
            (self.folder / str(len(counts))).write_bytes(head + body)
            counts.append(len(numbers))
        return counts


def build(work):
    """Compiles least.c into the work folder."""
    binary = work / "least"
    command = [program("cc", "gcc"), "-O2", "-Wall", "-pthread", "-o", binary, SOURCE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{SOURCE.name} was not compiled: {done.stderr[-500:]}")
    return binary


def measure(options, work):
    binary = build(work)
    batches, connections = (sorted(map(int, one.split(","))) for one in (options.batches, options.connections))
    file_bytes = len(instance(Study(0, "CT"), 1, SIDE))
    largest = len(multipart([bytes(file_bytes + 64)])) * batches[-1] + HEAD_BYTES
    files = work / "files"
    files.mkdir()
    archive = Installation(options.overread, work, "archive")
    with (
        archive.serve() as server,
        Least(binary, connections[-1], largest, work / "receive.log") as receive,
        Least(binary, connections[-1], largest, work / "sync.log", files) as sync,
    ):
        port = int(server.address.rpartition(":")[2])
        doors = {"overread": (port, server.pid), "receive": (receive.port, receive.pid), "sync": (sync.port, sync.pid)}
        requests = Requests(work / "requests", archive, port)
        bench = Bench(binary, requests, files, doors)
        # Once before, so that no first request of a server is among what counts.
        bench.run(batches[-1] * connections[-1], batches[-1], connections[-1])
        rows = [
            row(batch, at_once, [bench.run(options.instances, batch, at_once) for _ in range(options.runs)])
            for batch, at_once in itertools.product(batches, connections)
        ]
    return {"instances": options.instances, "file_bytes": file_bytes, "rows": rows}


class Bench:
    """Asks each server in turn, and the disc, with the same requests."""

    def __init__(self, binary, requests, files, doors):
        self.binary, self.requests, self.files, self.doors = binary, requests, files, doors

    def run(self, instances, per_request, connections):
        counts = self.requests.write(instances, per_request)
        found = {}
        for door, (port, pid) in self.doors.items():
            self._still(pid)
            before = cpu_ms(pid)
            times, client_ms, answers = self._least("send", connections, len(counts), port)
            settle(pid)
            cpu = {"cpu_ms": (cpu_ms(pid) - before) / instances, "client_cpu_ms": client_ms / instances}
            check(door, answers, counts)
            found[door] = {**figures(times, instances), **cpu}
        self._still()
        times, used_ms, _ = self._least("write", connections, len(counts), self.files)
        found["disc"] = {**figures(times, instances), "cpu_ms": used_ms / instances}
        empty(self.files)
        return found

    def _still(self, pid=None):
        """Nothing is left to be written or done that was not asked for in this turn."""
        empty(self.files)
        os.sync()
        if pid:
            settle(pid)

    def _least(self, what, threads, count, target):
        """When each request began and how long it took in µs, the CPU of least itself in ms, and the answers."""
        done = subprocess.run(
            [str(one) for one in (self.binary, what, threads, self.requests.folder, count, target)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=clean_environment(),
            timeout=TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise Failure(f"storing failed: {done.stderr.decode(errors='replace')[:700]}")
        first, *lines = done.stdout.splitlines()
        fields = [line.split(b" ", 2) for line in lines]
        if len(fields) != count:
            raise Failure(f"{len(fields)} of {count} requests were answered.")
        times = [(float(begun), float(took)) for begun, took, _ in fields]
        return times, float(first) / 1000, [answer for _, _, answer in fields]


def check(door, answers, counts):
    """Every answer was 200, or least.c had failed; Overread's must name each instance as stored and none as failed."""
    for answer, count in zip(answers, counts, strict=True):
        if door == "overread":
            acknowledge(json.loads(answer), count)
        elif answer:
            raise Failure("A server that only receives answered with more than 200.")


def figures(times, instances):
    begun, ended = min(begun for begun, _ in times), max(begun + took for begun, took in times)
    took = sorted(took for _, took in times)
    return {
        "instances_per_s": instances * 1e6 / (ended - begun),
        "p50_ms": took[len(took) // 2] / 1000,
        "p99_ms": took[len(took) * 99 // 100] / 1000,
    }


def row(batch, connections, runs):
    """Medians of each door, and Overread's ratios to them."""
    sides = {door: [run[door] for run in runs] for door in NAMES}
    rate = {door: median(of, "instances_per_s") for door, of in sides.items()}
    cpu = {door: median(of, "cpu_ms") for door, of in sides.items()}
    ratios = {
        "rate_to_sync": rate["overread"] / rate["sync"],
        "rate_to_disc": rate["overread"] / rate["disc"],
        "cpu_to_sync": cpu["overread"] / cpu["sync"] if cpu["sync"] else None,
    }
    of = {door: medians(found) for door, found in sides.items()}
    return {"batch": batch, "connections": connections, **of, **ratios}


def show(result):
    head = ["instances a request", "connections", "what", "instances/s", "CPU ms each"]
    head += ["p50 ms of a request", "p99 ms", "client's CPU ms each"]
    kept = ("instances_per_s", "cpu_ms", "p50_ms", "p99_ms", "client_cpu_ms")
    rows = [
        [row["batch"], row["connections"], name, *(row[door].get(one) for one in kept)]
        for row in result["rows"]
        for door, name in NAMES.items()
    ]
    ratios_head = ["instances a request", "connections", f"instances/s to {NAMES['sync']}"]
    ratios_head += [f"instances/s to {NAMES['disc']}", f"CPU to {NAMES['sync']}"]
    ratios = [
        [row[one] for one in ("batch", "connections", "rate_to_sync", "rate_to_disc", "cpu_to_sync")]
        for row in result["rows"]
    ]
    about = f"Instances of {result['file_bytes'] / 1e6:.2f} MB, {result['instances']} in a run."
    return "\n\n".join([about, table(head, rows), "Ratios of Overread:", table(ratios_head, ratios)])
