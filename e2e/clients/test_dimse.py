"""The DICOM network door, from DCMTK and pynetdicom; what is stored here is found by DICOMweb."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import requests
from archive import AUTHORIZATION, Archive, copies, disc
from pynetdicom import AE
from pynetdicom.sop_class import Verification

# By their whole path, since pynetdicom brings programs of the same name.
DCMTK = Path("/usr/bin")


class Dimse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.archive = Archive()
        cls.addClassCleanup(cls.archive.stop)
        cls.images = disc()

    def stored_count(self, study):
        url = f"{self.archive.address}/dicom-web/studies/{study}/instances"
        headers = {"Authorization": AUTHORIZATION, "Accept": "application/dicom+json"}
        got = requests.get(url, headers=headers, timeout=60)
        return len(got.json()) if got.status_code == 200 else 0

    def dcmtk(self, program, *arguments):
        port = str(self.archive.dimse)
        command = [DCMTK / program, "-aec", "OVERREAD", "127.0.0.1", port, *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_dcmtk_echoes_and_stores(self):
        self.dcmtk("echoscu")
        images = copies(self.images[:8])
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{number}.dcm" for number in range(len(images))]
            for file, image in zip(files, images, strict=True):
                image.save_as(file)
            self.dcmtk("storescu", *files)
        self.assertEqual(self.stored_count(images[0].StudyInstanceUID), len(images))

    def test_pynetdicom_echoes_and_stores(self):
        images = copies(self.images[8:16])
        entity = AE("CLIENT")
        entity.add_requested_context(Verification)
        for image in images:
            entity.add_requested_context(image.SOPClassUID, image.file_meta.TransferSyntaxUID)
        association = entity.associate("127.0.0.1", self.archive.dimse, ae_title="OVERREAD")
        self.assertTrue(association.is_established)
        self.assertEqual(association.send_c_echo().Status, 0)
        for image in images:
            self.assertEqual(association.send_c_store(image).Status, 0)
        association.release()
        self.assertEqual(self.stored_count(images[0].StudyInstanceUID), len(images))


if __name__ == "__main__":
    unittest.main()
