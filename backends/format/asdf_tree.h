// The container of an ASDF file: its first line, its YAML tree, its blocks. Any thread.
#pragma once

#include <cstdint>
#include <memory>

#include "backends/format/asdf_blocks.h"
#include "backends/format/yaml_tree.h"
#include "base/error.h"

namespace astrofs {

inline constexpr std::uint64_t kLongestAsdfTree = 64ULL << 20;  ///< 5 MiB for 77,694 frames

struct AsdfFile {
  YamlTree tree;
  std::shared_ptr<const AsdfBlocks> blocks;
};

/// Reads the head, the index at the end of the file and, where that is not right, the header of every block.
/// Errors: those of `read`, corrupt (no ASDF, no tree, not YAML), too_large.
[[nodiscard]] Result<AsdfFile> open_asdf(ReadAt read, std::uint64_t file_size);

}  // namespace astrofs
