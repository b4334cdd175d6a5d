// Placeholders of compressed images in the eyes of those who wrote the readers: cfitsio, funpack, astropy,
// the Python fitsio and fitsverify.
#include <fitsio.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "backends/format/fits_value.h"
#include "fs/fits_card.h"
#include "tests/fs/placeholder_file.h"
#include "tests/fs/placeholder_fixture.h"

namespace astrofs {
namespace {

using fake::expect_sums;
using fake::Case;
using fake::observation_shape;
using fake::run;
using fake::WrittenCase;

std::string real_frame() {
  const char* samples = std::getenv("ASTROFS_SAMPLES");
  if (samples == nullptr) return {};
  const std::string path =
      std::string(samples) + "/dkist/frames/VISP_2022_10_24T19_47_33_218_00630205_I_BEOGN_L1.fits";
  return std::filesystem::exists(path) ? path : std::string();
}

/// All values of the real frame's second header, as a table of headers would have them and more: those that
/// tell how this one file is built are among them.
std::vector<FitsCard> real_row(const std::string& path) {
  std::vector<FitsCard> row;
  fitsfile* file = nullptr;
  int status = 0;
  int count = 0;
  fits_open_diskfile(&file, path.c_str(), READONLY, &status);
  fits_movabs_hdu(file, 2, nullptr, &status);
  fits_get_hdrspace(file, &count, nullptr, &status);
  for (int i = 1; i <= count && status == 0; ++i) {
    char record[FLEN_CARD] = {};
    fits_read_record(file, i, record, &status);
    std::string card = record;
    card.resize(fits::kCardSize, ' ');
    const auto parts = fits::split_card(card);
    if (!parts || parts->value.empty()) continue;
    FitsCard told{std::string(fits::keyword_of(card)), std::string(parts->value),
                  std::string(parts->comment)};
    if (told.value.ends_with("&'")) {
      char* text = nullptr;
      fits_read_key_longstr(file, told.keyword.c_str(), &text, nullptr, &status);
      told.value = fits::text_value(text == nullptr ? "" : text);
      fits_free_memory(text, &status);
    }
    row.push_back(std::move(told));
  }
  EXPECT_EQ(status, 0);
  fits_close_file(file, &status);
  return row;
}

/// Three cards long, with a quote somewhere in each. Two quotes in a row would be too much for astropy 5.
std::string long_text() {
  std::string text;
  for (int i = 0; i < 15; ++i) text += fmt::format("it's {:04};", i);
  return text;
}

std::vector<Case> all_cases() {
  const std::vector<FitsCard> row = {{"DATE-AVG", "'2022-10-24T19:47:33.351000'", ""},
                                     {"ATMOS_R0", "0.1031590362088231", "[m] HOAOFriedParameter"},
                                     {"TINY", "1e-05", ""},
                                     {"AO_LOCK", "T", "HOAOLockStatus"},
                                     {"CAL_URL", fits::text_value(long_text()), "where"}};
  std::vector<Case> cases = {
      {"real shape", observation_shape({2555, 976, 1}, -64, row), {}, 2'592'000},
      {"natural", observation_shape({2555, 976, 1}, -64, row), {}, {}},
      {"float32", observation_shape({2555, 976, 1}, -32, row), {}, 2'592'000},
      {"large", observation_shape({4096, 4096}, -32, row), {}, 20'160'000},
      {"one row", observation_shape({100, 1}, -32, row), {}, 31'680},
      {"one row natural", observation_shape({100, 1}, -64, row), {}, {}},
      {"one pixel", observation_shape({1}, -32), {}, {}},
      {"bytes", observation_shape({61, 47}, 8, row), {}, {}},
      {"short", observation_shape({61, 47}, 16, row), {}, 28'800},
      {"unsigned", observation_shape({61, 47}, 16, {{"BZERO", "32768", ""}, {"BSCALE", "1", ""}}), {}, {}},
      {"int", observation_shape({61, 47}, 32, row), {}, {}},
  };
  if (const std::string path = real_frame(); !path.empty()) {
    cases.push_back({"real row",
                     observation_shape({2555, 976, 1}, -64, real_row(path)),
                     {},
                     std::filesystem::file_size(path)});
  }
  return cases;
}

std::string shape_text(const Case& one) {  // as NumPy counts: the last axis first
  std::string text;
  const auto& axes = one.shape.hdus[1].axes;
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) text += fmt::format("{},", *axis);
  return text;
}

/// Every pixel of the image as cfitsio reads it; a blank integer as -999.
std::vector<double> pixels_of(fitsfile* file, int& status) {
  int naxis = 0;
  long axes[6] = {0, 0, 0, 0, 0, 0};
  fits_get_img_dim(file, &naxis, &status);
  fits_get_img_size(file, 6, axes, &status);
  long count = 1;
  for (int i = 0; i < naxis; ++i) count *= axes[i];
  std::vector<double> pixels(static_cast<std::size_t>(count), 1.0);
  double null = -999;
  int any = 0;
  fits_read_img(file, TDOUBLE, 1, count, &null, pixels.data(), &any, &status);
  return pixels;
}

/// Of floats compressed without loss cfitsio gives the NaN itself, whatever value is asked for in its place.
bool is_blank(double pixel) {
  return pixel == -999 || std::isnan(pixel);
}

TEST(CompressedOracle, CfitsioFindsEverySumRightAndEveryPixelBlank) {
  for (const Case& one : all_cases()) {
    SCOPED_TRACE(one.name);
    const WrittenCase written(one);
    if (one.size) {
      EXPECT_EQ(std::filesystem::file_size(written.path()), *one.size);
    }
    expect_sums(written.path(), 2);
    fitsfile* file = nullptr;
    int status = 0;
    int bitpix = 0;
    ASSERT_EQ(fits_open_diskfile(&file, written.path().c_str(), READONLY, &status), 0);
    fits_movabs_hdu(file, 2, nullptr, &status);
    EXPECT_TRUE(fits_is_compressed_image(file, &status));
    fits_get_img_type(file, &bitpix, &status);
    EXPECT_EQ(bitpix, one.shape.hdus[1].bitpix);
    EXPECT_TRUE(std::ranges::all_of(pixels_of(file, status), is_blank));
    EXPECT_EQ(status, 0);
    fits_close_file(file, &status);
  }
}

TEST(CompressedOracle, AstropyReadsNaNOfTheRightTypeWithoutAWarning) {
  if (!fake::has_python_module("astropy")) GTEST_SKIP() << "python3-astropy is not installed";
  for (const Case& one : all_cases()) {
    SCOPED_TRACE(one.name);
    const WrittenCase written(one);
    const int bitpix = one.shape.hdus[1].bitpix;
    const auto finished =
        fake::run_python(fmt::format(R"(
import sys, warnings
warnings.simplefilter("error")
import numpy
from astropy.io import fits
for options in ({{}}, {{"checksum": True}}, {{"do_not_scale_image_data": True, "memmap": False, "mode": "denywrite"}}):
    with fits.open(sys.argv[1], **options) as hdus:
        assert len(hdus) == 2, len(hdus)
        for hdu in hdus:
            hdu.verify("exception")
            assert hdu.header["ASTROFS"] == "PLACEHOLDER"
        assert hdus[1].name.upper() == "OBSERVATION", hdus[1].name
        assert hdus[1].shape == ({shape}), hdus[1].shape
        assert hdus[1].header["BITPIX"] == {bitpix}
        data = hdus[1].data
        assert data.shape == ({shape}), data.shape
        if {bitpix} < 0:
            assert data.dtype.kind == "f" and data.dtype.itemsize == {bytes}, data.dtype
            assert numpy.isnan(data).all(), data
        else:  # astropy 5 looks at BLANK in a compressed image only when it is scaled as well
            assert (data == hdus[1].header["BLANK"]).all(), data
        if "CAL_URL" in hdus[1].header and "TINY" in hdus[1].header:
            text = "".join("it" + chr(39) + "s %04d;" % i for i in range(15))
            assert hdus[1].header["CAL_URL"] == text, hdus[1].header["CAL_URL"]
            assert hdus[1].header["TINY"] == 1e-5
)",
                                     fmt::arg("shape", shape_text(one)), fmt::arg("bitpix", bitpix),
                                     fmt::arg("bytes", std::abs(bitpix) / 8)),
                         written.path());
    EXPECT_EQ(finished.status, 0) << finished.output;
  }
}

TEST(CompressedOracle, PythonFitsioReadsNaN) {
  if (!fake::has_python_module("fitsio")) GTEST_SKIP() << "python3-fitsio is not installed";
  for (const Case& one : all_cases()) {
    if (one.shape.hdus[1].bitpix > 0) continue;  // it gives integers as they are
    SCOPED_TRACE(one.name);
    const WrittenCase written(one);
    const auto finished =
        fake::run_python(fmt::format(R"(
import sys, warnings
warnings.simplefilter("error")
import fitsio, numpy
data, header = fitsio.read(sys.argv[1], ext=1, header=True)
assert data.shape == ({}), data.shape
assert data.dtype.itemsize == {}, data.dtype
assert numpy.isnan(data).all(), data
assert header["ASTROFS"] == "PLACEHOLDER"
)",
                                     shape_text(one), std::abs(one.shape.hdus[1].bitpix) / 8),
                         written.path());
    EXPECT_EQ(finished.status, 0) << finished.output;
  }
}

TEST(CompressedOracle, FitsverifyFindsNothing) {
  if (!fake::exists("fitsverify")) GTEST_SKIP() << "fitsverify is not installed";
  for (const Case& one : all_cases()) {
    SCOPED_TRACE(one.name);
    const WrittenCase written(one);
    const auto finished = run("fitsverify -q " + written.path());
    EXPECT_EQ(finished.status, 0) << run("fitsverify " + written.path()).output;
    EXPECT_NE(finished.output.find("verification OK"), std::string::npos) << finished.output;
    EXPECT_EQ(finished.output.find("warning"), std::string::npos)
        << run("fitsverify " + written.path()).output;
  }
}

TEST(CompressedOracle, FunpackMakesAPlainImageOfIt) {
  if (!fake::exists("funpack")) GTEST_SKIP() << "funpack is not installed";
  for (const Case& one : all_cases()) {
    SCOPED_TRACE(one.name);
    const WrittenCase written(one);
    const std::string plain = written.directory() + "/plain.fits";
    const auto finished = run(fmt::format("funpack -O {} {}", plain, written.path()));
    ASSERT_EQ(finished.status, 0) << finished.output;
    fitsfile* file = nullptr;
    int status = 0;
    ASSERT_EQ(fits_open_diskfile(&file, plain.c_str(), READONLY, &status), 0);
    fits_movabs_hdu(file, 2, nullptr, &status);
    EXPECT_FALSE(fits_is_compressed_image(file, &status));
    EXPECT_TRUE(std::ranges::all_of(pixels_of(file, status), is_blank));
    EXPECT_EQ(status, 0);
    fits_close_file(file, &status);
  }
}

}  // namespace
}  // namespace astrofs
