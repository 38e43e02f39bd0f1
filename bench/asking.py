"""Here requests are made: single ones, STOW over several connections, and many by wrk."""

import http.client
import json
import re
import socket
import subprocess
import threading
import time
from urllib.parse import urlsplit

from servers import Failure, clean_environment, cpu_ms

TIMEOUT_S = 600
BOUNDARY = b"overread-bench-4d1f7c"
STOW_HEADERS = {
    "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY.decode()}',
    "Accept": "application/dicom+json",
}
DICOM_JSON = {"Accept": "application/dicom+json"}
# Prints what wrk found as one line of JSON, after @@.
SCRIPT = """
local paths = {%s}
local headers = {%s}
local turn = 0
function init() math.randomseed(os.time()) turn = math.random(0, #paths) end
function request()
  turn = turn + 1
  return wrk.format("GET", paths[turn %% #paths + 1], headers)
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('@@{"requests":%%d,"us":%%d,"p50_us":%%d,"p99_us":%%d,"errors":%%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def connect(address):
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def get(address, path, headers):
    """The body of an answer; anything but 200 and 204 is a failure."""
    connection = connect(address)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status not in (200, 204):
        raise Failure(f"{path} was answered with {answer.status}: {body[:300]!r}")
    return body


def multipart(files):
    """The body of one STOW request."""
    head = b"--" + BOUNDARY + b"\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + file + b"\r\n" for file in files) + b"--" + BOUNDARY + b"--\r\n"


def stow(address, token, requests, connections):
    """Sends pairs of a body and its count of instances; returns how many were acknowledged, and the wall time in s."""
    requests, lock, acknowledged, failures = iter(requests), threading.Lock(), [], []

    def send():
        connection = connect(address)
        try:
            while not failures:
                with lock:
                    body, count = next(requests, (None, 0))
                if body is None:
                    return
                acknowledged.append(_stow_one(connection, token, body, count))
        except (Failure, OSError, http.client.HTTPException, ValueError) as failure:
            failures.append(failure)
        finally:
            connection.close()

    begun = time.perf_counter()
    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - begun
    if failures:
        raise Failure(f"storing failed: {failures[0]}")
    return sum(acknowledged), wall_s


def _stow_one(connection, token, body, count):
    connection.request("POST", "/dicom-web/studies", body, {**STOW_HEADERS, **bearer(token)})
    answer = connection.getresponse()
    told = answer.read()
    if answer.status != 200:
        raise Failure(f"status {answer.status}: {told[:300]!r}")
    acknowledge(json.loads(told), count)
    return count


def acknowledge(facts, count):
    """Fails unless an answer to STOW names so many instances as stored and none as failed."""
    facts = facts[0] if isinstance(facts, list) else facts
    # PS3.18 10.5.3: the Referenced SOP Sequence holds what was stored, the Failed SOP Sequence what was not.
    stored, failed = (len(facts.get(tag, {}).get("Value", [])) for tag in ("00081199", "00081198"))
    if stored != count or failed:
        raise Failure(f"{stored} of {count} instances were acknowledged, {failed} named as failed")


def wrk(program, pid, address, paths, headers, connections, seconds, work):
    """Asks for the paths in turn for some seconds; rates, times and the CPU of the process that answers."""
    script = work / "wrk.lua"
    lines = (f"[{json.dumps(name)}]={json.dumps(value)}" for name, value in headers.items())
    script.write_text(SCRIPT % (",".join(map(json.dumps, paths)), ",".join(lines)))
    threads = 1 if connections < 4 else 2
    before = cpu_ms(pid)
    done = subprocess.run(
        [program, f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s"]
        + ["-s", str(script), address],
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    used = cpu_ms(pid) - before
    told = re.search(r"@@(\{.*\})", done.stdout)
    if not told:
        raise Failure(f"wrk told nothing: {done.stdout[-300:]}{done.stderr[-300:]}")
    found = json.loads(told.group(1))
    if found["errors"] or not found["requests"]:
        raise Failure(f"wrk had {found['errors']} errors in {found['requests']} requests.")
    return {
        "requests_per_s": found["requests"] * 1e6 / found["us"],
        "cpu_ms": used / found["requests"],
        "p50_ms": found["p50_us"] / 1000,
        "p99_ms": found["p99_us"] / 1000,
    }
