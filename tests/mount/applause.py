#!/usr/bin/python3
"""The plates of APPLAUSE through the real kernel: the tree, large scans read in part, tokens, tables."""
import errno
import json
import os
import signal
import subprocess
import threading

import numpy
from astropy.io import fits
from astropy.table import Table

from harness import BUILD, PATIENCE, MountTest, has_line, main, run, wait_until

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

    def test_what_one_path_pins_no_other_path_evicts(self):
        mount = self.applause()
        by_archive, by_number = (mount / f"applause/{place}/9319" / SCAN for place in ("dr4/102", "plate"))
        by_archive.read_bytes()
        mount.control("pin", by_number)
        told = json.loads(mount.control("evict", "--json", by_archive.parent).stdout)
        self.assertEqual((told["pinned"], told["bytes_freed"]), (1, 0), told)
        self.assertTrue(mount.why(by_archive.relative_to(mount.path))["pinned"])
        mount.control("unpin", by_number)
        self.assertGreater(json.loads(mount.control("evict", "--json", by_archive).stdout)["bytes_freed"], 0)

    def test_what_two_paths_pinned_the_second_holds_alone(self):
        mount = self.applause()
        by_archive, by_number = (mount / f"applause/{place}/9319" / SCAN for place in ("dr4/102", "plate"))
        by_archive.read_bytes()
        for path in (by_archive, by_number):
            mount.control("pin", path)
        mount.control("unpin", by_archive)
        told = json.loads(mount.control("evict", "--json", by_archive.parent).stdout)
        self.assertEqual((told["pinned"], told["bytes_freed"]), (1, 0), told)

    def test_a_sequence_is_the_union_of_its_plates(self):
        mount = self.applause(extra='sequences = { seq03 = [9319, 9320], other = ["9321"] }')
        self.assertEqual(sorted(os.listdir(mount / "applause/sequences")), ["other", "seq03"])
        names = set(os.listdir(mount / "applause/sequences/seq03"))
        self.assertLessEqual({SCAN, "GS00769_x.fits", "GS00769_y.fits", "plate_9319.json", "plate_9320.json"}, names)
        self.assertNotIn("plate.json", names)
        # What a notebook looks for in its DATAPATH before it downloads anything.
        for plate in (9319, 9320):
            for table in (f"sources_{plate}.csv", f"sources_calib_{plate}.csv"):
                self.assertTrue((mount / "applause/sequences/seq03" / table).is_file(), table)
        self.assertTrue((mount / "applause/sequences/seq03" / SCAN).is_file())

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
        size = len(self.truth(SCAN))
        self.settings(lost="GS00768_x")
        path = mount / "applause/plate/9319" / SCAN
        with fits.open(path) as hdus:
            header = hdus[0].header
            self.assertEqual((header["BITPIX"], header["NAXIS1"], header["NAXIS2"]), (16, 600, 500))
            self.assertIn("BLANK", header)
            self.assertNotIn("BZERO", header)
            self.assertTrue(numpy.isnan(hdus[0].data).all())
        self.assertEqual(len(path.read_bytes()), size)
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"placeholder")
        self.assertNotIn("error", run("fitsverify", "-q", path, check=False).stdout.lower().replace("0 errors", ""))

    def test_files_of_users_are_refused_with_the_reason_and_read_with_a_token(self):
        mount = self.applause()
        self.settings(private="GS00768")
        path = mount / "applause/plate/9319" / SCAN
        self.assert_errno(errno.EACCES, path.read_bytes)
        why = json.dumps(mount.why(f"applause/plate/9319/{SCAN}"))
        self.assertIn("403", why)
        self.assertIn("astrofs login applause", why)
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

    def test_what_a_token_fetches_is_for_who_mounted_and_gone_without_it(self):
        mount = self.applause(options=("-o", "allow_other"))
        for directory in (self.directory, mount.directory):
            directory.chmod(0o755)
        self.settings(private="GS00768")
        path = mount / "applause/plate/9319" / SCAN
        self.assert_errno(errno.EACCES, path.read_bytes)
        self.assertEqual(path.stat().st_mode & 0o777, 0o444)
        run(BUILD / "astrofs", "login", "applause", "--config", mount.config, input=TOKEN + "\n")
        wait_until(lambda: self.reads(path), "the login is noticed")
        # Whatever the kernel still holds of the time before the login.
        other = {"user": 65534, "group": 65534, "extra_groups": []}
        self.assertIn("Permission denied", run("head", "-c", "6", path, check=False, **other).stderr)
        self.assertIn("Permission denied", run("ls", path.parent, check=False, **other).stderr)
        wait_until(lambda: os.getxattr(path, "user.astrofs.state") == b"cached", "it is on disk")
        self.login.unlink()
        mount.tell(command="logins")
        self.assert_errno(errno.EACCES, path.read_bytes)

    def test_the_tables_of_a_plate_are_csv_and_conforming_fits_of_one_job(self):
        mount = self.applause()
        plate = mount / "applause/plate/9319"
        csv = plate / "sources_9319.csv"
        size = os.stat(csv).st_size
        text = csv.read_text()
        self.assertEqual(len(text), size)
        self.assertNotIn("NULL", text)
        table = Table.read(csv, format="ascii.csv")
        self.assertEqual(len(table), 30)
        self.assertEqual(table["x_psf"].dtype.kind, "f")
        self.assertTrue(table["x_psf"].mask[0])
        same = Table.read(plate / "sources_9319.fits", unit_parse_strict="silent")
        self.assertEqual(same.colnames, table.colnames)
        for name in ("source_id", "flux_auto", "x_psf"):
            self.assertTrue((same[name] == table[name].astype(same[name].dtype)).all(), name)
        self.assertEqual(list(same["timestamp_insert"].astype(str)), list(table["timestamp_insert"]))
        self.assertEqual(self.counts()["jobs"], 1, "both of one job")
        calibrated = plate / "sources_calib_9319.fits"
        for path in (plate / "sources_9319.fits", calibrated):
            said = run("fitsverify", path).stdout
            self.assertIn("0 warning(s) and 0 error(s)", said)
        self.assertEqual(len(Table.read(calibrated, unit_parse_strict="silent").colnames), 49)
        self.assertEqual(self.counts(), self.counts() | {"jobs": 2, "unarchived": 0})
        asked = len(self.stand_in.log())
        self.assertEqual(csv.read_text(), text)
        self.assertEqual(len(self.stand_in.log()), asked, "it is in the cache")

    def test_a_plate_without_sources_has_tables_without_rows(self):
        mount = self.applause()
        plate = mount / "applause/plate/9317"  # a multiple of eleven
        self.assertEqual((plate / "sources_9317.csv").read_text().count("\n"), 1)
        self.assertEqual(len(Table.read(plate / "sources_9317.fits", unit_parse_strict="silent")), 0)
        self.assertIn("0 error(s)", run("fitsverify", plate / "sources_calib_9317.fits").stdout)

    def test_listing_a_plate_makes_no_job(self):
        mount = self.applause()
        plate = mount / "applause/plate/9319"
        self.assertIn("sources_9319.csv", os.listdir(plate))
        os.stat(plate / SCAN)
        (plate / "GS00768.jpg").read_bytes()
        self.assertEqual(self.counts()["jobs"], 0)
        os.stat(plate / "sources_9319.csv")
        self.assertEqual(self.counts()["jobs"], 1, "one is asked for, and its neighbours are not")

    def test_rows_that_the_service_leaves_out_are_an_error_and_no_shorter_table(self):
        mount = self.applause()
        self.settings(dropped=1)
        path = mount / "applause/plate/9319/sources_9319.csv"
        self.assert_errno(errno.EIO, os.stat, path)
        self.assertIn("29 of 30 rows", json.dumps(mount.why("applause/plate/9319/sources_9319.csv")))
        self.assertEqual(self.counts()["unarchived"], 0)
        self.settings(dropped=0)
        wait_until(lambda: path.exists(), "the table is there when all rows come")

    def test_jobs_want_a_token_where_the_service_does(self):
        mount = self.applause()
        self.settings(need_token=True)
        path = mount / "applause/plate/9319/sources_9319.csv"
        self.assert_errno(errno.EACCES, os.stat, path)
        self.assertIn("credentials", json.dumps(mount.why("applause/plate/9319/sources_9319.csv")))
        mount = self.mount(config(self.stand_in, self.login), environment={"APPLAUSE_TOKEN": TOKEN})
        self.assertEqual((mount / "applause/plate/9319/sources_9319.csv").read_text().count("\n"), 31)

    def test_a_job_of_a_mount_that_was_killed_is_deleted_by_the_next(self):
        mount = self.applause("--applause-job-ms", 600000)
        reader = threading.Thread(target=lambda: os.path.exists(mount / "applause/plate/9319/sources_9319.csv"))
        reader.start()
        wait_until(lambda: list(mount.cache.glob("errands/applause/*")) and self.counts()["unarchived"] == 1, "a job runs")
        wait_until(lambda: any(note.read_text() for note in mount.cache.glob("errands/applause/*")), "its address is noted")
        mount.kill()
        reader.join()
        self.assertEqual(self.counts()["unarchived"], 1)
        mount.mount()
        wait_until(lambda: self.counts()["unarchived"] == 0, "the job is deleted")
        wait_until(lambda: not list(mount.cache.glob("errands/applause/*")), "and nothing is left to do")

    def test_the_end_of_a_mount_does_not_wait_for_a_table_that_is_made_again(self):
        mount = self.applause()
        path = mount / "applause/plate/9319/sources_9319.csv"
        path.read_bytes()
        mount.control("evict", path)
        mount.unmount()  # what was made is forgotten
        mount.mount()
        self.settings(job_ms=600000)
        reader = subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.counts()["unarchived"] == 1, "a job runs")
        os.kill(mount.pid(), signal.SIGTERM)
        self.assertEqual(reader.wait(PATIENCE), 1)
        wait_until(mount.lock_is_free, "the daemon has ended")
        self.assertEqual(self.counts()["unarchived"], 0)

    def test_a_job_of_a_user_is_deleted_when_he_logs_in_again(self):
        mount = self.applause("--applause-job-ms", 600000)
        login = BUILD / "astrofs", "login", "applause", "--config", mount.config
        run(*login, input=TOKEN + "\n")
        wait_until(lambda: os.listdir(mount / "applause/dr4") and self.counts()["with_token"] > 0, "the login is noticed")
        reader = threading.Thread(target=lambda: os.path.exists(mount / "applause/plate/9319/sources_9319.csv"))
        reader.start()
        notes = mount.cache / "errands/applause"
        wait_until(lambda: notes.is_dir() and has_line(notes, "async"), "its address is noted")
        mount.kill()
        reader.join()
        self.login.unlink()
        self.stand_in.forget()
        mount.mount()
        wait_until(lambda: self.stand_in.log("/async/"), "its deletion is tried")
        self.assertEqual((self.counts()["unarchived"], len(list(notes.iterdir()))), (1, 1))
        run(*login, input=TOKEN + "\n")
        wait_until(lambda: self.counts()["unarchived"] == 0 and not list(notes.iterdir()), "the job is deleted")

    def test_a_login_page_is_eacces_and_no_fits_file(self):
        mount = self.applause()
        path = mount / "applause/plate/9319" / SCAN
        size = os.stat(path).st_size
        self.stand_in.fault("*GS00768_x.fits", "redirect", text="/accounts/login/?next=x")
        self.assert_errno(errno.EACCES, path.read_bytes)
        self.assertIn("login page", json.dumps(mount.why(f"applause/plate/9319/{SCAN}")))
        self.stand_in.heal()
        wait_until(lambda: self.length(path) == size, "the scan is read")

    def length(self, path):
        try:
            return len(path.read_bytes())
        except PermissionError:
            return -1

    def test_a_wrong_token_is_eacces_and_says_so(self):
        mount = self.applause(environment={"APPLAUSE_TOKEN": "f" * 40})
        self.assert_errno(errno.EACCES, os.listdir, mount / "applause/dr4")
        self.assertIn("Invalid token", mount.log())
        self.assertNotIn("f" * 40, mount.log())


if __name__ == "__main__":
    main()
