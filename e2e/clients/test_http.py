"""HTTP/2 as curl speaks it: by prior knowledge, and chosen while shaking hands."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from archive import AUTHORIZATION, Archive


def curl(*arguments):
    command = ["curl", "--silent", "--show-error", "--max-time", "60", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    if ran.returncode != 0:
        raise AssertionError(ran.stderr)
    return ran.stdout


def answered(*arguments):
    """The version and the status of each answer."""
    told = curl("--output", "/dev/null", "--write-out", "%{json}\n", *arguments)
    lines = [json.loads(line) for line in told.splitlines()]
    return [(line["http_version"], line["http_code"]) for line in lines]


class Plain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.archive = Archive()
        cls.addClassCleanup(cls.archive.stop)

    def test_both_versions_are_spoken(self):
        url = f"{self.archive.address}/healthz"
        self.assertEqual(answered(url), [("1.1", 200)])
        self.assertEqual(answered("--http2-prior-knowledge", url), [("2", 200)])
        # Asked for by an upgrade, HTTP/1.1 goes on: RFC 9113 has no such upgrade any more.
        self.assertEqual(answered("--http2", url), [("1.1", 200)])

    def test_who_asks_is_known_in_either_version(self):
        url = f"{self.archive.address}/dicom-web/studies"
        accept = ("--header", "Accept: application/dicom+json")
        for version in ("--http1.1", "--http2-prior-knowledge"):
            self.assertEqual(answered(version, *accept, url)[0][1], 401)
            token = ("--header", f"Authorization: {AUTHORIZATION}")
            self.assertIn(answered(version, *accept, *token, url)[0][1], (200, 204))


class Secret(unittest.TestCase):
    def many_share_a_connection(self, trusted, url):
        outputs = ("--output", "/dev/null", url) * 60
        told = curl(*trusted, "--parallel", "--write-out", "%{num_connects} %{http_code}\n", *outputs)
        lines = [line.split() for line in told.splitlines()]
        self.assertEqual([code for _, code in lines], ["200"] * 60)
        self.assertLessEqual(sum(int(count) for count, _ in lines), 3)

    def test_the_version_is_chosen_while_shaking_hands(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
                + ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
                + ["-keyout", key, "-out", certificate],
                capture_output=True,
                check=True,
            )
            archive = Archive(f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
            try:
                self.assertTrue(archive.address.startswith("https://"))
                trusted = ("--cacert", certificate)
                url = f"{archive.address}/healthz"
                self.assertEqual(answered(*trusted, url), [("2", 200)])
                self.assertEqual(answered(*trusted, "--http1.1", url), [("1.1", 200)])
                self.assertEqual(answered(*trusted, "--tls-max", "1.2", url), [("2", 200)])
                self.many_share_a_connection(trusted, url)
                with self.assertRaises(AssertionError):
                    curl(url)
            finally:
                archive.stop()


if __name__ == "__main__":
    unittest.main()
