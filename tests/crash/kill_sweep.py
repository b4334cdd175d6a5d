#!/usr/bin/python3
"""Strikes the cache at its system calls, one at a time, and has a fresh process look at what is left.

A small program over the cache (cache_driver) plays scenes: begin, fill, begin again after a crash, evict, mend a broken
index, grow it. At the N-th call of a kind, of a thread, on the cache's files, strace kills it (before the call), lets the
call fail (EIO, ENOSPC), or says that it did what it did not do. Then a later life of the cache has to find every byte right,
everything that was committed here, an index that adds up, and no file that nobody owns.

  kill_sweep.py                      a part of the points, another one each time (the seed is printed)
  kill_sweep.py --full               every N of every call, until the program ends without being struck
  kill_sweep.py --only POINT         one point, as a failure names it: scene:place:call:fault:N
  kill_sweep.py --seed N --points N  that part again; how many points make a part
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ASTROFS_BUILD", ROOT / "build" / "release"))
DRIVER = BUILD / "cache_driver"
SCENES = ("begin", "fill", "again", "evict", "mend", "list")
# Every call by which the cache changes what is on disk, and those it cannot do without.
CHANGES = ("openat", "mkdirat", "pwrite64", "pwritev", "write", "fsync", "fdatasync", "msync", "ftruncate", "fallocate",
           "renameat", "renameat2", "rename", "unlinkat", "unlink", "rmdir", "flock")
READS = ("pread64", "read", "mmap", "newfstatat", "fstat", "getdents64")
NAMING = ("openat", "mkdirat", "renameat", "renameat2", "rename", "unlinkat", "unlink", "rmdir", "newfstatat")
WRITES = ("pwrite64", "pwritev", "write")
# A part of the 2300: half a minute on two busy cores.
PART = 1000
# A driver that hangs is ended by its own alarm (120 s); this is for strace.
PATIENCE = 180
# An answer of the driver: the cache may refuse to open over a call that fails.
REFUSED = 3

Point = collections.namedtuple("Point", "scene place call fault n")


def faults_of(call):
    """What may strike a call: (name, what strace injects, how the checking driver is told of it)."""
    errors = [("eio", "error=EIO", "failed")]
    if call == "mmap":
        return [("enomem", "error=ENOMEM", "failed")]
    if call in READS:
        return errors
    if call == "flock":
        return [("kill", "signal=KILL", "killed")]
    errors += [("kill", "signal=KILL", "killed"), ("enospc", "error=ENOSPC", "failed")]
    if call in WRITES:
        errors.append(("short", "retval=100", "lied"))
    if call in ("fsync", "fdatasync"):
        errors.append(("nothing", "retval=0", "failed"))
    return errors


def place_of(path):
    """A file of the index by its name; the blocks' files together."""
    return "data" if re.fullmatch(r"(/?data)?/?([0-9a-f]{2}(/[0-9a-f]{32})?)?", path) else path.rsplit("/", 1)[-1]


class Sweep:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.series = {}  # (scene, place, call) -> most calls by one thread
        self.paths = {}   # (scene, place) -> what strace is to look at

    def drive(self, *words, trace=()):
        try:
            return subprocess.run([*trace, DRIVER, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(late.cmd, -1, "", "did not end")

    def fresh(self, scene, name):
        place = self.directory / name
        place.mkdir()
        cache = place / "cache"
        prepared = self.drive("prepare", scene, cache)
        if prepared.returncode != 0:
            raise RuntimeError(f"{scene} cannot be prepared: {prepared.stderr}")
        return cache

    def look(self, scene):
        """Plays a scene undisturbed, and counts its calls on the cache's files by place, thread and kind."""
        cache = self.fresh(scene, f"look-{scene}")
        log = cache.parent / "trace"
        done = self.drive("work", scene, cache, trace=[
            "strace", "-f", "-qq", "-y", "-s", "300", "-o", log, "-e", "trace=" + ",".join(CHANGES + READS)])
        if done.returncode != 0:
            raise RuntimeError(f"{scene} does not work: {done.returncode} {done.stderr}")
        counts = collections.Counter()
        for line in log.read_text(errors="replace").splitlines():
            call = re.match(r"(\d+) +(\w+)\(", line)
            if not call or str(cache) not in line:
                continue
            # The paths that are named, and those behind the descriptors.
            names = [name.replace(str(cache), "") for name in re.findall(r'"([^"]*)"', line) if call[2] in NAMING]
            names += re.findall(rf"<{re.escape(str(cache))}([^>]*)>", line)
            names = [name for name in names if name]
            if not names or ".told" in line:
                continue
            place = place_of(names[0])
            self.paths.setdefault((scene, place), set()).update(
                re.sub("^/", "CACHE/", name) for name in names if place_of(name) == place)
            counts[(scene, place, call[2], call[1])] += 1
        for (_, place, name, _), count in counts.items():
            key = (scene, place, name)
            self.series[key] = max(self.series.get(key, 0), count)
        self.check(cache, "failed")

    def check(self, cache, how):
        checked = self.drive("check", cache, how)
        if checked.returncode != 0:
            return f"check ended with {checked.returncode}: {checked.stderr.strip()}"
        return ""

    def strike(self, point):
        """(struck, what is wrong)"""
        _, inject, how = next(row for row in faults_of(point.call) if row[0] == point.fault)
        cache = self.fresh(point.scene, "-".join(map(str, point)))
        log = cache.parent / "trace"
        trace = ["strace", "-f", "-o", log, "-e", f"trace={point.call}", "-e", f"inject={point.call}:{inject}:when={point.n}"]
        if point.fault != "kill":
            trace.append("--seccomp-bpf")  # quick, since other calls do not stop; but with it strace sends no signal
        for path in self.paths[point.scene, point.place]:
            trace += ["-P", path.replace("CACHE", str(cache))]
        done = self.drive("work", point.scene, cache, trace=trace)
        told = log.read_text(errors="replace") if log.exists() else ""
        struck = "killed by SIGKILL" in told if point.fault == "kill" else "(INJECTED)" in told
        allowed = {0, REFUSED} if struck else {0}
        if struck and point.fault == "kill":
            allowed = {-9, 0}
            # The child died that looked over the index, as it would of a broken one.
            how = how if done.returncode else "unreadable"
        if point.place == "data.mdb" and point.call in READS + ("openat",):
            how = "unreadable"
        wrong = ""
        if done.returncode not in allowed:
            wrong = f"the driver ended with {done.returncode}: {done.stderr.strip()}"
        wrong = wrong or self.check(cache, how)
        shutil.rmtree(cache.parent, ignore_errors=True)
        return struck, wrong

    def all_points(self):
        for (scene, place, call), most in sorted(self.series.items()):
            for fault, _, _ in faults_of(call):
                for n in range(1, most + 1):
                    yield Point(scene, place, call, fault, n)


def sweep_part(sweep, points, pool):
    """Strikes each of the points; yields (point, struck, wrong)."""
    for point, (struck, wrong) in zip(points, pool.map(sweep.strike, points)):
        yield point, struck, wrong


def sweep_all(sweep, pool):
    """Strikes each series on and on until the driver ends without being struck."""
    def series(key, fault):
        rows = []
        while not rows or rows[-1][1]:
            point = Point(*key, fault, len(rows) + 1)
            rows.append((point, *sweep.strike(point)))
        return rows
    keys = [(key, fault) for key in sorted(sweep.series) for fault, _, _ in faults_of(key[2])]
    for rows in pool.map(lambda each: series(*each), keys):
        yield from rows


def strace_works():
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "inject=chdir:error=EIO", "true"],
                           capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode != 0 else ""


def report(rows):
    """Tells of each failure; the last line is the sum. A kind of fault that never struck is a failure too."""
    struck = collections.Counter()
    passed = failed = 0
    for point, hit, wrong in rows:
        struck[point.fault] += hit
        passed += not wrong
        if wrong:
            failed += 1
            print(f"FAIL {':'.join(map(str, point))}\n     {wrong}", flush=True)
    print("struck: " + ", ".join(f"{fault} {times}" for fault, times in sorted(struck.items())))
    for fault in (fault for fault, times in struck.items() if not times):
        failed += 1
        print(f"FAIL {fault} never struck")
    print(f"{passed} passed, {failed} failed")
    return failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", default=os.environ.get("KILL_SWEEP") == "full")
    parser.add_argument("--only")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--points", type=int, default=PART)
    options = parser.parse_args()
    unusable = strace_works()
    if unusable:
        print(f"strace cannot trace here: {unusable}\n0 passed, 0 failed, 1 skipped")
        return True
    # In memory: a power cut is not the subject, and a disk's fsync would take most of the time.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="astrofs-sweep-", dir=memory) as directory:
        sweep = Sweep(directory)
        only = Point(*options.only.split(":")) if options.only else None
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(sweep.look, [only.scene] if only else SCENES))
            if only:
                return report(sweep_part(sweep, [only], pool))
            if options.full:
                return report(sweep_all(sweep, pool))
            points = list(sweep.all_points())
            stride = max(1, len(points) // options.points)
            print(f"{len(points)} points, each {stride}th of them, seed {options.seed}", flush=True)
            return report(sweep_part(sweep, points[options.seed % stride::stride], pool))


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
