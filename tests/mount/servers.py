"""Debian's nginx and Apache as archives of the mount tests: each serves one folder under /data/ on a free loopback port.

Configuration, logs and temporary files live in the test's directory; a server is a child in the foreground and ends by its pid.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from harness import LIFETIME, PATIENCE, wait_until

# `timeout` ends a server that its test could not end.
GUARD = ["timeout", str(LIFETIME)]
SERVER_USER = "www-data"  # both servers lay down root's rights and must be told for whose
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

NGINX = """
daemon off;
{user}
worker_processes 2;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {home}/access.log;
  {temporary}
  default_type application/octet-stream;
  # As many archives have it: a client that asks for identity must still get the file's bytes and its length.
  gzip on; gzip_types *; gzip_min_length 1;
  server {{
    listen 127.0.0.1:{port};
    location /data/ {{ alias "{folder}/"; autoindex on; {options} }}
  }}
}}
"""

APACHE = """
ServerRoot {home}
DefaultRuntimeDir {home}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {home}/apache.pid
ErrorLog {home}/error.log
{modules}
{user}
TypesConfig {home}/mime.types
AddOutputFilterByType DEFLATE text/html text/plain application/octet-stream
Alias /data/ "{folder}/"
<Directory "{folder}">
  Require all granted
  Options Indexes
  DirectoryIndex disabled
  {options}
</Directory>
"""
APACHE_MODULES = ("mpm_event", "authz_core", "dir", "autoindex", "alias", "mime", "filter", "deflate")
APACHE_MODULE_FOLDER = "/usr/lib/apache2/modules"


def program(name):
    """Where a program is, also when only root's PATH has its folder; None when it is not installed."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server program as a child. `command` writes its configuration for a port and gives the program's words."""

    def __init__(self, directory, folder):
        self.home = pathlib.Path(tempfile.mkdtemp(dir=directory))
        self.folder = pathlib.Path(folder)
        for visible in (pathlib.Path(directory), self.home, self.folder):
            visible.chmod(0o755)
        # Between the choice of a port and the server's bind somebody else may have taken it.
        for _ in range(5):
            port = free_port()
            self.url = f"http://127.0.0.1:{port}"
            self.process = subprocess.Popen(GUARD + self.command(port), stdout=subprocess.DEVNULL,
                                            stderr=subprocess.PIPE, start_new_session=True)
            try:
                if wait_until(self.answers_or_died, "the server answers") == "answers":
                    return
            except BaseException:
                self.stop()
                raise
            reason = self.process.stderr.read().decode()
            self.process.stderr.close()
        raise AssertionError(f"the server does not start: {reason}")

    def command(self, port):
        raise NotImplementedError

    def answers_or_died(self):
        if self.process.poll() is not None:
            return "died"
        try:
            with urllib.request.urlopen(self.url + "/data/", timeout=PATIENCE) as answer:
                return "answers" if answer.status == 200 else None
        except (urllib.error.URLError, OSError):
            return None

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process.stderr.close()


class Nginx(Server):
    def __init__(self, directory, folder, options):
        self.options = options
        super().__init__(directory, folder)

    def command(self, port):
        config = self.home / "nginx.conf"
        config.write_text(NGINX.format(
            home=self.home, port=port, folder=self.folder, options=self.options,
            user=f"user {SERVER_USER};" if os.geteuid() == 0 else "",
            temporary=" ".join(f"{name}_temp_path {self.home}/{name};" for name in TEMPORARY)))
        return [program("nginx"), "-p", str(self.home), "-c", str(config), "-e", str(self.home / "error.log")]


class Apache(Server):
    def __init__(self, directory, folder, options):
        self.options = options
        super().__init__(directory, folder)

    def command(self, port):
        config = self.home / "apache.conf"
        (self.home / "mime.types").write_text("application/fits fits\ntext/plain txt csv sh\n")
        config.write_text(APACHE.format(
            home=self.home, port=port, folder=self.folder, options=self.options,
            user=f"User {SERVER_USER}\nGroup {SERVER_USER}" if os.geteuid() == 0 else "",
            modules="\n".join(f"LoadModule {name}_module {APACHE_MODULE_FOLDER}/mod_{name}.so" for name in APACHE_MODULES)))
        return [program("apache2"), "-d", str(self.home), "-f", str(config), "-DFOREGROUND"]
