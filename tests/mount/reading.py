#!/usr/bin/python3
"""Names, bytes and requests of a mounted TESS sector, through the real kernel."""
import concurrent.futures
import fcntl
import hashlib
import mmap
import json
import os
import pathlib
import errno
import shutil

from harness import MountTest, main, run, tess_config, wait_until

CHIP = "tess/4/1/1"
HEAD = 64 * 1024


def first_frame(mount, chip=CHIP):
    return mount / chip / sorted(os.listdir(mount / chip))[0]


def key_of(frame):
    """Where the stand-in keeps a frame of the sector."""
    name = pathlib.Path(frame).name
    return f"/tess/public/ffi/s0004/{name[4:8]}/{name[8:11]}/{name[24:27]}/{name}"


def read_head(path, length=2880):
    with open(path, "rb", buffering=0) as file:
        return file.read(length)


class Reading(MountTest):
    def test_the_tree_has_sectors_cameras_ccds_and_frames(self):
        sim, mount = self.tess(chips="1-1,2-3", frames=3)
        self.assertEqual(sorted(os.listdir(mount / "tess")), ["4", "prf", "tic"])
        self.assertEqual(sorted(os.listdir(mount / "tess/4")), ["1", "2", "3", "4", "targets"])
        names = os.listdir(mount / "tess/4/2/3")
        self.assertEqual(len(names), 3)
        self.assertTrue(all(name.endswith("_ffic.fits") for name in names), names)
        self.assertEqual(len(os.listdir(mount / "tess/prf/start_s0001/cam1_ccd1")), 25)
        self.assert_errno(errno.ENOENT, os.stat, mount / "tess/9999")
        self.assert_errno(errno.ENOENT, os.stat, mount / CHIP / "nothing.fits")

    # Claim 1
    def test_every_byte_is_the_archives(self):
        sim, mount = self.tess(frames=3)
        for name in os.listdir(mount / CHIP):
            path = mount / CHIP / name
            truth = sim.fetch(key_of(path))
            self.assertEqual(path.stat().st_size, len(truth))
            self.assertEqual(path.read_bytes(), truth)
            with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
                self.assertEqual(bytes(mapped), truth)

    # Claim 1
    def test_direct_and_odd_reads_of_a_cold_frame_are_right(self):
        sim, mount = self.tess(frames=3, size="full")
        names = sorted(os.listdir(mount / CHIP))
        for name, block in zip(names, (48 * 1024, 100 * 4096, 1 << 20)):
            truth = sim.fetch(key_of(mount / CHIP / name))
            copy = self.directory / "copy"
            run("dd", f"if={mount / CHIP / name}", f"of={copy}", f"bs={block}", "count=3", "iflag=direct")
            self.assertEqual(copy.read_bytes(), truth[:3 * block])
            self.assertEqual((mount / CHIP / name).read_bytes(), truth)

    # Claim 1
    def test_a_whole_frame_of_real_size_arrives_right(self):
        sim, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        self.assertEqual(path.stat().st_size, 35547840)
        truth = hashlib.sha256(sim.fetch(key_of(path))).hexdigest()
        self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), truth)

    def wait_for_what_comes_ahead(self, mount):
        """The kernel closes a file after its last read of it, also one ahead; a flight begins before the read is answered."""
        def quiet():
            status = mount.status()
            return status["open_files"] == 0 and status["calls_waiting"] == 0 and status["transfers"]["flights"] == 0
        wait_until(quiet, "what was ahead has come")

    # Claim 3
    def test_a_cold_header_of_a_35_mb_frame_costs_one_request_of_64_kib(self):
        sim, mount = self.tess(frames=2, size="full")
        frames = sorted(os.listdir(mount / CHIP))
        sim.forget()
        read_head(mount / CHIP / frames[0])
        self.wait_for_what_comes_ahead(mount)
        log = sim.log()
        self.assertEqual(len(log), 1, log)
        self.assertLessEqual(log[0]["bytes"], HEAD)

    # Claim 3
    def test_astropy_reads_a_cold_image_header_with_one_request(self):
        fits = self.astropy()
        sim, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        sim.forget()
        header = fits.getheader(path, 1)
        self.assertEqual(header["EXTNAME"], "CAMERA.CCD 1.1 cal")
        self.wait_for_what_comes_ahead(mount)
        log = sim.log()
        self.assertEqual(len(log), 1, log)
        self.assertLessEqual(sum(row["bytes"] for row in log), HEAD)

    # Claim 3
    def test_a_walk_through_headers_is_fetched_ahead_in_parallel(self):
        sim, mount = self.tess(frames=40, size="full")
        frames = sorted(os.listdir(mount / CHIP))
        sim.fault("*_ffic.fits", "latency", n=50)
        sim.forget()
        for name in frames:
            read_head(mount / CHIP / name)
        log = sim.log("_ffic.fits")
        self.assertEqual(len(log), len(frames), "each head is asked for once")
        self.assertLessEqual(sum(row["bytes"] for row in log), len(frames) * HEAD)
        self.assertGreater(sim.peak(), 2)

    # Claim 3
    def test_the_same_rows_of_frame_after_frame_are_fetched_ahead(self):
        sim, mount = self.tess(frames=12, size="full")
        frames = sorted(os.listdir(mount / CHIP))
        rows = [5_000_000 + 8544 * row for row in range(100)]

        def cut_out(name):
            with open(mount / CHIP / name, "rb", buffering=0) as file:
                return b"".join(os.pread(file.fileno(), 400, place) for place in rows)

        sim.forget()
        for name in frames[:8]:
            data = sim.fetch(key_of(mount / CHIP / name))
            self.assertEqual(cut_out(name), b"".join(data[place:place + 400] for place in rows))
        wait_until(lambda: sim.log(frames[-1]) and all(row["finished"] for row in sim.log()), "the last frame's rows are here")
        sim.forget()
        for name in frames[8:]:
            cut_out(name)
        self.assertEqual(sim.log(".fits"), [])

    # Claim 3
    def test_a_reader_who_jumps_about_gets_what_he_asks_for_and_no_more(self):
        sim, mount = self.tess(frames=40, size="full")
        frames = sorted(os.listdir(mount / CHIP))
        sim.forget()
        jumps = [frames[number * 17 % 40] for number in range(20)]
        for name in jumps:
            read_head(mount / CHIP / name)
        self.wait_for_what_comes_ahead(mount)
        self.assertEqual(len(sim.log("_ffic.fits")), len(jumps))

    # Claims 2, 3
    def test_listing_1060_names_asks_nothing_per_file(self):
        sim, mount = self.tess(frames=1060)
        sim.forget()
        rows = list(os.scandir(mount / CHIP))
        sizes = {row.stat().st_size for row in rows}
        self.assertEqual(len(rows), 1060)
        self.assertNotIn(0, sizes)
        self.assertEqual(sim.log("_ffic.fits"), [])

    # Claim 4
    def test_32_readers_of_one_cold_block_make_one_request(self):
        sim, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        sim.fault("*_ffic.fits", "latency", n=300)
        sim.forget()
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            heads = set(pool.map(lambda _: read_head(path), range(32)))
        self.assertEqual(len(heads), 1)
        self.assertEqual(len(sim.log("_ffic.fits")), 1)

    # Claim 4
    def test_what_was_read_is_not_asked_for_again(self):
        sim, mount = self.tess(frames=1)
        path = first_frame(mount)
        truth = path.read_bytes()
        mount.unmount()
        mount.mount()
        sim.forget()
        self.assertEqual(path.read_bytes(), truth)
        self.assertEqual(sim.log(), [])

    # Claim 14
    def test_inode_numbers_survive_a_remount(self):
        _, mount = self.tess(frames=3)
        before = {name: os.stat(mount / CHIP / name).st_ino for name in os.listdir(mount / CHIP)}
        mount.unmount()
        mount.mount()
        after = {row.name: (row.inode(), row.stat().st_ino) for row in os.scandir(mount / CHIP)}
        self.assertEqual({name: (ino, ino) for name, ino in before.items()}, after)

    # Claim 15
    def test_an_old_name_within_three_seconds_opens_and_is_not_listed(self):
        _, mount = self.tess(frames=1)
        path = first_frame(mount)
        stamp = int(path.name[4:17])
        old = path.with_name(path.name.replace(str(stamp), str(stamp + 1)))
        self.assertEqual(old.read_bytes(), path.read_bytes())
        self.assertEqual(os.listdir(mount / CHIP), [path.name])
        far = path.with_name(path.name.replace(str(stamp), str(stamp + 7)))
        self.assert_errno(errno.ENOENT, os.stat, far)

    # Claim 11
    def test_a_server_without_range_still_serves_right_bytes(self):
        sim, mount = self.tess(frames=1)
        sim.fault("*_ffic.fits", "range_ignored")
        path = first_frame(mount)
        truth = sim.fetch(key_of(path))
        sim.forget()
        with open(path, "rb") as file:
            file.seek(len(truth) - 100)
            self.assertEqual(file.read(), truth[-100:])
        self.assertEqual(path.read_bytes(), truth)
        self.assertEqual(len(sim.log("_ffic.fits")), 1)

    # Claim 17
    def test_nothing_can_be_written(self):
        _, mount = self.tess(frames=1)
        path = first_frame(mount)
        for call in (lambda: open(path, "ab"), lambda: open(mount / "tess/new", "wb"), lambda: os.unlink(path),
                     lambda: os.mkdir(mount / "tess/new"), lambda: os.rename(path, mount / "x"), lambda: os.chmod(path, 0o777),
                     lambda: os.symlink("a", mount / "b"), lambda: os.truncate(path, 0), lambda: os.utime(path),
                     lambda: os.setxattr(path, "user.a", b"1")):
            self.assert_errno(errno.EROFS, call)

    def test_blocks_follow_what_is_cached(self):
        _, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        self.assertEqual(path.stat().st_blocks, 1)
        read_head(path)
        wait_until(lambda: path.stat().st_blocks == HEAD // 512, "st_blocks counts the head")
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"partial")
        self.assertEqual(os.getxattr(path, "user.astrofs.cached"), str(HEAD).encode())
        self.assertEqual(mount.why(f"{CHIP}/{path.name}")["cached_ranges"], [[0, HEAD]])

    # Claim 1
    def test_what_is_not_here_yet_is_no_hole_for_tools_that_skip_holes(self):
        sim, mount = self.tess(frames=6)
        tools = (lambda path, to: run("cp", path, to), lambda path, to: run("cp", "--sparse=always", path, to),
                 lambda path, to: run("install", path, to),
                 lambda path, to: run("sh", "-c", f'tar -C "{path.parent}" -cSf - "{path.name}" | tar -xOf - >"{to}"'),
                 lambda path, to: shutil.copyfile(path, to))
        frames = sorted((mount / CHIP).iterdir())
        for number, (path, copy) in enumerate(zip(frames, tools)):
            with open(path, "rb") as file:
                if number % 2:
                    file.read(100)  # of some a part is here
                self.assertEqual(os.lseek(file.fileno(), 0, os.SEEK_DATA), 0)
                self.assertEqual(os.lseek(file.fileno(), 0, os.SEEK_HOLE), path.stat().st_size)
            copy(path, self.directory / "copy")
            self.assertEqual((self.directory / "copy").read_bytes(), sim.fetch(key_of(path)), f"tool {number}")
            (self.directory / "copy").unlink()

    def test_with_sparse_what_is_not_here_is_a_hole_to_who_asks(self):
        sim = self.sim("--sector", 4, "--frames", 1, "--chips", "1-1", "--size", "full")
        mount = self.mount(tess_config(sim), "-o", "sparse")
        path = first_frame(mount)
        size = path.stat().st_size
        with open(path, "rb", buffering=0) as file:
            self.assert_errno(errno.ENXIO, os.lseek, file.fileno(), 0, os.SEEK_DATA)
            self.assertEqual(os.lseek(file.fileno(), 0, os.SEEK_HOLE), 0)
            os.pread(file.fileno(), 100, 0)
            wait_until(lambda: os.getxattr(path, "user.astrofs.cached") == str(HEAD).encode(), "its head is here")
            self.assertEqual(os.lseek(file.fileno(), 0, os.SEEK_DATA), 0)
            self.assertEqual(os.lseek(file.fileno(), 0, os.SEEK_HOLE), HEAD)
            self.assert_errno(errno.ENXIO, os.lseek, file.fileno(), HEAD, os.SEEK_DATA)
            self.assert_errno(errno.ENXIO, os.lseek, file.fileno(), size, os.SEEK_HOLE)
            file.seek(0)
            self.assertEqual(len(file.readall()), size)
            wait_until(lambda: os.lseek(file.fileno(), 0, os.SEEK_HOLE) == size, "all of it is here")

    # Claim 2
    def test_a_directory_page_without_sizes_is_sized_in_parallel(self):
        folder, sim = self.folder("apache")
        for number in range(40):
            (folder / f"f{number:02d}.dat").write_bytes(b"x" * (5000 + number))
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n')
        sim.fault("*.dat", "latency", n=100)
        sizes = {row.name: row.stat().st_size for row in sorted(os.scandir(mount / "data"), key=lambda row: row.name)}
        self.assertEqual(sizes, {f"f{number:02d}.dat": 5000 + number for number in range(40)})
        self.assertGreater(sim.peak(), 2)
        self.assertEqual(len(sim.log(".dat")), 40)

    # Claim 3
    def test_a_header_that_was_seen_once_is_one_exact_range_for_ever(self):
        # The longest headers there are: no round number of blocks happens to hold one.
        sim = self.sim("--sector", 4, "--frames", 1, "--chips", "1-1", "--size", "full", "--offsets", 31680)
        mount = self.mount(tess_config(sim))
        path = first_frame(mount)
        data = sim.fetch(key_of(path))

        def read_header():
            with open(path, "rb", buffering=0) as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # the kernel's own read-ahead is not in question
                return b"".join(os.pread(file.fileno(), 2880, place) for place in range(at, end, 2880))

        at = data.index(b"XTENSION", data.index(b"XTENSION") + 1)  # of the uncertainties
        end = data.index(b"END" + b" " * 77, at) + 80
        end = -(-end // 2880) * 2880
        for _ in range(2):
            with open(path, "rb", buffering=0) as file:
                file.read(2880)
            self.assertEqual(read_header(), data[at:end])
            # The kernel lets go of a closed file when it likes to.
            wait_until(lambda: mount.control("evict", path, check=False).returncode == 0, "it is evicted")
            self.assertEqual(os.getxattr(path, "user.astrofs.cached"), b"0")
            mount.unmount()
            mount.mount()
        sim.forget()
        self.assertEqual(read_header(), data[at:end])
        block = 16 * 1024
        wanted = f"bytes={at // block * block}-{-(-end // block) * block - 1}"
        self.assertEqual([row["range"] for row in sim.log(path.name)], [wanted])

    # Claim 1
    def test_pages_that_anothers_read_ahead_left_empty_are_read(self):
        sim, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        data = sim.fetch(key_of(path))
        at = data.index(b"XTENSION", data.index(b"XTENSION") + 1)
        page = (at + 32 * 1024) // 4096 * 4096  # where what is fetched for this header ends
        header = at // 4096 * 4096
        with open(path, "rb", buffering=0) as one, concurrent.futures.ThreadPoolExecutor(2) as pool:
            self.assertEqual(one.read(2880), data[:2880])
            sim.fault("*_ffic.fits", "latency", n=3000)
            other = os.open(path, os.O_RDONLY | os.O_DIRECT)
            memory = mmap.mmap(-1, 4096)  # O_DIRECT reads into whole pages
            reads = [pool.submit(os.pread, one.fileno(), 4096, header), pool.submit(os.preadv, other, [memory], header)]
            wait_until(lambda: mount.status()["calls_waiting"] == 2, "both wait for the header")
            fcntl.fcntl(other, fcntl.F_SETFL, os.O_RDONLY)
            os.posix_fadvise(one.fileno(), page, 4096, os.POSIX_FADV_WILLNEED)
            self.assertEqual(os.pread(other, 4096, page), data[page:page + 4096])
            for read in reads:
                read.result()
            os.close(other)

    # Claim 16
    def test_hostile_names_are_shown_safely_or_not_at_all(self):
        folder, sim = self.folder("nginx_json")
        for name in (b"plain.txt", b"new\nline", b"bad\xff\xfeutf8", b"per%41cent", b"a&b <c>", b"cut[1].dat", b"in (2).dat"):
            with open(os.path.join(os.fsencode(folder), name), "wb") as file:
                file.write(name)
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n')
        names = os.listdir(os.fsencode(mount / "data"))
        self.assertIn(b"plain.txt", names)
        self.assertEqual((mount / "data/plain.txt").read_bytes(), b"plain.txt")
        self.assertFalse([name for name in names if b"\n" in name or b"/" in name])
        # What a FITS tool would execute is escaped; the name the archive gave is kept and opens the file too.
        self.assertIn(b"cut%5B1].dat", names)
        self.assertIn(b"in (2).dat", names)
        for name in ("cut%5B1].dat", "cut[1].dat"):
            self.assertEqual((mount / "data" / name).read_bytes(), b"cut[1].dat")
            self.assertEqual(os.getxattr(mount / "data" / name, "user.astrofs.name"), b"cut[1].dat")

    def test_a_name_longer_than_255_bytes_is_refused_as_on_a_disk(self):
        folder, sim = self.folder()
        longest = "n" * 255
        (folder / longest).write_bytes(b"longest")
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n')
        self.assertEqual(os.statvfs(mount.path).f_namemax, 255)
        self.assertEqual((mount / "data" / longest).read_bytes(), b"longest")
        self.assert_errno(errno.ENOENT, os.stat, mount / "data" / ("m" * 255))
        sim.forget()
        # The kernel asks for up to 1024 bytes; bytes count, not letters.
        for name in ("n" * 256, "m" * 300, "\u00fc" * 128, "m" * 1024, "m" * 1025):
            for place in (mount.path, mount / "data"):
                self.assert_errno(errno.ENAMETOOLONG, os.stat, place / name)
                self.assert_errno(errno.ENAMETOOLONG, os.open, place / name, os.O_RDONLY)
        self.assertEqual(sim.log(), [])

    def test_a_local_folder_is_served_without_a_copy(self):
        here = self.directory / "here"
        (here / "sub").mkdir(parents=True)
        (here / "sub/a.bin").write_bytes(os.urandom(100_000))
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{here}"\n')
        self.assertEqual((mount / "here/sub/a.bin").read_bytes(), (here / "sub/a.bin").read_bytes())
        self.assertEqual(mount.status()["cache"]["objects"], 0)
        self.assertEqual(os.getxattr(mount / "here/sub/a.bin", "user.astrofs.state"), b"local")

    def test_what_others_may_not_read_of_a_local_folder_they_may_not_read_here(self):
        here = self.directory / "here"
        (here / "closed").mkdir(parents=True)
        for name in ("open.bin", "secret.bin", "closed/a.bin"):
            (here / name).write_bytes(name.encode())
            (here / name).chmod(0o644)
        (here / "secret.bin").chmod(0o600)
        (here / "closed").chmod(0o700)
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{here}"\n', "-o", "allow_other")
        for directory in (self.directory, mount.directory, here):
            directory.chmod(0o755)
        other = {"user": 65534, "group": 65534, "extra_groups": []}
        for name in ("open.bin", "secret.bin", "closed/a.bin"):
            self.assertEqual((mount / "here" / name).read_bytes(), name.encode())
        self.assertEqual(run("cat", mount / "here/open.bin", **other).stdout, "open.bin")
        for name in ("secret.bin", "closed/a.bin"):
            self.assertIn("Permission denied", run("cat", mount / "here" / name, check=False, **other).stderr)
        self.assertIn("Permission denied", run("ls", mount / "here/closed", check=False, **other).stderr)
        (here / "open.bin").chmod(0o600)
        self.assertIn("Permission denied", run("cat", mount / "here/open.bin", check=False, **other).stderr)
        (here / "closed").chmod(0o755)
        wait_until(lambda: run("cat", mount / "here/closed/a.bin", check=False, **other).stdout == "closed/a.bin",
                   "the directory is open")

    def test_a_long_local_folder_is_listed_whole_where_its_disk_is_asked_for_modes(self):
        here = self.directory / "here"
        here.mkdir()
        names = [f"{number:05}.bin" for number in range(3000)]
        for number, name in enumerate(names):
            (here / name).write_bytes(bytes(number % 7))
            (here / name).chmod(0o600 if number % 2 else 0o644)
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{here}"\n', "-o", "allow_other")
        place = os.open(mount / "here", os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, place)
        for _ in range(2):  # the second rewinds it
            self.assertEqual(sorted(os.listdir(place)), names)
        with os.scandir(mount / "here") as entries:
            for entry in entries:
                number, status = int(entry.name[:5]), entry.stat()
                self.assertEqual((status.st_size, status.st_mode & 0o777), (number % 7, 0o400 if number % 2 else 0o444))

    # Claim 8
    def test_a_local_file_that_changes_is_new_at_its_next_open(self):
        here = self.directory / "here"
        here.mkdir()
        (here / "a.bin").write_bytes(b"old" * 5000)
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{here}"\n')
        self.assertEqual((mount / "here/a.bin").read_bytes(), b"old" * 5000)
        (here / "a.bin").write_bytes(b"newer" * 7000)
        self.assertEqual((mount / "here/a.bin").read_bytes(), b"newer" * 7000)
        self.assertEqual((mount / "here/a.bin").stat().st_size, 35000)
        # Size and second stay, as when a card of a header is written in place.
        second = (here / "a.bin").stat().st_mtime_ns // 10**9 * 10**9
        for text in (b"first" * 7000, b"later" * 7000):
            (here / "a.bin").write_bytes(text)
            os.utime(here / "a.bin", ns=(second, second))
            self.assertEqual((mount / "here/a.bin").read_bytes(), text)

    def test_a_local_file_is_found_and_listed_as_soon_as_it_is_written(self):
        here = self.directory / "here"
        here.mkdir()
        (here / "a.bin").write_bytes(b"a")
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{here}"\n')
        for name in ("b.bin", "c.bin"):
            self.assertEqual(os.listdir(mount / "here"), sorted(os.listdir(here)))
            (here / name).write_bytes(b"new")
            self.assertEqual((mount / "here" / name).read_bytes(), b"new")
        self.assertFalse((mount / "here/late.bin").exists())
        (here / "late.bin").write_bytes(b"late")
        wait_until(lambda: (mount / "here/late.bin").exists(), "a name that was not there is asked for again")
        (here / "late.bin").unlink()
        wait_until(lambda: sorted(os.listdir(mount / "here")) == sorted(os.listdir(here)), "it is gone")

    # Claim 8
    def test_another_archive_under_a_used_name_shows_nothing_of_the_old_one(self):
        texts = {}
        for side in ("one", "two"):
            folder = self.directory / side
            folder.mkdir()
            (folder / "same.dat").write_bytes(side.encode() * 1000)
            os.utime(folder / "same.dat", (1_600_000_000, 1_600_000_000))
            (folder / f"{side}.dat").write_bytes(b"x")
            texts[side] = f'[archives.data]\ntype = "index"\nurl = "{self.sim("--folder", f"{folder}:nginx_json:/data").url}/data/"\n'
        mount = self.mount(texts["one"])
        self.assertEqual((mount / "data/same.dat").read_bytes(), b"one" * 1000)
        mount.unmount()
        mount.config.write_text(mount.config.read_text().replace(texts["one"], texts["two"]))
        mount.mount()
        self.assertEqual(sorted(os.listdir(mount / "data")), ["same.dat", "two.dat"])
        self.assertEqual((mount / "data/same.dat").read_bytes(), b"two" * 1000)

    # Claim 8
    def test_a_file_replaced_on_a_server_with_rounded_sizes_is_new_after_a_refresh(self):
        folder, sim = self.folder("apache")
        (folder / "a.dat").write_bytes(b"old" * 50_000)
        os.utime(folder / "a.dat", (1_600_000_000, 1_600_000_000))
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n')
        self.assertEqual((mount / "data/a.dat").read_bytes(), b"old" * 50_000)
        (folder / "a.dat").write_bytes(b"new" * 51_000)
        mount.control("refresh", mount / "data")
        self.assertEqual((mount / "data/a.dat").read_bytes(), b"new" * 51_000)

    def test_an_s3_bucket_with_a_prefix_is_a_tree(self):
        folder = self.directory / "bucket"
        (folder / "some/prefix/deep").mkdir(parents=True)
        (folder / "some/prefix/a b+c.bin").write_bytes(b"one")
        (folder / "some/prefix/deep/two.bin").write_bytes(b"two")
        sim = self.sim("--folder", f"{folder}:none:/b", "--bucket", "b:/b")
        mount = self.mount(f'[archives.bucket]\ntype = "s3"\nurl = "{sim.url}/b"\nprefix = "some/prefix/"\n')
        self.assertEqual(sorted(os.listdir(mount / "bucket")), ["a b+c.bin", "deep"])
        self.assertEqual((mount / "bucket/a b+c.bin").read_bytes(), b"one")
        self.assertEqual((mount / "bucket/deep/two.bin").read_bytes(), b"two")

    def astropy(self):
        try:
            from astropy.io import fits
        except ImportError:
            self.skipTest("astropy is not installed")
        return fits


if __name__ == "__main__":
    main()
