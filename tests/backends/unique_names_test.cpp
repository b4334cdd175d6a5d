#include "backends/unique_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/archive.h"

namespace astrofs::test {
namespace {

using testing::ElementsAre;

std::vector<std::string> locators(const std::vector<Entry>& entries) {
  std::vector<std::string> out;
  for (const Entry& entry : entries) out.push_back(entry.locator);
  return out;
}

Entry entry(std::string name, EntryKind kind, std::string locator) {
  Entry entry;
  entry.name = std::move(name);
  entry.kind = kind;
  entry.locator = std::move(locator);
  return entry;
}

TEST(UniqueNames, TheFirstOfFilesStaysAndADirectoryBeforeThem) {
  std::vector<Entry> entries{
      entry("b", EntryKind::file, "first"),   entry("a", EntryKind::file, "file"),
      entry("b", EntryKind::file, "second"),  entry("a", EntryKind::directory, "directory"),
      entry("c", EntryKind::symlink, "link"), entry("a", EntryKind::directory, "another")};
  EXPECT_EQ(sort_unique_names(entries), 3U);
  EXPECT_THAT(locators(entries), ElementsAre("directory", "first", "link"));
}

TEST(UniqueNames, WhatIsInOrderIsDoubledAllTheSame) {
  std::vector<Entry> entries{entry("a", EntryKind::file, "1"), entry("a", EntryKind::directory, "2"),
                             entry("b", EntryKind::file, "3")};
  EXPECT_EQ(sort_unique_names(entries), 1U);
  EXPECT_THAT(locators(entries), ElementsAre("2", "3"));
  EXPECT_EQ(sort_unique_names(entries), 0U);
  EXPECT_THAT(locators(entries), ElementsAre("2", "3"));
}

TEST(UniqueNames, InOrderOfBytes) {
  std::vector<Entry> entries{entry("\xc3\xa9", EntryKind::file, "accent"),
                             entry("a", EntryKind::file, "small"), entry("B", EntryKind::file, "capital")};
  EXPECT_EQ(sort_unique_names(entries), 0U);
  EXPECT_THAT(locators(entries), ElementsAre("capital", "small", "accent"));
}

}  // namespace
}  // namespace astrofs::test
