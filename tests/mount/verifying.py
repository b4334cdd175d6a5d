#!/usr/bin/python3
"""Files whose bytes do not fit the checksums that came with them."""
import errno
import json
import os

from harness import MountTest, main, tess_config, wait_until
from reading import CHIP, first_frame, key_of

FRAMES = "*_ffic.fits"
# In the pixels of a small frame.
FLIPPED = 30000


def verified(path):
    return os.getxattr(path, "user.astrofs.verified")


class Verifying(MountTest):
    # Claim 19
    def test_good_frames_are_verified_when_they_are_complete_and_stay_so(self):
        sim, mount = self.tess(frames=2)
        path = first_frame(mount)
        with open(path, "rb", buffering=0) as file:
            file.read(100)
        self.assertEqual(verified(path), b"unavailable")
        data = path.read_bytes()
        wait_until(lambda: verified(path) == b"yes", "the frame is verified")
        self.assertEqual(data, sim.fetch(key_of(path)))
        self.assertRegex(mount.why(f"{CHIP}/{path.name}")["checked"], "CHECKSUM of 3 HDUs fits")
        mount.unmount()
        mount.mount()
        self.assertEqual(verified(path), b"yes")

    # Claim 19
    def test_a_bit_that_is_wrong_once_is_mended_by_itself(self):
        sim, mount = self.tess(frames=1)
        path = first_frame(mount)
        sim.fault(FRAMES, "flip_bit", n=FLIPPED, times=1)
        path.read_bytes()
        wait_until(lambda: verified(path) == b"yes", "the second copy is verified")
        self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))

    # Claim 19
    def test_a_bit_that_is_always_wrong_is_never_served_once_it_is_known(self):
        sim, mount = self.tess(frames=2)
        path, good = sorted((mount / CHIP).iterdir())
        sim.fault(f"*{path.name}*", "flip_bit", n=FLIPPED)
        path.read_bytes()
        wait_until(lambda: verified(path) == b"no", "the frame is refused")
        self.assert_errno(errno.EIO, path.read_bytes)
        sim.forget()
        self.assert_errno(errno.EIO, path.read_bytes)
        self.assertEqual(sim.log(path.name), [])
        why = mount.why(f"{CHIP}/{path.name}")
        self.assertRegex(why["checked"], "(CHECKSUM|DATASUM) of HDU 1 does not fit")
        self.assertIn("contradict", why["reason"])
        self.assertIn("contradict", mount.control("why", path).stdout)
        good.read_bytes()
        wait_until(lambda: verified(good) == b"yes", "its sibling is verified")
        answer = mount.control("verify", "--json", mount / CHIP, check=False)
        self.assertNotEqual(answer.returncode, 0)
        result = json.loads(answer.stdout.splitlines()[-1])
        self.assertEqual((result["yes"], result["no"], result["incomplete"]), (1, 1, 0))
        self.assertEqual([row["path"] for row in result["contradictions"]], [f"{CHIP}/{path.name}"])
        mount.kill()
        mount.mount()
        self.assert_errno(errno.EIO, path.read_bytes)
        # The archive mends it, and somebody asks for another try. That it is pinned keeps no bytes: there are none.
        sim.heal()
        mount.control("pin", path)
        self.assertIn("1 files evicted", mount.control("evict", path).stdout)
        self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))
        wait_until(lambda: verified(path) == b"yes", "the mended frame is verified")
        self.assertEqual(mount.control("verify", path).returncode, 0)

    # Claim 19
    def test_verify_report_serves_it_and_says_so(self):
        sim = self.sim("--sector", 4, "--frames", 1, "--chips", "1-1", "--size", "small")
        mount = self.mount(tess_config(sim, 'verify = "report"'))
        path = first_frame(mount)
        sim.fault(FRAMES, "flip_bit", n=FLIPPED)
        path.read_bytes()
        wait_until(lambda: verified(path) == b"no", "the frame is reported")
        self.assertEqual(len(path.read_bytes()), path.stat().st_size)
        self.assertNotEqual(mount.control("verify", path, check=False).returncode, 0)

    def test_files_without_checksums_are_unavailable_and_served(self):
        folder, sim = self.folder("nginx_json")
        data = os.urandom(50_000)
        (folder / "a.dat").write_bytes(data)
        mount = self.mount(f'[archives.data]\ntype = "index"\nurl = "{sim.url}/data/"\n')
        path = mount / "data/a.dat"
        self.assertEqual(path.read_bytes(), data)
        wait_until(lambda: mount.why("data/a.dat")["checked"] != "", "it was looked at")
        self.assertEqual(verified(path), b"unavailable")
        answer = json.loads(mount.control("verify", "--json", mount / "data").stdout.splitlines()[-1])
        self.assertEqual((answer["unavailable"], answer["no"]), (1, 0))

    def test_what_is_not_here_completely_is_not_fetched_to_be_verified(self):
        sim, mount = self.tess(frames=3)
        frames = sorted((mount / CHIP).iterdir())
        with open(frames[0], "rb", buffering=0) as file:
            file.read(100)
        sim.forget()
        answer = json.loads(mount.control("verify", "--json", mount / CHIP).stdout.splitlines()[-1])
        self.assertEqual((answer["incomplete"], answer["yes"]), (3, 0))
        self.assertEqual(sim.log(".fits"), [])


if __name__ == "__main__":
    main()
