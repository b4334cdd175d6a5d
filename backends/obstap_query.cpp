#include "backends/obstap_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>

#include "backends/format/numbers.h"
#include "backends/tap.h"

namespace astrofs::obstap {
namespace {

bool is_identifier(std::string_view text) {
  const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
         std::ranges::all_of(text, is_word);
}

/// As ADQL writes it. Its grammar has no word for a boolean: services take 'true' where a column is one.
std::string literal(const Value& value) {
  if (value.kind == Kind::number) return *value.text;
  // As the service compares it: with all the digits that the shorter number has.
  if (value.kind == Kind::single)
    return fmt::format("{}", static_cast<double>(number_in<float>(*value.text).value_or(0)));
  return tap::quoted(*value.text);
}

/// Of a number that may be of single precision, what it is in double; nullopt: the same. Services call
/// columns double that are not: what they write of such a number is the shortest that means it, and is not
/// equal to it.
std::optional<double> widened(const std::string& text) {
  const auto narrow = number_in<float>(text);
  const auto wide = number_in<double>(text);
  if (!narrow || !wide || text.find_first_of(".eE") == std::string::npos) return std::nullopt;
  const bool is_shortest = number_in<double>(fmt::format("{}", *narrow)) == wide;
  const auto number = static_cast<double>(*narrow);
  return is_shortest && number != *wide ? std::optional(number) : std::nullopt;
}

/// What comes after it comes after it in either precision.
std::string last_literal(const Value& value) {
  const auto wide = value.kind == Kind::number ? widened(*value.text) : std::nullopt;
  return wide && *wide > number_in<double>(*value.text) ? fmt::format("{}", *wide) : literal(value);
}

/// Is it that number, whichever of those that are written so? Equal to 0.1 is none of single precision where
/// the comparison is made in double: what is between its neighbours is the number itself.
std::string is_single(const std::string& column, const Value& value) {
  const float number = number_in<float>(*value.text).value_or(0);
  constexpr float kEndless = std::numeric_limits<float>::infinity();
  const float below = std::nextafter(number, -kEndless);
  const float above = std::nextafter(number, kEndless);
  if (number == 0 || std::isinf(below) || std::isinf(above)) return column + " = " + literal(value);
  return fmt::format("({0} > {1} AND {0} < {2})", column, static_cast<double>(below),
                     static_cast<double>(above));
}

std::string is_value(const std::string& column, const Value& value) {
  if (value.text && value.kind == Kind::single) return is_single(column, value);
  if (value.text && value.kind == Kind::number) {
    if (const auto wide = widened(*value.text))
      return fmt::format("({0} = {1} OR {0} = {2})", column, *value.text, *wide);
  }
  if (value.text) return column + " = " + literal(value);
  if (value.kind != Kind::text) return column + " IS NULL";
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

std::optional<Kind> kind_of_column(std::string_view column) {
  constexpr std::array<std::string_view, 11> kTexts{"dataproduct_type",  "obs_collection", "obs_id",
                                                    "obs_publisher_did", "access_url",     "access_format",
                                                    "target_name",       "o_ucd",          "pol_states",
                                                    "facility_name",     "instrument_name"};
  constexpr std::array<std::string_view, 7> kWhole{"calib_level", "access_estsize", "s_xel1", "s_xel2",
                                                   "t_xel",       "em_xel",         "pol_xel"};
  std::string lower(column);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::ranges::find(kTexts, lower) != kTexts.end()) return Kind::text;
  if (std::ranges::find(kWhole, lower) != kWhole.end()) return Kind::number;
  return std::nullopt;
}

Kind kind_of(const VoField& field) {
  if (field.is_text()) {
    std::string type = field.xtype;
    std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
    return type.find("timestamp") == std::string::npos ? Kind::text : Kind::time;
  }
  // What has several numbers in it is nothing that a query could write otherwise.
  if (field.variable || field.count != 1) return Kind::text;
  switch (field.type) {
    case VoType::boolean:
      return Kind::boolean;
    case VoType::float32:
      return Kind::single;
    case VoType::complex64:
    case VoType::complex128:
      return Kind::text;
    default:
      return Kind::number;
  }
}

std::string values_query(const Table& table, const Place& place, const std::optional<Value>& after) {
  const std::string& column = table.levels.at(place.levels.size());
  Conditions conditions(table, place);
  if (after) conditions.add(column + " > " + last_literal(*after));
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

std::string named_query(const Table& table, const Place& place, std::string_view part) {
  Conditions conditions(table, place);
  // A '%' or '_' of the name stands for others too: who asks compares the names.
  const std::string like = " LIKE " + tap::quoted("%" + std::string(part) + "%");
  conditions.add("(obs_publisher_did" + like + " OR obs_id" + like + ")");
  return "SELECT obs_publisher_did, obs_id, access_url, access_format FROM " + table.name + conditions.text();
}

std::string type_query(const Table& table, std::string_view column) {
  return "SELECT TOP 1 " + std::string(column) + " FROM " + table.name;
}

}  // namespace astrofs::obstap
