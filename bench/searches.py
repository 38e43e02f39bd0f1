"""Searches over indexes of several sizes, with a token that sees everything and two that see what they were granted."""

import json
import random
import subprocess
from datetime import date, timedelta
from pathlib import Path

from asking import DICOM_JSON, bearer, get, wrk
from instances import ROOT, Study
from results import medians, table
from servers import Failure, Installation, clean_environment, memory_mb, program

QUESTIONS = 300
# One study in so many is in a case that the token with grants sees, and so many are in each; `search` makes them so.
IN_CASES = 20
CASE_STUDIES = 250
# So many of the questions are asked once before, to count the rows of their answers.
COUNTED = 20


def arguments(parser):
    parser.add_argument("--sizes", default="200,20000,50000", help="list of how many studies the index has")
    parser.add_argument(
        "--search-example",
        type=Path,
        help="the example `search` of overread-store, which makes the index (default: beside overread)",
    )


def measure(options, work):
    wrk_program = program("wrk", "wrk")
    example = options.search_example or options.overread.parent / "examples" / "search"
    if not example.is_file():
        raise Failure(f"{example} is not there: cargo build --release -p overread-store --example search")
    indexes = []
    for size in sorted(map(int, options.sizes.split(","))):
        archive = Installation(options.overread, work, f"studies-{size}")
        tokens = fill(archive, example, size)
        with archive.serve() as server:
            index = {"studies": size, "start_s": server.start_s, "idle_mb": memory_mb(server.pid)}
            index["questions"] = ask(server, wrk_program, size, tokens, options, work)
            index["peak_mb"] = memory_mb(server.pid, "VmHWM")
        indexes.append(index)
    return {"indexes": indexes}


def fill(archive, example, size):
    """Makes the index; returns a token that sees everything, one with grants of all cases, and one of a single case."""
    # The first start makes the tables and takes the archive's token.
    archive.serve().stop()
    granted = [
        archive.command("token", "create", "--role", "referring_physician", "--name", name)
        for name in ("grants", "one case")
    ]
    log = archive.home / "search.log"
    with open(log, "wb") as output:
        command = [example, str(size), archive.data, *(token["id"] for token in granted)]
        done = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, env=clean_environment(), check=False
        )
    if done.returncode != 0:
        raise Failure(f"The index was not made: {log.read_text(errors='replace')[-500:]}")
    return {"everything": archive.token, "grants": granted[0]["token"], "one case": granted[1]["token"]}


def questions(seen):
    """Of each kind so many that no answer is just the one before; made of studies that the token sees."""
    chance = random.Random(7)
    studies = [Study(chance.choice(seen)) for _ in range(QUESTIONS)]
    # `search` writes names as they are folded, without a caret.
    names = [study.patient_name.partition("^")[0].lower() for study in studies]
    return {
        "patient ID": [f"PatientID={study.patient_id}" for study in studies],
        "accession number": [f"AccessionNumber={study.accession_number}" for study in studies],
        "Study Instance UID": [f"StudyInstanceUID={ROOT}.1.{20_000_000 + study.number}" for study in studies],
        "start of a name, 25": [f"PatientName={name}*&limit=25" for name in names],
        "week, 25": [f"StudyDate={week(study)}&limit=25" for study in studies],
        "modality and week, 25": [
            f"ModalitiesInStudy={study.modality}&StudyDate={week(study)}&limit=25" for study in studies
        ],
        "middle of a name, 25": [f"PatientName=*{name[1:]}*&limit=25" for name in names],
        "first 50": ["limit=50"],
        "last page of 50": [f"limit=50&offset={max(0, len(seen) - 1) // 50 * 50}"],
    }


def week(study):
    begin = date(int(study.date[:4]), int(study.date[4:6]), int(study.date[6:]))
    return f"{study.date}-{begin + timedelta(6):%Y%m%d}"


def ask(server, wrk_program, size, tokens, options, work):
    """Asks everything in turn for each run, so that a slow minute of the machine spoils no question alone."""
    in_cases = range(0, size, IN_CASES)
    seen = {"everything": range(size), "grants": in_cases, "one case": in_cases[:CASE_STUDIES]}
    kinds = {who: questions(studies) for who, studies in seen.items()}
    runs, rows = {}, {}
    for turn in range(options.runs):
        for who, token in tokens.items():
            headers = {**DICOM_JSON, **bearer(token)}
            for kind, asked in kinds[who].items():
                paths = [f"/dicom-web/studies?{one}" for one in asked]
                if turn == 0:
                    rows[who, kind] = count_rows(server.address, paths[:COUNTED], headers)
                found = wrk(wrk_program, server.pid, server.address, paths, headers, 1, options.seconds, work)
                runs.setdefault((who, kind), []).append(found)
    if not all(rows.values()):
        raise Failure("A search for what is there found nothing.")
    return [
        {"who": who, "what": kind, "rows": rows[who, kind], **medians(of)}
        for (who, kind), of in runs.items()
    ]


def count_rows(address, paths, headers):
    """Rows of an answer on average."""
    answers = [get(address, path, headers) for path in paths]
    return sum(len(json.loads(answer)) for answer in answers if answer) / len(answers)


def show(result):
    parts = []
    for index in result["indexes"]:
        about = f"start {index['start_s']:.2f} s, idle {index['idle_mb']:.0f} MB, peak {index['peak_mb']:.0f} MB"
        parts.append(f"{index['studies']:,} studies ({about}), ms\n")
        head = ["what", "sees", "rows", "p50", "p99", "CPU"]
        parts.append(
            table(head, [
                [row["what"], row["who"], row["rows"], row["p50_ms"], row["p99_ms"], row["cpu_ms"]]
                for row in index["questions"]
            ])
            + "\n"
        )
    return "\n".join([*parts, growth(result["indexes"])])


def growth(indexes):
    """What each question costs beside what it costs over the smallest index."""
    least, more = indexes[0], indexes[1:]
    if not more:
        return ""
    head = ["what", "sees", *(f"CPU, {one['studies']:,} / {least['studies']:,}" for one in more)]
    head += [f"p50, {one['studies']:,} / {least['studies']:,}" for one in more]
    rows = []
    for at, first in enumerate(least["questions"]):
        ratios = [
            one["questions"][at][name] / first[name] if first[name] else None
            for name in ("cpu_ms", "p50_ms")
            for one in more
        ]
        rows.append([first["what"], first["who"], *ratios])
    return table(head, rows)
