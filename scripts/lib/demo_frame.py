#!/usr/bin/python3
"""What the demo does with a frame through astropy, as any script of an astronomer would.

demo_frame.py nan FILE              how many pixels of both images are NaN
demo_frame.py cut FILE [PNG]        a cut-out, drawn in the terminal and, when asked, into a PNG file
demo_frame.py table FILE...         one line per frame from its image header
"""
import os
import struct
import sys
import zlib

import numpy
from astropy.io import fits

# The cut-out: this many rows and columns of the image, from this corner. The columns are drawn 3 to a letter.
TOP, LEFT, ROWS, COLUMNS, BIN = 900, 800, 144, 216, 3
# Letters from dark to bright, for where no colours are wanted.
RAMP = " .:-=+*#%@"
# The grey steps of a 256-colour terminal are the colours 232 to 255.
FIRST_GREY, GREYS = 232, 24


def nan(path):
    with fits.open(path, memmap=False) as frame:
        for hdu in frame[1:]:
            count = int(numpy.isnan(hdu.data).sum())
            print(f"{hdu.name}: {count} of {hdu.data.size} pixels are NaN")
            if count != hdu.data.size:
                sys.exit(f"{path}: a placeholder must be NaN everywhere")
        print("header card ASTROFS =", frame[0].header["ASTROFS"])


def table(paths):
    for path in paths:
        header = fits.getheader(path, 1)
        print(f"{header['DATE-OBS']}  camera {header['CAMERA']} ccd {header['CCD']}  "
              f"{header['NAXIS1']} x {header['NAXIS2']} pixels  exposed {header['EXPOSURE']:.4f} d")


def cut(path):
    with fits.open(path) as frame:
        return numpy.array(frame[1].section[TOP:TOP + ROWS, LEFT:LEFT + COLUMNS], dtype=float)


def stretched(pixels):
    """0 to 1, the faint part lifted, dead pixels as sky."""
    sky, bright = numpy.nanmedian(pixels), numpy.nanpercentile(pixels, 99.7)
    scaled = numpy.arcsinh(10 * numpy.clip((pixels - sky) / (bright - sky), 0, 1)) / numpy.arcsinh(10)
    return numpy.nan_to_num(scaled, nan=0)


def binned(image):
    return image.reshape(ROWS // BIN, BIN, COLUMNS // BIN, BIN).max(axis=(1, 3))


def draw_colour(small):
    """Two rows of pixels to a line: the upper half block has a colour of its own above its background."""
    shades = (FIRST_GREY + numpy.round(small * (GREYS - 1))).astype(int)
    for upper, lower in zip(shades[::2], shades[1::2]):
        print("".join(f"\033[38;5;{a};48;5;{b}m\u2580" for a, b in zip(upper, lower)) + "\033[0m")


def draw_plain(small):
    for row in numpy.maximum(small[::2], small[1::2]):
        print("".join(RAMP[int(round(value * (len(RAMP) - 1)))] for value in row).rstrip())


def write_png(path, image):
    height, width = image.shape
    rows = b"".join(b"\0" + bytes(row) for row in numpy.round(image * 255).astype(numpy.uint8))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, grey
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def main():
    what, *arguments = sys.argv[1:]
    if what == "nan":
        nan(arguments[0])
    elif what == "table":
        table(arguments)
    elif what == "cut":
        pixels = cut(arguments[0])
        image = stretched(pixels)[::-1]  # FITS counts rows from below
        # The pipe behind which the demo indents is no terminal; it says so when there is one at the end.
        (draw_colour if os.environ.get("DEMO_COLOUR") == "1" else draw_plain)(binned(image))
        print(f"rows {TOP} to {TOP + ROWS - 1}, columns {LEFT} to {LEFT + COLUMNS - 1}; "
              f"median {numpy.nanmedian(pixels):.1f}, brightest {numpy.nanmax(pixels):.0f} electrons/s")
        if len(arguments) > 1:
            write_png(arguments[1], image)


main()
