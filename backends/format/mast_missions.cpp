#include "backends/format/mast_missions.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace astrofs::mast {
namespace {

using nlohmann::json;

// Of the fetcher's listing bodies; a product takes 300 bytes, a data set of a search 60.
constexpr std::size_t kLargestAnswer = 64ULL << 20;
constexpr int kDeepest = 8;  // an answer is 4 deep

Result<json> parsed(std::string_view text) {
  if (text.size() > kLargestAnswer) return fail(Errc::too_large, "an answer of MAST of more than 64 MiB");
  bool too_deep = false;
  const auto is_shallow = [&too_deep](int depth, json::parse_event_t, const json&) {
    too_deep = too_deep || depth > kDeepest;
    return !too_deep;
  };
  json answer = json::parse(text, is_shallow, false);
  if (too_deep || !answer.is_object())
    return fail(Errc::corrupt, "not an answer of MAST's search, or only a part of one");
  return answer;
}

std::string text_of(const json& object, std::string_view key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x >= 'a' && x <= 'z' ? x - 'a' + 'A' : x) == y; });
}

void add_product(const json& row, std::vector<Product>& products) {
  std::string name = text_of(row, "filename");
  if (!name.empty()) products.push_back({std::move(name), same_letters(text_of(row, "access"), "PUBLIC")});
}

}  // namespace

Result<std::vector<Product>> parse_products(std::string_view text) {
  const Result<json> answer = parsed(text);
  if (!answer) return tl::unexpected<Error>(answer.error());
  const auto list = answer->find("products");
  if (list == answer->end() || !list->is_array())
    return fail(Errc::corrupt, "an answer of MAST without products");
  std::vector<Product> products;
  for (const json& row : *list) {
    if (!row.is_array()) add_product(row, products);
    // Files of several data sets may come as a list for each.
    for (const json& inner : row.is_array() ? row : json::array()) add_product(inner, products);
  }
  return products;
}

Result<DataSets> parse_data_sets(std::string_view text, std::string_view column) {
  const Result<json> answer = parsed(text);
  if (!answer) return tl::unexpected<Error>(answer.error());
  const auto rows = answer->find("results");
  if (rows == answer->end() || !rows->is_array())
    return fail(Errc::corrupt, "an answer of MAST without results");
  DataSets found;
  found.rows = rows->size();
  for (const json& row : *rows) {
    std::string name = text_of(row, column);
    if (!name.empty()) found.names.push_back(std::move(name));
  }
  const auto total = answer->find("totalResults");
  found.total =
      total != answer->end() && total->is_number_unsigned() ? total->get<std::size_t>() : found.rows;
  return found;
}

Result<std::map<std::string, std::string>> parse_paths(std::string_view text) {
  const Result<json> answer = parsed(text);
  if (!answer) return tl::unexpected<Error>(answer.error());
  std::map<std::string, std::string> paths;
  for (const auto& [uri, found] : answer->items()) {
    if (!found.is_object()) return fail(Errc::corrupt, "not an answer of MAST's path_lookup");
    std::string path = text_of(found, "path");
    if (!path.empty()) paths.emplace(uri, std::move(path));
  }
  return paths;
}

}  // namespace astrofs::mast
