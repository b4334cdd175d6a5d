#!/usr/bin/python3
"""Complete files that the kernel reads by itself, past the daemon; and the way back where it cannot."""
import concurrent.futures
import contextlib
import errno
import mmap
import os
import pathlib
import random
import unittest

from harness import BUILD, MountTest, fuse_for_all_users, main, run, wait_until

NOBODY = 65534
CHIP = "tess/4/1/1"
BLOCK = 16 * 1024


def whole(descriptor):
    """The file's bytes, with nothing of it left in the page cache of the mount."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    size = os.fstat(descriptor).st_size
    return b"".join(os.pread(descriptor, 1 << 20, at) for at in range(0, size, 1 << 20))


@contextlib.contextmanager
def opened(path, flags=0):
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Passthrough(MountTest):
    def data(self, sizes, *options, **keywords):
        """A mount of one file of each size, and their bytes."""
        folder, sim = self.folder("nginx_json")
        truths = {}
        for number, size in enumerate(sizes):
            truths[f"f{number}.bin"] = random.Random(number).randbytes(size)
            (folder / f"f{number}.bin").write_bytes(truths[f"f{number}.bin"])
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', *options, **keywords)
        return sim, mount, truths

    def where_it_works(self, mount):
        if not mount.status()["passthrough"]:
            self.skipTest("no passthrough here: " + mount.status()["passthrough_note"])

    def asked(self, mount):
        """Reads that reached the daemon."""
        cache = mount.status()["cache"]
        return cache["hits"], cache["misses"]

    def metric(self, mount, name):
        for line in mount.control("metrics", mount.path).stdout.splitlines():
            if line.startswith(name + " "):
                return int(line.split()[1])
        return 0

    def hand_over(self, mount, *names, held=0):
        """Reads the files once, after which they are checked; `held` stay open."""
        before = self.metric(mount, "astrofs_cache_checked_files_total")
        for name in names:
            (mount / "data" / name).read_bytes()
        wait_until(lambda: self.metric(mount, "astrofs_cache_checked_files_total") >= before + len(names),
                   "the files are checked")
        self.wait_for_closes(mount, held)
        if not held:
            for name in names:
                wait_until(lambda: self.is_handed_over(mount, name), f"{name} is handed over")

    def is_handed_over(self, mount, name):
        """A read of it does not reach the daemon. Before, it is compared with what the archive says of it."""
        before = self.asked(mount)
        with opened(mount / "data" / name) as file:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.pread(file, 1, 0)
        after = self.asked(mount)
        self.wait_for_closes(mount)
        return after == before

    def wait_for_closes(self, mount, held=0):
        """The kernel tells of a close when the caller has gone on already."""
        wait_until(lambda: mount.status()["open_files"] == held, "the files are closed")

    # Claim 1
    def test_a_complete_file_is_read_past_the_daemon_and_is_the_archives(self):
        _, mount, truths = self.data([5_000_001, 1, BLOCK])
        self.where_it_works(mount)
        self.hand_over(mount, *truths)
        for name, truth in truths.items():
            with opened(mount / "data" / name) as file:
                before = self.asked(mount)
                self.assertEqual(whole(file), truth)
                self.assertEqual(os.pread(file, 100, len(truth)), b"")
                self.assertEqual(self.asked(mount), before, "the daemon was asked")
            run("cmp", mount / "data" / name, self.directory / "served" / name)

    # Claim 1
    def test_a_complete_file_is_mapped_past_the_daemon(self):
        _, mount, truths = self.data([3_000_000])
        self.where_it_works(mount)
        self.hand_over(mount, "f0.bin")
        with opened(mount / "data/f0.bin") as file:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            before = self.asked(mount)
            with mmap.mmap(file, 0, prot=mmap.PROT_READ) as mapped:
                self.assertEqual(mapped[:], truths["f0.bin"])
                self.assertEqual(self.asked(mount), before, "the daemon was asked")

    def test_attributes_and_holes_of_such_a_file_are_those_of_any(self):
        _, mount, truths = self.data([300_000])
        self.where_it_works(mount)
        path = mount / "data/f0.bin"
        before = os.stat(path)
        self.hand_over(mount, "f0.bin")
        with opened(path) as file:
            status = os.fstat(file)
            self.assertEqual((status.st_size, status.st_ino, status.st_mtime, status.st_mode),
                             (300_000, before.st_ino, before.st_mtime, before.st_mode))
            self.assertEqual(os.lseek(file, 0, os.SEEK_DATA), 0)
            self.assertEqual(os.lseek(file, 0, os.SEEK_HOLE), 300_000)
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"cached")
        self.assert_errno(errno.EROFS, os.open, path, os.O_RDWR)

    # Claim 1
    def test_direct_reads_at_odd_places_go_on_to_work(self):
        _, mount, truths = self.data([300_001])
        self.where_it_works(mount)
        self.hand_over(mount, "f0.bin")
        with opened(mount / "data/f0.bin") as plain:
            copy = self.directory / "copy"
            run("dd", f"if={mount / 'data/f0.bin'}", f"of={copy}", "bs=1000", "skip=7", "iflag=direct")
            self.assertEqual(copy.read_bytes(), truths["f0.bin"][7000:])
            self.assertEqual(whole(plain), truths["f0.bin"])

    def test_a_file_that_becomes_complete_stays_with_the_daemon_until_it_is_closed(self):
        _, mount, truths = self.data([1_000_000])
        self.where_it_works(mount)
        path, truth = mount / "data/f0.bin", truths["f0.bin"]
        with opened(path) as first, mmap.mmap(first, 0, prot=mmap.PROT_READ) as mapped:
            self.hand_over(mount, "f0.bin", held=1)
            with opened(path) as second:
                before = self.asked(mount)
                self.assertEqual(whole(second), truth)
                self.assertNotEqual(self.asked(mount), before, "the daemon was not asked")
                self.assertEqual(whole(first), truth)
                self.assertEqual(mapped[:], truth)
        self.wait_for_closes(mount)
        wait_until(lambda: self.is_handed_over(mount, "f0.bin"), "the file is handed over")
        with opened(path) as third, opened(path) as fourth:
            before = self.asked(mount)
            self.assertEqual((whole(third), whole(fourth)), (truth, truth))
            self.assertEqual(self.asked(mount), before, "the daemon was asked")

    # Claim 12
    def test_after_a_restart_a_file_is_checked_before_it_is_handed_over(self):
        sim, mount, truths = self.data([1_000_000])
        self.where_it_works(mount)
        self.hand_over(mount, "f0.bin")
        mount.unmount()
        objects = [path for path in (mount.cache / "data").rglob("*") if path.is_file()]
        self.assertEqual(len(objects), 1)
        with open(objects[0], "r+b") as damaged:
            damaged.seek(777_777)
            damaged.write(b"damage")
        mount.mount()
        sim.forget()
        path = mount / "data/f0.bin"
        for _ in range(3):
            with opened(path) as file:
                self.assertEqual(whole(file), truths["f0.bin"])
        self.assertEqual(len(sim.log("f0.bin")), 1, "the block is fetched again, once")

    # Claim 12
    def test_a_file_that_was_written_into_behind_its_back_is_checked_again(self):
        sim, mount, truths = self.data([1_000_000])
        self.where_it_works(mount)
        self.hand_over(mount, "f0.bin")
        objects = [path for path in (mount.cache / "data").rglob("*") if path.is_file()]
        with open(objects[0], "r+b") as damaged:
            damaged.seek(777_777)
            damaged.write(b"damage")
        with opened(mount / "data/f0.bin") as file:
            self.assertEqual(whole(file), truths["f0.bin"])

    def test_eviction_leaves_open_files_alone_and_ends_what_was_handed_over(self):
        sim, mount, truths = self.data([1_000_000])
        self.where_it_works(mount)
        self.hand_over(mount, "f0.bin")
        path, truth = mount / "data/f0.bin", truths["f0.bin"]
        with opened(path) as file:
            mount.control("evict", path, check=False)
            self.assertEqual(whole(file), truth)
            with mmap.mmap(file, 0, prot=mmap.PROT_READ) as mapped:
                for object_file in (mount.cache / "data").rglob("*"):
                    if object_file.is_file():
                        object_file.unlink()
                self.assertEqual(mapped[:], truth)
            self.assertEqual(whole(file), truth)
        wait_until(lambda: mount.control("evict", path, check=False).returncode == 0, "the file is evicted")
        sim.forget()
        self.assertEqual(path.read_bytes(), truth)
        self.assertTrue(sim.log("f0.bin"), "nothing was fetched again")

    def test_a_quota_that_runs_over_never_tears_a_file_that_the_kernel_reads(self):
        _, mount, truths = self.data([1_000_000] * 12, size="5 MB")
        self.where_it_works(mount)
        self.hand_over(mount, "f0.bin")
        with opened(mount / "data/f0.bin") as file:
            for name, truth in truths.items():
                self.assertEqual((mount / "data" / name).read_bytes(), truth)
                self.assertEqual(whole(file), truths["f0.bin"])
        wait_until(lambda: mount.status()["cache"]["used_bytes"] <= 5_000_000, "the quota holds")

    # Claim 1
    def test_eight_threads_open_read_map_and_evict_and_every_byte_is_right(self):
        _, mount, truths = self.data([400_001, 250_000, 1_000_000])
        self.where_it_works(mount)
        self.hand_over(mount, *truths)
        names = sorted(truths)

        def visit(seed):
            chance = random.Random(seed)
            for _ in range(150):
                name = chance.choice(names)
                path, truth = mount / "data" / name, truths[name]
                with opened(path, chance.choice((0, 0, 0, os.O_DIRECT))) as file:
                    if chance.random() < 0.3:
                        with mmap.mmap(file, 0, prot=mmap.PROT_READ) as mapped:
                            at = chance.randrange(len(truth))
                            self.assertEqual(mapped[at:at + 5000], truth[at:at + 5000])
                        continue
                    at = chance.randrange(0, len(truth), 4096)
                    with mmap.mmap(-1, 8192) as buffer:  # aligned, as O_DIRECT wants it elsewhere
                        got = os.preadv(file, [buffer], at)
                        self.assertEqual(buffer[:got], truth[at:at + 8192])
                if chance.random() < 0.02:
                    mount.control("evict", path, check=False)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(visit, seed) for seed in range(8)]:
                done.result()

    def test_a_warmed_file_is_handed_over_at_its_first_open(self):
        _, mount, truths = self.data([2_000_000])
        self.where_it_works(mount)
        mount.control("warm", mount / "data")
        wait_until(lambda: self.metric(mount, "astrofs_cache_checked_files_total") == 1, "the file is checked")
        wait_until(lambda: self.is_handed_over(mount, "f0.bin"), "the file is handed over")
        with opened(mount / "data/f0.bin") as file:
            before = self.asked(mount)
            self.assertEqual(whole(file), truths["f0.bin"])
            self.assertEqual(self.asked(mount), before, "the daemon was asked")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_without_privilege_the_daemon_reads_and_status_says_so(self):
        self.enterContext(fuse_for_all_users())
        folder, sim = self.folder("nginx_json")
        truth = random.Random(0).randbytes(1_000_000)
        (folder / "f0.bin").write_bytes(truth)
        place = pathlib.Path(self.directory) / "user"
        (place / "mnt").mkdir(parents=True)
        (place / "astrofs.toml").write_text(
            f'[cache]\ndir = "{place}/cache"\n[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n')
        self.directory.chmod(0o755)
        for path in (place, place / "mnt"):
            os.chown(path, NOBODY, NOBODY)
        environment = {**os.environ, "HOME": str(place)}
        environment.pop("XDG_RUNTIME_DIR", None)

        def user(*command):
            return run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command, env=environment)

        user(BUILD / "mount.astrofs", place / "mnt", "--config", place / "astrofs.toml")
        self.addCleanup(run, "umount", "-l", place / "mnt", check=False)
        for _ in range(3):
            user("cmp", place / "mnt/data/f0.bin", folder / "f0.bin")
        status = user(BUILD / "astrofs", "status", place / "mnt").stdout
        self.assertIn("no passthrough", status)
        self.assertIn('"passthrough":false', user(BUILD / "astrofs", "status", "--json", place / "mnt").stdout.replace(" ", ""))
        self.assertNotIn("passthrough", (place / "cache/astrofs.log").read_text())
        user(BUILD / "astrofs", "unmount", place / "mnt")


if __name__ == "__main__":
    main()
