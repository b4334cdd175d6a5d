#!/usr/bin/python3
"""The daemon dies by kill -9 among its readers, and between its lives something happens to its cache.

A round: mount; what was safe and whole is read and must cost no request; some of it is evicted; readers read all over the
place; kill -9 in the middle of it; one kind of damage. Whatever a reader got was the archive's. CRASH_ROUNDS and CRASH_SEED (printed) choose how many and which.
"""
import concurrent.futures
import os
import random
import shutil
import threading
import time

from harness import MountTest, main, tess_config
from reading import CHIP, key_of

# Twice as many as there are kinds of damage, so that each has its rounds, among other damage.
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(1 << 32)))
READERS = 6
BLOCK = 16 * 1024
PAGE = 4096


class Files:
    """What the archives have, by path in the mount."""

    def __init__(self, folder, sim, chance):
        self.truth = {}
        for number in range(10):
            data = chance.randbytes(200_000 * (number + 1) + 4321 * number)
            (folder / f"f{number}.dat").write_bytes(data)
            self.truth[f"data/f{number}.dat"] = data
        self.sim = sim

    def add_frames(self, mount):
        for name in os.listdir(mount / CHIP):
            self.truth[f"{CHIP}/{name}"] = self.sim.fetch(key_of(name))

    def requests(self, path):
        return self.sim.log(path.rsplit("/", 1)[-1])


class Readers:
    """Threads that read anything and compare it, until they are told to stop or the daemon is gone."""

    def __init__(self, mount, files, chance):
        self.mount, self.files = mount, files
        self.ending = threading.Event()
        self.wrong = []
        self.reads = 0
        self.safe = set()
        self.pool = concurrent.futures.ThreadPoolExecutor(READERS + 1)
        self.jobs = [self.pool.submit(self.read_on, chance.randrange(1 << 32)) for _ in range(READERS)]
        self.jobs.append(self.pool.submit(self.make_safe))

    def read_on(self, seed):
        chance = random.Random(seed)
        paths = sorted(self.files.truth)
        while not self.ending.is_set():
            path = chance.choice(paths)
            truth = self.files.truth[path]
            try:
                with open(self.mount / path, "rb", buffering=0) as file:
                    if chance.random() < 0.3:
                        self.compare(path, 0, file.readall(), truth)
                    for _ in range(5):
                        offset, length = chance.randrange(len(truth)), chance.randrange(1, 300_000)
                        data = os.pread(file.fileno(), length, offset)
                        self.compare(path, offset, data, truth[offset:offset + length])
            except OSError as error:
                # Only the end of the daemon may be noticed; `ending` is set before it is killed.
                if not self.ending.is_set():
                    self.wrong.append(f"{path}: {error}")

    def compare(self, path, offset, data, truth):
        self.reads += 1
        # Where the daemon dies within a read, what came before it is the answer, and the next call fails.
        whole = len(data) == len(truth) or self.ending.is_set()
        if not whole or data != truth[:len(data)]:
            right = len(os.path.commonprefix([data, truth]))
            self.wrong.append(f"{path}: {len(data)} bytes at {offset} for {len(truth)}, of which {right} are the archive's")

    def make_safe(self):
        """A pin is answered after its commit, and so after that of the blocks that were written before."""
        while not self.ending.is_set():
            for path in sorted(self.files.truth.keys() - self.safe):
                try:
                    if os.getxattr(self.mount / path, "user.astrofs.state") != b"cached":
                        continue
                    # What its object lost while nobody looked is noticed by who reads it, and then fetched again.
                    truth = self.files.truth[path]
                    self.compare(path, 0, (self.mount / path).read_bytes(), truth)
                    if os.getxattr(self.mount / path, "user.astrofs.state") != b"cached":
                        continue
                    if self.mount.control("pin", self.mount / path, check=False).returncode == 0:
                        self.safe.add(path)
                except OSError:
                    break
            time.sleep(0.02)

    def stop(self):
        concurrent.futures.wait(self.jobs)
        self.pool.shutdown()
        for job in self.jobs:
            job.result()


class Crashing(MountTest):
    # Claims 4, 12
    def test_no_crash_and_no_damage_brings_a_wrong_byte_or_costs_what_is_whole(self):
        print(f"seed {SEED}", flush=True)
        chance = random.Random(SEED)
        folder = self.directory / "served"
        folder.mkdir()
        # Slow enough that a kill finds downloads in the air.
        sim = self.sim("--bandwidth", 4_000_000, "--folder", f"{folder}:apache:/data", "--sector", 4, "--frames", 4, "--chips", "1-1", "--size", "small")
        files = Files(folder, sim, chance)
        mount = self.mount(tess_config(sim, f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"'))
        files.add_frames(mount)
        kinds = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("damage_")]
        chance.shuffle(kinds)
        safe = set()
        for number in range(ROUNDS):
            kind = kinds[number % len(kinds)]
            readers = Readers(mount, files, chance)
            time.sleep(0.1 + chance.random())
            readers.ending.set()
            mount.kill()
            readers.stop()
            self.assertEqual(readers.wrong, [])
            safe |= readers.safe
            hurt = kind(mount.cache, files, chance)
            mount.mount()
            safe -= hurt
            self.check(mount, files, safe)
            print(f"round {number}: {readers.reads} reads, then {kind.__name__}; {len(safe)} files were safe", flush=True)
            safe -= self.evict_some(mount, files, chance)
        for path in files.truth:
            self.assert_truth(mount, files, path)

    def check(self, mount, files, safe):
        files.sim.forget()
        for path in sorted(safe):
            self.assert_truth(mount, files, path)
            self.assertEqual(files.requests(path), [], "it was cached and whole")

    def evict_some(self, mount, files, chance):
        some = chance.sample(sorted(files.truth), len(files.truth) // 2)
        for command in ("unpin", "evict"):
            mount.control(command, *(mount / path for path in some))
        return set(some)

    def assert_truth(self, mount, files, path):
        # Not assertEqual: a difference of megabytes takes minutes to print.
        self.assertTrue((mount / path).read_bytes() == files.truth[path], f"{path} is not the archive's")

    # ---- what happens to a cache; each returns the files that may have to be fetched again

    def any_object(self, cache, files, chance):
        """An object on disk, and the file that it is of: a whole one, when there is any."""
        owners = {truth: path for path, truth in files.truth.items()}
        objects = sorted(file for file in (cache / "data").rglob("*") if file.is_file() and file.stat().st_size)
        whole = [file for file in objects if file.read_bytes() in owners]
        file = chance.choice(whole or objects)
        return file, {owners[file.read_bytes()]} if whole else set()

    def flip(self, path, chance):
        size = path.stat().st_size
        with open(path, "r+b") as file:
            place = chance.randrange(size)
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ (1 << chance.randrange(8))]))

    def damage_nothing(self, cache, files, chance):
        return set()

    def damage_flipped_bit_in_a_block(self, cache, files, chance):
        file, owner = self.any_object(cache, files, chance)
        self.flip(file, chance)
        return owner

    def damage_cut_object(self, cache, files, chance):
        file, owner = self.any_object(cache, files, chance)
        os.truncate(file, chance.randrange(file.stat().st_size))
        return owner

    def damage_removed_object(self, cache, files, chance):
        file, owner = self.any_object(cache, files, chance)
        file.unlink()
        return owner

    def damage_flipped_bits_in_the_index(self, cache, files, chance):
        for _ in range(5):
            self.flip(cache / "catalog/data.mdb", chance)
        return set(files.truth)

    def damage_zeroed_page_in_the_index(self, cache, files, chance):
        index = cache / "catalog/data.mdb"
        with open(index, "r+b") as file:
            file.seek(chance.randrange(index.stat().st_size // PAGE) * PAGE)
            file.write(bytes(PAGE))
        return set(files.truth)

    def damage_cut_index(self, cache, files, chance):
        index = cache / "catalog/data.mdb"
        os.truncate(index, chance.randrange(index.stat().st_size))
        return set(files.truth)

    def damage_removed_index(self, cache, files, chance):
        shutil.rmtree(cache / "catalog")
        return set(files.truth)

    def damage_lost_small_files(self, cache, files, chance):
        for name in ("format", "lock", "catalog/lock.mdb", "catalog/clean"):
            (cache / name).unlink(missing_ok=True)
        return set()

    def damage_strays(self, cache, files, chance):
        """Files that nobody asked for, half-written ones of our own names, and a seal that vouches for nothing."""
        name = chance.randbytes(16).hex()
        (cache / "data" / name[:2]).mkdir(exist_ok=True)
        (cache / "data" / name[:2] / name).write_bytes(chance.randbytes(5000))
        (cache / "data" / name[:2] / "not-an-object").write_text("x")
        (cache / "data/README").write_text("x")
        (cache / "format.new").write_text("astro")
        (cache / "catalog/clean.new").write_text("clo")
        (cache / "catalog/clean").write_text("closed 1 2 3.4\n")
        (cache / "stray").write_text("x")
        return set()


if __name__ == "__main__":
    main()
