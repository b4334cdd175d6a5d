#!/usr/bin/python3
"""An archive of the Virtual Observatory through the real kernel: columns as directories, DataLink, addresses that run out,
and an unmodified pyvo that reads the same rows from the same service."""
import contextlib
import errno
import importlib.util
import json
import os
import pty
import select
import subprocess
import unittest
import warnings

from astropy.io import fits

from harness import BUILD, PATIENCE, MountTest, main, run, wait_until

# The stand-in's one user: tests/support/vo_gate.h.
USER, PASSWORD, TOKEN = "alice", "open sesame", "vo.5afe-0000~c0de"


class Obstap(MountTest):
    def vo(self, *arguments):
        return self.sim("--vo", 6, "--vo-linked", 4, *arguments)

    def mount_vo(self, sim, *options, tree="{obs_collection}/{target_name}/{obs_id}", more="", **keywords):
        return self.mount(f'[archives.vo]\ntype = "obstap"\nurl = "{sim.url}/vo/tap"\ntree = "{tree}"\n{more}\n', *options, **keywords)

    def set(self, sim, **settings):
        sim.ask("/_sim/vo", "POST", json.dumps(settings))

    def test_columns_are_directories_and_files_are_the_archives(self):
        sim = self.vo()
        self.set(sim, silent_heads=True, gzip=True)
        mount = self.mount_vo(sim)
        self.assertEqual(sorted(os.listdir(mount / "vo")), ["LINKED", "PLATES"])
        self.assertEqual(sorted(os.listdir(mount / "vo/PLATES")), ["M 13", "M31", "SN 2011fe"])
        path = mount / "vo/PLATES/M31/plates%2Fdata%2FGS00703_x.fits/GS00703_x.fits"
        self.assertEqual(os.listdir(path.parent), ["GS00703_x.fits"])
        truth = sim.fetch("/vo/files/plates/data/GS00703_x.fits")
        self.assertEqual(path.stat().st_size, len(truth))  # exact, whatever access_estsize says
        self.assertEqual(path.read_bytes(), truth)
        self.assertEqual(os.getxattr(path.parent, "user.astrofs.name"), b"plates/data/GS00703_x.fits")
        with fits.open(path) as hdus:
            self.assertEqual(hdus[0].data.shape, (90, 160))
        self.assertEqual([row for row in sim.log() if row["method"] == "HEAD"], [])
        self.assert_errno(errno.ENOENT, os.stat, mount / "vo/PLATES/M 33")
        self.assert_errno(errno.ENOENT, os.stat, path.parent / "other.fits")

    def test_datalink_is_followed(self):
        sim = self.vo()
        mount = self.mount_vo(sim)
        folder = mount / "vo/LINKED/M31/DR01400"
        self.assertEqual(sorted(os.listdir(folder)), ["DR01400.fits", "DR01400_part.fits", "calibration", "preview"])
        self.assertEqual((folder / "preview/DR01400.jpg").read_bytes(), b"not FITS but DR01400.jpg\n")
        self.assertEqual(os.listdir(folder / "calibration"), ["flat.fits"])
        run("fitsverify", "-q", folder / "DR01400_part.fits")

    def test_addresses_that_run_out_are_asked_for_again(self):
        sim = self.vo()
        mount = self.mount_vo(sim)
        folder = mount / "vo/LINKED/M 13/DR01401"
        truth = sim.fetch("/vo/files/linked/DR01401.fits")
        self.assertEqual((folder / "DR01401.fits").stat().st_size, len(truth))
        self.assertEqual(os.getxattr(folder / "DR01401.fits", "user.astrofs.url").decode(), sim.url)  # and no key
        self.assertNotIn("key=", json.dumps(mount.why("vo/LINKED/M 13/DR01401/DR01401.fits")))
        self.set(sim, key=2)
        self.assertEqual((folder / "DR01401.fits").read_bytes(), truth)
        # After a restart nothing is known of addresses but whose they are.
        mount.unmount()
        self.set(sim, key=3)
        mount.mount()
        self.assertEqual((folder / "DR01401_part.fits").read_bytes(), sim.fetch("/vo/files/linked/DR01401_part.fits"))
        # No address with its key is on disk.
        catalog = b"".join(file.read_bytes() for file in (mount.cache / "catalog").iterdir() if file.is_file())
        self.assertNotIn(b"key=", catalog)
        sim.forget()
        self.assertEqual((folder / "DR01401.fits").read_bytes(), truth)
        self.assertEqual(sim.log("/vo/"), [])

    def test_a_level_with_too_many_values_shows_some_and_opens_all(self):
        sim = self.vo("--vo-stars", 30500)
        mount = self.mount_vo(sim, tree="{obs_collection}/{target_name}")
        names = os.listdir(mount / "vo/SURVEY")
        self.assertEqual(len(names), 30000)
        last = "TIC 1030499"
        self.assertNotIn(last, names)
        self.assertEqual(os.listdir(mount / "vo/SURVEY" / last), ["star030499.fits"])
        self.assertIn("opens by its name", mount.why("vo/SURVEY")["listing"]["remark"])
        self.assertIn("opens by its name", mount.control("why", mount / "vo/SURVEY").stdout)
        self.assertIn("SURVEY", os.listdir(mount / "vo"))  # a path alone lists nothing
        self.assertIn("data sets", mount.why("vo")["listing"]["remark"])
        # Found once, it is found after a restart too, and others are still asked for.
        mount.unmount()
        mount.mount()
        self.assertTrue((mount / "vo/SURVEY/TIC 1030498").is_dir())
        self.assert_errno(errno.ENOENT, os.stat, mount / "vo/SURVEY/TIC 7")

    def test_a_directory_of_too_many_data_sets_opens_the_others_by_name(self):
        sim = self.vo("--vo-stars", 30100)
        mount = self.mount_vo(sim, tree="{obs_collection}")
        names = os.listdir(mount / "vo/SURVEY")
        self.assertLess(len(names), 30100)
        self.assertNotIn("star030099.fits", names)
        path = mount / "vo/SURVEY/star030099.fits"
        self.assertEqual(path.read_bytes(), sim.fetch("/vo/data?id=star030099"))
        self.assertIn("any other opens by", mount.why("vo/SURVEY")["listing"]["remark"])
        self.assert_errno(errno.ENOENT, os.stat, mount / "vo/SURVEY/star030100.fits")
        # A directory that is shown whole has nothing else, which the next mount knows too.
        mount.unmount()
        mount.mount()
        os.listdir(mount / "vo")
        sim.forget()
        sim.fault("*tap/sync*", "status", n=503)
        self.assert_errno(errno.ENOENT, os.stat, mount / "vo/NOWHERE")
        self.assertEqual(sim.log("/vo/"), [])

    def test_a_level_that_cannot_be_listed_in_time_opens_by_name(self):
        sim = self.vo("--vo-stars", 50)
        self.set(sim, no_groups=True)
        mount = self.mount_vo(sim)
        path = mount / "vo/SURVEY/TIC 1000007/star000007/star000007.fits"
        self.assertEqual(path.read_bytes(), sim.fetch("/vo/data?id=star000007"))
        with self.assertRaises(OSError):
            os.listdir(mount / "vo/SURVEY")
        wait_until(lambda: "timed out" in mount.why("vo/SURVEY")["listing"]["last_error"], "the reason is noted")
        self.set(sim, no_groups=False)
        self.assertEqual(len(os.listdir(mount / "vo/SURVEY")), 50)
        self.assertTrue(path.is_file())

    def test_values_that_are_no_names_can_be_entered_all_the_same(self):
        sim = self.vo()
        for number, target in enumerate(["../../etc/passwd", "..", "a/b", "tab\there", "it's", "x" * 300]):
            self.set(sim, add={"collection": "TRICKY", "obs_id": "same", "did": f"ivo://t/{number}", "target": target, "path": "/data?id=t"})
        self.set(sim, add={"collection": "TRICKY", "obs_id": "same", "did": "ivo://t/none", "path": "/data?id=t"})
        mount = self.mount_vo(sim)
        names = set(os.listdir(mount / "vo/TRICKY"))
        self.assertLess({"..%2F..%2Fetc%2Fpasswd", "%2E%2E", "a%2Fb", "tab%09here", "it's", "NULL"}, names)
        self.assertEqual(len(names), 7)
        for name in names:
            self.assertEqual(os.listdir(mount / "vo/TRICKY" / name / "same"), ["t.fits"])
        # Two data sets of one identifier: both are there, and told apart in the same way tomorrow.
        self.set(sim, add={"collection": "TRICKY", "obs_id": "same", "did": "ivo://t/again", "path": "/data?id=t"})
        mount.control("refresh", mount / "vo/TRICKY/NULL/same")
        both = os.listdir(mount / "vo/TRICKY/NULL/same")
        self.assertEqual(len(both), 2)
        for name in both:
            self.assertRegex(name, r"^t~[0-9a-f]{8}\.fits$")
            self.assertEqual((mount / "vo/TRICKY/NULL/same" / name).read_bytes(), sim.fetch("/vo/data?id=t"))

    def test_what_the_service_refuses_is_told_in_its_words(self):
        sim = self.vo()
        mount = self.mount_vo(sim, more='where = "no_such_column = 1"')
        self.assert_errno(errno.EIO, os.listdir, mount / "vo")
        wait_until(lambda: "no_such_column" in mount.why("vo")["listing"]["last_error"], "the reason is noted")

    def test_a_lost_file_is_missing_and_a_refused_one_an_error(self):
        sim = self.vo()
        self.set(sim, add={"collection": "LOST", "obs_id": "x", "did": "ivo://lost", "target": "T", "path": "/files/lost.fits"})
        mount = self.mount_vo(sim)
        self.assertEqual(os.listdir(mount / "vo/LOST/T/x"), ["lost.fits"])
        self.assert_errno(errno.ENOENT, os.stat, mount / "vo/LOST/T/x/lost.fits")
        sim.fault("*GS00700*", "status", n=403)
        self.assert_errno(errno.EACCES, os.stat, mount / "vo/PLATES/M31/plates%2Fdata%2FGS00700_x.fits/GS00700_x.fits")

    def test_circles_on_the_sky_are_directories(self):
        sim = self.vo()
        mount = self.mount(f'[archives.sky]\ntype = "sia2"\nurl = "{sim.url}/vo/sia2"\nquery = "COLLECTION=LINKED"\n')
        self.assertEqual(os.listdir(mount / "sky"), ["all"])
        self.assertEqual(len([name for name in os.listdir(mount / "sky/all") if name.endswith(".fits")]), 8)
        circle = mount / "sky/11.5_0_0.1"
        self.assertEqual(sorted(os.listdir(circle)), ["DR01400.fits", "DR01400_part.fits", "calibration", "preview"])
        self.set(sim, key=2)
        self.assertEqual((circle / "DR01400.fits").read_bytes(), sim.fetch("/vo/files/linked/DR01400.fits"))
        self.assertEqual(os.listdir(mount / "sky/200_0_0.1"), [])
        self.assertEqual(sorted(os.listdir(mount / "sky")), ["11.5_0_0.1", "200_0_0.1", "all"])
        self.assert_errno(errno.ENOENT, os.stat, mount / "sky/M31")
        self.assertIn("RA_DEC_RADIUS", mount.why("sky")["listing"]["remark"])

    def mount_with_login(self, sim, auth, *options):
        self.login = self.directory / "logins" / "vo.login"
        return self.mount_vo(sim, *options, more=f'auth = "{auth}"\nlogin = "{self.login}"')

    def log_in(self, mount, secret, check=True):
        return run(BUILD / "astrofs", "login", "vo", "--config", mount.config, input=secret + "\n", check=check)

    def test_a_password_opens_a_service_without_a_remount_and_is_seen_nowhere(self):
        sim = self.vo()
        self.set(sim, login="Basic")
        mount = self.mount_with_login(sim, "basic")
        self.assert_errno(errno.EACCES, os.listdir, mount / "vo")
        why = wait_until(lambda: mount.why("vo")["listing"]["last_error"], "the reason is noted")
        for word in ("401", "astrofs login vo", "BasicAA", 'auth = "basic"'):
            self.assertIn(word, why)
        self.assertEqual(self.log_in(mount, f"{USER}:wrong", check=False).returncode, 1)
        self.assertFalse(self.login.exists())
        said = self.log_in(mount, f"{USER}:{PASSWORD}").stdout
        self.assertIn("Logged in as alice", said)
        self.assertEqual(self.login.stat().st_mode & 0o777, 0o600)
        self.assertEqual(sorted(os.listdir(mount / "vo")), ["LINKED", "PLATES"])
        path = mount / "vo/LINKED/M31/DR01400/DR01400.fits"
        self.assertEqual(sorted(os.listdir(path.parent)), ["DR01400.fits", "DR01400_part.fits", "calibration", "preview"])
        data = path.read_bytes()
        self.assertEqual(path.stat().st_mode & 0o777, 0o400)  # for who logged in
        self.assertEqual(path.parent.stat().st_mode & 0o777, 0o500)
        self.set(sim, login="")
        self.assertEqual(data, sim.fetch("/vo/files/linked/DR01400.fits"))
        shown = [said, mount.log(), json.dumps(mount.why("vo")), json.dumps(mount.why("vo/LINKED/M31/DR01400/DR01400.fits"))]
        shown += [os.getxattr(path, name).decode("latin-1") for name in os.listxattr(path)]
        shown += [mount.control("why", path).stdout, json.dumps(mount.status())]
        shown += [file.read_bytes().decode("latin-1") for file in (mount.cache / "catalog").iterdir() if file.is_file()]
        for secret in (PASSWORD, "YWxpY2U6"):
            for text in shown:
                self.assertNotIn(secret, text)

    def test_the_terminal_shows_the_user_and_not_his_password(self):
        sim = self.vo()
        self.set(sim, login="Basic")
        mount = self.mount_with_login(sim, "basic")
        master, terminal = pty.openpty()
        shown = b""
        with subprocess.Popen([BUILD / "astrofs", "login", "vo", "--config", mount.config], stdin=terminal, stdout=terminal,
                              stderr=terminal, start_new_session=True) as login:
            os.close(terminal)
            for question, answer in (b"User of vo", USER), (b"not shown", PASSWORD):
                while question not in shown:
                    self.assertTrue(select.select([master], [], [], PATIENCE)[0], shown)
                    shown += os.read(master, 4096)
                os.write(master, answer.encode() + b"\n")
            login.wait(PATIENCE)
        with contextlib.suppress(OSError):  # its other side is closed
            while select.select([master], [], [], 0)[0]:
                shown += os.read(master, 4096)
        os.close(master)
        self.assertEqual(login.returncode, 0, shown)
        self.assertIn(b"Logged in as alice", shown)
        self.assertNotIn(PASSWORD.encode(), shown)

    def test_a_file_that_is_refused_is_eacces_and_why_names_what_the_service_takes(self):
        sim = self.vo()
        self.set(sim, login="Bearer")
        mount = self.mount_with_login(sim, "bearer")
        self.log_in(mount, TOKEN)
        folder = mount / "vo/PLATES/M31/plates%2Fdata%2FGS00700_x.fits"
        self.assertEqual(os.listdir(folder), ["GS00700_x.fits"])
        self.set(sim, knows_nobody=True)
        self.assert_errno(errno.EACCES, os.stat, folder / "GS00700_x.fits")
        why = json.dumps(mount.why("vo/PLATES/M31/plates%2Fdata%2FGS00700_x.fits/GS00700_x.fits"))
        for word in ("may be wrong", "astrofs login vo", "OAuth"):
            self.assertIn(word, why)
        # A page that wants a password is no FITS file either.
        self.set(sim, login_page=True)
        self.assert_errno(errno.EACCES, os.listdir, mount / "vo/LINKED")
        self.assert_errno(errno.EACCES, os.stat, folder / "GS00700_x.fits")
        self.set(sim, knows_nobody=False)
        self.assertEqual((folder / "GS00700_x.fits").stat().st_size % 2880, 0)
        # Logged out: the names stay, the bytes of another login are not served.
        self.assertTrue((folder / "GS00700_x.fits").read_bytes())
        self.login.unlink()
        mount.tell(command="logins")
        self.assert_errno(errno.EACCES, (folder / "GS00700_x.fits").read_bytes)

    @unittest.skipUnless(importlib.util.find_spec("pyvo"), "python3-pyvo is not installed")
    def test_pyvo_reads_the_same_rows_from_the_same_service(self):
        import pyvo
        sim = self.vo()
        mount = self.mount_vo(sim)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            service = pyvo.dal.TAPService(f"{sim.url}/vo/tap")
            rows = service.search("SELECT * FROM ivoa.obscore")
            self.assertEqual(len(rows), 10)
            for row in rows:
                folder = mount / "vo" / row["obs_collection"] / row["target_name"] / row["obs_id"].replace("/", "%2F")
                shown = {name for name in os.listdir(folder) if (folder / name).is_file()}
                if "datalink" in row["access_format"]:
                    links = pyvo.dal.adhoc.DatalinkResults.from_result_url(row["access_url"])
                    urls = [link["access_url"] for link in links if link["semantics"] == "#this" and "datalink" not in link["content_type"]]
                    self.assertTrue(urls)
                else:
                    urls = [row["access_url"]]
                for url in urls:
                    name = url.split("?")[0].rsplit("/", 1)[1]
                    self.assertIn(name, shown)
                    self.assertEqual((folder / name).read_bytes(), sim.fetch(url[len(sim.url):]))


if __name__ == "__main__":
    main()
