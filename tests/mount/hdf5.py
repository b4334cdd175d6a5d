#!/usr/bin/python3
"""Light curves as HDF5 through the real kernel: every dataset against the FITS files it was built of."""
import contextlib
import csv
import errno
import glob
import json
import os
import pathlib
import resource
import signal
import subprocess
import threading
import unittest

import h5py
import numpy
from astropy.io import fits

from harness import MountTest, main, wait_until

TARGETS = 130
STARS = 8
FILE = "001-of-001.hdf5"

# Dataset -> column of the FITS table, or card of its header, or of the primary one.
TGLC = {"time": "time", "psf_flux": "psf_flux", "aper_flux": "aperture_flux", "tess_flags": "TESS_flags", "tglc_flags": "TGLC_flags",
        "psf_flux_err": "PSF_ERR", "aper_flux_err": "APER_ERR", "RA": "RA_OBJ", "DEC": "DEC_OBJ"}
SPOC = {"time": "TIME", "flux": "SAP_FLUX", "flux_err": "SAP_FLUX_ERR", "quality": "QUALITY", "RA": "RA_OBJ", "DEC": "DEC_OBJ"}
STARS_OF_QLP = {"tess_mag": "TESSMAG", "radius": "RADIUS", "teff": "TEFF", "logg": "LOGG", "mh": "MH", "RA": "RA_OBJ", "DEC": "DEC_OBJ"}
QLP_SAME = ("time", "sap_flux", "quality", "orbitid", "sap_x", "sap_y", "sap_bkg", "sap_bkg_err")


def qlp(flux):
    names = (*QLP_SAME, flux, f"{flux}_err", f"{flux}_sml", f"{flux}_lag", *(["sys_rm_flux"] if flux == "det_flux" else []))
    return {**{name: name.upper() for name in names}, **STARS_OF_QLP}


def hlsp_config(sim, extra=""):
    return f'[archives.hlsp]\ntype = "hlsp"\ns3 = "{sim.url}"\narchive = "{sim.url}"\nmast = "{sim.url}"\n{extra}\n'


def children(pid):
    """Processes that a daemon has started, by name."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                found[int(child)] = pathlib.Path(f"/proc/{child}/comm").read_text().strip()
    return found


class Hdf5(MountTest):
    def hlsp(self, *words, sectors="23,56", targets=TARGETS, **keywords):
        self.archive = self.sim("--hlsp", sectors, "--hlsp-targets", targets, "--hlsp-stars", STARS, *words)
        return self.mount(hlsp_config(self.archive), **keywords)

    def value(self, file, key):
        """A column, or a number of a header: NaN where a card has no value."""
        if key in file[1].columns.names:
            return file[1].data[key]
        value = file[1].header.get(key, file[0].header.get(key))
        return numpy.nan if value is None or isinstance(value, fits.card.Undefined) else value

    def curve(self, mount, pipeline, sector, number):
        """The curve of a TIC, or of a star of Gaia, in the archive's own tree."""
        top = mount / f"hlsp/{pipeline}/s{sector:04}"
        digits = f"{number // 100000 if pipeline == 'tglc' else number:016}"
        folders = "/".join(digits[at:at + 4] for at in (0, 4, 8, 12))
        middle = {"tglc": "cam*-ccd*/", "qlp": "", "tess-spoc": "target/"}[pipeline]
        found = [path for path in top.glob(f"{middle}{folders}/*lc.fits") if str(number) in path.name]
        self.assertEqual(len(found), 1, (pipeline, number))
        return found[0]

    def compare(self, mount, pipeline, sector, path, datasets):
        """Each dataset of a pixel's file with the curves it came from. Returns how many there are."""
        by = "GAIADR3_ID" if pipeline == "tglc" else "object_id"
        with h5py.File(path, "r") as file:
            given = {"object_id", by}
            self.assertEqual(set(file), set(datasets) | given)
            ids = file[by][:]
            self.assertEqual(list(ids), sorted(ids))
            columns = [name for name in datasets if file[name].ndim == 2]
            longest = file["time"].shape[1]
            for name in [*datasets, *given]:
                dataset = file[name]
                self.assertEqual(dataset.shape, (len(ids), longest) if name in columns else (len(ids),), name)
                self.assertTrue(dataset.dtype.isnative, name)
                self.assertIsNone(dataset.chunks)
                self.assertFalse(dataset.attrs)
            for row, number in enumerate(ids):
                with fits.open(self.curve(mount, pipeline, sector, int(number))) as curve:
                    self.assertEqual(file["object_id"][row], int(curve[0].header["TICID"]))
                    for name, key in datasets.items():
                        want = numpy.asarray(self.value(curve, key))
                        if name in columns:
                            self.assertEqual(file[name].dtype, want.dtype.newbyteorder("="), name)
                            padding = file[name][row, len(want):]
                            self.assertTrue((padding == 0).all(), name)
                            numpy.testing.assert_array_equal(file[name][row, :len(want)], want, name)
                        else:
                            numpy.testing.assert_array_equal(file[name][row], want, name)
            return len(ids)

    def built(self, mount, path):
        return mount.why(path.relative_to(mount.path))["build"]

    # ---- the reference use case

    def test_every_dataset_of_a_tiny_sample_is_what_the_fits_files_have(self):
        mount = self.hlsp()
        for pipeline, sector, name, datasets in (("tglc", 23, "TGLC", TGLC), ("tess-spoc", 23, "SPOC", SPOC),
                                                 ("qlp", 23, "QLP", qlp("kspsap_flux")), ("qlp", 56, "QLP", qlp("det_flux"))):
            top = mount / f"hlsp/{pipeline}/s{sector:04}/standard/{name}"
            files = sorted(top.glob("healpix=*-tiny/*.hdf5"))[:12]
            count = sum(self.compare(mount, pipeline, sector, path, datasets) for path in files)
            self.assertGreaterEqual(count, 12, pipeline)

    def test_a_script_walks_the_tiny_sample_and_reads_psf_flux(self):
        mount = self.hlsp()
        fluxes = {}
        for path in sorted((mount / "hlsp/tglc/s0023/standard/TGLC").glob("healpix=*-tiny/*.hdf5")):
            with h5py.File(path, "r") as file:
                for number, flux in zip(file["GAIADR3_ID"][:], file["psf_flux"][:]):
                    self.assertTrue(numpy.isfinite(flux).sum() > 150)
                    fluxes[int(number)] = flux
        script = self.archive.fetch("/hlsps/tglc/download_scripts/hlsp_tglc_tess_ffi_s0023_tess_v1_llc.sh").decode()
        first = [int(line.split("gaiaid-")[1].split("-")[0]) for line in script.splitlines()[1:101]]
        self.assertEqual(set(fluxes), set(first), "the first hundred lines of the script")

    def test_the_pattern_of_the_references_loader_finds_each_pixel(self):
        mount = self.hlsp(targets=60)
        (self.directory / "spoc").symlink_to(mount / "hlsp/tess-spoc/s0023/standard")
        found = glob.glob("spoc/*/healpix=*/*.hdf5", root_dir=self.directory)
        whole = [path for path in found if "-tiny/" not in path]
        with open(mount / "hlsp/tess-spoc/s0023/target_list.csv", encoding="ascii") as table:
            tics = {int(row["#TIC_ID"]) for row in csv.DictReader(table)}
        self.assertEqual(self.archive.log("_lc.fits"), [], "looking for names builds nothing")
        self.assertEqual(glob.glob("spoc/*/healpix=*[0-9]/*.hdf5", root_dir=self.directory), whole)
        seen = []
        for path in whole:
            with h5py.File(self.directory / path, "r") as file:
                seen += [int(number) for number in file["object_id"][:]]
        self.assertEqual(sorted(seen), sorted(tics), "each target of the list once")

    def test_a_target_on_its_own_has_a_group_and_its_numbers(self):
        mount = self.hlsp()
        with open(mount / "hlsp/tglc/s0023/target_list.csv", encoding="ascii") as table:
            star = list(csv.DictReader(table))[20]
        folder = mount / "hlsp/tglc/by-target" / star["TIC_ID"].strip()
        names = sorted(os.listdir(folder))
        self.assertEqual(len(names), 4, "of each sector the curve and its other form")
        for name in names:
            if name.endswith(".fits"):
                continue
            with h5py.File(folder / name, "r") as file, fits.open(folder / name.replace(".hdf5", ".fits")) as curve:
                self.assertEqual(set(file), {"lightcurve", "RA", "DEC", "TIC_ID", "gaiadr3_id", "psf_flux_err", "aper_flux_err"})
                self.assertEqual(file["TIC_ID"][()], int(star["TIC_ID"]))
                self.assertEqual(file["gaiadr3_id"][()], int(star["#GAIADR3_ID"]))
                self.assertEqual(file["RA"][()], curve[1].header["RA_OBJ"])
                self.assertEqual(file["psf_flux_err"][()], curve[1].header["PSF_ERR"])
                self.assertEqual(set(file["lightcurve"]), {"time", "psf_flux", "aper_flux", "tess_flags", "tglc_flags"})
                for key in file["lightcurve"]:
                    numpy.testing.assert_array_equal(file["lightcurve"][key][:], curve[1].data[TGLC[key]])

    # ---- what it costs

    def pixel(self, mount, pipeline="qlp", name="QLP", sector=23):
        """The file of a pixel."""
        top = mount / f"hlsp/{pipeline}/s{sector:04}/standard/{name}"
        return sorted(top.glob("healpix=*[0-9]"))[0] / FILE

    def test_listing_pixels_builds_none_and_a_file_is_built_once(self):
        mount = self.hlsp()
        path = self.pixel(mount)
        for folder in (path.parent, path.parent.parent):
            for entry in os.scandir(folder):
                entry.is_dir()
        self.assertEqual(self.archive.log("llc.fits"), [])
        self.assertEqual(self.built(mount, path)["state"], "built when it is looked at")
        size = path.stat().st_size
        data = path.read_bytes()
        self.assertEqual(len(data), size)
        done = self.built(mount, path)
        self.assertEqual((done["state"], done["lost"]), ("built", 0))
        fetched = len(self.archive.log("llc.fits"))
        self.assertGreaterEqual(fetched, done["parts"])
        wait_until(lambda: mount.why(path.relative_to(mount.path))["cached_completely"], "it is in the cache")
        mount.unmount()
        self.archive.forget()
        mount.mount()
        self.assertEqual(path.read_bytes(), data)
        self.assertEqual(self.archive.log("llc.fits"), [], "and stays there")

    def test_commands_about_a_file_of_a_directory_that_nobody_has_listed_do_not_build_it(self):
        mount = self.hlsp()
        path = self.pixel(mount).relative_to(mount.path)
        for command in ("why", "evict", "pin", "verify"):
            fresh = self.mount(hlsp_config(self.archive))
            self.archive.forget()
            fresh.control(command, fresh / path, check=False)
            self.assertEqual(self.archive.log("llc.fits"), [], command)

    def test_a_build_that_takes_longer_than_a_warm_waits_costs_its_file_alone(self):
        mount = self.hlsp()
        path = self.pixel(mount).relative_to(mount.path)
        table = "hlsp/qlp/s0023/target_list.csv"
        fresh = self.mount(hlsp_config(self.archive), timeout=4)
        self.archive.fault("*llc.fits*", "latency", n=20_000)
        said = json.loads(fresh.control("warm", "--json", fresh / path, fresh / table, check=False).stdout.splitlines()[-1])
        self.assertEqual([failure["path"] for failure in said["failures"]], [str(path)])
        self.assertTrue(fresh.why(table)["cached_completely"])

    def test_what_is_evicted_is_built_again_of_what_is_cached_and_has_the_same_bytes(self):
        mount = self.hlsp()
        path = self.pixel(mount, "tess-spoc", "SPOC")
        data = path.read_bytes()
        wait_until(lambda: mount.why(path.relative_to(mount.path))["cached_completely"], "it is in the cache")
        wait_until(lambda: "bytes_freed" in mount.control("evict", "--json", path, check=False).stdout
                   and not mount.why(path.relative_to(mount.path))["cached_bytes"], "it is evicted")
        self.archive.forget()
        with open(path, "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self.assertEqual(file.read(), data)
        self.assertEqual(self.archive.log("lc.fits"), [])

    # ---- what goes wrong

    def test_a_curve_that_the_archive_has_lost_is_left_out_and_counted(self):
        mount = self.hlsp()
        for path in sorted((mount / "hlsp/qlp/s0023/standard/QLP").glob("healpix=*[0-9]/*.hdf5")):
            with h5py.File(path, "r") as file:
                tics = list(file["object_id"][:])
            if len(tics) > 1:
                break
        self.assertGreater(len(tics), 1, "a pixel with neighbours")
        self.archive.deny(f"hlsp_qlp_tess_ffi_s0023-{tics[0]:016}_tess_v01_llc.fits")
        other = self.mount(hlsp_config(self.archive))  # has not read it yet
        again = other / path.relative_to(mount.path)
        self.assertLess(again.stat().st_size, path.stat().st_size)
        with h5py.File(again, "r") as file:
            self.assertEqual(list(file["object_id"][:]), tics[1:])
        self.assertEqual(self.built(other, again)["lost"], 1)
        alone = other / f"hlsp/qlp/by-target/{tics[0]}/hlsp_qlp_tess_ffi_s0023-{tics[0]:016}_tess_v01_llc.hdf5"
        self.assert_errno(errno.ENOENT, alone.stat)

    def test_an_archive_that_cannot_be_reached_is_an_error_and_no_smaller_file(self):
        mount = self.hlsp()
        path = self.pixel(mount)
        self.archive.fault("*llc.fits*", "status", n=503)
        self.assert_errno(errno.EIO, os.stat, path)
        self.assertIn("503", mount.why(path.relative_to(mount.path))["last_error"]["message"])
        self.archive.heal()
        wait_until(lambda: self.tried(path.stat), "it is built when the archive is back")

    def tried(self, call):
        try:
            return call()
        except OSError:
            return None

    def slow(self, mount, path):
        """Somebody looks at a file whose curves trickle in; returns the thread and the program that waits for them."""
        self.archive.fault("*llc.fits*", "latency", n=3000)
        outcome = []

        def look():
            try:
                outcome.append(path.stat().st_size)
            except OSError as error:
                outcome.append(error.errno)
        thread = threading.Thread(target=look)
        thread.start()
        self.addCleanup(thread.join)
        pid = mount.pid()
        writer = wait_until(lambda: [child for child, name in children(pid).items() if name == "astrofs-hdf5"], "its program runs")
        return thread, writer[0], outcome

    def test_the_program_that_writes_may_be_killed(self):
        mount = self.hlsp()
        path = self.pixel(mount)
        self.archive.fault("*llc.fits*", "latency", n=15_000)
        thread, writer, outcome = self.slow(mount, path)
        self.assertIn("parts", wait_until(lambda: self.built(mount, path), "progress"))
        os.kill(writer, signal.SIGKILL)
        thread.join()
        self.assertEqual(outcome, [errno.EIO])
        self.assertEqual([row for row in self.archive.log("llc.fits") if row["bytes"]], [], "nobody waits for curves that none will take")
        self.assertIn("killed by signal 9", mount.why(path.relative_to(mount.path))["last_error"]["message"])
        self.archive.heal()
        wait_until(lambda: self.tried(path.stat), "and is started again")

    def test_a_daemon_that_may_have_no_more_threads_outlives_a_build(self):
        mount = self.hlsp()
        path, pid = self.pixel(mount), mount.pid()
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            size, = (int(line.split()[1]) << 10 for line in status if line.startswith("VmSize"))
        unlimited = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (size + (1 << 20), unlimited[1]))  # no room for the stack of one
        self.tried(path.stat)  # with the readers that it got, or with none
        resource.prlimit(pid, resource.RLIMIT_AS, unlimited)
        wait_until(lambda: self.tried(path.stat), "it is built when there may be threads")
        self.assertEqual(mount.pid(), pid)

    def test_the_program_ends_with_the_mount(self):
        mount = self.hlsp()
        thread, writer, _ = self.slow(mount, self.pixel(mount))
        mount.kill()
        thread.join()
        wait_until(lambda: not os.path.exists(f"/proc/{writer}"), "it is gone")
        self.assertEqual([path.stat().st_size for path in mount.cache.glob("building-*")], [0], "the rest had no name")
        mount.mount()
        self.assertEqual(list(mount.cache.glob("building-*")), [])

    def test_what_is_cached_is_enough_to_build_of_while_offline(self):
        mount = self.hlsp()
        built = {name: self.pixel(mount, name, standard) for name, standard in (("qlp", "QLP"), ("tglc", "TGLC"))}
        data = {name: path.read_bytes() for name, path in built.items()}
        for path in built.values():
            wait_until(lambda path=path: mount.why(path.relative_to(mount.path))["cached_completely"], "it is in the cache")
            wait_until(lambda path=path: "bytes_freed" in mount.control("evict", "--json", path, check=False).stdout
                       and not mount.why(path.relative_to(mount.path))["cached_bytes"], "it is evicted")
        alone = self.curve(mount, "qlp", 23, self.first_id(mount, "qlp", 23))
        single = mount / "hlsp/qlp/by-target" / str(int(alone.name.split("-")[1].split("_")[0])) / alone.name.replace(".fits", ".hdf5")
        single.with_suffix(".fits").read_bytes()  # and its other form was never looked at
        other = next(path for path in sorted((mount / "hlsp/qlp/s0023/standard/QLP").glob("healpix=*[0-9]")) if path != built["qlp"].parent)
        mount.unmount()
        self.archive.stop()
        mount.options += ["-o", "offline"]
        mount.mount()
        for name, path in built.items():
            self.assertEqual(path.read_bytes(), data[name], name)
        with h5py.File(single, "r") as file:
            self.assertEqual(len(file["lightcurve"]["time"]), len(fits.getdata(single.with_suffix(".fits"))))
        self.assert_errno(errno.ENETUNREACH, os.stat, other / FILE)
        self.assertIn("offline", mount.why((other / FILE).relative_to(mount.path))["last_error"]["message"])

    def first_id(self, mount, pipeline, sector):
        with open(mount / f"hlsp/{pipeline}/s{sector:04}/target_list.csv", encoding="ascii") as table:
            return int(next(csv.DictReader(table))["#TIC_ID"])

    @unittest.skipUnless(os.geteuid() == 0, "only root mounts a small tmpfs")
    def test_a_full_disk_is_said_and_costs_nothing_but_the_file(self):
        small = self.directory / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=False)
        roomy = self.hlsp("--hlsp-rows", 3000, targets=40)
        there = self.pixel(roomy, "tess-spoc", "SPOC")
        whole = there.read_bytes()
        with h5py.File(there, "r") as file:
            number = int(file["object_id"][0])
        curve = self.curve(roomy, "tess-spoc", 23, number)
        data = curve.read_bytes()
        mount = self.mount(hlsp_config(self.archive), cache=small / "cache")
        path, source = (mount / one.relative_to(roomy.path) for one in (there, curve))
        self.assertEqual(os.listdir(path.parent), [FILE])
        self.assertEqual(source.read_bytes(), data)
        room = os.statvfs(small)
        with open(small / "filler", "wb") as filler:
            filler.write(bytes(room.f_bavail * room.f_frsize - 32 * 1024))
        with self.assertRaises(OSError) as caught:
            path.stat()
        self.assertEqual(caught.exception.errno, errno.ENOSPC)
        self.assertIn("no room for it", mount.why(path.relative_to(mount.path))["last_error"]["message"])
        self.assertEqual(source.read_bytes(), data, "what was there is there")
        (small / "filler").unlink()
        self.assertEqual(wait_until(lambda: self.tried(path.read_bytes), "it is built when there is room"), whole)

    def test_a_cache_too_small_for_it_says_so(self):
        mount = self.hlsp("--hlsp-rows", 3000, size="512 KiB")
        path = self.pixel(mount)
        with self.assertRaises(OSError) as caught:
            path.stat()
        self.assertIn(caught.exception.errno, (errno.ENOSPC, errno.EFBIG))
        self.assertIn("cache", mount.why(path.relative_to(mount.path))["last_error"]["message"])

    def test_a_source_that_changes_makes_another_version(self):
        mount = self.hlsp()
        path = self.pixel(mount)
        with h5py.File(path, "r") as file:
            tic = int(file["object_id"][0])
        first = mount.why(path.relative_to(mount.path))["validator"]
        curve = self.curve(mount, "qlp", 23, tic)
        wait_until(lambda: mount.control("evict", curve, check=False).returncode == 0, "it is evicted")
        self.archive.deny(curve.name)
        curve.read_bytes()
        wait_until(lambda: mount.why(curve.relative_to(mount.path))["state"] == "placeholder", "the archive has lost it")
        mount.control("refresh", path.parent)
        self.assertNotIn(mount.why(path.relative_to(mount.path))["validator"], ("", first))


if __name__ == "__main__":
    main()
