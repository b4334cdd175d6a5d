#!/usr/bin/python3
"""A mount is used by everybody at once for a while, over an archive that fails now and then and a cache that is too small.

soak.py [--minutes N] [--seed N]     half a minute by default, or SOAK_MINUTES
Every byte that is read is compared with what a truthful twin of the archive gives. When it is over the archive is well
again, everything reads, no call waits, nothing is in the air, and the daemon has not grown.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import threading
import time

from harness import BUILD, MountTest, main, tess_config, wait_until
from reading import CHIP, key_of

KINDS = ("heads", "astropy_heads", "wholes", "wholes", "maps", "cutouts", "walks")
# Nothing but a checksum tells of shifted data under a right header, a flipped bit or a silent change; 404 means that it is
# gone, and a new version that it is another: those have tests of their own. Several are chosen at a time: a shifted part and a
# shifted header make one lie that nothing tells.
SICK = [("latency", {"n": 300}), ("slow_headers", {"n": 1000}), ("bandwidth", {"n": 300_000}), ("drip", {"n": 2000}),
        ("stall_after", {"n": 50_000}), ("silent", {}), ("reset_after", {"n": 30_000}), ("close_early", {"n": 30_000}),
        ("close_idle", {}), ("length_short", {}), ("length_long", {}), ("unframed_short", {}), ("unframed", {}), ("chunked", {}),
        ("chunked_endless", {}), ("range_shifted", {}), ("range_other_total", {}),
        ("range_no_header", {}), ("range_multipart", {}), ("range_ignored", {}), ("range_partial_200", {}), ("range_refused", {}),
        ("status", {"n": 503, "text": "1"}), ("status", {"n": 500}), ("status", {"n": 429, "text": "1"}), ("status", {"n": 403}),
        ("redirect", {"text": ""}), ("gzip", {}), ("login_page", {}), ("empty", {"method": "GET"}), ("huge_header", {}), ("many_headers", {}),
        ("garbage_status", {}), ("http09", {}), ("junk_after", {}), ("head_refused", {})]
# Nor does anything tell of one of each of these at a time: where HEAD comes to nothing, or to no length, the answer to a range is
# all that tells of a size. But for LISTED: those have theirs from the listing, with the ETag.
NO_HEAD = ("silent", "unframed", "chunked", "status", "redirect", "login_page", "huge_header", "many_headers", "garbage_status",
           "http09", "junk_after", "head_refused")
OTHER_SIZE = ("length_short", "length_long", "unframed_short", "chunked_endless", "range_other_total", "range_partial_200", "empty")
LISTED = "*_ffic.fits"
TIMEOUT = 8       # seconds a call may take
QUOTA = 200       # MiB; the frames have 1.4 GB
FRAMES = 40
# The daemon's own bound of bytes that have come and are not yet on disk (256 MiB), and 64 for all the rest.
RSS_MOST = 320 << 20
# Bursts come and go, so the middle of what was seen is compared; a leak of a page a request would be more in a few minutes.
RSS_SLACK = 48 << 20
LONG = 180
# Adding up takes a moment, in which an object that was counted may go and another take its room.
DISK_SLACK = 4 << 20
# Calls in progress end by their deadline; this is for a machine that is busy.
PATIENCE = 150
# A sanitizer keeps what was freed for a while, so memory tells nothing then.
SETTINGS = BUILD / "CMakeCache.txt"
SANITIZED = SETTINGS.exists() and re.search(r"^ASTROFS_SANITIZE:\w+=.", SETTINGS.read_text(), re.M) is not None
QUIET = ("astrofs_bytes_in_memory", "astrofs_flights", "astrofs_calls_waiting", "astrofs_open_files", "astrofs_cache_flights",
         "astrofs_cache_memory_bytes", "astrofs_http_in_flight")
# What the command line says, for the test.
options = argparse.Namespace(minutes=0.5, seed=0)


class Gauge(threading.Thread):
    """Looks at the daemon from outside, every second."""

    def __init__(self, mount):
        super().__init__()
        self.mount, self.process = mount, pathlib.Path(f"/proc/{mount.pid()}")
        self.ending = threading.Event()
        self.rows = []  # (resident bytes, descriptors, bytes on disk)
        self.first = self.held()

    def look(self):
        status = (self.process / "status").read_text()
        number = {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d+)", status, re.M)}
        disk = sum(self.blocks(file) for file in (self.mount.cache / "data").rglob("*"))
        return (number["RssAnon"] << 10, len(os.listdir(self.process / "fd")), disk)

    def held(self):
        """What its descriptors are: connections (some are kept), objects (so are they, up to a bound), all others."""
        kinds = collections.Counter()
        for number in os.listdir(self.process / "fd"):
            try:
                name = os.readlink(self.process / "fd" / number)
            except FileNotFoundError:
                continue  # closed just now
            kind = "connections" if name.startswith("socket:") else "objects" if "/data/" in name else "others"
            kinds["removed objects" if name.endswith(" (deleted)") else kind] += 1
        return kinds

    def blocks(self, file):
        try:
            status = file.stat()
        except FileNotFoundError:
            return 0  # evicted just now
        return status.st_blocks * 512 if file.suffix == "" and len(file.name) == 32 else 0

    def run(self):
        while not self.ending.wait(1):
            self.rows.append(self.look())

    def most(self, column, rows):
        return max((row[column] for row in rows), default=0)


class Soak(MountTest):
    def test_a_mount_in_heavy_use_serves_right_bytes_and_does_not_grow(self):
        seconds = options.minutes * 60
        print(f"seed {options.seed}, {seconds:.0f} s", flush=True)
        self.chance = random.Random(options.seed)
        self.make_world(seconds)
        gauge = Gauge(self.mounted)
        gauge.start()
        self.over = threading.Event()
        self.crashes = []
        others = [threading.Thread(target=self.keep_doing, args=(what,)) for what in (self.trouble, self.command)]
        for other in others:
            other.start()
        try:
            told = self.read_for(seconds)
        finally:
            self.over.set()
            for other in others:
                other.join()
            gauge.ending.set()
            gauge.join()
        self.tell(self.archive.heal)
        self.everything_reads()
        self.judge(told, gauge)

    def make_world(self, seconds):
        folder = self.directory / "served"
        folder.mkdir()
        for number in range(40):
            (folder / f"f{number:02d}.dat").write_bytes(self.chance.randbytes(self.chance.randrange(1, 3_000_000)))
        words = ("--sector", 4, "--frames", FRAMES, "--chips", "1-1", "--size", "full", "--folder", f"{folder}:apache:/data",
                 "--max-seconds", int(seconds) + 600)
        self.archive = self.sim(*words)
        self.truth = self.sim(*words)
        self.mounted = self.mount(tess_config(self.archive, f'[archives.data]\ntype = "index"\nurl = "{self.archive.url}/data/"'),
                                  size=f"{QUOTA} MiB", timeout=TIMEOUT)
        self.names = [f"{CHIP}/{name}" for name in sorted(os.listdir(self.mounted / CHIP))]
        self.names += [f"data/{name}" for name in sorted(os.listdir(self.mounted / "data"))]

    # ---- what goes on meanwhile

    def keep_doing(self, what):
        while not self.over.is_set():
            try:
                what()
            except Exception as error:  # pylint: disable=broad-except
                self.crashes.append(f"{what.__name__}: {error!r}")
                return

    def trouble(self):
        """Some faults for a while, then some peace."""
        unwanted = self.chance.choice((NO_HEAD, OTHER_SIZE))
        for _ in range(self.chance.randrange(1, 4)):
            path = self.chance.choice((LISTED, "*.dat", "*"))
            kind, parameters = self.chance.choice([each for each in SICK if path == LISTED or each[0] not in unwanted])
            self.tell(self.archive.fault, path, kind, every=self.chance.randrange(1, 6), **parameters)
        if self.chance.random() < 0.1:
            self.tell(self.archive.fault, "*", "refuse", times=self.chance.randrange(1, 40))
        self.over.wait(4 * self.chance.random())
        self.tell(self.archive.heal)
        self.over.wait(2 * self.chance.random())

    def tell(self, call, *words, **parameters):
        """Some connections are refused, this one like any other."""
        def told():
            try:
                call(*words, **parameters)
                return True
            except OSError:
                return False
        wait_until(told, "the stand-in is told what to do")

    def command(self):
        """What its user tells the daemon; under faults it may fail, but it ends, and says so."""
        name = self.chance.choice(self.names + ["data", CHIP])
        path = self.mounted / name
        word = self.chance.choice(("warm", "evict", "evict", "refresh", "why", "verify", "pin", "unpin", "status", "metrics"))
        if word in ("warm", "verify", "pin") and name not in self.names:
            path = self.mounted / "data"
        done = subprocess.run([BUILD / "astrofs", word, path], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode not in (0, 1):
            raise AssertionError(f"astrofs {word} {path} ended with {done.returncode}: {done.stderr}")
        if word == "pin" and done.returncode == 0:
            self.mounted.control("unpin", path)
        self.over.wait(self.chance.random())

    def read_for(self, seconds):
        """Starts the readers; one that a failing page ended goes on as another. Returns what they told."""
        end = time.monotonic() + seconds
        running, told, bus_errors = [], [], 0
        script = pathlib.Path(__file__).with_name("soak_reader.py")

        def start(kind):
            words = [kind, self.mounted.path, self.truth.url, self.chance.randrange(1 << 32), max(0.0, end - time.monotonic())]
            running.append((kind, subprocess.Popen([sys.executable, script, *map(str, words)], stdout=subprocess.PIPE, text=True)))
        try:
            for kind in KINDS:
                start(kind)
            while running:
                kind, process = running.pop(0)
                try:
                    output, _ = process.communicate(timeout=1 if time.monotonic() < end else PATIENCE)
                except subprocess.TimeoutExpired:
                    running.append((kind, process))
                    if time.monotonic() > end + PATIENCE:
                        raise AssertionError(f"a reader of {kind} does not come back: {self.mounted.status()}") from None
                    continue
                if process.returncode == 0:
                    told.append(json.loads(output.splitlines()[-1]))
                elif kind == "maps" and process.returncode == -7:  # SIGBUS: a page that could not be had
                    bus_errors += 1
                    if time.monotonic() < end:
                        start(kind)
                else:
                    raise AssertionError(f"a reader of {kind} ended with {process.returncode}")
        finally:
            for _, process in running:
                process.kill()
                process.communicate()
        told.append({"kind": "mapped pages", "reads": 0, "bytes": 0, "longest": 0, "errors": {"SIGBUS": bus_errors}, "wrong": []})
        return told

    # ---- what is left of it

    def everything_reads(self):
        """The breaker of a host that failed a lot lets go after a while."""
        for name in self.chance.sample(self.names, 12) + [self.names[0]]:
            truth = self.truth.fetch(key_of(name) if name.startswith(CHIP) else f"/{name}")

            def reads():
                try:
                    return [(self.mounted / name).read_bytes()]
                except OSError as error:
                    self.last_error = f"{name}: {error}"
                    time.sleep(0.5)
                    return None
            try:
                data = wait_until(reads, "it reads", PATIENCE)[0]
            except AssertionError:
                self.fail(f"the archive is well, and still {self.last_error}: {self.mounted.why(name)}")
            self.assertTrue(data == truth, f"{name} is not the archive's")

    def metrics(self):
        text = self.mounted.control("metrics", self.mounted.path).stdout
        return {name: float(value) for name, value in re.findall(r"^(\w+)(?:\{[^}]*\})? ([-\d.e+]+)$", text, re.M)}

    def quiet(self):
        numbers = self.metrics()
        self.loud = {name: numbers[name] for name in QUIET if numbers[name] != 0}
        return not self.loud

    def judge(self, told, gauge):
        errors = collections.Counter()
        for row in told:
            errors.update(row["errors"])
            print(json.dumps(row), flush=True)
        self.assertEqual([sentence for row in told for sentence in row["wrong"]], [])
        self.assertEqual(self.crashes, [])
        try:
            wait_until(self.quiet, "it becomes quiet", PATIENCE)
        except AssertionError:
            self.fail(f"nobody reads, and still there is {self.loud}")
        stats = json.loads(self.archive.ask("/_sim/stats"))
        third = max(1, len(gauge.rows) // 3)
        first, last = gauge.rows[:-third], gauge.rows[-third:]
        rss, _, _ = gauge.look()
        held = gauge.held()
        most = gauge.most(0, gauge.rows)
        grown = [statistics.median(row[0] for row in rows) for rows in (first, last)]
        print(f"soak: {options.minutes * 60:.0f} s, {sum(row['reads'] for row in told)} reads, "
              f"{sum(row['bytes'] for row in told) / 1e9:.1f} GB compared, {stats['requests']} requests, "
              f"{stats['bytes'] / 1e9:.1f} GB fetched, excused errors {dict(errors)}, "
              f"RSS {gauge.rows[0][0] >> 20} MiB in the beginning, median {grown[0] / 2**20:.0f} in the first two thirds and "
              f"{grown[1] / 2**20:.0f} in the last, at most {most >> 20}, {rss >> 20} at the end, "
              f"descriptors at most {gauge.most(1, gauge.rows)}, at the end {dict(held)}, disk at most {gauge.most(2, gauge.rows) >> 20} of {QUOTA} MiB", flush=True)
        self.assertLessEqual(gauge.most(2, gauge.rows), (QUOTA << 20) + DISK_SLACK, "what du says")
        self.assertEqual(held["removed objects"], 0, "an object that was evicted is held")
        self.assertLessEqual(held["objects"], len(self.names))
        self.assertEqual(held["others"], gauge.first["others"], "descriptors leak")
        if not SANITIZED:
            self.assertLessEqual(most, RSS_MOST)
        if not SANITIZED and options.minutes * 60 >= LONG:
            self.assertLessEqual(max(grown[1], rss), grown[0] + RSS_SLACK)
        self.mounted.unmount()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES", "0.5")))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    main()
