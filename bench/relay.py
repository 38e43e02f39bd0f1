"""C-STORE of an untouched storescu: what its own waiting costs, and what any server could have from it."""

import contextlib
import os
import socket
import subprocess
import threading
import time

from instances import Study, instance
from results import median, medians, table
from servers import Failure, Installation, Process, clean_environment, cpu_ms, empty, free_port, program

SIDE = 512
CHUNK_BYTES = 1 << 18
WARMING_FILES = 20
# What a commit of one instance writes to the log of the index: 22 pages.
INDEX_BYTES = 22 * 4096
STORED = "Received Store Response (Success)"


def arguments(parser):
    parser.add_argument("--files", type=int, default=100, help="instances of 0.5 MB that are sent in a run")
    parser.add_argument("--associations", default="1,4", help="list of how many associations send")


class Relay:
    """Passes bytes on at once, both ways, and acknowledges at once what it received.

    A client with Nagle's algorithm holds the rest of a message back until what it sent before is acknowledged, which a
    server's kernel puts off; behind this relay neither waits.
    """

    def __init__(self, port):
        self.upstream = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # An accept that waits is not ended by close alone.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.upstream))
            except OSError:
                return
            for ends in ((client, server), (server, client)):
                threading.Thread(target=pass_on, args=ends, daemon=True).start()


def pass_on(source, target):
    """Until one side ends."""
    with contextlib.suppress(OSError):
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            # The kernel forgets it after a while, so it is said before each read.
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            received = source.recv(CHUNK_BYTES)
            if not received:
                break
            target.sendall(received)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def measure(options, work):
    # Other toolkits bring programs with these names, which send otherwise.
    client = program("storescu", "dcmtk", "dcmtk")
    server = program("storescp", "dcmtk", "dcmtk")
    received = work / "received"
    received.mkdir()
    port, stock_port, prompt_port = free_port(), free_port(), free_port()
    archive = Installation(options.overread, work, "archive")
    # DCMTK's server answers without Nagle's algorithm when told so; its client stays as it comes.
    promptly = {**clean_environment(), "TCP_NODELAY": "1"}
    writing = [server, "--fork", "-od", received]
    with (
        Process([*writing, stock_port], work / "stock.log") as stock,
        Process([*writing, prompt_port], work / "prompt.log", promptly) as prompt,
        Process([server, "--ignore", "--fork", port], work / "discarding.log", promptly) as discarding,
        archive.serve(dimse=True) as overread,
    ):
        stock.until_connected(stock_port)
        prompt.until_connected(prompt_port)
        discarding.until_connected(port)
        with Relay(port) as relay:
            doors = {
                "stock": (stock_port, stock.pid),
                "prompt": (prompt_port, prompt.pid),
                "client": (relay.port, discarding.pid),
                "overread": (overread.dimse_port, overread.pid),
            }
            # Once before, so that no first association of a server is among what counts.
            warming = write_files(work / "files-0", 0, WARMING_FILES, 1)
            for door in doors.values():
                send(client, *door, warming)
            rows = measure_doors(options, work, client, doors)
    return {"files": options.files, "file_bytes": len(instance(Study(0, "CT"), 1, SIDE)), "rows": rows}


def measure_doors(options, work, client, doors):
    rows, studies = [], 0
    for associations in map(int, options.associations.split(",")):
        runs = {door: [] for door in (*doors, "disc")}
        for _ in range(options.runs):
            studies += 1
            shares = write_files(work / f"files-{studies}", studies, options.files, associations)
            for door, (port, pid) in doors.items():
                os.sync()
                runs[door].append(send(client, port, pid, shares))
            runs["disc"].append(sync(work / "disc", shares))
            for folder in (work / f"files-{studies}", work / "received"):
                empty(folder)
        rate = {door: median(found, "instances_per_s") for door, found in runs.items()}
        of = {door: medians(found) for door, found in runs.items()}
        ratios = {f"to_{door}": rate["overread"] / rate[door] for door in ("stock", "prompt")}
        row = {"associations": associations, **of, **ratios}
        if associations == 1:
            # The next is sent when the one before is acknowledged: no server has client and disc beside each other.
            row["least_per_s"] = 1 / (1 / rate["client"] + 1 / rate["disc"])
        rows.append(row)
    return rows


def sync(folder, shares):
    """What the disc takes for each file, and then the pages of an index, to be written and synced one after the other."""
    folder.mkdir(exist_ok=True)
    contents = [file.read_bytes() for share in shares for file in share]
    with open(folder / "data", "wb", buffering=0) as data, open(folder / "log", "wb", buffering=0) as log:
        begun = time.perf_counter()
        for content in contents:
            data.write(content)
            os.fdatasync(data.fileno())
            log.write(bytes(INDEX_BYTES))
            os.fdatasync(log.fileno())
        wall_s = time.perf_counter() - begun
    empty(folder)
    return {"instances_per_s": len(contents) / wall_s}


def write_files(folder, number, count, associations):
    """New instances, one share of them for each association."""
    folder.mkdir()
    study = Study(number, "CT")
    shares = [[] for _ in range(associations)]
    for at in range(count):
        file = folder / f"{at:05}.dcm"
        file.write_bytes(instance(study, at + 1, SIDE))
        shares[at % associations].append(file)
    return [share for share in shares if share]


def send(client, port, pid, shares):
    """Sends each share over an association of its own, all at once."""
    before, begun = cpu_ms(pid), time.perf_counter()
    senders = [
        subprocess.Popen(
            [client, "-v", "-aec", "OVERREAD", "127.0.0.1", str(port), *map(str, share)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment(),
        )
        for share in shares
    ]
    told = [""] * len(senders)

    def listen(at):
        told[at] = senders[at].communicate()[0]

    threads = [threading.Thread(target=listen, args=(at,)) for at in range(len(senders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - begun
    count = sum(map(len, shares))
    stored = sum(text.count(STORED) for text in told)
    if stored != count or any(sender.returncode for sender in senders):
        raise Failure(f"storescu had {stored} of {count} instances stored: {told[0][-500:]}")
    return {"instances_per_s": count / wall_s, "cpu_ms": (cpu_ms(pid) - before) / count}


def show(result):
    head = ["storescu, instances/s", "storescp as it comes", "storescp, TCP_NODELAY", "Overread, durable", "CPU ms each"]
    head += ["Overread to storescp", "to storescp, TCP_NODELAY"]
    head += ["client alone (relay, discarding)", "data and index synced, alone", "both, one after the other"]
    rows = []
    for row in result["rows"]:
        stock, prompt, overread, client, disc = (
            row[door]["instances_per_s"] for door in ("stock", "prompt", "overread", "client", "disc")
        )
        ours = [stock, prompt, overread, row["overread"]["cpu_ms"], row["to_stock"], row["to_prompt"]]
        rows.append([f"associations: {row['associations']}", *ours, client, disc, row.get("least_per_s")])
    return table(head, rows)
