#!/usr/bin/python3
"""Files that are queries of a TAP service, through the real kernel: what astropy and fitsverify read of them, what a service cuts off
or refuses, names that would be more than values, answers that are asked for again."""
import errno
import importlib.util
import json
import os
import threading
import unittest
import warnings

from astropy.io import fits
from astropy.table import Table

from harness import MountTest, has_line, main, run, wait_until

FILES = r'''
"at_{ra}.fits" = "SELECT * FROM ivoa.obscore WHERE s_ra <= {ra}"
"at_{ra}.vot" = "SELECT * FROM ivoa.obscore WHERE s_ra <= {ra}"
"at_{ra}.csv" = "SELECT * FROM ivoa.obscore WHERE s_ra <= {ra}"
"of_{target}.csv" = "SELECT obs_id, s_ra FROM ivoa.obscore WHERE target_name = '{target}'"
"all.fits" = "SELECT * FROM ivoa.obscore"
"all.csv" = "SELECT obs_id FROM ivoa.obscore"
"wrong.fits" = "SELECT no_such_column FROM ivoa.obscore"
'''


class TapFiles(MountTest):
    def mount_tap(self, *options, plates=6, more="", **keywords):
        sim = self.sim("--vo", plates, "--vo-linked", 4, "--vo-stars", 40)
        return sim, self.mount(f'[archives.q]\ntype = "tap"\nurl = "{sim.url}/vo/tap"\n{more}[archives.q.files]{FILES}', *options, **keywords)

    def set(self, sim, **settings):
        return json.loads(sim.ask("/_sim/vo", "POST", json.dumps(settings)))

    def column(self, path):
        return path.read_text().splitlines()[1:]

    def add(self, sim, name):
        self.set(sim, add={"collection": "NEW", "obs_id": name, "did": "ivo://new/" + name, "target": "it's", "path": "/data?id=" + name})

    def test_what_is_listed_and_what_opens_by_its_name(self):
        sim, mount = self.mount_tap()
        self.assertEqual(sorted(os.listdir(mount / "q")), ["all.csv", "all.fits", "wrong.fits"])
        self.assertEqual(sim.log(), [])  # neither a listing nor a name that fits nothing asks anybody
        for name in ("at_x.fits", "at_1.txt", "at_.csv", "of_.csv", "other.fits", "at_1 OR 1=1.csv"):
            self.assert_errno(errno.ENOENT, os.stat, mount / "q" / name)
        self.assertEqual(sim.log(), [])
        self.assertGreater((mount / "q/at_10.5.csv").stat().st_size, 0)
        self.assertEqual(len(sim.log("/sync")), 1)
        self.assertEqual(len(self.column(mount / "q/at_10.5.csv")), 3)
        self.assertEqual(len(sim.log("/sync")), 1)  # what was made for the size is what is read
        self.assertIn("at_10.5.csv", os.listdir(mount / "q"))
        self.assertIn("at_{ra}.fits", mount.why("q")["listing"]["remark"])

    @unittest.skipUnless(importlib.util.find_spec("pyvo"), "python3-pyvo is not installed")
    def test_all_forms_hold_the_rows_that_pyvo_reads(self):
        import pyvo
        sim, mount = self.mount_tap()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            truth = pyvo.dal.TAPService(f"{sim.url}/vo/tap").search("SELECT * FROM ivoa.obscore WHERE s_ra <= 12").to_table()
            self.assertEqual(len(truth), 9)
            tables = {form: Table.read(mount / f"q/at_12.{form}", format=kind)
                      for form, kind in (("fits", "fits"), ("vot", "votable"), ("csv", "ascii.csv"))}
        for form, table in tables.items():
            with self.subTest(form):
                self.assertEqual(table.colnames, truth.colnames)
                self.assertEqual(len(table), len(truth))
                for name in ("obs_id", "s_ra", "calib_level", "target_name", "access_url"):
                    self.assertEqual([str(value) for value in table[name]], [str(value) for value in truth[name]], name)
        self.assertEqual(str(tables["vot"]["s_ra"].unit), "deg")
        self.assertEqual(tables["vot"]["s_ra"].description, "Right ascension of the centre, ICRS")
        self.assertEqual(tables["vot"]["calib_level"].dtype.kind, "i")
        self.assertTrue(all(tables["vot"]["t_exptime"].mask))
        path = mount / "q/at_12.fits"
        run("fitsverify", "-q", path)
        with fits.open(path, checksum=True) as hdus:
            header = hdus[1].header
            self.assertEqual(header["TUNIT10"], "deg")
            self.assertEqual(header["TCOMM10"], "Right ascension of the centre, ICRS")
            self.assertEqual(header["ADQL"], "SELECT * FROM ivoa.obscore WHERE s_ra <= 12")
            self.assertEqual(hdus[1].columns["s_ra"].format, "D")
            self.assertEqual(hdus[1].columns["calib_level"].format, "K")

    def test_a_name_cannot_be_more_than_its_values(self):
        sim, mount = self.mount_tap()
        self.add(sim, "quoted")
        self.assertEqual([row.split(",")[0] for row in self.column(mount / "q/of_it's.csv")], ["quoted"])
        self.assertEqual(self.column(mount / "q/of_' OR 1=1 --.csv"), [])
        self.assertEqual(self.column(mount / "q/of_x' OR 'x'='x.csv"), [])
        self.assertEqual(self.column(mount / "q/of_''.csv"), [])
        sim.forget()
        for name in ("of_a\nb.csv", "of_a\tb.csv", "of_a\\.csv", "of_a%00b.csv", "of_a%0Ab.csv", "of_\u02bc.csv",
                     "at_1;DROP TABLE x.csv", "at_1) OR (1=1.csv", "at_1--.csv", "at_'1'.csv"):
            self.assert_errno(errno.ENOENT, os.stat, mount / "q" / name)
        self.assertEqual(sim.log(), [])

    def test_what_the_service_refuses_is_an_error_that_says_why(self):
        sim, mount = self.mount_tap()
        self.assert_errno(errno.EIO, os.stat, mount / "q/wrong.fits")  # answered with status 200
        self.assertIn("no_such_column", mount.control("why", mount / "q/wrong.fits").stdout)
        self.assert_errno(errno.EIO, open, mount / "q/wrong.fits")
        self.assertEqual([file for file in (mount.cache / "data").rglob("*") if file.is_file()], [])
        sim.fault("*tap/sync*", "status", n=403)
        self.assert_errno(errno.EACCES, os.stat, mount / "q/all.csv")
        sim.heal()
        self.assertEqual(len(self.column(mount / "q/all.csv")), 50)

    def test_an_answer_that_is_cut_off_is_asked_for_as_a_job(self):
        sim, mount = self.mount_tap()
        self.set(sim, most_at_once=7, jobs_wait=True, job_looks=2)
        self.assertEqual(len(self.column(mount / "q/all.csv")), 50)
        self.assertEqual(self.set(sim)["jobs_made"], 1)
        self.assertEqual(self.set(sim)["jobs_left"], 0)
        # One that is cut off there too is no shorter file.
        self.set(sim, most_rows=20)
        self.assert_errno(errno.EIO, os.stat, mount / "q/all.fits")
        self.assertIn("after 20 rows", mount.control("why", mount / "q/all.fits").stdout)
        self.assertEqual(self.set(sim, jobs_offered=False)["jobs_left"], 0)
        self.assert_errno(errno.EIO, os.stat, mount / "q/all.fits")
        self.assertIn("after 7 rows", mount.control("why", mount / "q/all.fits").stdout)
        self.assertEqual(len(self.column(mount / "q/at_10.25.csv")), 2)  # what is whole is served

    def test_a_query_that_takes_too_long_at_once_is_a_job_that_outlives_its_reader(self):
        sim, mount = self.mount_tap(timeout=2)
        self.set(sim, slow_at_once=True, job_looks=6)
        path = mount / "q/all.csv"
        self.assert_errno(errno.ETIMEDOUT, os.stat, path)

        def there():
            try:
                return path.stat().st_size
            except TimeoutError:
                return 0
        wait_until(there, "the job is done")
        self.assertEqual(len(self.column(path)), 50)
        self.assertEqual(self.set(sim), self.set(sim) | {"jobs_made": 1, "jobs_left": 0})

    def test_a_job_of_a_mount_that_was_killed_is_deleted_by_the_next(self):
        sim, mount = self.mount_tap()
        self.set(sim, slow_at_once=True, job_looks=1_000_000)
        reader = threading.Thread(target=lambda: os.path.exists(mount / "q/all.csv"))
        reader.start()
        notes = mount.cache / "errands/q"
        wait_until(lambda: notes.is_dir() and has_line(notes, "async"), "its address is noted")
        mount.kill()
        reader.join()
        self.assertEqual(self.set(sim)["jobs_left"], 1)
        mount.mount()
        wait_until(lambda: self.set(sim)["jobs_left"] == 0 and not list(notes.iterdir()), "the job is deleted")

    def test_a_service_that_knows_no_serialization_is_asked_for_its_own(self):
        sim, mount = self.mount_tap()
        self.set(sim, old_formats=True, gzip=True)
        self.assertEqual(len(self.column(mount / "q/all.csv")), 50)
        self.assertEqual(len(self.column(mount / "q/at_10.csv")), 1)
        self.assertEqual(len(sim.log("/sync")), 3)

    def test_a_refreshed_answer_is_another_version_and_never_mixed(self):
        sim, mount = self.mount_tap()
        path = mount / "q/all.csv"
        old = path.read_bytes()
        with open(path, "rb") as reader:
            self.assertEqual(reader.read(10), old[:10])
            self.add(sim, "renewed")
            self.assertEqual(path.read_bytes(), old)  # until somebody asks
            mount.control("refresh", path)
            new = path.read_bytes()
            self.assertEqual(len(new.splitlines()), 52)
            reader.seek(0)
            self.assertEqual(reader.read(), old)
        # The same once more is the same version.
        with open(path, "rb") as reader:
            mount.control("refresh", mount / "q")
            self.assertEqual(reader.read(), new)
        # What cannot be had anew stays as it is.
        sim.fault("*tap/sync*", "status", n=403)
        self.assertNotEqual(mount.control("refresh", path, check=False).returncode, 0)
        self.assertEqual(path.read_bytes(), new)

    def test_names_that_were_found_stay_and_those_in_vain_go(self):
        sim, mount = self.mount_tap()
        self.assertTrue((mount / "q/at_10.fits").is_file())
        sim.fault("*tap/sync*", "status", n=403)
        self.assert_errno(errno.EACCES, os.stat, mount / "q/at_11.fits")
        sim.heal()
        mount.control("refresh", mount / "q", check=False)  # one of its files cannot be made
        self.assertIn("at_10.fits", os.listdir(mount / "q"))
        self.assertNotIn("at_11.fits", os.listdir(mount / "q"))

    def test_offline_what_was_asked_reads_and_nobody_is_asked(self):
        sim, mount = self.mount_tap()
        path = mount / "q/at_11.fits"
        truth = path.read_bytes()
        mount.unmount()
        mount.options += ["-o", "offline"]
        sim.forget()
        mount.mount()
        self.assertEqual(sorted(os.listdir(mount / "q")), ["all.csv", "all.fits", "at_11.fits", "wrong.fits"])
        self.assertEqual(path.read_bytes(), truth)
        self.assert_errno(errno.ENETUNREACH, os.stat, mount / "q/at_12.fits")
        self.assert_errno(errno.ENETUNREACH, os.stat, mount / "q/all.csv")
        self.assertEqual(sim.log(), [])

    def test_what_the_configuration_has_wrong_is_told_where_it_stands(self):
        sim, mount = self.mount_tap()
        mount.unmount()
        good = mount.config.read_text()
        for line, message in (('"near_{ra}.fits" = "SELECT 1"', "{ra} that the query does not use"),
                              ('"near.fits" = "SELECT {ra}"', "{ra} that the name has not"),
                              ('"near.txt" = "SELECT 1"', ".fits, .vot or .csv"),
                              ('"of_{x}.csv.csv" = "SELECT \'{x}\'"', "which query is meant")):
            mount.config.write_text(good + line + "\n")
            with self.assertRaises(AssertionError) as caught:
                mount.mount()
            self.assertIn(message, str(caught.exception))
            self.assertRegex(str(caught.exception), rf"{mount.config}:{len(good.splitlines()) + 1}:\d+: files: ")


if __name__ == "__main__":
    main()
