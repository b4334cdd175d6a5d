#!/usr/bin/python3
"""The loads that DKIST's own Python client makes, on a mount: the ASDF file, its table of headers, then the frames that a slice needs.

The client itself is no package of Debian's. Its loads are made here with what it stands on: python3-asdf for the tree, astropy for
a frame, dask for the array of all frames.
"""
import csv
import io
import json
import os
import pathlib
import warnings

import numpy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Debian's astropy and asdf tell each other of packages that will replace them
    import asdf
    import dask.array
    from asdf.tags.core.ndarray import NDArrayType
from astropy.io import fits

from dkist_stage import DATASET, FRAMES, DkistTest
from harness import main, wait_until


class Frame:
    """One frame as dask sees it: its shape, and its pixels when they are wanted. A file that is not there is NaN, as for the client,
    which knows of no number type then; every other failure is one of the whole computation."""

    def __init__(self, path, shape, dtype, target):
        self.path, self.shape, self.dtype, self.target = path, tuple(shape), numpy.dtype(dtype), target
        self.ndim = len(self.shape)

    def __getitem__(self, part):
        if not self.path.exists():
            return numpy.full(self.shape, numpy.nan)[part]
        with fits.open(self.path, memmap=False, do_not_scale_image_data=True, mode="denywrite") as file:
            return file[self.target].data[part]


class Dataset:
    """What the client makes of a directory: a table of headers, and an array that has read nothing yet."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        [path] = directory.glob("*.asdf")
        # Debian has neither the tags nor the schemas of DKIST: raw types are the tagged tree as it stands in the file, which
        # nothing has validated.
        with warnings.catch_warnings(), asdf.open(path, _force_raw_types=True) as file:
            warnings.simplefilter("ignore")
            tree = file.tree["dataset"]
            self.headers = {column["name"]: self.values(file, column["data"]) for column in tree["meta"]["headers"]["columns"]}
            self.files = numpy.array(tree["data"]["fileuris"])
            shape, dtype, target = tree["data"]["shape"], tree["data"]["datatype"], tree["data"]["target"]
        # As the client's array: stacks in stacks, as the list of files is nested, and no axis for the one step of the slit in a file.
        def stack(files):
            if isinstance(files, str):
                return self.lazy(Frame(directory / files, shape, dtype, target), files).reshape([size for size in shape if size != 1])
            return dask.array.stack([stack(each) for each in files])
        self.data = stack(self.files.tolist())

    @staticmethod
    def values(file, node):
        """A column's values, masked where its node says so."""
        def array(numbers):
            return numpy.array(NDArrayType.from_tree({key: value for key, value in numbers.items() if key != "mask"}, file))
        return numpy.ma.array(array(node), mask=array(node["mask"]) if "mask" in node else False)

    @staticmethod
    def lazy(frame, name):
        meta = numpy.empty((0,) * frame.ndim, frame.dtype)
        return dask.array.from_array(frame, chunks=frame.shape, name=name, meta=meta, fancy=False)


class Client(DkistTest):
    def fetched(self):
        """Names of the frames of which bytes were asked for."""
        return {row["target"].rsplit("/", 1)[-1] for row in self.centre.log(".fits")}

    def pixels(self, name):
        with fits.open(io.BytesIO(self.truth(name))) as file:
            return file[1].data[0]

    def test_headers_are_plotted_from_the_asdf_alone(self):
        mount = self.dkist()
        headers = Dataset(mount / DATASET).headers
        r0 = headers["ATMOS_R0"][headers["DINDEX4"] == 1]
        printed = mount.control("headers", mount / DATASET, "--where", "DINDEX4==1", "--columns", "ATMOS_R0").stdout
        rows = [row["ATMOS_R0"] for row in csv.DictReader(io.StringIO(printed))]
        self.assertEqual(len(rows), FRAMES // 4)
        self.assertEqual([float(text) if text else None for text in rows], r0.tolist())
        self.assertEqual(self.fetched(), set())

    def test_a_slice_fetches_its_frames_and_no_other(self):
        mount = self.dkist("--dkist-need-token")
        self.log_in(mount)
        dataset = Dataset(mount / DATASET)
        self.assertEqual(dataset.data.shape[:2], dataset.files.shape)
        some = dataset.data[0, :5]
        self.assertEqual(self.fetched(), set(), "the array is lazy")
        values = some.compute()
        wanted = dataset.files[0, :5]
        self.assertEqual(self.fetched(), set(wanted))
        for name, plane in zip(wanted, values):
            numpy.testing.assert_array_equal(plane, self.pixels(name), name)

    def test_frames_that_follow_each_other_are_no_reason_to_fetch_the_next_ones(self):
        mount = self.dkist()
        self.log_in(mount)
        dataset = Dataset(mount / DATASET)
        # All of Stokes at the first steps: the directory has those files one after the other, and each is read whole.
        dataset.data[:, :3].compute(scheduler="synchronous")
        self.assertEqual(self.fetched(), set(dataset.files[:, :3].flat))
        # And one after the other in time.
        for name in sorted(dataset.files[:, 4:7].flat):
            (mount / DATASET / name).read_bytes()
        self.assertEqual(self.fetched(), set(dataset.files[:, :3].flat) | set(dataset.files[:, 4:7].flat))

    def test_frames_chosen_by_their_seeing_are_fetched_and_no_other(self):
        mount = self.dkist()
        self.log_in(mount)
        dataset = Dataset(mount / DATASET)
        # As in the workshop: up to the first frame of Stokes I whose seeing is none.
        first = dataset.headers["DINDEX4"] == 1
        bad = dataset.headers["DINDEX3"][first & (dataset.headers["ATMOS_R0"] > 1).filled(False)]
        end = int(min(bad)) - 1
        self.assertTrue(0 < end < FRAMES // 4, end)
        values = dataset.data[0, :end].compute()
        self.assertTrue(numpy.isfinite(values).all())
        self.assertEqual(self.fetched(), set(dataset.files[0, :end]))

    def test_frames_without_a_login_are_nan_of_their_type_and_nothing_is_asked(self):
        mount = self.dkist()
        for directory, dtype in ((mount / DATASET, "float64"), (mount / "dkist" / self.single(), "float32")):
            values = Dataset(directory).data.compute()
            self.assertEqual(values.dtype, dtype)
            self.assertTrue(numpy.isnan(values).all())
        self.assertEqual(self.fetched(), set())

    def single(self):
        """A dataset of 32 bits a pixel; the first has 64."""
        datasets = json.loads(self.centre.fetch("/_sim/dkist"))["datasets"]
        return next(each["id"] for each in datasets[1:] if each["status"] == "ACTIVE" and not each["embargoed"])

    def test_a_lost_first_frame_is_nan_of_the_right_type_and_the_others_are_there(self):
        mount = self.dkist()
        self.log_in(mount)
        name = self.single()
        self.tell(dataset=name, lost=[0])
        values = Dataset(mount / "dkist" / name).data.compute()
        planes = values.reshape(-1, *values.shape[-2:])
        self.assertEqual(values.dtype, "float32")
        self.assertTrue(numpy.isnan(planes[0]).all())
        self.assertTrue(numpy.isfinite(planes[1:]).all())

    def test_offline_a_slice_is_what_was_fetched_and_nan(self):
        mount = self.dkist()
        self.log_in(mount)
        before = Dataset(mount / DATASET).data[1, 2:4].compute()
        wait_until(lambda: len(self.kept(mount)) == 2, "they are on disk")
        mount.unmount()
        self.centre.stop()
        mount.options = (*mount.options, "-o", "offline")
        mount.mount()
        values = Dataset(mount / DATASET).data[1].compute()
        numpy.testing.assert_array_equal(values[2:4], before)
        self.assertTrue(numpy.isnan(numpy.delete(values, [2, 3], axis=0)).all())
        self.assertEqual(values.dtype, "float64")

    def kept(self, mount):
        return [name for name in self.names(mount) if os.getxattr(mount / DATASET / name, "user.astrofs.state") == b"cached"]


if __name__ == "__main__":
    main()
