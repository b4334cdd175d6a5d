#!/usr/bin/python3
"""A real service of the Virtual Observatory through the real kernel: DaCHS, as scripts/dachs starts it. What the mount shows is
compared with the files that were published, and with the rows that pyvo and stilts read there.

ASTROFS_DACHS=required: that DaCHS is not installed is a failure; ASTROFS_DACHS=no: it is not even looked for.
`scripts/dachs run tests/mount/dachs.py` tests against one that runs already."""
import csv
import errno
import importlib.util
import io
import os
import pathlib
import shutil
import unittest
import urllib.request
import warnings

from harness import BUILD, LIFETIME, PATIENCE, ROOT, MountTest, main, run, wait_until

WISH = os.environ.get("ASTROFS_DACHS", "")
SCRIPT = ROOT / "scripts/dachs"
TREE = "{obs_collection}/{target_name}/{obs_id}"
FILES_OF_OBSCORE = "SELECT obs_collection, target_name, obs_id, access_url, access_format FROM ivoa.obscore " \
                   "WHERE obs_collection = 'PLATES' OR obs_collection = 'LINKED' OR obs_collection = 'PRIVATE'"
STARS = "SELECT * FROM astrofs.stars WHERE id"


def why_not():
    if WISH == "no":
        return "a server to install first: scripts/test --full"
    missing = "" if "DACHS_URL" in os.environ else run(SCRIPT, "missing", check=False).stdout.strip()
    return missing if missing and WISH != "required" else None


REASON = why_not()


@unittest.skipIf(REASON, REASON)
class Dachs(MountTest):
    @classmethod
    def setUpClass(cls):
        global URL, FILES
        told = os.environ
        if "DACHS_URL" not in os.environ:
            # Several programs in turn, each of which may take its time.
            started = run(SCRIPT, "start", timeout=10 * PATIENCE, env={**os.environ, "DACHS_SECONDS": str(LIFETIME)})
            told = dict(line.split("=", 1) for line in started.stdout.splitlines())
            cls.addClassCleanup(run, SCRIPT, "stop", told["DACHS_HOME"], timeout=4 * PATIENCE)
        URL, FILES = told["DACHS_URL"], pathlib.Path(told["DACHS_FILES"])

    def mount_vo(self, *options, tree=TREE, more=""):
        return self.mount(f'[archives.vo]\ntype = "obstap"\nurl = "{URL}/tap"\ntree = "{tree}"\n{more}\n', *options)

    def assert_published(self, path, published):
        self.assertEqual(path.stat().st_size, published.stat().st_size)
        run("cmp", path, published)

    def test_columns_are_directories_and_files_are_those_published(self):
        mount = self.mount_vo()
        self.assertEqual(sorted(os.listdir(mount / "vo")), ["LINKED", "PLATES", "PRIVATE", "SURVEY"])
        self.assertEqual(sorted(os.listdir(mount / "vo/PLATES")), ["M 13", "M31", "NGC 404", "SN 2011fe"])
        shown = {path.name: path for path in (mount / "vo/PLATES").glob("*/*/*") if "NGC 404" not in path.parts}
        self.assertEqual(sorted(shown), [f"GS{number:05}_x.fits" for number in range(700, 709)])
        for name, path in shown.items():
            self.assertEqual(os.getxattr(path.parent, "user.astrofs.name").decode(), f"astrofs/plates/{name}")
            self.assert_published(path, FILES / "plates" / name)
        run("fitsverify", "-q", shown["GS00700_x.fits"])
        self.assert_errno(errno.ENOENT, os.stat, mount / "vo/PLATES/M 33")

    def test_datalink_is_followed_and_its_faults_are_no_files(self):
        mount = self.mount_vo()
        folder = mount / "vo/LINKED/SN 2011fe/DR01402"
        self.assertEqual(sorted(os.listdir(folder)), ["DR01402.fits", "auxiliary", "flat", "preview"])
        self.assert_published(folder / "DR01402.fits", FILES / "linked/DR01402.fits")
        self.assertEqual(os.listdir(folder / "auxiliary"), ["DR01402.txt"])
        self.assert_published(folder / "auxiliary/DR01402.txt", FILES / "more/DR01402.txt")
        self.assertEqual(os.listdir(folder / "flat"), ["flat.fits"])
        self.assert_published(folder / "flat/flat.fits", FILES / "more/flat.fits")
        [preview] = os.listdir(folder / "preview")  # which the service makes
        with urllib.request.urlopen(f"{URL}/getproduct/astrofs/linked/DR01402.fits?preview=True", timeout=PATIENCE) as answer:
            truth = answer.read()
        self.assertEqual((folder / "preview" / preview).stat().st_size, len(truth))
        self.assertEqual((folder / "preview" / preview).read_bytes(), truth)

    def test_a_header_and_a_part_are_read_after_a_restart_too(self):
        mount = self.mount_vo()
        path, truth = mount / "vo/LINKED/M31/DR01400/DR01400.fits", (FILES / "linked/DR01400.fits").read_bytes()
        with path.open("rb") as file:
            self.assertEqual(file.read(2880), truth[:2880])
        self.assertLess(int(os.getxattr(path, "user.astrofs.cached")), len(truth))
        mount.unmount()
        mount.mount()
        with path.open("rb") as file:
            file.seek(700_000)
            self.assertEqual(file.read(10_000), truth[700_000:710_000])

    def test_circles_on_the_sky_are_directories(self):
        service = f"{URL}/__system__/siap2/sitewide/siap2.xml"
        mount = self.mount(f'[archives.sky]\ntype = "sia2"\nurl = "{service}"\nquery = "COLLECTION=PLATES&COLLECTION=LINKED"\n')
        circle = mount / "sky/10.68_41.27_0.01"
        plates = ["GS00700_x.fits", "GS00703_x.fits", "GS00706_x.fits"]
        linked = ["DR01400.fits", "DR01403.fits"]
        self.assertEqual(sorted(os.listdir(circle)), sorted([*plates, *linked, "auxiliary", "flat", "preview"]))
        for folder, names in ("plates", plates), ("linked", linked):
            for name in names:
                self.assert_published(circle / name, FILES / folder / name)
        self.assertEqual(os.listdir(mount / "sky/200_0_0.1"), [])
        self.assertEqual(len([name for name in os.listdir(mount / "sky/all") if name.endswith("_x.fits")]), 10)

    def test_a_level_with_too_many_values_shows_some_and_opens_all(self):
        mount = self.mount_vo(tree="{obs_collection}/{target_name}")
        names = os.listdir(mount / "vo/SURVEY")
        self.assertEqual(len(names), 30001)  # with NULL, which is asked for separately
        self.assertNotIn("TIC 1030499", names)
        self.assert_published(mount / "vo/SURVEY/TIC 1030499/GS00700_x.fits", FILES / "plates/GS00700_x.fits")
        self.assertIn("opens by its name", mount.why("vo/SURVEY")["listing"]["remark"])
        self.assert_errno(errno.ENOENT, os.stat, mount / "vo/SURVEY/TIC 7")

    def test_levels_of_numbers_can_be_entered(self):
        # Of single precision in the database, whatever the service says of the column: the field of view.
        for column in ("t_exptime", "s_fov", "em_min", "t_min"):
            mount = self.mount_vo(tree="{obs_collection}/{" + column + "}")
            names = os.listdir(mount / "vo/PLATES")
            self.assertEqual(sum(len(os.listdir(mount / "vo/PLATES" / name)) for name in names), 10, names)

    def test_values_that_are_no_names_can_be_entered_all_the_same(self):
        mount = self.mount_vo(more="where = \"obs_id LIKE 'X%'\"")
        names = {"..%2F..%2Fetc%2Fpasswd", "%2E%2E", "it's \"A\" Cen", "NULL", "%2050 of  two"}
        self.assertEqual(set(os.listdir(mount / "vo/SURVEY")), names)
        for name in names:
            [field] = (mount / "vo/SURVEY" / name).iterdir()
            self.assert_published(field / "GS00700_x.fits", FILES / "plates/GS00700_x.fits")

    def test_a_file_under_embargo_is_for_who_logs_in(self):
        mount = self.mount_vo(more=f'auth = "basic"\nlogin = "{self.directory / "vo.login"}"')
        folder = mount / "vo/PRIVATE/M 33/astrofs%2Fprivate%2FEM00001.fits"
        self.assertEqual(os.listdir(folder), ["EM00001.fits"])
        self.assert_errno(errno.EACCES, os.stat, folder / "EM00001.fits")
        why = str(mount.why("vo/PRIVATE/M 33/astrofs%2Fprivate%2FEM00001.fits/EM00001.fits"))
        self.assertIn("astrofs login vo", why)
        login = BUILD / "astrofs", "login", "vo", "--config", mount.config
        self.assertIn("it is kept", run(*login, input="observers:plates\n").stdout, "a public answer names nobody")
        self.assert_published(folder / "EM00001.fits", FILES / "private/EM00001.fits")
        self.assertEqual((folder / "EM00001.fits").stat().st_mode & 0o777, 0o400)

    def test_a_file_that_was_lost_is_missing(self):
        (FILES / "plates/GS00709_x.fits").unlink(missing_ok=True)
        mount = self.mount_vo()
        folder = mount / "vo/PLATES/NGC 404/astrofs%2Fplates%2FGS00709_x.fits"
        self.assertEqual(os.listdir(folder), ["GS00709_x.fits"])
        self.assert_errno(errno.ENOENT, os.stat, folder / "GS00709_x.fits")

    def test_what_the_service_refuses_is_told_in_its_words(self):
        mount = self.mount_vo(more='where = "no_such_column = 1"')
        self.assert_errno(errno.EIO, os.listdir, mount / "vo")
        wait_until(lambda: "no_such_column" in mount.why("vo")["listing"]["last_error"], "the reason is noted")

    def assert_shown(self, mount, rows):
        """Each of these rows is a directory of the mount, and there are no others in their collections."""
        escaped = [[str(row[column]).replace("/", "%2F") for column in ("obs_collection", "target_name", "obs_id")] for row in rows]
        shown = [path.parts[-3:] for name in ("PLATES", "LINKED", "PRIVATE") for path in (mount / "vo" / name).glob("*/*")]
        self.assertEqual(len(shown), 15)
        self.assertEqual(sorted(map(tuple, escaped)), sorted(shown))
        for row, path in zip(rows, escaped):
            try:
                names = {file.name for file in os.scandir(mount.path.joinpath("vo", *path)) if not file.is_dir()}
            except OSError as error:
                raise AssertionError(f"{error}: {mount.log()}") from error
            linked = "datalink" in str(row["access_format"])
            self.assertEqual(names, {f"{row['obs_id']}.fits" if linked else str(row["access_url"]).rsplit("/", 1)[1]})

    @unittest.skipUnless(importlib.util.find_spec("pyvo"), "python3-pyvo is not installed")
    def test_pyvo_reads_the_same_rows(self):
        import pyvo
        mount = self.mount_vo()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            service = pyvo.dal.TAPService(f"{URL}/tap")
            self.assert_shown(mount, list(service.search(FILES_OF_OBSCORE)))
            self.assert_shown(mount, list(service.run_async(FILES_OF_OBSCORE)))

    @unittest.skipUnless(shutil.which("stilts"), "stilts is not installed")
    def test_stilts_reads_the_same_rows(self):
        mount = self.mount_vo()
        asked = run("stilts", "tapquery", f"tapurl={URL}/tap", "sync=true", f"adql={FILES_OF_OBSCORE}", "ofmt=csv", timeout=2 * PATIENCE)
        self.assert_shown(mount, list(csv.DictReader(io.StringIO(asked.stdout))))

    def mount_stars(self):
        return self.mount(f'[archives.q]\ntype = "tap"\nurl = "{URL}/tap"\n[archives.q.files]\n' + "".join(
            f'"to_{{id}}.{form}" = "{STARS} <= {{id}} ORDER BY id"\n' for form in ("fits", "vot", "csv")) + '"bad.csv" = "SELECT x FROM nowhere.at_all"\n')

    @unittest.skipUnless(importlib.util.find_spec("pyvo"), "python3-pyvo is not installed")
    def test_files_are_queries_with_the_rows_that_pyvo_reads(self):
        import pyvo
        from astropy.table import Table
        mount = self.mount_stars()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            truth = pyvo.dal.TAPService(f"{URL}/tap").search(f"{STARS} <= 6000000199 ORDER BY id").to_table()
            tables = {form: Table.read(mount / f"q/to_6000000199.{form}", format=kind)
                      for form, kind in (("fits", "fits"), ("vot", "votable"), ("csv", "ascii.csv"))}
        self.assertEqual(len(truth), 200)
        run("fitsverify", "-q", mount / "q/to_6000000199.fits")
        for form, table in tables.items():
            with self.subTest(form):
                self.assertEqual(table.colnames, truth.colnames)
                self.assertEqual(len(table), len(truth))
                for name in ("id", "ra", "dec", "plates"):
                    self.assertEqual([float(value) for value in table[name]], [float(value) for value in truth[name]], name)
                missing = [index for index in range(200) if index % 7 == 0]
                self.assertEqual([index for index, value in enumerate(table["mag"]) if not value >= 0], missing)
        for form in "fits", "vot":
            self.assertEqual([list(value) for value in tables[form]["colours"]], [list(value) for value in truth["colours"]])
        named = [str(value) for value in truth["name"]]  # in FITS there is ASCII alone
        self.assertEqual([str(value) for value in tables["vot"]["name"].filled("")], named)
        self.assertEqual([str(value) for value in tables["csv"]["name"].filled("")], named)
        self.assert_errno(errno.EIO, os.stat, mount / "q/bad.csv")
        self.assertIn("nowhere", str(mount.why("q/bad.csv")))

    @unittest.skipUnless(shutil.which("stilts"), "stilts is not installed")
    def test_stilts_finds_in_a_file_what_it_finds_at_the_service(self):
        mount = self.mount_stars()
        columns = "id ra dec mag plates variable seen"
        there = run("stilts", "tapquery", f"tapurl={URL}/tap", "sync=true", f"adql={STARS} <= 6000000299 ORDER BY id",
                    f"ocmd=keepcols '{columns}'", "ofmt=csv", timeout=2 * PATIENCE).stdout
        here = run("stilts", "tpipe", f"in={mount / 'q/to_6000000299.vot'}", "ifmt=votable", f"cmd=keepcols '{columns}'", "ofmt=csv",
                   timeout=2 * PATIENCE).stdout
        self.assertEqual(there.count("\n"), 301)
        self.assertEqual(here, there)


if __name__ == "__main__":
    main()
