// Reads one [archives.NAME] table of the configuration: takes the keys that its type knows, remembers the
// first thing that is wrong, and what the table says beside what is usual. Owned by who reads; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/error.h"

namespace astrofs {

class TableReader {
 public:
  /// `table` outlives the reader.
  explicit TableReader(const ArchiveConfig& table) : table_(table) {}

  /// A string; `fallback` when the key is not there, an error when there is no fallback either.
  std::string text(const std::string& key, const std::optional<std::string>& fallback);
  /// The path of a login's file on this machine: whose it is makes no other archive.
  std::string login(const std::string& key, const std::string& usual);
  /// A whole number from 1 to `most`.
  unsigned count(const std::string& key, unsigned fallback, unsigned most);
  bool flag(const std::string& key, bool fallback);
  /// Names and texts; none when the key is not there.
  std::map<std::string, std::string> entries(const std::string& key);
  /// A base URL without a trailing slash. `fallback` as in text(). With `may_be_empty`, "" turns the source
  /// off.
  std::string base_url(const std::string& key, const std::optional<std::string>& fallback,
                       bool may_be_empty = false);

  [[nodiscard]] const std::string& archive() const { return table_.name; }
  [[nodiscard]] bool has(const std::string& key) const { return table_.keys.contains(key); }
  /// "file:line:column" of a key, or of the table where it has none.
  [[nodiscard]] std::string where_of(const std::string& key) const;
  /// Of an entry of entries().
  [[nodiscard]] std::string where_of(const std::string& key, const std::string& entry) const;
  /// For checks that the table alone cannot make.
  void complain(const std::string& where, const std::string& what);

  /// The first error, or that of a key nobody took.
  [[nodiscard]] Result<void> finish();
  /// Of the archive that the keys taken describe. What is usual counts for nothing, written down or not.
  [[nodiscard]] std::string identity() const;

 private:
  const ConfigValue* take(const std::string& key);
  std::string string_of(const std::string& key, const std::optional<std::string>& fallback);
  void means(const std::string& key, std::string value);
  [[nodiscard]] std::string known_keys() const;

  const ArchiveConfig& table_;
  std::vector<std::string> known_;
  std::map<std::string, std::string> meaning_;  ///< keys and what they say beside what is usual
  std::optional<Error> error_;
};

}  // namespace astrofs
