#!/usr/bin/python3
"""Directories that change, fail or are hostile while somebody looks at them."""
import errno
import os
import time
import unicodedata

from harness import MountTest, main, wait_until


class Listing(MountTest):
    def index(self):
        folder, sim = self.folder("nginx_json")
        return folder, sim, self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n')

    # Claim 14
    def test_a_directory_that_is_refreshed_while_it_is_read_gives_each_name_that_stays_once(self):
        folder, sim, mount = self.index()
        for number in range(3000):
            (folder / f"f{number:04d}").touch()
        names = []
        with os.scandir(mount / "data") as rows:
            for row in rows:
                names.append(row.name)
                if len(names) == 100:
                    for number in range(0, 3000, 2):
                        (folder / f"f{number:04d}").unlink()
                        (folder / f"g{number:04d}").touch()
                    mount.control("refresh", mount / "data")
        stays = {f"f{number:04d}" for number in range(1, 3000, 2)}
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual(stays, set(names))
        self.assertLessEqual(set(names), stays | {f"{kind}{number:04d}" for kind in "fg" for number in range(0, 3000, 2)})
        self.assertEqual(set(os.listdir(mount / "data")), stays | {f"g{number:04d}" for number in range(0, 3000, 2)})

    def test_a_walk_that_takes_its_time_brings_no_removed_name_back(self):
        folder, sim, mount = self.index()
        names = {f"f{number:04d}" for number in range(256)}  # all are read ahead with the first
        for name in names:
            (folder / name).touch()
        with os.scandir(mount / "data") as rows:
            walked = {next(rows).name}
            (folder / "f0250").unlink()
            mount.control("refresh", mount / "data")
            time.sleep(1.5)  # longer than what was read ahead may be old
            walked |= {row.name for row in rows}
        self.assertEqual(walked, names - {"f0250"})

    # Claim 16
    def test_twins_in_case_and_in_composition_are_two_files(self):
        folder, sim, mount = self.index()
        twins = ["M31.dat", "m31.dat", unicodedata.normalize("NFC", "é.dat"), unicodedata.normalize("NFD", "é.dat")]
        for number, name in enumerate(twins):
            (folder / name).write_bytes(b"%d" % number)
        self.assertEqual(sorted(os.listdir(mount / "data")), sorted(twins))
        self.assertEqual([(mount / "data" / name).read_bytes() for name in twins], [b"0", b"1", b"2", b"3"])
        self.assertEqual(len({(mount / "data" / name).stat().st_ino for name in twins}), 4)

    # Claims 5, 14
    def test_a_listing_that_fails_takes_no_name_away(self):
        folder, sim, mount = self.index()
        for number in range(3):
            (folder / f"{number}.dat").write_bytes(b"%d" % number)
        self.assertEqual(len(os.listdir(mount / "data")), 3)
        for kind, parameters in (("status", {"n": 500}), ("status", {"n": 403}), ("empty", {}), ("login_page", {}),
                                 ("length_short", {"n": 20}), ("body", {"text": "<html>Back at noon"}), ("garbage_status", {})):
            with self.subTest(kind, **parameters):
                sim.fault("/data/", kind, **parameters)
                self.assertNotEqual(mount.control("refresh", mount / "data", check=False).returncode, 0)
                sim.heal()
                self.assertEqual(len(os.listdir(mount / "data")), 3)
        self.assertEqual((mount / "data/2.dat").read_bytes(), b"2")

    # Claim 5
    def test_a_directory_that_was_never_listed_is_an_error_while_it_cannot_be(self):
        folder, sim, mount = self.index()
        sim.fault("/data/*", "status", n=500)
        self.assert_errno(errno.EIO, os.listdir, mount / "data")
        self.assert_errno(errno.EIO, os.stat, mount / "data/a.fits")
        sim.heal()
        (folder / "a.fits").write_bytes(b"")

        def listed():
            try:
                return os.listdir(mount / "data")
            except OSError as error:
                self.assertEqual(error.errno, errno.EIO)  # left alone for a while

        self.assertEqual(wait_until(listed, "it is listed"), ["a.fits"])


if __name__ == "__main__":
    main()
