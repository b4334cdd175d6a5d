// JSON as text on one line. Any thread.
#pragma once

#include <string>

namespace astrofs {

/// Names come from archives and may be any bytes; JSON is UTF-8, so what is none of it becomes U+FFFD.
template <class Json>
[[nodiscard]] std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace astrofs
