"""Metadata of a study, beside nginx with the same bytes as a file."""

import json
import os

from asking import DICOM_JSON, bearer, get, multipart, stow, wrk
from instances import Study, instance
from results import median, medians, table
from servers import Failure, Installation, Process, free_port, program

# It needs places of its own for what clients send, though nobody sends anything here.
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
NGINX = """
{user} worker_processes {processors}; pid {home}/pid; error_log {home}/errors; daemon off;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000;
  default_type application/dicom+json;
  {temporary}
  server {{ listen 127.0.0.1:{port}; root {home}/files; }}
}}
"""


def arguments(parser):
    parser.add_argument("--slices", type=int, default=300, help="instances of the study")
    parser.add_argument("--connections", default="1,8", help="list of how many connections ask")


def measure(options, work):
    wrk_program = program("wrk", "wrk")
    study = Study(0, "CT")
    files = [instance(study, number, 64) for number in range(1, options.slices + 1)]
    archive = Installation(options.overread, work, "archive")
    with archive.serve() as server:
        requests = [(multipart(files[at : at + 20]), len(files[at : at + 20])) for at in range(0, len(files), 20)]
        stow(server.address, archive.token, requests, 4)
        path = f"/dicom-web/studies/{study.study_instance_uid}/metadata"
        headers = {**DICOM_JSON, **bearer(archive.token)}
        answer = get(server.address, path, headers)
        if len(json.loads(answer)) != options.slices:
            raise Failure("The metadata do not tell of every instance that was stored.")
        with serve_files(work / "nginx", answer) as (nginx, address):
            if get(address, "/answer", {}) != answer:
                raise Failure("nginx does not answer with the same bytes.")
            rows = []
            for connections in map(int, options.connections.split(",")):
                runs = {"overread": [], "nginx": []}
                for _ in range(options.runs):
                    asked = connections, options.seconds, work
                    runs["overread"].append(
                        wrk(wrk_program, server.pid, server.address, [path], headers, *asked)
                    )
                    runs["nginx"].append(wrk(wrk_program, nginx.pid, address, ["/answer"], {}, *asked))
                rows.append(_row(connections, runs))
    return {"slices": options.slices, "answer_bytes": len(answer), "rows": rows}


def _row(connections, runs):
    ratio = median(runs["overread"], "requests_per_s") / median(runs["nginx"], "requests_per_s")
    sides = {name: medians(of) for name, of in runs.items()}
    return {"connections": connections, **sides, "ratio": ratio}


class serve_files:
    """nginx with one file, in a `with` block: the process and its address."""

    def __init__(self, home, content):
        (home / "files").mkdir(parents=True)
        (home / "files" / "answer").write_bytes(content)
        self.port = free_port()
        configuration = NGINX.format(
            # Only who may change users is told to stay the same one.
            user="user root;" if os.geteuid() == 0 else "",
            processors=os.cpu_count(),
            home=home,
            port=self.port,
            temporary=" ".join(f"{name}_temp_path {home}/{name};" for name in TEMPORARY),
        )
        (home / "nginx.conf").write_text(configuration)
        command = [nginx_program(), "-p", home, "-c", home / "nginx.conf"]
        self.process = Process(command, home / "log")

    def __enter__(self):
        try:
            self.process.until_connected(self.port)
        except BaseException:
            self.process.stop()
            raise
        return self.process, f"http://127.0.0.1:{self.port}"

    def __exit__(self, *_):
        self.process.stop()


def nginx_program():
    """It often stands where only administrators look."""
    for path in ("/usr/sbin/nginx", "/usr/local/sbin/nginx"):
        if os.access(path, os.X_OK):
            return path
    return program("nginx", "nginx")


def show(result):
    head = ["metadata", "Overread, requests/s", "CPU ms", "nginx, requests/s", "CPU ms", "ratio"]
    what = f"{result['slices']} slices ({result['answer_bytes'] / 1000:.0f} kB)"
    rows = []
    for row in result["rows"]:
        sides = [row[side][name] for side in ("overread", "nginx") for name in ("requests_per_s", "cpu_ms")]
        rows.append([f"{what}, connections: {row['connections']}", *sides, row["ratio"]])
    return table(head, rows)
