#include "tests/support/hlsp_portal.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace astrofs::sim {
namespace {

using Json = nlohmann::ordered_json;

/// The one value that a filter of this name has; "" for none.
std::string filtered(const Json& question, std::string_view name) {
  for (const Json& filter : question["params"].value("filters", Json::array())) {
    if (filter.value("paramName", "") == name && filter["values"].size() == 1 &&
        filter["values"][0].is_string())
      return filter["values"][0].get<std::string>();
  }
  return {};
}

Json fields() {
  Json all = Json::array();
  for (const char* const name : {"obs_collection", "provenance_name", "target_name", "obs_id"})
    all.push_back({{"name", name}, {"type", "string"}});
  return all;
}

}  // namespace

std::optional<Reply> HlspPortal::reply(const HttpRequest& request) {
  if (request.path != "/api/v0/invoke" || request.method != "POST") return std::nullopt;
  std::string text;
  for (auto& [name, value] : parse_form(request.body)) {
    if (name == "request") text = std::move(value);
  }
  const Json question = Json::parse(text, nullptr, false);
  if (!question.is_object() || question.value("service", "") != "Mast.Caom.Filtered" ||
      !question.contains("params") || filtered(question, "provenance_name") != "TGLC")
    return std::nullopt;
  {
    const MutexLock lock(mutex_);
    if (asked_.insert(text).second)
      return text_reply(200, R"({"status":"EXECUTING","msg":""})", "text/plain");
  }
  Json rows = Json::array();
  for (int chip = 0; chip < 16; ++chip) {
    for (std::uint64_t star = 0; star < options_.stars; ++star) {
      const std::string tic = std::to_string(hlsp_star_tic(chip, star, options_));
      if (filtered(question, "target_name") != tic) continue;
      for (const int sector : options_.sectors) {
        rows.push_back(
            {{"obs_collection", "HLSP"},
             {"provenance_name", "TGLC"},
             {"target_name", tic},
             {"obs_id", fmt::format("hlsp_tglc_tess_ffi_gaiaid-{}-s{:04}-cam{}-ccd{}_tess_v1_llc",
                                    hlsp_gaia(chip, star, options_), sector, chip / 4 + 1, chip % 4 + 1)}});
      }
    }
  }
  const Json paging{{"page", 1},           {"pageSize", 50000},           {"pagesFiltered", 1},
                    {"rows", rows.size()}, {"rowsFiltered", rows.size()}, {"rowsTotal", rows.size()}};
  const Json answer{
      {"status", "COMPLETE"}, {"msg", ""}, {"data", rows}, {"fields", fields()}, {"paging", paging}};
  return text_reply(200, answer.dump(), "text/plain");
}

}  // namespace astrofs::sim
