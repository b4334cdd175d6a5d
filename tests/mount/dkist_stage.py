"""A made-up DKIST data centre, a mount of it, and what its tests share."""
import http.client
import json
import os
import time
import urllib.parse
import urllib.request
import warnings

import numpy
from astropy.io import fits

from harness import MountTest

FRAMES = 40
DATASET = "dkist/BEOGN"


class DkistTest(MountTest):
    def dkist(self, *words, config="", options=(), **keywords):
        self.login = self.directory / "logins" / "dkist.json"
        self.centre = self.sim("--dkist", 12, "--dkist-frames", FRAMES, *words)
        url = self.centre.url
        keys = {"datasets": f"{url}/datasets", "download": f"{url}/download", "auth": f"{url}/auth",
                "transfer": f"{url}/transfer", "login": self.login}
        lines = "\n".join(f'{key} = "{value}"' for key, value in keys.items())
        return self.mount(f'[archives.dkist]\ntype = "dkist"\n{lines}\n{config}', *options, **keywords)

    def log_in(self, mount, seconds=3600, account="first", https=True):
        """As `astrofs login` leaves it."""
        url = self.centre.url
        collection = json.loads(self.centre.fetch("/datasets/v1/config"))["globusDataEndpointID"]
        token = {"expires_at_seconds": int(time.time()) + seconds}
        text = json.dumps({"account": account, "client_id": "c", "collection": collection, "https": f"{url}/https" if https else "",
                           "transfer": {"access_token": "sim-transfer-token", "refresh_token": "sim-transfer-refresh", **token},
                           "bytes": {"access_token": "sim-https-token", "refresh_token": "sim-https-refresh", **token}})
        self.login.parent.mkdir(exist_ok=True)
        self.login.touch(0o600)
        self.login.write_text(text)
        mount.tell(command="logins")

    def code_of(self, address):
        """What a browser is shown at the address that `astrofs login` prints."""
        browser = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc)
        browser.request("GET", address[address.index("/auth/"):])
        shown = browser.getresponse().getheader("Location")
        browser.close()
        self.assertTrue(shown.startswith("https://auth.globus.org/v2/web/auth-code?"), shown)
        return urllib.parse.parse_qs(urllib.parse.urlsplit(shown).query)["code"][0]

    def tell(self, **change):
        request = urllib.request.Request(self.centre.url + "/_sim/dkist", json.dumps(change).encode())
        with urllib.request.urlopen(request) as answer:
            self.assertEqual(answer.status, 200)

    def names(self, mount):
        return sorted(name for name in os.listdir(mount / DATASET) if name.endswith(".fits"))

    def truth(self, name):
        request = urllib.request.Request(f"{self.centre.url}/https/data/pid_1_123/BEOGN/{name}")
        request.add_header("Authorization", "Bearer sim-https-token")
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def assert_blank(self, path):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with fits.open(path) as file:
                data = file[1].data
                self.assertEqual((data.dtype.kind, data.dtype.itemsize), ("f", 8))
                self.assertTrue(numpy.isnan(data).all())
                return file[1].header.copy()
