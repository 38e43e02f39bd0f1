"""Here small synthetic instances are made: Part 10 files in Explicit VR Little Endian."""

import random
import struct
from array import array

FAMILIES = (
    "Mueller Garcia Nguyen Smith Kowalski Tanaka Rossi Dubois Hansen Okafor "
    "Patel Silva Jones Brown Weber Costa Ivanov Khan Ali Lopez"
).split()
ROOT = "1.2.826.0.1.3680043.10.998"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
}
# PS3.5 7.1.2: these have a length of four bytes after two that are reserved.
LONG_VRS = ("OB", "OW", "SQ", "UN", "UT")
NOISE_WORDS = 1 << 20


def _noise():
    """Twelve bits of noise upon a slope, cut anew for each instance."""
    words = array("H", random.Random(1).randbytes(2 * NOISE_WORDS))
    return array("H", (word % 256 + index % 2048 for index, word in enumerate(words))).tobytes()


NOISE = _noise()


class Study:
    """The facts of the study with a number; a patient has two of them."""

    def __init__(self, number, modality=""):
        spread = number * 2_654_435_761 % 2190
        person = number // 2
        day = (2019 + spread // 365, 1 + spread % 365 // 31, 1 + spread % 28)
        self.number = number
        self.date = "%04d%02d%02d" % day
        self.patient_name = f"{FAMILIES[person % 20]}{person // 20 % 50:02}^Given{person % 977:03}"
        self.patient_id = f"PID{person:09}"
        self.accession_number = f"AC{number:08}"
        self.modality = modality or ("CT", "MR", "CR", "US")[number % 4]
        self.study_instance_uid = f"{ROOT}.1.{20_000_000 + number}"
        self.series_instance_uid = f"{ROOT}.2.{20_000_000 + number}"

    def sop_instance_uid(self, instance_number):
        return f"{ROOT}.3.{20_000_000 + self.number}.{instance_number}"


def element(group, number, vr, value):
    """One encoded element; text, whole numbers and bytes are taken."""
    if vr == "US":
        value = struct.pack("<H", value)
    elif isinstance(value, str):
        value = value.encode("ascii")
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH2s", group, number, vr.encode("ascii"))
    long = vr in LONG_VRS
    return head + struct.pack("<2xI" if long else "<H", len(value)) + value


def instance(study, instance_number, side):
    """The file of one instance of a study, with a square picture of 16-bit pixels."""
    uid, sop_class = study.sop_instance_uid(instance_number), SOP_CLASSES[study.modality]
    meta = b"".join(
        (
            element(0x0002, 0x0001, "OB", b"\0\1"),
            element(0x0002, 0x0002, "UI", sop_class),
            element(0x0002, 0x0003, "UI", uid),
            element(0x0002, 0x0010, "UI", EXPLICIT_VR_LITTLE_ENDIAN),
            element(0x0002, 0x0012, "UI", f"{ROOT}.9"),
        )
    )
    parts = (
        bytes(128),
        b"DICM",
        element(0x0002, 0x0000, "UL", struct.pack("<I", len(meta))),
        meta,
        _identity(study, uid, sop_class),
        _acquisition(study, instance_number),
        _picture(study.number * 7919 + instance_number * 104_729, side),
    )
    return b"".join(parts)


def _identity(study, uid, sop_class):
    return b"".join(
        (
            element(0x0008, 0x0005, "CS", "ISO_IR 100"),
            element(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
            element(0x0008, 0x0016, "UI", sop_class),
            element(0x0008, 0x0018, "UI", uid),
            element(0x0008, 0x0020, "DA", study.date),
            element(0x0008, 0x0021, "DA", study.date),
            element(0x0008, 0x0023, "DA", study.date),
            element(0x0008, 0x0030, "TM", "101500"),
            element(0x0008, 0x0031, "TM", "101700"),
            element(0x0008, 0x0033, "TM", "101800"),
            element(0x0008, 0x0050, "SH", study.accession_number),
            element(0x0008, 0x0060, "CS", study.modality),
            element(0x0008, 0x0070, "LO", "Synthetic"),
            element(0x0008, 0x0080, "LO", "Synthetic General Hospital"),
            element(0x0008, 0x0090, "PN", "Referrer^One"),
            element(0x0008, 0x1010, "SH", "SYN1"),
            element(0x0008, 0x1030, "LO", "Chest, abdomen and pelvis"),
            element(0x0008, 0x103E, "LO", "Axial 1.25 soft"),
            element(0x0008, 0x1090, "LO", "Phantom 1"),
            element(0x0010, 0x0010, "PN", study.patient_name),
            element(0x0010, 0x0020, "LO", study.patient_id),
            element(0x0010, 0x0030, "DA", "19700101"),
            element(0x0010, 0x0040, "CS", "O"),
            element(0x0010, 0x1010, "AS", "050Y"),
        )
    )


def _acquisition(study, instance_number):
    height = f"{-700 + 1.25 * instance_number:.2f}"
    return b"".join(
        (
            element(0x0018, 0x0015, "CS", "CHEST"),
            element(0x0018, 0x0050, "DS", "1.25"),
            element(0x0018, 0x0060, "DS", "120"),
            element(0x0020, 0x000D, "UI", study.study_instance_uid),
            element(0x0020, 0x000E, "UI", study.series_instance_uid),
            element(0x0020, 0x0010, "SH", str(study.number)),
            element(0x0020, 0x0011, "IS", "2"),
            element(0x0020, 0x0013, "IS", str(instance_number)),
            element(0x0020, 0x0032, "DS", f"-250\\-250\\{height}"),
            element(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0"),
            element(0x0020, 0x0052, "UI", f"{ROOT}.4.{20_000_000 + study.number}"),
            element(0x0020, 0x1041, "DS", height),
        )
    )


def _picture(seed, side):
    length = 2 * side * side
    start = 2 * (seed % (NOISE_WORDS - side * side))
    return b"".join(
        (
            element(0x0028, 0x0002, "US", 1),
            element(0x0028, 0x0004, "CS", "MONOCHROME2"),
            element(0x0028, 0x0010, "US", side),
            element(0x0028, 0x0011, "US", side),
            element(0x0028, 0x0030, "DS", "0.9765625\\0.9765625"),
            element(0x0028, 0x0100, "US", 16),
            element(0x0028, 0x0101, "US", 12),
            element(0x0028, 0x0102, "US", 11),
            element(0x0028, 0x0103, "US", 0),
            element(0x0028, 0x1050, "DS", "40"),
            element(0x0028, 0x1051, "DS", "400"),
            element(0x0028, 0x1052, "DS", "-1024"),
            element(0x0028, 0x1053, "DS", "1"),
            element(0x7FE0, 0x0010, "OW", NOISE[start : start + length]),
        )
    )
