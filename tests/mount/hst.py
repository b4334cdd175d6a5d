#!/usr/bin/python3
"""Data sets of HST through the real kernel: by their names, by proposal, and those that need a token of MAST."""
import errno
import http.client
import json
import os
import pathlib
import pty
import select
import signal
import subprocess

from astropy.io import fits

from harness import BUILD, PATIENCE, MountTest, has_open, main, run, wait_until

TOKEN = "5afe0000c0de4bad8f00d5eed0fac111"
OTHER = "0ddba11500000000000000000000beef"
SET = "hst/j8pu0y010"
SECRET = "hst/ifxe01010"
SECRET_FILE = f"{SECRET}/ifxe01010_drz.fits"


ASTROQUERY = """
import sys
from astroquery.mast import MastMissions, Observations
found = MastMissions(mission="hst").query_criteria(sci_pep_id=10775, select_cols=["sci_data_set_name", "sci_pep_id"])
print("data sets", len(found), sorted(set(found["sci_pep_id"])), min(found["sci_data_set_name"]))
print("before", Observations.download_file("mast:HST/product/ifxe01010_drz.fits", local_path=sys.argv[1])[0])
Observations.login(token=sys.argv[2])
print("after", Observations.download_file("mast:HST/product/ifxe01010_drz.fits", local_path=sys.argv[1])[0])
"""


class Hst(MountTest):
    def hst(self, *words, options=(), **keywords):
        self.login = self.directory / "logins" / "mast.token"
        self.archive = self.sim("--hst", 6, *words)
        url = self.archive.url
        return self.mount(f'[archives.hst]\ntype = "hst"\ns3 = "{url}"\nmast = "{url}"\nlogin = "{self.login}"\n', *options, **keywords)

    def log_in(self, mount, token=TOKEN):
        done = run(BUILD / "astrofs", "login", "mast", "--config", mount.config, input=token + "\n")
        self.assertIn("alice@stsci.edu", done.stdout)
        self.assertNotIn(token, done.stdout + done.stderr)

    def tell(self, **change):
        self.archive.ask("/_sim/hst", "POST", json.dumps(change))

    def truth(self, name, token=TOKEN):
        """As MAST hands it out to who has a token."""
        link = http.client.HTTPConnection(self.archive.url.removeprefix("http://"))
        link.request("GET", f"/api/v0.1/Download/file?uri=mast:HST/product/{name}", headers={"Authorization": f"token {token}"})
        answer = link.getresponse()
        data = answer.read()
        link.close()
        self.assertEqual(answer.status, 200)
        return data

    # ---- what everybody may have

    def test_a_data_set_is_found_by_its_name_and_holds_every_file(self):
        mount = self.hst()
        self.assertEqual(os.listdir(mount / "hst"), ["proposal"])
        self.archive.forget()
        names = sorted(os.listdir(mount / SET))
        self.assertEqual(names, ["hst_10775_0y_acs_wfc_f606w_j8pu0y00_drc.fits", "j8pu0y010_asn.fits", "j8pu0y010_drc.fits",
                                 "j8pu0y010_drz.fits", "j8pu0y010_log.txt", "j8pu0y010_trl.txt"])
        self.assertLessEqual(len(self.archive.log()), 4, "a folder, a list of products, path_lookup, another folder")
        truth = {name: self.truth(name) for name in names}
        for name in names:
            self.assertEqual((mount / SET / name).stat().st_size, len(truth[name]), name)
            self.assertEqual((mount / SET / name).read_bytes(), truth[name], name)
        with fits.open(mount / SET / "j8pu0y010_drz.fits") as file:
            self.assertEqual([hdu.name for hdu in file], ["PRIMARY", "SCI", "ERR", "DQ"])
        self.assertTrue((mount / "hst/J8PU0Y010").samefile(mount / SET), "as MAST's tables write it")
        self.assertEqual(set(os.listdir(mount / "hst")), {"proposal", "j8pu0y010", "J8PU0Y010"}, "what was found is listed")

    def test_a_header_costs_one_small_request(self):
        mount = self.hst("--hst-side", 1000)
        os.listdir(mount / SET)
        self.archive.forget()
        with open(mount / SET / "j8pu0y010_drz.fits", "rb") as file:
            self.assertEqual(file.read(2880)[:6], b"SIMPLE")
        asked = self.archive.log()
        self.assertEqual(len(asked), 1)
        self.assertLessEqual(asked[0]["bytes"], 65536)

    def test_a_name_that_is_no_data_set_asks_nobody_and_one_that_is_not_there_once(self):
        mount = self.hst()
        self.archive.forget()
        for name in ("README", ".Trash", "a8pu0y010", "j8pu0y01", "j8pu0y0100"):
            self.assert_errno(errno.ENOENT, os.stat, mount / "hst" / name)
        self.assertEqual(self.archive.log(), [])
        for _ in range(3):
            self.assert_errno(errno.ENOENT, os.stat, mount / "hst/jzzz99999")
        self.assertEqual(len(self.archive.log()), 2, "S3 and MAST, once each")

    def test_a_proposal_has_links_to_its_data_sets(self):
        mount = self.hst()
        self.assertEqual(os.listdir(mount / "hst/proposal"), [])
        sets = sorted(os.listdir(mount / "hst/proposal/10775"))
        self.assertEqual(sets, sorted([f"j8pu0y0{i}q" for i in range(6)] + ["j8pu0y010"]))
        self.assertEqual(os.readlink(mount / "hst/proposal/10775/j8pu0y010"), "../../j8pu0y010")
        self.archive.forget()
        run("ls", "-lL", mount / "hst/proposal/10775")
        self.assertEqual(self.archive.log(), [], "that they are there is known")
        self.assertTrue((mount / "hst/proposal/10775/j8pu0y010").samefile(mount / SET))
        self.assertEqual(len(list((mount / "hst/proposal/10775/j8pu0y03q").glob("*.fits"))), 3)
        self.assert_errno(errno.ENOENT, os.stat, mount / "hst/proposal/99999")
        self.assertEqual(os.listdir(mount / "hst/proposal"), ["10775"])

    def state(self, mount, name):
        return os.getxattr(mount / name, "user.astrofs.state")

    def test_commands_follow_links_to_what_is_meant(self):
        mount = self.hst()
        links = mount / "hst/proposal/10775"
        name = f"{SET}/j8pu0y010_drz.fits"
        for path in (name, "hst/proposal/10775/j8pu0y010/j8pu0y010_drz.fits", "hst/J8PU0Y010/j8pu0y010_drz.fits"):
            why = mount.why(path)
            self.assertEqual((why["path"], why["size"]), (name, (mount / name).stat().st_size))
        self.assertEqual(mount.why("hst/proposal/10775/j8pu0y010")["kind"], "directory")
        absent = mount.control("why", links / "j8pu0y010/absent.fits", check=False)
        self.assertIn(f"hst/proposal/10775/j8pu0y010/absent.fits: {SET}/absent.fits: ", absent.stderr)
        mount.control("warm", links / "j8pu0y010")
        self.assertEqual({self.state(mount, f"{SET}/{file}") for file in os.listdir(mount / SET)}, {b"cached"})
        said = json.loads(mount.control("verify", "--json", links / "j8pu0y010").stdout.splitlines()[-1])
        self.assertGreater(said["yes"] + said["unavailable"], 0)
        mount.control("pin", links / "j8pu0y010/j8pu0y010_drz.fits")
        self.assertEqual(mount.status()["cache"]["pins"], [name])
        self.assertIn("1 pinned and kept", mount.control("evict", links / "j8pu0y010").stdout)
        self.assertEqual(self.state(mount, name), b"cached")
        self.assertEqual(self.state(mount, f"{SET}/j8pu0y010_drc.fits"), b"remote")
        mount.control("unpin", links / "j8pu0y010/j8pu0y010_drz.fits")
        self.assertEqual(mount.status()["cache"]["pins"], [])

    def test_a_proposal_is_warmed_by_the_links_in_its_directory(self):
        mount = self.hst()
        sets = sorted(os.listdir(mount / "hst/proposal/10775"))
        above = mount.control("warm", mount / "hst/proposal", check=False)
        self.assertEqual(above.returncode, 1)
        self.assertIn("hst/proposal/10775: its links to directories are only followed when it is named itself", above.stderr)
        said = json.loads(mount.control("warm", "--json", mount / "hst/proposal/10775").stdout.splitlines()[-1])
        files = [f"hst/{each}/{file}" for each in sets for file in os.listdir(mount / "hst" / each)]
        self.assertEqual((said["files"], said["files_done"], said["failures"]), (len(files), len(files), []))
        self.assertEqual({self.state(mount, file) for file in files}, {b"cached"})
        self.archive.forget()
        said, = map(json.loads, mount.control("evict", "--json", mount / "hst/proposal/10775").stdout.splitlines())
        self.assertEqual((said["files"], said["failures"]), (len(files), []))
        self.assertEqual(self.archive.log(), [], "what is here is known")
        # A pin of it is one of its data sets.
        mount.control("pin", mount / "hst/proposal/10775")
        self.assertEqual(set(mount.status()["cache"]["pins"]), {"hst/proposal/10775", *(f"hst/{each}" for each in sets)})
        mount.control("unpin", mount / "hst/proposal/10775")
        self.assertEqual(mount.status()["cache"]["pins"], [])

    def test_a_file_that_the_archive_lost_is_missing_and_one_out_of_reach_is_an_error(self):
        mount = self.hst()
        names = os.listdir(mount / SET)
        self.archive.deny("j8pu0y010_drz.fits")
        self.assertIn("j8pu0y010_drz.fits", names)
        self.assert_errno(errno.ENOENT, (mount / SET / "j8pu0y010_drz.fits").read_bytes)
        self.archive.fault("*j8pu0y010_drc.fits", "status", n=503)
        self.assert_errno(errno.EIO, (mount / SET / "j8pu0y010_drc.fits").read_bytes)
        self.archive.fault("*", "status", n=503)
        self.assert_errno(errno.EIO, os.stat, mount / "hst/jzzz99999")

    def test_what_was_found_survives_a_restart_and_needs_no_network(self):
        mount = self.hst()
        data = (mount / SET / "j8pu0y010_drz.fits").read_bytes()
        sets = os.listdir(mount / "hst/proposal/10775")
        os.stat(mount / "hst/u9o40504m")
        wait_until(lambda: os.getxattr(mount / SET / "j8pu0y010_drz.fits", "user.astrofs.state") == b"cached", "it is on disk")
        mount.unmount()
        self.archive.stop()
        mount.options = (*mount.options, "-o", "offline")
        mount.mount()
        self.assertEqual(set(os.listdir(mount / "hst")), {"proposal", "j8pu0y010", "u9o40504m"})
        self.assertEqual(os.listdir(mount / "hst/proposal/10775"), sets)
        self.assertEqual((mount / SET / "j8pu0y010_drz.fits").read_bytes(), data)
        self.assert_errno(errno.ENETUNREACH, (mount / SET / "j8pu0y010_drc.fits").read_bytes)
        self.assert_errno(errno.ENETUNREACH, os.listdir, mount / "hst/u9o40504m")

    def test_debians_astroquery_works_with_the_stand_in(self):
        self.hst()
        said = self.astroquery(self.archive, ASTROQUERY, self.directory / "drizzled.fits", TOKEN)
        self.assertIn("data sets 7 [10775] J8PU0Y00Q", said)
        self.assertIn("before ERROR", said)
        self.assertIn("welcome A. User", said)
        self.assertIn("after COMPLETE", said)
        self.assertEqual((self.directory / "drizzled.fits").read_bytes(), self.truth("ifxe01010_drz.fits"))

    # ---- what some may have

    def test_exclusive_files_are_denied_without_a_token_and_why_says_so(self):
        mount = self.hst()
        self.archive.forget()
        self.assertEqual(sorted(os.listdir(mount / SECRET)), ["ifxe01010_asn.fits", "ifxe01010_drz.fits", "ifxe01010_spt.fits"])
        self.assert_errno(errno.EACCES, os.stat, mount / SECRET_FILE)
        self.assert_errno(errno.EACCES, open, mount / SECRET_FILE)
        self.assertEqual(self.archive.log("Download"), [], "nobody is asked for what he would refuse")
        why = json.dumps(mount.why(SECRET_FILE))
        self.assertIn("exclusive access", why)
        self.assertIn("astrofs login mast", why)

    def test_a_login_is_noticed_without_a_remount_and_its_files_are_for_who_mounted(self):
        mount = self.hst(options=("-o", "allow_other"))
        for directory in (self.directory, mount.directory):
            directory.chmod(0o755)
        truth = self.truth("ifxe01010_drz.fits")
        self.assert_errno(errno.EACCES, os.stat, mount / SECRET_FILE)
        self.log_in(mount)
        self.assertEqual(self.login.stat().st_mode & 0o777, 0o600)
        self.assertEqual((mount / SECRET_FILE).stat().st_size, len(truth))
        self.assertEqual((mount / SECRET_FILE).stat().st_mode & 0o777, 0o400)
        self.assertEqual((mount / SECRET_FILE).read_bytes(), truth)
        self.assertEqual((mount / SET / "j8pu0y010_drz.fits").stat().st_mode & 0o777, 0o444)
        denied = run("head", "-c", "6", mount / SECRET_FILE, check=False, user=65534, group=65534, extra_groups=[])
        self.assertIn("Permission denied", denied.stderr)

    def test_a_second_reader_of_an_exclusive_file_that_stalls_can_be_killed(self):
        mount = self.hst(timeout=600)
        self.log_in(mount)
        path = mount / SECRET_FILE
        self.assertGreater(path.stat().st_size, 0)
        self.archive.fault("*Download*", "silent")
        first = subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL)
        self.waiting(mount, 1)
        second = subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL)
        for cleanup in (second.wait, second.kill, first.kill):
            self.addCleanup(cleanup)
        wait_until(lambda: has_open(second, path), "the second, who waits for the first one's page, has the file open")
        for reader in (second, first):
            reader.kill()
            self.assertEqual(reader.wait(PATIENCE), -signal.SIGKILL)

    def test_what_one_token_fetched_is_not_served_to_another_or_without_one(self):
        mount = self.hst()
        self.log_in(mount)
        path = mount / SECRET_FILE
        truth = path.read_bytes()
        wait_until(lambda: os.getxattr(path, "user.astrofs.state") == b"cached", "it is on disk")
        self.login.unlink()
        mount.tell(command="logins")
        self.assert_errno(errno.EACCES, path.read_bytes)
        self.login.touch(0o600)
        self.login.write_text(OTHER)  # as another of this machine might leave it
        mount.tell(command="logins")
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"remote")
        self.assert_errno(errno.EACCES, path.read_bytes)
        self.assertIn("401", json.dumps(mount.why(SECRET_FILE)))
        self.log_in(mount)
        self.assertEqual(path.read_bytes(), truth)
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"cached")

    def test_a_token_that_is_wrong_is_not_kept(self):
        mount = self.hst()
        for wrong in (OTHER, "", "two words", "short"):
            done = run(BUILD / "astrofs", "login", "mast", "--config", mount.config, input=wrong + "\n", check=False)
            self.assertEqual(done.returncode, 1, wrong)
        self.assertFalse(self.login.exists())

    def test_the_token_goes_to_mast_for_exclusive_files_alone_and_stays_nowhere(self):
        mount = self.hst()
        self.log_in(mount)
        self.archive.forget()
        for name in (SET, SECRET, "hst/u9o40504m"):
            for file in os.listdir(mount / name):
                (mount / name / file).read_bytes()
        os.listdir(mount / "hst/proposal/10775")
        told = [row["target"] for row in self.archive.log() if row["authorized"]]
        self.assertTrue(told)
        for target in told:
            self.assertIn("/api/v0.1/Download/file?uri=mast:HST/product/ifxe01010_", target)
        attributes = [os.getxattr(mount / SECRET_FILE, name) for name in os.listxattr(mount / SECRET_FILE)]
        shown = json.dumps(mount.why(SECRET_FILE)) + json.dumps(mount.status()) + repr(attributes) + mount.log()
        self.assertNotIn(TOKEN, shown)
        self.assertNotIn(TOKEN, pathlib.Path(f"/proc/{mount.pid()}/cmdline").read_text())
        mount.unmount()
        for path in mount.cache.rglob("*"):
            if path.is_file():
                self.assertNotIn(TOKEN.encode(), path.read_bytes(), path)

    def test_a_redirect_to_another_host_brings_the_file_and_not_the_token(self):
        mount = self.hst()
        self.log_in(mount)
        truth = self.truth("ifxe01010_drz.fits")
        folder = self.directory / "signed"
        folder.mkdir()
        (folder / "ifxe01010_drz.fits").write_bytes(truth)
        other = self.sim("--folder", f"{folder}:none:/signed")
        self.archive.fault("*Download*", "redirect", n=-1, text=f"{other.url}/signed/ifxe01010_drz.fits")
        self.assertEqual((mount / SECRET_FILE).read_bytes(), truth)
        there = other.log("ifxe01010")
        self.assertTrue(there)
        self.assertEqual([row for row in there if row["authorized"]], [])

    def test_a_token_of_the_environment_or_of_systemd_will_do(self):
        mount = self.hst(environment={"MAST_API_TOKEN": TOKEN})
        truth = self.truth("ifxe01010_drz.fits")
        self.assertEqual((mount / SECRET_FILE).read_bytes(), truth)
        mount.unmount()
        credentials = self.directory / "credentials"
        credentials.mkdir()
        (credentials / "astrofs.mast").write_text(TOKEN)
        other = self.mount(mount.config.read_text().split("\n", 3)[3], environment={"CREDENTIALS_DIRECTORY": str(credentials)})
        self.assertEqual((other / SECRET_FILE).read_bytes(), truth)
        self.assertFalse(self.login.exists())

    def test_a_file_that_is_released_is_everybodys(self):
        mount = self.hst()
        self.assert_errno(errno.EACCES, os.stat, mount / SECRET_FILE)
        truth = self.truth("ifxe01010_drz.fits")
        self.tell(release="ifxe01010")
        mount.control("refresh", mount / SECRET)
        self.assertEqual((mount / SECRET_FILE).stat().st_mode & 0o777, 0o444)
        self.assertEqual((mount / SECRET_FILE).read_bytes(), truth)

    def test_the_terminal_does_not_show_the_token(self):
        mount = self.hst()
        self.assert_errno(errno.EACCES, os.stat, mount / SECRET_FILE)
        master, terminal = pty.openpty()
        with subprocess.Popen([BUILD / "astrofs", "login", "mast", "--config", mount.config], stdin=terminal, stdout=terminal,
                              stderr=terminal, start_new_session=True) as login:
            os.close(terminal)
            shown = b""
            while b"not shown" not in shown:
                self.assertTrue(select.select([master], [], [], PATIENCE)[0], shown)
                shown += os.read(master, 4096)
            os.write(master, TOKEN.encode() + b"\n")
            login.wait(PATIENCE)
            while select.select([master], [], [], 0.2)[0]:
                try:
                    shown += os.read(master, 4096)
                except OSError:  # its other side is closed
                    break
        os.close(master)
        self.assertEqual(login.returncode, 0, shown)
        self.assertIn(b"alice@stsci.edu", shown)
        self.assertNotIn(TOKEN.encode(), shown)
        self.assertGreater((mount / SECRET_FILE).stat().st_size, 0)


if __name__ == "__main__":
    main()
