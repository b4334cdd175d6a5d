// JSON as text on one line. Any thread.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace astrofs {

/// Names come from archives and may be any bytes; JSON is UTF-8, so what is none of it becomes U+FFFD.
[[nodiscard]] inline std::string json_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace astrofs
