#!/usr/bin/python3
"""What readers get when the server behind an https URL is not to be believed, or cannot be spoken to."""
import errno
import os
import shutil
import socket
import threading
import unittest

from harness import BUILD, MountTest, main, run, tess_config, wait_until
from reading import CHIP, first_frame, key_of
from secure import DAY, Authority, Door

HERE = "DNS:localhost,IP:127.0.0.1"
FRAMES = "*_ffic.fits"
# What one read may cost: the attempts of one download (backends/http/fetcher.h), and the kernel reads a page again that its
# read-ahead did not bring.
ATTEMPTS = 6
READS = 2


def answer_plainly(listener):
    """What a server without TLS says to whatever it is asked; until the listener is shut down."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Connecting(MountTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.good = self.authority.issue("good", HERE)

    def door(self, url, certificate=None):
        door = Door(url, *(certificate or self.good))
        self.addCleanup(door.close)
        return door

    def believing(self, config, *options, **keywords):
        """A mount that believes the test's authority."""
        return self.mount(config, *options, environment={"SSL_CERT_FILE": str(self.authority.certificate)}, **keywords)

    def secure_sector(self, frames=3, **keywords):
        """A sector behind a door, and a mount that has listed it."""
        sim = self.sim("--sector", 4, "--frames", frames, "--chips", "1-1")
        door = self.door(sim.url)
        mount = self.believing(tess_config(door), **keywords)
        return sim, door, mount, sorted((mount / CHIP).iterdir())

    def assert_not_believed(self, sim, door, mount, path, *words):
        """An error with its cause, no blank pixels, no storm, and nothing asked of a server that could be anybody."""
        sim.forget()
        before = door.greetings
        self.assert_errno(errno.EIO, path.read_bytes)
        self.assertEqual(sim.log(), [])
        self.assertEqual(os.getxattr(path, "user.astrofs.state"), b"remote")
        told = mount.why(f"{CHIP}/{path.name}")["last_error"]["message"]
        self.assertTrue(any(word in told for word in words), told)
        self.assertTrue(any(word in mount.log() for word in words), mount.log())
        self.assertLessEqual(door.greetings - before, ATTEMPTS * READS)

    # Claim 1
    def test_https_brings_the_same_bytes_over_http_1_1(self):
        sim, door, mount, frames = self.secure_sector()
        for path in frames:
            self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))
        self.assertEqual(door.greetings, door.passed)
        self.assertEqual(set(door.spoken), {"http/1.1"})

    # Claims 5, 11
    def test_a_certificate_that_has_expired_is_an_error(self):
        sim, door, mount, frames = self.secure_sector()
        door.show(*self.authority.issue("old", HERE, -2 * DAY, -DAY))
        self.assert_not_believed(sim, door, mount, frames[0], "expired")

    # Claim 5
    def test_a_certificate_that_is_not_valid_yet_is_an_error(self):
        sim, door, mount, frames = self.secure_sector()
        door.show(*self.authority.issue("early", HERE, DAY, 2 * DAY))
        self.assert_not_believed(sim, door, mount, frames[0], "not yet valid")

    # Claim 5
    def test_a_certificate_of_another_host_is_an_error(self):
        sim, door, mount, frames = self.secure_sector()
        door.show(*self.authority.issue("other", "DNS:other.example"))
        self.assert_not_believed(sim, door, mount, frames[0], "does not match", "no alternative certificate subject name")

    # Claim 5
    def test_a_certificate_that_vouches_for_itself_is_an_error(self):
        sim, door, mount, frames = self.secure_sector()
        door.show(*self.authority.self_signed("self", HERE))
        self.assert_not_believed(sim, door, mount, frames[0], "self-signed", "self signed")

    # Claim 5
    def test_an_authority_that_the_machine_does_not_know_is_an_error_and_no_missing_directory(self):
        sim = self.sim("--sector", 4, "--frames", 1, "--chips", "1-1")
        door = self.door(sim.url)
        mount = self.mount(tess_config(door))
        self.assert_errno(errno.EIO, os.listdir, mount / CHIP)
        self.assert_errno(errno.EIO, os.stat, mount / CHIP / "a.fits")
        self.assertEqual(sim.log(), [])
        self.assertIn("certificate", mount.log())

    # Claims 5, 11
    def test_a_server_whose_certificate_is_renewed_is_read_again(self):
        sim, door, mount, frames = self.secure_sector()
        door.show(*self.authority.issue("old", HERE, -2 * DAY, -DAY))
        self.assert_errno(errno.EIO, frames[0].read_bytes)
        door.show(*self.good)

        def whole():
            try:
                return frames[0].read_bytes()
            except OSError as error:
                self.assertEqual(error.errno, errno.EIO)  # left alone for a while after so many failures

        self.assertEqual(wait_until(whole, "the frame is read"), sim.fetch(key_of(frames[0])))

    def test_a_server_of_many_names_is_told_which_is_meant(self):
        sim = self.sim("--sector", 4, "--frames", 1, "--chips", "1-1")
        door = self.door(sim.url, self.authority.issue("other", "DNS:other.example"))
        door.show_for("localhost", *self.good)
        mount = self.believing(tess_config(door))
        path = first_frame(mount)
        self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))
        self.assertEqual(set(door.names), {"localhost"})

    # Claim 5
    def test_a_server_that_does_not_speak_tls_is_an_error(self):
        with socket.create_server(("127.0.0.1", 0), backlog=64) as plain:
            threading.Thread(target=answer_plainly, args=(plain,), daemon=True).start()
            url = f"https://localhost:{plain.getsockname()[1]}"
            mount = self.believing(f'[archives.data]\ntype = "index"\nurl = "{url}/data/"\n')
            self.assert_errno(errno.EIO, os.listdir, mount / "data")
            plain.shutdown(socket.SHUT_RDWR)

    # Claim 9
    def test_a_handshake_that_stalls_ends_at_the_deadline(self):
        with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:  # connects, and never says a word
            url = f"https://localhost:{silent.getsockname()[1]}"
            mount = self.believing(f'[archives.data]\ntype = "index"\nurl = "{url}/data/"\n', timeout=2)
            self.assert_errno(errno.ETIMEDOUT, os.listdir, mount / "data")

    # Claims 5, 10
    def test_a_redirect_from_https_to_http_is_not_followed(self):
        sim, door, mount, frames = self.secure_sector()
        plain = self.sim("--sector", 4, "--frames", 3, "--chips", "1-1")
        plain.forget()
        sim.fault(FRAMES, "redirect", text=plain.url + "{target}")
        self.assert_errno(errno.EIO, frames[0].read_bytes)
        self.assertEqual(plain.log(), [])

    # Claim 18
    def test_certificates_that_cannot_be_read_are_named_before_anything_is_mounted(self):
        with self.assertRaises(AssertionError) as caught:
            self.mount('[archives.here]\ntype = "local"\npath = "/"\n', environment={"SSL_CERT_FILE": "/nowhere.pem"})
        self.assertIn("SSL_CERT_FILE names /nowhere.pem", str(caught.exception))

    def test_a_login_believes_the_certificates_that_the_environment_names(self):
        token = "5afe0000c0de4bad8f00d5eed0fac111"
        door = self.door(self.sim("--hst", 1).url)
        config, kept = self.directory / "astrofs.toml", self.directory / "mast.token"
        config.write_text(f'[archives.hst]\ntype = "hst"\ns3 = "{door.url}"\nmast = "{door.url}"\nlogin = "{kept}"\n')

        def log_in(certificates):
            return run(BUILD / "astrofs", "login", "mast", "--config", config, input=token + "\n", check=False, cwd=self.authority.home,
                       env={**os.environ, "SSL_CERT_FILE": certificates})

        wrong = log_in("/nowhere.pem")
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
        self.assertEqual(wrong.stderr, "astrofs: SSL_CERT_FILE names /nowhere.pem, which cannot be read: No such file or directory\n")
        self.assertFalse(kept.exists())
        done = log_in(self.authority.certificate.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Logged in as alice@stsci.edu", done.stdout)
        self.assertEqual(kept.read_text(), token + "\n")


if __name__ == "__main__":
    main()
