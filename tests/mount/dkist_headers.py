#!/usr/bin/python3
"""The header cards of a DKIST dataset as tables and plots, and why a selection has no answer."""
import csv
import errno
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import termios
import xml.etree.ElementTree
import zlib

import numpy
from astropy.io import fits
from astropy.table import Table

from dkist_stage import DATASET, FRAMES, DkistTest
from harness import BUILD, PATIENCE, main, run


def name_in_fits(card):
    return re.sub("[^A-Za-z0-9_]", "_", card)


class Headers(DkistTest):
    def csv(self, mount, *words):
        return list(csv.DictReader(io.StringIO(mount.control("headers", mount / DATASET, *words).stdout)))

    def pixels(self, png):
        """Width, height and the bytes of red, green and blue of a PNG that has all in lines without a filter or with one."""
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        at, data, size = 8, b"", None
        while at < len(png):
            length, kind = struct.unpack(">I4s", png[at:at + 8])
            body = png[at + 8:at + 8 + length]
            self.assertEqual(zlib.crc32(kind + body), struct.unpack(">I", png[at + 8 + length:at + 12 + length])[0])
            size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
            data += body if kind == b"IDAT" else b""
            at += 12 + length
        self.assertEqual(kind, b"IEND")
        return size, zlib.decompress(data)

    def test_the_table_is_a_fits_file_with_the_types_and_the_gaps_of_the_asdf(self):
        mount = self.dkist()
        rows = self.csv(mount)
        path = self.directory / "cards.fits"
        mount.control("headers", mount / DATASET, "--output", path)
        run("fitsverify", "-q", path)
        table = Table.read(path, hdu=1)
        self.assertEqual(table.colnames, [name_in_fits(card) for card in rows[0]])
        for card in rows[0]:
            column = numpy.ma.array(table[name_in_fits(card)])
            texts = [row[card] for row in rows]
            missing = numpy.ma.getmaskarray(column)
            if column.dtype.kind == "f":
                missing = missing | numpy.isnan(column.filled(numpy.nan))
                self.assertEqual([float(text) for text in texts if text], list(column[~missing]), card)
            elif column.dtype.kind == "i":
                self.assertEqual([int(text) for text in texts if text], list(column[~missing]), card)
            elif column.dtype.kind == "b":
                self.assertEqual([text == "T" for text in texts if text], list(column[~missing]), card)
            else:
                self.assertEqual(texts, [text.decode() if isinstance(text, bytes) else str(text) for text in column.filled("")], card)
                continue
            self.assertEqual([not text for text in texts], list(missing), card)
        kinds = {card: table[card].dtype for card in ("ATMOS_R0", "DINDEX4", "AO_LOCK")}
        self.assertEqual({card: (kind.kind, kind.itemsize) for card, kind in kinds.items()},
                         {"ATMOS_R0": ("f", 8), "DINDEX4": ("i", 8), "AO_LOCK": ("b", 1)})
        self.assertTrue(numpy.isnan(numpy.ma.filled(table["ATMOS_R0"], numpy.nan)).any())
        self.assertEqual(self.centre.log(".fits"), [])

    def test_the_table_goes_to_a_pipe_and_not_to_a_terminal(self):
        mount = self.dkist()
        words = [BUILD / "astrofs", "headers", mount / DATASET, "--fits", "--where", "stokes==Q", "--columns", "DATE-AVG,DINDEX3"]
        with fits.open(io.BytesIO(subprocess.run(words, capture_output=True, check=True, timeout=PATIENCE).stdout), checksum=True) as file:
            file.verify("exception")
            self.assertEqual(file[1].columns.names, ["file", "DATE_AVG", "DINDEX3"])
            self.assertEqual([str(name) for name in file[1].data["file"]], [row["file"] for row in self.csv(mount, "--where", "stokes==Q")])
        shown, code = self.on_terminal(words)
        self.assertEqual(code, 1)
        self.assertIn("--output", shown)

    def test_a_table_that_cannot_be_written_is_an_error_and_a_wrong_wish_leaves_the_old_one(self):
        mount = self.dkist()
        full = mount.control("headers", mount / DATASET, "--output", "/dev/full", check=False)
        self.assertEqual(full.returncode, 1)
        self.assertIn("No space left", full.stderr)
        old = self.directory / "old.csv"
        old.write_text("old")
        self.assertEqual(mount.control("headers", mount / DATASET, "--columns", "NOSUCH", "--output", old, check=False).returncode, 1)
        self.assertEqual(old.read_text(), "old")

    # ---- selections without an answer

    def said(self, mount, selection, dataset="BEOGN"):
        """Why there is no such selection."""
        done = mount.control("why", mount / "dkist" / dataset / ".select" / selection, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""), selection)
        self.assertTrue(done.stderr.startswith(f"astrofs: dkist/{dataset}/.select/{selection}: "), done.stderr)
        return done.stderr.removeprefix(f"astrofs: dkist/{dataset}/.select/{selection}: ").strip()

    def test_why_says_what_is_wrong_with_a_selection_and_where(self):
        mount = self.dkist()
        columns = self.said(mount, "NOSUCH<1")
        self.assertTrue(columns.startswith("no column NOSUCH; there are: "), columns)
        self.assertEqual(columns.split(": ", 1)[1].split(), list(self.csv(mount)[0])[1:])
        for selection, words in {"ATMOS_R0<": "a value is missing at letter 10", "nonsense": "one of < <= > >= == != is missing at letter 9",
                                 "ATMOS_R0<1<2": "a second operator in one condition at letter 11", "DINDEX4==1,": "a column is missing at letter 12",
                                 "OBJECT=='x": "a quote does not end at letter 11"}.items():
            self.assertEqual(self.said(mount, selection), "not a selection: " + words)
        self.assertEqual(self.said(mount, "ATMOS_R0<x"), "ATMOS_R0 holds numbers, and x is none")
        self.assertIn("it is equal (==) or not (!=)", self.said(mount, "AO_LOCK<T"))
        self.assertIn("ZZZZZ is not in the archive's listing", self.said(mount, "ATMOS_R0<1", "ZZZZZ"))
        done = mount.control("why", mount / DATASET / ".select" / "ATMOS_R0<0.15")
        self.assertRegex(done.stdout, r"(?m)^  archive +dkist$")

    def test_why_says_that_a_selection_lacks_its_asdf_file(self):
        mount = self.dkist("--dkist-ranges")
        listed, other = [name for name in sorted(os.listdir(mount / "dkist")) if name.isupper() and name != "BEOGN"][:2]
        for name in (listed, "BEOGN"):
            os.listdir(mount / "dkist" / name)
        self.centre.fault("/download/asdf*", "status", n=503)
        self.assertRegex(self.said(mount, "ATMOS_R0<1", listed), f"^the ASDF file of {listed} cannot be read: .*503")
        self.assertRegex(self.said(mount, "ATMOS_R0<1", other), f"^dkist/{other}: .*503")
        mount.unmount()
        self.centre.stop()
        mount.options = (*mount.options, "-o", "offline")
        mount.mount()
        self.assertRegex(self.said(mount, "ATMOS_R0<1"), "^the ASDF file of BEOGN cannot be read: .*offline")
        self.assertRegex(self.said(mount, "ATMOS_R0<1", other), f"^dkist/{other}: this directory was not listed .*offline")
        self.assert_errno(errno.ENETUNREACH, os.stat, mount / DATASET / ".select" / "ATMOS_R0<1")

    # ---- plots

    def on_terminal(self, words, columns=100):
        """What a command shows on a terminal of so many columns, and its exit code."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        shown = b""
        with subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # its last writer is gone
                    break
                if not piece:
                    break
                shown += piece
        os.close(ours)
        return shown.decode().replace("\r\n", "\n"), process.returncode

    def test_a_card_is_drawn_over_time_as_wide_as_the_terminal(self):
        mount = self.dkist()
        words = [BUILD / "astrofs", "headers", mount / DATASET, "--plot", "atmos_r0", "--where", "stokes==I"]
        piped = subprocess.run(words, capture_output=True, text=True, check=True, timeout=PATIENCE, env={**os.environ, "COLUMNS": "60"})
        for width, text in ((60, piped.stdout), (100, self.on_terminal(words)[0])):
            lines = text.splitlines()
            self.assertLessEqual(max(map(len, lines)), width)
            self.assertEqual(len(lines[-3]), width, "the axis")
            self.assertTrue(lines[0].startswith(f"ATMOS_R0  BEOGN, stokes==I: {FRAMES // 4} frames"), lines[0])
            self.assertRegex(lines[-2], r"19:47:\d\d")
            self.assertIn("DATE-AVG, 2022-10-24 UTC", lines[-1])
            dots = sum(bin(ord(letter) - 0x2800).count("1") for letter in text if 0x2800 <= ord(letter) <= 0x28ff)
            values = [row for row in self.csv(mount, "--where", "stokes==I") if row["ATMOS_R0"]]
            self.assertTrue(0 < dots <= len(values), f"{dots} dots")
        self.assertEqual(self.centre.log(".fits"), [])

    def test_a_card_is_drawn_as_a_png_and_as_an_svg(self):
        mount = self.dkist()
        for name in ("plot.png", "plot.svg"):
            shown = mount.control("headers", mount / DATASET, "--plot", "ATMOS_R0", "--plot-file", self.directory / name)
            self.assertIn("ATMOS_R0", shown.stdout)
        (width, height), data = self.pixels((self.directory / "plot.png").read_bytes())
        self.assertEqual(len(data) % height, 0)
        self.assertGreater(width, height)
        svg = (self.directory / "plot.svg").read_text()
        xml.etree.ElementTree.fromstring(svg)
        dots = re.findall(r'stroke-linecap:round[^>]* d="([^"]*)"', svg)
        drawn = sum(path.count("M") for path in dots)
        far = int(re.search(r"(\d+) too far out to be drawn", shown.stdout).group(1))
        self.assertEqual(drawn + far, len([row for row in self.csv(mount) if row["ATMOS_R0"]]))

    def test_what_cannot_be_drawn_is_said(self):
        mount = self.dkist()
        for words, said in ((("--plot", "FILENAME"), "texts"), (("--plot", "NOSUCH"), "ATMOS_R0"), (("--plot", "ATMOS_R0", "--where", "ATMOS_R0<0"), "nothing to draw"),
                            (("--plot", "ATMOS_R0", "--plot-file", "plot.gif"), ".svg"), (("--plot", "ATMOS_R0", "--fits"), "excludes")):
            done = mount.control("headers", mount / DATASET, *words, check=False)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertIn(said, done.stderr, words)
            self.assertEqual(done.stdout, "", words)


if __name__ == "__main__":
    main()
