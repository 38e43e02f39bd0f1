"""C-STORE of an untouched storescu: what its own waiting costs, and what any server could have from it."""

import contextlib
import socket
import subprocess
import threading
import time

from instances import Study, instance
from results import median, medians, table
from servers import Failure, Installation, Process, clean_environment, cpu_ms, free_port, program

SIDE = 512
CHUNK_BYTES = 1 << 18
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
    discarding = [program("storescp", "dcmtk", "dcmtk"), "--ignore", "--fork"]
    port = free_port()
    archive = Installation(options.overread, work, "archive")
    # DCMTK's server answers without Nagle's algorithm when told so; its client stays as it comes.
    environment = {**clean_environment(), "TCP_NODELAY": "1"}
    with (
        Process([*discarding, str(port)], work / "storescp.log", environment) as scp,
        archive.serve(dimse=True) as server,
    ):
        scp.until_connected(port)
        with Relay(port) as relay:
            doors = {
                "discard": (port, scp.pid),
                "floor": (relay.port, scp.pid),
                "overread": (server.dimse_port, server.pid),
            }
            rows = measure_doors(options, work, client, doors)
    return {"files": options.files, "file_bytes": len(instance(Study(0, "CT"), 1, SIDE)), "rows": rows}


def measure_doors(options, work, client, doors):
    rows, studies = [], 0
    for associations in map(int, options.associations.split(",")):
        runs = {door: [] for door in doors}
        for _ in range(options.runs):
            studies += 1
            shares = write_files(work / f"files-{studies}", studies, options.files, associations)
            for door, (port, pid) in doors.items():
                runs[door].append(send(client, port, pid, shares))
            for file in (file for share in shares for file in share):
                file.unlink()
        ratio = median(runs["overread"], "instances_per_s") / median(runs["floor"], "instances_per_s")
        of = {door: medians(found) for door, found in runs.items()}
        rows.append({"associations": associations, **of, "ratio": ratio})
    return rows


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
    head = ["storescu, instances/s", "storescp, discarding", "the same behind the relay (floor)"]
    head += ["Overread, durable", "CPU ms each", "ratio to the floor", "ratio to storescp"]
    rows = []
    for row in result["rows"]:
        rates = [row[door]["instances_per_s"] for door in ("discard", "floor", "overread")]
        ratios = [row["ratio"], rates[2] / rates[0]]
        rows.append([f"associations: {row['associations']}", *rates, row["overread"]["cpu_ms"], *ratios])
    return table(head, rows)
