#include "backends/format/globus_task.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace astrofs::globus {
namespace {

using nlohmann::json;

/// nlohmann builds trees recursively; no answer is deeper than a few levels.
constexpr int kDeepest = 16;
/// Of a label.
constexpr std::size_t kLongestLabel = 128;
/// Far beyond the files of one order and of one page.
constexpr std::size_t kMostItems = 100'000;

std::optional<json> object_of(std::string_view text) {
  bool shallow = true;
  const json::parser_callback_t watch = [&shallow](int depth, json::parse_event_t, json&) {
    shallow = shallow && depth < kDeepest;
    return shallow;
  };
  json value = json::parse(text, watch, false);
  if (!shallow || !value.is_object()) return std::nullopt;
  return value;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// The array of that name; nullptr: there is none, or one that is too long.
const json* rows_of(const json& object, const char* key) {
  const auto found = object.find(key);
  const bool good = found != object.end() && found->is_array() && found->size() <= kMostItems;
  return good ? &*found : nullptr;
}

tl::unexpected<Error> malformed(const char* what) {
  return fail(Errc::corrupt, std::string("Globus: ") + what);
}

Result<std::string> uuid_in(std::string_view text, const char* key, const char* otherwise) {
  const auto answer = object_of(text);
  std::string id = answer ? text_of(*answer, key) : std::string();
  if (!is_uuid(id)) return malformed(otherwise);
  return id;
}

std::string label_of(std::string text) {
  for (char& c : text) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         c == ' ' || c == '_' || c == ',';
    if (!allowed) c = '-';
  }
  return text.substr(0, kLongestLabel);
}

}  // namespace

bool is_uuid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(text.begin(), text.end(), kForm.begin(), kForm.end(), [](char c, char form) {
    return form == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

std::string format_transfer(const TransferOrder& order) {
  json items = json::array();
  for (const TransferItem& item : order.items) {
    items.push_back({{"DATA_TYPE", "transfer_item"},
                     {"source_path", item.source},
                     {"destination_path", item.destination},
                     {"recursive", false}});
  }
  return json{{"DATA_TYPE", "transfer"},
              {"submission_id", order.submission},
              {"label", label_of(order.label)},
              {"source_endpoint", order.source_endpoint},
              {"destination_endpoint", order.destination_endpoint},
              {"verify_checksum", true},
              // One frame that is lost would keep the task from ever ending, and so would a full disk.
              {"skip_source_errors", true},
              {"fail_on_quota_errors", true},
              {"notify_on_succeeded", false},
              {"notify_on_failed", false},
              {"notify_on_inactive", false},
              {"DATA", std::move(items)}}
      // Names are a stranger's word and need not be UTF-8, which JSON wants.
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<TransferOrder> parse_transfer(std::string_view text) {
  const auto object = object_of(text);
  const json* const rows = object ? rows_of(*object, "DATA") : nullptr;
  if (rows == nullptr) return malformed("no order of a transfer");
  TransferOrder order{text_of(*object, "submission_id"),
                      text_of(*object, "label"),
                      text_of(*object, "source_endpoint"),
                      text_of(*object, "destination_endpoint"),
                      {}};
  if (!is_uuid(order.submission)) return malformed("an order of a transfer without its number");
  for (const json& row : *rows) {
    if (!row.is_object()) return malformed("an order of a transfer with an item that is none");
    order.items.push_back({text_of(row, "source_path"), text_of(row, "destination_path")});
  }
  return order;
}

Result<std::string> parse_submission_id(std::string_view text) {
  return uuid_in(text, "value", "no number for an order");
}

Result<std::string> parse_task_id(std::string_view text) {
  return uuid_in(text, "task_id", "an order was not answered with a task");
}

Result<TaskState> parse_task(std::string_view text) {
  const auto answer = object_of(text);
  const std::string status = answer ? text_of(*answer, "status") : std::string();
  TaskState task;
  if (status == "ACTIVE") {
    task.status = TaskState::Status::active;
  } else if (status == "INACTIVE") {
    task.status = TaskState::Status::inactive;
  } else if (status == "SUCCEEDED") {
    task.status = TaskState::Status::succeeded;
  } else if (status == "FAILED") {
    task.status = TaskState::Status::failed;
  } else {
    return malformed("a task without a status");
  }
  task.trouble = text_of(*answer, "nice_status");
  // So it calls what is going well, and what waits for its turn.
  if (task.trouble == "OK" || task.trouble == "Queued") task.trouble.clear();
  if (task.trouble.empty() && task.status == TaskState::Status::inactive) task.trouble = status;
  task.files = number_of(*answer, "files_transferred") + number_of(*answer, "files_skipped");
  task.bytes = number_of(*answer, "bytes_transferred");
  return task;
}

Result<SkippedFiles> parse_skipped(std::string_view text) {
  const auto answer = object_of(text);
  const json* const rows = answer ? rows_of(*answer, "DATA") : nullptr;
  if (rows == nullptr) return malformed("no list of what a task has left out");
  SkippedFiles skipped;
  for (const json& row : *rows) {
    if (!row.is_object()) return malformed("a list of what a task has left out with a row that is none");
    skipped.files.push_back({text_of(row, "source_path"), text_of(row, "error_code")});
  }
  // A marker is text, or a number.
  const auto next = answer->find("next_marker");
  if (next != answer->end() && next->is_number_unsigned()) {
    skipped.next = std::to_string(next->get<std::uint64_t>());
  } else {
    skipped.next = text_of(*answer, "next_marker");
  }
  return skipped;
}

}  // namespace astrofs::globus
