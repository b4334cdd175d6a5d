#include "backends/format/dates.h"

#include <array>
#include <chrono>
#include <cstddef>

namespace astrofs {
namespace {

/// Reads from the front of a text; once something does not fit, ok() stays false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    if (text_.size() < count) return refuse();
    for (std::size_t i = 0; i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return refuse();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  void literal(std::string_view expected) {
    if (text_.substr(0, expected.size()) != expected) {
      refuse();
      return;
    }
    text_.remove_prefix(expected.size());
  }
  bool optional(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  unsigned month_name() {
    static constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned i = 0; i < kMonths.size(); ++i) {
      if (text_.substr(0, 3) == kMonths[i]) {
        text_.remove_prefix(3);
        return i + 1;
      }
    }
    return static_cast<unsigned>(refuse());
  }
  [[nodiscard]] bool at_digit() const {
    return !text_.empty() && text_.front() >= '0' && text_.front() <= '9';
  }
  void skip_digits() {
    while (at_digit()) text_.remove_prefix(1);
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && text_.empty(); }

 private:
  int refuse() {
    ok_ = false;
    text_ = {};
    return 0;
  }
  std::string_view text_;
  bool ok_{true};
};

struct Fields {
  int year{0};
  unsigned month{0}, day{0};
  int hour{0}, minute{0}, second{0};
};

std::optional<SysSeconds> to_seconds(const Fields& f) {
  const std::chrono::year_month_day date{std::chrono::year(f.year), std::chrono::month(f.month),
                                         std::chrono::day(f.day)};
  // 60: a leap second is a legal way to write the next minute's first second.
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;
  return SysSeconds(std::chrono::sys_days(date)) + std::chrono::hours(f.hour) +
         std::chrono::minutes(f.minute) + std::chrono::seconds(f.second);
}

void scan_time(Scanner& in, Fields& f, bool seconds_required) {
  f.hour = in.digits(2);
  in.literal(":");
  f.minute = in.digits(2);
  if (in.optional(':')) {
    f.second = in.digits(2);
  } else if (seconds_required) {
    in.literal(":");
  }
}

}  // namespace

std::optional<SysSeconds> parse_iso8601(std::string_view text) {
  Scanner in(text);
  Fields f;
  f.year = in.digits(4);
  in.literal("-");
  f.month = static_cast<unsigned>(in.digits(2));
  in.literal("-");
  f.day = static_cast<unsigned>(in.digits(2));
  in.literal("T");
  scan_time(in, f, true);
  if (in.optional('.')) in.skip_digits();
  int east = 0;  // minutes that the written time is ahead of UTC
  if (!in.optional('Z')) {
    const bool plus = in.optional('+');
    if (plus || in.optional('-')) {
      const int hours = in.digits(2);
      in.optional(':');
      east = (hours * 60 + in.digits(2)) * (plus ? 1 : -1);
    }
  }
  if (!in.done()) return std::nullopt;
  auto result = to_seconds(f);
  if (result) *result -= std::chrono::minutes(east);
  return result;
}

std::optional<SysSeconds> parse_http_date(std::string_view text) {
  const auto comma = text.find(", ");
  if (comma != 3)
    return std::nullopt;  // "Tue": the form of RFC 1123, the only one that servers may still send
  Scanner in(text.substr(comma + 2));
  Fields f;
  f.day = static_cast<unsigned>(in.digits(2));
  in.literal(" ");
  f.month = in.month_name();
  in.literal(" ");
  f.year = in.digits(4);
  in.literal(" ");
  scan_time(in, f, true);
  in.literal(" GMT");
  return in.done() ? to_seconds(f) : std::nullopt;
}

std::optional<SysSeconds> parse_index_date(std::string_view date, std::string_view time) {
  Fields f;
  Scanner in(date);
  if (date.size() > 2 && date[2] == '-') {
    f.day = static_cast<unsigned>(in.digits(2));
    in.literal("-");
    f.month = in.month_name();
    in.literal("-");
    f.year = in.digits(4);
  } else {
    f.year = in.digits(4);
    in.literal("-");
    f.month = in.at_digit() ? static_cast<unsigned>(in.digits(2)) : in.month_name();
    in.literal("-");
    f.day = static_cast<unsigned>(in.digits(2));
  }
  if (!in.done()) return std::nullopt;
  Scanner clock(time);
  scan_time(clock, f, false);
  return clock.done() ? to_seconds(f) : std::nullopt;
}

}  // namespace astrofs
