#include "tests/support/daiquiri_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace astrofs::sim {
namespace {

constexpr std::string_view kSchema = "applause_dr4.";

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/// Words, numbers, 'strings' with their quotes, and signs.
std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (is_word(text[at])) {
      while (end < text.size() && is_word(text[end])) ++end;
    } else if (text[at] == '\'') {
      end = std::min(text.find('\'', end), text.size() - 1) + 1;
    } else if (text[at] == '<' || text[at] == '>') {
      if (end < text.size() && text[end] == '=') ++end;
    }
    const std::string token(text.substr(at, end - at));
    if (token != " " && token != "\n" && token != "\t") tokens.push_back(token);
    at = end;
  }
  return tokens;
}

struct Table {
  std::vector<PlateColumn> columns;
  std::vector<PlateRow> rows;
};

struct Condition {
  std::string column, sign;
  std::vector<std::string> values;
};

struct Query {
  std::vector<std::string> items;  ///< "*", "COUNT(*)" or a column
  std::string table, joined, joined_by;
  std::vector<Condition> where;
  std::vector<std::string> group_by, order_by;
  std::optional<std::size_t> limit, offset;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokens_of(text)) {}

  Result<Query> parse() {
    Query query;
    if (!take("SELECT")) return complaint();
    take("DISTINCT");
    do query.items.push_back(item());
    while (take(","));
    if (!take("FROM")) return complaint();
    query.table = table();
    if (take("JOIN")) {
      query.joined = table();
      if (!take("USING") || !take("(")) return complaint();
      query.joined_by = column();
      if (!take(")")) return complaint();
    }
    if (take("WHERE")) {
      do query.where.push_back(condition());
      while (take("AND"));
    }
    if (take("GROUP") && take("BY")) query.group_by = columns();
    if (take("ORDER") && take("BY")) query.order_by = columns();
    if (take("LIMIT")) query.limit = number();
    if (take("OFFSET")) query.offset = number();
    if (at_ != tokens_.size()) return complaint();
    return query;
  }

 private:
  [[nodiscard]] std::string here() const { return at_ < tokens_.size() ? tokens_[at_] : std::string(); }
  [[nodiscard]] tl::unexpected<Error> complaint() const {
    return fail(Errc::invalid, fmt::format("QUERY: syntax error at or near \"{}\"", here()));
  }
  bool take(std::string_view word) {
    if (upper(here()) != word) return false;
    ++at_;
    return true;
  }
  std::string next() { return at_ < tokens_.size() ? tokens_[at_++] : std::string(); }
  /// Without the name of its table.
  std::string column() {
    const std::string name = next();
    return name.substr(name.rfind('.') == std::string::npos ? 0 : name.rfind('.') + 1);
  }
  std::string item() {
    if (take("*")) return "*";
    if (take("COUNT")) {
      for (const char* const sign : {"(", "*", ")"}) take(sign);
      if (take("AS")) (void)next();
      return "COUNT(*)";
    }
    std::string name = column();
    if (take("AS")) (void)next();
    return name;
  }
  std::string table() {
    std::string name = next();
    if (take("AS")) (void)next();
    return name;
  }
  Condition condition() {
    Condition condition{column(), upper(next()), {}};
    if (condition.sign == "IN") {
      take("(");
      do condition.values.push_back(value());
      while (take(","));
      take(")");
    } else {
      condition.values.push_back(value());
      if (condition.sign == "BETWEEN" && take("AND")) condition.values.push_back(value());
    }
    return condition;
  }
  std::string value() {
    std::string text = next();
    if (text == "-") text += next();
    if (text.size() >= 2 && text.front() == '\'') text = text.substr(1, text.size() - 2);
    return text;
  }
  std::vector<std::string> columns() {
    std::vector<std::string> names;
    do {
      names.push_back(column());
      take("ASC");
    } while (take(","));
    return names;
  }
  std::size_t number() {
    const std::string text = next();
    std::size_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }

  const std::vector<std::string> tokens_;
  std::size_t at_{0};
};

std::optional<std::int64_t> integer(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Numbers by value, all else by letters.
int compare(const std::string& a, const std::string& b) {
  const auto x = integer(a);
  const auto y = integer(b);
  if (x && y) return *x < *y ? -1 : *x > *y ? 1 : 0;
  return a.compare(b);
}

bool holds(const Condition& condition, const PlateCell& cell) {
  if (!cell) return false;  // NULL is neither equal nor unequal
  const auto against = [&](std::size_t i) { return compare(*cell, condition.values[i]); };
  if (condition.sign == "IN")
    return std::ranges::any_of(condition.values,
                               [&](const std::string& value) { return compare(*cell, value) == 0; });
  if (condition.sign == "BETWEEN") return condition.values.size() == 2 && against(0) >= 0 && against(1) <= 0;
  if (condition.sign == "=") return against(0) == 0;
  if (condition.sign == "<") return against(0) < 0;
  if (condition.sign == "<=") return against(0) <= 0;
  if (condition.sign == ">") return against(0) > 0;
  return condition.sign == ">=" && against(0) >= 0;
}

Result<std::size_t> index_of(const Table& table, const std::string& name) {
  const auto found = std::ranges::find(table.columns, name, &PlateColumn::name);
  if (found == table.columns.end())
    return fail(Errc::invalid, fmt::format("QUERY: Column {} not found.", name));
  return static_cast<std::size_t>(found - table.columns.begin());
}

Result<Table> load(const std::string& name, std::optional<int> plate, const PlateShelf& shelf) {
  const std::string bare = name.starts_with(kSchema) ? name.substr(kSchema.size()) : name;
  const auto columns = plate_columns(bare);
  if (columns.empty() || !name.starts_with(kSchema))
    return fail(Errc::invalid, fmt::format("QUERY: Table {} not found.", name));
  return Table{{columns.begin(), columns.end()}, shelf.rows(bare, plate)};
}

Result<Table> join(Table left, const Table& right, const std::string& by) {
  const auto l = index_of(left, by);
  const auto r = index_of(right, by);
  if (!l || !r) return tl::unexpected<Error>(l ? r.error() : l.error());
  Table joined;
  joined.columns = left.columns;
  joined.columns.insert(joined.columns.end(), right.columns.begin(), right.columns.end());
  std::multimap<PlateCell, const PlateRow*> rights;
  for (const PlateRow& row : right.rows) rights.emplace(row[*r], &row);
  for (const PlateRow& row : left.rows) {
    const auto [first, last] = rights.equal_range(row[*l]);
    for (auto match = first; match != last; ++match) {
      PlateRow both = row;
      both.insert(both.end(), match->second->begin(), match->second->end());
      joined.rows.push_back(std::move(both));
    }
  }
  return joined;
}

Result<void> sort_rows(Table& table, const std::vector<std::string>& by) {
  for (auto name = by.rbegin(); name != by.rend(); ++name) {
    const auto index = index_of(table, *name);
    if (!index) return tl::unexpected<Error>(index.error());
    std::ranges::stable_sort(table.rows, [&](const PlateRow& a, const PlateRow& b) {
      if (!a[*index] || !b[*index]) return a[*index].has_value() && !b[*index].has_value();
      return compare(*a[*index], *b[*index]) < 0;
    });
  }
  return {};
}

/// Of each group one row, with how many there are behind its columns.
Result<Table> grouped(const Table& table, const std::vector<std::string>& by) {
  std::vector<std::size_t> keys;
  Table groups;
  for (const std::string& name : by) {
    const auto index = index_of(table, name);
    if (!index) return tl::unexpected<Error>(index.error());
    keys.push_back(*index);
    groups.columns.push_back(table.columns[*index]);
  }
  groups.columns.push_back({"COUNT(*)", "long", "", "", 0});
  std::map<PlateRow, std::size_t> counts;
  if (by.empty()) counts[{}] = 0;
  for (const PlateRow& row : table.rows) {
    PlateRow key;
    for (const std::size_t index : keys) key.push_back(row[index]);
    ++counts[key];
  }
  for (auto& [key, count] : counts) {
    PlateRow row = key;
    row.emplace_back(std::to_string(count));
    groups.rows.push_back(std::move(row));
  }
  return groups;
}

Result<QueryAnswer> project(const Table& table, const Query& query) {
  QueryAnswer answer;
  std::vector<std::size_t> indexes;
  for (const std::string& item : query.items) {
    if (item == "*") {
      for (std::size_t i = 0; i < table.columns.size(); ++i) indexes.push_back(i);
      continue;
    }
    const auto index = index_of(table, item);
    if (!index) return tl::unexpected<Error>(index.error());
    indexes.push_back(*index);
  }
  for (const std::size_t index : indexes) {
    answer.columns.push_back(table.columns[index]);
    if (answer.columns.back().name == "COUNT(*)") answer.columns.back().name = "count";
  }
  const std::size_t first = std::min(query.offset.value_or(0), table.rows.size());
  const std::size_t last = std::min(
      table.rows.size(), first + std::min(query.limit.value_or(table.rows.size()), table.rows.size()));
  for (std::size_t i = first; i < last; ++i) {
    PlateRow row;
    for (const std::size_t index : indexes) row.push_back(table.rows[i][index]);
    answer.rows.push_back(std::move(row));
  }
  return answer;
}

}  // namespace

Result<QueryAnswer> run_query(std::string_view text, const PlateShelf& shelf) {
  const Result<Query> query = Parser(text).parse();
  if (!query) return tl::unexpected<Error>(query.error());
  // What is asked of one plate is not made for all of them.
  std::optional<int> plate;
  for (const Condition& condition : query->where) {
    if (condition.column == "plate_id" && condition.sign == "=")
      plate = static_cast<int>(integer(condition.values.front()).value_or(0));
  }
  Result<Table> table = load(query->table, plate, shelf);
  if (table && !query->joined.empty()) {
    const Result<Table> right = load(query->joined, plate, shelf);
    if (!right) return tl::unexpected<Error>(right.error());
    table = join(std::move(*table), *right, query->joined_by);
  }
  if (!table) return tl::unexpected<Error>(table.error());
  for (const Condition& condition : query->where) {
    const auto index = index_of(*table, condition.column);
    if (!index) return tl::unexpected<Error>(index.error());
    std::erase_if(table->rows, [&](const PlateRow& row) { return !holds(condition, row[*index]); });
  }
  const bool counts = std::ranges::find(query->items, "COUNT(*)") != query->items.end();
  if (counts || !query->group_by.empty()) table = grouped(*table, query->group_by);
  if (!table) return tl::unexpected<Error>(table.error());
  if (auto sorted = sort_rows(*table, query->order_by); !sorted) return tl::unexpected<Error>(sorted.error());
  Result<QueryAnswer> answer = project(*table, *query);
  if (answer) answer->table = query->table;
  return answer;
}

}  // namespace astrofs::sim
