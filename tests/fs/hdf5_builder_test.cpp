// Files of HDF5 built of light curves, read back through the library itself and compared with what cfitsio
// reads of the same curves.
#include "fs/hdf5_builder.h"

#include <fcntl.h>
#include <fitsio.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "tests/support/fresh_dir.h"
#include "tests/support/hlsp_curve.h"

namespace astrofs {
namespace {

using From = Recipe::From;
using Type = Recipe::Type;

std::string curve(std::uint64_t tic, int rows, sim::HlspPipeline pipeline = sim::HlspPipeline::tglc) {
  return sim::curve_file({.pipeline = pipeline, .sector = 23, .tic = tic, .gaia = tic + 1000, .rows = rows});
}

/// A column by cfitsio.
std::vector<double> oracle(std::string bytes, const std::string& column) {
  fitsfile* file = nullptr;
  int status = 0;
  void* memory = bytes.data();
  std::size_t size = bytes.size();
  fits_open_memfile(&file, "curve", READONLY, &memory, &size, 0, nullptr, &status);
  fits_movabs_hdu(file, 2, nullptr, &status);
  int number = 0;
  std::string name = column;
  fits_get_colnum(file, CASEINSEN, name.data(), &number, &status);
  long rows = 0;
  fits_get_num_rows(file, &rows, &status);
  std::vector<double> values(static_cast<std::size_t>(rows));
  fits_read_col(file, TDOUBLE, number, 1, 1, rows, nullptr, values.data(), nullptr, &status);
  EXPECT_EQ(status, 0);
  fits_close_file(file, &status);
  return values;
}

struct Stored {
  std::vector<hsize_t> axes;
  H5T_class_t kind{H5T_NO_CLASS};
  std::size_t width{0};
  H5T_order_t order{H5T_ORDER_NONE};
  bool contiguous{false};
  hssize_t attributes{0};
  std::vector<double> values;
};

class Hdf5BuilderTest : public ::testing::Test {
 protected:
  UniqueFd scratch() const {
    return UniqueFd(::open(directory_.path("scratch").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  }
  Result<WrittenFile> build(Recipe recipe, const std::vector<std::pair<PartLine, std::string>>& parts) {
    Hdf5Builder builder(std::move(recipe), scratch());
    for (const auto& [line, bytes] : parts) {
      if (Result<void> added = builder.add(line, std::as_bytes(std::span(bytes))); !added)
        return tl::unexpected<Error>(added.error());
    }
    return builder.write(path());
  }
  std::string path() const { return directory_.path("out.hdf5"); }
  std::string bytes() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Stored stored(const char* name) const {
    Stored out;
    const hid_t file = H5Fopen(path().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    EXPECT_GE(set, 0) << name;
    const hid_t type = H5Dget_type(set);
    const hid_t space = H5Dget_space(set);
    const hid_t plan = H5Dget_create_plist(set);
    out.axes.resize(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    H5Sget_simple_extent_dims(space, out.axes.data(), nullptr);
    out.kind = H5Tget_class(type);
    out.width = H5Tget_size(type);
    out.order = H5Tget_order(type);
    out.contiguous = H5Pget_layout(plan) == H5D_CONTIGUOUS;
    out.attributes = H5Aget_num_attrs(set);
    out.values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.values.data());
    H5Pclose(plan);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
    H5Fclose(file);
    return out;
  }
  static Recipe recipe() {
    Recipe out;
    out.datasets = {{"object_id", Type::i8, From::given, "", 0},
                    {"time", Type::same, From::column, "TIME", 0},
                    {"psf_flux", Type::same, From::column, "psf_flux", 0},
                    {"tess_flags", Type::same, From::column, "TESS_flags", 0},
                    {"quality", Type::i4, From::column, "TESS_flags", 0},
                    {"psf_flux_err", Type::f8, From::card, "PSF_ERR", 0},
                    {"GAIA", Type::i8, From::given, "", 1},
                    {"RA", Type::f8, From::card, "RA_OBJ", 0},
                    {"nothing", Type::f8, From::card, "NOCARD", 0}};
    return out;
  }

  const FreshDir directory_;
};

TEST_F(Hdf5BuilderTest, PadsShorterCurvesWithZerosInTheOrderOfTheirIndices) {
  const std::vector<int> rows{50, 20, 70};
  // They come in another order.
  const auto written = build(recipe(), {{{2, 0, {13, 6399196263939178880}}, curve(13, 70)},
                                        {{0, 0, {11, 5}}, curve(11, 50)},
                                        {{1, 0, {12, 6}}, curve(12, 20)}});
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->parts, 3U);
  EXPECT_EQ(written->rows, 70U);
  EXPECT_EQ(written->size, bytes().size());
  EXPECT_EQ(stored("object_id").values, (std::vector<double>{11, 12, 13}));
  EXPECT_EQ(stored("object_id").axes, (std::vector<hsize_t>{3}));
  for (const auto& [name, column] : {std::pair("time", "time"),
                                     {"psf_flux", "psf_flux"},
                                     {"tess_flags", "TESS_flags"},
                                     {"quality", "TESS_flags"}}) {
    const Stored set = stored(name);
    ASSERT_EQ(set.axes, (std::vector<hsize_t>{3, 70})) << name;
    for (std::size_t i = 0; i < 3; ++i) {
      std::vector<double> want = oracle(curve(11 + i, rows[i]), column);
      want.resize(70, 0);
      for (std::size_t row = 0; row < 70; ++row) {
        const double got = set.values[i * 70 + row];
        EXPECT_TRUE(got == want[row] || (std::isnan(got) && std::isnan(want[row])))
            << name << i << " " << row;
      }
    }
  }
  EXPECT_EQ(stored("RA").values[1], std::stod(fmt::format("{:.12f}", sim::curve_ra(1012))));
  EXPECT_TRUE(std::isnan(stored("nothing").values[0]));
}

TEST_F(Hdf5BuilderTest, HasPlainDatasetsOfTheColumnsTypesInThisMachinesOrder) {
  ASSERT_TRUE(build(recipe(), {{{0, 0, {1, 2}}, curve(1, 10)}}));
  for (const auto& [name, kind, width] : {std::tuple("time", H5T_FLOAT, 8U),
                                          {"psf_flux", H5T_FLOAT, 4U},
                                          {"tess_flags", H5T_INTEGER, 2U},
                                          {"quality", H5T_INTEGER, 4U},
                                          {"object_id", H5T_INTEGER, 8U},
                                          {"RA", H5T_FLOAT, 8U}}) {
    const Stored set = stored(name);
    EXPECT_EQ(set.kind, kind) << name;
    EXPECT_EQ(set.width, width) << name;
    EXPECT_EQ(set.order, H5Tget_order(H5T_NATIVE_DOUBLE)) << name;
    EXPECT_TRUE(set.contiguous) << name;
    EXPECT_EQ(set.attributes, 0) << name;
  }
}

TEST_F(Hdf5BuilderTest, OneTargetHasAGroupAndNumbersWithoutAxes) {
  Recipe one = recipe();
  one.single = true;
  ASSERT_TRUE(build(one, {{{0, 0, {17, 4}}, curve(17, 33)}}));
  EXPECT_EQ(stored("lightcurve/time").axes, (std::vector<hsize_t>{33}));
  EXPECT_EQ(stored("lightcurve/time").values, oracle(curve(17, 33), "time"));
  EXPECT_TRUE(stored("object_id").axes.empty());
  EXPECT_EQ(stored("object_id").values, std::vector<double>{17});
}

TEST_F(Hdf5BuilderTest, TheSameCurvesMakeTheSameBytes) {
  ASSERT_TRUE(build(recipe(), {{{0, 0, {1, 2}}, curve(1, 10)}, {{1, 0, {2, 2}}, curve(2, 11)}}));
  const std::string first = bytes();
  ASSERT_TRUE(build(recipe(), {{{1, 0, {2, 2}}, curve(2, 11)}, {{0, 0, {1, 2}}, curve(1, 10)}}));
  EXPECT_EQ(bytes(), first);
}

TEST_F(Hdf5BuilderTest, ColumnsOfTwoTypesHaveOneThatHoldsBoth) {
  // QUALITY has four bytes, TESS_flags two.
  std::string renamed = curve(2, 10, sim::HlspPipeline::qlp);
  const std::size_t at = renamed.find("'QUALITY ");
  ASSERT_NE(at, std::string::npos);
  renamed.replace(at, 12, "'TESS_flags'");
  Recipe flags;
  flags.datasets = {{"flags", Type::same, From::column, "TESS_flags", 0}};
  const auto written = build(flags, {{{0, 0, {}}, curve(1, 10)}, {{1, 0, {}}, renamed}});
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(stored("flags").width, 4U);
  std::vector<double> want = oracle(curve(1, 10), "TESS_flags");
  const std::vector<double> more = oracle(curve(2, 10, sim::HlspPipeline::qlp), "QUALITY");
  want.insert(want.end(), more.begin(), more.end());
  EXPECT_EQ(stored("flags").values, want);
}

TEST_F(Hdf5BuilderTest, SaysWhatIsWrongWithACurve) {
  const std::string good = curve(1, 10);
  const auto error = [&](std::string bytes, std::vector<std::int64_t> given = {1, 2}) {
    const auto built = build(recipe(), {{{3, 0, std::move(given)}, std::move(bytes)}});
    EXPECT_FALSE(built);
    return built ? Error{} : built.error();
  };
  EXPECT_EQ(error(good.substr(0, good.size() - 2880)).code, Errc::corrupt);
  EXPECT_EQ(error("<html>").code, Errc::corrupt);
  EXPECT_EQ(error("").code, Errc::corrupt);
  EXPECT_EQ(error(good.substr(0, 2880)).code, Errc::corrupt);
  EXPECT_EQ(error(good, {1}).code, Errc::invalid);
  const Error column = error(curve(1, 10, sim::HlspPipeline::qlp));
  EXPECT_EQ(column.code, Errc::unsupported);
  EXPECT_EQ(column.message, "part 3: it has no column psf_flux");
  EXPECT_EQ(build(recipe(), {}).error().code, Errc::not_found);
}

TEST_F(Hdf5BuilderTest, ACurveWithoutRowsIsOneOfZeros) {
  const auto written = build(recipe(), {{{0, 0, {1, 2}}, curve(1, 0)}, {{1, 0, {2, 2}}, curve(2, 4)}});
  ASSERT_TRUE(written) << written.error().message;
  const Stored time = stored("time");
  EXPECT_EQ(std::vector<double>(time.values.begin(), time.values.begin() + 4), std::vector<double>(4, 0));
  ASSERT_TRUE(build(recipe(), {{{0, 0, {1, 2}}, curve(1, 0)}}));
  EXPECT_EQ(stored("time").axes, (std::vector<hsize_t>{1, 0}));
}

}  // namespace
}  // namespace astrofs
