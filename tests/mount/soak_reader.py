"""One reader of the soak, a process of its own, since a page that cannot be had ends it with SIGBUS.

soak_reader.py KIND MOUNT TRUTH SEED SECONDS: reads as its kind does until the time is over, and compares with what the
truthful server TRUTH gives. Its last line is JSON: reads, bytes, errors by name, what was wrong, the longest call.
"""
import collections
import errno
import http.client
import json
import mmap
import os
import pathlib
import random
import subprocess
import sys
import time

from reading import CHIP, key_of

# What a reader may hear of a sick archive; EOPNOTSUPP: it does not say how long a file is. Not ENOENT: what cannot be
# reached is not missing.
EXCUSES = {errno.EIO, errno.ETIMEDOUT, errno.EACCES, errno.ESTALE, errno.EOPNOTSUPP, errno.EHOSTUNREACH, errno.ENETUNREACH,
           errno.ECONNREFUSED}
PIECE = 1 << 20
FIRST_PIXEL = 100_000  # behind every header
ROW = 2136 * 4         # of a full frame


class Truth:
    def __init__(self, url):
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)

    def get(self, path, offset, length):
        """At most `length` bytes; fewer only at the end of the file."""
        self.connection.request("GET", path, headers={"Range": f"bytes={offset}-{offset + length - 1}"})
        return self.connection.getresponse().read()


class Reader:
    def __init__(self, mount, truth, seed):
        self.mount = pathlib.Path(mount)
        self.truth = Truth(truth)
        self.chance = random.Random(seed)
        self.reads = self.bytes = 0
        self.longest = 0.0
        self.errors = collections.Counter()
        self.wrong = []
        self.paths = [f"{CHIP}/{name}" for name in self.listed(CHIP)] + [f"data/{name}" for name in self.listed("data")]
        self.paths = [path for path in self.paths if path.endswith((".fits", ".dat"))]
        self.walked = None
        try:
            from astropy.io import fits
            self.fits = fits
        except ImportError:
            self.fits = None

    def listed(self, directory):
        while True:
            try:
                return sorted(os.listdir(self.mount / directory))
            except OSError as error:
                self.excuse(directory, error)
                time.sleep(0.1)

    def run(self, kind, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(self.wrong) < 20:
            path = self.chance.choice(self.paths)
            try:
                getattr(self, kind)(path)
            except OSError as error:
                self.excuse(path, error)
                time.sleep(0.05)
        print(json.dumps({"kind": kind, "reads": self.reads, "bytes": self.bytes, "longest": round(self.longest, 1),
                          "errors": self.errors, "wrong": self.wrong}), flush=True)

    def excuse(self, path, error):
        if error.errno in EXCUSES:
            self.errors[errno.errorcode[error.errno]] += 1
        else:
            self.wrong.append(f"{path}: {error}")

    def compare(self, path, offset, data, length):
        """`data` is what a read of `length` bytes gave; an error within it ends it early, at the end of a page."""
        self.reads += 1
        self.bytes += len(data)
        key = key_of(path) if path.startswith(CHIP) else f"/{path}"
        true = self.truth.get(key, offset, length)
        if data != true[:len(data)]:
            self.wrong.append(f"{path}: {len(data)} bytes at {offset} are not the archive's: {self.difference(path, data, true)}")
        elif len(data) < len(true) and (offset + len(data)) % mmap.PAGESIZE != 0:
            self.wrong.append(f"{path}: ends at {offset + len(data)}")

    def difference(self, path, data, true):
        """What there is instead, and what the mount says of it."""
        pairs = zip(data, true)
        at = next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(data), len(true)))
        said = {}
        for name in ("state", "verified", "etag"):
            try:
                said[name] = os.getxattr(self.mount / path, f"user.astrofs.{name}").decode()
            except OSError as error:
                said[name] = str(error)
        return (f"from byte {at} of it on {data[at:at + 24]!r} for {true[at:at + 24]!r}, {sum(a != b for a, b in zip(data, true))} others, "
                f"{len(data)} bytes for {len(true)}; {said}")

    def pread(self, path, file, offset, length):
        begun = time.monotonic()
        try:
            data = os.pread(file.fileno(), length, offset)
        finally:
            self.longest = max(self.longest, time.monotonic() - begun)
        self.compare(path, offset, data, length)
        return data

    def open(self, path, **how):
        """Half of the times without what the kernel kept of it, so that the daemon is asked."""
        file = open(self.mount / path, "rb", **how)
        if self.chance.random() < 0.5:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return file

    # ---- the kinds

    def heads(self, path):
        with self.open(path, buffering=0) as file:
            self.pread(path, file, 0, 2880 * self.chance.randrange(1, 12))

    def astropy_heads(self, path):
        if not self.fits or not path.endswith(".fits"):
            return self.heads(path)
        self.reads += 1
        header = self.fits.getheader(self.mount / path, self.chance.randrange(3))
        if header["NAXIS"] not in (0, 2) or "ASTROFS" in header:
            self.wrong.append(f"{path}: another header")

    def wholes(self, path):
        with self.open(path, buffering=0) as file:
            for offset in range(0, os.fstat(file.fileno()).st_size, PIECE):
                if not self.pread(path, file, offset, PIECE):
                    break

    def maps(self, path):
        with self.open(path) as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            for _ in range(8):
                offset = self.chance.randrange(len(mapped))
                length = min(self.chance.randrange(1, 200_000), len(mapped) - offset)
                self.compare(path, offset, mapped[offset:offset + length], length)

    def cutouts(self, path):
        size = (self.mount / path).stat().st_size
        corner = self.chance.randrange(min(FIRST_PIXEL, size // 2), size)
        with self.open(path, buffering=0) as file:
            for row in range(24):
                offset = corner + row * ROW
                if offset >= size:
                    break
                self.pread(path, file, offset, 4 * 64)

    def walks(self, path):
        """find and ls -l: nothing that was there vanishes, no size changes."""
        found = subprocess.run(["find", self.mount / CHIP, self.mount / "data", "-type", "f", "-printf", "%P %s\n"],
                               capture_output=True, text=True)
        listed = subprocess.run(["ls", "-lR", self.mount / "data"], capture_output=True, text=True)
        self.reads += 2
        if found.returncode != 0 or listed.returncode != 0:
            self.errors["walk"] += 1
            if "No such file" in found.stderr + listed.stderr:
                self.wrong.append(found.stderr + listed.stderr)
            return
        rows = sorted(found.stdout.splitlines())
        if self.walked is not None and rows != self.walked:
            other = sorted(set(rows) ^ set(self.walked))
            self.wrong.append(f"find shows {len(rows)} files after {len(self.walked)}: {other[:4]}")
        self.walked = rows


if __name__ == "__main__":
    Reader(sys.argv[2], sys.argv[3], int(sys.argv[4])).run(sys.argv[1], float(sys.argv[5]))
