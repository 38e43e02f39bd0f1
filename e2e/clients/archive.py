"""A real `overread serve` on an empty folder, and the files that are stored into it."""

import os
import subprocess
import tempfile
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import generate_uid

SECRET = "a-secret-for-tests-of-at-least-32-characters"
AUTHORIZATION = f"Bearer {SECRET}"


class Archive:
    """Runs until it is stopped; `address` is where it serves, `dimse` its port for DICOM."""

    def __init__(self, settings=""):
        self.folder = tempfile.TemporaryDirectory(prefix="overread-clients-")
        data = Path(self.folder.name) / "data"
        data.mkdir(mode=0o700)
        (data / "config.toml").write_text(settings)
        token = Path(self.folder.name) / "token"
        token.write_text(SECRET)
        arguments = ["serve", "--data", data, "--listen", "127.0.0.1:0", "--dimse", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [os.environ["OVERREAD_BIN"], *arguments, "--bootstrap-token", token],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self._ready("listening on http").replace("listening on ", "")
        self.dimse = int(self._ready("listening on dicom://").rpartition(":")[2])

    def _ready(self, start):
        line = self.process.stdout.readline().strip()
        if not line.startswith(start):
            raise RuntimeError(f"the archive did not start: {line!r}")
        return line

    def stop(self):
        """Fails when it does not end cleanly."""
        self.process.terminate()
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.folder.cleanup()
        if code != 0:
            raise RuntimeError(f"the archive ended with {code}")


def disc():
    """The images of the synthetic disc, each as pydicom reads it."""
    files = sorted(Path(os.environ["OVERREAD_DISC"]).rglob("*"))
    read = [dcmread(file) for file in files if file.is_file() and is_dicom(file)]
    return [dataset for dataset in read if "PixelData" in dataset]


def is_dicom(file):
    """Part 10, and no DICOMDIR."""
    with open(file, "rb") as opened:
        return opened.read(132)[128:] == b"DICM" and file.name != "DICOMDIR"


def real(folder):
    """Real files when they are there; says so when not."""
    shared = os.environ.get("OVERREAD_REAL_FILES")
    if not shared:
        print(f"(no real files here: {folder} is not looked at)")
        return []
    files = sorted((Path(shared) / folder).rglob("*.dcm"))
    return [dcmread(file) for file in files if is_dicom(file)]


def copies(datasets):
    """The same images as another study, so that each door can be shown to store."""
    uids = {}

    def renamed(uid):
        return uids.setdefault(uid, generate_uid())

    made = []
    for dataset in datasets:
        copy = dcmread(dataset.filename)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(copy, keyword, renamed(copy[keyword].value))
        copy.file_meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
        made.append(copy)
    return made
