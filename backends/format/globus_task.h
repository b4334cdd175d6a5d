// Tasks of Globus' Transfer service: the order as it is sent and read again, and the service's answers. Text
// in, values out; pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs::globus {

/// 8-4-4-4-12 hexadecimal digits in lower case; it becomes part of paths and URLs.
[[nodiscard]] bool is_uuid(std::string_view text);

struct TransferItem {
  std::string source, destination;
};

/// Files that are to be copied from one end point to another.
struct TransferOrder {
  std::string submission;  ///< UUID
  std::string label;       ///< shown by Globus; what it does not allow becomes '-'
  std::string source_endpoint, destination_endpoint;
  std::vector<TransferItem> items;
};

/// Body of `POST <transfer>/v0.10/transfer`: sends no e-mails, compares checksums, and goes on where a single
/// file cannot be read.
[[nodiscard]] std::string format_transfer(const TransferOrder& order);
/// The same read again.
[[nodiscard]] Result<TransferOrder> parse_transfer(std::string_view json);

/// Answer of `GET .../submission_id`.
[[nodiscard]] Result<std::string> parse_submission_id(std::string_view json);
/// Answer to the order: the task's UUID. The same one when it was sent before.
[[nodiscard]] Result<std::string> parse_task_id(std::string_view json);

struct TaskState {
  enum class Status : std::uint8_t { active, inactive, succeeded, failed };
  Status status{Status::active};
  /// Why it does not get on, where it does not: "GC_NOT_CONNECTED"; "" = it does.
  std::string trouble;
  std::uint64_t files{0};  ///< copied, or found to be there
  std::uint64_t bytes{0};
};
/// Answer of `GET .../task/<id>`.
[[nodiscard]] Result<TaskState> parse_task(std::string_view json);

struct SkippedFile {
  std::string source;
  std::string code;  ///< "FILE_NOT_FOUND", "PERMISSION_DENIED"
};
struct SkippedFiles {
  std::vector<SkippedFile> files;
  std::string next;  ///< marker of the next page; "" = this is the last
};
/// Answer of `GET .../task/<id>/skipped_errors?marker=...`.
[[nodiscard]] Result<SkippedFiles> parse_skipped(std::string_view json);

}  // namespace astrofs::globus
