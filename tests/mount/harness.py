"""What the mount tests share: a stand-in archive, a mount of it, and a runner that counts.

Needs root or fusermount3, /dev/fuse, and both programs in $ASTROFS_BUILD (build/release by default).
Everything lives in a fresh directory; a test's mounts and servers end with it.
"""
import contextlib
import fcntl
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ASTROFS_BUILD", ROOT / "build" / "release"))
SAMPLES = os.environ.get("ASTROFS_SAMPLES")
# Generous: machines are shared, and no test asserts how long something took.
PATIENCE = 60
# No server and no mount of a test outlives this, whatever happens to the test.
LIFETIME = 900


def wait_until(condition, what, patience=PATIENCE):
    """Polls until `condition()` is true; fails the test after `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {patience} s: {what}")


def has_line(directory, words):
    """Does a file of the directory hold these words? Files may come and go meanwhile."""
    for file in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if words in file.read_text():
                return True
    return False


def has_open(process, path):
    with contextlib.suppress(FileNotFoundError):  # one that was closed just now
        return any(os.readlink(link.path) == str(path) for link in os.scandir(f"/proc/{process.pid}/fd"))
    return False


def run(*command, check=True, timeout=PATIENCE, **kwargs):
    """Runs a program to its end; output as text."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, **kwargs)
    if check and result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result


@contextlib.contextmanager
def alone_on_the_machine():
    """For what a test changes of the machine itself: another script that would change it waits until it is as it was."""
    with open("/dev/fuse", "rb", buffering=0) as device:
        fcntl.flock(device, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def fuse_for_all_users():
    """/dev/fuse as distributions have it."""
    with alone_on_the_machine():
        mode = stat.S_IMODE(os.stat("/dev/fuse").st_mode)
        os.chmod("/dev/fuse", 0o666)
        try:
            yield
        finally:
            os.chmod("/dev/fuse", mode)


class Sim:
    """archive_sim as a program; see tests/support/README.md."""

    def __init__(self, directory, *arguments):
        ready = pathlib.Path(directory) / f"sim-{time.monotonic_ns()}"
        self.process = subprocess.Popen(
            [BUILD / "archive_sim", "--ready-file", ready, "--max-seconds", str(LIFETIME), *map(str, arguments)],
            stdout=subprocess.DEVNULL)
        try:
            self.url = wait_until(lambda: ready.exists() and ready.read_text().strip(), "archive_sim is ready")
        except BaseException:
            self.stop()
            raise

    def ask(self, path, method="GET", body=None):
        data = body.encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def fault(self, path, kind, **parameters):
        self.ask("/_sim/faults", "POST", json.dumps({"path": path, "kind": kind, **parameters}))

    def heal(self):
        self.ask("/_sim/faults", "DELETE")

    def deny(self, name):
        self.ask("/_sim/deny", "POST", name)

    def allow(self, name):
        self.ask("/_sim/deny", "DELETE", name)

    def log(self, part=""):
        """Requests since the last forget(), those whose target contains `part`."""
        lines = self.ask("/_sim/log").decode().splitlines()
        return [row for row in map(json.loads, filter(None, lines)) if part in row["target"]]

    def peak(self):
        """Most requests that were answered at one time."""
        return json.loads(self.ask("/_sim/stats"))["peak_requests"]

    def forget(self):
        self.ask("/_sim/log", "DELETE")

    def fetch(self, path):
        """A file's true bytes."""
        return self.ask(path)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Mount:
    """mount.astrofs on a fresh mount point. `config` is the text of its archives' tables."""

    def __init__(self, directory, config, *options, cache=None, size="1 GiB", timeout=20, environment=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=directory))
        self.path = self.directory / "mnt"
        self.path.mkdir()
        self.cache = pathlib.Path(cache) if cache else self.directory / "cache"
        self.config = self.directory / "astrofs.toml"
        self.config.write_text(f'[cache]\ndir = "{self.cache}"\nsize = "{size}"\n{config}')
        self.options = ["-o", f"timeout={timeout}", *options]
        self.environment = {**os.environ, **(environment or {})}
        try:
            self.mount()
        except BaseException:
            self.discard()
            raise

    def mount(self):
        run(BUILD / "mount.astrofs", self.path, "--config", self.config, *self.options, env=self.environment)

    def __truediv__(self, other):
        return self.path / other

    def control(self, *arguments, check=True):
        return run(BUILD / "astrofs", *arguments, check=check)

    def tell(self, **request):
        """A request to the control socket; it is done when this returns."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(os.getxattr(self.path, "user.astrofs.control"))
            client.sendall(json.dumps(request).encode() + b"\n")
            return client.recv(65536)

    def status(self):
        return json.loads(self.control("status", "--json", self.path).stdout)

    def why(self, path):
        return json.loads(self.control("why", "--json", self.path / path).stdout)

    def pid(self):
        return self.status()["pid"]

    def is_mounted(self):
        return any(line.split()[4] == str(self.path) for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines())

    def unmount(self):
        if not self.is_mounted():
            return
        run("fusermount3", "-u", self.path)
        wait_until(self.lock_is_free, "the daemon lets go of the cache")

    def lock_is_free(self):
        lock = self.cache / "lock"
        return not lock.exists() or run("flock", "-n", lock, "true", check=False).returncode == 0

    def kill(self):
        """kill -9, as a crash would; then the dead mount point is cleared."""
        os.kill(self.pid(), signal.SIGKILL)
        wait_until(self.lock_is_free, "the daemon is dead")
        run("fusermount3", "-u", "-z", self.path)

    def discard(self):
        """Whatever state it is in: afterwards there is neither a mount nor a daemon."""
        if self.is_mounted():
            with contextlib.suppress(OSError, AssertionError, ValueError, subprocess.TimeoutExpired):
                os.kill(self.pid(), signal.SIGKILL)
            run("umount", "-l", self.path, check=False)
        with contextlib.suppress(AssertionError):
            wait_until(self.lock_is_free, "the daemon is gone", 10)

    def log(self):
        log = self.cache / "astrofs.log"
        return log.read_text() if log.exists() else ""


def tess_config(sim, extra=""):
    return f'[archives.tess]\ntype = "tess"\ns3 = "{sim.url}"\narchive = "{sim.url}"\nmast = "{sim.url}"\n{extra}\n'


class MountTest(unittest.TestCase):
    """Gives each test a directory, and takes away what it mounted and started, also when setUp() fails."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="astrofs-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def sim(self, *arguments):
        sim = Sim(self.directory, *arguments)
        self.addCleanup(sim.stop)
        return sim

    def mount(self, config, *options, kind=Mount, **keywords):
        mount = kind(self.directory, config, *options, **keywords)
        self.addCleanup(mount.discard)
        return mount

    def tess(self, *options, frames=4, size="small", chips="1-1", **keywords):
        """A generated sector 4 and a mount of it."""
        sim = self.sim("--sector", 4, "--frames", frames, "--chips", chips, "--size", size, "--prf")
        return sim, self.mount(tess_config(sim), *options, **keywords)

    def folder(self, style="apache"):
        """An empty folder served by the stand-in, and its sim."""
        folder = self.directory / "served"
        folder.mkdir(exist_ok=True)
        return folder, self.sim("--folder", f"{folder}:{style}:/data")

    def astroquery(self, server, script, *arguments):
        """Runs what users of Debian's astroquery would write; what it said. The address of the server is one of its settings, in a
        file of the user's."""
        if importlib.util.find_spec("astroquery") is None:
            self.skipTest("python3-astroquery is not installed")
        home = self.directory / "home"
        (home / ".astropy" / "config").mkdir(parents=True)
        (home / ".astropy" / "config" / "astroquery.cfg").write_text(f"[mast]\nserver = {server.url}\n")
        environment = {**os.environ, "HOME": str(home), "PYTHONWARNINGS": "ignore"}
        for name in ("XDG_CONFIG_HOME", "MAST_API_TOKEN"):
            environment.pop(name, None)
        return run(sys.executable, "-c", script, *arguments, timeout=2 * PATIENCE, env=environment).stdout

    def waiting(self, mount, count):
        wait_until(lambda: mount.status()["calls_waiting"] >= count, f"{count} calls wait")

    def read_at_last(self, path, *errors):
        """The file's bytes, as soon as they can be read; until then reading it may end in one of `errors`."""
        def whole():
            try:
                return path.read_bytes()
            except OSError as error:
                self.assertIn(error.errno, errors)
        return wait_until(whole, f"{path.name} is read")

    def assert_not_given_up(self, mount, part=""):
        """The daemon gives up a silent server by itself, long before `timeout`: who has ended by now did not wait for that."""
        self.assertEqual([line for line in mount.log().splitlines() if " warning http: " in line and part in line], [])

    def assert_errno(self, code, call, *arguments):
        with self.assertRaises(OSError) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.errno, code)


class SentenceResult(unittest.TextTestResult):
    def getDescription(self, test):
        return test.id().split(".", 1)[-1]


def main():
    """Runs the tests of the calling script; the last line is "N passed, N failed[, N skipped]"."""
    if not os.path.exists("/dev/fuse"):
        print("no /dev/fuse: a mount test cannot run here", file=sys.stderr)
        print("0 passed, 1 failed")
        sys.exit(1)
    program = unittest.main(module="__main__", exit=False, verbosity=2,
                            testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=SentenceResult))
    result = program.result
    # A test with several sub-tests that fail is one test.
    failed = len({getattr(test, "test_case", test).id() for test, _ in [*result.failures, *result.errors]})
    failed += len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    passed = max(0, result.testsRun - failed - skipped)  # what fails before its first test has run none
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed or not passed + skipped else 0)
