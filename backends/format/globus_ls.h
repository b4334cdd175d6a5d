// What a folder of a Globus collection holds, as the Transfer service lists it: JSON in, entries out.
// Streamed: a folder of 77,694 frames is 31 MB of text and would be 100 MB of tree. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs::globus {

struct FolderEntry {
  std::string name;  ///< a stranger's word
  bool directory{false};
  std::uint64_t size{0};
};

/// Answer of `GET <transfer>/v0.10/operation/endpoint/<id>/ls?path=...`. Errc::corrupt: it is none, or not
/// all of the folder.
[[nodiscard]] Result<std::vector<FolderEntry>> parse_ls(std::string_view json);

}  // namespace astrofs::globus
