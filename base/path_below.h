// One path seen from another. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

namespace astrofs {

/// What is left of `path` below the directory `dir`, "" for `dir` itself; nullopt when it lies elsewhere.
/// Both without "." and "..", and both absolute, or both relative to the same directory, which is "".
[[nodiscard]] constexpr std::optional<std::string_view> path_below(std::string_view path,
                                                                   std::string_view dir) {
  if (dir.empty()) return path;
  if (!path.starts_with(dir)) return std::nullopt;
  path.remove_prefix(dir.size());
  if (path.empty() || dir.ends_with('/')) return path;
  if (!path.starts_with('/')) return std::nullopt;
  return path.substr(1);
}

}  // namespace astrofs
