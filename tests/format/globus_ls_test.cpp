#include "backends/format/globus_ls.h"

#include <gtest/gtest.h>

#include "tests/format/samples.h"

namespace astrofs::globus {
namespace {

TEST(GlobusLs, AFolderIsItsFilesWithTheirSizesAndItsFolders) {
  const auto entries =
      parse_ls(R"({"total": 2, "path": "/x/", "length": 2, "rename_supported": false, "absolute_path": null,
                   "DATA": [{"name": "a\u00e9.fits", "type": "file", "size": 2592000, "link_target": null},
                            {"size": 4096, "name": "extra", "type": "dir"}]})");
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].name, "a\xc3\xa9.fits");
  EXPECT_EQ((*entries)[0].size, 2592000U);
  EXPECT_FALSE((*entries)[0].directory);
  EXPECT_EQ((*entries)[1].name, "extra");
  EXPECT_TRUE((*entries)[1].directory);
  EXPECT_EQ((*entries)[1].size, 0U) << "of a folder it says nothing";
  EXPECT_TRUE(parse_ls(R"({"DATA": []})")->empty());
}

TEST(GlobusLs, WhatIsMoreThanWasKnownIsPassedOver) {
  const auto entries = parse_ls(
      R"({"hints": {"DATA": [1], "total": 7}, "DATA": [{"name": "a", "type": "file", "size": 1,
          "owner": {"name": "b", "size": 9}, "tags": ["dir", 2, [3]]}], "new": [[]], "total": 1})");
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->front().name, "a");
  EXPECT_EQ(entries->front().size, 1U);
}

TEST(GlobusLs, AFolderIsListedWholeOrNotAtAll) {
  for (const char* const bad : {R"({"total": 3, "DATA": []})",
                                R"({"DATA": [], "total": 1})",
                                R"({"DATA": [{"name": "a", "type": "file"}]})",
                                R"({"DATA": [{"name": "a", "type": "file", "size": -1}]})",
                                R"({"DATA": [{"name": "a", "type": "file", "size": 1.5}]})",
                                R"({"DATA": [{"name": "a", "type": "file", "size": "1"}]})",
                                R"({"DATA": [1]})",
                                R"({"DATA": [[]]})",
                                R"({"DATA": [null]})",
                                R"({"DATA": ["a"]})",
                                R"({"DATA": 1})",
                                R"({"DATA": {}})",
                                R"({"DATA": null})",
                                R"({"DATA": [], "DATA": []})",
                                R"({"DATA": [], "DATA": 1})",
                                "",
                                "[]",
                                "{}",
                                "1",
                                "<html>",
                                R"({"code": "EndpointPermissionDenied"})",
                                R"({"DATA": [{"name": "a", "type": "dir"}])",
                                "{\"DATA\": [{\"name\": \"\xff\", \"type\": \"dir\"}]}"})
    EXPECT_EQ(parse_ls(bad).error().code, Errc::corrupt) << bad;
}

TEST(GlobusLs, RefusesNestingWithoutEnd) {
  EXPECT_EQ(parse_ls(R"({"x": )" + std::string(1'000'000, '[')).error().code, Errc::corrupt);
  EXPECT_EQ(parse_ls(R"({"DATA": [{"x": )" + std::string(1'000'000, '[')).error().code, Errc::corrupt);
}

TEST(GlobusLs, ReadsARecordedListing) {
  NEEDS_SAMPLES();
  const std::string text =
      testing::content_of(*testing::samples() / "dkist/api/globus_operation_ls_response.json");
  const auto entries = parse_ls(text);
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), 13U);
  for (const FolderEntry& entry : *entries) EXPECT_TRUE(entry.directory && !entry.name.empty());
}

}  // namespace
}  // namespace astrofs::globus
