#include "fs/inode.h"

#include <gtest/gtest.h>

#include <set>

namespace astrofs {
namespace {

constexpr NodeId kLastNode = (NodeId{1} << kNodeBits) - 1;
constexpr std::uint32_t kLastGeneration = (1U << 23) - 1;

TEST(InodeNumber, NodeAndGenerationComeBackFromIt) {
  for (const NodeId node : {kRootNode, NodeId{2}, NodeId{123'456'789}, kLastNode}) {
    for (const std::uint32_t generation : {1U, 2U, 1000U, kLastGeneration}) {
      const Inode inode = file_inode(node, generation);
      EXPECT_EQ(node_of(inode), node);
      EXPECT_EQ(generation_of(inode), generation);
    }
  }
}

TEST(InodeNumber, NoTwoVersionsOrFilesShareOne) {
  std::set<Inode> seen;
  for (NodeId node = 2; node < 102; ++node) {
    for (std::uint32_t generation = 1; generation <= 100; ++generation) {
      EXPECT_TRUE(seen.insert(file_inode(node, generation)).second) << node << " " << generation;
    }
  }
}

TEST(InodeNumber, NoFileVersionIsTakenForADirectory) {
  EXPECT_NE(file_inode(5, 1), Inode{5});
  EXPECT_NE(file_inode(kRootNode, 1), kRootNode);
}

TEST(InodeNumber, IsPositiveForProgramsThatKeepItSigned) {
  EXPECT_LE(file_inode(kLastNode, UINT32_MAX), static_cast<Inode>(INT64_MAX));
}

TEST(InodeNumber, TheRootIsTheNumberThatTheKernelBeginsWith) {
  EXPECT_EQ(node_of(1), kRootNode);
  EXPECT_EQ(generation_of(1), 0U);
}

TEST(InodeNumber, OnlyFilesHaveVersions) {
  Node node;
  node.id = 77;
  node.generation = 3;
  node.kind = NodeKind::file;
  EXPECT_EQ(inode_of(node), file_inode(77, 3));
  node.kind = NodeKind::directory;
  EXPECT_EQ(inode_of(node), 77U);
  node.kind = NodeKind::symlink;
  EXPECT_EQ(inode_of(node), 77U);
}

TEST(InodeNumber, AGenerationBeyondItsBitsHarmsNoOtherNode) {
  EXPECT_EQ(node_of(file_inode(77, UINT32_MAX)), 77U);
}

}  // namespace
}  // namespace astrofs
