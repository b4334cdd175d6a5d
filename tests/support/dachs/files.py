#!/usr/bin/python3
"""The files that scripts/dachs publishes: plates, larger ones that DataLink tells of, and what belongs to those.
Always the same bytes. `files.py FOLDER`"""
import pathlib
import sys

import numpy
from astropy.io import fits
from astropy.wcs import WCS

TARGETS = [("M31", 10.68, 41.27), ("M 13", 250.42, 36.46), ("SN 2011fe", 210.77, 54.27)]


def write_plate(path, seed, target, rows, columns):
    name, ra, dec = target
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [columns / 2, rows / 2]
    wcs.wcs.cdelt = [-0.001, 0.001]
    header = wcs.to_header()
    header["OBJECT"] = name
    header["DATE-OBS"] = f"1984-03-{seed % 27 + 1:02}"
    header["EXPTIME"] = 60.0 + seed
    header["FILTER"] = "V"
    data = numpy.random.default_rng(seed).integers(-30000, 30000, (rows, columns), dtype=numpy.int16)
    hdu = fits.PrimaryHDU(data, header)
    hdu.add_checksum(when="")  # the date would be another one each time
    path.parent.mkdir(parents=True, exist_ok=True)
    hdu.writeto(path)


def main(folder):
    for number in range(9):
        write_plate(folder / f"plates/GS{700 + number:05}_x.fits", number, TARGETS[number % 3], 120, 160)
    write_plate(folder / "plates/GS00709_x.fits", 9, ("NGC 404", 17.36, 35.72), 120, 160)  # which gets lost
    write_plate(folder / "private/EM00001.fits", 20, ("M 33", 23.46, 30.66), 120, 160)
    for number in range(4):
        plate = f"DR{1400 + number:05}"
        write_plate(folder / f"linked/{plate}.fits", 50 + number, TARGETS[number % 3], 700, 900)
        (folder / "more").mkdir(exist_ok=True)
        (folder / f"more/{plate}.txt").write_text(f"What the observer noted of {plate}.\n" * 20)
    write_plate(folder / "more/flat.fits", 77, ("FLAT", 0, 0), 120, 160)


main(pathlib.Path(sys.argv[1]))
