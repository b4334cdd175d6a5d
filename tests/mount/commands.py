#!/usr/bin/python3
"""The tool `astrofs`, its socket, and the extended attributes of files."""
import concurrent.futures
import contextlib
import errno
import http.server
import json
import math
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

from failing import used
from harness import BUILD, PATIENCE, MountTest, main, run, wait_until
from reading import CHIP, HEAD, first_frame, key_of, read_head

TOOL = BUILD / "astrofs"
MIB = 1 << 20
FRAMES = "*_ffic.fits"
SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(\{[a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*\})? (-?[0-9.e+]+)')


def parse_metrics(text):
    """Prometheus text as {series: value}; an AssertionError for anything that is not."""
    types, values = {}, {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert kind in ("counter", "gauge"), line
            assert name not in types, f"typed twice: {name}"
            types[name] = kind
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"no sample: {line!r}"
        name, labels, value = sample.groups()
        assert name in types, f"no type: {line}"
        assert name + (labels or "") not in values, f"twice: {line}"
        values[name + (labels or "")] = float(value)
    return values


class Commands(MountTest):
    def index(self, names=("first.txt",), **keywords):
        folder, sim = self.folder()
        for name in names:
            (folder / name).write_bytes(name.encode())
        return folder, sim, self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', **keywords)

    def ask(self, *arguments, check=True, **keywords):
        return run(TOOL, *arguments, check=check, **keywords)

    def json(self, *arguments, **keywords):
        """Every line of the answer, each an object."""
        return [json.loads(line) for line in self.ask(arguments[0], "--json", *arguments[1:], **keywords).stdout.splitlines()]

    def assert_error(self, result, *words):
        self.assertNotEqual(result.returncode, 0, result)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        for word in words:
            self.assertIn(str(word), lines[0])

    def reads(self, path):
        with contextlib.suppress(OSError):
            return path.read_bytes()
        return None

    def talk(self, mount, *lines):
        """Raw bytes to the control socket; what comes back until it hangs up."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(os.getxattr(mount.path, "user.astrofs.control"))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for line in lines:
                    client.sendall(line)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := client.recv(65536):
                    answer += piece
            return answer

    # ---- status, why, metrics

    def test_status_tells_mount_archives_cache_and_transfers(self):
        sim, mount = self.tess(frames=2)
        first_frame(mount).read_bytes()
        text = self.ask("status", mount.path).stdout
        for word in (str(mount.path), "tess", "cache", "reads", "transfers", "config", "passthrough"):
            self.assertIn(word, text)
        wait_until(lambda: mount.status()["cache"]["objects"] == 1, "the frame is kept")
        status, = self.json("status", mount.path)
        self.assertEqual(status["mountpoint"], str(mount.path))
        self.assertEqual(status["archives"][0]["name"], "tess")
        self.assertEqual(status["cache"]["quota_bytes"], 1 << 30)
        self.assertEqual(status["cache"]["objects"], 1)
        self.assertGreater(status["cache"]["used_bytes"], 0)
        self.assertEqual([origin["origin"] for origin in status["origins"] if origin["in_flight"]], [])

    # Claim 3
    def test_what_comes_ahead_follows_the_line_that_is_measured(self):
        sim, mount = self.tess(frames=3, size="full")
        slow = 300_000  # bytes per second of a connection
        sim.fault("*", "bandwidth", n=slow)
        sim.fault("*", "latency", n=60)
        frames = sorted((mount / CHIP).iterdir())

        def pace():
            return mount.status()["origins"][0]["pace"]

        with open(frames[0], "rb", buffering=0) as file:
            file.read(1_200_000)
            # A machine that stands still meanwhile takes the first answers for faster than they were.
            while pace().get("bytes_per_second", math.inf) >= 3 * slow:
                self.assertTrue(file.read(1_200_000), "the rate comes down before the frame is read")
        self.assertGreaterEqual(pace()["latency_ms"], 60)
        self.assertIn("MB/s a connection", self.ask("status", mount.path).stdout)
        wait_until(lambda: mount.status()["transfers"]["flights"] == 0, "what was ahead has come")
        with open(frames[1], "rb", buffering=0) as file:
            file.read(128 << 10)
        wait_until(lambda: mount.status()["transfers"]["flights"] == 0, "what was ahead has come")
        # An unknown line is trusted with 4 MiB beyond what is read.
        self.assertLess(sum(row["bytes"] for row in sim.log(frames[1].name)), 4 << 20)

    def test_status_of_several_mounts_has_a_line_for_each(self):
        mounts = [self.tess(frames=1)[1], self.tess(frames=1)[1]]
        places = {str(mount.path) for mount in mounts}
        self.assertEqual({status["mountpoint"] for status in self.json("status", *places)}, places)
        everything = self.json("status", check=False)
        self.assertLessEqual(places, {status["mountpoint"] for status in everything})

    def test_why_explains_files_and_directories(self):
        sim, mount = self.tess(frames=2)
        path = first_frame(mount)
        read_head(path)
        wait_until(lambda: mount.why(f"{CHIP}/{path.name}")["cached_bytes"] == HEAD, "the head is kept")
        why = mount.why(f"{CHIP}/{path.name}")
        self.assertEqual(why["path"], f"{CHIP}/{path.name}")
        self.assertEqual((why["archive"], why["state"], why["kind"]), ("tess", "partial", "file"))
        self.assertEqual(why["size"], path.stat().st_size)
        self.assertEqual(why["inode"], path.stat().st_ino)
        self.assertEqual(why["cached_ranges"], [[0, HEAD]])
        self.assertEqual(why["sources"][0], sim.url + key_of(path))
        self.assertGreaterEqual(len(why["sources"]), 2)
        self.assertTrue(why["listing"]["known"])
        self.assertGreaterEqual(why["listing"]["age_seconds"], 0)
        directory = mount.why(CHIP)
        self.assertEqual((directory["kind"], directory["listing"]["names"]), ("directory", 2))
        self.assertEqual(mount.why("")["kind"], "directory")
        text = self.ask("why", path).stdout
        for word in ("partial", sim.url, "listing", "cached"):
            self.assertIn(word, text)

    def test_why_of_several_paths_answers_for_each(self):
        _, mount = self.tess(frames=2)
        paths = [mount / CHIP / name for name in sorted(os.listdir(mount / CHIP))]
        self.assertEqual([why["path"] for why in self.json("why", *paths)], [f"{CHIP}/{path.name}" for path in paths])

    def test_why_tells_the_last_error(self):
        sim, mount = self.tess(frames=1, timeout=5)
        path = first_frame(mount)
        sim.fault(FRAMES, "status", n=503)
        with self.assertRaises(OSError):
            path.read_bytes()
        self.assertTrue(any("503" in origin["last_error"] for origin in mount.why(f"{CHIP}/{path.name}")["origins"]))
        self.assertIn("503", mount.why(f"{CHIP}/{path.name}")["last_error"]["message"])
        self.assertRegex(self.ask("why", path).stdout, r"(?m)^  last error +\d+ s ago: .*503")
        self.assertRegex(self.ask("status", mount.path).stdout, r"(?m); last error \d+ s ago: .*503")
        # A file that can be read again has no error any more.
        sim.heal()
        wait_until(lambda: self.reads(path), "the file is served again")
        self.assertNotIn("last_error", mount.why(f"{CHIP}/{path.name}"))
        self.assertNotRegex(self.ask("why", path).stdout, r"(?m)^  last error +\d+ s ago")

    def test_metrics_are_prometheus_text(self):
        sim, mount = self.tess(frames=2)
        first_frame(mount).read_bytes()
        values = parse_metrics(self.ask("metrics", mount.path).stdout)
        self.assertGreater(values["astrofs_cache_bytes"], 0)
        self.assertEqual(values["astrofs_cache_quota_bytes"], 1 << 30)
        self.assertGreater(values["astrofs_listings_total"], 0)
        answer, = self.json("metrics", mount.path)
        self.assertEqual(set(parse_metrics(answer["text"])), set(values))

    def test_metrics_of_two_mounts_are_not_run_together(self):
        mounts = [self.tess(frames=1)[1], self.tess(frames=1)[1]]
        self.assert_error(self.ask("metrics", *(mount.path for mount in mounts), check=False), "name one")
        self.assert_error(self.ask("metrics", check=False), "name one")

    # ---- where a path is

    def test_paths_may_be_relative_through_links_and_unclean(self):
        _, mount = self.tess(frames=1)
        name = first_frame(mount).name
        wanted = f"{CHIP}/{name}"
        link = self.directory / "link"
        link.symlink_to(mount.path)
        (self.directory / "deep").symlink_to("link/tess/4")
        (self.directory / "up").symlink_to("deep/../4")

        def why(path, cwd=None):
            return self.json("why", path, cwd=cwd)[0]["path"]

        self.assertEqual(why(name, cwd=mount / CHIP), wanted)
        self.assertEqual(why(f"../1/./{name}", cwd=mount / CHIP), wanted)
        self.assertEqual(why(f"mnt/{wanted}", cwd=mount.directory), wanted)
        self.assertEqual(why(link / CHIP / name), wanted)
        self.assertEqual(why(f"{mount.path}//tess/../tess/4/1/1/{name}"), wanted)
        self.assertEqual(why(self.directory / "deep/1/1" / name), wanted)
        self.assertEqual(why(self.directory / "up/1/1" / name), wanted)
        self.assertEqual(why(link), "")
        self.assertEqual(why(f"{link}/"), "")

    def test_a_path_outside_of_any_mount_is_an_error(self):
        _, _, mount = self.index()
        loop = self.directory / "loop"
        loop.symlink_to("loop")
        for path in ("/", "/etc/passwd", mount.directory, f"{mount.path}x", mount / "..", loop, "", "absent"):
            for command in ("status", "why", "warm", "evict", "pin", "unpin", "refresh", "metrics", "unmount"):
                with self.subTest(f"{command} {path}"):
                    self.assert_error(self.ask(command, path, check=False), "not inside a mount")

    @unittest.skipUnless(os.geteuid() == 0, "only root binds")
    def test_a_directory_that_is_bound_elsewhere_is_that_of_its_mount(self):
        _, mount = self.tess(frames=1)
        path = first_frame(mount)
        bound = self.directory / "bound"
        bound.mkdir()
        run("mount", "--bind", path.parent, bound)
        self.addCleanup(subprocess.run, ["umount", "-l", bound], check=False)
        why, there = self.json("why", bound / path.name, bound)
        self.assertEqual((why["path"], there["path"]), (f"{CHIP}/{path.name}", CHIP))
        self.ask("warm", bound)
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"cached")
        everything = self.json("status", check=False)
        self.assertIn(str(mount.path), [status["mountpoint"] for status in everything])
        self.assertNotIn(str(bound), self.ask("status", check=False).stderr)

    def test_a_path_that_does_not_exist_is_an_error(self):
        _, _, mount = self.index()
        for command in ("why", "warm", "evict", "pin", "unpin", "refresh"):
            self.assert_error(self.ask(command, mount / "data/absent", check=False), "data/absent")

    def test_commands_on_several_mounts_reach_each(self):
        mounts = [self.index(cache=self.directory / "cache1")[2], self.index(cache=self.directory / "cache2")[2]]
        self.ask("warm", *(mount / "data" for mount in mounts))
        for mount in mounts:
            self.assertEqual(os.getxattr(mount / "data/first.txt", "user.astrofs.state"), b"cached")

    def test_every_answer_with_json_is_json(self):
        _, _, mount = self.index()
        file = mount / "data/first.txt"
        for command in ("status", "why", "warm", "pin", "refresh", "unpin", "evict", "metrics"):
            for path in (file, mount / "data", mount.path):
                with self.subTest(f"{command} {path}"):
                    answers = self.json(command, path)
                    self.assertTrue(answers and all(isinstance(answer, dict) for answer in answers))
                    if command == "unpin":
                        self.ask("pin", path)
                    self.assertTrue(self.ask(command, path).stdout)
        self.assertEqual(self.json("unmount", file), [{"unmounted": str(mount.path)}])
        self.assertFalse(mount.is_mounted())

    def test_names_that_are_not_utf8_can_be_asked_about(self):
        here = self.directory / "here"
        here.mkdir()
        name = b"caf\xe9 \"quoted\".txt"
        with open(os.path.join(os.fsencode(here), name), "wb") as file:
            file.write(b"x")
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{here}"\n')
        shown, = os.listdir(os.fsencode(mount / "here"))
        path = os.path.join(os.fsencode(mount / "here"), shown)
        self.assertEqual(open(path, "rb").read(), b"x")
        result = subprocess.run([TOOL, "why", "--json", path], capture_output=True, timeout=PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["state"], "local")

    # ---- warm

    def test_warm_fetches_every_byte_below_a_directory_once(self):
        sim, mount = self.tess(frames=3, size="full", chips="1-1,1-2")
        sim.forget()
        result = self.ask("warm", mount / "tess/4")
        self.assertIn("6 files", result.stdout)
        self.assertIn("files", result.stderr, "a line of progress")
        self.assertNotIn("\r", result.stderr)
        size = 6 * 35547840
        self.assertEqual(sum(row["bytes"] for row in sim.log("_ffic.fits")), size)
        sim.forget()
        for name in os.listdir(mount / CHIP):
            self.assertEqual(os.getxattr(mount / CHIP / name, "user.astrofs.state"), b"cached")
        again = self.json("warm", mount / "tess/4")[-1]
        self.assertEqual((again["bytes_fetched"], again["bytes_done"], again["files_done"]), (0, size, 6))
        self.assertEqual(sim.log("_ffic.fits"), [])
        path = first_frame(mount)
        self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))

    def test_du_counts_what_was_warmed(self):
        _, mount = self.tess(frames=1)
        path = first_frame(mount)
        self.assertEqual(path.stat().st_blocks, 1)
        self.ask("warm", path)
        wait_until(lambda: path.stat().st_blocks == (path.stat().st_size + 511) // 512, "the kernel hears of it")

    def test_warm_brings_only_what_is_not_here(self):
        sim, mount = self.tess(frames=1, size="full")
        path = first_frame(mount)
        read_head(path)
        wait_until(lambda: path.stat().st_blocks == HEAD // 512, "the head is kept")
        sim.forget()
        self.ask("warm", path)
        self.assertEqual(sum(row["bytes"] for row in sim.log("_ffic.fits")), path.stat().st_size - HEAD)

    def test_a_warm_of_more_files_than_are_held_at_a_time_counts_them_as_one(self):
        # Three batches of at most 256.
        names = [f"{number:03}.txt" for number in range(600)]
        _, sim, mount = self.index(names)
        *progress, result = self.json("warm", mount / "data")
        self.assertEqual((result["files"], result["files_done"], result["failed"]), (600, 600, 0))
        self.assertEqual((result["bytes_done"], result["bytes"]), (600 * 7, 600 * 7))
        fetching = [row["progress"] for row in progress if not row["progress"].get("listing")]
        self.assertEqual({row["files"] for row in fetching}, {600}, "what is expected does not change on the way")
        done = [row["files_done"] for row in fetching]
        self.assertEqual(done, sorted(done))
        self.assertEqual(len(sim.log(".txt")), 600)
        for name in names:
            self.assertEqual(os.getxattr(mount / "data" / name, "user.astrofs.state"), b"cached")

    def test_a_warm_of_more_than_the_cache_has_room_for_says_what_is_gone(self):
        # Two batches: the second drives out what the first has brought.
        folder, sim = self.folder()
        names = [f"{number:03}.bin" for number in range(512)]
        for name in names:
            (folder / name).write_bytes(name.encode() * 2000)
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', size="7500 KiB")
        result = self.ask("warm", "--json", mount / "data", check=False)
        self.assertEqual(result.returncode, 1, result)
        failures = json.loads(result.stdout.splitlines()[-1])["failures"]
        gone = [name for name in names if os.getxattr(mount / "data" / name, "user.astrofs.state") != b"cached"]
        self.assertNotEqual(gone, [])
        self.assertEqual(sorted(failure["path"] for failure in failures), [f"data/{name}" for name in gone])
        self.assertEqual({failure["message"] for failure in failures}, {"fetched, but the cache has not room for all of it; see cache_size= and pins"})

    def test_a_warm_of_more_than_the_whole_cache_fetches_nothing(self):
        folder, sim = self.folder()
        for name in ("a.bin", "b.bin"):
            (folder / name).write_bytes(os.urandom(2 * MIB))
        config = f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n'
        mount = self.mount(config, size="4 MiB")
        sim.forget()
        result = self.ask("warm", mount / "data", check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("4 MiB are more than the cache keeps", result.stderr)
        self.assertEqual(sum(row["bytes"] for row in sim.log(".bin")), 0)
        # One that is named twice needs room once.
        self.assertEqual(self.json("warm", mount / "data/a.bin", mount / "data/a.bin")[-1]["files"], 1)

    def test_a_warm_that_fills_the_cache_to_its_brim_tells_what_stays(self):
        folder, sim = self.folder()
        # Of 31,720 KiB the cache keeps 30,451,200 bytes. These are 30,408,733, and occupy 30,527,488 of the disk.
        for number in range(29):
            (folder / f"{number:02}.bin").write_bytes(os.urandom(MIB + 1))
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', size="31720 KiB")
        result = self.json("warm", mount / "data", check=False)[-1]
        time.sleep(5)  # the cache looks for what has to go every two seconds
        states = [os.getxattr(file, "user.astrofs.state") for file in (mount / "data").iterdir()]
        self.assertEqual(states.count(b"cached"), 29 - result["failed"], result["failed"])
        self.assertGreater(result["failed"], 0)

    def test_a_warm_of_a_first_copy_that_is_wrong_brings_the_second(self):
        sim, mount = self.tess(frames=2)
        bad, good = sorted((mount / CHIP).iterdir())
        sim.fault(f"*{bad.name}*", "flip_bit", n=30000, times=1)  # in its pixels
        sim.fault(f"*{good.name}*", "latency", n=3000)  # long enough that the other is found out meanwhile
        result = self.json("warm", mount / CHIP)[-1]
        self.assertEqual((result["files"], result["files_done"], result["failed"]), (2, 2, 0))
        self.assertEqual(result["bytes_done"], result["bytes"])
        self.assertEqual(bad.read_bytes(), sim.fetch(key_of(bad)))

    def test_a_warm_of_copies_that_are_all_wrong_does_not_blame_the_room(self):
        sim, mount = self.tess(frames=2)
        bad, good = sorted((mount / CHIP).iterdir())
        sim.fault(f"*{bad.name}*", "flip_bit", n=30000)
        sim.fault(f"*{good.name}*", "latency", n=3000)
        said = self.json("warm", mount / CHIP, check=False)[-1]["failures"]
        self.assertTrue(all("contradicts its checksum" in failure["message"] for failure in said), said)

    def test_ctrl_c_ends_a_warm_and_a_later_one_goes_on(self):
        sim, mount = self.tess(frames=2, size="full")
        names = sorted(os.listdir(mount / CHIP))
        size = 2 * 35547840
        sim.fault(FRAMES, "bandwidth", n=2 * MIB)
        sim.forget()
        warm = subprocess.Popen([TOOL, "warm", mount / CHIP], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: mount.status()["cache"]["used_bytes"] > 4 * MIB, "some bytes have come")
        warm.send_signal(signal.SIGINT)
        self.assertEqual(warm.wait(PATIENCE), -signal.SIGINT)
        wait_until(lambda: mount.status()["transfers"]["flights"] == 0, "nothing more is asked for")
        self.assertLess(mount.status()["cache"]["used_bytes"], size)
        sim.heal()
        self.ask("warm", mount / CHIP)
        self.assertLessEqual(sum(row["bytes"] for row in sim.log("_ffic.fits")), size + 8 * MIB)
        for name in names:
            self.assertEqual((mount / CHIP / name).read_bytes(), sim.fetch(key_of(mount / CHIP / name)))

    def test_ctrl_c_ends_a_warm_of_a_silent_archive(self):
        sim, mount = self.tess(frames=2, timeout=600)
        frames = sorted(os.listdir(mount / CHIP))
        sim.fault(FRAMES, "silent")
        warm = subprocess.Popen([TOOL, "warm", mount / CHIP], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: mount.status()["transfers"]["flights"] > 0, "the warm waits")
        warm.send_signal(signal.SIGINT)
        self.assertEqual(warm.wait(PATIENCE), -signal.SIGINT)
        self.assertEqual(sorted(os.listdir(mount / CHIP)), frames)
        os.kill(mount.pid(), signal.SIGTERM)
        wait_until(mount.lock_is_free, "the daemon ends")

    def test_a_warm_that_misses_something_says_what_and_is_not_0(self):
        sim, mount = self.tess(frames=3, timeout=5)
        frames = sorted(os.listdir(mount / CHIP))
        sim.fault(f"*{frames[1]}", "status", n=503)
        result = self.ask("warm", mount / CHIP, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(frames[1], result.stderr)
        self.assertIn("1 failures", result.stdout)
        for name in (frames[0], frames[2]):
            self.assertEqual(os.getxattr(mount / CHIP / name, "user.astrofs.state"), b"cached")

    def test_a_warm_counts_what_the_archive_has_not_apart_each_time(self):
        sim, mount = self.tess(frames=3)
        frames = sorted(os.listdir(mount / CHIP))
        sim.fault(f"*{frames[1]}", "status", n=404)
        for fetched in (True, False):
            result = self.json("warm", mount / CHIP)[-1]
            self.assertEqual([result[key] for key in ("files", "failed", "missing", "failures")], [2, 0, 1, []])
            self.assertEqual(result["bytes_fetched"] > 0, fetched)
        self.assertIn("1 missing in the archive", self.ask("warm", mount / CHIP).stdout)
        self.assertEqual(os.getxattr(mount / CHIP / frames[1], "user.astrofs.state"), b"placeholder")

    def test_a_directory_that_cannot_be_listed_does_not_keep_others_cold(self):
        folder, sim = self.folder()
        for name in ("bad", "good"):
            (folder / name).mkdir()
            (folder / name / "file.txt").write_bytes(b"x" * 5000)
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', timeout=5)
        sim.fault("/data/bad/", "status", n=403)
        result = self.json("warm", mount / "data", check=False)[-1]
        self.assertEqual([failure["path"] for failure in result["failures"]], ["data/bad"])
        self.assertEqual(os.getxattr(mount / "data/good/file.txt", "user.astrofs.state"), b"cached")

    # ---- evict, pin

    def test_evict_frees_and_what_is_read_again_is_right(self):
        sim, mount = self.tess(frames=3, size="full")
        frames = [mount / CHIP / name for name in sorted(os.listdir(mount / CHIP))]
        self.ask("warm", mount / CHIP)
        wait_until(lambda: used(mount.cache / "data") >= 3 * 35547840, "all is on disk")
        answer, = self.json("evict", frames[0])
        self.assertEqual((answer["files"], answer["in_use"]), (1, 0))
        self.assertGreaterEqual(answer["bytes_freed"], 35547840)
        self.assertLess(used(mount.cache / "data"), 2 * 35547840 + MIB)
        wait_until(lambda: os.getxattr(frames[0], "user.astrofs.state") == b"remote", "nothing of it is here")
        wait_until(lambda: frames[0].stat().st_blocks == 1, "du counts nothing")
        self.assertIn("2 files evicted", self.ask("evict", mount.path).stdout)
        self.assertEqual(used(mount.cache / "data"), 0)
        for path in frames:
            self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))

    def test_an_open_file_is_not_evicted(self):
        sim, mount = self.tess(frames=2, size="full")
        self.ask("warm", mount / CHIP)
        path = first_frame(mount)
        with open(path, "rb", buffering=0) as file:
            answer, = self.json("evict", mount / CHIP, check=False)
            self.assertEqual((answer["files"], answer["in_use"]), (1, 1))
            result = self.ask("evict", path, check=False)
            self.assertIn("1 in use and kept", result.stdout)
            self.assert_error(result, f"{CHIP}/{path.name}", "open")
            sim.forget()
            data = file.read()
        self.assertEqual(sim.log("_ffic.fits"), [])
        self.assertEqual(data, sim.fetch(key_of(path)))

    def test_what_is_pinned_stays_whatever_the_quota_and_over_a_remount(self):
        sim, mount = self.tess(frames=4, size="full")
        frames = [mount / CHIP / name for name in sorted(os.listdir(mount / CHIP))]
        truth = frames[0].read_bytes()
        self.ask("pin", frames[0])
        self.assertTrue(mount.why(f"{CHIP}/{frames[0].name}")["pinned"])
        mount.unmount()
        mount.options += ["-o", "cache_size=80 MiB"]
        mount.mount()
        for path in frames[1:]:
            path.read_bytes()
        wait_until(lambda: used(mount.cache / "data") <= 80 * MIB, "the quota holds")
        self.assertEqual(os.getxattr(frames[0], "user.astrofs.state"), b"cached")
        mount.unmount()
        mount.mount()
        sim.forget()
        self.assertEqual(frames[0].read_bytes(), truth)
        self.assertEqual(sim.log(frames[0].name), [])
        self.assertEqual(mount.status()["cache"]["pins"], [f"{CHIP}/{frames[0].name}"])
        self.assertRegex(self.ask("status", mount.path).stdout, rf"(?m)^  pinned +{CHIP}/{frames[0].name}$")
        self.ask("unpin", frames[0])
        self.assertFalse(mount.why(f"{CHIP}/{frames[0].name}")["pinned"])
        self.assertNotIn("pinned", self.ask("status", mount.path).stdout)

    def test_status_shows_the_first_of_many_pins(self):
        names = [f"{number:02}.txt" for number in range(11)]
        _, _, mount = self.index(names)
        self.ask("pin", mount.path, *(mount / "data" / name for name in names))
        pins = mount.status()["cache"]["pins"]
        self.assertEqual(sorted(pins), ["", *(f"data/{name}" for name in names)])
        lines = self.ask("status", mount.path).stdout.splitlines()
        shown = [line.split()[-1] for line in lines if line.split()[-1] in ["/", *pins]]
        self.assertEqual(len(shown), 8, lines)
        self.assertIn("and 4 more", "\n".join(lines))

    def test_what_is_pinned_can_be_let_go_when_nothing_lists_it_any_more(self):
        folder, _, mount = self.index(("gone.txt", "kept.txt"))
        self.ask("pin", mount / "data/gone.txt")
        (folder / "gone.txt").unlink()
        self.ask("refresh", mount / "data")
        self.assertFalse((mount / "data/gone.txt").exists())
        self.assertEqual(self.json("unpin", mount / "data/gone.txt")[0]["unpinned"], 1)
        # The archive of that name is another one from now on.
        self.ask("pin", mount / "data")
        mount.unmount()
        mount.config.write_text(mount.config.read_text().replace("[archives.data]", "[archives.other]"))
        mount.mount()
        self.assertEqual(mount.status()["cache"]["pins"], ["data"])
        self.ask("unpin", mount / "data")
        self.assertEqual(mount.status()["cache"]["pins"], [])

    def test_unpin_lets_go_what_is_pinned_and_says_where_that_is(self):
        _, _, mount = self.index(("a.txt", "b.txt"))
        self.assertEqual(self.json("unpin", mount / "data/a.txt")[0]["unpinned"], 0)
        self.ask("pin", mount / "data")
        self.assert_error(self.ask("unpin", mount / "data/a.txt", check=False), "is pinned by /data")
        self.assert_error(self.ask("unpin", mount.path, check=False), "/data is")
        self.assertEqual(self.json("unpin", mount / "data")[0]["unpinned"], 1)

    def test_a_pinned_directory_keeps_what_is_below(self):
        sim, mount = self.tess(frames=2, size="full", chips="1-1,1-2")
        self.ask("pin", mount / CHIP)
        self.ask("warm", mount / CHIP)
        mount.unmount()
        mount.options += ["-o", "cache_size=110 MiB"]
        mount.mount()
        for name in os.listdir(mount / "tess/4/1/2"):
            (mount / "tess/4/1/2" / name).read_bytes()
        wait_until(lambda: used(mount.cache / "data") <= 110 * MIB, "the quota holds")
        for name in os.listdir(mount / CHIP):
            self.assertEqual(os.getxattr(mount / CHIP / name, "user.astrofs.state"), b"cached")

    # ---- refresh

    def test_refresh_shows_at_once_what_came_and_what_went(self):
        folder, sim, mount = self.index(("a.txt", "b.txt"))
        data = mount / "data"
        for _ in range(2):  # the second time from the kernel's cache
            self.assertEqual(sorted(os.listdir(data)), ["a.txt", "b.txt"])
        self.assertEqual((data / "b.txt").read_bytes(), b"b.txt")
        self.assertFalse((data / "c.txt").exists())
        (folder / "b.txt").unlink()
        (folder / "c.txt").write_bytes(b"new")
        sim.forget()
        self.assertEqual(sorted(os.listdir(data)), ["a.txt", "b.txt"], "the listing is still good")
        self.assertEqual(sim.log(), [])
        self.assertIn("data: 2 names", self.ask("refresh", data).stdout)
        wait_until(lambda: sorted(os.listdir(data)) == ["a.txt", "c.txt"], "the new names")
        self.assert_errno(errno.ENOENT, os.stat, data / "b.txt")
        # Not as long as PATIENCE: after 30 s the kernel by itself forgets that a name was not there.
        wait_until(lambda: (data / "c.txt").exists(), "a name that was asked for in vain before is there", 20)
        self.assertEqual((data / "c.txt").read_bytes(), b"new")

    def test_refresh_shows_a_changed_file(self):
        folder, sim, mount = self.index(("a.txt",))
        path = mount / "data/a.txt"
        self.assertEqual(path.read_bytes(), b"a.txt")
        (folder / "a.txt").write_bytes(b"something else that is longer")
        os.utime(folder / "a.txt", (2_000_000_000, 2_000_000_000))
        self.ask("refresh", path)
        wait_until(lambda: path.stat().st_size == 29, "the new size")
        self.assertEqual(path.read_bytes(), b"something else that is longer")

    def test_refresh_lets_the_kernel_forget_that_a_name_was_not_there(self):
        folder, _, mount = self.index(("a.txt",))
        new = mount / "data/new.txt"
        self.assertEqual(os.listdir(mount / "data"), ["a.txt"])
        self.assertFalse(new.exists())
        (folder / "new.txt").write_bytes(b"new")
        self.ask("refresh", mount / "data")
        # Nobody lists the directory meanwhile, and after 30 s the kernel would by itself.
        wait_until(new.exists, "it is there", 15)

    def test_refresh_shows_a_changed_file_by_its_other_spelling(self):
        folder, _, mount = self.index(("a[1].txt", "b[1].txt"))
        data = mount / "data"
        self.assertEqual(sorted(os.listdir(data)), ["a%5B1].txt", "b%5B1].txt"])
        with open(data / "a[1].txt", "rb"):
            self.assertTrue((data / "b[1].txt").exists())
            (folder / "a[1].txt").write_bytes(b"something else that is longer")
            os.utime(folder / "a[1].txt", (2_000_000_000, 2_000_000_000))
            (folder / "b[1].txt").unlink()
            self.ask("refresh", data)
            wait_until(lambda: (data / "a[1].txt").stat().st_size == 29, "the new size", 20)
            self.assertEqual((data / "a[1].txt").read_bytes(), b"something else that is longer")
            wait_until(lambda: not (data / "b[1].txt").exists(), "what went is gone", 20)

    def test_a_changed_file_is_new_to_who_opens_it_while_a_neighbour_is_asked_for(self):
        folder, sim = self.folder("apache")  # which tells no exact size of what is larger
        (folder / "changed.txt").write_bytes(b"old")
        (folder / "silent.txt").write_bytes(bytes(3000))
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n', timeout=20)
        changed = mount / "data/changed.txt"
        with open(changed, "rb") as held:
            self.assertEqual(held.read(), b"old")
            sim.fault("*silent*", "silent")
            asking = threading.Thread(target=os.path.exists, args=(mount / "data/silent.txt",))
            asking.start()
            self.addCleanup(asking.join)
            wait_until(lambda: mount.status()["calls_waiting"], "it waits for the size")
            (folder / "changed.txt").write_bytes(b"something else that is longer")
            os.utime(folder / "changed.txt", (2_000_000_000, 2_000_000_000))
            self.ask("refresh", mount / "data")
            self.assertEqual(changed.read_bytes(), b"something else that is longer")
            self.assertTrue(asking.is_alive(), "its neighbour still waits")
            held.seek(0)
            self.assertEqual(held.read(), b"old")

    def test_a_growing_listing_shows_up_behind_the_readers_back(self):
        here = self.directory / "here"
        here.mkdir()
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{here}"\n')
        self.assertEqual(os.listdir(mount / "here"), [])
        (here / "new.txt").write_bytes(b"x")
        wait_until(lambda: os.listdir(mount / "here") == ["new.txt"], "the listing is refreshed")
        self.assertEqual((mount / "here/new.txt").read_bytes(), b"x")

    def test_refresh_of_an_archive_that_is_gone_says_so_and_keeps_the_listing(self):
        _, sim, mount = self.index(timeout=5)
        self.assertEqual(os.listdir(mount / "data"), ["first.txt"])
        sim.stop()
        result = self.ask("refresh", mount / "data", check=False)
        self.assert_error(result)
        self.assertEqual(os.listdir(mount / "data"), ["first.txt"])
        wait_until(lambda: mount.why("data")["listing"]["last_error"], "the error is noted")

    # ---- unmount, dead and stalled daemons

    def test_unmount_refuses_a_mount_that_is_busy(self):
        _, _, mount = self.index()
        with open(mount / "data/first.txt", "rb") as file:
            self.assert_error(self.ask("unmount", mount.path, check=False), mount.path, "busy")
            self.assertEqual(file.read(), b"first.txt")
        self.ask("unmount", mount / "data")
        self.assertFalse(mount.is_mounted())
        self.assertTrue(mount.lock_is_free(), "the cache is free when the command returns")

    def test_a_dead_daemon_is_named_and_its_mount_cleared(self):
        _, _, mount = self.index()
        os.kill(mount.pid(), signal.SIGKILL)
        wait_until(mount.lock_is_free, "the daemon is dead")
        for command in ("status", "why", "warm", "evict", "pin", "refresh", "metrics"):
            self.assert_error(self.ask(command, mount / "data/first.txt", check=False), mount.path, "fusermount3 -u")
        self.ask("unmount", mount.path)
        self.assertFalse(mount.is_mounted())

    def test_the_socket_of_a_daemon_that_was_killed_is_cleared_by_the_next_mount(self):
        _, _, killed = self.index()
        dead = os.getxattr(killed.path, "user.astrofs.control")
        killed.kill()
        self.assertTrue(os.path.exists(dead), "nobody was left to remove it")
        killed.mount()
        self.assertFalse(os.path.exists(dead))
        own = os.getxattr(killed.path, "user.astrofs.control")
        self.assertTrue(os.path.exists(own))
        killed.unmount()
        self.assertFalse(os.path.exists(own))

    def test_a_stalled_daemon_is_an_error_and_no_hang(self):
        _, _, mount = self.index()
        pid = mount.pid()
        link = self.directory / "link"
        link.symlink_to(mount.path)
        os.kill(pid, signal.SIGSTOP)
        try:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                results = list(pool.map(lambda path: self.ask("why", path, check=False),
                                        (mount.path, mount / "data/absent", link / "data/first.txt")))
            for result in results:
                self.assert_error(result, mount.path, "does not answer")
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(mount.why("data")["kind"], "directory")

    def test_a_command_that_takes_long_is_waited_for(self):
        _, sim, mount = self.index(timeout=60)
        os.listdir(mount / "data")
        sim.fault("/data/", "latency", n=12_000)
        self.assertEqual(self.json("refresh", mount / "data")[0]["refreshed"][0]["names"], 1)

    def test_the_tool_explains_itself(self):
        self.assertIn("warm", run(TOOL, "--help").stdout)
        self.assertIn("astrofs", run(TOOL, "--version").stdout)
        self.assertNotEqual(run(TOOL, check=False).returncode, 0)
        self.assert_error(run(TOOL, "nonsense", check=False), "nonsense")
        self.assertIn("PATH", run(TOOL, "warm", check=False).stderr)

    def test_the_mounts_of_others_are_not_asked_unless_they_are_named(self):
        _, _, mount = self.index()
        with open(TOOL, "rb") as tool:  # which may lie where another user may not look
            as_other = {"check": False, "user": 65534, "group": 65534, "extra_groups": [], "pass_fds": [tool.fileno()]}
            for command in ("status", "metrics"):
                self.assert_error(run(f"/proc/self/fd/{tool.fileno()}", command, **as_other), "another user")
            self.assert_error(run(f"/proc/self/fd/{tool.fileno()}", "status", mount.path, **as_other), mount.path)

    # ---- the socket

    def test_hostile_input_leaves_the_mount_well(self):
        _, _, mount = self.index()
        deep = b'{"command":"why","path":' + b"[" * 200_000 + b"\n"
        for line in (b"\n", b"garbage\n", b"{}\n", b"[]\n", b'{"command":7}\n', b'{"command":"why","paths":7}\n', b"\0\xff\xfe\n",
                     b'{"command":"nonsense"}\n', b'{"command":"why","path":"../../etc/passwd"}\n', b'{"command":"warm","path":"\xff"}\n',
                     b'{"command":"why","path":"data/\\u0000"}\n', b'{"command":"why","path":"' + b"x" * 5000 + b'"}\n',
                     b'{"command":"refresh","paths":["data","absent"]}\n', deep, b"x" * (2 * MIB) + b"\n", b"x" * (2 * MIB)):
            with self.subTest(line[:60]):
                answer = self.talk(mount, line)
                if len(line) < MIB:
                    self.assertIn("message", json.loads(answer)["error"])
                elif answer:
                    self.assertIn(b"too long", answer)
                self.assertEqual((mount / "data/first.txt").read_bytes(), b"first.txt")
        self.assertEqual(mount.why("data")["kind"], "directory")

    def test_clients_that_hang_up_early_leave_the_mount_well(self):
        _, _, mount = self.index()
        address = os.getxattr(mount.path, "user.astrofs.control")
        for line in (b"", b'{"comm', b'{"command":"status"}\n', b'{"command":"warm","path":"data"}\n') * 20:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(address)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # told to come again, and hung up on
                    client.sendall(line)
        wait_until(lambda: self.ask("status", mount.path, check=False).returncode == 0, "there is room again")

    def test_forty_clients_are_answered_or_told_to_come_again(self):
        _, _, mount = self.index()
        address = os.getxattr(mount.path, "user.astrofs.control")
        idle = []
        for _ in range(40):
            client = socket.socket(socket.AF_UNIX)
            client.connect(address)
            client.settimeout(PATIENCE)
            idle.append(client)
        refused = [client for client in idle[-20:] if b"too many" in client.recv(1000)]
        self.assertEqual(len(refused), 20)
        self.assert_error(self.ask("status", mount.path, check=False), "too many")
        self.assertEqual((mount / "data/first.txt").read_bytes(), b"first.txt")
        for client in idle:
            client.close()
        wait_until(lambda: self.ask("status", mount.path, check=False).returncode == 0, "there is room again")
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: self.ask("status", mount.path).returncode, range(60)))
        self.assertEqual(answers, [0] * 60)

    def test_a_daemon_that_may_have_no_more_threads_says_so_and_lives(self):
        _, _, mount = self.index()
        why = b'{"command":"why","path":"data"}\n'
        pid = mount.pid()
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            size, = (int(line.split()[1]) << 10 for line in status if line.startswith("VmSize"))
        unlimited = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (size + MIB, unlimited[1]))  # no room for the stack of one
        with contextlib.ExitStack() as idle:
            for _ in range(8):  # the C library keeps 40 MiB of stacks that others have left
                idle.enter_context(socket.socket(socket.AF_UNIX)).connect(os.getxattr(mount.path, "user.astrofs.control"))
            self.assertIn(b"as many threads as it may", self.talk(mount, why))
            resource.prlimit(pid, resource.RLIMIT_AS, unlimited)
            self.assertIn(b'"result"', self.talk(mount, why))

    # ---- extended attributes

    def test_files_tell_what_they_are_to_this_mount(self):
        sim, mount = self.tess(frames=1)
        path = first_frame(mount)

        def attributes():
            return {name: os.getxattr(path, name).decode() for name in os.listxattr(path)}

        self.assertEqual(attributes()["user.astrofs.state"], "remote")
        self.assertEqual(attributes()["user.astrofs.cached"], "0")
        path.read_bytes()
        wait_until(lambda: attributes()["user.astrofs.state"] == "cached", "it is kept")
        now = attributes()
        self.assertEqual(now["user.astrofs.source"], "tess")
        self.assertEqual(now["user.astrofs.url"], sim.url + key_of(path))
        self.assertEqual(now["user.astrofs.cached"], str(path.stat().st_size))
        self.assertRegex(now["user.astrofs.etag"], r'^"[^"]+"$')
        self.assertEqual(os.listxattr(mount / CHIP), ["user.astrofs.source"])
        self.assertIn("user.astrofs.control", os.listxattr(mount.path))
        for name in ("user.astrofs.nonsense", "user.other"):
            self.assert_errno(errno.ENODATA, os.getxattr, path, name)
        self.assert_errno(errno.ENODATA, os.getxattr, path, "user.astrofs.control")

    def test_listing_a_directory_of_attributes_asks_the_archive_nothing(self):
        sim, mount = self.tess(frames=50)
        names = os.listdir(mount / CHIP)
        sim.forget()
        for name in names:
            os.listxattr(mount / CHIP / name)
        self.assertEqual(sim.log(), [])

    # ---- secrets

    def test_an_archive_cannot_write_to_the_terminal(self):
        # It would retitle a window, or with some terminals do worse: what it says is shown as letters.
        evil = "\x1b]0;owned\x07\x1b[2J\x9b31m"

        class Evil(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = (b'<html><head><title>Index of /</title></head><body><h1>Index of /</h1><pre>'
                        b'<a href="first.txt">first.txt</a> 2020-01-01 00:00  5\n</pre></body></html>')
                self.send_response(200)
                if self.path.endswith(".txt"):
                    self.send_header("Content-Encoding", evil)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", len(body))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)
            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "http://127.0.0.1:{server.server_port}/"\n', timeout=5)
                path = mount / "data/first.txt"
                self.assertEqual(os.listdir(mount / "data"), ["first.txt"])
                with contextlib.suppress(OSError):
                    path.read_bytes()
                self.assertIn("owned", mount.why("data/first.txt")["last_error"]["message"], "the archive's words are told")
                shown = [self.ask(command, place, check=False) for command in ("why", "status", "warm", "refresh", "verify")
                         for place in (path, mount / "data")]
                self.assertIn("owned", shown[0].stdout)
                for result in shown:
                    self.assertNotRegex(result.stdout + result.stderr, r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
            finally:
                server.shutdown()

    def test_a_token_in_a_redirect_is_shown_nowhere(self):
        folder, sim, mount = self.index(("first.txt", "second.txt"), timeout=5)
        secret = "hunter2hunter2"
        (folder / "moved").mkdir()
        os.listdir(mount / "data")
        for target in (f"http://user:{secret}@127.0.0.1:1/x", f"{sim.url}/elsewhere/?access_token={secret}&X-Amz-Signature={secret}"):
            sim.fault("/data/*", "redirect", text=target)
            with contextlib.suppress(OSError):
                (mount / "data/second.txt").read_bytes()
            with contextlib.suppress(OSError):
                os.listdir(mount / "data/moved")
            self.ask("refresh", mount / "data", check=False)
            shown = [self.ask(command, *form, path, check=False) for command in ("why", "status", "warm", "refresh")
                     for form in ((), ("--json",)) for path in (mount / "data", mount / "data/second.txt")]
            shown.append(self.ask("metrics", mount.path))
            for result in shown:
                self.assertNotIn(secret, result.stdout + result.stderr)
            for name in os.listxattr(mount / "data/second.txt"):
                self.assertNotIn(secret, os.getxattr(mount / "data/second.txt", name).decode())
            self.assertNotIn(secret, mount.log())
            sim.heal()
        mount.unmount()
        for file in filter(pathlib.Path.is_file, mount.cache.rglob("*")):
            self.assertNotIn(secret.encode(), file.read_bytes(), file)

    # ---- what is kept, what cannot be written, what is no UTF-8

    def test_what_is_pinned_is_not_evicted(self):
        _, mount = self.tess(frames=3)
        frames = [mount / CHIP / name for name in sorted(os.listdir(mount / CHIP))]
        self.ask("warm", mount / CHIP)
        self.ask("pin", frames[0])
        result = self.ask("evict", mount / CHIP)
        self.assertIn("2 files evicted", result.stdout)
        self.assertIn("1 pinned and kept", result.stdout)
        self.assertEqual(result.stderr, "", "that is what a pin is for")
        self.assertEqual([os.getxattr(path, "user.astrofs.state") for path in frames], [b"cached", b"remote", b"remote"])
        result = self.ask("evict", frames[0], check=False)
        self.assert_error(result, f"{CHIP}/{frames[0].name}", "pinned")
        answer, = self.json("evict", frames[0], check=False)
        self.assertEqual((answer["files"], answer["pinned"], answer["in_use"]), (0, 1, 0))
        self.assertEqual(os.getxattr(frames[0], "user.astrofs.state"), b"cached")
        self.ask("unpin", frames[0])
        self.ask("pin", mount / CHIP)
        self.assertEqual(self.json("evict", mount / "tess")[0]["pinned"], 1, "by the directory that it is in")
        self.ask("unpin", mount / CHIP)
        self.assertIn("1 files evicted", self.ask("evict", frames[0]).stdout)

    def test_an_answer_that_cannot_be_written_is_an_error(self):
        _, _, mount = self.index()
        path = mount / "data/first.txt"
        with open("/dev/full", "w") as full:
            for words in (("status",), ("status", "--json"), ("metrics",), ("why",), ("why", "--json"), ("warm",), ("warm", "--json"), ("evict",)):
                with self.subTest(words):
                    result = subprocess.run([TOOL, *words, path], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
                    self.assertEqual(result.returncode, 1)
                    self.assertEqual(result.stderr.splitlines()[-1], "astrofs: the answer cannot be written: No space left on device")
            self.assertEqual(subprocess.run([TOOL, "--help"], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE).returncode, 1)
            # Who cannot be told either is not told, but the code is the same, and what was asked for is done.
            result = subprocess.run([TOOL, "why", mount / "data/absent"], stdout=full, stderr=full, timeout=PATIENCE)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(subprocess.run([TOOL, "warm", path], stdout=subprocess.DEVNULL, stderr=full, timeout=PATIENCE).returncode, 0)
        closed = subprocess.run(["sh", "-c", '"$0" status --json "$1" >&-', TOOL, path], stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        self.assertEqual(closed.returncode, 1)
        self.assertIn("the answer cannot be written: Bad file descriptor", closed.stderr)

    def test_a_path_that_is_no_utf8_is_found_as_the_kernel_finds_it(self):
        here = self.directory / "here"
        names = (b"d\xe9j\xe0", "d\N{LATIN SMALL LETTER E WITH ACUTE}j".encode())
        for name in names:
            os.makedirs(os.path.join(os.fsencode(here), name))
            with open(os.path.join(os.fsencode(here), name, b"caf\xe9 %41.txt"), "wb") as file:
                file.write(name)
        mount = self.mount(f'[archives.here]\ntype = "local"\npath = "{here}"\n')
        for name in names:
            path = os.path.join(os.fsencode(mount / "here"), name, b"caf\xe9 %41.txt")
            with open(path, "rb") as file:
                self.assertEqual(file.read(), name)
            inode = os.stat(path).st_ino
            for asked in (path, os.path.join(os.path.dirname(path), b"caf%E9 %2541.txt")):
                result = subprocess.run([TOOL, "why", "--json", asked], capture_output=True, timeout=PATIENCE)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(json.loads(result.stdout)["inode"], inode)
        for absent in (b"caf\xe9", b"\xff" * 200, b"\xff/\xfe"):
            for command in ("why", "warm", "evict", "pin", "verify", "refresh"):
                result = subprocess.run([TOOL, command, os.path.join(os.fsencode(mount / "here"), absent)], capture_output=True, timeout=PATIENCE)
                self.assertEqual((result.returncode, result.stdout), (1, b""), (command, absent))
                self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)


if __name__ == "__main__":
    main()
