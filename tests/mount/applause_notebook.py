#!/usr/bin/python3
"""What proves the stand-in of APPLAUSE: a notebook's calls, with pyvo as Debian ships it, run against it unchanged."""

import numpy
import requests
import pyvo as vo
from astropy.io import fits
from astropy.utils.data import download_file

from harness import MountTest, main

TOKEN = "0123456789abcdef0123456789abcdef01234567"


def download_sources_table(url, plate_id, calib=False, token=TOKEN):
    """The calls of those who analyse plates, in their order."""
    query = "SELECT * FROM applause_dr4.source"
    if calib:
        query = query + "_calib"
    query = query + " WHERE plate_id = " + str(plate_id) + " ORDER BY source_id"
    session = requests.Session()
    session.headers["Authorization"] = "Token " + token
    service = vo.dal.TAPService(url + "/tap", session=session)
    job = service.submit_job(query, language="PostgreSQL")
    job.run()
    job.wait(phases=["COMPLETED", "ERROR", "ABORTED"], timeout=70.0)
    job.raise_if_error()
    table = job.fetch_result().to_table()
    return job, table


class Notebook(MountTest):
    def archive(self, *words):
        return self.sim("--applause", 12, "--applause-rows", 30, *words)

    def settings(self, sim, body):
        sim.ask("/_sim/applause", "POST", body)

    def test_both_tables_of_a_plate_are_fetched_by_jobs(self):
        sim = self.archive()
        job, sources = download_sources_table(sim.url, 9319)
        self.assertEqual(len(sources), 30)
        self.assertEqual(sources.colnames[:3], ["source_id", "process_id", "scan_id"])
        self.assertEqual(sources["source_id"].dtype, numpy.int64)
        self.assertEqual(set(sources["plate_id"]), {9319})
        self.assertTrue(sources["x_psf"].mask.any(), "NULL is masked")
        job.delete()
        job, calibrated = download_sources_table(sim.url, 9319, calib=True)
        self.assertEqual(len(calibrated.colnames), 49)
        self.assertLess(len(calibrated), len(sources))
        job.delete()
        self.assertIn(b'"unarchived":0', sim.ask("/_sim/applause"))

    def test_scans_are_downloaded_by_the_address_that_jobs_give(self):
        sim = self.archive()
        service = vo.dal.TAPService(sim.url + "/tap")
        query = "SELECT plate_id, filename_scan, file_size FROM applause_dr4.scan WHERE plate_id = 9319 ORDER BY scan_id"
        relative = service.run_sync(query, language="PostgreSQL").to_table()
        self.assertEqual(str(relative["filename_scan"][0]), "DR4/scans/HAM-GS/GS00768_x.fits")
        absolute = service.run_async(query, language="PostgreSQL").to_table()
        url = str(absolute["filename_scan"][0])
        self.assertTrue(url.startswith(sim.url + "/files/DR4/"), url)
        path = download_file(url, cache=False)
        with fits.open(path, checksum=True) as hdus:
            self.assertEqual(hdus[0].header["TELESCOP"], "Hamburg Great Schmidt Mirror")
            self.assertEqual(hdus[0].data.dtype, numpy.uint16)
            hdus.verify("exception")

    def test_what_the_service_refuses_is_refused(self):
        sim = self.archive()
        service = vo.dal.TAPService(sim.url + "/tap")
        with self.assertRaisesRegex(vo.DALQueryError, "LANG: This query language is not supported"):
            service.run_sync("SELECT * FROM applause_dr4.archive", language="SQL")
        with self.assertRaisesRegex(Exception, "403"):
            download_sources_table(sim.url, 9319, token="f" * 40)
        self.settings(sim, '{"quota": 1000}')
        download_sources_table(sim.url, 9319)
        # pyvo takes the refusal for a job and asks for its phase; the reason is in the answer before.
        with self.assertRaisesRegex(Exception, "404"):
            download_sources_table(sim.url, 9320)
        answer = requests.post(sim.url + "/tap/async", headers={"Authorization": "Token " + TOKEN},
                               data={"LANG": "PostgreSQL", "QUERY": "SELECT * FROM applause_dr4.archive"})
        self.assertEqual(answer.status_code, 400)
        self.assertIn("Quota is exceeded", answer.text)
        self.settings(sim, '{"job_error": "canceling statement due to statement timeout\\n", "quota": 1000000}')
        with self.assertRaises(vo.DALQueryError):
            download_sources_table(sim.url, 9320)


if __name__ == "__main__":
    main()
