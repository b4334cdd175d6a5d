#include "backends/format/fits_value.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

namespace astrofs::fits {

std::string text_value(std::string_view text) {
  std::string value = "'";
  for (const char letter : text) {
    value += letter >= ' ' && letter <= '~' ? letter : '?';
    if (letter == '\'') value += letter;
  }
  return value + "'";
}

std::string real_value(double number) {
  if (!std::isfinite(number)) return {};
  std::string value = fmt::format("{}", number);  // 5.0 as "5", 1e-05
  const auto exponent = std::min(value.find('e'), value.size());
  if (value.find('.') >= exponent) value.insert(exponent, ".0");  // a real number has a point
  std::ranges::transform(value, value.begin(),
                         [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  return value;
}

}  // namespace astrofs::fits
