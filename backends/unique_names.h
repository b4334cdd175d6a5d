// The rule of every listing for names that come twice, whoever holds them. Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace astrofs {

/// Puts entries that have a `name` and a `kind` in order of name bytes, each name once: of two a directory
/// wins, else the first given. How many went. Servers mostly sort as we do, and then it is one look.
template <class Named>
std::size_t sort_unique_names(std::vector<Named>& entries) {
  constexpr auto kDirectory = decltype(Named::kind)::directory;
  const auto not_in_order = [](const Named& a, const Named& b) { return a.name >= b.name; };
  if (std::ranges::adjacent_find(entries, not_in_order) == entries.end()) return 0;
  std::ranges::stable_sort(entries, [](const Named& a, const Named& b) {
    const int order = a.name.compare(b.name);
    return order != 0 ? order < 0 : a.kind == kDirectory && b.kind != kDirectory;
  });
  const auto doubled = std::ranges::unique(entries, {}, &Named::name);
  const auto count = static_cast<std::size_t>(doubled.size());
  entries.erase(doubled.begin(), doubled.end());
  return count;
}

}  // namespace astrofs
