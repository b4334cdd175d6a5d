#include <algorithm>
#include <array>
#include <utility>

#include "backends/format/frame_select.h"

namespace astrofs {
namespace {

constexpr std::string_view kOperators = "<>=!";

struct Operator {
  std::string_view text;
  Comparison comparison;
};
// The longer ones first, as they begin like the shorter.
constexpr std::array<Operator, 7> kAll{{{"<=", Comparison::less_equal},
                                        {">=", Comparison::greater_equal},
                                        {"==", Comparison::equal},
                                        {"!=", Comparison::not_equal},
                                        {"<", Comparison::less},
                                        {">", Comparison::greater},
                                        {"=", Comparison::equal}}};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

class SelectParser {
 public:
  explicit SelectParser(std::string_view text) : text_(text), left_(text) {}

  Result<std::vector<FrameCondition>> parse() {
    std::vector<FrameCondition> conditions;
    while (true) {
      if (conditions.size() == kMostConditions) return fail(Errc::too_large, "too many conditions");
      auto condition = one();
      if (!condition) return tl::unexpected(std::move(condition.error()));
      conditions.push_back(std::move(*condition));
      if (left_.empty()) return conditions;
      left_.remove_prefix(1);  // the comma
    }
  }

 private:
  Result<FrameCondition> one() {
    const std::string_view name = trimmed(left_.substr(0, left_.find_first_of("<>=!,")));
    if (name.empty()) return wrong("a column is missing");
    if (name.find_first_of("'\"") != std::string_view::npos) return wrong("a column's name has no quotes");
    left_.remove_prefix(std::min(left_.find_first_of("<>=!,"), left_.size()));
    const auto op =
        std::find_if(kAll.begin(), kAll.end(), [&](const Operator& o) { return left_.starts_with(o.text); });
    if (op == kAll.end()) return wrong("one of < <= > >= == != is missing");
    left_.remove_prefix(op->text.size());
    auto value = one_value();
    if (!value) return tl::unexpected(std::move(value.error()));
    return FrameCondition{std::string(name), op->comparison, std::move(*value)};
  }

  Result<std::string> one_value() {
    while (left_.starts_with(' ')) left_.remove_prefix(1);
    if (left_.starts_with('\'') || left_.starts_with('"')) return quoted();
    const std::string_view value = trimmed(left_.substr(0, left_.find(',')));
    if (value.empty()) return wrong("a value is missing");
    if (const std::size_t second = value.find_first_of(kOperators); second != std::string_view::npos) {
      left_.remove_prefix(second);
      return wrong("a second operator in one condition");
    }
    left_.remove_prefix(std::min(left_.find(','), left_.size()));
    return std::string(value);
  }

  Result<std::string> quoted() {
    const char quote = left_.front();
    left_.remove_prefix(1);
    std::string value;
    while (!left_.empty()) {
      const char c = left_.front();
      left_.remove_prefix(1);
      if (c == quote) {
        if (!left_.starts_with(quote)) return after_quoted(std::move(value));
        left_.remove_prefix(1);
      }
      value += c;
    }
    return wrong("a quote does not end");
  }
  Result<std::string> after_quoted(std::string value) {
    while (left_.starts_with(' ')) left_.remove_prefix(1);
    if (!left_.empty() && left_.front() != ',') return wrong("a comma is missing");
    return value;
  }

  [[nodiscard]] tl::unexpected<Error> wrong(std::string_view what) const {
    return fail(Errc::invalid, "not a selection: " + std::string(what) + " at letter " +
                                   std::to_string(text_.size() - left_.size() + 1));
  }

  const std::string_view text_;
  std::string_view left_;
};

}  // namespace

Result<std::vector<FrameCondition>> parse_frame_select(std::string_view text) {
  if (text.size() > kLongestSelection) return fail(Errc::too_large, "a selection that is too long");
  return SelectParser(text).parse();
}

}  // namespace astrofs
