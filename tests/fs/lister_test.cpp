// From what an archive lists to what a directory shows.
#include "fs/lister.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/file_name.h"

namespace astrofs {
namespace {

Entry entry(std::string name, EntryKind kind = EntryKind::file, std::string locator = "") {
  Entry made;
  made.name = std::move(name);
  made.kind = kind;
  made.locator = std::move(locator);
  return made;
}

std::vector<std::string> names_of(const ShownListing& shown) {
  std::vector<std::string> names;
  for (const ListedEntry& one : shown.entries) names.push_back(one.name);
  return names;
}

TEST(ToShown, NothingListedIsNothingShown) {
  const ShownListing shown = to_shown({});
  EXPECT_TRUE(shown.entries.empty());
  EXPECT_EQ(shown.dropped, 0U);
}

TEST(ToShown, NamesComeInOrderWhateverTheArchivesOrder) {
  const ShownListing shown = to_shown({entry("b"), entry("a"), entry("\xc3\xbc"), entry("B"), entry("a.b")});
  EXPECT_EQ(names_of(shown), (std::vector<std::string>{"B", "a", "a.b", "b", "\xc3\xbc"}));
}

TEST(ToShown, AllThatIsKnownOfAnEntryIsKept) {
  Entry given = entry("x.fits", EntryKind::file, "at/x");
  given.size = 2880;
  given.mtime = SysSeconds(std::chrono::seconds(1'500'000'000));
  given.validator = "\"v\"";
  const ShownListing shown = to_shown({given});
  ASSERT_EQ(shown.entries.size(), 1U);
  const ListedEntry& one = shown.entries[0];
  EXPECT_EQ(one.kind, NodeKind::file);
  EXPECT_EQ(one.size, 2880U);
  EXPECT_EQ(one.mtime, given.mtime);
  EXPECT_EQ(one.locator, "at/x");
  EXPECT_EQ(one.validator, "\"v\"");
}

TEST(ToShown, ASizeBeyondBeliefIsAskedForAndCostsNobodyElseTheListing) {
  Entry largest = entry("largest");
  largest.size = kLargestFile;
  Entry beyond = entry("x");
  beyond.size = kLargestFile + 1;
  const ShownListing shown = to_shown({largest, beyond});
  ASSERT_EQ(shown.entries.size(), 2U);
  EXPECT_EQ(shown.entries[0].size, kLargestFile);
  EXPECT_EQ(shown.entries[1].size, std::nullopt);
}

TEST(ToShown, EachKindIsShownAsWhatItIs) {
  const ShownListing shown = to_shown(
      {entry("d", EntryKind::directory), entry("f", EntryKind::file), entry("l", EntryKind::symlink)});
  ASSERT_EQ(shown.entries.size(), 3U);
  EXPECT_EQ(shown.entries[0].kind, NodeKind::directory);
  EXPECT_EQ(shown.entries[1].kind, NodeKind::file);
  EXPECT_EQ(shown.entries[2].kind, NodeKind::symlink);
  EXPECT_FALSE(shown.entries[1].size) << "a size that is not listed is not made up";
}

TEST(ToShown, HostileNamesAreEscapedAndTheirLocatorsAreNot) {
  const ShownListing shown =
      to_shown({entry("..", EntryKind::directory, ".."), entry("a/b", EntryKind::file, "a/b"),
                entry("cut[1].fits", EntryKind::file, "cut[1].fits"), entry("new\nline")});
  const std::vector<std::string> expected{"%2E%2E", "a%2Fb", "cut%5B1].fits", "new%0Aline"};
  EXPECT_EQ(names_of(shown), expected);
  EXPECT_EQ(shown.entries[1].locator, "a/b");
  EXPECT_EQ(shown.entries[2].locator, "cut[1].fits");
  EXPECT_EQ(shown.dropped, 0U);
}

TEST(ToShown, WhatCannotBeShownIsCounted) {
  const ShownListing shown = to_shown({entry(""), entry(std::string(256, 'n')), entry(std::string(255, 'n')),
                                       entry(std::string(100, '\n')), entry("good")});
  EXPECT_EQ(shown.entries.size(), 2U);
  EXPECT_EQ(shown.dropped, 3U) << "a hundred line feeds take three letters each";
}

TEST(ToShown, OfTwoWithOneNameADirectoryWinsElseTheFirst) {
  const ShownListing shown =
      to_shown({entry("x", EntryKind::file, "first"), entry("x", EntryKind::file, "second"),
                entry("y", EntryKind::file, "file"), entry("y", EntryKind::directory, "directory"),
                entry("z", EntryKind::symlink, "link"), entry("z", EntryKind::file, "file")});
  ASSERT_EQ(names_of(shown), (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_EQ(shown.entries[0].locator, "first");
  EXPECT_EQ(shown.entries[1].locator, "directory");
  EXPECT_EQ(shown.entries[2].locator, "link");
  EXPECT_EQ(shown.dropped, 3U);
}

TEST(ToShown, ANameThatLooksEscapedIsAnotherThanTheOneItLooksLike) {
  const ShownListing shown = to_shown({entry("cut[1]"), entry("cut%5B1]")});
  EXPECT_EQ(shown.entries.size(), 2U);
  EXPECT_EQ(shown.dropped, 0U);
}

/// Few letters, so that names meet; some of them are trouble.
std::string some_name() {
  return *rc::gen::container<std::string>(
      rc::gen::element('a', 'b', '/', '.', '%', '2', 'E', '[', '\n', '\xff'));
}

RC_GTEST_PROP(ToShown, EveryListingIsShownInOrderOnceAndNothingOfItIsMadeUp, ()) {
  std::vector<Entry> given;
  std::set<std::string> raw;
  const int count = *rc::gen::inRange(0, 60);
  for (int i = 0; i < count; ++i) {
    given.push_back(entry(some_name(), *rc::gen::element(EntryKind::file, EntryKind::directory)));
    raw.insert(given.back().name);
  }
  const ShownListing shown = to_shown(given);
  RC_ASSERT(shown.entries.size() + shown.dropped == given.size());
  const std::vector<std::string> names = names_of(shown);
  RC_ASSERT(std::is_sorted(names.begin(), names.end()));
  RC_ASSERT(std::adjacent_find(names.begin(), names.end()) == names.end());
  for (const std::string& name : names) {
    RC_ASSERT(!name.empty() && name != "." && name != "..");
    RC_ASSERT(name.find('/') == std::string::npos);
    RC_ASSERT(raw.contains(decode_file_name(name)));
  }
}

}  // namespace
}  // namespace astrofs
