#!/usr/bin/python3
"""DKIST's frames where the collection serves no HTTPS: Globus copies them into a folder of this machine on order."""
import concurrent.futures
import errno
import json
import os
import pathlib
import subprocess

from dkist_stage import DATASET, DkistTest
from harness import BUILD, main, wait_until

ENDPOINT = "11111111-2222-3333-4444-555555555555"


class DkistTransfer(DkistTest):
    def ordered(self, *words, task_ms=0, timeout=20, log_in=True, config=""):
        self.folder = self.directory / "globus"
        self.folder.mkdir()
        mount = self.dkist("--dkist-no-https", "--dkist-globus", self.folder, "--dkist-task-ms", task_ms, *words, timeout=timeout,
                           config=f'local_endpoint = "{ENDPOINT}"\nlocal_folder = "{self.folder}"\nlocal_path = "/~/"\n{config}')
        if log_in:
            self.log_in(mount, https=False)
        return mount

    def centre_says(self, what):
        return json.loads(self.centre.fetch("/_sim/dkist"))[what]

    def read_all(self, paths):
        with concurrent.futures.ThreadPoolExecutor(len(paths)) as readers:
            return list(readers.map(lambda path: path.read_bytes(), paths))

    def assert_tidy(self):
        """Nothing of an order is left but what it has brought."""
        wait_until(lambda: not os.listdir(self.folder / "incoming"), "no order is left")

    def test_frames_that_are_read_together_come_by_one_task_without_a_mail(self):
        mount = self.ordered()
        names = self.names(mount)[:8]
        truth = [self.truth(name) for name in names]
        self.assertEqual([(mount / DATASET / name).stat().st_size for name in names], [len(data) for data in truth])
        self.assertEqual(self.read_all([mount / DATASET / name for name in names]), truth)
        self.assertEqual((self.centre_says("tasks"), self.centre_says("mails")), (1, 0))
        self.assert_tidy()
        self.assertEqual((self.folder / "pid_1_123/BEOGN" / names[0]).read_bytes(), truth[0])
        why = mount.why(f"{DATASET}/{names[0]}")
        self.assertEqual(why["brought_to"], f"{self.folder}/pid_1_123/BEOGN/{names[0]}")
        self.assertEqual(why["state"], "cached")
        # What is in the folder costs no task.
        wait_until(lambda: mount.control("evict", mount / DATASET, check=False).returncode == 0, "the kernel has let go of all")
        self.assertEqual((mount / DATASET / names[3]).read_bytes(), truth[3])
        extra = next((mount / DATASET / "extra").iterdir())
        self.assertEqual(len(extra.read_bytes()), extra.stat().st_size)
        self.assertEqual(self.centre_says("tasks"), 2)

    def test_a_frame_that_is_there_in_part_is_not_shown_and_status_tells_how_far_it_is(self):
        mount = self.ordered(task_ms=8000)
        name = self.names(mount)[2]
        path = mount / DATASET / name
        truth = self.truth(name)
        with concurrent.futures.ThreadPoolExecutor(1) as reader:
            reading = reader.submit(path.read_bytes)
            wait_until(lambda: [file for file in self.folder.rglob(name) if 0 < file.stat().st_size < len(truth)], "half of it is there")
            self.assertFalse(reading.done())
            (order,) = wait_until(lambda: [order for order in mount.status()["orders"] if order["state"] == "ACTIVE"], "it was looked at")
            self.assertEqual((order["archive"], order["batch"]), ("dkist", "pid_1_123/BEOGN"))
            self.assertEqual(mount.why(f"{DATASET}/{name}")["order"]["order"], order["order"])
            self.assertIn(order["order"], mount.control("status", mount.path).stdout)
            self.assertEqual(reading.result(), truth)
        self.assertEqual(mount.status()["orders"], [])

    def test_who_does_not_wait_so_long_gets_an_error_and_the_next_one_the_frame(self):
        mount = self.ordered(task_ms=4000, timeout=2)
        name = self.names(mount)[1]
        self.assert_errno(errno.ETIMEDOUT, (mount / DATASET / name).read_bytes)
        wait_until(lambda: (self.folder / "pid_1_123/BEOGN" / name).exists(), "it is brought all the same")
        self.assertEqual((mount / DATASET / name).read_bytes(), self.truth(name))
        self.assertEqual(self.centre_says("tasks"), 1)

    def test_a_task_that_is_held_up_is_an_error_in_time_and_goes_on(self):
        mount = self.ordered()
        name = self.names(mount)[4]
        path = mount / DATASET / name
        self.tell(gcp=False)
        self.assert_errno(errno.EIO, path.read_bytes)
        self.assertIn("GC_NOT_CONNECTED", mount.why(f"{DATASET}/{name}")["last_error"]["message"])
        self.assert_errno(errno.EIO, path.read_bytes)
        self.tell(gcp=True)
        wait_until(lambda: mount.status()["orders"] == [], "the task is done")
        # Who asks again within a second gets the same error.
        self.assertEqual(self.read_at_last(path, errno.EIO), self.truth(name))
        self.assertEqual(self.centre_says("tasks"), 1)

    def test_a_lost_frame_is_nan_and_keeps_no_other_from_coming(self):
        mount = self.ordered("--dkist-lost", 1)
        names = self.names(mount)
        lost = next(name for name in names if not self.has(name))
        good = next(name for name in names if name != lost)
        data, _ = self.read_all([mount / DATASET / good, mount / DATASET / lost])
        self.assertEqual(data, self.truth(good))
        self.assert_blank(mount / DATASET / lost)
        self.assertEqual(os.getxattr(mount / DATASET / lost, "user.astrofs.state"), b"placeholder")
        self.assert_tidy()

    def has(self, name):
        try:
            return bool(self.truth(name))
        except OSError:
            return False

    def left_under_way(self):
        mount = self.ordered(task_ms=8000)
        name = self.names(mount)[6]
        with concurrent.futures.ThreadPoolExecutor(1) as reader:
            reading = reader.submit(lambda: self.assertRaises(OSError, (mount / DATASET / name).read_bytes))
            wait_until(lambda: list(self.folder.rglob(name)), "it is on its way")
            mount.kill()
            reading.result()
        return mount, name

    def test_an_order_that_was_under_way_is_found_again_by_the_next_mount(self):
        mount, name = self.left_under_way()
        mount.mount()
        self.assertEqual((mount / DATASET / name).read_bytes(), self.truth(name))
        self.assertEqual(self.centre_says("tasks"), 1)
        self.assert_tidy()

    def test_offline_an_order_that_was_under_way_is_left_alone(self):
        mount, name = self.left_under_way()
        notes = list((self.folder / "incoming").glob("*.json"))
        mount.options += ["-o", "offline"]
        mount.mount()
        self.assertEqual(mount.status()["orders"], [])
        threads = pathlib.Path(f"/proc/{mount.pid()}/task").glob("*/comm")
        self.assertNotIn("orders", [thread.read_text().strip() for thread in threads])
        mount.unmount()
        self.assertEqual(list((self.folder / "incoming").glob("*.json")), notes)

    def test_after_a_login_sizes_are_known_without_a_remount(self):
        mount = self.ordered(log_in=False)
        name = self.names(mount)[0]
        path = mount / DATASET / name
        self.assert_blank(path)
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"not-logged-in")
        self.log_in(mount, https=False)
        truth = self.truth(name)
        wait_until(lambda: path.stat().st_size == len(truth), "its size is known")
        self.assertEqual(path.read_bytes(), truth)

    def test_without_an_end_point_it_is_said_what_is_wanting_beside_a_login(self):
        mount = self.dkist("--dkist-no-https", config='client_id = "11111111-2222-3333-4444-555555555555"')
        name = self.names(mount)[0]
        self.assertIn("astrofs login dkist", mount.why(f"{DATASET}/{name}")["login"])
        words = [BUILD / "astrofs", "login", "dkist", "--config", mount.config]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as login:
            address = next(line.strip() for line in login.stdout if line.startswith("http"))
            said, _ = login.communicate(self.code_of(address) + "\n")
        self.assertEqual(login.returncode, 0)
        for words in (said, mount.why(f"{DATASET}/{name}")["login"]):
            self.assertIn("does not serve HTTPS", words)
            self.assertIn("local_endpoint", words)
        self.assert_blank(mount / DATASET / name)

    def test_a_selection_is_warmed_by_few_tasks(self):
        mount = self.ordered()
        mount.control("warm", mount / DATASET / ".select" / "stokes==Q")
        wanted = {name for name in self.names(mount) if "_Q_" in name}
        self.assertEqual(set(os.listdir(self.folder / "pid_1_123/BEOGN")), wanted)
        self.assertLessEqual(self.centre_says("tasks"), 2)

    def test_a_folder_that_is_not_the_end_points_is_said_to_be_wrong(self):
        elsewhere = self.directory / "elsewhere"
        elsewhere.mkdir()
        mount = self.ordered()
        mount.unmount()
        mount.config.write_text(mount.config.read_text().replace(f'local_folder = "{self.folder}"', f'local_folder = "{elsewhere}"'))
        mount.mount()
        name = self.names(mount)[0]
        self.assert_errno(errno.EIO, (mount / DATASET / name).read_bytes)
        self.assertIn(f"is not in {elsewhere}", mount.why(f"{DATASET}/{name}")["last_error"]["message"])


if __name__ == "__main__":
    main()
