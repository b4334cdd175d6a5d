"""https for the mount tests: an authority that lives for one test, and a door that speaks TLS in front of a server.

The keys and certificates are made by openssl(1) in the test's directory. Door is a thread of the test; it ends with close().
"""
import datetime
import pathlib
import socket
import ssl
import threading
import urllib.parse

from harness import PATIENCE, run

AUTHORITY = """
[ca]
default_ca = here
[here]
database = {home}/issued
serial = {home}/serial
new_certs_dir = {home}
certificate = {home}/authority.pem
private_key = {home}/authority.key
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
"""
DAY = datetime.timedelta(days=1)
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Issues certificates. Who is told `certificate` believes them."""

    def __init__(self, directory):
        self.home = pathlib.Path(directory) / "authority"
        self.home.mkdir()
        self.certificate = self.home / "authority.pem"
        (self.home / "issued").touch()
        (self.home / "serial").write_text("01\n")
        (self.home / "config").write_text(AUTHORITY.format(home=self.home))
        run("openssl", "req", "-x509", *CURVE, "-keyout", self.home / "authority.key", "-out", self.certificate,
            "-days", "2", "-subj", "/CN=authority of a test")

    def issue(self, name, hosts, begins=-DAY, ends=DAY):
        """The files of a certificate and its key; `begins` and `ends` count from now."""
        key, request, certificate = (self.home / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        extensions = self.home / f"{name}.ext"
        extensions.write_text(f"subjectAltName = {hosts}\n")
        run("openssl", "req", "-new", *CURVE, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        now = datetime.datetime.now(datetime.timezone.utc)
        dates = [(now + span).strftime("%Y%m%d%H%M%SZ") for span in (begins, ends)]
        run("openssl", "ca", "-batch", "-notext", "-config", self.home / "config", "-in", request, "-out", certificate,
            "-startdate", dates[0], "-enddate", dates[1], "-extfile", extensions)
        return certificate, key

    def self_signed(self, name, hosts):
        """One that nobody vouches for."""
        key, certificate = self.home / f"{name}.key", self.home / f"{name}.pem"
        run("openssl", "req", "-x509", *CURVE, "-keyout", key, "-out", certificate, "-days", "2", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName = {hosts}")
        return certificate, key


class Door:
    """Speaks TLS and passes each request on to a plain server, one request to a connection.

    `show()` chooses the certificate of the connections to come; `greetings` counts those that began, `passed` those whose
    client believed it, and `spoken` has the protocols that were agreed on.
    """

    def __init__(self, url, certificate, key):
        self.behind = urllib.parse.urlsplit(url)
        self.greetings, self.passed, self.spoken, self.names = 0, 0, [], []
        self.lock = threading.Lock()
        self.others = {}
        self.show(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @staticmethod
    def context_of(certificate, key):
        # A context of its own each time: no session of an earlier certificate can be resumed.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def show(self, certificate, key):
        context = self.context_of(certificate, key)
        context.sni_callback = self.choose
        self.context = context

    def show_for(self, name, certificate, key):
        """To clients that say that they look for `name`."""
        self.others[name] = self.context_of(certificate, key)

    def choose(self, connection, name, _):
        self.names.append(name)
        if name in self.others:
            connection.context = self.others[name]

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.greetings += 1
            threading.Thread(target=self.answer, args=(peer,), daemon=True).start()

    def answer(self, peer):
        peer.settimeout(PATIENCE)
        try:
            with self.context.wrap_socket(peer, server_side=True) as client:
                with self.lock:
                    self.passed += 1
                    self.spoken.append(client.selected_alpn_protocol())
                self.pass_on(client)
        except OSError:
            peer.close()  # refused by the client, or gone: its own affair

    def pass_on(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            part = client.recv(65536)
            if not part:
                return
            head += part
        with socket.create_connection((self.behind.hostname, self.behind.port), PATIENCE) as server:
            server.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            while part := server.recv(65536):
                client.sendall(part)

    def close(self):
        with self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
