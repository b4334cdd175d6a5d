#!/usr/bin/python3
"""The targets of TESS by their number through the real kernel, and astroquery, as Debian ships it, at the stand-in."""
import csv
import errno
import io
import os
import subprocess
import sys
import unittest

import numpy
from astropy.io import fits

from harness import MountTest, main, tess_config, wait_until

TARGET = "25132999"
CURVE = f"tess2018206045859-s0001-{int(TARGET):016}-0120-s_lc.fits"

# As its users write it: the address of the server is one of its settings, in a file of the user's.
ASTROQUERY = """
import sys
from astroquery.mast import Observations
found = Observations.query_criteria(obs_collection="TESS", target_name="25132999", dataproduct_type="timeseries")
print("observations", len(found), sorted({str(row["obs_collection"]) for row in found}))
products = Observations.get_product_list(found)
print("products", len(products))
curves = Observations.filter_products(products, productSubGroupDescription="LC")
manifest = Observations.download_products(curves, download_dir=sys.argv[1])
print("downloaded", len(manifest), sorted({str(row["Status"]) for row in manifest}))
"""


class Targets(MountTest):
    def targets(self, *words, options=(), **keywords):
        self.stand_in = self.sim("--sector", 4, "--frames", 1, "--chips", "1-1", "--targets", 4, "--target-sectors", "1,2,3,27", *words)
        return self.mount(tess_config(self.stand_in), *options, **keywords)

    def truth(self, name):
        return self.stand_in.fetch(f"/api/v0.1/Download/file?uri=mast:TESS/product/{name}")

    def test_a_target_is_there_before_any_listing_shows_it(self):
        mount = self.targets()
        folder = mount / "tess/tic" / TARGET
        os.chdir(folder)
        self.addCleanup(os.chdir, "/")
        names = os.listdir(".")
        os.chdir("/")
        self.assertIn(CURVE, names)
        self.assertIn("superseded", names)
        self.assertEqual((folder / CURVE).read_bytes(), self.truth(CURVE))
        with fits.open(folder / CURVE) as file:
            self.assertEqual(file[1].columns.names[:4], ["TIME", "TIMECORR", "CADENCENO", "SAP_FLUX"])
            self.assertTrue(numpy.isfinite(file[1].data["PDCSAP_FLUX"]).any())

    def test_the_targets_known_so_far_are_listed_and_survive_a_restart(self):
        mount = self.targets()
        tic = mount / "tess/tic"
        self.assertEqual(os.listdir(tic), [])
        self.assertTrue((tic / TARGET).is_dir())
        self.assertTrue((tic / "26133002").is_dir())
        wait_until(lambda: sorted(os.listdir(tic)) == [TARGET, "26133002"], "both targets are shown")
        mount.control("refresh", tic)
        self.assertEqual(sorted(os.listdir(tic)), [TARGET, "26133002"])
        mount.unmount()
        mount.mount()
        self.assertEqual(sorted(os.listdir(tic)), [TARGET, "26133002"])

    def test_a_target_that_is_none_is_enoent_and_not_asked_for_again(self):
        mount = self.targets()
        self.assert_errno(errno.ENOENT, os.stat, mount / "tess/tic/4711")
        asked = len(self.stand_in.log())
        for _ in range(3):
            self.assert_errno(errno.ENOENT, os.listdir, mount / "tess/tic/4711")
        self.assertEqual(len(self.stand_in.log()), asked)

    def test_an_archive_that_is_silent_is_an_error_and_no_missing_target(self):
        mount = self.targets()
        os.listdir(mount / "tess")
        self.stand_in.fault("*", "status", n=403)
        self.assert_errno(errno.EACCES, os.stat, mount / "tess/tic" / TARGET)

    def test_a_listing_asks_for_no_file_and_at_most_three_requests_one_after_the_other(self):
        mount = self.targets()
        os.listdir(mount / "tess")
        self.stand_in.forget()
        entries = [entry.stat() for entry in os.scandir(mount / "tess/tic" / TARGET)]
        self.assertGreater(len(entries), 30)
        log = self.stand_in.log()
        self.assertFalse([row for row in log if row["method"] == "HEAD" or ".fits" in row["target"]])
        self.assertEqual(len([row for row in log if "invoke" in row["target"]]), 2)
        self.assertLessEqual(len({row["target"] for row in log}), 7)

    def test_masts_tables_read_as_csv_and_stay_readable_offline(self):
        mount = self.targets()
        folder = mount / "tess/tic" / TARGET
        text = (folder / "products.csv").read_text()
        self.assertEqual(len(text.encode()), (folder / "products.csv").stat().st_size)
        rows = list(csv.DictReader(io.StringIO(text)))
        listed = set(os.listdir(folder)) | set(os.listdir(folder / "superseded"))
        self.assertEqual({row["productFilename"] for row in rows} - listed, set())
        observations = list(csv.DictReader((folder / "observations.csv").open()))
        self.assertEqual({row["target_name"] for row in observations}, {TARGET})
        mount.unmount()
        self.stand_in.stop()
        mount.options += ["-o", "offline"]
        mount.mount()
        self.assertEqual((folder / "products.csv").read_text(), text)

    def test_a_table_that_has_changed_is_read_anew(self):
        mount = self.targets()
        folder = mount / "tess/tic" / TARGET
        before = (folder / "products.csv").stat().st_size
        mount.control("refresh", folder)
        self.assertEqual((folder / "products.csv").stat().st_size, before)
        self.assertTrue((folder / "products.csv").read_text().startswith("obsID,obs_collection,"))

    def test_debians_astroquery_works_with_the_stand_in(self):
        try:
            import astroquery.mast  # noqa: F401
        except ImportError:
            self.skipTest("python3-astroquery is not installed")
        self.targets()
        self.stand_in.ask("/_sim/mast", "POST", '{"executing":1}')
        downloads = self.directory / "downloads"
        settings = self.directory / "home" / ".astropy" / "config"
        settings.mkdir(parents=True)
        (settings / "astroquery.cfg").write_text(f"[mast]\nserver = {self.stand_in.url}\n")
        environment = {**os.environ, "HOME": str(self.directory / "home"), "PYTHONWARNINGS": "ignore"}
        environment.pop("XDG_CONFIG_HOME", None)
        result = subprocess.run([sys.executable, "-c", ASTROQUERY, str(downloads)], text=True, timeout=120,
                                capture_output=True, env=environment)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("observations 8 ['TESS']", result.stdout)
        self.assertIn("downloaded 4 ['COMPLETE']", result.stdout)
        files = {path.name: path for path in downloads.rglob("*.fits")}
        self.assertEqual(len(files), 4)
        self.assertEqual(files[CURVE].read_bytes(), self.truth(CURVE))


if __name__ == "__main__":
    main()
