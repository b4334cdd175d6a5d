#!/usr/bin/python3
"""What stays alive while an archive stalls or fails: its readers' signals, other archives, the archive itself."""
import errno
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile

from harness import PATIENCE, MountTest, main, wait_until

# Requests that one block may cost, whoever asks for it and however often (backends/http/fetcher.h).
ATTEMPTS = 6
# A block of the cache.
BLOCK = 16 * 1024
# How a reader may fail, whatever the server does.
FAILURES = (errno.EIO, errno.ETIMEDOUT, errno.EACCES, errno.ESTALE)

# Readers of one page of the file argv[1].
MAPPED = "import mmap, sys; f = open(sys.argv[1], 'rb'); mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[0]"
DEAF = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: None); open(sys.argv[1], 'rb', 0).read(4096)"
STATTING = "import os, sys\nwhile True: os.stat(sys.argv[1])"
ASKING = "import os, sys\nwhile True: os.getxattr(sys.argv[1], 'user.astrofs.url')"
WALKING = "import itertools, os, sys\nfor number in itertools.count(): os.path.exists(f'{sys.argv[1]}/{sys.argv[2]}-{number}')"
# Reads all of it in every way that the kernel may interrupt, 100 signals a second.
BUSY_WITH_SIGNALS = """
import mmap, os, signal, sys
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
place, name = sys.argv[1:]
assert name in os.listdir(place)
whole = open(os.path.join(place, name), 'rb', 0).read()
direct = os.open(os.path.join(place, name), os.O_RDONLY | os.O_DIRECT)
page = mmap.mmap(-1, 65536)
os.readv(direct, [page])
assert page[:] == whole[:65536]
signal.setitimer(signal.ITIMER_REAL, 0)
sys.stdout.buffer.write(whole)
"""


class Stalling(MountTest):
    def served(self, name, sizes):
        """A folder with a file of random bytes for each size, its server, and the lines of its archive."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        for number, size in enumerate(sizes):
            (folder / f"{number}.dat").write_bytes(random.Random(number).randbytes(size))
        sim = self.sim("--folder", f"{folder}:nginx_json:/data")
        return folder, sim, f'[archives.{name}]\ntype = "index"\nurl = "{sim.url}/data/"\n'

    def one(self, size, **keywords):
        """One file: where it is served from, the server, the mount, and the file there, known but not read."""
        folder, sim, config = self.served("data", [size])
        mount = self.mount(config, **keywords)
        path = mount / "data/0.dat"
        self.assertEqual(path.stat().st_size, size)
        return folder / "0.dat", sim, mount, path

    def reader(self, *command):
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def hangs(self, mount):
        """Nothing that is asked of the mount is answered from now on."""
        stopped = mount.pid()
        os.kill(stopped, signal.SIGSTOP)
        self.addCleanup(os.kill, stopped, signal.SIGCONT)

    def others_are_read_meanwhile(self, mount, readers, folder):
        """While 32 readers of one archive wait, `well` gives what is in the folder; then signals end them all."""
        self.waiting(mount, 32)
        for name in os.listdir(folder):
            self.assertEqual((mount / "well" / name).read_bytes(), (folder / name).read_bytes())
        self.assertEqual([reader.poll() for reader in readers], [None] * 32, "they were all waiting meanwhile")
        os.statvfs(mount.path)
        for reader in readers[:16]:
            reader.send_signal(signal.SIGINT)
        for reader in readers[16:]:
            reader.kill()
        self.assertEqual({reader.wait(PATIENCE) for reader in readers[:16]}, {-signal.SIGINT})
        self.assertEqual({reader.wait(PATIENCE) for reader in readers[16:]}, {-signal.SIGKILL})
        self.assert_not_given_up(mount)

    # ---- no storms

    # Claim 11
    def test_a_block_costs_six_requests_at_most_however_the_server_fails(self):
        for kind, parameters in (("reset_after", {"n": 0}), ("status", {"n": 503}), ("status", {"n": 403}), ("empty", {}),
                                 ("length_short", {"n": 1000}), ("unframed_short", {"n": 1000}), ("range_other_total", {}),
                                 ("range_no_header", {}), ("range_multipart", {}), ("range_refused", {}), ("login_page", {}),
                                 ("redirect", {}), ("gzip", {}), ("garbage_status", {}), ("http09", {}), ("silent", {})):
            with self.subTest(kind, **parameters):
                _, sim, mount, path = self.one(3 * BLOCK, timeout=5)
                sim.fault("*.dat", kind, **parameters)
                sim.forget()
                with self.assertRaises(OSError) as caught:
                    path.read_bytes()
                self.assertIn(caught.exception.errno, FAILURES)
                self.assertLessEqual(len(sim.log(".dat")), ATTEMPTS)
                mount.discard()
                sim.stop()

    # Claim 11
    def test_32_readers_of_a_block_that_cannot_be_had_cost_no_more_than_one(self):
        _, sim, mount, path = self.one(BLOCK)
        sim.fault("*.dat", "length_short")
        sim.fault("*.dat", "latency", n=500)
        sim.forget()
        readers = [self.reader("cat", path) for _ in range(32)]
        self.assertEqual({reader.wait(PATIENCE) for reader in readers}, {1})
        self.assertLessEqual(len(sim.log(".dat")), ATTEMPTS)

    # Claims 4, 11
    def test_a_connection_that_always_breaks_brings_a_large_file_all_the_same(self):
        truth, sim, mount, path = self.one(1 << 20)
        sim.fault("*.dat", "reset_after", n=3 * BLOCK)
        sim.forget()
        self.assertEqual(path.read_bytes(), truth.read_bytes())
        # No byte comes twice but those of blocks that were cut through.
        self.assertLessEqual(sum(row["bytes"] for row in sim.log(".dat")), 2 << 20)

    # ---- nobody is drawn in

    # Claim 9
    def test_one_archive_that_stalls_with_32_readers_slows_no_other(self):
        _, sick, config = self.served("sick", [BLOCK] * 32)
        folder, _, well = self.served("well", [3 * BLOCK + number for number in range(50)])
        mount = self.mount(config + well, timeout=600)
        names = sorted(os.listdir(mount / "sick"))
        sick.fault("*.dat", "silent")
        readers = [self.reader("cat", mount / "sick" / name) for name in names]
        self.others_are_read_meanwhile(mount, readers, folder)

    # Claim 9. What is mounted from elsewhere hangs as disks do.
    def test_a_disk_that_hangs_slows_no_other_archive(self):
        _, sick, config = self.served("sick", [BLOCK] * 32)
        under = self.mount(config, timeout=600)
        names = sorted(os.listdir(under / "sick"))
        folder, server, well = self.served("well", [3 * BLOCK + number for number in range(50)])
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{under / "sick"}"\n{well}', timeout=600)
        self.assertEqual(sorted(os.listdir(mount / "here")), names)
        sick.fault("*.dat", "silent")
        readers = [self.reader("cat", mount / "here" / name) for name in names]
        self.others_are_read_meanwhile(mount, readers, folder)
        # Nor does it keep the daemon, which leaves the cache as at any end.
        self.hangs(under)
        hung = mount / "here" / names[0]
        self.assertEqual(os.getxattr(hung, "user.astrofs.state"), b"local", "which no disk needs to be asked for")
        self.assertIn("user.astrofs.url", os.listxattr(hung))
        os.kill(mount.pid(), signal.SIGTERM)
        wait_until(mount.lock_is_free, "the daemon has ended")
        self.assertIn("ended without a disk", mount.log())
        server.stop()
        mount.mount()
        self.assertNotIn("not closed cleanly", mount.log())
        for name in os.listdir(folder):
            self.assertEqual((mount / "well" / name).read_bytes(), (folder / name).read_bytes())

    # Claim 9. Who may read a file on this machine is asked of its disk again and again.
    def test_a_disk_that_hangs_when_it_is_asked_for_modes_slows_no_other_archive(self):
        disk = self.directory / "disk"
        disk.mkdir()
        (disk / "0.dat").write_bytes(b"here")
        under = self.mount(f'[archives.sick]\ntype = "local"\npath = "{disk}"\n')
        folder, _, well = self.served("well", [3 * BLOCK + number for number in range(50)])
        here = f'[archives.here]\ntype = "local"\npath = "{under / "sick"}"\n'
        mount = self.mount(here + well, "-o", "allow_other", timeout=600)
        path = mount / "here/0.dat"
        self.assertEqual(path.read_bytes(), b"here")
        self.hangs(under)
        # They go round until the kernel wants to know again what it was told of the disk.
        readers = [self.reader(sys.executable, "-c", STATTING if number % 2 else ASKING, path) for number in range(32)]
        self.others_are_read_meanwhile(mount, readers, folder)
        os.kill(mount.pid(), signal.SIGTERM)
        wait_until(mount.lock_is_free, "the daemon has ended")

    # Claim 9
    def test_a_disk_that_hangs_is_given_up_at_the_deadline(self):
        _, sick, config = self.served("sick", [BLOCK])
        under = self.mount(config, timeout=600)
        self.assertEqual(os.listdir(under / "sick"), ["0.dat"])
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{under / "sick"}"\n', timeout=1)
        path = mount / "here/0.dat"
        self.assertEqual(path.stat().st_size, BLOCK)
        sick.fault("*.dat", "silent")
        self.assert_errno(errno.ETIMEDOUT, path.read_bytes)
        self.assertIn("disk", mount.why("here/0.dat")["last_error"]["message"])

    # Claim 9
    def test_one_archive_whose_listings_stall_slows_no_other(self):
        _, sick, config = self.served("sick", [])
        folder, _, well = self.served("well", [BLOCK] * 50)
        mount = self.mount(config + well, timeout=600)
        sick.fault("/data/*", "silent")
        readers = [self.reader("ls", mount / "sick") for _ in range(16)]
        readers += [self.reader("cat", mount / f"sick/{number}") for number in range(16)]
        self.waiting(mount, 32)
        for name in os.listdir(mount / "well"):
            self.assertEqual((mount / "well" / name).read_bytes(), (folder / name).read_bytes())
        self.assertEqual([reader.poll() for reader in readers], [None] * 32)
        # One that is looked up holds up nobody who looks up another name there.
        for reader in readers:
            reader.kill()
        self.assertEqual([reader.wait(PATIENCE) for reader in readers], [-signal.SIGKILL] * 32)
        self.assert_not_given_up(mount)

    # Claim 9
    def test_readers_who_were_killed_leave_nothing_waiting(self):
        truth, sim, mount, path = self.one(BLOCK, timeout=6)
        sim.fault("*.dat", "silent")
        readers = [self.reader("cat", path) for _ in range(8)]
        self.waiting(mount, 1)
        for reader in readers:
            reader.kill()
        self.assertEqual({reader.wait(PATIENCE) for reader in readers}, {-signal.SIGKILL})
        wait_until(lambda: mount.status()["calls_waiting"] == 0 and mount.status()["transfers"]["flights"] == 0
                   and mount.status()["open_files"] == 0, "nothing is left of them")
        sim.heal()
        # That nobody answered is still fresh.
        self.assertEqual(self.read_at_last(path, *FAILURES), truth.read_bytes())

    # Claims 8, 9
    def test_a_file_that_is_replaced_while_a_read_of_it_stalls_holds_up_neither_the_mount_nor_its_end(self):
        truth, sim, mount, path = self.one(BLOCK, timeout=600)
        sim.fault("*0.dat", "silent")
        reader = self.reader("cat", path)
        self.waiting(mount, 1)
        truth.write_bytes(b"another")
        (truth.parent / "1.dat").write_bytes(b"new")
        mount.control("refresh", path.parent)
        wait_until(lambda: path.stat().st_size == 7, "the kernel has heard of the new version")
        self.assertEqual((path.parent / "1.dat").read_bytes(), b"new")
        self.assertIsNone(reader.poll())
        mount.kill()
        self.assertEqual(reader.wait(PATIENCE), 1)

    # Claims 8, 9
    def test_a_file_that_is_replaced_while_its_neighbour_is_looked_up_holds_up_neither_the_directory_nor_the_end(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        for name in ("known.dat", "silent.dat", "third.dat"):
            (folder / name).write_bytes(name.encode() * 50_000)
        sim = self.sim("--folder", f"{folder}:apache:/data")  # which says no sizes
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', timeout=600)
        place = mount / "data"
        sim.fault("*silent.dat", "silent")
        with open(place / "known.dat", "rb", buffering=0) as known:
            known.read(4096)
            lookup = self.reader("stat", place / "silent.dat")  # holds the kernel's lock of the directory
            self.waiting(mount, 1)
            (folder / "known.dat").write_bytes(b"another")
            with self.assertRaises(OSError) as caught:
                os.pread(known.fileno(), 4096, 400_000)
            self.assertEqual(caught.exception.errno, errno.ESTALE)
        self.assertEqual((place / "known.dat").read_bytes(), b"another")
        third = self.reader("stat", place / "third.dat")
        self.assertEqual(third.wait(PATIENCE), 0, "a name that nobody has looked up yet")
        self.assertIsNone(lookup.poll())
        os.kill(mount.pid(), signal.SIGTERM)
        self.assertEqual(lookup.wait(PATIENCE), 1)
        wait_until(mount.lock_is_free, "the daemon has ended")
        self.assert_not_given_up(mount, "silent.dat")

    # Claims 8, 9
    def test_a_signal_ends_the_mount_while_others_walk_a_directory_whose_names_change(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        for name in ("silent.dat", *(f"{number:02}.dat" for number in range(20))):
            (folder / name).write_bytes(name.encode() * 50_000)
        sim = self.sim("--folder", f"{folder}:apache:/data")  # which says no sizes
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', timeout=600)
        place = mount / "data"
        sim.fault("*silent.dat", "silent")
        for path in sorted(place.glob("[0-9]*.dat")):
            path.stat()
        self.reader("stat", place / "silent.dat")
        self.waiting(mount, 1)
        walkers = [self.reader(sys.executable, "-c", WALKING, place, number) for number in range(2)]
        for path in folder.glob("[0-9]*.dat"):
            path.unlink()
        mount.control("refresh", place)  # a notice for each name waits for the lookup
        os.kill(mount.pid(), signal.SIGTERM)
        wait_until(mount.lock_is_free, "the daemon has ended")
        for walker in walkers:
            walker.kill()
            self.assertEqual(walker.wait(PATIENCE), -signal.SIGKILL)

    # Claim 8
    def test_names_that_are_waited_for_while_the_kernel_hears_of_many_others_hold_up_nobody(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        for name in (*(f"{number}.txt" for number in range(20_000)), "third.txt"):
            (folder / name).write_text(name)
        for number in range(4):
            (folder / f"silent-{number}.dat").write_bytes(bytes(5000))
        sim = self.sim("--folder", f"{folder}:apache:/data")  # which says no sizes of what is larger
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', timeout=600)
        place = mount / "data"
        os.listdir(place)
        for path in folder.glob("[0-9]*.txt"):
            path.unlink()
        sim.fault("*silent*", "silent")
        mount.control("refresh", place)  # the notices of what is gone follow
        lookups = [self.reader("stat", place / f"silent-{number}.dat") for number in range(4)]
        self.waiting(mount, len(lookups))
        self.assertEqual(self.reader("stat", place / "third.txt").wait(PATIENCE), 0, "a name that nobody has looked up yet")
        for lookup in lookups:
            self.assertIsNone(lookup.poll())
            lookup.kill()
            self.assertEqual(lookup.wait(PATIENCE), -signal.SIGKILL)

    # ---- signals

    # Claim 9
    def test_ctrl_c_ends_a_copy_that_stalls_in_the_middle(self):
        _, sim, mount, path = self.one(8 << 20, timeout=600)
        # Once: each connection that brings something and stalls would let the copy go on a little.
        sim.fault("*.dat", "stall_after", n=100_000, times=1)
        sim.fault("*.dat", "silent", skip=1)
        copy = self.reader("cp", path, self.directory / "copy")
        self.waiting(mount, 1)
        copy.send_signal(signal.SIGINT)
        self.assertEqual(copy.wait(PATIENCE), -signal.SIGINT)
        self.assert_not_given_up(mount)

    # Claim 9
    def test_sigkill_ends_every_kind_of_reader(self):
        _, sim, mount, path = self.one(BLOCK, timeout=600)
        sim.fault("*.dat", "silent")
        first = self.reader("cat", path)
        self.waiting(mount, 1)
        readers = [first, self.reader("cat", path), self.reader("dd", f"if={path}", "of=/dev/null", "iflag=direct"),
                   self.reader(sys.executable, "-c", MAPPED, path), self.reader(sys.executable, "-c", DEAF, path)]
        self.waiting(mount, 2)  # the first reader's page, and the one who reads past the page cache
        for reader in readers:
            self.assertIsNone(reader.poll())
            reader.kill()
        self.assertEqual([reader.wait(PATIENCE) for reader in readers], [-signal.SIGKILL] * len(readers))

    # Claims 1, 9
    def test_a_reader_under_a_rain_of_signals_gets_every_byte(self):
        truth, sim, mount, path = self.one(20 * BLOCK)
        sim.fault("*", "latency", n=300)
        mount.unmount()
        mount.cache = mount.cache.with_name("cold")
        mount.options += ["-o", f"cache={mount.cache}"]
        mount.mount()
        sim.forget()
        reader = subprocess.run([sys.executable, "-c", BUSY_WITH_SIGNALS, str(path.parent), path.name], capture_output=True,
                                timeout=PATIENCE)
        self.assertEqual(reader.returncode, 0, reader.stderr.decode())
        self.assertEqual(reader.stdout, truth.read_bytes())
        # An interrupt cancels no transfer: nothing comes twice.
        self.assertEqual(sum(row["bytes"] for row in sim.log(".dat")), 20 * BLOCK)

    # ---- errors reach who reads, and only him

    # Claim 5
    def test_a_page_that_fails_is_a_bus_error_for_who_mapped_it_and_for_nobody_else(self):
        _, sim, mount, path = self.one(BLOCK)
        sim.fault("*.dat", "status", n=403)
        self.assertEqual(self.reader(sys.executable, "-c", MAPPED, path).wait(PATIENCE), -signal.SIGBUS)
        self.assert_errno(errno.EACCES, path.read_bytes)
        self.assertEqual(os.listdir(mount / "data"), ["0.dat"])

    # Claims 1, 10
    def test_a_file_of_which_the_end_fails_is_never_a_shorter_file(self):
        truth, sim, mount, path = self.one(1 << 20)
        with open(path, "rb", buffering=0) as file:
            head = file.read(BLOCK)
            sim.fault("*.dat", "status", n=403)
            with self.assertRaises(OSError) as caught:
                while part := file.read(1 << 20):
                    head += part
            self.assertEqual(caught.exception.errno, errno.EACCES)
        self.assertLess(len(head), 1 << 20)
        self.assertEqual(head, truth.read_bytes()[:len(head)])
        self.assertEqual(path.stat().st_size, 1 << 20)

    # Claim 9
    def test_a_trickle_or_a_stall_without_end_ends_at_the_deadline(self):
        for kind, parameters in (("drip", {"n": 100}), ("stall_after", {"n": 5000}), ("slow_headers", {"n": 120_000})):
            with self.subTest(kind):
                _, sim, mount, path = self.one(BLOCK, timeout=5)
                sim.fault("*.dat", kind, **parameters)
                with self.assertRaises(OSError) as caught:
                    path.read_bytes()
                self.assertIn(caught.exception.errno, (errno.EIO, errno.ETIMEDOUT))
                mount.discard()
                sim.stop()


if __name__ == "__main__":
    main()
