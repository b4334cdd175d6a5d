// Placeholders in the eyes of those who wrote the readers: cfitsio, astropy and fitsverify.
#include <fitsio.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "tests/fs/placeholder_file.h"
#include "tests/fs/placeholder_fixture.h"

namespace astrofs {
namespace {

using fake::expect_sums;
using fake::Case;
using fake::exists;
using fake::ffi_shape;
using fake::run;
using fake::synthetic_sibling;
using fake::WrittenCase;

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const int bitpix : {8, 16, 32, 64, -32, -64}) {
    cases.push_back({fmt::format("bare {}", bitpix), ffi_shape(61, 47, bitpix), {}, {}});
    fake::Frame frame{.width = 61, .height = 47, .bitpix = bitpix};
    if (bitpix == 16) frame.extra = {{"BZERO", "32768", ""}, {"BSCALE", "1", ""}};
    cases.push_back(
        {fmt::format("sibling {}", bitpix), ffi_shape(61, 47, bitpix), synthetic_sibling(frame), {}});
  }
  for (const std::uint64_t size : {35'536'320ULL, 35'547'840ULL, 35'570'880ULL}) {
    cases.push_back({fmt::format("full {}", size), ffi_shape(2136, 2078), synthetic_sibling({}), size});
    cases.push_back({fmt::format("full bare {}", size), ffi_shape(2136, 2078), {}, size});
    if (const auto recorded = fake::recorded_sibling()) {
      cases.push_back({fmt::format("recorded {}", size), ffi_shape(2136, 2078), recorded, size});
    }
  }
  return cases;
}

TEST(PlaceholderOracle, CfitsioFindsEverySumRightAndEveryPixelBlank) {
  for (const Case& one : all_cases()) {
    SCOPED_TRACE(one.name);
    const WrittenCase written(one);
    constexpr int kHdus = 3;
    expect_sums(written.path(), kHdus);
    fitsfile* file = nullptr;
    int status = 0;
    ASSERT_EQ(fits_open_diskfile(&file, written.path().c_str(), READONLY, &status), 0);
    for (int i = 2; i <= kHdus; ++i) {
      fits_movabs_hdu(file, i, nullptr, &status);
      long axes[2] = {0, 0};
      fits_get_img_size(file, 2, axes, &status);
      std::vector<double> pixels(static_cast<std::size_t>(axes[0] * axes[1]), 1.0);
      double null = -999;
      int any = 0;
      fits_read_img(file, TDOUBLE, 1, axes[0] * axes[1], &null, pixels.data(), &any, &status);
      EXPECT_TRUE(std::ranges::all_of(pixels, [](double value) { return value == -999; }));
    }
    EXPECT_EQ(status, 0);
    fits_close_file(file, &status);
  }
}

TEST(PlaceholderOracle, AstropyReadsNaNWithoutAWarning) {
  if (!fake::has_python_module("astropy")) GTEST_SKIP() << "python3-astropy is not installed";
  const std::string script = R"(
import sys, warnings
warnings.simplefilter("error")
import numpy
from astropy.io import fits
with fits.open(sys.argv[1], checksum=True) as hdus:
    assert len(hdus) == 3, len(hdus)
    for hdu in hdus:
        hdu.verify("exception")
        assert hdu.header["ASTROFS"] == "PLACEHOLDER"
        assert hdu.data is None or numpy.isnan(hdu.data).all(), hdu.data
)";
  for (const Case& one : all_cases()) {
    SCOPED_TRACE(one.name);
    const WrittenCase written(one);
    const auto finished = fake::run_python(script, written.path());
    EXPECT_EQ(finished.status, 0) << finished.output;
  }
}

TEST(PlaceholderOracle, FitsverifyFindsNothing) {
  if (!exists("fitsverify")) GTEST_SKIP() << "fitsverify is not installed";
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

}  // namespace
}  // namespace astrofs
