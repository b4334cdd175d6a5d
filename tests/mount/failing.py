#!/usr/bin/python3
"""What readers get when the archive, the network, the daemon or the cache fails."""
import contextlib
import errno
import os
import shutil
import signal
import subprocess
import time

from harness import PATIENCE, MountTest, has_open, main, run, tess_config, wait_until
from reading import CHIP, first_frame, key_of

FRAMES = "*_ffic.fits"
# Of a disk; it gives a file whole ones.
DISK_BLOCK = 4096
# The least that the cache keeps of a file, and what a disk needs to note where such a piece lies, if each lies elsewhere.
PIECE, EXTENT = 16 * 1024, 16


def read_some(path, offset=0, length=4096):
    with open(path, "rb", buffering=0) as file:
        file.seek(offset)
        return file.read(length)


class Failing(MountTest):
    def assert_bytes(self, sim, path):
        self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))

    # ---- the archive has lost it

    # Claims 5, 6
    def test_a_frame_denied_for_good_reads_as_nan_of_the_listed_size(self):
        sim, mount = self.tess(frames=3)
        path = first_frame(mount)
        size = path.stat().st_size
        sim.deny(path.name)
        data = path.read_bytes()
        self.assertEqual(len(data), size)
        self.assertTrue(data.startswith(b"SIMPLE  ="))
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"placeholder")
        self.assertIn("does not exist", mount.why(f"{CHIP}/{path.name}")["reason"])
        try:
            import numpy
            from astropy.io import fits
        except ImportError:
            self.skipTest("astropy is not installed")
        with fits.open(path, checksum=True, memmap=False) as frame:
            self.assertEqual([hdu.name for hdu in frame], ["PRIMARY", "CAMERA.CCD 1.1 cal", "CAMERA.CCD 1.1 uncert"])
            self.assertEqual(frame[0].header["ASTROFS"], "PLACEHOLDER")
            self.assertEqual(frame[1].data.shape, (48, 64))
            for hdu in frame[1:]:
                self.assertEqual(hdu.data.dtype.kind, "f")
                self.assertTrue(numpy.isnan(hdu.data).all())

    # Claim 6
    def test_a_placeholder_satisfies_fitsverify_is_the_same_in_every_mount_and_is_not_kept(self):
        if not shutil.which("fitsverify"):
            self.skipTest("fitsverify is not installed")
        sim, mount = self.tess(frames=3)
        path = first_frame(mount)
        sim.deny(path.name)
        data = path.read_bytes()
        self.assertIn(b"PLACEHOLDER", data)
        self.assertIn("verification OK", run("fitsverify", "-q", path).stdout)
        self.assertEqual(os.getxattr(path, "user.astrofs.placeholder"), b"1")
        self.assertEqual(os.getxattr(path, "user.astrofs.cached"), b"0")
        objects = [file for file in (mount.cache / "data").rglob("*") if file.is_file()]
        self.assertNotIn(data[:80 * 36], [file.read_bytes()[:80 * 36] for file in objects])
        self.assertEqual((self.mount(tess_config(sim)) / CHIP / path.name).read_bytes(), data)

    # Claim 6
    def test_a_missing_frame_gives_way_to_the_real_one(self):
        sim, mount = self.tess(frames=2)
        path = first_frame(mount)
        sim.deny(path.name)
        self.assertIn(b"PLACEHOLDER", path.read_bytes())
        sim.allow(path.name)
        mount.control("refresh", path)
        wait_until(lambda: os.getxattr(path, "user.astrofs.state") == b"remote", "the frame is back")
        self.assert_bytes(sim, path)

    # Claim 6
    def test_a_frame_that_was_evicted_and_is_denied_has_no_head_of_its_own(self):
        sim, mount = self.tess(frames=2)
        path = first_frame(mount)
        read_some(path)
        # The kernel lets go of a closed file when it likes to, and keeps its pages.
        wait_until(lambda: mount.control("evict", path, check=False).returncode == 0, "it is evicted")
        self.assertEqual(os.getxattr(path, "user.astrofs.cached"), b"0")
        sim.deny(path.name)
        blank = path.read_bytes()
        self.assertIn(b"PLACEHOLDER", blank[:80 * 36])
        self.assertEqual(path.read_bytes(), blank)

    # Claim 6
    def test_missing_enoent_turns_placeholders_off(self):
        sim, mount = self.tess("-o", "missing=enoent", frames=2)
        path = first_frame(mount)
        sim.deny(path.name)
        self.assert_errno(errno.ENOENT, path.read_bytes)

    # Claim 11
    def test_one_mirror_that_still_has_it_is_enough(self):
        sim, mount = self.tess(frames=1)
        sim.fault("/tess/public/*", "status", n=404)
        sim.fault("/missions/tess/ffi/*", "status", n=404)
        self.assert_bytes_via_mast(sim, first_frame(mount))

    def assert_bytes_via_mast(self, sim, path):
        data = path.read_bytes()
        sim.heal()
        self.assertEqual(data, sim.fetch(key_of(path)))

    # ---- the archive is sick

    # Claim 5
    def test_a_503_from_every_mirror_is_an_error_and_never_nan(self):
        sim, mount = self.tess(frames=1, timeout=5)
        path = first_frame(mount)
        sim.fault(FRAMES, "status", n=503)
        with self.assertRaises(OSError) as caught:
            path.read_bytes()
        self.assertIn(caught.exception.errno, (errno.EIO, errno.ETIMEDOUT))
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"remote")

    # Claim 5
    def test_a_404_of_one_mirror_and_a_503_of_another_is_an_error(self):
        sim, mount = self.tess(frames=1, timeout=5)
        path = first_frame(mount)
        sim.fault("/tess/public/*.fits", "status", n=404)
        sim.fault("/missions/tess/ffi/*.fits", "status", n=503)
        sim.fault("/api/*", "status", n=503)
        with self.assertRaises(OSError) as caught:
            path.read_bytes()
        self.assertNotEqual(caught.exception.errno, errno.ENOENT)
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"remote")

    # Claim 11
    def test_two_503s_with_retry_after_end_in_right_bytes(self):
        sim, mount = self.tess(frames=1)
        path = first_frame(mount)
        sim.fault(FRAMES, "status", n=503, text="1", times=2)
        data = path.read_bytes()
        self.assertEqual(data, sim.fetch(key_of(path)))

    # Claim 11
    def test_a_reset_in_the_middle_is_resumed(self):
        sim, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        sim.fault(FRAMES, "reset_after", n=50_000, times=3)
        data = path.read_bytes()
        sim.heal()
        self.assertEqual(data, sim.fetch(key_of(path)))

    # Claims 5, 10
    def test_a_login_page_is_denied_and_not_kept(self):
        sim, mount = self.tess(frames=1)
        path = first_frame(mount)
        sim.fault(FRAMES, "login_page")
        self.assert_errno(errno.EACCES, path.read_bytes)
        self.assertEqual(os.getxattr(path, "user.astrofs.cached"), b"0")
        sim.heal()
        # Who asks again within a second gets the same error.
        self.assertEqual(self.read_at_last(path, errno.EACCES), sim.fetch(key_of(path)))

    # Claim 10
    def test_wrong_ranges_and_short_bodies_are_never_served(self):
        for kind, parameters in (("range_data_shifted", {"n": 512}), ("range_header_shifted", {"n": 512}),
                                 ("range_other_total", {"n": 1}), ("range_multipart", {}), ("empty", {}),
                                 ("length_short", {"n": 1000}), ("gzip", {}), ("range_no_header", {}), ("garbage_status", {})):
            with self.subTest(kind):
                sim, mount = self.tess(frames=1, timeout=5)
                path = first_frame(mount)
                truth = sim.fetch(key_of(path))
                sim.fault(FRAMES, kind, **parameters)
                try:
                    self.assertEqual(path.read_bytes(), truth)
                except OSError as error:
                    self.assertIn(error.errno, (errno.EIO, errno.ESTALE, errno.ETIMEDOUT))
                mount.unmount()

    # Claims 2, 10
    def test_a_size_that_was_a_lie_is_asked_for_anew(self):
        folder, sim = self.folder()
        (folder / "a.dat").write_bytes(os.urandom(300_000))
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"', timeout=5)
        sim.fault("*a.dat", "head_delta", n=1000)
        path = mount / "data/a.dat"
        self.assertEqual(path.stat().st_size, 301_000)
        with self.assertRaises(OSError) as caught:
            path.read_bytes()
        self.assertIn(caught.exception.errno, (errno.EIO, errno.ESTALE))
        sim.heal()
        wait_until(lambda: path.stat().st_size == 300_000, "the size is the true one")
        self.assertEqual(path.read_bytes(), (folder / "a.dat").read_bytes())

    # Claim 8
    def test_a_changed_frame_is_stale_for_its_reader_and_new_for_the_next(self):
        sim, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        with open(path, "rb", buffering=0) as file:
            head = file.read(4096)
            sim.fault(FRAMES, "new_version")
            file.seek(20_000_000)
            self.assert_errno(errno.ESTALE, file.read, 4096)
            self.assertEqual(head[:9], b"SIMPLE  =")

    # ---- nobody answers

    # Claim 9
    def test_a_stalled_server_lets_ctrl_c_df_and_cached_reads_go_on(self):
        sim, mount = self.tess(frames=2, timeout=600)
        frames = sorted(os.listdir(mount / CHIP))
        cached = (mount / CHIP / frames[1]).read_bytes()
        sim.fault(f"*{frames[0]}", "silent")
        readers = [subprocess.Popen(["cat", mount / CHIP / frames[0]], stdout=subprocess.DEVNULL) for _ in range(40)]
        self.waiting(mount, 1)
        os.statvfs(mount.path)
        self.assertEqual((mount / CHIP / frames[1]).read_bytes(), cached)
        for reader in readers:
            reader.send_signal(signal.SIGINT)
        for reader in readers:
            self.assertEqual(reader.wait(PATIENCE), -signal.SIGINT)

    # Claim 9
    def test_a_second_reader_of_a_stalled_file_can_be_killed(self):
        sim, mount = self.tess(frames=1, timeout=600)
        path = first_frame(mount)
        sim.fault(FRAMES, "silent")
        first = subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL)
        self.waiting(mount, 1)
        second = subprocess.Popen(["dd", f"if={path}", "of=/dev/null", "iflag=direct"], stderr=subprocess.DEVNULL)
        third = subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL)
        self.waiting(mount, 2)  # the first reader's page, and the one who reads past the page cache
        wait_until(lambda: has_open(third, path), "the third, who waits for the first one's page, has the file open")
        for reader in (third, second, first):
            reader.terminate()
            self.assertEqual(reader.wait(PATIENCE), -signal.SIGTERM)

    # Claim 9
    def test_a_stalled_listing_lets_ctrl_c_through(self):
        sim, mount = self.tess(frames=1, timeout=600)
        sim.fault("/?list-type*", "silent")
        reader = subprocess.Popen(["ls", mount / "tess/4/1/1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.waiting(mount, 1)
        reader.send_signal(signal.SIGINT)
        self.assertEqual(reader.wait(PATIENCE), -signal.SIGINT)
        self.assert_not_given_up(mount)

    # Claim 9
    def test_a_read_without_an_answer_ends_at_its_deadline(self):
        sim, mount = self.tess(frames=1, timeout=5)
        path = first_frame(mount)
        sim.fault(FRAMES, "silent")
        with self.assertRaises(OSError) as caught:
            read_some(path)
        self.assertIn(caught.exception.errno, (errno.ETIMEDOUT, errno.EIO))

    # Claim 14
    def test_an_unreachable_archive_keeps_its_listing_and_what_is_cached(self):
        sim, mount = self.tess(frames=2)
        path = first_frame(mount)
        data = path.read_bytes()
        sim.stop()
        self.assertEqual(path.read_bytes(), data)
        self.assertEqual(len(os.listdir(mount / CHIP)), 2)
        mount.unmount()
        mount.mount()
        self.assertEqual(path.read_bytes(), data)
        self.assertEqual(len(os.listdir(mount / CHIP)), 2)

    # ---- offline

    # Claim 7
    def test_offline_reads_what_is_cached_and_nan_for_the_rest(self):
        sim, mount = self.tess(frames=3)
        frames = sorted(os.listdir(mount / CHIP))
        data = (mount / CHIP / frames[0]).read_bytes()
        mount.unmount()
        mount.options += ["-o", "offline"]
        mount.mount()
        sim.forget()
        self.assertEqual((mount / CHIP / frames[0]).read_bytes(), data)
        self.assertEqual(os.getxattr(mount / CHIP / frames[1], "user.astrofs.state"), b"not-fetched")
        blank = (mount / CHIP / frames[1]).read_bytes()
        self.assertEqual(len(blank), (mount / CHIP / frames[1]).stat().st_size)
        self.assertIn(b"PLACEHOLDER", blank)
        self.assert_errno(errno.ENETUNREACH, os.listdir, mount / "tess/4/1/2")
        self.assertEqual(sim.log(), [])
        mount.unmount()
        mount.options = mount.options[:-2]
        mount.mount()
        self.assert_bytes(sim, mount / CHIP / frames[1])

    # ---- the daemon dies

    # Claims 4, 12
    def test_kill_9_loses_no_committed_byte_and_serves_no_wrong_one(self):
        sim, mount = self.tess(frames=4, size="full")
        frames = sorted(os.listdir(mount / CHIP))
        truths = {name: sim.fetch(key_of(mount / CHIP / name)) for name in frames}
        first = mount / CHIP / frames[0]
        self.assertEqual(first.read_bytes(), truths[frames[0]])
        # What is not yet in the index (a group commit's worth) may be fetched again; pinning waits for the commit.
        wait_until(lambda: os.getxattr(first, "user.astrofs.state") == b"cached", "the frame is on disk")
        mount.control("pin", first)
        for number in range(4):
            readers = [subprocess.Popen(["cat", mount / CHIP / name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                       for name in frames]
            time.sleep(0.05 * (number + 1))
            mount.kill()
            for reader in readers:
                reader.wait(PATIENCE)
            mount.mount()
            sim.forget()
            self.assertEqual(first.read_bytes(), truths[frames[0]])
            self.assertEqual(sim.log(frames[0]), [], "committed bytes are fetched again")
        for name in frames:
            self.assertEqual((mount / CHIP / name).read_bytes(), truths[name])

    # ---- the cache is damaged, full or taken

    # Claim 12
    def test_a_damaged_data_file_costs_a_fetch_and_no_wrong_byte(self):
        sim, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        truth = sim.fetch(key_of(path))
        self.assertEqual(path.read_bytes(), truth)
        mount.unmount()
        objects = [file for file in (mount.cache / "data").rglob("*") if file.is_file()]
        self.assertEqual(len(objects), 1)
        with open(objects[0], "r+b") as file:
            file.seek(1_000_000)
            byte = file.read(1)
            file.seek(1_000_000)
            file.write(bytes([byte[0] ^ 1]))
            file.truncate(30_000_000)
        mount.mount()
        self.assertEqual(path.read_bytes(), truth)

    # Claim 12
    def test_a_damaged_index_costs_fetches_and_no_mount(self):
        sim, mount = self.tess(frames=2)
        path = first_frame(mount)
        truth = path.read_bytes()
        mount.kill()
        index = mount.cache / "catalog/data.mdb"
        index.write_bytes(os.urandom(index.stat().st_size))
        mount.mount()
        self.assertEqual(path.read_bytes(), truth)

    @contextlib.contextmanager
    def small_disk(self, options):
        if os.geteuid() != 0:
            self.skipTest("only root mounts a small tmpfs")
        place = self.directory / "small"
        place.mkdir()
        run("mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "tmpfs", place)
        try:
            yield place
        finally:
            run("umount", "-l", place)

    # Claim 13
    def test_a_full_cache_disk_serves_right_bytes(self):
        with self.small_disk("size=12m") as small:
            sim, mount = self.tess(frames=1, size="full", cache=small / "cache")
            path = first_frame(mount)
            self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))
            mount.unmount()

    # Claim 13
    def test_a_cache_leaves_some_of_its_disk_free_and_keeps_what_was_read_last(self):
        with self.small_disk("size=64m") as small:
            sim, mount = self.tess(frames=4, size="full", cache=small / "cache")
            paths = sorted((mount / CHIP).iterdir())
            for path in paths:
                self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))
            disk = os.statvfs(small)
            self.assertGreaterEqual(disk.f_bavail * disk.f_frsize, (64 << 20) // 32, "the reserve")
            wait_until(lambda: os.getxattr(paths[0], "user.astrofs.state") == b"remote", "the frame that was read first is gone")
            self.assertNotEqual(os.getxattr(paths[-1], "user.astrofs.state"), b"remote", "of the last one something is kept")
            self.assertTrue(os.listdir((mount / CHIP).parent), "a directory that was not listed before")
            mount.unmount()

    # Claim 13
    def test_a_disk_that_takes_no_more_files_costs_old_ones_and_no_reader_his_bytes(self):
        with self.small_disk("size=64m,nr_inodes=60") as small:
            folder, sim = self.folder()
            for number in range(120):
                (folder / f"{number:03d}.dat").write_bytes(os.urandom(10_000))
            mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"', cache=small / "cache")
            late = [mount / f"data/{number:03d}.dat" for number in range(60, 120)]

            def kept():
                for path in late:  # past the pages that the kernel keeps
                    run("dd", f"if={path}", f"of={self.directory / 'copy'}", "bs=64k", "iflag=direct")
                    self.assertEqual((self.directory / "copy").read_bytes(), (folder / path.name).read_bytes())
                return any(os.getxattr(path, "user.astrofs.state") == b"cached" for path in late)
            for number in range(60):
                self.assertEqual((mount / f"data/{number:03d}.dat").read_bytes(), (folder / f"{number:03d}.dat").read_bytes())
            wait_until(kept, "what comes later is kept in the place of what came first")
            mount.unmount()

    # Claim 13
    def test_the_quota_holds_while_more_than_it_streams_through(self):
        sim, mount = self.tess(frames=3, size="full", timeout=30)
        mount.unmount()
        quota = 50 << 20
        mount.options += ["-o", "cache_size=50 MiB"]
        mount.mount()
        objects = mount.cache / "data"
        samples = []
        frames = sorted((mount / CHIP).iterdir())
        for path in frames:
            data = bytearray()
            with open(path, "rb", buffering=0) as file:
                while part := file.read(1 << 20):
                    data += part
                    samples.append(used(objects))
            self.assertEqual(data, sim.fetch(key_of(path)))
            samples.append(used(objects))
        self.assertGreater(max(samples), len(data), "of two frames something was there")
        # What is written is counted before. What the disk adds is not (cache/README.md): it notes where the pieces of a file lie, and
        # the last block of a file and that of its notes are whole ones.
        notes = quota // PIECE * EXTENT
        self.assertLessEqual(max(samples), quota + notes + 2 * DISK_BLOCK * len(frames))
        wait_until(lambda: used(objects) <= quota, "du of the cache is inside the quota")
        with open(frames[0], "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # past the pages that the kernel keeps
            self.assertEqual(file.readall(), sim.fetch(key_of(frames[0])), "what has gone is fetched again")

    # Claims 13, 18
    def test_a_cache_in_use_is_refused_with_a_clear_message(self):
        sim, mount = self.tess(frames=1)
        other = self.directory / "other"
        other.mkdir()
        result = run(self.program("mount.astrofs"), other, "--config", mount.config, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("in use", result.stderr)
        self.assertIn(str(mount.pid()), result.stderr)

    def program(self, name):
        from harness import BUILD
        return BUILD / name


def used(directory):
    """What du says, at one moment: where a file goes while others are counted, all are counted again."""
    while True:
        with contextlib.suppress(FileNotFoundError):
            counted = {file: file.stat() for file in directory.rglob("*") if file.is_file()}
            if all(file.stat().st_ino == status.st_ino for file, status in counted.items()):
                return sum(status.st_blocks * 512 for status in counted.values())


if __name__ == "__main__":
    main()
