#include "tests/support/dkist_task.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;
using std::chrono::nanoseconds;

/// How often somebody looks whether the user's computer is connected again.
constexpr std::chrono::milliseconds kLookAgain{10};

std::string content_of(const Resource& resource) {
  std::string text(static_cast<std::size_t>(resource.size), '\0');
  resource.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

bool is_up_to_date(const std::string& path, const std::string& content, int level) {
  std::error_code error;
  if (level < 0 || !fs::is_regular_file(path, error)) return false;
  if (level == 0) return true;
  if (fs::file_size(path, error) != content.size()) return false;
  if (level < 3) return true;
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {}) == content;
}

}  // namespace

DkistTask::DkistTask(TaskOrder order, DkistShelf& shelf, Settings settings)
    : order_(std::move(order)), shelf_(shelf), settings_(std::move(settings)), thread_([this] { run(); }) {}

DkistTask::~DkistTask() {
  const MutexLock lock(mutex_);
  ending_ = true;
  told_.notify_all();
}

void DkistTask::cancel() {
  finish(State::failed);
  const MutexLock lock(mutex_);
  ending_ = true;
  told_.notify_all();
}

void DkistTask::finish(State state) {
  const MutexLock lock(mutex_);
  if (state_ == State::active) state_ = state;
}

bool DkistTask::pass(nanoseconds time) {
  for (;;) {
    const SteadyTime until = std::chrono::steady_clock::now() + time;
    const bool connected = settings_().gcp;
    MutexLock lock(mutex_);
    if (ending_) return false;
    if (!connected) {
      lock.wait_for(told_, kLookAgain);
      continue;
    }
    while (!ending_ && std::chrono::steady_clock::now() < until)
      lock.wait_for(told_, until - std::chrono::steady_clock::now());
    return !ending_;
  }
}

void DkistTask::run() {
  const nanoseconds each = nanoseconds(settings_().task_time) /
                           static_cast<std::int64_t>(std::max<std::size_t>(1, order_.items.size()));
  for (const TaskItem& item : order_.items) {
    copy(item, each);
    const MutexLock lock(mutex_);
    if (ending_) return;
  }
  {
    // As long as there is something that it could not read, it goes on trying.
    const MutexLock lock(mutex_);
    if (!troubles_.empty() && !order_.skip_source_errors) return;
  }
  finish(State::succeeded);
}

void DkistTask::copy(const TaskItem& item, nanoseconds time) {
  const bool denied = item.destination.empty() || (shelf_.embargoed(item.source) && !settings_().member);
  const ResourcePtr source = denied ? nullptr : shelf_.file(item.source);
  if (source == nullptr) {
    if (!pass(time)) return;
    const MutexLock lock(mutex_);
    troubles_.push_back({denied ? "PERMISSION_DENIED" : "FILE_NOT_FOUND", item.source});
    return;
  }
  const std::string content = content_of(*source);
  if (is_up_to_date(item.destination, content, order_.sync_level)) {
    const MutexLock lock(mutex_);
    ++skipped_;
    return;
  }
  if (!pass(nanoseconds(0))) return;
  std::error_code error;
  fs::create_directories(fs::path(item.destination).parent_path(), error);
  std::ofstream file(item.destination, std::ios::binary | std::ios::trunc);
  const auto half = static_cast<std::streamsize>(content.size() / 2);
  file.write(content.data(), half).flush();
  if (!pass(time)) return;
  file.write(content.data() + half, static_cast<std::streamsize>(content.size()) - half).flush();
  const MutexLock lock(mutex_);
  if (file) {
    ++transferred_;
    bytes_ += content.size();
  } else {
    troubles_.push_back({"PERMISSION_DENIED", item.destination});
  }
}

std::string DkistTask::document() const {
  const bool connected = settings_().gcp;
  const MutexLock lock(mutex_);
  const bool active = state_ == State::active;
  Json nice = nullptr;
  if (active && !troubles_.empty() && !order_.skip_source_errors) nice = troubles_.back().code;
  if (active && !connected) nice = "GC_NOT_CONNECTED";
  return Json{{"DATA_TYPE", "task"},
              {"task_id", order_.id},
              {"type", "TRANSFER"},
              {"label", order_.label.empty() ? Json(nullptr) : Json(order_.label)},
              {"status", active                       ? "ACTIVE"
                         : state_ == State::succeeded ? "SUCCEEDED"
                                                      : "FAILED"},
              {"is_ok", nice.is_null() && state_ != State::failed},
              {"nice_status", nice},
              {"files", order_.items.size()},
              {"files_transferred", transferred_},
              {"files_skipped", skipped_},
              {"bytes_transferred", bytes_},
              {"faults", troubles_.size()},
              {"skip_source_errors", order_.skip_source_errors},
              {"source_endpoint_id", order_.source_endpoint},
              {"destination_endpoint_id", order_.destination_endpoint}}
      .dump();
}

std::string DkistTask::events() const {
  const MutexLock lock(mutex_);
  const auto event = [](const std::string& code, const std::string& details, bool is_error) {
    return Json{{"DATA_TYPE", "event"},
                {"code", code},
                {"description", code},
                {"details", details},
                {"is_error", is_error},
                {"parent_task_id", nullptr},
                {"time", "2026-11-20 00:00:00+00:00"}};
  };
  Json data = Json::array();
  for (const Trouble& trouble : troubles_) data.push_back(event(trouble.code, trouble.path, true));
  data.push_back(event("STARTED", "Starting sync scan", false));
  const std::size_t total = data.size();
  return Json{{"DATA_TYPE", "event_list"}, {"DATA", data}, {"limit", 10}, {"offset", 0}, {"total", total}}
      .dump();
}

std::string DkistTask::skipped_errors() const {
  const MutexLock lock(mutex_);
  Json data = Json::array();
  for (const Trouble& trouble : troubles_) {
    if (order_.skip_source_errors)
      data.push_back(
          {{"DATA_TYPE", "skipped_error"}, {"error_code", trouble.code}, {"source_path", trouble.path}});
  }
  return Json{{"DATA_TYPE", "skipped_errors"}, {"DATA", data}, {"next_marker", nullptr}}.dump();
}

bool DkistTask::mailed() const {
  const MutexLock lock(mutex_);
  return (state_ == State::succeeded && order_.mail_on_success) ||
         (state_ == State::failed && order_.mail_on_failure);
}

}  // namespace astrofs::sim
