#include "backends/format/dkist_inventory.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "backends/format/dates.h"

namespace astrofs::dkist {
namespace {

using nlohmann::json;

tl::unexpected<Error> malformed(const char* what) {
  return fail(Errc::corrupt, std::string("DKIST: ") + what);
}

/// nlohmann parses recursively; no answer is deeper than a few levels.
constexpr int kDeepest = 32;

std::optional<json> parse(std::string_view text) {
  bool shallow = true;
  const json::parser_callback_t watch = [&shallow](int depth, json::parse_event_t, json&) {
    shallow = shallow && depth < kDeepest;
    return shallow;
  };
  json value = json::parse(text, watch, false);
  if (!shallow || value.is_discarded() || !value.is_object()) return std::nullopt;
  return value;
}

std::string text_of(const json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

std::optional<Dataset> dataset_of(const json& record) {
  if (!record.is_object()) return std::nullopt;
  Dataset dataset;
  dataset.id = text_of(record, "datasetId");
  dataset.bucket = text_of(record, "bucket");
  dataset.proposal = text_of(record, "primaryProposalId");
  if (!is_dataset_id(dataset.id)) return std::nullopt;
  if (!is_component(dataset.bucket) || !is_component(dataset.proposal)) return std::nullopt;
  dataset.product = text_of(record, "productId");
  if (!is_product_id(dataset.product)) dataset.product.clear();
  dataset.asdf_key = text_of(record, "asdfObjectKey");
  dataset.movie_key = text_of(record, "browseMovieObjectKey");
  dataset.quality_key = text_of(record, "qualityReportObjectKey");
  dataset.instrument = text_of(record, "instrumentName");
  const auto embargoed = record.find("isEmbargoed");
  dataset.embargoed = embargoed != record.end() && embargoed->is_boolean() && embargoed->get<bool>();
  if (const auto targets = record.find("targetTypes"); targets != record.end() && targets->is_array()) {
    for (const json& target : *targets) {
      if (target.is_string() && is_component(target.get_ref<const std::string&>()))
        dataset.targets.push_back(target);
    }
  }
  dataset.created = text_of(record, "createDate");
  dataset.updated = text_of(record, "updateDate");
  const std::string& newest = dataset.updated.empty() ? dataset.created : dataset.updated;
  dataset.mtime = parse_iso8601(newest).value_or(SysSeconds{});
  return dataset;
}

}  // namespace

bool is_component(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos &&
         text.find('\0') == std::string_view::npos;
}

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_dataset_id(std::string_view text) {
  // Six are common by now; no id is longer than a name may sensibly be.
  return text.size() >= 5 && text.size() <= 32 && std::all_of(text.begin(), text.end(), is_capital);
}

bool is_product_id(std::string_view text) {
  return text.starts_with("L1-") && is_dataset_id(text.substr(3));
}

Result<SearchPage> parse_search(std::string_view text) {
  const auto answer = parse(text);
  if (!answer) return malformed("the search does not answer in JSON");
  const auto results = answer->find("searchResults");
  const auto count = answer->find("recordCount");
  if (results == answer->end() || !results->is_array() || count == answer->end() ||
      !count->is_number_unsigned())
    return malformed("a search's answer has no searchResults or no recordCount");
  SearchPage page;
  page.matches = count->get<std::uint64_t>();
  page.records = results->size();
  for (const json& record : *results) {
    if (auto dataset = dataset_of(record)) page.datasets.push_back(std::move(*dataset));
  }
  return page;
}

Result<std::string> parse_collection_id(std::string_view text) {
  const auto answer = parse(text);
  const std::string id = answer ? text_of(*answer, "globusDataEndpointID") : std::string();
  const auto is_uuid_letter = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
  };
  constexpr std::size_t kUuidLength = 36;
  if (id.size() != kUuidLength || !std::all_of(id.begin(), id.end(), is_uuid_letter))
    return malformed("the configuration names no Globus collection");
  return id;
}

Result<std::optional<std::string>> parse_https_server(std::string_view text) {
  const auto answer = parse(text);
  if (!answer || !answer->contains("DATA_TYPE")) return malformed("Globus does not describe the collection");
  std::string server = text_of(*answer, "https_server");
  while (server.ends_with('/')) server.pop_back();
  if (server.empty()) return std::optional<std::string>{};
  return std::optional(std::move(server));
}

}  // namespace astrofs::dkist
