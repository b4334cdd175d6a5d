#include "backends/obstap_query.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "backends/tap.h"

namespace astrofs::obstap {
namespace {

bool is_identifier(std::string_view text) {
  const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
         std::ranges::all_of(text, is_word);
}

std::string literal(const Value& value) {
  return value.is_number ? *value.text : tap::quoted(*value.text);
}

std::string is_value(const std::string& column, const Value& value) {
  if (value.text) return column + " = " + literal(value);
  if (value.is_number) return column + " IS NULL";
  // They share a directory: who reads a VOTable cannot tell the first two apart, nor its name the third.
  return "(" + column + " IS NULL OR " + column + " = '' OR " + column + " = 'NULL')";
}

class Conditions {
 public:
  Conditions(const Table& table, const Place& place) {
    if (!table.where.empty()) add("(" + table.where + ")");
    for (std::size_t i = 0; i < place.levels.size() && i < table.levels.size(); ++i) {
      add(is_value(table.levels[i], place.levels[i]));
    }
    if (!place.did.empty()) add("obs_publisher_did = " + tap::quoted(place.did));
  }
  void add(const std::string& condition) { text_ += (text_.empty() ? " WHERE " : " AND ") + condition; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

Result<std::vector<std::string>> parse_tree(std::string_view tree) {
  std::vector<std::string> columns;
  while (true) {
    const auto slash = std::min(tree.find('/'), tree.size());
    const std::string_view level = tree.substr(0, slash);
    const bool braced = level.size() > 2 && level.front() == '{' && level.back() == '}';
    if (!braced || !is_identifier(level.substr(1, level.size() - 2))) {
      return fail(Errc::invalid, "each level is a column in braces, like {obs_collection}, and \"" +
                                     std::string(level) + "\" is none");
    }
    columns.emplace_back(level.substr(1, level.size() - 2));
    if (std::ranges::count(columns, columns.back()) > 1) {
      return fail(Errc::invalid, "the column " + columns.back() + " is twice a level");
    }
    if (slash == tree.size()) return columns;
    tree.remove_prefix(slash + 1);
  }
}

std::optional<bool> is_number_column(std::string_view column) {
  constexpr std::array<std::string_view, 11> kTexts{"dataproduct_type",  "obs_collection", "obs_id",
                                                    "obs_publisher_did", "access_url",     "access_format",
                                                    "target_name",       "o_ucd",          "pol_states",
                                                    "facility_name",     "instrument_name"};
  constexpr std::array<std::string_view, 18> kNumbers{
      "calib_level", "access_estsize", "s_ra",   "s_dec",  "s_fov",     "s_xel1",
      "s_xel2",      "s_resolution",   "t_min",  "t_max",  "t_exptime", "t_xel",
      "em_min",      "em_res_power",   "em_max", "em_xel", "pol_xel",   "t_resolution"};
  std::string lower(column);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::ranges::find(kTexts, lower) != kTexts.end()) return false;
  if (std::ranges::find(kNumbers, lower) != kNumbers.end()) return true;
  return std::nullopt;
}

std::string values_query(const Table& table, const Place& place, const std::optional<Value>& after) {
  const std::string& column = table.levels.at(place.levels.size());
  Conditions conditions(table, place);
  if (after) conditions.add(column + " > " + literal(*after));
  return "SELECT " + column + ", COUNT(*) AS n FROM " + table.name + conditions.text() + " GROUP BY " +
         column + " ORDER BY " + column;
}

std::string count_query(const Table& table, const Place& place) {
  return "SELECT COUNT(*) AS n FROM " + table.name + Conditions(table, place).text();
}

std::string rows_query(const Table& table, const Place& place, std::string_view after) {
  Conditions conditions(table, place);
  if (!after.empty()) conditions.add("obs_publisher_did > " + tap::quoted(after));
  return "SELECT obs_publisher_did, obs_id, access_url, access_format FROM " + table.name +
         conditions.text() + " ORDER BY obs_publisher_did";
}

std::string type_query(const Table& table, std::string_view column) {
  return "SELECT TOP 1 " + std::string(column) + " FROM " + table.name;
}

}  // namespace astrofs::obstap
