#include "tests/support/vo_query.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <map>

namespace astrofs::sim {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

struct Token {
  std::string text;  ///< of a string without its quotes
  bool quoted{false};
};

Result<std::vector<Token>> tokens_of(std::string_view adql) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < adql.size();) {
    const char c = adql[at];
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at;
    } else if (c == '\'') {
      Token token{.text = {}, .quoted = true};
      for (++at;; ++at) {
        if (at >= adql.size()) return fail(Errc::invalid, "unterminated string");
        if (adql[at] == '\'' && adql.substr(at + 1, 1) != "'") break;
        if (adql[at] == '\'') ++at;
        token.text += adql[at];
      }
      ++at;
      tokens.push_back(std::move(token));
    } else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-') {
      const auto end =
          std::find_if(adql.begin() + static_cast<std::ptrdiff_t>(at), adql.end(), [](unsigned char x) {
            return std::isalnum(x) == 0 && x != '_' && x != '.' && x != '-' && x != '+';
          });
      const auto length = static_cast<std::size_t>(end - adql.begin()) - at;
      tokens.push_back({std::string(adql.substr(at, length))});
      at += length;
    } else {
      const bool is_pair = (c == '<' || c == '>' || c == '!') && adql.substr(at + 1, 1) == "=";
      tokens.push_back({std::string(adql.substr(at, is_pair ? 2 : 1))});
      at += is_pair ? 2 : 1;
    }
  }
  return tokens;
}

using Condition = std::function<bool(const VoRow&)>;

class Parser {
 public:
  Parser(std::vector<Token> tokens, std::string_view table, const VoRows& content)
      : tokens_(std::move(tokens)), table_(table), content_(content) {}

  Result<VoRows> run();

 private:
  bool take(std::string_view word) {
    if (at_ >= tokens_.size() || tokens_[at_].quoted || upper(tokens_[at_].text) != word) return false;
    ++at_;
    return true;
  }
  void need(std::string_view word) {
    if (!take(word)) complain("Expected \"" + std::string(word) + "\", found '" + here() + "'");
  }
  std::string here() const { return at_ < tokens_.size() ? tokens_[at_].text : "end"; }
  void complain(std::string what) {
    if (error_.empty()) error_ = std::move(what);
    at_ = tokens_.size();
  }
  std::string word() {
    if (at_ >= tokens_.size()) complain("unexpected end");
    return at_ < tokens_.size() ? tokens_[at_++].text : "";
  }
  std::size_t column() {
    const std::string name = word();
    const auto found = std::ranges::find_if(
        content_.columns, [&](const VoColumn& one) { return upper(one.name) == upper(name); });
    if (found == content_.columns.end()) {
      complain("No such field known: " + name);
      return 0;
    }
    return static_cast<std::size_t>(found - content_.columns.begin());
  }
  Condition any() {
    Condition left = all();
    while (take("OR")) {
      left = [left, right = all()](const VoRow& row) { return left(row) || right(row); };
    }
    return left;
  }
  Condition all() {
    Condition left = one();
    while (take("AND")) {
      left = [left, right = one()](const VoRow& row) { return left(row) && right(row); };
    }
    return left;
  }
  Condition one();

  std::vector<Token> tokens_;
  std::string_view table_;
  const VoRows& content_;
  std::size_t at_{0};
  std::string error_;
};

bool is_quoted(const VoColumn& column) {
  return column.kind == VoKind::text || column.kind == VoKind::boolean || column.kind == VoKind::time;
}

/// "" is neither a boolean nor a time.
bool is_taken(const VoColumn& column, const std::string& value) {
  if (column.kind == VoKind::boolean) return value == "true" || value == "false";
  return column.kind != VoKind::time || (value.size() > 4 && value[4] == '-');
}

int compare(const VoColumn& column, const std::string& a, const std::string& b) {
  if (is_quoted(column)) return a < b ? -1 : a == b ? 0 : 1;
  // What stands in a column of single precision is compared in double, as PostgreSQL does.
  const bool is_single = column.kind == VoKind::single || column.kind == VoKind::narrow;
  const double x =
      is_single ? static_cast<double>(std::strtof(a.c_str(), nullptr)) : std::strtod(a.c_str(), nullptr);
  const double y = std::strtod(b.c_str(), nullptr);
  return x < y ? -1 : x > y ? 1 : 0;
}

Condition Parser::one() {
  if (take("(")) {
    Condition inside = any();
    need(")");
    return inside;
  }
  const std::size_t at = column();
  const VoColumn& which = content_.columns[at];
  if (take("IS")) {
    const bool negated = take("NOT");
    need("NULL");
    return [at, negated](const VoRow& row) { return row[at].has_value() == negated; };
  }
  if (take("LIKE")) {
    std::string part = word();  // "%part%"
    std::erase(part, '%');
    return [at, part](const VoRow& row) { return row[at] && row[at]->find(part) != std::string::npos; };
  }
  const std::string sign = word();
  if (at_ < tokens_.size() && tokens_[at_].quoted != is_quoted(which)) {
    complain("operator does not exist for the type of " + which.name);
  }
  const std::string value = word();
  if (!is_taken(which, value)) complain("invalid input syntax for the type of " + which.name);
  return [at, &which, sign, value](const VoRow& row) {
    if (!row[at]) return false;
    const int order = compare(which, *row[at], value);
    if (sign == "=") return order == 0;
    if (sign == "<") return order < 0;
    if (sign == ">") return order > 0;
    if (sign == "<=") return order <= 0;
    return sign == ">=" ? order >= 0 : order != 0;
  };
}

Result<VoRows> Parser::run() {
  need("SELECT");
  std::size_t most = SIZE_MAX;
  if (take("TOP")) most = static_cast<std::size_t>(std::strtoull(word().c_str(), nullptr, 10));
  constexpr std::size_t kCount = SIZE_MAX;
  VoRows out;
  std::vector<std::size_t> chosen;
  do {
    if (take("*")) {
      for (std::size_t i = 0; i < content_.columns.size(); ++i) chosen.push_back(i);
      out.columns = content_.columns;
    } else if (take("COUNT")) {
      need("(");
      need("*");
      need(")");
      chosen.push_back(kCount);
      out.columns.push_back({.name = take("AS") ? word() : "count", .kind = VoKind::whole});
    } else {
      chosen.push_back(column());
      out.columns.push_back(content_.columns[chosen.back()]);
    }
  } while (take(","));
  need("FROM");
  if (const std::string table = word(); error_.empty() && upper(table) != upper(table_)) {
    complain("Could not locate table " + table);
  }
  std::vector<VoRow> rows;
  Condition wanted = [](const VoRow&) { return true; };
  if (take("WHERE")) wanted = any();
  const bool counts = std::ranges::find(chosen, kCount) != chosen.end();
  std::optional<std::size_t> group;
  std::optional<std::size_t> order;
  if (take("GROUP")) {
    need("BY");
    group = column();
  }
  if (take("ORDER")) {
    need("BY");
    order = column();
  }
  if (error_.empty() && at_ < tokens_.size()) complain("Expected end of text, found '" + here() + "'");
  if (!error_.empty()) return fail(Errc::invalid, "Could not parse your query: " + error_);

  for (const VoRow& row : content_.rows) {
    if (wanted(row)) rows.push_back(row);
  }
  if (order) {  // what has no value comes last, as in PostgreSQL
    std::ranges::stable_sort(rows, [&](const VoRow& a, const VoRow& b) {
      if (!a[*order] || !b[*order]) return a[*order].has_value() && !b[*order];
      return compare(content_.columns[*order], *a[*order], *b[*order]) < 0;
    });
  }
  std::vector<std::pair<VoRow, std::size_t>> groups;
  std::map<VoCell, std::size_t> known;
  for (const VoRow& row : rows) {
    if (!group && !counts) {
      groups.emplace_back(row, 1);
      continue;
    }
    const auto [at, is_new] = known.emplace(group ? row[*group] : VoCell(), groups.size());
    if (is_new) groups.emplace_back(row, 0);
    ++groups[at->second].second;
  }
  if (counts && !group && groups.empty()) groups.emplace_back(VoRow(content_.columns.size()), 0);
  for (const auto& [row, count] : groups) {
    if (out.rows.size() == most) break;
    VoRow& cells = out.rows.emplace_back();
    for (const std::size_t at : chosen)
      cells.push_back(at == kCount ? VoCell(std::to_string(count)) : row[at]);
  }
  return out;
}

}  // namespace

Result<VoRows> run_adql(std::string_view adql, std::string_view table, const VoRows& content) {
  auto tokens = tokens_of(adql);
  if (!tokens) return tl::unexpected(tokens.error());
  return Parser(std::move(*tokens), table, content).run();
}

}  // namespace astrofs::sim
