#!/usr/bin/python3
"""DKIST's datasets through the real kernel: what is there without a login, and what a login brings."""
import contextlib
import csv
import errno
import io
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

from astropy.io import fits

from dkist_stage import DATASET, FRAMES, DkistTest
from harness import BUILD, MountTest, main, run, wait_until


class Dkist(DkistTest):
    # ---- without a login

    def test_datasets_are_listed_and_found_by_their_id_and_by_what_they_are(self):
        mount = self.dkist()
        listed = set(os.listdir(mount / "dkist"))
        self.assertLess({"BEOGN", "product", "by-instrument", "by-target"}, listed)
        every = json.loads(self.centre.fetch("/_sim/dkist"))["datasets"]
        hidden = [row["id"] for row in every if row["id"] not in listed]
        self.assertTrue(hidden, "some are embargoed or deprecated")
        for name in hidden:
            self.assertTrue((mount / "dkist" / name).is_dir(), name)
        self.assert_errno(errno.ENOENT, os.stat, mount / "dkist/ZZZZZZ")
        for product in os.listdir(mount / "dkist/product"):
            self.assertTrue((mount / "dkist/product" / product).is_dir())
        instruments = os.listdir(mount / "dkist/by-instrument")
        self.assertIn("VISP", instruments)
        self.assertIn("BEOGN", os.listdir(mount / "dkist/by-instrument/VISP"))
        self.assertTrue((mount / "dkist/by-instrument/VISP/BEOGN").samefile(mount / DATASET))

    def test_asdf_report_and_movie_are_the_archives_and_there_is_one_asdf(self):
        mount = self.dkist()
        names = os.listdir(mount / DATASET)
        asdf = [name for name in names if name.endswith(".asdf")]
        self.assertEqual(len(asdf), 1)
        for name, kind in ((asdf[0], "asdf"), ("BEOGN.mp4", "movie"), ("BEOGN.pdf", "quality")):
            self.assertEqual((mount / DATASET / name).read_bytes(), self.centre.fetch(f"/download/{kind}?datasetId=BEOGN"), name)

    def test_a_listing_reads_no_more_of_the_asdf_than_its_tree_and_asks_nothing_per_frame(self):
        mount = self.dkist("--dkist-ranges")
        run("ls", "-l", mount / DATASET)
        asked = [row for row in self.centre.log("BEOGN") if row["method"] == "GET" and "asdf" in row["target"]]
        self.assertEqual(len(asked), 1)
        self.assertEqual(self.centre.log(".fits"), [])

    def test_frames_without_a_login_are_nan_and_say_so(self):
        mount = self.dkist()
        name = self.names(mount)[7]
        path = mount / DATASET / name
        self.assertEqual(len(self.names(mount)), FRAMES)
        header = self.assert_blank(path)
        self.assertEqual(header["FILENAME"], name)
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"not-logged-in")
        self.assertIn("astrofs login dkist", mount.why(f"{DATASET}/{name}")["login"])
        self.assertEqual(path.stat().st_size, len(path.read_bytes()))
        run("fitsverify", "-q", path)
        self.assertEqual(self.centre.log(name), [])

    def test_frames_that_a_login_is_wanting_for_are_no_success_of_warm(self):
        mount = self.dkist()
        name = self.names(mount)[0]
        warmed = mount.control("warm", mount / DATASET / name, check=False)
        self.assertEqual(warmed.returncode, 1, warmed.stdout)
        self.assertIn("astrofs login dkist", warmed.stderr)
        warmed = mount.control("warm", mount / DATASET, check=False)
        self.assertEqual(warmed.returncode, 1, warmed.stdout)

    def test_frames_are_chosen_by_their_cards_before_they_are_fetched(self):
        mount = self.dkist()
        select = mount / DATASET / ".select"
        headers = {name: fits.getheader(mount / DATASET / name, 1) for name in self.names(mount)}
        wanted = {name for name, header in headers.items() if header.get("ATMOS_R0", 9) < 0.15}
        self.assertTrue(0 < len(wanted) < FRAMES)
        self.assertEqual(set(os.listdir(select / "ATMOS_R0<0.15")), wanted)
        some = {name for name in wanted if headers[name]["DINDEX4"] == 1}
        self.assertEqual(set(os.listdir(select / "DINDEX4==1,ATMOS_R0<0.15")), some)
        self.assertEqual(set(os.listdir(select / "stokes==I")), {name for name in headers if "_I_" in name})
        name = sorted(wanted)[0]
        self.assertTrue((select / "ATMOS_R0<0.15" / name).samefile(mount / DATASET / name))
        self.assertEqual(os.listdir(select / "ATMOS_R0<0"), [])
        for wrong in ("NOSUCH<1", "ATMOS_R0<", "nonsense"):
            self.assert_errno(errno.ENOENT, os.stat, select / wrong)

    def test_the_table_of_headers_is_printed_without_a_frame(self):
        mount = self.dkist()
        table = list(csv.DictReader(io.StringIO(mount.control("headers", mount / DATASET).stdout)))
        self.assertEqual([row["file"] for row in table], [row["FILENAME"] for row in table])
        self.assertEqual(len(table), FRAMES)
        self.assertIn("", [row["ATMOS_R0"] for row in table], "a masked value is empty")
        some = mount.control("headers", mount / DATASET, "--where", "stokes==V,ATMOS_R0<0.15", "--columns", "ATMOS_R0,DINDEX4", "--text").stdout
        lines = [line.split() for line in some.splitlines()]
        self.assertEqual(lines[0], ["file", "ATMOS_R0", "DINDEX4"])
        self.assertEqual([(name, float(r0), stokes) for name, r0, stokes in lines[1:]],
                         [(row["file"], float(row["ATMOS_R0"]), "4") for row in table
                          if row["DINDEX4"] == "4" and row["ATMOS_R0"] and float(row["ATMOS_R0"]) < 0.15])
        wrong = mount.control("headers", mount / DATASET, "--columns", "NOSUCH", check=False)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("ATMOS_R0", wrong.stderr)
        self.assertEqual(self.centre.log(".fits"), [])

    def test_a_selection_is_warmed_and_no_other_frame(self):
        mount = self.dkist()
        self.log_in(mount)
        mount.control("warm", mount / DATASET / ".select" / "stokes==Q")
        def cached():
            return {name for name in self.names(mount) if os.getxattr(mount / DATASET / name, "user.astrofs.state") == b"cached"}
        wanted = {name for name in self.names(mount) if "_Q_" in name}
        wait_until(lambda: cached() == wanted, "they and no others are on disk")

    def test_the_links_of_a_selection_are_its_frames_to_every_command(self):
        mount = self.dkist()
        self.log_in(mount)
        select = mount / DATASET / ".select" / "stokes==Q"
        links = sorted(select.iterdir())
        frames = [f"{DATASET}/{link.name}" for link in links]
        result = json.loads(mount.control("warm", "--json", *links).stdout.splitlines()[-1])  # as a shell writes out *.fits
        self.assertEqual((result["files"], result["files_done"]), (len(frames), len(frames)))
        for link, frame in zip(links, frames):
            self.assertEqual(os.getxattr(mount / frame, "user.astrofs.state"), b"cached")
        why = mount.why(links[0].relative_to(mount.path))
        self.assertEqual((why["path"], why["state"], why["size"]), (frames[0], "cached", (mount / frames[0]).stat().st_size))
        self.assertIn("2 pinned", mount.control("pin", *links[:2]).stdout)
        self.assertEqual(set(mount.status()["cache"]["pins"]), set(frames[:2]))
        self.assertIn(f"{len(frames) - 2} files evicted", mount.control("evict", select).stdout)
        self.assertEqual(os.getxattr(mount / frames[1], "user.astrofs.state"), b"cached")
        mount.control("unpin", *links)
        self.assertIn("1 files evicted", mount.control("evict", links[0]).stdout)
        self.assertEqual(os.getxattr(mount / frames[0], "user.astrofs.state"), b"remote")
        mount.control("pin", select)
        self.assertTrue(all(mount.why(frame)["pinned"] for frame in frames))
        self.assertFalse(mount.why(f"{DATASET}/" + next(name for name in self.names(mount) if "_I_" in name))["pinned"])
        mount.control("unpin", select)
        self.assertEqual(mount.status()["cache"]["pins"], [])

    def test_an_unreachable_centre_is_an_error_and_no_empty_directory(self):
        mount = self.dkist()
        self.centre.fault("/datasets/*", "status", n=503)
        self.assert_errno(errno.EIO, os.listdir, mount / "dkist")
        self.assert_errno(errno.EIO, os.stat, mount / "dkist/ABCDE")

    def test_offline_what_was_listed_is_blank_with_its_own_header_and_can_be_chosen(self):
        mount = self.dkist(config='missing = "placeholder"')
        self.log_in(mount)
        names = self.names(mount)
        asdf = next(name for name in os.listdir(mount / DATASET) if name.endswith(".asdf"))
        kept, blank = names[0], names[5]
        data = (mount / DATASET / kept).read_bytes()
        (mount / DATASET / asdf).read_bytes()
        mount.unmount()
        self.centre.stop()
        mount.options = (*mount.options, "-o", "offline")
        mount.mount()
        self.assertEqual((mount / DATASET / kept).read_bytes(), data)
        self.assertEqual(self.assert_blank(mount / DATASET / blank)["FILENAME"], blank)
        self.assertEqual(os.getxattr(mount / DATASET / blank, "user.astrofs.state"), b"not-fetched")
        self.assertEqual(set(os.listdir(mount / DATASET / ".select" / "stokes==U")), {name for name in names if "_U_" in name})
        self.assert_errno(errno.ENETUNREACH, os.listdir, mount / "dkist/by-target")

    # ---- with one

    def test_frames_are_the_collections_with_exact_sizes_from_one_listing(self):
        mount = self.dkist("--dkist-need-token")
        self.log_in(mount)
        names = self.names(mount)
        truth = {name: self.truth(name) for name in names[:8]}
        self.centre.forget()
        sizes = {name: (mount / DATASET / name).stat().st_size for name in names}
        self.assertEqual(self.centre.log(".fits"), [])
        for name, data in truth.items():
            self.assertEqual(sizes[name], len(data))
            self.assertEqual((mount / DATASET / name).read_bytes(), data)
        self.assertEqual(os.listdir(mount / DATASET / "extra"), [self.extra(mount)])
        self.assertGreater(len((mount / DATASET / "extra" / self.extra(mount)).read_bytes()), 0)
        self.assertNotIn("sim-https-token", mount.log() + json.dumps(mount.why(f"{DATASET}/{names[0]}")))

    def extra(self, mount):
        return os.listdir(mount / DATASET / "extra")[0]

    def test_a_login_is_noticed_without_a_remount_and_no_blank_page_stays(self):
        mount = self.dkist()
        name = self.names(mount)[3]
        path = mount / DATASET / name
        self.assert_blank(path)
        self.log_in(mount)
        truth = self.truth(name)
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"remote")
        wait_until(lambda: path.stat().st_size == len(truth), "its size is known")
        self.assertEqual(path.read_bytes(), truth)
        wait_until(lambda: os.getxattr(path, "user.astrofs.state") == b"cached", "it is on disk")
        self.login.unlink()
        wait_until(lambda: os.getxattr(mount / DATASET / self.names(mount)[4], "user.astrofs.state") == b"not-logged-in", "the logout is noticed")
        self.assertEqual(path.read_bytes(), truth)
        self.assert_blank(mount / DATASET / self.names(mount)[4])

    def test_who_opens_a_frame_after_a_login_gets_it_though_it_is_open_as_a_blank(self):
        mount = self.dkist()
        name = self.names(mount)[3]
        path = mount / DATASET / name
        with open(path, "rb", buffering=0) as blank:
            size, head = os.fstat(blank.fileno()).st_size, blank.read(2880)
            self.log_in(mount)
            truth = self.truth(name)
            self.assertNotEqual(len(truth), size)
            wait_until(lambda: path.stat().st_size == len(truth), "its size is known")
            self.assertEqual(path.read_bytes(), truth)
            self.assertEqual(os.fstat(blank.fileno()).st_size, size, "who has the blank open keeps it")
            blank.seek(0)
            self.assertEqual(blank.read(2880), head)

    def test_a_login_that_only_its_file_tells_of_is_noticed(self):
        mount = self.dkist()
        name = self.names(mount)[3]
        self.log_in(mount)
        text = self.login.read_text()
        self.login.unlink()
        mount.tell(command="logins")
        self.assertEqual(os.getxattr(mount / DATASET / name, "user.astrofs.state"), b"not-logged-in")
        self.login.touch(0o600)
        self.login.write_text(text)
        wait_until(lambda: os.getxattr(mount / DATASET / name, "user.astrofs.state") == b"remote", "the login is noticed")

    def test_frames_under_embargo_are_for_who_mounted_and_for_his_login(self):
        mount = self.dkist("--dkist-need-token", options=("-o", "allow_other"))
        for directory in (self.directory, mount.directory):
            directory.chmod(0o755)
        self.tell(member=True)
        self.log_in(mount)
        datasets = json.loads(self.centre.fetch("/_sim/dkist"))["datasets"]
        secret = mount / "dkist" / next(row["id"] for row in datasets if row["embargoed"] and row["status"] == "ACTIVE")
        frame = next(path for path in sorted(secret.iterdir()) if path.suffix == ".fits")
        data = frame.read_bytes()
        self.assertEqual(data[:6], b"SIMPLE")
        self.assertEqual(frame.stat().st_mode & 0o777, 0o400)
        self.assertEqual((secret / "extra").stat().st_mode & 0o777, 0o500)

        nobody = {"check": False, "user": 65534, "group": 65534, "extra_groups": []}
        public = mount / DATASET / self.names(mount)[0]
        self.assertEqual(run("head", "-c", "6", public, **nobody).stdout, "SIMPLE")
        for forbidden in (("head", "-c", "6", frame), ("ls", secret / "extra")):
            self.assertIn("Permission denied", run(*forbidden, **nobody).stderr)

        wait_until(lambda: os.getxattr(frame, "user.astrofs.state") == b"cached", "it is on disk")
        with open(frame, "rb") as held:  # by the first, and is nobody else's by that
            self.log_in(mount, account="second")
            self.assertEqual(os.getxattr(frame, "user.astrofs.state"), b"remote")
            self.tell(member=False)
            self.assert_errno(errno.EACCES, frame.read_bytes)
            self.assertEqual(held.read(6), b"SIMPLE")

    def test_a_code_from_any_browser_is_a_login(self):
        mount = self.dkist("--dkist-need-token", config='client_id = "11111111-2222-3333-4444-555555555555"')
        name = self.names(mount)[2]
        self.assertEqual(os.getxattr(mount / DATASET / name, "user.astrofs.state"), b"not-logged-in")
        words = [BUILD / "astrofs", "login", "dkist", "--config", mount.config]
        wrong = subprocess.run(words, input="nonsense\n", capture_output=True, text=True)
        self.assertEqual(wrong.returncode, 1)
        self.assertFalse(self.login.exists())
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as login:
            address = next(line.strip() for line in login.stdout if line.startswith("http"))
            login.communicate(f"  {self.code_of(address)}\n")
        self.assertEqual(login.returncode, 0)
        self.assertEqual(self.login.stat().st_mode & 0o777, 0o600)
        wait_until(lambda: os.getxattr(mount / DATASET / name, "user.astrofs.state") == b"remote", "the login is noticed")
        self.assertEqual((mount / DATASET / name).read_bytes(), self.truth(name))

    def test_a_login_without_an_application_says_what_is_wanting(self):
        mount = self.dkist()
        done = subprocess.run([BUILD / "astrofs", "login", "dkist", "--config", mount.config], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("client_id", done.stderr)

    def test_a_lost_frame_is_nan_and_a_sick_back_end_is_not(self):
        mount = self.dkist("--dkist-lost", 1)
        self.log_in(mount)
        lost = [name for name in self.names(mount) if self.is_lost(name)]
        self.assertEqual(len(lost), 1)
        good, other = [name for name in self.names(mount) if name not in lost][:2]
        truth = self.truth(good)
        self.centre.fault("*.fits", "sick_connection", times=2)
        self.assertEqual((mount / DATASET / good).read_bytes(), truth)
        self.assert_blank(mount / DATASET / lost[0])
        self.assertEqual(os.getxattr(mount / DATASET / lost[0], "user.astrofs.state"), b"placeholder")
        self.centre.fault("*.fits", "sick_connection", times=1000)
        self.assert_errno(errno.EIO, (mount / DATASET / other).read_bytes)

    def is_lost(self, name):
        try:
            return not self.truth(name)
        except urllib.error.HTTPError as error:
            return error.code == 404

    def test_tokens_that_run_out_are_renewed_and_kept_to_their_user(self):
        mount = self.dkist("--dkist-need-token")
        self.log_in(mount, seconds=600)
        before = self.login.read_text()
        name = self.names(mount)[0]
        self.assertNotEqual(self.login.read_text(), before)
        self.assertEqual(self.login.stat().st_mode & 0o777, 0o600)
        self.assertGreater(json.loads(self.login.read_text())["bytes"]["expires_at_seconds"], time.time() + 3600)
        self.assertGreater(len((mount / DATASET / name).read_bytes()), 2880)

    def test_a_login_that_ran_out_while_nobody_read_is_renewed_by_itself(self):
        mount = self.dkist("--dkist-need-token")
        self.log_in(mount)
        name = self.names(mount)[0]
        self.log_in(mount, seconds=-3600)
        wait_until(lambda: json.loads(self.login.read_text())["bytes"]["expires_at_seconds"] > time.time(), "it is renewed", 90)
        self.assertGreater(len((mount / DATASET / name).read_bytes()), 2880)

    def test_who_reads_while_a_login_that_ran_out_is_renewed_waits_for_it(self):
        mount = self.dkist("--dkist-need-token")
        self.log_in(mount)
        name = self.names(mount)[0]
        self.centre.fault("*/token", "latency", n=2000)
        self.log_in(mount, seconds=-3600)
        wait_until(lambda: self.centre.log("/token"), "its renewal has begun")
        self.assertGreater(len((mount / DATASET / name).read_bytes()), 2880)

    def test_a_regenerated_asdf_is_new_after_a_refresh(self):
        mount = self.dkist()
        asdf = next(mount / DATASET / name for name in os.listdir(mount / DATASET) if name.endswith(".asdf"))
        before = asdf.read_bytes()
        self.tell(dataset="BEOGN", update=True)
        mount.control("refresh", mount / DATASET)
        now = asdf.read_bytes()
        self.assertNotEqual(now, before)
        self.assertEqual(now, self.centre.fetch("/download/asdf?datasetId=BEOGN"))


SAMPLES = os.environ.get("ASTROFS_SAMPLES")


@unittest.skipUnless(SAMPLES and os.path.isdir(f"{SAMPLES}/dkist/standin_server"), "no recorded files")
class AnotherStandIn(MountTest):
    """Written by others after the real client; what both of us take for DKIST is more likely so."""

    def centre(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        folder = f"{SAMPLES}/dkist"
        server = subprocess.Popen([sys.executable, f"{folder}/standin_server/dkist_standin.py", "--root", f"{folder}/standin_store", "--inventory",
                                   f"{folder}/standin_server/inventory.json", "--port", str(port), "--need-token"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        url = f"http://127.0.0.1:{port}"

        def answers():
            with contextlib.suppress(OSError), urllib.request.urlopen(url + "/datasets/v1/config"):
                return True
        wait_until(answers, "the stand-in answers")
        return url

    def test_every_recorded_frame_and_the_asdf_are_byte_identical(self):
        url = self.centre()
        login = self.directory / "login.json"
        mount = self.mount(f'[archives.dkist]\ntype = "dkist"\ndatasets = "{url}/datasets"\ndownload = "{url}/download"\n'
                           f'auth = "{url}/auth"\ntransfer = "{url}/transfer"\nlogin = "{login}"\nclient_id = "11111111-2222-3333-4444-555555555555"')
        self.assertGreater(len(os.listdir(mount / "dkist")), 300)
        store = pathlib.Path(f"{SAMPLES}/dkist/standin_store/data/pid_1_123/BEOGN")
        frames = sorted(path.name for path in store.glob("*.fits"))
        self.assertEqual(sorted(name for name in os.listdir(mount / DATASET) if name.endswith(".fits")), frames)
        self.assertEqual(os.getxattr(mount / DATASET / frames[0], "user.astrofs.state"), b"not-logged-in")
        run(BUILD / "astrofs", "login", "dkist", "--config", mount.config, input="standin-code\n")
        mount.control("refresh", mount / DATASET)
        for path in sorted(store.iterdir()):
            if path.is_file() and path.suffix in (".fits", ".asdf", ".mp4", ".pdf"):
                self.assertTrue((mount / DATASET / path.name).read_bytes() == path.read_bytes(), path.name)
        self.assertEqual(len(frames), 80)


if __name__ == "__main__":
    main()
