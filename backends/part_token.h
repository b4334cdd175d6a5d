// What the token of a listing says beside the hash of its content: whether that is all there is. Part of
// types "obstap" and "sia2". Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace astrofs {

struct PartToken {
  std::string content;
  bool whole{true};
  std::uint64_t rows{0};  ///< data sets of which the listing was made

  PartToken(std::string hash, bool is_whole, std::uint64_t count)
      : content(std::move(hash)), whole(is_whole), rows(count) {}
  explicit PartToken(std::string_view token);
  [[nodiscard]] std::string text() const;
};

}  // namespace astrofs
