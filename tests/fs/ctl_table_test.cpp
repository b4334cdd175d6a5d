// Tables of headers as text and as FITS, the latter read back by cfitsio.
#include "fs/ctl_header_table.h"

#include <fitsio.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>

#include "fs/ctl_output.h"
#include "fs/ctl_table_fits.h"
#include "fs/ctl_table_text.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

template <class T>
TableColumn column(const std::string& name, std::size_t width, std::vector<T> values,
                   const std::vector<std::size_t>& missing = {}) {
  std::vector<bool> is_missing(values.size(), false);
  for (const std::size_t row : missing) is_missing[row] = true;
  return {name, width, {std::move(values), std::move(is_missing)}};
}

/// Three rows with a value of each type missing.
Table table_of_all() {
  Table table{{0, 1, 2}, {}};
  table.columns.push_back(column<std::string>("file", 0, {"a.fits", "b.fits", "c,\"d\".fits"}));
  table.columns.push_back(column<std::int64_t>("SHORT", 2, {1, 0, -3}, {1}));
  table.columns.push_back(column<std::int64_t>("INT", 4, {1, -2'147'483'648, 0}, {2}));
  table.columns.push_back(column<std::int64_t>("LONG", 8, {kLeast, kLeast + 1, 0}, {2}));
  table.columns.push_back(column<double>("FLOAT", 4, {0.10000000149011612, 2, 0}, {2}));
  table.columns.push_back(column<double>("DATE-NUM", 8, {0.1, 0, 1e30}, {1}));
  table.columns.push_back(column<bool>("FLAG", 1, {true, false, false}, {2}));
  table.columns.push_back(column<std::string>("DATE_NUM", 12, {"", "none", "na\xc3\xafve"}, {1}));
  return table;
}

class CtlTable : public ::testing::Test {
 protected:
  std::string path() const { return directory_.path("table"); }
  std::string written(const std::function<void(Output&)>& write) const {
    auto out = Output::open(path());
    EXPECT_TRUE(out.has_value());
    write(*out);
    EXPECT_TRUE(out->end().has_value());
    std::ifstream file(path());
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  const FreshDir directory_;
};

TEST_F(CtlTable, CsvHasEveryDigitAndNothingForWhatIsMissing) {
  const std::string text = written([](Output& out) { write_csv(table_of_all(), out); });
  EXPECT_EQ(text,
            "file,SHORT,INT,LONG,FLOAT,DATE-NUM,FLAG,DATE_NUM\n"
            "a.fits,1,1,-9223372036854775808,0.1,0.1,T,\n"
            "b.fits,,-2147483648,-9223372036854775807,2,,F,\n"
            "\"c,\"\"d\"\".fits\",-3,,,,1e+30,,na\xc3\xafve\n");
}

TEST_F(CtlTable, AlignedColumnsLineUpInLettersAndShowNoControlCharacters) {
  Table table{{0, 1}, {}};
  table.columns.push_back(column<std::string>("file", 0, {"na\xc3\xafve", "x\x1b[2J"}));
  table.columns.push_back(column<std::int64_t>("N", 8, {1, 22}));
  EXPECT_EQ(written([&](Output& out) { write_aligned(table, out); }),
            "file      N\n"
            "na\xc3\xafve     1\n"
            "x\\x1b[2J  22\n");
}

TEST_F(CtlTable, AFileThatCannotBeWrittenIsAnError) {
  EXPECT_FALSE(Output::open(directory_.path("none/table")).has_value());
  auto full = Output::open("/dev/full");
  ASSERT_TRUE(full.has_value());
  full->write("x");
  const Result<void> end = full->end();
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().code, Errc::no_space);
}

/// A table of FITS, open at its second HDU.
struct Opened {
  explicit Opened(const std::string& path) {
    fits_open_diskfile(&file, path.c_str(), READONLY, &status);
    fits_movabs_hdu(file, 2, nullptr, &status);
  }
  ~Opened() {
    int ignored = 0;
    if (file != nullptr) fits_close_file(file, &ignored);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  std::string text(const std::string& key) {
    char value[FLEN_VALUE] = "";
    fits_read_key(file, TSTRING, key.c_str(), value, nullptr, &status);
    return value;
  }
  template <class T>
  std::vector<T> values(int type, int number, T null) {
    long rows = 0;
    fits_get_num_rows(file, &rows, &status);
    std::vector<T> values(static_cast<std::size_t>(rows));
    int any = 0;
    fits_read_col(file, type, number, 1, 1, rows, &null, values.data(), &any, &status);
    return values;
  }

  fitsfile* file{nullptr};
  int status{0};
};

TEST_F(CtlTable, FitsHasTheColumnsTypesAndMarksWhatIsMissing) {
  written([](Output& out) { EXPECT_TRUE(write_fits(table_of_all(), out).has_value()); });
  Opened table(path());
  EXPECT_EQ(table.text("EXTNAME"), "HEADERS");
  const std::vector<std::string> forms{"10A", "1I", "1J", "1K", "1E", "1D", "1L", "6A"};
  for (std::size_t i = 0; i < forms.size(); ++i)
    EXPECT_EQ(table.text("TFORM" + std::to_string(i + 1)), forms[i]);
  EXPECT_EQ(table.values<LONGLONG>(TLONGLONG, 2, 99), (std::vector<LONGLONG>{1, 99, -3}));
  EXPECT_EQ(table.values<LONGLONG>(TLONGLONG, 3, 99), (std::vector<LONGLONG>{1, -2'147'483'648, 99}));
  EXPECT_EQ(table.values<LONGLONG>(TLONGLONG, 4, 99), (std::vector<LONGLONG>{kLeast, kLeast + 1, 99}));
  EXPECT_EQ(table.values<float>(TFLOAT, 5, -1), (std::vector<float>{0.1F, 2, -1}));
  EXPECT_EQ(table.values<double>(TDOUBLE, 6, -1), (std::vector<double>{0.1, -1, 1e30}));
  EXPECT_EQ(table.values<char>(TLOGICAL, 7, 9), (std::vector<char>{1, 0, 9}));
  EXPECT_EQ(table.status, 0);
}

TEST_F(CtlTable, FitsTextsAreAsciiAndNamesAreThoseThatFitsAdvises) {
  written([](Output& out) { EXPECT_TRUE(write_fits(table_of_all(), out).has_value()); });
  Opened table(path());
  EXPECT_EQ(table.text("TTYPE6"), "DATE_NUM");
  EXPECT_EQ(table.text("TTYPE8"), "DATE_NUM_2");
  char comment[FLEN_COMMENT] = "";
  fits_read_keyword(table.file, "TTYPE6", std::string(FLEN_VALUE, '\0').data(), comment, &table.status);
  EXPECT_STREQ(comment, "DATE-NUM");
  std::vector<std::string> rows(3, std::string(8, '\0'));
  std::vector<char*> starts{rows[0].data(), rows[1].data(), rows[2].data()};
  char null[] = "(none)";
  int any = 0;
  fits_read_col(table.file, TSTRING, 8, 1, 1, 3, null, starts.data(), &any, &table.status);
  EXPECT_STREQ(rows[0].c_str(), " ");  // blanks alone are one blank to cfitsio
  EXPECT_STREQ(rows[1].c_str(), "(none)");
  EXPECT_STREQ(rows[2].c_str(), "na??ve");
  EXPECT_EQ(table.status, 0);
}

TEST_F(CtlTable, FitsHasValidChecksumsAndNoByteTooMany) {
  const std::string file =
      written([](Output& out) { EXPECT_TRUE(write_fits(table_of_all(), out).has_value()); });
  EXPECT_EQ(file.size() % 2880, 0U);
  Opened table(path());
  for (int hdu = 1; hdu <= 2; ++hdu) {
    int data = 0, whole = 0;
    fits_movabs_hdu(table.file, hdu, nullptr, &table.status);
    fits_verify_chksum(table.file, &data, &whole, &table.status);
    EXPECT_EQ(data, 1) << hdu;
    EXPECT_EQ(whole, 1) << hdu;
  }
  LONGLONG end = 0;
  fits_get_hduaddrll(table.file, nullptr, nullptr, &end, &table.status);
  EXPECT_EQ(static_cast<std::size_t>(end), file.size());
}

TEST_F(CtlTable, FitsOfManyRowsHasThemAllInOrder) {
  Table table{{}, {}};
  std::vector<std::string> names;
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = 0; i < 20'000; ++i) {
    table.frames.push_back(static_cast<std::uint64_t>(i));
    names.push_back(std::to_string(i));
    numbers.push_back(i * i);
  }
  table.columns.push_back(column<std::string>("file", 0, names));
  table.columns.push_back(column<std::int64_t>("N", 8, numbers, {7}));
  written([&](Output& out) { EXPECT_TRUE(write_fits(table, out).has_value()); });
  Opened opened(path());
  const auto read = opened.values<LONGLONG>(TLONGLONG, 2, -1);
  ASSERT_EQ(read.size(), numbers.size());
  numbers[7] = -1;
  EXPECT_TRUE(std::equal(read.begin(), read.end(), numbers.begin()));
}

TEST_F(CtlTable, FitsWithoutRowsIsATableAndOneWithTooManyColumnsIsAnError) {
  Table table{{}, {}};
  table.columns.push_back(column<std::string>("file", 0, {}));
  written([&](Output& out) { EXPECT_TRUE(write_fits(table, out).has_value()); });
  EXPECT_EQ(Opened(path()).values<LONGLONG>(TLONGLONG, 1, 0).size(), 0U);
  for (int i = 0; i < 999; ++i) table.columns.push_back(column<double>("C" + std::to_string(i), 8, {}));
  written([&](Output& out) {
    const Result<void> many = write_fits(table, out);
    ASSERT_FALSE(many.has_value());
    EXPECT_EQ(many.error().code, Errc::too_large);
  });
}

}  // namespace
}  // namespace astrofs
