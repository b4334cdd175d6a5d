// The only door to toml++.
#include "base/config.h"

#include <fmt/format.h>

#include <algorithm>

// toml++ 3.3 asserts that a table's name begins with a letter, and with NDEBUG under clang lets the compiler
// assume it, right before the code that refuses "[/x]" with its place. Without either, that code does its
// work (tests/fuzz/fuzz_config).
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>
#undef TOML_ASSERT
#pragma pop_macro("NDEBUG")

#include "base/file_name.h"
#include "base/home.h"

namespace astrofs {
namespace {

constexpr std::string_view kBuiltin = R"([cache]
size = "100 GiB"

[archives.tess]
type = "tess"
s3 = "https://stpubdata.s3.amazonaws.com"
archive = "https://archive.stsci.edu"
mast = "https://mast.stsci.edu"
)";

/// How the kinds of TOML values are called in messages.
std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date and time";
  }
  return "something else";
}

/// Turns one parsed document into a Config; lives for one call of parse_config.
class ConfigReader {
 public:
  explicit ConfigReader(const std::string& file) : file_(file) {}
  [[nodiscard]] Result<Config> read(const toml::table& root) const;

 private:
  [[nodiscard]] std::string where(const toml::source_region& region) const {
    return fmt::format("{}:{}:{}", file_, region.begin.line, region.begin.column);
  }
  [[nodiscard]] tl::unexpected<Error> refuse(const toml::source_region& region, std::string_view why) const {
    return fail(Errc::invalid, fmt::format("{}: {}", where(region), why));
  }
  [[nodiscard]] Result<void> read_cache(const toml::node& node, Config& config) const;
  [[nodiscard]] Result<void> read_archives(const toml::node& node, Config& config) const;
  [[nodiscard]] Result<ArchiveConfig> read_archive(const toml::key& name, const toml::node& node) const;
  [[nodiscard]] Result<ConfigValue> read_value(const toml::key& key, const toml::node& node) const;
  [[nodiscard]] Result<std::string> text(std::string_view key, std::string_view table,
                                         const toml::node& node) const;

  const std::string& file_;
};

Result<Config> ConfigReader::read(const toml::table& root) const {
  Config config;
  config.source = file_;
  for (const auto& [key, node] : root) {
    Result<void> done;
    if (key == "cache") {
      done = read_cache(node, config);
    } else if (key == "archives") {
      done = read_archives(node, config);
    } else {
      return refuse(key.source(),
                    fmt::format("unknown key '{}'; known tables: [cache], [archives.NAME]", key.str()));
    }
    if (!done) return tl::unexpected<Error>(std::move(done.error()));
  }
  if (config.cache_dir.empty()) config.cache_dir = default_cache_dir();
  return config;
}

/// A string without NUL: each ends up in a system call or a URL.
Result<std::string> ConfigReader::text(std::string_view key, std::string_view table,
                                       const toml::node& node) const {
  const auto* const value = node.as_string();
  if (value == nullptr) {
    return refuse(node.source(),
                  fmt::format("'{}' in [{}] must be a string, not {}", key, table, kind_of(node)));
  }
  if (value->get().find('\0') != std::string::npos) {
    return refuse(node.source(), fmt::format("'{}' in [{}] contains a NUL byte", key, table));
  }
  return value->get();
}

Result<void> ConfigReader::read_cache(const toml::node& node, Config& config) const {
  const toml::table* const table = node.as_table();
  if (table == nullptr) {
    return refuse(node.source(), fmt::format("[cache] must be a table, not {}", kind_of(node)));
  }
  for (const auto& [key, value] : *table) {
    if (key != "dir" && key != "size") {
      return refuse(key.source(),
                    fmt::format("unknown key '{}' in [cache]; known keys: dir, size", key.str()));
    }
    auto given = text(key.str(), "cache", value);
    if (!given) return tl::unexpected<Error>(std::move(given.error()));
    if (key == "dir") {
      auto dir = expand_home(*given);
      if (!dir) return refuse(value.source(), fmt::format("'dir' in [cache]: {}", dir.error().message));
      config.cache_dir = std::move(*dir);
      continue;
    }
    const auto size = parse_size(*given);
    if (!size) return refuse(value.source(), fmt::format("'size' in [cache]: {}", size.error().message));
    if (*size == 0)
      return refuse(value.source(), "'size' in [cache] must be more than 0; write for example \"100 GiB\"");
    config.cache_size = *size;
  }
  return {};
}

Result<void> ConfigReader::read_archives(const toml::node& node, Config& config) const {
  const toml::table* const table = node.as_table();
  if (table == nullptr) {
    return refuse(node.source(),
                  fmt::format("'archives' must be tables [archives.NAME], not {}", kind_of(node)));
  }
  // toml++ sorts keys by name; the file's order is in the positions.
  std::vector<std::pair<const toml::key*, const toml::node*>> in_order;
  for (const auto& [key, value] : *table) in_order.emplace_back(&key, &value);
  const auto position = [](const auto& entry) {
    const toml::source_position& begin = entry.first->source().begin;
    return std::pair(begin.line, begin.column);
  };
  std::sort(in_order.begin(), in_order.end(),
            [&](const auto& a, const auto& b) { return position(a) < position(b); });
  for (const auto& [key, value] : in_order) {
    auto archive = read_archive(*key, *value);
    if (!archive) return tl::unexpected<Error>(std::move(archive.error()));
    config.archives.push_back(std::move(*archive));
  }
  return {};
}

Result<ArchiveConfig> ConfigReader::read_archive(const toml::key& name, const toml::node& node) const {
  ArchiveConfig archive;
  archive.name = name.str();
  archive.where = where(name.source());
  if (encode_file_name(archive.name) != archive.name || archive.name.front() == '.') {
    return refuse(
        name.source(),
        fmt::format("'{}' cannot be the name of an archive: it names a directory, so it must be 1 to 255 "
                    "bytes without '/' and control characters and not begin with '.'",
                    encode_file_name(archive.name).value_or("")));
  }
  const toml::table* const table = node.as_table();
  if (table == nullptr) {
    return refuse(name.source(),
                  fmt::format("'{0}' must be a table [archives.{0}], not {1}", archive.name, kind_of(node)));
  }
  for (const auto& [key, value] : *table) {
    if (key == "type") {
      auto type = text("type", "archives." + archive.name, value);
      if (!type) return tl::unexpected<Error>(std::move(type.error()));
      archive.type = std::move(*type);
      if (archive.type.empty()) {
        return refuse(value.source(), fmt::format("'type' in [archives.{}] is empty", archive.name));
      }
      continue;
    }
    auto read = read_value(key, value);
    if (!read) return tl::unexpected<Error>(std::move(read.error()));
    archive.keys.emplace(key.str(), std::move(*read));
  }
  if (archive.type.empty()) {
    return refuse(name.source(),
                  fmt::format("[archives.{}] has no 'type'; add for example type = \"index\"", archive.name));
  }
  return archive;
}

Result<ConfigValue> ConfigReader::read_value(const toml::key& key, const toml::node& node) const {
  ConfigValue out;
  out.where = where(node.source());
  if (const auto* const integer = node.as_integer()) {
    out.value = integer->get();
  } else if (const auto* const number = node.as_floating_point()) {
    out.value = number->get();
  } else if (const auto* const boolean = node.as_boolean()) {
    out.value = boolean->get();
  } else if (const toml::array* const array = node.as_array()) {
    std::vector<std::string> items;
    for (const toml::node& item : *array) {
      auto given = text("each element of " + std::string(key.str()), "archives", item);
      if (!given) return tl::unexpected<Error>(std::move(given.error()));
      items.push_back(std::move(*given));
    }
    out.value = std::move(items);
  } else if (const toml::table* const table = node.as_table()) {
    std::map<std::string, std::string> entries;
    for (const auto& [inner, item] : *table) {
      auto given = text(inner.str(), key.str(), item);
      if (!given) return tl::unexpected<Error>(std::move(given.error()));
      entries.emplace(inner.str(), std::move(*given));
    }
    out.value = std::move(entries);
  } else {
    auto given = text(key.str(), "archives", node);  // refuses dates and times
    if (!given) return tl::unexpected<Error>(std::move(given.error()));
    out.value = std::move(*given);
  }
  return out;
}

}  // namespace

std::string_view builtin_config() {
  return kBuiltin;
}

Result<Config> parse_config(std::string_view text, const std::string& file) {
  try {
    return ConfigReader(file).read(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    const toml::source_position& at = error.source().begin;
    return fail(Errc::invalid, fmt::format("{}:{}:{}: {}", file, at.line, at.column, error.description()));
  }
}

}  // namespace astrofs
