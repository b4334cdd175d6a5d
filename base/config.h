// astrofs.toml: where it is looked for, what it may say, and errors that name file:line:column.
// The keys of an archive's table beyond `type` belong to that archive: they are kept with their
// positions, and backends/registry refuses those it does not know. Read once, by main, before there are
// threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/byte_size.h"
#include "base/error.h"

namespace astrofs {

struct ConfigValue {
  std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>,
               std::map<std::string, std::string>>
      value;          ///< a list within a table is its elements with commas between
  std::string where;  ///< "file:line:column"
  std::map<std::string, std::string> where_within{};  ///< of each element of a table
};

struct ArchiveConfig {
  std::string name;   ///< table name = directory at the root; safe to show as it is, never hidden
  std::string type;   ///< "tess", "index", "s3", "local", ...
  std::string where;  ///< of the table
  std::map<std::string, ConfigValue> keys;  ///< without `type`
};

struct Config {
  std::string source;                      ///< the file it came from, or "built-in defaults"
  std::string cache_dir;                   ///< absolute
  std::uint64_t cache_size{100ULL << 30};  ///< bytes on disk; more than 0
  std::vector<ArchiveConfig> archives;     ///< in the file's order
};

/// The text of the built-in configuration: the real archives.
[[nodiscard]] std::string_view builtin_config();

/// `file` is used in messages only. Unknown keys, wrong types and bad sizes are errors. No archives is no
/// error.
[[nodiscard]] Result<Config> parse_config(std::string_view text, const std::string& file);

/// First of `explicit_path`, $ASTROFS_CONFIG, $XDG_CONFIG_HOME/astrofs/astrofs.toml (~/.config),
/// /etc/astrofs/astrofs.toml, built-in. One that is named but cannot be read is an error, and so is one
/// without archives.
[[nodiscard]] Result<Config> load_config(const std::optional<std::string>& explicit_path);

/// $XDG_CACHE_HOME/astrofs (~/.cache/astrofs); for root /var/cache/astrofs.
[[nodiscard]] std::string default_cache_dir();

}  // namespace astrofs
