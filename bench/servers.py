"""Here servers are started, watched and ended; their CPU and memory are read from /proc."""

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
START_LIMIT_S = 300
END_LIMIT_S = 300
SETTLE_LIMIT_S = 120
SETTLE_STEP_S = 0.5


class Failure(Exception):
    """Told to who started the measurement: what happened, and what to do now."""


def program(name, package, says=""):
    """The path of a program; of several with one name, the first whose version says so."""
    for folder in os.get_exec_path():
        path = shutil.which(name, path=folder)
        if path is None:
            continue
        if not says:
            return path
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if says in told.stdout + told.stderr:
            return path
    raise Failure(f"{name} was not found. Install the package `{package}` and ask again.")


def clean_environment():
    """Without what would configure a server or a client in place of its arguments."""
    names = ("OVERREAD_", "TCP_")
    return {name: text for name, text in os.environ.items() if not name.startswith(names)}


def empty(folder):
    for file in folder.iterdir():
        file.unlink()


def free_port():
    """A port that nobody had a moment ago, for programs that cannot choose one themselves."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def family(pid):
    """The process and its living descendants, each with its CPU in ms, exited children included."""
    processes = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        # After the name in brackets: state, parent, …; utime, stime, cutime and cstime are 11 to 14.
        fields = text.rpartition(")")[2].split()
        processes[int(entry)] = (int(fields[1]), sum(map(int, fields[11:15])) * TICK_MS)
    mine = {pid}
    while True:
        more = {one for one, (parent, _) in processes.items() if parent in mine} - mine
        if not more:
            break
        mine |= more
    return {one: processes[one][1] for one in mine if one in processes}


def cpu_ms(pid):
    """CPU that the process, its descendants and its exited children used so far."""
    return sum(family(pid).values())


def memory_mb(pid, field="VmRSS"):
    """Resident memory of the process and its descendants; `VmHWM` is the most it ever was."""
    kib = 0
    for one in family(pid):
        try:
            lines = Path("/proc", str(one), "status").read_text().splitlines()
        except OSError:
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith(field + ":"))
    return kib * 1024 / 1e6


def settle(pid):
    """Waits until the process does nothing, so that work put off counts to whom it belongs."""
    deadline = time.monotonic() + SETTLE_LIMIT_S
    before = cpu_ms(pid)
    while time.monotonic() < deadline:
        time.sleep(SETTLE_STEP_S)
        now = cpu_ms(pid)
        if now - before <= TICK_MS:
            return
        before = now


def is_healthy(place):
    connection = http.client.HTTPConnection(place, timeout=START_LIMIT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Process:
    """A server that ends with the `with` block; what it prints goes to a file."""

    def __init__(self, arguments, log, environment=None):
        self.name = Path(arguments[0]).name
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [str(one) for one in arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment or clean_environment(),
            )
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def until(self, condition, what):
        """Returns what the condition returns as soon as it is true."""
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                told = self.log.read_text(errors="replace")[-500:]
                raise Failure(f"{self.name} ended before {what}. It said: {told}")
            time.sleep(0.001)
        raise Failure(f"{self.name} took more than {START_LIMIT_S} s until {what}.")

    def until_connected(self, port):
        def connects():
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
            return True

        self.until(connects, "it listened")

    def stop(self):
        """Returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Overread(Process):
    """`overread serve` on a data folder, ready when made; `start_s` is how long that took."""

    def __init__(self, binary, data, token_file, dimse=False):
        arguments = [binary, "serve", "--data", data, "--listen", "127.0.0.1:0"]
        arguments += ["--bootstrap-token", token_file]
        arguments += ["--dimse", "127.0.0.1:0"] if dimse else []
        begun = time.perf_counter()
        super().__init__(arguments, token_file.with_name("overread.log"))
        try:
            place = self._listening("http://")
            self.address = f"http://{place}"
            self.until(lambda: is_healthy(place), "its first answer")
            self.start_s = time.perf_counter() - begun
            self.dimse_port = int(self._listening("dicom://").rpartition(":")[2]) if dimse else 0
        except BaseException:
            self.stop()
            raise

    def _listening(self, scheme):
        start = f"listening on {scheme}"

        def printed():
            lines = self.log.read_text(errors="replace").splitlines(keepends=True)
            told = [line for line in lines if line.startswith(start) and line.endswith("\n")]
            return told[0].removeprefix(start).strip() if told else ""

        return self.until(printed, "it listened")

    def stop(self):
        was_alive = self.process.poll() is None
        code = super().stop()
        if was_alive and code != 0:
            raise Failure(f"overread ended with {code}, so what was measured is not to be trusted.")
        return code


class Installation:
    """A new data folder in the work folder, its archive token, and servers on it."""

    def __init__(self, binary, work, name):
        self.binary = binary
        self.home = work / name
        self.data = self.home / "data"
        self.home.mkdir()
        self.token = secrets.token_hex(32)
        self.token_file = self.home / "token"
        self.token_file.write_text(self.token)
        self.token_file.chmod(0o600)

    def serve(self, dimse=False):
        return Overread(self.binary, self.data, self.token_file, dimse)

    def command(self, *arguments):
        """What a command on the data folder printed as JSON."""
        done = subprocess.run(
            [self.binary, *arguments, "--data", self.data, "--json"],
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )
        if done.returncode != 0:
            raise Failure(f"overread {arguments[0]} failed: {done.stderr[-500:]}")
        return json.loads(done.stdout)
