#include "tests/support/dkist_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/dkist_transfer.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "/transfer/v0.10/";
constexpr std::size_t kLongestLabel = 128;

bool is_label(const std::string& text) {
  return text.size() <= kLongestLabel && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
                  c == '-' || c == '_' || c == ',';
         });
}

/// Where a path of the user's end point is on this machine: "/~/x" and "/x" are in his folder, and the
/// folder's own absolute path is itself. "": outside of what he lets Globus write.
std::string local_path(const std::string& folder, std::string path) {
  if (!path.starts_with(folder + '/')) {
    if (path.starts_with("/~/")) path.erase(0, 2);
    path = folder + '/' + path;
  }
  const std::filesystem::path inside = std::filesystem::path(path).lexically_normal();
  return inside.string().starts_with(std::filesystem::path(folder).lexically_normal().string() + '/')
             ? inside.string()
             : "";
}

/// A folder becomes all that is below it.
void add_item(std::vector<TaskItem>& items, DkistShelf& shelf, const std::string& folder, std::string source,
              std::string destination, bool recursive) {
  if (!recursive) {
    items.push_back({.source = std::move(source), .destination = local_path(folder, destination)});
    return;
  }
  while (source.ends_with('/')) source.pop_back();
  while (destination.ends_with('/')) destination.pop_back();
  const auto entries = shelf.list(source);
  if (!entries) items.push_back({.source = source, .destination = local_path(folder, destination)});
  for (const ShelfEntry& entry : entries.value_or(std::vector<ShelfEntry>{}))
    add_item(items, shelf, folder, source + '/' + entry.name, destination + '/' + entry.name,
             entry.directory);
}

TaskOrder order_of(const Json& json, DkistShelf& shelf, const std::string& folder) {
  TaskOrder order;
  order.label = json.value("label", "");
  order.source_endpoint = json.at("source_endpoint").get<std::string>();
  order.destination_endpoint = json.at("destination_endpoint").get<std::string>();
  if (json.contains("sync_level") && !json["sync_level"].is_null())
    order.sync_level = json["sync_level"].get<int>();
  order.skip_source_errors = json.value("skip_source_errors", false);
  order.mail_on_success = json.value("notify_on_succeeded", true);
  order.mail_on_failure = json.value("notify_on_failed", true);
  for (const Json& item : json.value("DATA", Json::array())) {
    add_item(order.items, shelf, folder, item.at("source_path").get<std::string>(),
             item.at("destination_path").get<std::string>(), item.value("recursive", false));
  }
  return order;
}

Reply json_reply(int status, std::string text) {
  return text_reply(status, std::move(text), "application/json");
}

Reply accepted(const std::string& task, const std::string& submission, bool again) {
  const Json link{{"DATA_TYPE", "link"},
                  {"href", fmt::format("task/{}?format=json", task)},
                  {"rel", "related"},
                  {"resource", "task"},
                  {"title", "related task"}};
  const Json json{
      {"DATA_TYPE", "transfer_result"},
      {"code", again ? "Duplicate" : "Accepted"},
      {"message", "The transfer has been accepted and a task has been created and queued for execution"},
      {"request_id", "sim"},
      {"resource", "/transfer"},
      {"submission_id", submission},
      {"task_id", task},
      {"task_link", link}};
  return json_reply(202, json.dump());
}

}  // namespace

bool DkistTasks::knows(std::string_view path) {
  if (!path.starts_with(kPrefix)) return false;
  path.remove_prefix(kPrefix.size());
  return path == "submission_id" || path == "transfer" || path.starts_with("task/");
}

std::string DkistTasks::new_id() {
  return fmt::format("00000000-0000-4000-8000-{:012x}", ++last_);
}

Reply DkistTasks::reply(const HttpRequest& request) {
  const std::string_view what = std::string_view(request.path).substr(kPrefix.size());
  if (what == "transfer") return request.method == "POST" ? submit(request) : error_reply(405, request.path);
  if (what != "submission_id") return look(request);
  const MutexLock lock(mutex_);
  return json_reply(200, Json{{"DATA_TYPE", "submission_id"}, {"value", new_id()}}.dump());
}

Reply DkistTasks::submit(const HttpRequest& request) {
  const auto refuse = [&](int status, std::string_view code, std::string_view message) {
    return transfer_error(status, code, message, "/transfer");
  };
  const DkistSettings settings = settings_();
  TaskOrder order;
  std::string submission;
  try {
    const Json json = Json::parse(request.body);
    submission = json.at("submission_id").get<std::string>();
    order = order_of(json, shelf_, settings.globus_folder);
  } catch (const Json::exception& error) {
    return refuse(400, "ClientError.BadRequest", error.what());
  }
  if (order.items.empty())
    return refuse(400, "ClientError.BadRequest.NoTransferItems", "A transfer requires at least one item");
  if (!is_label(order.label)) return refuse(400, "ClientError.BadRequest", "Invalid label characters");
  if (order.source_endpoint != kDkistCollection || settings.globus_folder.empty())
    return refuse(404, "EndpointNotFound", "No such endpoint");
  const MutexLock lock(mutex_);
  std::string& task = submissions_[submission];
  if (!task.empty()) return accepted(task, submission, true);
  task = new_id();
  order.id = task;
  tasks_[task] = std::make_shared<DkistTask>(std::move(order), shelf_, settings_);
  return accepted(task, submission, false);
}

Reply DkistTasks::look(const HttpRequest& request) {
  constexpr std::string_view kTask = "task/";
  const std::string rest = request.path.substr(kPrefix.size() + kTask.size());
  const std::string id = rest.substr(0, rest.find('/'));
  const std::string what = rest.substr(id.size());
  std::shared_ptr<DkistTask> task;
  {
    const MutexLock lock(mutex_);
    if (const auto found = tasks_.find(id); found != tasks_.end()) task = found->second;
  }
  if (task != nullptr && what == "/cancel" && request.method == "POST") {
    task->cancel();
    return json_reply(200, Json{{"DATA_TYPE", "result"},
                                {"code", "Canceled"},
                                {"message", "The task has been cancelled successfully."},
                                {"request_id", "sim"},
                                {"resource", request.path}}
                               .dump());
  }
  if (task != nullptr && what.empty()) return json_reply(200, task->document());
  if (task != nullptr && what == "/event_list") return json_reply(200, task->events());
  if (task != nullptr && what == "/skipped_errors") return json_reply(200, task->skipped_errors());
  return transfer_error(404, "ClientError.NotFound", "no such resource", request.path);
}

std::size_t DkistTasks::count() const {
  const MutexLock lock(mutex_);
  return tasks_.size();
}

std::size_t DkistTasks::mails() const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(tasks_, [](const auto& task) { return task.second->mailed(); }));
}

}  // namespace astrofs::sim
