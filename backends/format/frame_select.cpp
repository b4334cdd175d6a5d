#include "backends/format/frame_select.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <map>
#include <optional>
#include <utility>

#include "backends/format/numbers.h"

namespace astrofs {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return upper(x) == upper(y); });
}

bool holds(Comparison comparison, std::partial_ordering order) {
  switch (comparison) {
    case Comparison::less:
      return order < 0;
    case Comparison::less_equal:
      return order <= 0;
    case Comparison::greater:
      return order > 0;
    case Comparison::greater_equal:
      return order >= 0;
    case Comparison::equal:
      return order == 0;
    case Comparison::not_equal:
      return order != 0 && order != std::partial_ordering::unordered;
  }
  return false;
}

// ---- values as written

std::optional<bool> truth(std::string_view text) {
  for (const std::string_view word : {"T", "true", "1"}) {
    if (same_word(text, word)) return true;
  }
  for (const std::string_view word : {"F", "false", "0"}) {
    if (same_word(text, word)) return false;
  }
  return std::nullopt;
}

// ---- times

constexpr std::string_view kEarliest = "0000-01-01T00:00:00.000000000";
constexpr std::size_t kYear = 4, kDay = 10, kSecond = 19;

/// A time in kEarliest's form, as far as it is written; nullopt for other texts.
std::optional<std::string> time_of(std::string_view text) {
  if (text.ends_with('Z') || text.ends_with('z')) text.remove_suffix(1);
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.size() < kYear || text.size() > kEarliest.size()) return std::nullopt;
  std::string time(text);
  if (time.size() > kDay && (time[kDay] == ' ' || time[kDay] == 't')) time[kDay] = 'T';
  for (std::size_t i = 0; i < time.size(); ++i) {
    const bool digit = time[i] >= '0' && time[i] <= '9';
    const bool wants_digit = kEarliest[i] >= '0' && kEarliest[i] <= '9';
    if (wants_digit ? !digit : time[i] != kEarliest[i]) return std::nullopt;
  }
  // Only whole parts: "2022-1" could be ten months. Fractions of a second may have any length.
  constexpr std::array<std::size_t, 6> kWhole{kYear, 7, kDay, 13, 16, kSecond};
  const bool whole =
      time.size() > kSecond || std::find(kWhole.begin(), kWhole.end(), time.size()) != kWhole.end();
  return whole ? std::optional(time) : std::nullopt;
}

/// Where a frame's time lies against the period that `wanted` is. What it has not itself is its beginning.
std::strong_ordering against_period(std::string time, const std::string& wanted) {
  if (time.size() < wanted.size()) time += kEarliest.substr(time.size(), wanted.size() - time.size());
  return std::string_view(time).substr(0, wanted.size()) <=> wanted;
}

// ---- one condition over one column

using Rows = std::vector<bool>;  ///< true: all conditions so far hold

template <class T, class Order>
void keep(Rows& rows, Comparison comparison, const std::vector<T>& values, const std::vector<bool>& missing,
          const Order& order) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i]) rows[i] = !missing[i] && holds(comparison, order(values[i]));
  }
}

tl::unexpected<Error> impossible(const FrameCondition& condition, std::string_view what) {
  return fail(Errc::invalid,
              condition.column + " holds " + std::string(what) + ", and " + condition.value + " is none");
}

Result<void> keep_numbers(Rows& rows, const FrameCondition& condition, const ColumnValues& column) {
  // An integer is compared with an integer as it is: both may have more digits than a double.
  if (const auto exact = signed_number_in<std::int64_t>(condition.value);
      exact && column.type() == ColumnType::integer) {
    keep(rows, condition.comparison, std::get<std::vector<std::int64_t>>(column.values), column.missing,
         [&](std::int64_t value) -> std::partial_ordering { return value <=> *exact; });
    return {};
  }
  const auto wanted = signed_number_in<double>(condition.value);
  if (!wanted || std::isnan(*wanted)) return impossible(condition, "numbers");
  const auto order = [&](auto value) { return static_cast<double>(value) <=> *wanted; };
  if (column.type() == ColumnType::integer) {
    keep(rows, condition.comparison, std::get<std::vector<std::int64_t>>(column.values), column.missing,
         order);
  } else {
    keep(rows, condition.comparison, std::get<std::vector<double>>(column.values), column.missing, order);
  }
  return {};
}

Result<void> keep_truths(Rows& rows, const FrameCondition& condition, const ColumnValues& column) {
  const auto wanted = truth(condition.value);
  if (!wanted) return impossible(condition, "true or false");
  if (condition.comparison != Comparison::equal && condition.comparison != Comparison::not_equal) {
    return fail(Errc::invalid, condition.column + " is true or false: it is equal (==) or not (!=)");
  }
  keep(rows, condition.comparison, std::get<std::vector<bool>>(column.values), column.missing,
       [&](bool value) -> std::partial_ordering { return value <=> *wanted; });
  return {};
}

void keep_texts(Rows& rows, const FrameCondition& condition, const ColumnValues& column) {
  const auto period = time_of(condition.value);
  keep(rows, condition.comparison, std::get<std::vector<std::string>>(column.values), column.missing,
       [&](const std::string& value) -> std::partial_ordering {
         auto time = period ? time_of(value) : std::nullopt;
         if (time) return against_period(std::move(*time), *period);
         return value <=> condition.value;
       });
}

Result<void> keep_rows(Rows& rows, const FrameCondition& condition, const ColumnValues& column) {
  switch (column.type()) {
    case ColumnType::integer:
    case ColumnType::real:
      return keep_numbers(rows, condition, column);
    case ColumnType::boolean:
      return keep_truths(rows, condition, column);
    case ColumnType::text:
      break;
  }
  keep_texts(rows, condition, column);
  return {};
}

/// Reads each column once.
class Selection {
 public:
  explicit Selection(const FrameColumns& from) : from_(from), rows_(from.rows, true) {}

  Result<void> narrow(const FrameCondition& condition) {
    if (same_word(condition.column, "STOKES") && stokes_needs_a_look()) return narrow_stokes(condition);
    const auto column = read(condition.column);
    if (!column) return tl::unexpected(column.error());
    return keep_rows(rows_, condition, **column);
  }

  [[nodiscard]] std::vector<std::uint64_t> left() const {
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i]) out.push_back(i);
    }
    return out;
  }

 private:
  [[nodiscard]] const DkistColumn* find(std::string_view name) const {
    const auto at = std::find_if(from_.columns.begin(), from_.columns.end(),
                                 [&](const DkistColumn& column) { return same_word(column.name, name); });
    return at == from_.columns.end() ? nullptr : &*at;
  }

  Result<const ColumnValues*> read(std::string_view name) {
    const DkistColumn* column = find(name);
    if (column == nullptr) {
      std::string names;
      for (const DkistColumn& known : from_.columns) names += " " + known.name;
      return fail(Errc::not_found, "no column " + std::string(name) + "; there are:" + names);
    }
    if (const auto known = read_.find(column->name); known != read_.end()) return &known->second;
    auto values = from_.read(column->name);
    if (!values) return tl::unexpected(std::move(values.error()));
    if (values->size() != rows_.size())
      return fail(Errc::corrupt, "a column that has not one value for each frame");
    return &read_.emplace(column->name, std::move(*values)).first->second;
  }

  /// There is no column of letters.
  [[nodiscard]] bool stokes_needs_a_look() const {
    const DkistColumn* column = find("STOKES");
    return column == nullptr || column->type != ColumnType::text;
  }

  /// I Q U V as 1 to 4. Where DTYPEn differs from row to row, each row says which axis it means.
  Result<void> narrow_stokes(const FrameCondition& condition) {
    constexpr std::array<std::string_view, 4> kLetters{"I", "Q", "U", "V"};
    const auto letter = std::find_if(kLetters.begin(), kLetters.end(),
                                     [&](std::string_view l) { return same_word(l, condition.value); });
    if (letter == kLetters.end()) {
      return fail(Errc::invalid, "stokes is one of I, Q, U and V, not " + condition.value);
    }
    const auto index = std::to_string(letter - kLetters.begin() + 1);
    const FrameCondition by_number{condition.column, condition.comparison, index};
    if (find("STOKES") != nullptr) {
      const auto column = read("STOKES");
      if (!column) return tl::unexpected(column.error());
      return keep_rows(rows_, by_number, **column);
    }
    auto indices = stokes_of_rows();
    if (!indices) return tl::unexpected(std::move(indices.error()));
    return keep_rows(rows_, by_number, *indices);
  }

  Result<ColumnValues> stokes_of_rows() {
    ColumnValues out = ColumnValues::nothing(ColumnType::integer, rows_.size());
    bool any = false;
    for (char n = '1'; n <= '9'; ++n) {  // DNAXIS is 5 at most
      const std::string kind = std::string("DTYPE") + n, place = std::string("DINDEX") + n;
      const DkistColumn* kinds_column = find(kind);
      const DkistColumn* places_column = find(place);
      if (kinds_column == nullptr || places_column == nullptr) continue;
      if (kinds_column->type != ColumnType::text || places_column->type != ColumnType::integer) continue;
      const auto kinds = read(kind);
      if (!kinds) return tl::unexpected(kinds.error());
      const auto places = read(place);
      if (!places) return tl::unexpected(places.error());
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        if ((*kinds)->missing[i] ||
            !same_word(std::get<std::vector<std::string>>((*kinds)->values)[i], "STOKES"))
          continue;
        any = true;
        std::get<std::vector<std::int64_t>>(out.values)[i] =
            std::get<std::vector<std::int64_t>>((*places)->values)[i];
        out.missing[i] = (*places)->missing[i];
      }
    }
    if (!any) return fail(Errc::not_found, "no column STOKES, and no DTYPEn is STOKES");
    return out;
  }

  const FrameColumns& from_;
  Rows rows_;
  std::map<std::string, ColumnValues, std::less<>> read_;
};

}  // namespace

FrameColumns columns_of(const DkistHeaders& headers) {
  return {headers.rows(), headers.columns(),
          [&headers](std::string_view name) { return headers.column(name); }};
}

Result<std::vector<std::uint64_t>> select_frames(const std::vector<FrameCondition>& conditions,
                                                 const FrameColumns& from) {
  Selection selection(from);
  for (const FrameCondition& condition : conditions) {
    if (auto narrowed = selection.narrow(condition); !narrowed)
      return tl::unexpected(std::move(narrowed.error()));
  }
  return selection.left();
}

}  // namespace astrofs
