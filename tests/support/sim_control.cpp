// The stand-in archive's own paths, for scripts: /_sim/faults, /_sim/log, /_sim/stats, /_sim/deny,
// /_sim/dkist, /_sim/hst, /_sim/mast, /_sim/applause, /_sim/vo.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/archive_sim.h"
#include "tests/support/daiquiri.h"
#include "tests/support/dkist_centre.h"
#include "tests/support/vo_archive.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

std::optional<Fault> fault_of(const Json& json) {
  const auto kind = kind_of(json.value("kind", ""));
  if (!kind) return std::nullopt;
  Fault fault;
  fault.kind = *kind;
  fault.path = json.value("path", fault.path);
  fault.n = json.value("n", fault.n);
  fault.text = json.value("text", fault.text);
  fault.times = json.value("times", fault.times);
  fault.skip = json.value("skip", fault.skip);
  fault.every = json.value("every", fault.every);
  fault.method = json.value("method", fault.method);
  return fault;
}

/// One fault or an array of them; the ids are the answer.
Reply add_faults(FaultTable& table, const std::string& body) {
  try {
    Json json = Json::parse(body);
    if (!json.is_array()) json = Json::array({json});
    Json ids = Json::array();
    std::vector<Fault> faults;
    for (const Json& one : json) {
      auto fault = fault_of(one);
      if (!fault) return text_reply(400, "unknown kind of fault in " + one.dump() + "\n", "text/plain");
      faults.push_back(std::move(*fault));
    }
    for (Fault& fault : faults) ids.push_back(table.add(std::move(fault)));
    return text_reply(200, ids.dump() + "\n", "application/json");
  } catch (const Json::exception& error) {
    return text_reply(400, std::string(error.what()) + "\n", "text/plain");
  }
}

std::string log_lines(const std::vector<LoggedRequest>& requests) {
  std::string lines;
  for (const LoggedRequest& request : requests) {
    const bool authorized = std::any_of(request.headers.begin(), request.headers.end(),
                                        [](const auto& header) { return header.first == "authorization"; });
    const Json json{
        {"number", request.number},        {"connection", request.connection}, {"at_ms", request.at.count()},
        {"took_ms", request.took.count()}, {"method", request.method},         {"target", request.target},
        {"range", request.range},          {"if_match", request.if_match},     {"status", request.status},
        {"bytes", request.body_bytes},     {"finished", request.finished},     {"authorized", authorized}};
    lines += json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return lines;
}

}  // namespace

Reply ArchiveSim::control(const HttpRequest& request) {
  const std::string_view method = request.method;
  if (request.path == "/_sim/faults" && method == "POST") return add_faults(faults_, request.body);
  if (request.path == "/_sim/faults" && method == "DELETE") {
    clear_faults();
    return text_reply(200, "", "text/plain");
  }
  if (request.path == "/_sim/log" && method == "GET")
    return text_reply(200, log_lines(requests()), "application/jsonl");
  if (request.path == "/_sim/log" && method == "DELETE") {
    clear_log();
    return text_reply(200, "", "text/plain");
  }
  if (request.path == "/_sim/deny" && (method == "POST" || method == "DELETE")) {
    method == "POST" ? deny(request.body) : allow(request.body);
    return text_reply(200, "", "text/plain");
  }
  if (request.path == "/_sim/dkist" && dkist_ != nullptr) return dkist_->control(request);
  if (request.path == "/_sim/hst" && hst_ != nullptr) return hst_->control(request);
  if (request.path == "/_sim/mast" && portal_ != nullptr) return portal_->control(request);
  if (request.path == "/_sim/applause" && plates_ != nullptr) return plates_->control(request);
  if (request.path == "/_sim/vo" && vo_ != nullptr) return vo_->control(request);
  if (request.path == "/_sim/stats" && method == "GET") {
    const Json json{{"requests", count("")},
                    {"heads", count("", "HEAD")},
                    {"bytes", bytes_sent()},
                    {"peak_requests", peak_requests()},
                    {"peak_connections", peak_connections()}};
    return text_reply(200, json.dump() + "\n", "application/json");
  }
  return error_reply(404, request.path);
}

}  // namespace astrofs::sim
