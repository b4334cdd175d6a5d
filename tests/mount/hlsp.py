#!/usr/bin/python3
"""The light-curve pipelines through the real kernel: their tree, targets by TIC, curves as programs read them."""
import csv
import errno
import os
import pathlib

import numpy
from astropy.io import fits

from harness import MountTest, main, run, wait_until

TARGETS = 40
STARS = 8


def hlsp_config(sim, extra=""):
    return f'[archives.hlsp]\ntype = "hlsp"\ns3 = "{sim.url}"\narchive = "{sim.url}"\nmast = "{sim.url}"\n{extra}\n'


class Hlsp(MountTest):
    def hlsp(self, *words, extra="", sectors="1,23,56", **keywords):
        self.archive = self.sim("--hlsp", sectors, "--hlsp-targets", TARGETS, "--hlsp-stars", STARS, *words)
        return self.mount(hlsp_config(self.archive, extra), **keywords)

    def curves(self, top):
        """Paths of the light curves below, as `find` gives them."""
        return sorted(pathlib.Path(line) for line in run("find", top, "-name", "*lc.fits").stdout.splitlines())

    def tics(self, mount, pipeline, sector):
        with open(mount / f"hlsp/{pipeline}/s{sector:04}/target_list.csv", encoding="ascii") as table:
            return [int(row["#TIC_ID"]) for row in csv.DictReader(table)]

    # ---- the reference use case: a sector's tiny sample, read from the tree instead of downloaded

    def test_a_script_walks_a_sectors_tiny_sample_and_reads_psf_flux(self):
        mount = self.hlsp()
        sector = mount / "hlsp/tglc/s0023"
        catalog = []
        for path in self.curves(sector):
            chip, *folders = path.relative_to(sector).parts[:-1]
            gaia = int(path.name.split("-")[1])
            self.assertEqual("".join(folders), f"{gaia // 100000:016d}")
            self.assertIn(f"-{chip}_tess_v1_llc.fits", path.name)
            catalog.append((gaia, path))
        self.assertEqual(len(catalog), 16 * STARS)
        with open(sector / "target_list.csv", encoding="ascii") as table:
            rows = {int(row["#GAIADR3_ID"]): row for row in csv.DictReader(table)}
        self.assertEqual(set(rows), {gaia for gaia, _ in catalog})
        for gaia, path in catalog[:20]:
            with fits.open(path) as file:
                table = file[1].data
                self.assertEqual(file[0].header["GAIADR3"], gaia)
                self.assertEqual(int(file[0].header["TICID"]), int(rows[gaia]["TIC_ID"]))
                self.assertAlmostEqual(file[1].header["RA_OBJ"], float(rows[gaia]["RA"]), 6)
                self.assertEqual(table["psf_flux"].dtype.itemsize, 4)
                self.assertTrue(numpy.isfinite(table["psf_flux"]).sum() > 150)
                self.assertTrue(numpy.isnan(table["psf_flux"]).any())
                self.assertEqual(table.columns.names, ["time", "psf_flux", "aperture_flux", "cal_psf_flux", "cal_aper_flux",
                                                       "background", "cadence_num", "TESS_flags", "TGLC_flags"])
            self.assertEqual(path.read_bytes(), self.archive.fetch(f"/mast/hlsp/{path.relative_to(mount / 'hlsp')}"))

    def test_qlp_has_other_columns_from_sector_56_on(self):
        mount = self.hlsp()
        for sector, flux in ((23, "KSPSAP_FLUX"), (56, "DET_FLUX")):
            path = self.curves(mount / f"hlsp/qlp/s{sector:04}")[3]
            with fits.open(path) as file:
                self.assertEqual(file[0].header["ORIGIN"], "MIT/QLP")
                self.assertTrue(numpy.isfinite(file[1].data[flux]).any())
                self.assertIsNone(file[0].header["MH"], "of most stars it is not known")

    def test_tess_spoc_has_the_columns_of_the_mission_and_right_sums(self):
        mount = self.hlsp()
        path = self.curves(mount / "hlsp/tess-spoc/s0001")[0]
        self.assertIn("/target/0000/", str(path))
        with fits.open(path, checksum=True) as file:
            self.assertEqual(len(file[1].columns), 20)
            self.assertEqual(file[2].data.shape, (11, 11))
        run("fitsverify", "-q", "-e", path)

    def test_images_of_tica_lie_by_chip(self):
        mount = self.hlsp()
        chip = mount / "hlsp/tica/s0056/cam4-ccd2"
        names = sorted(os.listdir(chip))
        self.assertEqual(len(names), 6)
        with fits.open(chip / names[0]) as file:
            self.assertEqual((file[0].header["CAMNUM"], file[0].header["CCDNUM"]), (4, 2))
            self.assertEqual(file[0].data.shape, (32, 32))

    # ---- what it costs

    def test_a_directory_is_one_request_and_sizes_are_none(self):
        mount = self.hlsp()
        os.listdir(mount / "hlsp/qlp/s0023/0000/0000")
        self.archive.forget()
        folder = mount / "hlsp/qlp/s0023/0000/0000"
        run("ls", "-l", folder)
        self.assertEqual(self.archive.log(), [], "listed before")
        first = sorted(os.listdir(folder))[0]
        run("ls", "-l", folder / first)
        self.assertEqual(len(self.archive.log()), 1)
        target = folder / first / sorted(os.listdir(folder / first))[0]
        self.archive.forget()
        run("ls", "-l", target)
        self.assertEqual([row["method"] for row in self.archive.log()], ["GET"], "its listing, and nothing for a file")

    def test_a_target_is_found_by_its_tic_in_one_request_a_sector(self):
        mount = self.hlsp()
        tic = self.tics(mount, "qlp", 23)[2]
        run("ls", mount / "hlsp/qlp/by-target")
        self.archive.forget()
        folder = mount / "hlsp/qlp/by-target" / str(tic)
        names = sorted(name for name in os.listdir(folder) if not name.endswith(".hdf5"))
        self.assertEqual(len(self.archive.log("list-type")), 4, "the sectors, and each of three")
        self.assertEqual(len(names), 6)
        for name in names:
            sector = "s" + name.split("_s")[1][:4]
            digits = f"{tic:016}"
            other = mount / "hlsp/qlp" / sector / "/".join(digits[i:i + 4] for i in (0, 4, 8, 12)) / name
            self.assertEqual((folder / name).read_bytes(), other.read_bytes())
        wait_until(lambda: os.listdir(mount / "hlsp/qlp/by-target") == [str(tic)], "who was found is listed")
        mount.control("refresh", mount / "hlsp/qlp/by-target")
        self.assertEqual(os.listdir(mount / "hlsp/qlp/by-target"), [str(tic)], "and stays")
        for nobody in ("999999999", "0" + str(tic), "x"):
            self.assert_errno(errno.ENOENT, os.stat, mount / "hlsp/qlp/by-target" / nobody)

    def test_a_star_of_tglc_is_found_by_its_tic(self):
        mount = self.hlsp()
        with open(mount / "hlsp/tglc/s0023/target_list.csv", encoding="ascii") as table:
            row = list(csv.DictReader(table))[20]
        tic, gaia = int(row["TIC_ID"]), int(row["#GAIADR3_ID"])
        folder = mount / "hlsp/tglc/by-target" / str(tic)
        names = sorted(name for name in os.listdir(folder) if name.endswith(".fits"))
        self.assertEqual(len(names), 3)
        for name in names:
            self.assertIn(f"gaiaid-{gaia}-", name)
            with fits.open(folder / name) as file:
                self.assertEqual(int(file[0].header["TICID"]), tic)

    def test_scripts_and_pages_serve_where_s3_does_not_list(self):
        mount = self.hlsp()
        self.archive.fault("*list-type*", "status", n=403)
        names = [path.name for path in self.curves(mount / "hlsp/qlp/s0023")]
        self.assertEqual(len(names), TARGETS)
        self.assertTrue(self.archive.log("llc-fits.sh"))
        path = self.curves(mount / "hlsp/qlp/s0023")[0]
        self.assertEqual(path.read_bytes(), self.archive.fetch(f"/mast/hlsp/{path.relative_to(mount / 'hlsp')}"))

    def test_bytes_come_from_the_next_mirror_when_one_fails(self):
        mount = self.hlsp()
        path = self.curves(mount / "hlsp/tess-spoc/s0023")[5]
        truth = self.archive.fetch(f"/mast/hlsp/{path.relative_to(mount / 'hlsp')}")
        self.archive.fault("/mast/hlsp/*", "status", n=503)
        self.archive.fault("/hlsps/*", "status", n=503)
        self.assertEqual(path.read_bytes(), truth)
        self.assertTrue(self.archive.log("Download/file"))

    def test_a_curve_that_the_archive_has_lost_is_a_table_of_nan_and_one_it_cannot_give_now_is_an_error(self):
        mount = self.hlsp()
        for pipeline, sector in (("tglc", "s0001"), ("qlp", "s0001"), ("qlp", "s0056"), ("tess-spoc", "s0023")):
            first, second, third = self.curves(mount / "hlsp" / pipeline / sector)[:3]
            self.archive.deny(first.name)
            with fits.open(first, checksum=True) as lost, fits.open(second) as real:
                lost, real = lost["LIGHTCURVE"], real["LIGHTCURVE"]
                self.assertEqual(lost.columns.names, real.columns.names)
                self.assertEqual(lost.columns.formats, real.columns.formats)
                self.assertGreater(len(lost.data), 0)
                for name, form in zip(lost.columns.names, lost.columns.formats):
                    blank = numpy.isnan(lost.data[name]) if form in "DE" else lost.data[name] == -1
                    self.assertTrue(blank.all(), name)
            self.assertEqual(os.getxattr(first, "user.astrofs.state"), b"placeholder")
        self.archive.fault("*" + third.name + "*", "status", n=503)
        self.assert_errno(errno.EIO, third.read_bytes)


if __name__ == "__main__":
    main()
