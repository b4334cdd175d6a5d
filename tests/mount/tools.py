#!/usr/bin/python3
"""Every file is the archive's, through every server; and the tools of astronomers cannot tell a mount from a copy."""
import contextlib
import csv
import gzip
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import unittest
import warnings

from harness import PATIENCE, SAMPLES, MountTest, main, run, tess_config
from made import make_files, make_fits
from reading import CHIP, key_of
from servers import Apache, Nginx, program

try:
    import numpy
    from astropy.io import fits
except ImportError:
    fits = None
try:
    import fitsio
except ImportError:
    fitsio = None

TESS_SAMPLES = pathlib.Path(SAMPLES) / "tess" if SAMPLES else None
# gnuastro says when it ran.
CLOCK_LINE = re.compile(rb"^Run on .*\n", re.MULTILINE)
SEXTRACTOR_SHARE = "/usr/share/source-extractor"
SEXTRACTOR_COLUMNS = "NUMBER\nX_IMAGE\nY_IMAGE\nALPHA_J2000\nDELTA_J2000\nFLUX_AUTO\nFLUXERR_AUTO\nFLUX_RADIUS\nFLAGS\n"
# base/file_name.h: a name that looks escaped is escaped itself, so that no two names of an archive meet; and
# cfitsio would take a bracket for the start of a section.
SHOWN_AS = {"per%41cent.txt": "per%2541cent.txt", "[1].txt": "%5B1].txt"}


def need_samples(test):
    if TESS_SAMPLES is None:
        test.skipTest("ASTROFS_SAMPLES is not set: no real files to serve")


def index_config(url):
    # Excerpts keep the CHECKSUM of the file that they were cut from.
    return f'[archives.data]\ntype = "index"\nurl = "{url}/data/"\nverify = "off"\n'


def files_below(root):
    """Relative names of all files, in order."""
    return sorted(os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names)


def first_difference(there, here):
    """Where two texts part, as their first differing line; as the first differing byte when they are not text."""
    if b"\0" not in there + here:
        for number, (one, other) in enumerate(zip(there.splitlines(), here.splitlines()), 1):
            if one != other:
                return f"line {number}: on the mount {one!r}, in the copy {other!r}"
    at = next((i for i, (one, other) in enumerate(zip(there, here)) if one != other), min(len(there), len(here)))
    return (f"byte {at} of {len(there)} on the mount and {len(here)} in the copy: "
            f"{there[at:at + 32]!r} and {here[at:at + 32]!r}")


def assert_same(test, what, there, here):
    if there != here:
        test.fail(f"{what}: {first_difference(there, here)}")


def assert_same_file(test, there, here):
    test.assertEqual(there.stat().st_size, here.stat().st_size, there)
    assert_same(test, there, there.read_bytes(), here.read_bytes())


def astropy_report(name):
    """All that astropy finds in a file, with what it warns of and where it gives up."""
    report = []

    def look(what, call):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                report.append(f"{what}: {call()}")
            except Exception as error:  # a corrupt file may raise anything, and must raise the same in both places
                report.append(f"{what}: {type(error).__name__}: {error}")
        report.extend(f"warning: {warning.message}" for warning in caught)

    def info():
        text = io.StringIO()
        fits.info(name, output=text)
        return text.getvalue()

    def opened(memmap):
        with fits.open(name, memmap=memmap, checksum=True) as file:
            return "\n".join(f"{hdu.name} {digest(hdu.data)}\n" + hdu.header.tostring("\n") for hdu in file)

    look("info", info)
    for extension in range(3):
        look(f"getheader {extension}", lambda: fits.getheader(name, extension).tostring("\n"))
        look(f"getdata {extension}", lambda: digest(fits.getdata(name, extension)))
    look("open with memmap", lambda: opened(True))
    look("open without memmap", lambda: opened(False))
    return report


def digest(data):
    if data is None:
        return "no data"
    return f"{data.dtype} {data.shape} {hashlib.sha256(numpy.ascontiguousarray(data).tobytes()).hexdigest()}"


def fitsio_report(name):
    """All that cfitsio finds in a file: headers as listhead, numbers as imstat, a section, a digest of all data."""
    report = []
    try:
        with fitsio.FITS(name) as file:
            report.append(repr(file))
            for hdu in file:
                report.append(str(hdu.read_header()))
                data = hdu.read() if hdu.has_data() else None
                report.append(digest(data))
                if data is not None and data.dtype.names is None:
                    report.append(f"{numpy.nanmin(data)} {numpy.nanmax(data)} {numpy.nanmean(data)} {numpy.isnan(data).sum()}")
                    if data.ndim == 2:
                        report.append(digest(hdu[2:40:3, 1:20]))
    except Exception as error:  # as above
        report.append(f"{type(error).__name__}: {error}")
    return report


class ServedBytes:
    """What must hold for every server; `serve(folder)` gives the URL that has the folder under /data/."""

    def test_made_files_arrive_as_they_are(self):
        folder = self.directory / "served"
        make_files(folder)
        self.check(folder)

    def test_the_samples_arrive_as_they_are(self):
        need_samples(self)
        folder = self.directory / "served"
        shutil.copytree(TESS_SAMPLES, folder, copy_function=shutil.copyfile)
        self.check(folder)

    def check(self, folder):
        # The samples' directories may be closed to the server's user.
        for below, _, _ in os.walk(folder):
            os.chmod(below, 0o755)
        mount = self.mount(index_config(self.serve(folder)))
        names = files_below(folder)
        self.assertTrue(names)
        self.assertEqual(files_below(mount / "data"), sorted(SHOWN_AS.get(name, name) for name in names))
        for name in names:
            assert_same_file(self, mount / "data" / SHOWN_AS.get(name, name), folder / name)

    def serve_by(self, kind, name, folder, options):
        if not program(name):
            self.skipTest(f"{name} is not installed")
        server = kind(self.directory, folder, options)
        self.addCleanup(server.stop)
        return server.url


class ThroughTheStandInAsApache(ServedBytes, MountTest):
    style = "apache"

    def serve(self, folder):
        return self.sim("--folder", f"{folder}:{self.style}:/data").url


class ThroughTheStandInAsNginx(ThroughTheStandInAsApache):
    style = "nginx"


class ThroughTheStandInAsNginxJson(ThroughTheStandInAsApache):
    style = "nginx_json"


class ThroughTheStandInAsLighttpd(ThroughTheStandInAsApache):
    style = "lighttpd"


class ThroughNginx(ServedBytes, MountTest):
    options = "autoindex_format html;"

    def serve(self, folder):
        return self.serve_by(Nginx, "nginx", folder, self.options)


class ThroughNginxWithRoundedSizes(ThroughNginx):
    options = "autoindex_format html; autoindex_exact_size off;"


class ThroughNginxJson(ThroughNginx):
    options = "autoindex_format json;"


class ThroughApache(ServedBytes, MountTest):
    options = "IndexOptions FancyIndexing HTMLTable"

    def serve(self, folder):
        return self.serve_by(Apache, "apache2", folder, self.options)


class ThroughApacheWithoutATable(ThroughApache):
    options = "IndexOptions FancyIndexing Charset=UTF-8"


class ThroughApacheWithPlainLists(ThroughApache):
    options = "IndexOptions -FancyIndexing"


class ThroughApacheThatNamesAnEncoding(ThroughApache):
    """A file that is compressed is no answer that was compressed, though both are called Content-Encoding."""
    options = "IndexOptions FancyIndexing HTMLTable\n  AddEncoding x-gzip .gz"


class SameOutput:
    """What must hold for every set of files. `prepare` sets `there` and `here`, two folders with the same files."""
    readable = True  # some of the files are: a tool that fails on them all has shown nothing
    checksummed = True  # all of them are, and fitscheck says so

    def names(self):
        names = files_below(self.here)
        self.assertEqual(files_below(self.there), names)
        return names

    def same_report(self, report, package):
        if package is None:
            self.skipTest(f"python3-{report.__name__.split('_')[0]} is not installed")
        for name in self.names():
            texts = []
            for root in (self.there, self.here):
                with contextlib.chdir(root):  # names without their folder: cfitsio's messages are cut to 80 characters
                    texts.append("\n".join(report(name)).encode())
            assert_same(self, f"{report.__name__}({name!r})", *texts)
            self.reports = getattr(self, "reports", "") + texts[1].decode()

    def same_run(self, *command, per_file=True, may_fail=False):
        """Runs a tool with "{}" standing for a file's name (or for all names), in both folders."""
        if not program(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        successes = 0
        for names in [[name] for name in self.names()] if per_file else [self.names()]:
            words = [word for part in command for word in ([part.replace("{}", name) for name in names] if "{}" in part else [part])]
            (there, _), (here, status) = (self.output(root, words) for root in (self.there, self.here))
            assert_same(self, " ".join(words), there, here)
            successes += status == 0
        if self.readable and not may_fail:
            self.assertGreater(successes, 0, f"{command}: {here}")
        return here

    def output(self, root, words):
        result = subprocess.run(words, cwd=root, capture_output=True, timeout=2 * PATIENCE, env={**os.environ, "LC_ALL": "C.UTF-8"})
        text = result.stdout + b"\nexit %d\n" % result.returncode + result.stderr
        return CLOCK_LINE.sub(b"", text), result.returncode

    def test_the_bytes_are_the_same(self):
        for name in self.names():
            assert_same_file(self, self.there / name, self.here / name)

    def test_astropy_reads_the_same(self):
        self.same_report(astropy_report, fits)

    def test_fitsio_reads_the_same(self):
        self.same_report(fitsio_report, fitsio)

    def test_fitsinfo_fitsheader_and_fitscheck_say_the_same(self):
        self.same_run("fitsinfo", "{}", per_file=False)
        self.same_run("fitsheader", "{}", per_file=False)
        self.same_run("fitscheck", "--verbose", "--ignore-missing", "{}", per_file=False, may_fail=not self.checksummed)

    def test_fitsverify_says_the_same(self):
        self.same_run("fitsverify", "{}")

    def test_fitscopy_and_imcopy_write_the_same(self):
        self.same_run("fitscopy", "{}", "-")
        self.same_run("fitscopy", "{}[0]", "-")
        self.same_run("imcopy", "{}", "-")

    def test_fpack_and_funpack_say_and_write_the_same(self):
        self.same_run("funpack", "-L", "{}")
        self.same_run("fpack", "-L", "{}")
        # Lossless, no checksum: neither today's date nor a random seed in the result.
        self.same_run("fpack", "-g", "-q", "0", "-C", "-S", "{}")
        self.same_run("funpack", "-C", "-S", "{}")

    def test_gnuastro_says_the_same(self):
        self.same_run("astfits", "{}")
        self.same_run("astfits", "--datasum", "-h0", "{}")
        self.same_run("astfits", "-h0", "{}")

    def compare_statistics(self, hdu):
        self.same_run("aststatistics", f"-h{hdu}", "{}")

    def compare_catalogs(self, part):
        if not program("source-extractor"):
            self.skipTest("source-extractor is not installed")
        columns, config = self.directory / "columns.param", self.directory / "empty.sex"
        columns.write_text(SEXTRACTOR_COLUMNS)
        config.touch()
        return self.same_run("source-extractor", "{}" + part, "-c", str(config), "-PARAMETERS_NAME", str(columns),
                             "-FILTER_NAME", f"{SEXTRACTOR_SHARE}/default.conv", "-CATALOG_NAME", "STDOUT",
                             "-CATALOG_TYPE", "ASCII_HEAD", "-VERBOSE_TYPE", "QUIET")

    def pair(self, fill):
        """Fills a local folder and mounts it through nginx, or through the stand-in where there is none."""
        self.here = self.directory / "here"
        self.here.mkdir()
        fill(self.here)
        if program("nginx"):
            server = Nginx(self.directory, self.here, "autoindex_format html;")
            self.addCleanup(server.stop)
            url = server.url
        else:
            url = self.sim("--folder", f"{self.here}:nginx:/data").url
        self.there = self.mount(index_config(url)) / "data"


class PreparedTest(MountTest):
    """A test whose `prepare()` makes what its methods look at."""

    def setUp(self):
        super().setUp()
        self.prepare()


class OnASector(SameOutput, PreparedTest):
    """Frames with the header lengths that occur."""
    frames, size = 4, "small"

    def prepare(self):
        sim, mount = self.tess(frames=self.frames, size=self.size)
        self.there, self.here = mount / CHIP, self.directory / "here"
        self.here.mkdir()
        for name in os.listdir(self.there):
            (self.here / name).write_bytes(sim.fetch(key_of(self.there / name)))

    def test_aststatistics_says_the_same(self):
        self.compare_statistics(1)
        self.compare_statistics(2)

    def test_source_extractor_finds_the_same(self):
        catalog = self.compare_catalogs("[1]")
        stars = [line for line in catalog.splitlines() if line.split()[:1] and line.split()[0].isdigit()]
        self.assertTrue(stars, catalog[:2000])

    def test_a_section_of_the_image_is_the_same(self):
        self.same_run("imcopy", "{}[1][5:40,7:30]", "-")

    def test_fitsdiff_finds_no_difference(self):
        if not program("fitsdiff"):
            self.skipTest("fitsdiff is not installed")
        for name in self.names():
            self.assertIn("No differences found", run("fitsdiff", self.there / name, self.here / name).stdout)


class OnAFrameOfRealSize(OnASector):
    frames, size = 1, "full"


@unittest.skipUnless(fits, "python3-astropy is not installed")
class OnImagesAndTables(SameOutput, PreparedTest):
    def prepare(self):
        self.pair(make_fits)

    def test_aststatistics_says_the_same(self):
        self.compare_statistics(0)

    def test_source_extractor_finds_the_same(self):
        self.compare_catalogs("")


class OnSamples(SameOutput, PreparedTest):
    pattern = "fits/*.fits*"
    checksummed = False  # many are excerpts, and three are corrupt

    def prepare(self):
        need_samples(self)
        self.pair(lambda here: [shutil.copyfile(path, here / path.name) for path in TESS_SAMPLES.glob(self.pattern)])

    def test_aststatistics_says_the_same(self):
        self.compare_statistics(2)


class OnCorruptedSamples(OnSamples):
    """What cannot be read, or only in part, cannot be read in the same way."""
    pattern = "fits/*corrupted*"
    readable = False

    def test_some_are_unreadable_and_some_are_not(self):
        self.assertEqual(len(self.names()), 3)
        self.same_report(astropy_report, fits)
        self.assertIn("OSError", self.reports)
        self.assertIn("TESS", self.reports)


class OfARealListing(PreparedTest):
    """Sector 4 as the archive names it since 2021, and as shifty's users know it."""

    def prepare(self):
        need_samples(self)
        self.listing = TESS_SAMPLES / "listings/tess-s0004-spoc-ffi-2023-10.csv.gz"
        self.root = self.mount(tess_config(self.sim("--listing", self.listing))) / "tess/4"

    def test_sector_4_is_16_times_1060_names(self):
        expected = {}
        with gzip.open(self.listing, "rt") as rows:
            for row in csv.DictReader(rows):
                expected.setdefault(f"{row['camera']}/{row['ccd']}", set()).add(row["path"].rsplit("/", 1)[-1])
        self.assertEqual(len(expected), 16)
        for chip, names in expected.items():
            listed = os.listdir(self.root / chip)
            self.assertEqual(len(listed), 1060, chip)
            self.assertEqual(set(listed), names, chip)

    def test_the_ten_names_of_2018_still_open(self):
        listed = set(os.listdir(self.root / "1/1"))
        for half_hours in range(10):
            minutes = 9 * 60 + 59 + 30 * half_hours
            old, new = (f"tess2018292{minutes // 60:02d}{minutes % 60:02d}{seconds}-s0004-1-1-0124-s_ffic.fits" for seconds in (40, 39))
            self.assertNotIn(old, listed)
            self.assertIn(new, listed)
            self.assertEqual((self.root / "1/1" / old).read_bytes(), (self.root / "1/1" / new).read_bytes())


if __name__ == "__main__":
    main()
