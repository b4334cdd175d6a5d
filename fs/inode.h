// How a node of the catalog is named to the kernel.
//
// The kernel keeps pages, size and times per inode number it is given. So each content version of a file gets
// a number of its own: generation above, node below. Two versions can then never meet in one page cache, one
// mmap or one handle, and pages may always be kept. st_ino is the node alone: it survives versions and
// restarts.
#pragma once

#include <cstdint>

#include "cache/catalog.h"

namespace astrofs {

using Inode = std::uint64_t;

/// Bits of the node: 10^12 names; 23 bits remain for generations below the sign bit.
inline constexpr unsigned kNodeBits = 40;

[[nodiscard]] constexpr NodeId node_of(Inode inode) {
  return inode & ((1ULL << kNodeBits) - 1);
}
/// 0 for directories and symlinks, whose content has no versions.
[[nodiscard]] constexpr std::uint32_t generation_of(Inode inode) {
  return static_cast<std::uint32_t>(inode >> kNodeBits);
}
[[nodiscard]] constexpr Inode file_inode(NodeId node, std::uint32_t generation) {
  return (static_cast<std::uint64_t>(generation & 0x7f'ffffU) << kNodeBits) | node;
}
[[nodiscard]] inline Inode inode_of(const Node& node) {
  return node.kind == NodeKind::file ? file_inode(node.id, node.generation) : node.id;
}

}  // namespace astrofs
