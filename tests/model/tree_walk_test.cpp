// Paths through links and walks over them, as the commands of `astrofs` go them.
#include "fs/tree_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>

#include <fmt/format.h>

#include "tests/model/stage.h"

namespace astrofs::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// "sky" with "d0" and "d1", and links among them.
class TreeWalkTest : public ModelTest {
 protected:
  TreeWalkTest() {
    mount();
    walk = std::make_unique<TreeWalk>(house->vfs, stopping);
    for (const char* const dir : {"sky", "sky/d0", "sky/d1"}) EXPECT_TRUE(walk->list(at(dir))) << dir;
  }
  Node at(const std::string& path) {
    const auto node = walk->resolve(path);
    EXPECT_TRUE(node) << node.error().message;
    return node.value_or(Node{});
  }
  void link(const std::string& dir, const std::string& name, const std::string& target) {
    ListedEntry entry;
    entry.name = name;
    entry.kind = NodeKind::symlink;
    entry.locator = target;
    add(at(dir).id, entry);
  }
  void add(NodeId dir, const ListedEntry& entry) {
    std::promise<void> added;
    house->writer.add_child(dir, entry, [&added](const Result<Node>& node) {
      EXPECT_TRUE(node) << node.error().message;
      added.set_value();
    });
    added.get_future().wait();
  }
  std::string error_of(const std::string& path) {
    const auto node = walk->resolve(path);
    return node ? "none" : node.error().message;
  }
  /// All paths that are visited, in order, each as often as it is.
  std::vector<std::string> visited(const std::string& start, bool asks = true) {
    std::vector<std::string> paths;
    left_out.clear();
    TreeWalk::Steps steps;
    if (asks) steps.enter = [this](const Node& dir) { return walk->list(dir); };
    steps.visit = [&](const Node& file) {
      paths.push_back(walk->shown_path(file));
      return true;
    };
    steps.left_out = [this](const Node& node, const Error&) { left_out.push_back(walk->shown_path(node)); };
    EXPECT_TRUE(walk->walk(at(start), steps));
    std::ranges::sort(paths);
    return paths;
  }
  static std::vector<std::string> files_of(const std::vector<unsigned>& dirs) {
    std::vector<std::string> paths;
    for (unsigned file = 0; file < kFiles; ++file) {
      if (std::ranges::count(dirs, dir_of(file)) > 0)
        paths.push_back(fmt::format("sky/{}/{}", dir_name(dir_of(file)), shown_name(file)));
    }
    std::ranges::sort(paths);
    return paths;
  }

  std::atomic<bool> stopping{false};
  std::unique_ptr<TreeWalk> walk;
  std::vector<std::string> left_out;
};

TEST_F(TreeWalkTest, ALinkIsWhatItLeadsToAlsoOnTheWay) {
  link("sky", "other", "d0");
  link("sky/d1", "again", "../other");
  const Node file = node(kPlain);
  const std::string name = shown_name(kPlain);
  EXPECT_EQ(at("sky/other").id, at("sky/d0").id);
  EXPECT_EQ(at("sky/other/" + name).id, file.id);
  EXPECT_EQ(at("sky/d1/again/" + name).id, file.id);
  link("sky/d1", "file", "again/" + name);
  EXPECT_EQ(at("sky/d1/file").id, file.id);
  EXPECT_THAT(error_of("sky/d1/again/absent"), HasSubstr("sky/d1/again/absent: sky/d0/absent: "));
}

TEST_F(TreeWalkTest, LinksInACircleAreAnErrorAndAsManyAsTheKernelFollowsAreNot) {
  link("sky", "one", "two");
  link("sky", "two", "one");
  link("sky", "itself", "itself/itself");
  EXPECT_THAT(error_of("sky/one"), HasSubstr("sky/one: more than 40 links"));
  EXPECT_THAT(error_of("sky/itself/x"), HasSubstr("more than 40 links"));
  std::string last = "d0";
  for (unsigned i = 1; i <= TreeWalk::kMostLinks; ++i) {
    link("sky", fmt::format("link{}", i), last);
    last = fmt::format("link{}", i);
  }
  EXPECT_EQ(at("sky/" + last).id, at("sky/d0").id);
  link("sky", "more", last);
  EXPECT_THAT(error_of("sky/more"), HasSubstr("more than 40 links"));
}

TEST_F(TreeWalkTest, ALinkOutOfTheMountIsFollowedByNobody) {
  link("sky/d0", "up", "../../..");
  link("sky/d0", "etc", "/etc");
  EXPECT_THAT(error_of("sky/d0/up/etc"), HasSubstr("out of the mount"));
  EXPECT_THAT(error_of("sky/d0/etc/passwd"), HasSubstr("out of the mount"));
}

TEST_F(TreeWalkTest, AWalkFollowsLinksOutOfTheDirectoryThatIsNamed) {
  link("sky/d0", "other", "../d1");
  link("sky/d0", "also", "../d1");
  EXPECT_EQ(visited("sky/d0"), files_of({0, 1})) << "by two names, and walked once";
  EXPECT_EQ(visited("sky/d1"), files_of({1}));
  EXPECT_EQ(visited("sky/d0", false), files_of({0, 1})) << "what is known needs nobody";
  EXPECT_EQ(visited("sky"), files_of({0, 1})) << "where they are, once";
  EXPECT_THAT(left_out, IsEmpty());
}

TEST_F(TreeWalkTest, WhatOnlyALinkMadeKnownIsWalkedTooAndOnce) {
  const Node sky = at("sky");
  std::vector<std::string> paths;
  TreeWalk::Steps steps;
  // As where names are found that their directory does not list: "sky" was looked through by then.
  steps.enter = [&](const Node& dir) -> Result<void> {
    if (walk->shown_path(dir) != "sky/d1") return {};
    ListedEntry late;
    late.name = "late";
    late.kind = NodeKind::directory;
    add(sky.id, late);
    late.name = "file";
    late.kind = NodeKind::file;
    add(at("sky/late").id, late);
    link("sky/d1", "there", "../late");
    link("sky/d0", "there", "../late");
    return {};
  };
  steps.visit = [&](const Node& file) {
    paths.push_back(walk->shown_path(file));
    return true;
  };
  ASSERT_TRUE(walk->walk(sky, steps));
  EXPECT_EQ(std::ranges::count(paths, "sky/late/file"), 1);
}

TEST_F(TreeWalkTest, AWalkDoesNotGoUpByALinkAndSaysSo) {
  link("sky/d0", "up", "..");
  link("sky/d0", "top", "../..");
  link("sky/d0", "here", ".");
  EXPECT_EQ(visited("sky/d0"), files_of({0}));
  std::ranges::sort(left_out);
  EXPECT_THAT(left_out, ElementsAre("sky/d0/top", "sky/d0/up"));
}

TEST_F(TreeWalkTest, ALinkThatLeadsNowhereIsLeftOutAndToldWhereSomebodyWouldBeAsked) {
  link("sky/d0", "gone", "../d1/absent");
  EXPECT_EQ(visited("sky/d0"), files_of({0}));
  EXPECT_THAT(left_out, ElementsAre("sky/d0/gone"));
  EXPECT_EQ(visited("sky/d0", false), files_of({0}));
  EXPECT_THAT(left_out, IsEmpty());
}

TEST_F(TreeWalkTest, LinkedFromIsWhatTheLinksOfOneDirectoryLeadTo) {
  link("sky/d0", "file", "../d1/" + shown_name(kFilesPerDir));
  link("sky/d0", "other", "../d1");
  const auto linked = walk->linked_from(at("sky/d0"), false);
  ASSERT_TRUE(linked);
  std::vector<std::string> paths;
  for (const Node& each : *linked) paths.push_back(walk->shown_path(each));
  std::ranges::sort(paths);
  EXPECT_THAT(paths, ElementsAre("sky/d1", "sky/d1/" + shown_name(kFilesPerDir)));
  EXPECT_THAT(walk->linked_from(at("sky"), false).value(), IsEmpty());
  link("sky/d0", "gone", "../d1/absent");
  EXPECT_FALSE(walk->linked_from(at("sky/d0"), false));
  EXPECT_EQ(walk->linked_from(at("sky/d0"), true)->size(), 2U);
}

}  // namespace
}  // namespace astrofs::model
