#!/usr/bin/python3
"""How a mount begins, what it refuses to begin with, and how it ends."""
import contextlib
import ctypes
import errno
import fcntl
import glob
import os
import pathlib
import random
import resource
import signal
import socket
import stat
import subprocess
import time
import unittest

from harness import (BUILD, PATIENCE, Mount, MountTest, alone_on_the_machine, fuse_for_all_users, main, run, tess_config,
                     wait_until)

PROGRAM = BUILD / "mount.astrofs"
HELPER = pathlib.Path("/sbin/mount.astrofs")
SYSTEM_CONFIG = pathlib.Path("/etc/astrofs/astrofs.toml")
PR_SET_CHILD_SUBREAPER = 36
NOBODY = 65534
FIRST = b"first file\n"
# Of the moments at which a start is ended; told where one fails.
SEED = int(os.environ.get("MOUNT_SEED", random.SystemRandom().randrange(1 << 32)))

needs_root = unittest.skipUnless(os.geteuid() == 0, "only root may do this")


class Place(Mount):
    """A mount point, a configuration and a cache that are not mounted yet."""

    def mount(self):
        pass

    def begin(self, *arguments, check=True, **keywords):
        return run(PROGRAM, self.path, "--config", self.config, *arguments, check=check, **keywords)

    def mountinfo(self):
        """The line of the kernel's table: the mount's own options, then those of the file system."""
        for line in open("/proc/self/mountinfo"):
            words = line.split()
            if words[4] == str(self.path):
                dash = words.index("-")
                return set(words[5].split(",")), words[dash + 1], words[dash + 2], set(words[dash + 3].split(","))
        return None


def as_nobody(*command):
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *map(str, command)]


def no_child_is_left():
    """Those who have ended are forgotten."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return False
    return True


class Mounting(MountTest):
    def place(self, config=None, **keywords):
        """A place for a mount of a served folder with one file, or of `config`."""
        if config is None:
            folder, sim = self.folder()
            (folder / "first.txt").write_bytes(FIRST)
            config = f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n'
        return self.mount(config, kind=Place, **keywords)

    def local(self):
        here = self.directory / "here"
        here.mkdir(exist_ok=True)
        (here / "first.txt").write_bytes(FIRST)
        return self.place(f'[archives.here]\ntype = "local"\npath = "{here}"\n')

    def foreground(self, place, *arguments, **environment):
        process = subprocess.Popen([PROGRAM, place.path, "--config", place.config, "--foreground", *map(str, arguments)],
                                   stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    @contextlib.contextmanager
    def adopting(self):
        """Daemons become children of this process, so that their exit codes can be seen."""
        libc = ctypes.CDLL(None)
        self.assertEqual(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0)
        try:
            yield
        finally:
            libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)

    def assert_refused(self, result, *words):
        """One clear line, and not 0."""
        self.assertNotEqual(result.returncode, 0, result)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("mount.astrofs: "), lines[0])
        for word in words:
            self.assertIn(str(word), lines[0])

    def assert_nothing_left(self, place):
        self.assertFalse(place.is_mounted())
        self.assertFalse(place.cache.exists() or place.cache.is_symlink(), "a cache directory was made")
        self.assertEqual(os.listdir(place.path), [])

    # ---- beginning

    def test_a_read_works_as_soon_as_the_program_returns(self):
        place = self.place()
        place.begin()
        self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)

    def test_it_returns_and_writes_into_no_file_where_its_input_and_output_are_closed(self):
        place = self.place()
        command = [PROGRAM, place.path, "--config", place.config]
        run("bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash", *command)
        self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)
        place.unmount()
        process = subprocess.Popen(["bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash", *command, "--foreground"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: os.path.exists(place / "data/first.txt"), "the mount is there")
        self.assertEqual({os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)}, {"/dev/null"})
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_the_source_is_what_the_table_of_mounts_shows(self):
        place = self.place()
        run(PROGRAM, "stars, and more\\", place.path, "--config", place.config)
        options, kind, source, _ = place.mountinfo()
        self.assertEqual((kind, source), ("fuse.astrofs", "stars,\\040and\\040more\\134"))
        self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)

    def test_a_mount_is_read_only_without_devices_and_set_user_ids(self):
        place = self.place()
        place.begin("-o", "rw,suid,dev")
        options, _, _, _ = place.mountinfo()
        self.assertLessEqual({"ro", "nosuid", "nodev"}, options)

    def test_the_form_of_mounts_helper_is_understood(self):
        place = self.place()
        run(PROGRAM, "astrofs", place.path, "-s", "-n", "-v", "-o",
            f"rw,noauto,nofail,_netdev,user,x-systemd.automount,comment=sky,unheard_of=1,config={place.config}")
        self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)

    def test_options_of_fstab_are_accepted(self):
        place = self.place()
        place.begin("-f", "-o", "defaults,auto,noauto,user,users,owner,group,nofail,_netdev,noatime,nodiratime,relatime,strictatime,"
                    "lazytime,sync,async,dirsync,silent,exec,noexec,x-gvfs-show,default_permissions")

    def test_fake_checks_everything_and_mounts_nothing(self):
        place = self.place()
        run(PROGRAM, "astrofs", place.path, "-f", "-o", f"config={place.config}")
        self.assert_nothing_left(place)
        place.config.write_text('[archives.a]\ntype = "nonsense"\n')
        self.assert_refused(place.begin("-f", check=False), "nonsense")
        self.assert_refused(run(PROGRAM, self.directory / "absent", "-f", "--config", place.config, check=False))

    @needs_root
    def test_mount_8_finds_the_helper_and_an_fstab_line_works(self):
        self.enterContext(alone_on_the_machine())
        if HELPER.is_symlink() and "build" in HELPER.readlink().parts:
            HELPER.unlink()  # of a test that was killed
        if HELPER.exists() or HELPER.is_symlink():
            self.skipTest(f"{HELPER} is there already")
        HELPER.symlink_to(PROGRAM)
        self.addCleanup(HELPER.unlink)
        place = self.place()
        run("mount", "-t", "astrofs", "astrofs", place.path, "-o", f"config={place.config},timeout=20")
        self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)
        run("umount", place.path)
        wait_until(place.lock_is_free, "the daemon ends")
        fstab = self.directory / "fstab"
        fstab.write_text(f"astrofs {place.path} astrofs noauto,nofail,_netdev,allow_other,config={place.config} 0 0\n")
        run("mount", "--fstab", fstab, place.path)
        self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)
        self.assertEqual(place.mountinfo()[1], "fuse.astrofs")
        place.unmount()
        place.config.write_text("[nonsense]\n")
        result = run("mount", "--fstab", fstab, place.path, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(f"{place.config}:1:", result.stderr)

    def test_in_the_foreground_it_stays_and_logs_to_stderr(self):
        place = self.place()
        process = self.foreground(place)
        wait_until(lambda: os.path.exists(place / "data/first.txt"), "the mount is there")
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 0)
        log = process.stderr.read()
        self.assertIn(f"mounted {place.path}", log)
        self.assertIn(f"unmounted {place.path}", log)

    def notified(self, address, name):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(address)
            listener.settimeout(PATIENCE)
            place = self.place()
            process = self.foreground(place, NOTIFY_SOCKET=name)
            self.assertEqual(listener.recv(100), b"READY=1")
            self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)
            process.terminate()
            self.assertEqual(listener.recv(100), b"STOPPING=1")
            self.assertEqual(process.wait(PATIENCE), 0)

    def test_systemd_hears_when_the_mount_is_ready_and_when_it_ends(self):
        self.notified(str(self.directory / "notify"), str(self.directory / "notify"))

    def test_systemd_may_listen_on_an_abstract_socket(self):
        self.notified(f"\0astrofs-test-{os.getpid()}", f"@astrofs-test-{os.getpid()}")

    def test_systemd_does_not_hear_ready_from_a_mount_that_failed(self):
        path = str(self.directory / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            listener.setblocking(False)
            place = self.place()
            place.cache.symlink_to(self.directory)
            self.assertNotEqual(self.foreground(place, NOTIFY_SOCKET=path).wait(PATIENCE), 0)
            with contextlib.suppress(BlockingIOError):
                self.assertNotEqual(listener.recv(100), b"READY=1")

    # ---- ending

    def assert_ends(self, end):
        with self.adopting():
            place = self.place()
            place.begin()
            self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)
            pid = place.pid()
            control = pathlib.Path(os.getxattr(place.path, "user.astrofs.control").decode())
            self.assertTrue(control.exists())
            end(place, pid)
            wait_until(lambda: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT), "the daemon ends")
            _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        self.assertFalse(place.is_mounted())
        self.assertFalse(control.exists())
        self.assertTrue(place.lock_is_free())
        self.assertIn("unmounted", place.log())
        place.begin()
        self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)

    def test_sigterm_ends_it_cleanly(self):
        self.assert_ends(lambda place, pid: os.kill(pid, signal.SIGTERM))

    def test_sigint_ends_it_cleanly(self):
        self.assert_ends(lambda place, pid: os.kill(pid, signal.SIGINT))

    @needs_root
    def test_umount_ends_it_cleanly(self):
        self.assert_ends(lambda place, pid: run("umount", place.path))

    def test_fusermount3_ends_it_cleanly(self):
        self.assert_ends(lambda place, pid: run("fusermount3", "-u", place.path))

    def test_astrofs_unmount_ends_it_cleanly(self):
        self.assert_ends(lambda place, pid: place.control("unmount", place.path))

    @needs_root
    def test_a_lazy_umount_lets_readers_finish(self):
        def end(place, pid):
            with open(place / "data/first.txt", "rb", buffering=0) as file:
                run("umount", "-l", place.path)
                self.assertFalse(place.is_mounted())
                self.assertEqual(file.read(), FIRST)
        self.assert_ends(end)

    def test_sigterm_ends_a_mount_that_is_busy(self):
        def end(place, pid):
            with open(place / "data/first.txt", "rb", buffering=0) as file:
                os.kill(pid, signal.SIGTERM)
                wait_until(lambda: not place.is_mounted(), "the mount is gone")
                with contextlib.suppress(OSError):
                    file.read()
        self.assert_ends(end)

    def test_sigterm_ends_a_mount_whose_archive_is_silent(self):
        folder, sim = self.folder()
        (folder / "first.txt").write_bytes(FIRST)
        place = self.place(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n')
        process = self.foreground(place, "-o", "timeout=600")
        wait_until(lambda: os.path.exists(place / "data/first.txt"), "the mount is there")
        sim.fault("*first.txt", "silent")
        reader = subprocess.Popen(["cat", place / "data/first.txt"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: place.status()["calls_waiting"] >= 1, "the reader waits")
        warmer = subprocess.Popen([BUILD / "astrofs", "warm", place / "data"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        idle = socket.socket(socket.AF_UNIX)
        idle.connect(os.getxattr(place.path, "user.astrofs.control"))
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertNotEqual(reader.wait(PATIENCE), 0)
        self.assertNotEqual(warmer.wait(PATIENCE), 0)
        idle.close()
        self.assertFalse(place.is_mounted())

    def test_sigterm_ends_a_mount_that_waits_for_what_a_lost_frame_would_have_looked_like(self):
        sim = self.sim("--sector", 4, "--frames", 3, "--chips", "1-1")
        place = self.place(tess_config(sim))
        process = self.foreground(place, "-o", "timeout=600")
        wait_until(lambda: os.path.exists(place / "tess/4/1/1"), "the mount is there")
        lost, *others = sorted(os.listdir(place / "tess/4/1/1"))
        sim.deny(lost)
        for name in others:
            sim.fault(f"*{name}", "silent")
        reader = subprocess.Popen(["cat", place / "tess/4/1/1" / lost], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: any(sim.log(name) for name in others), "a sibling is asked for its header")
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertNotEqual(reader.wait(PATIENCE), 0)

    def test_a_signal_at_any_moment_of_the_start_leaves_no_mount(self):
        place = self.local()
        span = 1.5 * self.seconds_to_start(place)
        chance = random.Random(SEED)
        with self.adopting():
            for number in range(20):
                delay = chance.uniform(0, span)
                with self.subTest(seed=SEED, round=number, delay=delay):
                    process = self.foreground(place)
                    time.sleep(delay)
                    process.terminate()
                    code = process.wait(PATIENCE)
                    wait_until(no_child_is_left, "no process is left")
                    # Before there is anything to take away it dies of the signal; from then on it ends as always.
                    self.assertIn(code, (0, -signal.SIGTERM), process.stderr.read())
                    self.assertFalse(place.is_mounted(), "a dead mount is left behind")
                    self.assertTrue(place.lock_is_free())
        place.begin()
        self.assertEqual((place / "here/first.txt").read_bytes(), FIRST)

    def seconds_to_start(self, place):
        """Until it says that it is ready; it has ended again when this returns."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(self.directory / "notify"))
            listener.settimeout(PATIENCE)
            before = time.monotonic()
            process = self.foreground(place, NOTIFY_SOCKET=str(self.directory / "notify"))
            self.assertEqual(listener.recv(100), b"READY=1")
            seconds = time.monotonic() - before
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
        return seconds

    # ---- where the configuration is looked for

    def test_the_configuration_is_the_first_of_its_places(self):
        place = self.local()
        broken = {}
        for name in ("option", "flag", "variable", "xdg/astrofs/astrofs", "home/.config/astrofs/astrofs"):
            broken[name] = self.directory / f"{name}.toml"
            broken[name].parent.mkdir(parents=True, exist_ok=True)
            broken[name].write_text(f'[{name.split("/")[0]}]\n')
        environment = {**os.environ, "ASTROFS_CONFIG": str(broken["variable"]), "HOME": str(self.directory / "home"),
                       "XDG_CONFIG_HOME": str(self.directory / "xdg")}

        def chosen(*arguments):
            return run(PROGRAM, place.path, "-f", *arguments, check=False, env=environment)

        self.assert_refused(chosen("--config", broken["flag"]), f'{broken["flag"]}:1:')
        self.assert_refused(chosen("-o", f'config={broken["option"]}'), f'{broken["option"]}:1:')
        self.assert_refused(chosen(), f'{broken["variable"]}:1:')
        del environment["ASTROFS_CONFIG"]
        self.assert_refused(chosen(), f'{broken["xdg/astrofs/astrofs"]}:1:')
        del environment["XDG_CONFIG_HOME"]
        self.assert_refused(chosen(), f'{broken["home/.config/astrofs/astrofs"]}:1:')
        broken["home/.config/astrofs/astrofs"].unlink()
        if SYSTEM_CONFIG.exists():
            self.skipTest(f"{SYSTEM_CONFIG} is there")
        self.assertEqual(chosen().returncode, 0, "the built-in configuration")

    # ---- what it refuses

    def test_a_wrong_configuration_is_named_with_line_and_column(self):
        place = self.local()
        good = '[cache]\ndir = "/nowhere"\n'
        for name, text, words in (
                ("unknown table", "[cash]\n", (":1:", "cash", "[cache]")),
                ("unknown key", good + 'sise = "1 GiB"\n', (":3:1", "sise", "size")),
                ("wrong type", good + "size = 5\n", (":3:8", "size", "string")),
                ("bad size", good + 'size = "lots"\n', (":3:8", "lots")),
                ("no size", good + 'size = "0"\n', (":3:8",)),
                ("syntax", "[cache\n", (":1:",)),
                ("unknown type", '[archives.a]\ntype = "nonsense"\n', (":1:", "nonsense", "index")),
                ("unknown key of an archive", '[archives.a]\ntype = "index"\nurl = "http://127.0.0.1:1/"\nurk = 1\n',
                 (":4:7", "urk", "url")),
                ("wrong type in an archive", '[archives.a]\ntype = "index"\nurl = 5\n', (":3:7", "url", "string")),
                ("no url", '[archives.a]\ntype = "index"\n', (":1:", "url")),
                ("bad url", '[archives.a]\ntype = "index"\nurl = "ftp://x/"\n', (":3:7", "ftp")),
                ("bad policy", '[archives.a]\ntype = "index"\nurl = "http://127.0.0.1:1/"\nmissing = "maybe"\n',
                 (":4:11", "placeholder", "enoent")),
                ("a slash in a name", '[archives."a/b"]\ntype = "index"\n', (":1:", "a")),
                ("no archives", good, ("archives",)),
                ("empty", "", ("archives",))):
            with self.subTest(name):
                place.config.write_text(text)
                for arguments in ((), ("--foreground",)):
                    result = place.begin("-o", f"cache={place.cache}", *arguments, check=False)
                    self.assert_refused(result, f"{place.config}", *words)
                    self.assert_nothing_left(place)

    def test_a_secret_in_a_wrong_url_is_not_repeated(self):
        place = self.place('[archives.a]\ntype = "index"\nurl = "http://user:hunter2@127.0.0.1:1/ x"\n')
        result = place.begin(check=False)
        self.assert_refused(result, f"{place.config}:")
        self.assertNotIn("hunter2", result.stderr)

    def test_a_configuration_that_is_not_there_is_an_error(self):
        place = self.local()
        self.assert_refused(run(PROGRAM, place.path, "--config", "/absent.toml", check=False), "/absent.toml", "--config")
        self.assert_refused(run(PROGRAM, place.path, "-o", "config=/absent.toml", check=False), "/absent.toml")
        self.assert_refused(run(PROGRAM, place.path, "--config", "", check=False), "--config")
        self.assert_refused(run(PROGRAM, place.path, check=False, env={**os.environ, "ASTROFS_CONFIG": "/absent.toml"}),
                            "/absent.toml", "ASTROFS_CONFIG")
        self.assert_refused(run(PROGRAM, place.path, "--config", self.directory, check=False), self.directory)

    def test_wrong_options_are_named(self):
        place = self.local()
        for options, words in (("unheard_of", ("unheard_of", "mount.astrofs(8)")), ("unheard_of=7", ("unheard_of",)),
                               ("timeout=soon", ("timeout=soon", "number")), ("timeout=0", ("timeout=0",)),
                               ("timeout=-1", ("timeout=-1",)), ("timeout", ("timeout",)), ("max_read=65536", ("max_read",)),
                               ("timeout=99999999999999", ("timeout",)), ("uid=me", ("uid=me", "number")),
                               ("gid=", ("gid",)), ("cache_size=lots", ("cache_size", "lots")), ("cache_size=0", ("cache_size",)),
                               ("cache=", ("cache",)), ("log=", ("log",)), ("config=", ("config",)),
                               ("missing=maybe", ("missing=maybe", "placeholder", "enoent")),
                               ("offline=yes", ("offline",)), ("allow_other=1", ("allow_other",))):
            with self.subTest(options):
                self.assert_refused(place.begin("-o", options, check=False), *words)
                self.assert_nothing_left(place)

    def test_a_wrong_command_line_shows_how_it_is_used(self):
        for arguments in ((), ("a", "b", "c"), ("--nonsense", "/mnt"), ("/mnt", "-o")):
            with self.subTest(arguments):
                self.assert_refused(run(PROGRAM, *arguments, check=False), "usage: mount.astrofs")

    def test_where_threads_cannot_be_made_nothing_is_mounted(self):
        place, said = self.local(), []
        # From too little for the index to enough: the stacks of threads are most of what comes between.
        for mebibytes in range(1000, 2000, 50):
            asked = place.begin(check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20,) * 2))
            said.append(asked.stderr)
            if asked.returncode == 0:
                place.unmount()
                break
            wait_until(place.lock_is_free, "the daemon has ended")
            self.assertIsNone(place.mountinfo(), mebibytes)
        self.assertTrue(any("no thread" in one for one in said), said)

    def test_help_and_version_are_no_errors(self):
        self.assertIn("MOUNTPOINT", run(PROGRAM, "--help").stdout)
        self.assertIn("mount.astrofs", run(PROGRAM, "--version").stdout)

    def test_a_mount_point_must_be_a_directory_that_is_there(self):
        place = self.local()
        absent = self.directory / "absent"
        self.assert_refused(run(PROGRAM, absent, "--config", place.config, check=False), absent, "make the directory")
        file = self.directory / "file"
        file.write_text("")
        self.assert_refused(run(PROGRAM, file, "--config", place.config, check=False), file, "not a directory")
        self.assert_nothing_left(place)
        (place / "below").write_text("hidden while mounted")
        place.begin()
        self.assertEqual(os.listdir(place.path), ["here"])
        place.unmount()
        self.assertEqual(os.listdir(place.path), ["below"])

    def test_relative_places_are_those_of_the_caller(self):
        place = self.local()
        run(PROGRAM, "mnt", "--config", "astrofs.toml", "-o", "cache=own,log=own.log", cwd=place.directory)
        self.assertEqual((place / "here/first.txt").read_bytes(), FIRST)
        self.assertTrue((place.directory / "own/lock").exists())
        self.assertIn("mounted", (place.directory / "own.log").read_text())
        place.cache = place.directory / "own"

    def test_a_tilde_in_cache_is_the_home(self):
        place = self.local()
        home = self.directory / "home"
        home.mkdir()
        place.begin("-o", "cache=~/sky", env={**os.environ, "HOME": str(home)}, cwd=self.directory)
        place.cache = home / "sky"
        self.assertTrue((home / "sky/lock").exists())

    def test_a_dead_mount_is_named_as_such(self):
        place = self.local()
        place.begin()
        os.kill(place.pid(), signal.SIGKILL)
        wait_until(place.lock_is_free, "the daemon is dead")
        for path, cwd in ((place.path, None), ("mnt", place.directory)):
            result = run(PROGRAM, path, "--config", place.config, check=False, cwd=cwd)
            self.assert_refused(result, place.path, "fusermount3 -u")
        run("fusermount3", "-u", place.path)
        place.begin()
        self.assertEqual((place / "here/first.txt").read_bytes(), FIRST)

    @needs_root
    def test_auto_unmount_clears_the_mount_of_a_daemon_that_died(self):
        place = self.local()
        place.begin("-o", "auto_unmount")
        os.kill(place.pid(), signal.SIGKILL)
        wait_until(lambda: not place.is_mounted(), "the mount is cleared")

    def test_a_mounted_place_is_named_as_such_and_nothing_is_mounted_on_it(self):
        place = self.local()
        place.begin()
        for arguments in ((), ("-o", f"cache={self.directory / 'other'}")):
            result = place.begin(*arguments, check=False)
            self.assert_refused(result, f"already mounted on {place.path}", f"astrofs unmount {place.path}")
            self.assertNotIn("cache=", result.stderr)
        place.unmount()
        self.assertFalse(place.is_mounted())

    # ---- the cache directory

    def holders(self, file):
        """Processes that have the file open."""
        found = set()
        for fd in glob.glob("/proc/[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if os.readlink(fd) == str(file):
                    found.add(int(fd.split("/")[2]))
        return found - {os.getpid()}

    def test_a_mount_may_follow_an_umount_at_once(self):
        place = self.local()
        place.begin()
        for _ in range(5):
            run("fusermount3", "-u", place.path)
            place.begin("-o", "offline")
        self.assertEqual((place / "here/first.txt").read_bytes(), FIRST)

    def test_a_cache_in_use_is_refused_after_a_while(self):
        place = self.local()
        place.begin()
        other = self.local()
        self.assert_refused(other.begin("-o", f"cache={place.cache}", check=False), f"in use by process {place.pid()}",
                            "astrofs status", "cache=")

    def test_who_interrupts_a_mount_that_waits_for_its_cache_gets_none(self):
        place = self.local()
        place.cache.mkdir(mode=0o700)
        with open(place.cache / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            command = subprocess.Popen([PROGRAM, place.path, "--config", place.config], start_new_session=True)
            self.addCleanup(command.wait)
            wait_until(lambda: self.holders(place.cache / "lock"), "it waits for the lock")
            command.send_signal(signal.SIGINT)
            self.assertEqual(command.wait(PATIENCE), -signal.SIGINT)
            self.assertEqual(self.holders(place.cache / "lock"), set(), "a daemon waits on")
        self.assertFalse(place.is_mounted())

    def refuse_cache(self, cache, *words):
        place = self.local()
        self.assert_refused(place.begin("-o", f"cache={cache}", check=False), *words)
        self.assertFalse(place.is_mounted())

    def test_a_cache_that_others_can_write_is_refused(self):
        cache = self.directory / "open"
        cache.mkdir()
        (cache / "theirs").touch()
        cache.chmod(0o777)
        self.refuse_cache(cache, cache, "writable by others", "chmod")
        self.assertEqual(cache.stat().st_mode & 0o777, 0o777)

    def test_an_empty_cache_that_others_can_write_is_closed_to_them(self):
        cache = self.directory / "open"
        cache.mkdir()
        cache.chmod(0o777)
        self.local().begin("-o", f"cache={cache}")
        self.assertEqual(cache.stat().st_mode & 0o777, 0o700)

    def test_a_cache_behind_a_symlink_is_refused(self):
        (self.directory / "real").mkdir(mode=0o700)
        link = self.directory / "link"
        link.symlink_to("real")
        self.refuse_cache(link, link, "symbolic link")

    def test_a_cache_that_is_a_file_is_refused(self):
        file = self.directory / "file"
        file.write_text("")
        self.refuse_cache(file, file, "not a directory")

    @needs_root
    def test_a_cache_of_somebody_else_is_refused(self):
        cache = self.directory / "theirs"
        cache.mkdir(mode=0o700)
        os.chown(cache, NOBODY, NOBODY)
        self.refuse_cache(cache, cache, f"user {NOBODY}", "cache=")

    @needs_root
    def test_a_cache_on_a_read_only_disk_is_refused(self):
        disk = self.directory / "disk"
        disk.mkdir()
        run("mount", "-t", "tmpfs", "-o", "ro,mode=700", "tmpfs", disk)
        try:
            self.refuse_cache(disk, disk, "Read-only")
            self.refuse_cache(disk / "cache", disk, "Read-only")
        finally:
            run("umount", disk)

    def test_a_cache_of_a_newer_version_is_refused_and_kept(self):
        place = self.local()
        place.begin()
        place.unmount()
        mark = place.cache / "format"
        mark.write_text("astrofs cache format 999\n")
        before = sorted(place.cache.rglob("*"))
        self.assert_refused(place.begin(check=False), place.cache, "newer", "999", "cache=")
        self.assertEqual(sorted(place.cache.rglob("*")), before)
        self.assertEqual(mark.read_text(), "astrofs cache format 999\n")

    def test_a_cache_inside_the_mount_point_is_refused(self):
        place = self.local()
        for arguments in ((), ("--foreground",)):
            for cache in (place / "cache", place / "not/yet/there", place.path):
                result = place.begin("-o", f"cache={cache}", *arguments, check=False)
                self.assert_refused(result, "inside the mount point", "cache=")
                self.assert_nothing_left(place)

    def test_a_log_inside_the_mount_point_is_refused(self):
        place = self.local()
        for arguments in ((), ("--foreground",)):
            result = place.begin("-o", f"log={place / 'not/yet.log'}", *arguments, check=False)
            self.assert_refused(result, "inside the mount point", "log=")
            self.assert_nothing_left(place)

    def test_a_mount_point_that_would_show_itself_is_refused(self):
        place = self.local()
        place.config.write_text(f'[archives.all]\ntype = "local"\npath = "{place.directory}"\n')
        self.assert_refused(place.begin(check=False), f"the mount point {place.path} lies inside")
        self.assert_nothing_left(place)

    def test_a_cache_on_another_mount_of_ours_is_refused(self):
        first = self.local()
        first.begin()
        self.refuse_cache(first / "here", first / "here", "Read-only")

    def test_what_is_on_disk_is_private(self):
        place = self.place()
        os.umask(os.umask(0o022))
        place.begin()
        self.assertEqual((place / "data/first.txt").read_bytes(), FIRST)
        for path in [place.cache, *place.cache.rglob("*")]:
            mode = path.lstat().st_mode
            self.assertEqual(stat.S_IMODE(mode) & 0o077, 0, f"{path} has mode {mode:o}")
        control = os.getxattr(place.path, "user.astrofs.control").decode()
        self.assertEqual(stat.S_IMODE(os.stat(control).st_mode), 0o600)

    def test_the_log_goes_where_it_is_told(self):
        place = self.place()
        log = self.directory / "own.log"
        place.begin("-o", f"log={log}")
        self.assertIn(f"mounted {place.path}", log.read_text())
        self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o600)
        place.unmount()
        self.assert_refused(place.begin("-o", "log=/absent/dir/x.log", check=False), "/absent/dir/x.log", "log file")

    # ---- users

    def open_to_all(self):
        """A place whose way there is open to other users."""
        place = self.local()
        for directory in (self.directory, place.directory):
            directory.chmod(0o755)
        return place

    @needs_root
    def test_other_users_see_nothing_unless_they_may(self):
        place = self.open_to_all()
        place.begin()
        self.assertNotEqual(run(*as_nobody("ls", place.path), check=False).returncode, 0)
        place.unmount()
        place.begin("-o", "allow_other")
        self.assertEqual(run(*as_nobody("cat", place / "here/first.txt")).stdout.encode(), FIRST)
        asked = run(*as_nobody(BUILD / "astrofs", "status", place.path), check=False)
        self.assertEqual(asked.returncode, 1)
        self.assertIn(f"the daemon of {place.path} answers only who mounted it", asked.stderr)

    def test_uid_and_gid_are_shown(self):
        place = self.place()
        place.begin("-o", "uid=1234,gid=5678")
        for path in (place.path, place / "data", place / "data/first.txt"):
            status = os.stat(path)
            self.assertEqual((status.st_uid, status.st_gid), (1234, 5678))
        self.assertEqual(stat.S_IMODE(os.stat(place / "data/first.txt").st_mode), 0o444)
        self.assertEqual(stat.S_IMODE(os.stat(place / "data").st_mode), 0o555)

    def place_of_a_user(self):
        """A place that is nobody's, and who runs a command as he."""
        self.enterContext(fuse_for_all_users())
        place = self.open_to_all()
        for path in (place.directory, place.path):
            os.chown(path, NOBODY, NOBODY)
        os.chmod(self.directory / "here", 0o755)
        environment = {**os.environ, "HOME": str(place.directory)}
        environment.pop("XDG_RUNTIME_DIR", None)

        def user(*command, check=True):
            return run(*as_nobody(*command), check=check, env=environment)

        return place, user

    @needs_root
    def test_a_mount_of_another_user_hides_no_other_name_of_a_local_folder(self):
        theirs, user = self.place_of_a_user()
        user(PROGRAM, theirs.path, "--config", theirs.config)
        self.assert_errno(errno.EACCES, os.stat, theirs.path)
        ours = self.place(f'[archives.all]\ntype = "local"\npath = "{theirs.directory}"\n')
        ours.begin()
        names = os.listdir(ours / "all")
        self.assertIn(theirs.config.name, names)
        self.assertNotIn(theirs.path.name, names)
        self.assert_errno(errno.EACCES, os.stat, ours / "all" / theirs.path.name)

    @needs_root
    def test_a_user_mounts_asks_and_unmounts(self):
        place, user = self.place_of_a_user()
        user(PROGRAM, place.path, "--config", place.config)
        self.assertEqual(user("cat", place / "here/first.txt").stdout.encode(), FIRST)
        self.assertIn(str(place.path), user(BUILD / "astrofs", "status", place.path).stdout)
        self.assertEqual(place.cache.stat().st_uid, NOBODY)
        user(BUILD / "astrofs", "unmount", place.path)
        wait_until(place.lock_is_free, "the daemon ends")
        os.chown(place.path, 0, 0)
        refused = user(PROGRAM, place.path, "--config", place.config, check=False)
        self.assert_refused(refused, place.path, "write")
        self.assertFalse(place.is_mounted())


if __name__ == "__main__":
    main()
