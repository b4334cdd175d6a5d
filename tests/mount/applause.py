#!/usr/bin/python3
"""The plates of APPLAUSE through the real kernel: the tree, large scans read in part, tokens, tables."""
import errno
import json
import os
import subprocess
import unittest

import numpy
from astropy.io import fits

from harness import BUILD, MountTest, main, run, wait_until

TOKEN = "0123456789abcdef0123456789abcdef01234567"
SCAN = "GS00768_x.fits"
MIB = 1 << 20


def config(sim, login, extra=""):
    return f'[archives.applause]\ntype = "applause"\nurl = "{sim.url}"\nlogin = "{login}"\n{extra}\n'


class Plates(MountTest):
    def applause(self, *words, extra="", options=(), plates=12, rows=30, **keywords):
        self.stand_in = self.sim("--applause", plates, "--applause-rows", rows, *words)
        keywords.setdefault("environment", {"APPLAUSE_TOKEN": ""})
        self.login = self.directory / "logins/applause.token"
        return self.mount(config(self.stand_in, self.login, extra), *options, **keywords)

    def settings(self, **settings):
        self.stand_in.ask("/_sim/applause", "POST", json.dumps(settings))

    def counts(self):
        return json.loads(self.stand_in.ask("/_sim/applause"))

    def truth(self, name):
        return self.stand_in.fetch(f"/files/DR4/scans/HAM-GS/{name}")

    def test_the_tree_is_archives_plates_and_files(self):
        mount = self.applause()
        self.assertEqual(sorted(os.listdir(mount / "applause")), ["dr4", "plate"])
        self.assertEqual(sorted(os.listdir(mount / "applause/dr4")), ["101", "102", "203"])
        plates = mount / "applause/dr4/102"
        self.assertEqual(len(os.listdir(plates)), 12)
        names = set(os.listdir(plates / "9320"))
        self.assertLessEqual({"GS00769_x.fits", "GS00769_y.fits", "GS00769.jpg", "GS-OB0002.jpg", "plate.json"}, names)
        self.assertEqual((plates / "9319" / SCAN).read_bytes(), self.truth(SCAN))
        self.assertEqual(os.stat(plates / "9319" / SCAN).st_mtime, 1589192520)
        picture = (plates / "9319/GS00768.jpg").read_bytes()
        self.assertEqual(picture, self.stand_in.fetch("/files/DR4/previews/HAM-GS/GS00768.jpg"))
        told = json.loads((plates / "9319/plate.json").read_text())
        self.assertEqual(told["plate"]["plate_id"], 9319)
        self.assertIsNone(told["plate"]["notes"])
        self.assertEqual(told["scans"][0]["filename_scan"], f"DR4/scans/HAM-GS/{SCAN}")
        self.assert_errno(errno.ENOENT, os.stat, mount / "applause/dr4/999")

    def test_a_plate_is_found_by_its_number_and_fetched_once(self):
        mount = self.applause()
        by_number = mount / "applause/plate/9319"
        self.assertEqual((by_number / SCAN).read_bytes(), self.truth(SCAN))
        wait_until(lambda: os.listdir(mount / "applause/plate") == ["9319"], "the plate is shown")
        for name in ("4711", "x", "09319"):
            self.assert_errno(errno.ENOENT, os.stat, mount / "applause/plate" / name)
        self.stand_in.forget()
        self.assertEqual((mount / "applause/dr4/102/9319" / SCAN).read_bytes(), self.truth(SCAN))
        self.assertEqual(len(self.stand_in.log(SCAN)), 1, "the test's own request and no other")

    def test_a_sequence_is_the_union_of_its_plates(self):
        mount = self.applause(extra='sequences = { seq03 = [9319, 9320], other = ["9321"] }')
        self.assertEqual(sorted(os.listdir(mount / "applause/sequences")), ["other", "seq03"])
        names = set(os.listdir(mount / "applause/sequences/seq03"))
        self.assertLessEqual({SCAN, "GS00769_x.fits", "GS00769_y.fits", "plate_9319.json", "plate_9320.json"}, names)
        self.assertNotIn("plate.json", names)

    def test_names_of_many_plates_are_listed_at_once_and_then_without_the_network(self):
        mount = self.applause(plates=20000)
        plates = mount / "applause/dr4/102"
        self.assertEqual(len(os.listdir(plates)), 20000)
        asked = len(self.stand_in.log())
        self.assertLessEqual(asked, 2)
        self.assertEqual(len(os.listdir(plates)), 20000)
        self.assertEqual(len(self.stand_in.log()), asked)

    def test_little_of_a_large_scan_is_fetched_in_large_pieces(self):
        width, height = 14614, 14612
        mount = self.applause("--applause-scan", f"{width}x{height}", plates=8)
        path = mount / "applause/plate/9319" / SCAN
        self.assertEqual(os.stat(path).st_size % 2880, 0)
        self.assertGreater(os.stat(path).st_size, 427e6)
        self.stand_in.forget()
        header = fits.getheader(path)
        self.assertEqual((header["NAXIS1"], header["NAXIS2"]), (width, height))
        self.assertLessEqual(sum(row["bytes"] for row in self.stand_in.log(SCAN)), 8 * MIB)
        first, rows = 7000, 512
        with fits.open(path) as hdus:
            cut = hdus[0].section[first:first + rows, 4000:4512]
        offset = 2880 + first * width * 2
        touched = rows * width * 2
        asked = self.stand_in.log(SCAN)
        spans = [tuple(map(int, row["range"].removeprefix("bytes=").split("-"))) for row in asked]
        within = [(a, b) for a, b in spans if a // (4 * MIB) > 1]
        self.assertGreaterEqual(min(a for a, _ in within), offset // (4 * MIB) * (4 * MIB))
        self.assertLess(max(b for _, b in within), -(-(offset + touched) // (4 * MIB)) * (4 * MIB))
        for a, b in spans:
            self.assertTrue(b - a + 1 == 4 * MIB or b + 1 == os.stat(path).st_size, (a, b))
        self.assertEqual(len(set(spans)), len(spans), "nothing is fetched twice")
        truth = self.stand_in_range(offset + 8000, 1024)
        self.assertEqual(cut[0].tobytes(), (numpy.frombuffer(truth, ">i2").astype(numpy.int32) + 32768).astype(cut.dtype).tobytes())

    def stand_in_range(self, offset, length):
        url = f"{self.stand_in.url}/files/DR4/scans/HAM-GS/{SCAN}"
        return subprocess.run(["curl", "-s", "-r", f"{offset}-{offset + length - 1}", url], stdout=subprocess.PIPE, check=True).stdout

    def test_a_scan_is_compared_with_the_sums_of_its_table(self):
        mount = self.applause()
        path = mount / "applause/plate/9319" / SCAN
        path.read_bytes()
        wait_until(lambda: os.getxattr(path, "user.astrofs.verified") == b"yes", "the scan is verified")
        self.assertIn("archive's table", json.dumps(mount.why(f"applause/plate/9319/{SCAN}")))

    def test_a_missing_scan_is_blank_and_has_its_size(self):
        mount = self.applause()
        self.settings(lost="GS00768_x")
        path = mount / "applause/plate/9319" / SCAN
        with fits.open(path) as hdus:
            header = hdus[0].header
            self.assertEqual((header["BITPIX"], header["NAXIS1"], header["NAXIS2"]), (16, 600, 500))
            self.assertIn("BLANK", header)
            self.assertNotIn("BZERO", header)
            self.assertTrue(numpy.isnan(hdus[0].data).all())
        self.assertEqual(len(path.read_bytes()), len(self.listed_scan(9319)))
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"placeholder")
        self.assertNotIn("error", run("fitsverify", "-q", path, check=False).stdout.lower().replace("0 errors", ""))

    def listed_scan(self, plate):
        self.settings(lost="")
        return self.truth(SCAN)

    def test_files_of_users_are_refused_with_the_reason_and_read_with_a_token(self):
        mount = self.applause()
        self.settings(private="GS00768")
        path = mount / "applause/plate/9319" / SCAN
        self.assert_errno(errno.EACCES, path.read_bytes)
        self.assertIn("403", json.dumps(mount.why(f"applause/plate/9319/{SCAN}")))
        answer = run(BUILD / "astrofs", "login", "applause", "--config", mount.config, input=TOKEN + "\n")
        self.assertEqual(self.login.stat().st_mode & 0o777, 0o600)
        self.assertNotIn(TOKEN, answer.stdout + answer.stderr)
        wait_until(lambda: self.reads(path), "the login is noticed")
        self.assertGreater(self.counts()["with_token"], 0)

    def reads(self, path):
        try:
            return path.read_bytes() == self.truth_with_token()
        except PermissionError:
            return False

    def truth_with_token(self):
        self.settings(private="")
        try:
            return self.truth(SCAN)
        finally:
            self.settings(private="GS00768")

    def test_a_wrong_token_is_eacces_and_says_so(self):
        mount = self.applause(environment={"APPLAUSE_TOKEN": "f" * 40})
        self.assert_errno(errno.EACCES, os.listdir, mount / "applause/dr4")
        self.assertIn("Invalid token", mount.log())
        self.assertNotIn("f" * 40, mount.log())


if __name__ == "__main__":
    main()
