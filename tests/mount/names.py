#!/usr/bin/python3
"""What readers get when the names of servers do not resolve. In a network of its own, with a resolver that lies on request."""
import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from harness import PATIENCE, MountTest, main, run, wait_until
from reading import CHIP, key_of

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
TYPE_A, NXDOMAIN, SERVFAIL = 1, 3, 2
HOST = "archive.example"
# As glibc's own, but without a search list and without long waits: a question is asked twice, for 2 s each.
RESOLV_CONF = "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n"


def leave_the_network():
    """Puts this process and its children where there is only a loopback device; False where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        return False
    run("mount", "--make-rprivate", "/")
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack_from("h", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request), 16)[0]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    return True


def replace_file(path, text):
    """For this process and its children."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        os.chmod(file.name, 0o644)
        run("mount", "--bind", file.name, path)


class Resolver:
    """A name server on the loopback address. `mode`: answers, nxdomain, servfail or silent; `delay` in seconds."""

    def __init__(self):
        self.mode, self.delay, self.addresses, self.asked = "answers", 0, ["127.0.0.1"], 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            question, peer = self.socket.recvfrom(512)
            if question == b"end":
                return
            self.asked += 1
            if self.mode != "silent":
                threading.Timer(self.delay, self.socket.sendto, (self.answer(question), peer)).start()

    def answer(self, question):
        end = question.index(b"\0", 12) + 5
        kind = struct.unpack(">H", question[end - 4:end - 2])[0]
        code = {"answers": 0, "nxdomain": NXDOMAIN, "servfail": SERVFAIL}[self.mode]
        addresses = self.addresses if kind == TYPE_A and not code else []
        head = question[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(addresses), 0, 0)
        records = b"".join(struct.pack(">HHHIH", 0xC00C, TYPE_A, 1, 0, 4) + socket.inet_aton(one) for one in addresses)
        return head + question[12:end] + records

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", ("127.0.0.1", 53))
        self.thread.join()
        time.sleep(self.delay)  # answers that are still to be sent
        self.socket.close()


class Names(MountTest):
    def setUp(self):
        super().setUp()
        if not ALONE:
            self.skipTest("only root makes a network of its own")
        self.resolver = Resolver()
        self.addCleanup(self.resolver.close)

    def sector(self, frames=2, **keywords):
        """A sector of a server that is known by name, and a directory of one that is known by its address."""
        sim = self.sim("--sector", 4, "--frames", frames, "--chips", "1-1")
        folder, other = self.folder()
        for number in range(50):
            (folder / f"{number}.dat").write_bytes(b"%d\n" % number)
        named = sim.url.replace("127.0.0.1", HOST)
        mount = self.mount(f'[archives.tess]\ntype = "tess"\ns3 = "{named}"\narchive = "{named}"\nmast = "{named}"\n'
                           f'[archives.near]\ntype = "index"\nurl = "{other.url}/data/"\n', **keywords)
        return sim, mount

    def assert_a_failure_is_no_verdict(self, *modes):
        """Neither a name that is not there nor blank pixels; what is cached goes on; and it passes."""
        sim, mount = self.sector()
        first, second = sorted((mount / CHIP).iterdir())
        cached = first.read_bytes()
        mount.unmount()
        mount.mount()  # a daemon that has no connection yet and remembers no address
        for mode in modes:
            self.resolver.mode = mode
            sim.forget()
            self.assert_errno(errno.EIO, second.read_bytes)
            self.assertEqual(os.getxattr(second, "user.astrofs.state"), b"remote")
            told = mount.why(f"{CHIP}/{second.name}")["last_error"]["message"]
            self.assertIn(f"Could not resolve host: {HOST}", told)
            self.assertIn(f"Could not resolve host: {HOST}", mount.log())
            self.assertEqual(first.read_bytes(), cached)
            self.assertEqual(len(os.listdir(mount / CHIP)), 2)
            self.assert_errno(errno.EIO, os.listdir, mount / "tess/5/1/1")
            self.assertEqual(sim.log(), [])
        self.resolver.mode = "answers"
        # The server is left alone for a while after so many failures.
        self.assertEqual(self.read_at_last(second, errno.EIO), sim.fetch(key_of(second)))

    # Claims 5, 14
    def test_a_name_that_does_not_exist_is_an_error_and_never_a_missing_file(self):
        self.assert_a_failure_is_no_verdict("nxdomain")

    # Claims 5, 14
    def test_a_resolver_that_fails_is_an_error_and_never_a_missing_file(self):
        self.assert_a_failure_is_no_verdict("servfail")

    def test_a_slow_resolver_costs_time_and_nothing_else(self):
        self.resolver.delay = 1
        sim, mount = self.sector()
        for path in (mount / CHIP).iterdir():
            self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))

    # Claim 9
    def test_a_resolver_that_never_answers_holds_up_nobody_else(self):
        sim, mount = self.sector(timeout=600)
        self.resolver.mode = "silent"
        readers = [subprocess.Popen(["ls", mount / "tess/4/1/1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for _ in range(8)]
        wait_until(lambda: self.resolver.asked > 0 and mount.status()["calls_waiting"] > 0, "the readers wait for the name")
        for number in range(50):
            self.assertEqual((mount / f"near/{number}.dat").read_bytes(), b"%d\n" % number)
        self.assertIsNone(readers[0].poll(), "the readers were not waiting all the while")
        for reader in readers:
            reader.send_signal(signal.SIGINT)
        for reader in readers:
            self.assertEqual(reader.wait(PATIENCE), -signal.SIGINT)
        self.assert_not_given_up(mount)

    # Claims 5, 9
    def test_a_resolver_that_never_answers_is_an_error_in_bounded_time(self):
        sim, mount = self.sector(timeout=3)
        self.resolver.mode = "silent"
        with self.assertRaises(OSError) as caught:
            os.listdir(mount / "tess/4/1/1")
        self.assertIn(caught.exception.errno, (errno.ETIMEDOUT, errno.EIO))

    # Claim 11
    def test_a_name_with_a_dead_address_beside_a_living_one_is_read(self):
        self.resolver.addresses = ["127.0.0.77", "127.0.0.1"]
        sim, mount = self.sector()
        for path in (mount / CHIP).iterdir():
            self.assertEqual(path.read_bytes(), sim.fetch(key_of(path)))

    # Claim 11
    def test_a_server_that_moves_is_found_at_its_new_address(self):
        sim, mount = self.sector()
        first, second = sorted((mount / CHIP).iterdir())
        mount.unmount()
        mount.mount()
        self.resolver.addresses = ["127.0.0.77"]
        self.assert_errno(errno.EIO, first.read_bytes)
        self.resolver.addresses = ["127.0.0.1"]
        self.assertEqual(self.read_at_last(second, errno.EIO), sim.fetch(key_of(second)))


ALONE = leave_the_network()
if ALONE:
    replace_file("/etc/resolv.conf", RESOLV_CONF)
    replace_file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")

if __name__ == "__main__":
    main()
