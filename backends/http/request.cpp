#include <charconv>

#include "backends/http/client.h"
#include "backends/http/url.h"

namespace astrofs::http {

std::string Request::origin() const {
  return origin_of(url);
}

std::string_view ResponseHead::header(std::string_view name) const {
  for (const Header& one : headers) {
    if (one.name == name) return one.value;
  }
  return {};
}

std::optional<std::uint64_t> ResponseHead::content_length() const {
  const std::string_view text = header("content-length");
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace astrofs::http
