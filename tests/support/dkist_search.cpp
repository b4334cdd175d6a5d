#include "tests/support/dkist_search.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;
using Query = std::map<std::string, std::vector<std::string>>;

constexpr int kPageSize = 50;  ///< of who does not ask; what the real one gives then is not known

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

/// Parameters that name values of a field.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNamed{
    {{"datasetIds", "datasetId"},
     {"productIds", "productId"},
     {"instrumentNames", "instrumentName"},
     {"primaryProposalIds", "primaryProposalId"},
     {"primaryExperimentIds", "primaryExperimentId"}}};
/// Parameters of the page, and one whose default is not "any".
constexpr std::array<std::string_view, 4> kNoFilters{"pageSize", "pageNumber", "sortColumn", "status"};

/// Repeated parameters and lists with commas are the same.
std::set<std::string> wanted(const std::vector<std::string>& values) {
  std::set<std::string> all;
  for (std::string_view rest : values) {
    for (;;) {
      const auto comma = rest.find(',');
      all.insert(lower(std::string(rest.substr(0, comma))));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return all;
}

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<double> number(const Field& field) {
  if (const auto* whole = std::get_if<std::int64_t>(&field)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&field)) return *real;
  return std::nullopt;
}

/// -1, 0, 1; nullopt: the field is null or of another kind. Dates are compared as texts.
std::optional<int> compare(const Field& field, const std::string& bound) {
  if (const auto* text = std::get_if<std::string>(&field))
    return text->compare(bound) < 0 ? -1 : *text == bound ? 0 : 1;
  const auto left = number(field);
  const auto right = number(bound);
  if (!left || !right) return std::nullopt;
  return *left < *right ? -1 : *left > *right ? 1 : 0;
}

bool equals(const Field& field, const std::string& value) {
  if (const auto* truth = std::get_if<bool>(&field)) return *truth == (lower(value) == "true");
  if (const auto* text = std::get_if<std::string>(&field)) return *text == value;
  const auto left = number(field);
  return left && number(value) == left;
}

bool overlaps(const Record& record, const std::vector<std::string>& range) {
  const auto from = compare(record.at("wavelengthMin"), range.back());
  const auto to = compare(record.at("wavelengthMax"), range.front());
  return from && to && *from <= 0 && *to >= 0;
}

bool passes(const Record& record, const std::string& name, const std::vector<std::string>& values) {
  const auto* const named =
      std::ranges::find(kNamed, name, &std::pair<std::string_view, std::string_view>::first);
  if (named != kNamed.end()) {
    const auto* text = std::get_if<std::string>(&record.find(named->second)->second);
    return text != nullptr && wanted(values).contains(lower(*text));
  }
  if (name == "targetTypes") {
    const auto* targets = std::get_if<std::vector<std::string>>(&record.at("targetTypes"));
    const auto any = wanted(values);
    return targets != nullptr &&
           std::ranges::any_of(*targets, [&](const auto& target) { return any.contains(lower(target)); });
  }
  if (name == "wavelengthRanges") return overlaps(record, values);
  const std::string field = name.substr(0, name.size() - std::min<std::size_t>(3, name.size()));
  if (const auto found = record.find(field); found != record.end()) {
    const auto order = compare(found->second, values.back());
    if (name.ends_with("Min")) return order && *order >= 0;
    if (name.ends_with("Max")) return order && *order <= 0;
  }
  const auto found = record.find(name);
  return found == record.end() || equals(found->second, values.back());
}

bool matches(const Record& record, const Query& query) {
  const std::string status = lower(std::get<std::string>(record.at("status")));
  const auto asked = query.find("status");
  const std::string want = asked == query.end() ? "active" : lower(asked->second.back());
  if (want != "any" && status != want) return false;
  return std::ranges::all_of(query, [&](const auto& one) {
    return std::ranges::find(kNoFilters, one.first) != kNoFilters.end() ||
           passes(record, one.first, one.second);
  });
}

Json json_of(const Field& field) {
  return std::visit(
      [](const auto& value) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
          return nullptr;
        } else {
          return value;
        }
      },
      field);
}

std::size_t count_of(const Query& query, const std::string& name, std::size_t otherwise) {
  const auto found = query.find(name);
  const auto value = found == query.end() ? std::nullopt : number(found->second.back());
  return value && *value >= 1 && *value < 1e9 ? static_cast<std::size_t>(*value) : otherwise;
}

}  // namespace

std::string search_answer(const std::vector<DatasetPtr>& datasets, const HttpRequest& request) {
  Query query;
  for (auto& [name, value] : parse_form(request.query)) query[name].push_back(std::move(value));
  const std::size_t size = count_of(query, "pageSize", kPageSize);
  const std::size_t first = (count_of(query, "pageNumber", 1) - 1) * size;
  Json page = Json::array();
  std::size_t count = 0;
  for (const DatasetPtr& dataset : datasets) {
    const Record record = record_of(*dataset);
    if (!matches(record, query)) continue;
    if (count >= first && count - first < size) {
      Json& json = page.emplace_back(Json::object());
      for (const auto& [name, field] : record) json[name] = json_of(field);
    }
    ++count;
  }
  return Json{{"authorizationStatusCode", ""},
              {"authorizationStatusDescription", ""},
              {"recordCount", count},
              {"searchResults", page}}
      .dump();
}

std::string search_values(const std::vector<DatasetPtr>& datasets) {
  std::set<std::string> instruments, targets;
  std::string first, last;
  for (const DatasetPtr& dataset : datasets) {
    const Record record = record_of(*dataset);
    instruments.insert(dataset->instrument);
    if (const auto* some = std::get_if<std::vector<std::string>>(&record.at("targetTypes")))
      targets.insert(some->begin(), some->end());
    const auto& start = std::get<std::string>(record.at("startTime"));
    if (first.empty() || start < first) first = start;
    last = std::max(last, start);
  }
  const auto category = [](const char* name, const std::set<std::string>& values) {
    return Json{{"parameterName", name}, {"values", {{"categoricalValues", values}}}};
  };
  const auto range = [&](const char* name) {
    return Json{{"parameterName", name}, {"values", {{"minValue", first}, {"maxValue", last}}}};
  };
  return Json{{"parameterValues",
               Json::array({category("instrumentNames", instruments), category("targetTypes", targets),
                            range("startTimeMin"), range("startTimeMax")})}}
      .dump();
}

}  // namespace astrofs::sim
