"""DICOMweb as the Python world asks for it: dicomweb-client, and requests for what that does not ask."""

import unittest

import requests
from archive import AUTHORIZATION, Archive, copies, disc, real
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from requests.exceptions import HTTPError


def client_of(archive, authorization=AUTHORIZATION):
    session = requests.Session()
    if authorization:
        session.headers["Authorization"] = authorization
    return DICOMwebClient(f"{archive.address}/dicom-web", session=session)


def uids(dataset):
    return dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID


class Web(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.archive = Archive()
        cls.addClassCleanup(cls.archive.stop)
        cls.client = client_of(cls.archive)
        cls.images = disc()
        cls.first = cls.images[0]
        cls.study = cls.first.StudyInstanceUID
        for start in range(0, len(cls.images), 50):
            answer = cls.client.store_instances(cls.images[start : start + 50])
            assert "FailedSOPSequence" not in answer, answer

    def test_storing_says_what_was_stored(self):
        files = copies(self.images[:3])
        answer = self.client.store_instances(files, files[0].StudyInstanceUID)
        stored = [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence]
        self.assertEqual(sorted(stored), sorted(file.SOPInstanceUID for file in files))
        # Again: the same bytes are there already, and that is no failure.
        again = self.client.store_instances(files)
        self.assertNotIn("FailedSOPSequence", again)

    def test_searches_find_and_page(self):
        found = self.client.search_for_studies(
            search_filters={"PatientID": self.first.PatientID, "StudyInstanceUID": self.study},
            fields=["StudyDescription", "00100030"],
        )
        self.assertEqual(len(found), 1)
        study = Dataset.from_json(found[0])
        self.assertEqual(study.StudyInstanceUID, self.study)
        self.assertEqual(study.PatientName, self.first.PatientName)
        mine = [image for image in self.images if image.StudyInstanceUID == self.study]
        self.assertEqual(study.NumberOfStudyRelatedInstances, len(mine))
        family = str(self.first.PatientName.family_name)
        for filters in (
            {"PatientName": f"{family}*"},
            {"StudyDate": f"{self.first.StudyDate}-"},
            {"StudyDate": f"-{self.first.StudyDate}", "ModalitiesInStudy": self.first.Modality},
        ):
            found = self.client.search_for_studies(search_filters=filters)
            self.assertIn(self.study, [one["0020000D"]["Value"][0] for one in found], filters)
        self.assertEqual(self.client.search_for_studies(search_filters={"PatientID": "nobody"}), [])
        series = self.client.search_for_series(self.study)
        self.assertEqual(len(series), len({image.SeriesInstanceUID for image in mine}))
        pages = [self.client.search_for_instances(self.study, limit=5, offset=at) for at in (0, 5)]
        seen = [one["00080018"]["Value"][0] for page in pages for one in page]
        self.assertEqual(len(set(seen)), 10)
        every = self.client.search_for_instances(self.study, limit=7, get_remaining=True)
        self.assertEqual(len({one["00080018"]["Value"][0] for one in every}), len(mine))

    def same(self, got, image):
        """Compares all but the pixels, and what only the file says of itself."""
        for element in image:
            if element.keyword in ("PixelData", "DataSetTrailingPadding"):
                continue
            self.assertIn(element.tag, got)
            self.assertEqual(got[element.tag].value, element.value, element.keyword)

    def test_metadata_is_what_the_file_says(self):
        metadata = self.client.retrieve_instance_metadata(*uids(self.first))
        self.same(Dataset.from_json(metadata, bulk_data_uri_handler=lambda uri: uri), self.first)
        series = self.client.retrieve_series_metadata(*uids(self.first)[:2])
        wanted = [one for one in self.images if one.SeriesInstanceUID == self.first.SeriesInstanceUID]
        self.assertEqual(len(series), len(wanted))
        study = self.client.retrieve_study_metadata(self.study)
        by_uid = {one["00080018"]["Value"][0]: one for one in study}
        for image in wanted:
            got = by_uid[image.SOPInstanceUID]
            self.same(Dataset.from_json(got, bulk_data_uri_handler=lambda uri: uri), image)

    def test_instances_come_back_whole(self):
        got = self.client.retrieve_instance(*uids(self.first))
        self.same(got, self.first)
        self.assertEqual(got.PixelData, self.first.PixelData)
        wanted = {one.SOPInstanceUID: one for one in self.images if one.StudyInstanceUID == self.study}
        count = 0
        for got in self.client.iter_study(self.study):
            self.assertEqual(got.PixelData, wanted[got.SOPInstanceUID].PixelData)
            count += 1
        self.assertEqual(count, len(wanted))
        series = self.client.retrieve_series(*uids(self.first)[:2])
        self.assertEqual({got.SeriesInstanceUID for got in series}, {self.first.SeriesInstanceUID})

    def test_frames_and_values_come_alone(self):
        frames = self.client.retrieve_instance_frames(*uids(self.first), [1])
        self.assertEqual(frames, [self.first.PixelData])
        metadata = self.client.retrieve_instance_metadata(*uids(self.first))
        uri = metadata["7FE00010"]["BulkDataURI"]
        self.assertEqual(self.client.retrieve_bulkdata(uri), [self.first.PixelData])

    def test_a_range_of_a_value_comes_alone(self):
        metadata = self.client.retrieve_instance_metadata(*uids(self.first))
        headers = {"Authorization": AUTHORIZATION, "Accept": "application/octet-stream", "Range": "bytes=10-19"}
        got = requests.get(metadata["7FE00010"]["BulkDataURI"], headers=headers, timeout=60)
        self.assertEqual((got.status_code, got.content), (206, self.first.PixelData[10:20]))
        self.assertEqual(got.headers["Content-Range"], f"bytes 10-19/{len(self.first.PixelData)}")

    def test_what_is_not_there_and_who_may_not(self):
        for ask in (
            lambda: self.client.retrieve_study_metadata("1.2.3"),
            lambda: self.client.retrieve_instance(self.study, "1.2", "1.3"),
            lambda: self.client.retrieve_instance_frames(*uids(self.first), [99]),
        ):
            with self.assertRaises(HTTPError) as refused:
                ask()
            self.assertEqual(refused.exception.response.status_code, 404)
        for authorization in (None, "Bearer of-somebody-else"):
            with self.assertRaises(HTTPError) as refused:
                client_of(self.archive, authorization).search_for_studies()
            self.assertEqual(refused.exception.response.status_code, 401)

    def test_a_held_answer_is_not_sent_again(self):
        study, series, instance = uids(self.first)
        url = f"{self.archive.address}/dicom-web/studies/{study}/series/{series}/instances/{instance}"
        for path, accept in (
            (url, "application/dicom"),
            (f"{url}/frames/1", "application/octet-stream"),
            (f"{url}/metadata", "application/dicom+json"),
        ):
            headers = {"Authorization": AUTHORIZATION, "Accept": accept}
            got = requests.get(path, headers=headers, timeout=60)
            self.assertEqual(got.status_code, 200, path)
            held = requests.get(path, headers={**headers, "If-None-Match": got.headers["ETag"]}, timeout=60)
            self.assertEqual((held.status_code, held.content), (304, b""), path)

    def test_the_old_way_gives_the_same_object(self):
        study, series, instance = uids(self.first)
        query = {
            "requestType": "WADO",
            "studyUID": study,
            "seriesUID": series,
            "objectUID": instance,
            "contentType": "application/dicom",
        }
        url = f"{self.archive.address}/wado"
        got = requests.get(url, query, headers={"Authorization": AUTHORIZATION}, timeout=60)
        self.assertEqual(got.status_code, 200, got.text[:200])
        self.assertTrue(got.headers["Content-Type"].startswith("application/dicom"))
        self.assertIn(self.first.PixelData, got.content)
        self.assertEqual(requests.get(url, query, timeout=60).status_code, 401)

    def test_real_files_come_back_in_the_syntax_they_came_in(self):
        # They carry one UID: each is stored apart.
        for image in real("transfer-syntax/ct-chest-one-image-15-syntaxes"):
            syntax = image.file_meta.TransferSyntaxUID
            with self.subTest(syntax=syntax.name):
                copy = copies([image])[0]
                answer = self.client.store_instances([copy])
                self.assertNotIn("FailedSOPSequence", answer)
                got = self.client.retrieve_instance(
                    *uids(copy), media_types=(("application/dicom", "*"),)
                )
                # PS3.18 8.7.3: never implicit, never big endian on the web.
                is_sent = syntax.is_encapsulated or syntax.is_deflated
                expect = syntax if is_sent else ExplicitVRLittleEndian
                self.assertEqual(got.file_meta.TransferSyntaxUID, expect)
                if not syntax.is_encapsulated:
                    self.assertEqual((got.pixel_array == copy.pixel_array).all(), True)
                    continue
                self.assertEqual(got.PixelData, copy.PixelData)
                frames = self.client.retrieve_instance_frames(
                    *uids(copy), [1], media_types=(("application/octet-stream", "*"),)
                )
                self.assertIn(frames[0], copy.PixelData)


if __name__ == "__main__":
    unittest.main()
