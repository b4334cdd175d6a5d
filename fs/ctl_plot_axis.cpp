#include "fs/ctl_plot_axis.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace astrofs {
namespace {

constexpr double kMargin = 0.04;  // of the range, so that no point lies on a line
constexpr double kSmallest = 1e-300;
constexpr double kDay = 86'400;
/// Round times in seconds, up to a day.
constexpr std::array kTimes{0.001, 0.002, 0.005,   0.01,    0.02,   0.05,    0.1,     0.2,     0.5,
                            1.0,   2.0,   5.0,     10.0,    15.0,   30.0,    60.0,    120.0,   300.0,
                            600.0, 900.0, 1'800.0, 3'600.0, 7'200., 10'800., 21'600., 43'200., kDay};
/// Numbers are written out while they are so large and so fine; then as 1.5e+30.
constexpr double kLargest = 1e6;
constexpr double kFinest = 1e-6;

/// 1, 2 or 5 times a power of ten: the first that is at least `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double times : {1.0, 2.0, 5.0}) {
    if (times * power >= least * (1 - 1e-9)) return times * power;
  }
  return 10 * power;
}

double time_step(double least) {
  const auto* const found = std::lower_bound(kTimes.begin(), kTimes.end(), least);
  return found != kTimes.end() ? *found : kDay * round_step(least / kDay);
}

std::string day_of(double seconds) {
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::seconds>(std::chrono::seconds(std::llround(std::floor(seconds)))));
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string time_label(double seconds, double step) {
  if (step >= kDay) return day_of(seconds);
  const std::int64_t millis = std::llround(seconds * 1000);
  const auto of_day = static_cast<unsigned>(((millis % 86'400'000) + 86'400'000) % 86'400'000);
  std::string label = fmt::format("{:02}:{:02}", of_day / 3'600'000, of_day / 60'000 % 60);
  if (step < 60) label += fmt::format(":{:02}", of_day / 1000 % 60);
  if (step < 1) label += fmt::format(".{:03}", of_day % 1000);
  return label;
}

std::string number_label(double value, double step, double largest) {
  if (std::abs(value) < step / 2) value = 0;
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  if (largest < kLargest && step >= kFinest) return fmt::format("{:.{}f}", value, decimals);
  const double digits = std::log10(std::abs(value)) - std::floor(std::log10(step) + 1e-9) + 1;
  return fmt::format("{:.{}g}", value, static_cast<int>(std::clamp(digits, 1.0, 17.0)));
}

}  // namespace

Axis axis_over(std::string name, double low, double high, bool is_time) {
  double margin = (high - low) * kMargin;
  // One value: the axis shows how large it is. Steps of less than kSmallest would be no numbers.
  if (margin < kSmallest) margin = is_time || std::abs(low) < kSmallest ? 1 : std::abs(low) / 2;
  return {std::move(name), low - margin, high + margin, is_time};
}

std::vector<Tick> ticks_of(const Axis& axis, std::size_t most) {
  const double range = axis.high - axis.low;
  const auto rounded = [&](double least) { return axis.is_time ? time_step(least) : round_step(least); };
  const auto room = static_cast<double>(std::max<std::size_t>(most, 2));
  double step = rounded(range / (room + 1));
  const auto count = [&] { return std::floor(axis.high / step) - std::ceil(axis.low / step) + 1; };
  while (count() > room) step = rounded(step * 1.01);
  const double largest = std::max(std::abs(axis.low), std::abs(axis.high));
  std::vector<Tick> ticks;
  const double first = std::ceil(axis.low / step);
  for (double i = 0; i < count(); ++i) {
    const double at = (first + i) * step;
    ticks.push_back({at, axis.is_time ? time_label(at, step) : number_label(at, step, largest)});
  }
  return ticks;
}

double fraction_of(const Axis& axis, double value) {
  return (value - axis.low) / (axis.high - axis.low);
}

std::string title_of(const Axis& axis) {
  if (!axis.is_time) return axis.name;
  const std::string first = day_of(axis.low), last = day_of(axis.high);
  return first == last ? fmt::format("{}, {} UTC", axis.name, first)
                       : fmt::format("{}, {} to {} UTC", axis.name, first, last);
}

}  // namespace astrofs
