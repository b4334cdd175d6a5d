// Notes that outlive the program.
#include "fs/errand_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ErrandBook, KeepsWhatIsNotDoneForTheNextRun) {
  const FreshDir place;
  {
    ErrandBook book(place.path("cache"), "applause");
    EXPECT_THAT(book.open(), IsEmpty());
    ASSERT_TRUE(book.note("astrofs-1", ""));
    ASSERT_TRUE(book.note("astrofs-2", "http://a/async/2"));
    ASSERT_TRUE(book.note("astrofs-1", "http://a/async/1"));
    book.done("astrofs-2");
    book.done("astrofs-3");
  }
  const ErrandBook next(place.path("cache"), "applause");
  EXPECT_THAT(next.open(), ElementsAre(Pair("astrofs-1", "http://a/async/1")));
  EXPECT_THAT(ErrandBook(place.path("cache"), "other").open(), IsEmpty());
}

TEST(ErrandBook, PassesOverWhatIsHalfWrittenAndTheNextRunTakesItAway) {
  const FreshDir place;
  ErrandBook book(place.path("cache"), "applause");
  ASSERT_TRUE(book.note("a", "x"));
  const std::string half = place.path("cache/errands/applause/b.new");
  std::ofstream(half) << "half";
  EXPECT_THAT(book.open(), ElementsAre(Pair("a", "x")));
  const ErrandBook next(place.path("cache"), "applause");
  EXPECT_FALSE(std::filesystem::exists(half));
  EXPECT_THAT(next.open(), ElementsAre(Pair("a", "x")));
}

TEST(ErrandBook, SaysWhenNothingCanBeKept) {
  const FreshDir place;
  std::ofstream(place.path("cache")) << "a file in its place";
  EXPECT_FALSE(ErrandBook(place.path("cache"), "applause").note("a", "x"));
}

}  // namespace
}  // namespace astrofs
