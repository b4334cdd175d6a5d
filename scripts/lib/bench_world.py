"""What the benchmark measures with: servers that are told how slow to be, mounts, and clocks.

Servers and mounts come from the harness of the mount tests; nginx serves real files where the stand-in's own speed would be
what is measured. Everything ends with the World.
"""
import json
import mmap
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import statistics
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "mount"))
import harness  # noqa: E402  (its folder is known only now)

CHIP = "tess/4/1/1"
FRAME_BYTES = 35_547_840
PIECE = 1 << 20  # what readers that copy whole files ask for


def median(values):
    return statistics.median(values)


def timed(call):
    """Seconds that `call` takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def interleave(reps, **subjects):
    """{name: [seconds]}: each repetition runs every subject once, so that a busy moment strikes all of them.

    A subject is a function that returns the seconds of what it measured itself, without its preparations.
    """
    times = {name: [] for name in subjects}
    order = list(subjects)
    for rep in range(reps):
        for name in order if rep % 2 == 0 else reversed(order):
            times[name].append(subjects[name]())
    return times


def quiet(*command, **keywords):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)


def read_all(path):
    buffer = bytearray(PIECE)
    with open(path, "rb", buffering=0) as file:
        total = 0
        while got := file.readinto(buffer):
            total += got
    return total


def read_mapped(path):
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        view = memoryview(mapped)
        total = sum(view[at] for at in range(0, len(view), mmap.PAGESIZE))
        view.release()
    return total


def read_random(path, count=2000, length=4096):
    """The same places for every subject."""
    places = random.Random(4)
    size = os.path.getsize(path) // length
    fd = os.open(path, os.O_RDONLY)
    for _ in range(count):
        os.pread(fd, length, places.randrange(size) * length)
    os.close(fd)


def drop_pages(path):
    """The kernel forgets its pages of this file alone; the daemon must answer."""
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def read_header_like_astropy(path):
    """The primary header block, then blocks of the image header until its END."""
    block = 2880
    with open(path, "rb", buffering=0) as file:
        for _ in range(2):
            while True:
                data = file.read(block)
                if len(data) < block or any(data[at:at + 8] == b"END     " for at in range(0, block, 80)):
                    break


def parallel_first_reads(paths, length=2880, offsets=None):
    """All reads at once; seconds from the starting shot to the last answer. Threads are ready before it."""
    ready, errors = threading.Barrier(len(paths) + 1), []

    def read(path, offset):
        ready.wait()
        try:
            with open(path, "rb", buffering=0) as file:
                assert len(os.pread(file.fileno(), length, offset)) == length
        except (OSError, AssertionError) as error:
            errors.append(error)

    threads = [threading.Thread(target=read, args=pair) for pair in zip(paths, offsets or [0] * len(paths))]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    if errors:
        raise errors[0]
    return seconds


class Memory:
    """A daemon's memory in MB: what it allocated, and all of its pages with the mapped index."""

    def __init__(self, pid):
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        rows = {row.split(":")[0]: row.split()[1] for row in text.splitlines() if row.endswith("kB")}
        self.own, self.all = int(rows["RssAnon"]) / 1024, int(rows["VmRSS"]) / 1024

    def __str__(self):
        return f"{self.own:.0f} MB allocated, {self.all:.0f} MB with the mapped index"


def cpu_of(pid):
    """CPU seconds of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Nginx:
    """Debian's nginx on a folder, with a log of what it sent."""

    def __init__(self, directory, folder):
        self.place = pathlib.Path(directory) / "nginx"
        self.place.mkdir()
        self.access = self.place / "access.log"
        port = self._free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        (self.place / "nginx.conf").write_text(f"""
{user} worker_processes 2; daemon off; pid {self.place}/pid; error_log {self.place}/error.log;
events {{ worker_connections 1024; }}
http {{
  log_format short '$request_method $uri $status $body_bytes_sent';
  access_log {self.access} short;
  client_body_temp_path {self.place}/a; proxy_temp_path {self.place}/b; fastcgi_temp_path {self.place}/c;
  uwsgi_temp_path {self.place}/d; scgi_temp_path {self.place}/e;
  sendfile on; tcp_nopush on; keepalive_requests 100000; default_type application/octet-stream;
  server {{ listen 127.0.0.1:{port}; root {folder}; autoindex on; autoindex_exact_size on; }}
}}""")
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([self.program(), "-c", self.place / "nginx.conf", "-e", self.place / "error.log"])
        harness.wait_until(lambda: (self.place / "pid").exists(), "nginx is ready")

    @staticmethod
    def program():
        return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")

    @staticmethod
    def _free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def forget(self):
        self._from = self.access.stat().st_size

    def log(self, part=""):
        with open(self.access) as file:
            file.seek(self._from)
            rows = [re.split(" ", line.strip()) for line in file]
        return [{"target": row[1], "bytes": int(row[-1])} for row in rows if part in row[1]]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


class World:
    """The folder, the servers and the mounts of one run of the benchmark."""

    def __init__(self, names):
        self.names = names  # of the large directory
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="astrofs-bench-"))
        shared_memory = pathlib.Path("/dev/shm")
        self.fast = pathlib.Path(tempfile.mkdtemp(prefix="astrofs-bench-", dir=shared_memory if shared_memory.is_dir() else None))
        self._sim = self._nginx = self._big = None
        self.mounts = []

    def end(self):
        for mount in list(self.mounts):
            self.drop(mount)
        for server in (self._sim, self._nginx):
            if server:
                server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(self.fast, ignore_errors=True)

    # ---- servers

    def sim(self, latency=0, bandwidth=0):
        """The stand-in with sector 4 at real size, as slow as asked: ms before each answer, bytes/s per connection."""
        if not self._sim:
            self._sim = harness.Sim(self.directory, "--sector", 4, "--frames", 1060, "--chips", "1-1", "--size", "full")
        self._sim.heal()
        if latency:
            self._sim.fault("*", "latency", n=latency)
        if bandwidth:
            self._sim.fault("*", "bandwidth", n=bandwidth)
        self._sim.forget()
        return self._sim

    def sim_urls(self, count):
        """Of the frames of chip 1-1, as the bucket has them."""
        page = self.sim().ask("/?list-type=2&prefix=tess/public/ffi/s0004/").decode()
        keys = re.findall(r"<Key>([^<]*)</Key>", page)[:count]
        self.sim().forget()
        return [f"{self._sim.url}/{key}" for key in keys]

    def nginx(self):
        if not self._nginx:
            if not Nginx.program():
                raise RuntimeError("nginx is not installed (scripts/bootstrap installs it)")
            self._nginx = Nginx(self.directory, self.fast)
        self._nginx.forget()
        return self._nginx

    def frames(self, count):
        """Names of real-size frames in the folder that nginx serves, in tmpfs."""
        folder = self.fast / "frames"
        folder.mkdir(exist_ok=True)
        for url in self.sim_urls(count):
            path = folder / url.rsplit("/", 1)[1]
            if not path.exists():
                quiet("curl", "-s", "--noproxy", "*", "-o", path, url)
        return sorted(os.listdir(folder))[:count]

    def big(self):
        """A directory of very many names on this machine's disk; nginx serves it too, through a link."""
        if not self._big:
            self._big = self.directory / "many"
            self._big.mkdir()
            for number in range(self.names):
                (self._big / f"tess2018292095939-s0004-1-1-{number:07}_ffic.fits").touch()
            (self.fast / "many").symlink_to(self._big)
        return self._big

    # ---- mounts

    def mount(self, config, *options, **keywords):
        mount = harness.Mount(self.directory, config, *options, size="8 GiB", **keywords)
        self.mounts.append(mount)
        return mount

    def tess(self, sim, *options):
        return self.mount(harness.tess_config(sim), *options)

    def index(self, nginx, folder):
        return self.mount(f'[archives.data]\ntype = "index"\nurl = "{nginx.url}/{folder}/"\n')

    def drop(self, mount):
        self.mounts.remove(mount)
        try:
            mount.unmount()
        except AssertionError:
            quiet("fusermount3", "-u", "-z", mount.path)
        shutil.rmtree(mount.directory, ignore_errors=True)


class Rclone:
    """rclone's mount of a tree of directory pages, with the options that serve it best: a disk cache, and streams side by side
    where it has them (since 1.68). A context; `program` is $RCLONE or the one that is installed, None without."""
    program = shutil.which(os.environ.get("RCLONE", "rclone"))

    def __init__(self, directory, url):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="rclone-", dir=directory))
        self.path = self.directory / "mnt"
        self.url = url

    def __enter__(self):
        self.path.mkdir()
        options = ["--vfs-cache-mode", "full", "--vfs-read-ahead", "32M", "--buffer-size", "0", "--dir-cache-time", "24h",
                   "--attr-timeout", "24h", "--vfs-fast-fingerprint", "--no-modtime", "--checkers", "32"]
        known = subprocess.run([self.program, "mount", "--help"], capture_output=True, text=True).stdout
        if "--vfs-read-chunk-streams" in known:
            options += ["--vfs-read-chunk-streams", "8", "--vfs-read-chunk-size", "4M"]
        self.process = subprocess.Popen(
            [self.program, "mount", ":http:", self.path, "--http-url", self.url, "--read-only", "--config", "/dev/null",
             "--cache-dir", self.directory / "cache", *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_until(lambda: self.path.is_mount() or self.process.poll() is not None, "rclone has mounted")
        return self

    def __exit__(self, *_):
        self.process.terminate()  # it unmounts
        self.process.wait(30)
        if self.path.is_mount():
            quiet("fusermount3", "-u", "-z", self.path)
        shutil.rmtree(self.directory, ignore_errors=True)


def curl(*arguments):
    """curl with the same manners: no proxy, quiet, bodies thrown away."""
    quiet("curl", "-s", "-f", "--noproxy", "*", *arguments)


def curl_list(urls, *arguments):
    """One curl process for many URLs, as a config on its standard input."""
    config = "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls)
    subprocess.run(["curl", "-s", "-f", "--noproxy", "*", *map(str, arguments), "-K", "-"], input=config, text=True,
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # -Z shows progress whatever it is told


def as_json(value):
    return json.dumps(value, indent=2, sort_keys=True)
