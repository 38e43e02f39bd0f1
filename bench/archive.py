#!/usr/bin/env python3
"""Measures the archive beside its floors: `archive.py metadata|searches|growth|relay|storing`; `plot` draws it.

Each measurement makes its data, prints a table in Markdown and writes figures as JSON; README.md tells what each means.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import growth
import metadata
import plot
import relay
import results
import searches
import storing
from servers import Failure

ROOT = Path(__file__).resolve().parent.parent
MEASURES = {"metadata": metadata, "searches": searches, "growth": growth, "relay": relay, "storing": storing}


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, measure in MEASURES.items():
        command = commands.add_parser(name, help=measure.__doc__, description=measure.__doc__)
        command.add_argument(
            "--overread",
            type=Path,
            default=os.environ.get("OVERREAD_BIN", ROOT / "target/release/overread"),
            help="release build (default: OVERREAD_BIN, else target/release/overread)",
        )
        command.add_argument("--work", type=Path, help="where a folder for the run is made, and deleted after")
        command.add_argument("--out", type=Path, help="file for the figures, JSON")
        command.add_argument("--runs", type=int, default=3, help="medians are of so many")
        command.add_argument("--seconds", type=int, default=2, help="how long wrk asks")
        measure.arguments(command)
    command = commands.add_parser("plot", help=plot.__doc__, description=plot.__doc__)
    plot.arguments(command, ROOT)
    return parser.parse_args()


def run(options):
    measure = MEASURES[options.command]
    if not options.overread.is_file():
        raise Failure(f"{options.overread} is not there: cargo build --release, or --overread FILE")
    options.overread = options.overread.resolve()
    version = subprocess.run([options.overread, "--version"], capture_output=True, text=True, check=True)
    # Resolved, since servers are told of it and may look from elsewhere.
    work = Path(tempfile.mkdtemp(prefix="overread-bench-", dir=options.work)).resolve()
    machine = results.Machine(work)
    if machine.file_system == "tmpfs":
        print("archive.py: this is memory, where syncing costs nothing; --work on a disc is better", file=sys.stderr)
    try:
        figures = measure.measure(options, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    about = {"measure": options.command, "overread": version.stdout.strip(), "run_count": options.runs}
    result = {**about, **machine.facts(), **figures}
    if options.out:
        results.write(options.out, result)
    print(measure.show(result), results.remark(result), sep="\n\n")


def main():
    # So that servers are ended and folders deleted, whoever ends the measurement.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = read_arguments()
    try:
        plot.draw(options) if options.command == "plot" else run(options)
    except Failure as failure:
        print(f"archive.py: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
