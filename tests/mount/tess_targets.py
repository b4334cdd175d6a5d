#!/usr/bin/python3
"""The targets of TESS by their number through the real kernel, and astroquery, as Debian ships it, at the stand-in."""
import csv
import errno
import io
import os
import pathlib
import shutil
import unittest

import numpy
from astropy.io import fits

from harness import SAMPLES, MountTest, main, tess_config, wait_until

TARGET = "25132999"
CURVE = f"tess2018206045859-s0001-{int(TARGET):016}-0120-s_lc.fits"

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
        self.stand_in = self.sim("--sector", 2, "--frames", 1, "--chips", "1-1", "--targets", 4, "--target-sectors", "1,2,3,27", *words)
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

    def test_the_targets_of_a_sector_are_listed_from_its_script(self):
        mount = self.targets()
        targets = mount / "tess/2/targets"
        names = os.listdir(targets)
        self.assertIn(TARGET, names)
        self.assertLess(len(names), 4, "one of them was not observed in this sector")
        products = os.listdir(targets / TARGET)
        self.assertTrue(products)
        self.assertEqual([name for name in products if "-s0002-" not in name], [])
        curve = next(name for name in products if name.endswith("_lc.fits"))
        self.assertEqual((targets / TARGET / curve).read_bytes(), self.truth(curve))
        self.assertEqual(self.stand_in.log("multisector"), [])

    def test_a_light_curve_that_the_archive_has_lost_is_a_table_of_nan_and_a_report_is_not_there(self):
        pixels = CURVE.replace("_lc", "_tp")
        report = f"tess2018206045859-s0001-s0001-{int(TARGET):016}-00106_dvr.pdf"
        mount = self.targets("--denied", CURVE, "--denied", pixels, "--denied", report)
        folder = mount / "tess/tic" / TARGET
        sibling = next(name for name in sorted(os.listdir(folder)) if name.endswith("_lc.fits") and name != CURVE)
        size = (folder / CURVE).stat().st_size
        with fits.open(folder / CURVE) as lost, fits.open(folder / sibling) as real:
            self.assertEqual([hdu.name for hdu in lost], [hdu.name for hdu in real])
            self.assertEqual(lost[1].columns.names, real[1].columns.names)
            self.assertEqual(lost[1].columns.formats, real[1].columns.formats)
            self.assertGreater(len(lost[1].data), 0)
            for name, form in zip(lost[1].columns.names, lost[1].columns.formats):
                cells = lost[1].data[name]
                self.assertTrue((cells == -1).all() if form == "J" else numpy.isnan(cells).all(), name)
            self.assertEqual(lost[1].header["TNULL3"], -1)
            self.assertEqual(lost[0].header["TICID"], int(TARGET))
        self.assertEqual((folder / CURVE).stat().st_size, size)
        self.assertEqual(os.getxattr(folder / CURVE, "user.astrofs.state"), b"placeholder")
        with fits.open(folder / pixels, checksum=True) as lost:
            self.assertEqual(lost[1].data["FLUX"].shape[1:], (11, 11))
            self.assertTrue(numpy.isnan(lost[1].data["FLUX"]).all())
        with self.assertRaises(OSError):
            (folder / report).read_bytes()

    def test_a_curve_that_a_script_names_and_nobody_has_is_as_long_as_those_of_its_sector(self):
        self.stand_in = self.sim("--sector", 2, "--frames", 1, "--chips", "1-1", "--targets", 4, "--target-sectors", "2,3", "--target-rows", 77, "--target-stamp", "13x9")
        mount = self.mount(f'[archives.tess]\ntype = "tess"\ns3 = ""\narchive = "{self.stand_in.url}"\nmast = "{self.stand_in.url}"\n')
        targets = mount / "tess/2/targets"

        def product(target, ending):
            return next(path for path in (targets / target).iterdir() if path.name.endswith(ending))

        known, lost = product(TARGET, "_lc.fits"), product("27133005", "_lc.fits")
        pixels = product(TARGET, "_tp.fits")
        for path in lost, pixels:
            self.stand_in.ask("/_sim/deny", "POST", path.name)
        known.read_bytes()
        size = lost.stat().st_size
        with fits.open(lost) as curve, fits.open(known) as sibling:
            self.assertEqual(len(curve[1].data), 77)
            self.assertEqual(curve[1].columns.names, sibling[1].columns.names)
            self.assertTrue(numpy.isnan(curve[1].data["SAP_FLUX"]).all())
        with fits.open(pixels) as stamps:
            self.assertEqual(stamps[1].data["FLUX"].shape, (77, 9, 13), "as the target's curve has its aperture")
            self.assertEqual(stamps["APERTURE"].data.shape, (9, 13))
        self.assertEqual(len(lost.read_bytes()), size)
        mount.unmount()
        self.stand_in.stop()
        mount.options += ["-o", "offline"]
        mount.mount()
        self.assertEqual(lost.stat().st_size, size, "it is what it was")
        with fits.open(lost) as curve:
            self.assertEqual(len(curve[1].data), 77)

    @unittest.skipUnless(SAMPLES, "ASTROFS_SAMPLES does not name a folder of real data")
    def test_real_files_read_as_they_are_and_corrupted_ones_as_they_are_or_not_at_all(self):
        samples = pathlib.Path(SAMPLES) / "tess"
        served = self.directory / "tid"
        truth = {}
        for path in [*(samples / "fits").glob("tess20*_lc.fits"), *(samples / "dv").glob("*_dvr.xml"),
                     *(samples / "fits").glob("test-lc-*.fits")]:
            digits = path.name.split("-")[-2 if path.suffix == ".xml" else -3] if path.name.startswith("tess20") else TARGET.zfill(16)
            sector = path.name.split("-")[1] if path.name.startswith("tess20") else "s0001"
            folder = served / sector / "/".join(digits[at:at + 4] for at in range(0, 16, 4))
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path.name)
            truth[(str(int(digits)), path.name)] = path.read_bytes()
        stand_in = self.sim("--sector", 2, "--frames", 1, "--chips", "1-1", "--folder", f"{served}:none:/tess/public/tid")
        mount = self.mount(f'[archives.tess]\ntype = "tess"\ns3 = "{stand_in.url}"\narchive = ""\nmast = ""\n')
        self.assertGreater(len(truth), 7)
        for (target, name), content in truth.items():
            with self.subTest(name=name):
                path = mount / "tess/tic" / target / name
                try:
                    self.assertEqual(path.read_bytes(), content)
                except OSError:
                    self.assertIn("corrupted", name)

    def test_debians_astroquery_works_with_the_stand_in(self):
        self.targets()
        self.stand_in.ask("/_sim/mast", "POST", '{"executing":1}')
        downloads = self.directory / "downloads"
        said = self.astroquery(self.stand_in, ASTROQUERY, downloads)
        self.assertIn("observations 8 ['TESS']", said)
        self.assertIn("downloaded 4 ['COMPLETE']", said)
        files = {path.name: path for path in downloads.rglob("*.fits")}
        self.assertEqual(len(files), 4)
        self.assertEqual(files[CURVE].read_bytes(), self.truth(CURVE))


if __name__ == "__main__":
    main()
