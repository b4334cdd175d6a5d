// Values of FITS headers, written.
#include "backends/format/fits_value.h"

#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace astrofs::fits {
namespace {

TEST(FitsValue, DoublesQuotesAndKeepsTextPrintable) {
  EXPECT_EQ(text_value("it's\n"), "'it''s?'");
  EXPECT_EQ(text_value(""), "''");
  EXPECT_EQ(text_value(std::string(300, 'x')).size(), 302U);
}

TEST(FitsValue, WritesARealNumberThatReadsBack) {
  EXPECT_EQ(real_value(0.1031590362088231), "0.1031590362088231");
  EXPECT_EQ(real_value(5), "5.0");
  EXPECT_EQ(real_value(1e-5), "1.0E-05");
  EXPECT_EQ(real_value(-1.5e300), "-1.5E+300");
}

TEST(FitsValue, KnowsNoNaN) {
  EXPECT_EQ(real_value(std::nan("")), "");
  EXPECT_EQ(real_value(-std::numeric_limits<double>::infinity()), "");
}

}  // namespace
}  // namespace astrofs::fits
