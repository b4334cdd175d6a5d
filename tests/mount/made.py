"""Files that the mount tests make and serve: hard names, every length, FITS of every kind."""
import gzip
import os

from harness import run
from servers import program

try:
    import numpy
    from astropy.io import fits
except ImportError:  # make_fits() is for those who have it
    numpy = fits = None

# What a directory page may carry in a name: white space, escapes, markup, a colon (no scheme), more than a column's width.
HARD_NAMES = ("a b+c.txt", "per%41cent.txt", "amp&amp;<b>.txt", "hash#query?.txt", "quote'\".txt", "[1].txt", "c:d.txt",
              "tilde~.txt", "-dash.txt", "semi;colon=.txt", "größe-測光.txt", "long-" + "0123456789" * 20 + ".txt")


def make_files(folder):
    """Files of the kinds that archives hold, below `folder`."""
    (folder / "deep/er").mkdir(parents=True)
    for name in HARD_NAMES:
        (folder / name).write_text(name)
    (folder / "empty.dat").touch()
    (folder / "one.dat").write_bytes(b"x")
    (folder / "deep/block.dat").write_bytes(os.urandom(64 * 1024))
    (folder / "deep/er/odd.dat").write_bytes(os.urandom(3 * 1024 * 1024 + 17))
    (folder / "deep/table.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 5000))
    (folder / "page.html").write_text("<html><body>a file, not an answer</body></html>")
    (folder / "cut.fits").write_bytes(b"SIMPLE  =                    T")


def make_fits(folder):
    """Images and tables of every kind, checksummed; one of them also compressed by fpack and by gzip."""
    random = numpy.random.default_rng(4)
    image = random.normal(100, 5, (150, 200)).astype(">f4")
    image[10, 20:30] = numpy.nan
    table = fits.BinTableHDU.from_columns([
        fits.Column("time", "D", array=numpy.arange(5000) / 48), fits.Column("flux", "4E", array=random.random((5000, 4))),
        fits.Column("name", "12A", array=[f"star {i}" for i in range(5000)]), fits.Column("flag", "L", array=[True, False] * 2500)])
    lists = fits.BinTableHDU.from_columns([fits.Column("n", "PJ()", array=[range(i) for i in range(50)])])
    made = {"float.fits": [fits.PrimaryHDU(image)],
            "unsigned.fits": [fits.PrimaryHDU(random.integers(0, 65535, (90, 80)).astype("uint16"))],
            "table.fits": [fits.PrimaryHDU(), table, lists],
            "cube.fits": [fits.PrimaryHDU(), fits.ImageHDU(random.random((5, 30, 40)), name="CUBE"), fits.ImageHDU(image, name="IMAGE")],
            "tiles.fits": [fits.PrimaryHDU(), fits.CompImageHDU(random.integers(0, 1000, (300, 400)).astype("int16"), name="TILES")]}
    for name, hdus in made.items():
        fits.HDUList(hdus).writeto(folder / name, checksum=True)
    (folder / "float.fits.gz").write_bytes(gzip.compress((folder / "float.fits").read_bytes()))
    if program("fpack"):
        run("fpack", folder / "unsigned.fits")
