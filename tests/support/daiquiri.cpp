#include "tests/support/daiquiri.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;
using Form = std::map<std::string, std::string>;

constexpr std::string_view kXmlType = "application/xml";
constexpr std::string_view kAsync = "/tap/async";
constexpr std::string_view kFiles = "/files/";
constexpr std::string_view kLogin = "/accounts/login/";

Reply document(int status, std::string text, std::string_view type = kXmlType) {
  return text_reply(status, std::move(text), std::string(type));
}
Reply refusal(int status, std::string_view words) {
  return document(status, daiquiri_error(words));
}
Reply see_other(std::string url, int status = 303) {
  Reply reply = document(status, "", "text/html; charset=utf-8");
  reply.set_header("Location", std::move(url));
  return reply;
}

std::string here(const HttpRequest& request) {
  return fmt::format("http://{}", request.header("host"));
}

/// Fields of the body, else of the query, with their names in capitals.
Form form_of(const HttpRequest& request) {
  Form form;
  for (auto& [name, value] : parse_form(request.body.empty() ? request.query : request.body)) {
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    form[name] = value;
  }
  return form;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

/// What is wrong with a query's fields; "" = nothing.
std::string complaint_about(const Form& form) {
  const auto language = form.find("LANG");
  if (language == form.end()) return "LANG: This field is required.";
  const std::string name = lower(language->second);
  constexpr std::array<std::string_view, 4> kLanguages{"adql", "adql-2.0", "postgresql", "postgresql-9.6"};
  if (std::ranges::find(kLanguages, name) == kLanguages.end())
    return "LANG: This query language is not supported.";
  if (!form.contains("QUERY")) return "QUERY: This field is required.";
  constexpr std::array<std::string_view, 4> kFormats{"votable", "csv", "fits", "parquet"};
  for (const char* const field : {"FORMAT", "RESPONSEFORMAT"}) {
    const auto format = form.find(field);
    if (format != form.end() && std::ranges::find(kFormats, format->second) == kFormats.end())
      return std::string(field) + ": This response format is not supported.";
  }
  if (const auto queue = form.find("QUEUE");
      queue != form.end() && queue->second != "30s" && queue->second != "1h")
    return "QUEUE: This queue is not supported.";
  return {};
}

std::size_t most_rows(const Form& form) {
  std::size_t most = 0;
  if (const auto found = form.find("MAXREC"); found != form.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), most);
  return most;
}

/// nullopt: a token that is not valid. "": nobody.
std::optional<std::string> owner_of(const HttpRequest& request) {
  const std::string_view given = request.header("authorization");
  if (given.empty()) return "";
  if (given == std::string("Token ") + kPlateToken) return "astronomer";
  return std::nullopt;
}

bool is_command_line(const HttpRequest& request) {
  const std::string agent = lower(std::string(request.header("user-agent")));
  return agent.find("curl") != std::string::npos || agent.find("wget") != std::string::npos;
}

}  // namespace

bool Daiquiri::knows(std::string_view path) {
  return path == "/tap" || path.starts_with("/tap/") || path.starts_with(kFiles) || path.starts_with(kLogin);
}

DaiquiriSettings Daiquiri::settings() const {
  const MutexLock lock(mutex_);
  return settings_;
}

void Daiquiri::set(const DaiquiriSettings& settings) {
  const MutexLock lock(mutex_);
  settings_ = settings;
}

Reply Daiquiri::reply(const HttpRequest& request, const std::vector<Fault>& faults) {
  {
    const MutexLock lock(mutex_);
    ++(request.header("authorization").empty() ? without_token_ : with_token_);
  }
  const std::string_view path = request.path;
  if (path.starts_with(kLogin))
    return document(200,
                    "<!DOCTYPE html><html><head><title>Login</title></head><body><form><input "
                    "type=\"password\" name=\"password\"></form></body></html>\n",
                    "text/html; charset=utf-8");
  if (path.starts_with(kFiles)) return file(request, faults);
  const std::optional<std::string> owner = owner_of(request);
  if (!owner) return refusal(403, "detail: Invalid token.");
  if (path == "/tap/availability") return document(200, vosi_availability());
  if (path == "/tap/capabilities") return document(200, vosi_capabilities(here(request) + "/tap"));
  if (path == "/tap/sync") return sync(request);
  if (!path.starts_with(kAsync)) return refusal(404, "detail: Not found.");
  if (settings().need_token && owner->empty())
    return refusal(403, "detail: Authentication credentials were not provided.");
  if (path == kAsync && request.method == "POST") return create(request, *owner);
  return job(request, *owner);
}

Reply Daiquiri::sync(const HttpRequest& request) const {
  const Form form = form_of(request);
  if (const std::string wrong = complaint_about(form); !wrong.empty()) return refusal(400, wrong);
  Result<QueryAnswer> answer = run_query(form.at("QUERY"), shelf_);
  if (!answer) return refusal(400, answer.error().message);
  const DaiquiriSettings now = settings();
  if (answer->table == now.refused_table) return refusal(400, "QUERY: Column file_datetime not found.");
  if (answer->table == now.emptied_table) answer->rows.clear();
  const std::size_t most = most_rows(form);
  VotableTerms terms{form.at("QUERY"), "postgresql-9.6", most > 0 && answer->rows.size() > most, false};
  if (terms.overflow) answer->rows.resize(most);
  // The database's driver writes times otherwise than its dump.
  for (PlateRow& row : answer->rows) {
    for (PlateCell& cell : row) {
      if (cell && cell->size() > 19 && cell->ends_with("+00")) *cell += ":00";
    }
  }
  // Streamed: no length.
  Reply reply = document(200, daiquiri_votable(*answer, terms));
  reply.framing = Framing::chunked;
  return reply;
}

Reply Daiquiri::create(const HttpRequest& request, const std::string& owner) {
  const Form form = form_of(request);
  if (const std::string wrong = complaint_about(form); !wrong.empty()) return refusal(400, wrong);
  DaiquiriJobs::Order order{owner, form.at("QUERY"), "", most_rows(form), false};
  if (const auto name = form.find("RUNID"); name != form.end()) order.run_id = name->second;
  if (const auto phase = form.find("PHASE"); phase != form.end()) order.run = phase->second == "RUN";
  const Result<std::string> id = jobs_.create(order, settings());
  if (!id) return refusal(400, id.error().message);
  return see_other(fmt::format("{}{}/{}", here(request), kAsync, *id));
}

Reply Daiquiri::job(const HttpRequest& request, const std::string& owner) {
  const DaiquiriSettings now = settings();
  std::string_view rest = std::string_view(request.path).substr(kAsync.size());
  if (rest.empty()) {
    std::vector<JobDocument> all = jobs_.all(owner, now);
    for (JobDocument& each : all) each.url = fmt::format("{}{}/{}", here(request), kAsync, each.id);
    return document(200, uws_jobs(all));
  }
  rest.remove_prefix(1);
  const std::string id(rest.substr(0, rest.find('/')));
  const std::string_view part = rest.substr(std::min(id.size() + 1, rest.size()));
  std::optional<JobDocument> found = jobs_.document(id, owner, now);
  if (!found) return refusal(404, "detail: Not found.");
  found->url = fmt::format("{}{}/{}", here(request), kAsync, id);
  const Form form = form_of(request);
  const auto action = form.find("ACTION");
  if (request.method == "DELETE" || (action != form.end() && action->second == "DELETE")) {
    jobs_.archive(id);
    return see_other(found->url);
  }
  // A wait is not known; no answer has a proper type.
  if (part.empty()) return document(200, uws_job(*found), "*/*");
  if (part == "phase" && request.method == "POST") {
    const auto phase = form.find("PHASE");
    if (phase != form.end() && phase->second == "RUN") jobs_.run(id);
    if (phase != form.end() && phase->second == "ABORT") jobs_.abort(id);
    return see_other(found->url);
  }
  if (part == "phase") return document(200, found->phase, "text/html; charset=utf-8");
  if (part == "parameters") return document(200, uws_parameters(*found));
  if (part == "results") return document(200, uws_results(*found));
  if (part == "error") return found->error.empty() ? document(200, "") : refusal(200, found->error);
  if (part == "owner") return document(200, found->owner, "text/html; charset=utf-8");
  if (part.starts_with("results/")) return result(request, *found, part.substr(part.find('/') + 1));
  return refusal(404, "detail: Not found.");
}

Reply Daiquiri::result(const HttpRequest& request, const JobDocument& job, std::string_view format) {
  const std::string files = here(request) + std::string(kFiles);
  const std::optional<QueryAnswer> answer = jobs_.result(job.id, files, settings());
  if (!answer) return refusal(400, "phase: Job is not COMPLETED.");
  Reply reply;
  if (format == "csv") {
    reply = document(200, daiquiri_csv(*answer), "text/csv");
  } else if (format == "fits") {
    reply = document(200, daiquiri_fits(*answer), "application/fits");
  } else if (format == "votable" || format == "result") {
    reply = document(200, daiquiri_votable(*answer, {job.query, "postgresql-9.6", false, true}));
  } else {
    return refusal(404, "detail: Not found.");
  }
  // Streamed from the dump: no length, no ranges.
  reply.framing = Framing::chunked;
  return reply;
}

Reply Daiquiri::file(const HttpRequest& request, const std::vector<Fault>& faults) {
  const std::string_view path = std::string_view(request.path).substr(kFiles.size());
  const DaiquiriSettings now = settings();
  const std::optional<std::string> user = owner_of(request);
  if (!user) return document(401, "Invalid token.", "text/plain");
  const auto is = [path](const std::string& part) {
    return !part.empty() && path.find(part) != std::string_view::npos;
  };
  if (is(now.private_path) && user->empty()) {
    if (is_command_line(request)) return document(403, "", "text/html; charset=utf-8");
    return see_other(fmt::format("{}?next={}", kLogin, request.path), 302);
  }
  ResourcePtr found = is(now.lost_path) ? nullptr : shelf_.file(path);
  if (found == nullptr) return error_reply(404, request.path);
  for (const Fault& fault : faults) found = spoil_resource(fault, std::move(found));
  return resource_reply(request, found);
}

Reply Daiquiri::control(const HttpRequest& request) {
  if (request.method == "GET") {
    const MutexLock lock(mutex_);
    return text_reply(200,
                      Json{{"jobs", jobs_.created()},
                           {"unarchived", jobs_.unarchived()},
                           {"with_token", with_token_},
                           {"without_token", without_token_}}
                              .dump() +
                          "\n",
                      "application/json");
  }
  const Json json = Json::parse(request.body, nullptr, false);
  if (!json.is_object()) return text_reply(400, "no JSON object\n", "text/plain");
  const MutexLock lock(mutex_);
  settings_.job_time = milliseconds(json.value("job_ms", settings_.job_time.count()));
  settings_.quota = json.value("quota", settings_.quota);
  settings_.need_token = json.value("need_token", settings_.need_token);
  settings_.job_error = json.value("job_error", settings_.job_error);
  settings_.dropped = json.value("dropped", settings_.dropped);
  settings_.private_path = json.value("private", settings_.private_path);
  settings_.lost_path = json.value("lost", settings_.lost_path);
  settings_.emptied_table = json.value("emptied", settings_.emptied_table);
  settings_.refused_table = json.value("refused", settings_.refused_table);
  return text_reply(200, "", "text/plain");
}

}  // namespace astrofs::sim
