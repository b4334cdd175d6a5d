#include "fs/ctl_plot.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "backends/format/dates.h"
#include "backends/format/numbers.h"
#include "backends/format/utf8.h"
#include "base/one_line.h"

namespace astrofs {
namespace {

constexpr double kLargestDrawn = 1e300;  // the range of two such numbers is one, too

using MaybeNumber = std::optional<double>;

/// With its fraction.
MaybeNumber seconds_of(std::string_view text) {
  const auto whole = parse_iso8601(text);
  if (!whole) return std::nullopt;
  const auto seconds = static_cast<double>(whole->time_since_epoch().count());
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return seconds;
  const std::size_t end = text.find_first_not_of("0123456789", dot + 1);
  return seconds + number_in<double>("0" + std::string(text.substr(dot, end - dot))).value_or(0);
}

std::vector<MaybeNumber> times_in(const TableColumn& column) {
  std::vector<MaybeNumber> times(column.values.size());
  const auto* texts = std::get_if<std::vector<std::string>>(&column.values.values);
  for (std::size_t row = 0; texts != nullptr && row < times.size(); ++row) {
    if (!column.values.missing[row]) times[row] = seconds_of((*texts)[row]);
  }
  return times;
}

/// None where there is no value, and where it is none that a plot has room for.
MaybeNumber drawable(const ColumnValues& values, std::size_t row) {
  if (values.missing[row]) return std::nullopt;
  struct Reader {
    double operator()(std::int64_t number) const { return static_cast<double>(number); }
    double operator()(double number) const { return number; }
    double operator()(bool flag) const { return flag ? 1 : 0; }
    double operator()(const std::string&) const { return std::nan(""); }
  };
  const double number = std::visit(Reader{}, values.at(row));
  return std::abs(number) <= kLargestDrawn ? MaybeNumber(number) : std::nullopt;
}

std::vector<MaybeNumber> frame_numbers(const Table& table) {
  std::vector<MaybeNumber> numbers;
  for (const std::uint64_t frame : table.frames) numbers.emplace_back(static_cast<double>(frame + 1));
  return numbers;
}

/// Times, or none at all.
std::vector<MaybeNumber> times_of(const Table& table) {
  for (const TableColumn& column : table.columns) {
    if (column.name != kTimeColumn) continue;
    std::vector<MaybeNumber> times = times_in(column);
    if (std::any_of(times.begin(), times.end(), [](const MaybeNumber& time) { return time.has_value(); }))
      return times;
  }
  return {};
}

/// Takes away what lies so far out that the others would be one line, and returns how many those were: r0 is
/// some centimetres, and 1e30 m where the telescope had no lock.
std::size_t drop_outliers(std::vector<PlotPoint>& points) {
  constexpr double kFar = 10;  // ranges of the middle half
  std::vector<double> sorted;
  for (const PlotPoint& point : points) sorted.push_back(point.y);
  std::sort(sorted.begin(), sorted.end());
  const double low = sorted[(sorted.size() - 1) / 4];
  const double high = sorted[(sorted.size() - 1) * 3 / 4];
  const double far = kFar * (high - low);
  if (far <= 0) return 0;
  return std::erase_if(points,
                       [&](const PlotPoint& point) { return point.y < low - far || point.y > high + far; });
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

std::string drawn(const std::string& text, std::size_t most) {
  const std::string plain = one_line(text);
  std::string_view left = plain;
  std::string out;
  while (!left.empty() && most-- > 0) {
    if (const auto letter = take_utf8(left)) {
      append_utf8(out, *letter);
    } else {
      out += '?';
      left.remove_prefix(1);
    }
  }
  return out;
}

Result<Plot> plot_of(const Table& table, const std::string& about) {
  const TableColumn& column = table.columns.back();
  if (column.values.type() == ColumnType::text)
    return fail(Errc::invalid, column.name + " holds texts, and only numbers can be drawn");
  const std::vector<MaybeNumber> times = times_of(table);
  const std::vector<MaybeNumber> across = times.empty() ? frame_numbers(table) : times;
  Plot plot;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const MaybeNumber value = drawable(column.values, row);
    if (value && across[row]) plot.points.push_back({*across[row], *value});
  }
  if (plot.points.empty())
    return fail(Errc::not_found, fmt::format("nothing to draw: of {}, none has a value in {}",
                                             counted(table.rows(), "frame"), column.name));
  std::stable_sort(plot.points.begin(), plot.points.end(),
                   [](const PlotPoint& a, const PlotPoint& b) { return a.x < b.x; });
  const std::size_t blank = table.rows() - plot.points.size();
  const std::size_t outliers = drop_outliers(plot.points);
  const auto [lowest, highest] =
      std::minmax_element(plot.points.begin(), plot.points.end(),
                          [](const PlotPoint& a, const PlotPoint& b) { return a.y < b.y; });
  plot.title = column.name;
  plot.subtitle = fmt::format("{}: {}", about, counted(table.rows(), "frame"));
  if (blank > 0) plot.subtitle += fmt::format(", {} without a value", blank);
  if (outliers > 0) plot.subtitle += fmt::format(", {} too far out to be drawn", outliers);
  plot.x = axis_over(times.empty() ? "frame" : kTimeColumn, plot.points.front().x, plot.points.back().x,
                     !times.empty());
  plot.y = axis_over(column.name, lowest->y, highest->y, false);
  return plot;
}

}  // namespace astrofs
