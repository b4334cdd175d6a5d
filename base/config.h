// astrofs.toml: where it is looked for, what it may say, and errors that name file:line:column.
// The keys of an archive's table beyond `type` belong to that archive: they are kept with their
// positions, and backends/registry refuses those it does not know.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace astrofs {

struct ConfigValue {
  std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>, std::map<std::string, std::string>> value;
  std::string where;  ///< "file:line:column"
};

struct ArchiveConfig {
  std::string name;   ///< table name = directory at the root
  std::string type;   ///< "tess", "index", "s3", "local", ...
  std::string where;  ///< of the table
  std::map<std::string, ConfigValue> keys;  ///< without `type`
};

struct Config {
  std::string source;  ///< the file it came from, or "built-in defaults"
  std::string cache_dir;
  std::uint64_t cache_size{100ULL << 30};  ///< bytes on disk
  std::vector<ArchiveConfig> archives;     ///< in the file's order
};

/// The text of the built-in configuration: the real archives.
[[nodiscard]] std::string_view builtin_config();

/// `file` is used in messages only. Unknown keys, wrong types and bad sizes are errors.
[[nodiscard]] Result<Config> parse_config(std::string_view text, const std::string& file);

/// First of `explicit_path`, $ASTROFS_CONFIG, $XDG_CONFIG_HOME/astrofs/astrofs.toml (~/.config),
/// /etc/astrofs/astrofs.toml, built-in. One that is named but cannot be read is an error.
[[nodiscard]] Result<Config> load_config(const std::optional<std::string>& explicit_path);

/// "100 GiB", "1.5 TB", "512", "64 KiB": bytes. Decimal and binary units; case matters not.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
/// 1536 -> "1.5 KiB".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// $XDG_CACHE_HOME/astrofs (~/.cache/astrofs); for root /var/cache/astrofs.
[[nodiscard]] std::string default_cache_dir();

}  // namespace astrofs
