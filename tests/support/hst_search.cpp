#include "tests/support/hst_search.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace astrofs::sim {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kSearch = "/search/hst/api/v0.1/search";
constexpr std::string_view kProducts = "/search/hst/api/v0.1/post_list_products";
constexpr std::string_view kPaths = "/api/v0.1/path_lookup";
constexpr std::size_t kMostRows = 5000;
/// A longer address is one that the server in front does not take.
constexpr std::size_t kMostUris = 40;

std::string capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// A condition's value may be written as a number or as text.
std::string value_in(const OrderedJson& conditions, const char* column) {
  for (const OrderedJson& condition : conditions) {
    if (!condition.is_object() || !condition.contains(column)) continue;
    const OrderedJson& value = condition[column];
    return value.is_string() ? value.get<std::string>() : value.dump();
  }
  return {};
}

OrderedJson row_of(const HstDataSet& set) {
  return {{"sci_data_set_name", capitals(set.name)},
          {"sci_pep_id", set.proposal},
          {"sci_status", set.exclusive ? "PROPRIETARY" : "PUBLIC"},
          {"sci_release_date", set.exclusive ? "2027-01-01T00:00:00" : "2006-01-01T00:00:00"},
          {"search_key", "0 0" + capitals(set.name)}};
}

}  // namespace

HstSearch::HstSearch(const HstOptions& options, ContentTree& tree, MastGate& gate)
    : options_(options), tree_(tree), gate_(gate), sets_(make_hst(options)) {
  tree_.set_style("/hst", ListingStyle::none);
  for (const HstDataSet& set : sets_) {
    if (!set.exclusive) release(set.name);
  }
}

bool HstSearch::knows(std::string_view path) {
  return path == kSearch || path == kProducts || path == kPaths || path == std::string(kPaths) + "/";
}

std::vector<HstDataSet> HstSearch::data_sets() const {
  const MutexLock lock(mutex_);
  return sets_;
}

void HstSearch::set_page_rows(std::size_t rows) {
  const MutexLock lock(mutex_);
  page_rows_ = rows;
}

void HstSearch::release(const std::string& name) {
  const MutexLock lock(mutex_);
  for (HstDataSet& set : sets_) {
    if (set.name != name) continue;
    set.exclusive = false;
    for (const HstFile& file : set.files) {
      if (file.folder.empty()) continue;
      std::string bytes = hst_file(file.name, options_.side);
      const std::uint64_t size = bytes.size();
      tree_.put(file.folder + file.name, size, read_from_text(std::move(bytes)),
                {.etag = etag_of(file.name)});
    }
  }
}

ResourcePtr HstSearch::file(const HttpRequest& request, const std::string& name,
                            std::optional<Reply>& refusal) const {
  const MutexLock lock(mutex_);
  for (const HstDataSet& set : sets_) {
    const bool is_its = std::any_of(set.files.begin(), set.files.end(), [&](const HstFile& file) {
      return file.name == name && (set.exclusive || file.folder.empty());
    });
    if (!is_its) continue;
    if (set.exclusive && !gate_.admits(request)) {
      refusal =
          text_reply(401, "{\"detail\": \"This file is under exclusive access\"}\n", "application/json");
      return nullptr;
    }
    return text_resource(hst_file(name, options_.side), "application/octet-stream");
  }
  return nullptr;
}

std::string HstSearch::products(const std::string& body) const {
  const OrderedJson asked = OrderedJson::parse(body, nullptr, false);
  OrderedJson list = OrderedJson::array();
  for (const OrderedJson& id : asked.value("dataset_ids", OrderedJson::array())) {
    for (const HstDataSet& set : sets_) {
      if (!id.is_string() || capitals(set.name) != id.get<std::string>()) continue;
      for (const HstFile& file : set.files) {
        const std::string suffix = file.name.substr(file.name.rfind('_') + 1);
        list.push_back({{"product_key", capitals(set.name) + "_" + file.name},
                        {"access", set.exclusive ? "PROPRIETARY" : "PUBLIC"},
                        {"dataset", capitals(set.name)},
                        {"instrument_name", "ACS   "},
                        {"filters", nullptr},
                        {"filename", file.name},
                        {"uri", capitals(set.name) + "/" + file.name},
                        {"authz_primary_identifier", capitals(set.name)},
                        {"authz_secondary_identifier", "CAL"},
                        {"file_suffix", capitals(suffix.substr(0, suffix.find('.')))},
                        {"category", "CALIBRATED"},
                        {"size", 4711},  // of what it was, at some time
                        {"type", "science"}});
      }
    }
  }
  return OrderedJson{{"products", list}}.dump();
}

std::string HstSearch::search(const std::string& body) const {
  const OrderedJson asked = OrderedJson::parse(body, nullptr, false);
  const std::string proposal = value_in(asked.value("conditions", OrderedJson::array()), "sci_pep_id");
  const std::string name = value_in(asked.value("conditions", OrderedJson::array()), "sci_data_set_name");
  const OrderedJson columns = asked.value("select_cols", OrderedJson::array());
  std::size_t limit = std::min(kMostRows, asked.value("limit", kMostRows));
  if (page_rows_ > 0) limit = std::min(limit, page_rows_);
  const std::size_t offset = asked.value("offset", std::size_t{0});
  OrderedJson rows = OrderedJson::array();
  std::size_t total = 0;
  for (const HstDataSet& set : sets_) {
    const bool wanted = (proposal.empty() || proposal == std::to_string(set.proposal)) &&
                        (name.empty() || capitals(name) == capitals(set.name));
    if (!wanted) continue;
    const bool on_page = total >= offset && rows.size() < limit;
    ++total;
    if (!on_page) continue;
    const OrderedJson whole = row_of(set);
    OrderedJson row{{"search_key", whole["search_key"]}, {"ang_sep", nullptr}};
    for (const OrderedJson& column : columns)
      row[column.get<std::string>()] = whole.value(column.get<std::string>(), OrderedJson());
    rows.push_back(std::move(row));
  }
  OrderedJson info = OrderedJson::array();
  for (const OrderedJson& column : columns) info.push_back({{"name", column}, {"type", column == "sci_pep_id" ? "INTEGER" : "VARCHAR"}});
  return OrderedJson{{"messages", OrderedJson::array()},
                     {"info", info},
                     {"search_params", asked},
                     {"totalResults", total},
                     {"results", rows}}
      .dump();
}

Reply HstSearch::paths(const HttpRequest& request) const {
  std::vector<std::string> uris;
  for (auto& [key, value] : parse_form(request.query)) {
    if (key == "uri") uris.push_back(std::move(value));
  }
  if (uris.size() > kMostUris) return error_reply(414, request.path);
  OrderedJson answer = OrderedJson::object();
  for (const std::string& uri : uris) {
    answer[uri] = {{"status_code", 404}, {"path", nullptr}};
    const std::string name = uri.substr(uri.rfind('/') + 1);
    for (const HstDataSet& set : sets_) {
      for (const HstFile& file : set.files) {
        if (file.name == name && !file.folder.empty() && !set.exclusive)
          answer[uri] = {{"status_code", 200}, {"path", file.folder + file.name}};
      }
    }
  }
  return text_reply(200, answer.dump(), "application/json");
}

Reply HstSearch::reply(const HttpRequest& request) {
  const MutexLock lock(mutex_);
  if (request.path.starts_with(kPaths)) return paths(request);
  if (request.method != "POST") return error_reply(405, request.path);
  if (!OrderedJson::parse(request.body, nullptr, false).is_object())
    return text_reply(400, "{\"detail\": \"no JSON\"}", "application/json");
  return text_reply(200, request.path == kProducts ? products(request.body) : search(request.body),
                    "application/json");
}

Reply HstSearch::control(const HttpRequest& request) {
  const OrderedJson wanted = OrderedJson::parse(request.body, nullptr, false);
  if (request.method != "POST" || !wanted.is_object())
    return text_reply(400, "POST one object\n", "text/plain");
  if (wanted.contains("release")) release(wanted["release"]);
  if (wanted.contains("page_rows")) set_page_rows(wanted["page_rows"]);
  if (wanted.contains("token")) gate_.add_token(wanted["token"]);
  if (wanted.value("revoke", false)) gate_.revoke();
  return text_reply(200, "", "text/plain");
}

}  // namespace astrofs::sim
