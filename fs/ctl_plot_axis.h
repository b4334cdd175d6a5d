// One axis of a plot: its range, and where a person expects numbers on it. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace astrofs {

struct Axis {
  std::string name;
  double low{0}, high{1};  ///< low < high
  bool is_time{false};     ///< values are seconds since 1970, UTC
};

struct Tick {
  double at{0};
  std::string label;
};

/// From `low` to `high` with a margin; around one value, when they are the same.
[[nodiscard]] Axis axis_over(std::string name, double low, double high, bool is_time);

/// At most `most` of them (at least 2 are tried), at round values: 0.1, 0.15, 0.2; 19:47, 19:48; 2022-10-24.
[[nodiscard]] std::vector<Tick> ticks_of(const Axis& axis, std::size_t most);

/// Where `value` lies between the ends, which are 0 and 1.
[[nodiscard]] double fraction_of(const Axis& axis, double value);

/// The axis's name, of times with the day they belong to: "DATE-AVG, 2022-10-24 UTC".
[[nodiscard]] std::string title_of(const Axis& axis);

}  // namespace astrofs
