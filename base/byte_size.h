// Amounts of bytes as people write them. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace astrofs {

/// "100 GiB", "1.5 TB", "512", "64 KiB": bytes. Decimal (kB, MB, ...) and binary units (KiB, MiB, ...) up to
/// P; a lone letter ("100G") is binary, as for tmpfs. Case matters not; at most three decimals; at most 2^63
/// - 1 bytes (off_t).
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// 1536 -> "1.5 KiB".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace astrofs
