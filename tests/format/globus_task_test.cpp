#include "backends/format/globus_task.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace astrofs::globus {
namespace {

constexpr const char* kId = "00000000-0000-4000-8000-00000000000a";

TransferOrder some_order() {
  return {kId,
          "astrofs BEOGN, 2 files",
          "5a1f0c9e-3b7d-4c2a-9e61-0d5c8b7f2a34",
          "11111111-2222-3333-4444-555555555555",
          {{"/data/pid_1_123/BEOGN/a.fits", "/~/x/a.fits"}, {"/data/pid_1_123/BEOGN/b.fits", "/~/x/b.fits"}}};
}

TEST(GlobusTask, AnOrderSendsNoMailsAndIsNotHeldUpByOneLostFile) {
  const auto sent = nlohmann::json::parse(format_transfer(some_order()));
  for (const char* const key : {"notify_on_succeeded", "notify_on_failed", "notify_on_inactive"})
    EXPECT_EQ(sent.at(key), false) << key;
  EXPECT_EQ(sent.at("skip_source_errors"), true);
  EXPECT_EQ(sent.at("verify_checksum"), true);
  EXPECT_EQ(sent.at("submission_id"), kId);
  EXPECT_EQ(sent.at("DATA").size(), 2U);
  EXPECT_EQ(sent.at("DATA")[1].at("destination_path"), "/~/x/b.fits");
  EXPECT_EQ(sent.at("DATA")[1].at("recursive"), false);
}

TEST(GlobusTask, ALabelHasOnlyWhatGlobusAllows) {
  TransferOrder order = some_order();
  order.label = "a/b\xc3\xa9: c_d, 1" + std::string(1000, 'x');
  const std::string label = nlohmann::json::parse(format_transfer(order)).at("label");
  EXPECT_TRUE(label.starts_with("a-b--- c_d, 1x")) << label;
  EXPECT_EQ(label.size(), 128U);
}

TEST(GlobusTask, AnOrderIsReadAsItWasWritten) {
  const auto read = parse_transfer(format_transfer(some_order()));
  ASSERT_TRUE(read);
  EXPECT_EQ(format_transfer(*read), format_transfer(some_order()));
  for (const char* const bad : {"", "[]", "{}", R"({"submission_id": "x", "DATA": []})", R"({"DATA": 1})",
                                R"({"submission_id": "00000000-0000-4000-8000-00000000000a", "DATA": [1]})"})
    EXPECT_EQ(parse_transfer(bad).error().code, Errc::corrupt) << bad;
}

TEST(GlobusTask, NumbersAreOnesThatMayStandInAPath) {
  EXPECT_EQ(*parse_submission_id(R"({"value": "00000000-0000-4000-8000-00000000000a"})"), kId);
  EXPECT_EQ(*parse_task_id(R"({"code": "Duplicate", "task_id": "00000000-0000-4000-8000-00000000000a"})"),
            kId);
  for (const char* const bad :
       {"", "[]", "{}", R"({"value": 1})", R"({"value": "../../../../../../../../etc/passwd.."})",
        R"({"value": "00000000-0000-4000-8000-00000000000A"})",
        R"({"value": "00000000-0000-4000-8000-00000000000"})"}) {
    EXPECT_EQ(parse_submission_id(bad).error().code, Errc::corrupt) << bad;
    EXPECT_EQ(parse_task_id(bad).error().code, Errc::corrupt) << bad;
  }
}

TEST(GlobusTask, ATaskSaysHowFarItIsAndWhatHoldsItUp) {
  using Status = TaskState::Status;
  const auto active = parse_task(
      R"({"status": "ACTIVE", "nice_status": null, "files_transferred": 3, "files_skipped": 1, "bytes_transferred": 9})");
  ASSERT_TRUE(active);
  EXPECT_EQ(active->status, Status::active);
  EXPECT_EQ(active->trouble, "");
  EXPECT_EQ(active->files, 4U);
  EXPECT_EQ(active->bytes, 9U);
  EXPECT_EQ(parse_task(R"({"status": "ACTIVE", "nice_status": "OK"})")->trouble, "");
  EXPECT_EQ(parse_task(R"({"status": "ACTIVE", "nice_status": "Queued"})")->trouble, "");
  EXPECT_EQ(parse_task(R"({"status": "ACTIVE", "nice_status": "GC_NOT_CONNECTED"})")->trouble,
            "GC_NOT_CONNECTED");
  EXPECT_EQ(parse_task(R"({"status": "INACTIVE"})")->trouble, "INACTIVE");
  EXPECT_EQ(parse_task(R"({"status": "SUCCEEDED"})")->status, Status::succeeded);
  EXPECT_EQ(parse_task(R"({"status": "FAILED", "nice_status": "EXPIRED"})")->trouble, "EXPIRED");
  for (const char* const bad : {"", "[]", "{}", R"({"status": "DONE"})", R"({"status": 1})"})
    EXPECT_EQ(parse_task(bad).error().code, Errc::corrupt) << bad;
}

TEST(GlobusTask, WhatATaskLeftOutIsToldInPages) {
  const auto page = parse_skipped(
      R"({"DATA": [{"error_code": "FILE_NOT_FOUND", "source_path": "/data/a.fits"}], "next_marker": 17})");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->files.size(), 1U);
  EXPECT_EQ(page->files[0].source, "/data/a.fits");
  EXPECT_EQ(page->files[0].code, "FILE_NOT_FOUND");
  EXPECT_EQ(page->next, "17");
  EXPECT_EQ(parse_skipped(R"({"DATA": [], "next_marker": null})")->next, "");
  EXPECT_EQ(parse_skipped(R"({"DATA": [], "next_marker": "m"})")->next, "m");
  for (const char* const bad : {"", "[]", "{}", R"({"DATA": 1})", R"({"DATA": [1]})"})
    EXPECT_EQ(parse_skipped(bad).error().code, Errc::corrupt) << bad;
  EXPECT_EQ(parse_skipped(R"({"DATA": )" + std::string(100'000, '[')).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace astrofs::globus
