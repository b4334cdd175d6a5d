#include "backends/format/mast_json.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "base/one_line.h"

namespace astrofs::mast {
namespace {

constexpr std::size_t kLargestAnswer = 64ULL << 20;  // of the fetcher's listing bodies
constexpr std::size_t kMostColumns = 512;            // observations have 35, the input catalog 125
constexpr std::size_t kMostCells = 10'000'000;       // 250,000 observations; a row of "{}" has 3 bytes
constexpr unsigned kDeepest = 8;                     // an answer is 3 deep
constexpr std::size_t kLongestReason = 300;

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

/// Reads the answer as it streams by. Depth 1 is the answer, 2 `data`, `fields` and `paging`, 3 their
/// objects.
class AnswerReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool start_object(std::size_t) override {
    if (depth_ == 0 && began_) return false;
    began_ = true;
    if (depth_ == 2 && part_ == Part::data) rows_.emplace_back();
    return open();
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return depth_ > 0 && open(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    key_ = name;
    if (depth_ != 1) return true;
    part_ = name == "data"     ? Part::data
            : name == "fields" ? Part::fields
            : name == "paging" ? Part::paging
                               : Part::other;
    return true;
  }
  bool null() override { return take(std::nullopt); }
  bool boolean(bool value) override { return take(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return take(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ == 2 && part_ == Part::paging && key_ == "pagesFiltered")
      pages_ = static_cast<std::size_t>(value);
    return take(std::to_string(value));
  }
  /// As it was written: 50121.79450 stays so.
  bool number_float(number_float_t, const string_t& written) override { return take(written); }
  bool string(string_t& value) override { return take(value); }
  bool binary(binary_t&) override { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  [[nodiscard]] bool too_large() const { return too_large_; }
  [[nodiscard]] Result<Answer> finish();

 private:
  enum class Part : unsigned char { other, data, fields, paging };

  bool open() {
    too_large_ = too_large_ || ++depth_ > kDeepest;
    return !too_large_;
  }
  bool close() {
    --depth_;
    return true;
  }
  bool take(Cell value) {
    if (depth_ == 0) return false;
    if (depth_ == 1 && value && key_ == "status")
      status_ = std::move(*value);
    else if (depth_ == 1 && value && key_ == "msg")
      message_ = std::move(*value);
    else if (depth_ == 3 && part_ == Part::fields && value && key_ == "name")
      fields_.push_back(std::move(*value));
    else if (depth_ == 3 && part_ == Part::data && !rows_.empty())
      put(std::move(value));
    too_large_ = too_large_ || fields_.size() > kMostColumns;
    return !too_large_;
  }
  void put(Cell value) {
    const auto [place, is_new] = places_.try_emplace(key_, keys_.size());
    if (is_new) keys_.push_back(key_);
    std::vector<Cell>& row = rows_.back();
    if (row.size() <= place->second) row.resize(place->second + 1);
    row[place->second] = std::move(value);
    too_large_ = too_large_ || keys_.size() > kMostColumns;
  }

  unsigned depth_{0};
  bool began_{false}, too_large_{false};
  Part part_{Part::other};
  std::string key_, status_, message_;
  std::size_t pages_{1};
  std::vector<std::string> fields_;
  std::vector<std::string> keys_;  ///< of rows, as they came
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<std::vector<Cell>> rows_;  ///< cells in the order of `keys_`
};

Result<Answer> AnswerReader::finish() {
  if (status_ == "ERROR") {
    message_.resize(std::min(message_.size(), kLongestReason));
    return fail(Errc::unavailable, "MAST says: " + one_line(message_));
  }
  Answer answer;
  if (status_ == "EXECUTING") return answer;
  if (status_ != "COMPLETE") return fail(Errc::corrupt, "an answer of MAST without a status that is known");
  answer.complete = true;
  answer.pages = pages_;
  Table& table = answer.table;
  table.columns = fields_.empty() ? keys_ : std::move(fields_);
  if (rows_.size() * std::max<std::size_t>(table.columns.size(), 1) > kMostCells)
    return fail(Errc::too_large, "a table of MAST beyond all measure");
  constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> sources;
  for (const std::string& column : table.columns) {
    const auto place = places_.find(column);
    sources.push_back(place == places_.end() ? kNowhere : place->second);
  }
  table.rows.reserve(rows_.size());
  for (const std::vector<Cell>& came : rows_) {
    std::vector<Cell>& row = table.rows.emplace_back();
    row.reserve(sources.size());
    for (const std::size_t source : sources)
      row.push_back(source < came.size() ? came[source] : std::nullopt);
  }
  return answer;
}

void add_field(std::string& csv, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    csv += text;
    return;
  }
  csv += '"';
  for (const char c : text) {
    if (c == '"') csv += '"';
    csv += c;
  }
  csv += '"';
}

}  // namespace

std::optional<std::size_t> Table::column(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const std::string& column) { return same_letters(column, name); });
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

std::string_view Table::text(std::size_t row, std::optional<std::size_t> column) const {
  if (!column || row >= rows.size() || *column >= rows[row].size()) return {};
  const Cell& cell = rows[row][*column];
  return cell ? std::string_view(*cell) : std::string_view();
}

Result<Answer> parse_answer(std::string_view json) {
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return fail(Errc::unavailable, "MAST answered with nothing");
  if (json.size() > kLargestAnswer) return fail(Errc::too_large, "an answer of MAST of more than 64 MiB");
  AnswerReader reader;
  if (nlohmann::json::sax_parse(json, &reader)) return reader.finish();
  if (reader.too_large()) return fail(Errc::too_large, "an answer of MAST with too many columns or levels");
  return fail(Errc::corrupt, "not an answer of MAST's portal, or only a part of one");
}

std::string to_csv(const Table& table) {
  std::string csv;
  const auto line = [&](const auto& field_of) {
    bool first = true;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i] == "_selected_") continue;
      if (!first) csv += ',';
      first = false;
      add_field(csv, field_of(i));
    }
    csv += '\n';
  };
  line([&](std::size_t i) { return std::string_view(table.columns[i]); });
  for (std::size_t row = 0; row < table.rows.size(); ++row)
    line([&](std::size_t i) { return table.text(row, i); });
  return csv;
}

}  // namespace astrofs::mast
