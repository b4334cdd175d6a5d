// Which archive a node belongs to, and what tells the bytes of two files apart.
#include "fs/archive_table.h"

#include <gtest/gtest.h>

#include <future>
#include <set>

#include "cache/index_writer.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

class NamedArchive final : public Archive {
 public:
  explicit NamedArchive(std::string scope) : scope_(std::move(scope)) {}
  Result<std::variant<Listing, NotModified>> list(std::string_view, std::string_view,
                                                  std::stop_token) override {
    return fail(Errc::unavailable, "nobody lists here");
  }
  Result<std::vector<http::Request>> locate(std::string_view) override {
    return fail(Errc::unavailable, "nobody fetches here");
  }
  [[nodiscard]] std::string credential_scope(std::string_view) const override { return scope_; }

 private:
  const std::string scope_;
};

MountedArchive mounted(std::string name, std::string identity = "url", std::string scope = "public") {
  MountedArchive archive;
  archive.name = std::move(name);
  archive.archive = std::make_unique<NamedArchive>(std::move(scope));
  archive.identity = std::move(identity);
  return archive;
}

template <class... Archives>
std::vector<MountedArchive> table_of(Archives... archives) {
  std::vector<MountedArchive> all;
  (all.push_back(std::move(archives)), ...);
  return all;
}

class ArchiveTableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto catalog = Catalog::open({dir_.path(), 1ULL << 24});
    ASSERT_TRUE(catalog) << catalog.error().message;
    catalog_ = std::move(*catalog);
    writer_ = std::make_unique<IndexWriter>(*catalog_);
  }

  Node add(NodeId dir, const std::string& name, NodeKind kind = NodeKind::directory) {
    std::promise<Result<Node>> added;
    writer_->add_child(dir, {name, kind, std::nullopt, {}, "at/" + name, ""},
                       [&added](Result<Node> node) { added.set_value(std::move(node)); });
    const Result<Node> node = added.get_future().get();
    EXPECT_TRUE(node);
    return node.value_or(Node{});
  }
  [[nodiscard]] std::string owner(const ArchiveTable& table, const Node& node) const {
    const MountedArchive* archive = table.of(node);
    return archive ? archive->name : "nobody";
  }

  const FreshDir dir_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<IndexWriter> writer_;
};

TEST_F(ArchiveTableTest, AnArchiveOwnsItsDirectoryAndAllBelow) {
  const ArchiveTable table(*catalog_, table_of(mounted("a"), mounted("b")));
  for (const char* name : {"a", "b"}) {
    Node node = add(kRootNode, name);
    EXPECT_EQ(owner(table, node), name);
    for (int depth = 0; depth < 20; ++depth) {
      EXPECT_EQ(owner(table, add(node.id, "file", NodeKind::file)), name);
      node = add(node.id, "deeper");
      EXPECT_EQ(owner(table, node), name);
    }
  }
}

TEST_F(ArchiveTableTest, TheRootIsNobodys) {
  const ArchiveTable table(*catalog_, table_of(mounted("a")));
  EXPECT_EQ(owner(table, *catalog_->node(kRootNode)), "nobody");
}

TEST_F(ArchiveTableTest, WhatAnArchiveThatIsNoLongerConfiguredLeftIsNobodys) {
  const ArchiveTable table(*catalog_, table_of(mounted("a")));
  const Node gone = add(kRootNode, "gone");
  const Node below = add(gone.id, "a");  // the name of an archive counts at the root only
  EXPECT_EQ(owner(table, gone), "nobody");
  EXPECT_EQ(owner(table, below), "nobody");
  EXPECT_EQ(owner(table, add(below.id, "file", NodeKind::file)), "nobody");
}

TEST_F(ArchiveTableTest, ADirectoryThatCouldNotBeReadIsAskedForAgain) {
  const ArchiveTable table(*catalog_, table_of(mounted("a")));
  const Node top = add(kRootNode, "a");
  Node file;
  file.id = top.id + 2;
  file.parent = top.id + 1;
  EXPECT_EQ(owner(table, file), "nobody") << "its directory is not in the catalog yet";
  ASSERT_EQ(add(top.id, "dir").id, file.parent);
  EXPECT_EQ(owner(table, file), "a");
}

TEST_F(ArchiveTableTest, MoreDirectoriesThanAreRememberedAreStillFound) {
  const ArchiveTable table(*catalog_, table_of(mounted("a")));
  const Node top = add(kRootNode, "a");
  std::vector<ListedEntry> entries;
  constexpr int kMany = 17'000;
  for (int i = 0; i < kMany; ++i) {
    entries.push_back({std::to_string(100'000 + i), NodeKind::directory, std::nullopt, {}, "", ""});
  }
  writer_->replace_listing(top.id, std::move(entries), {}, {});
  ASSERT_TRUE(writer_->flush());
  std::vector<NodeId> dirs;
  const auto scanned = catalog_->scan(top.id, 0, [&dirs](const Node& dir) {
    dirs.push_back(dir.id);
    return true;
  });
  ASSERT_TRUE(scanned);
  ASSERT_EQ(dirs.size(), static_cast<std::size_t>(kMany));
  for (int round = 0; round < 2; ++round) {
    std::size_t found = 0;
    for (const NodeId dir : dirs) {
      Node file;
      file.id = NodeId{1} << 30;
      file.parent = dir;
      found += table.of(file) == table.all().data() ? 1 : 0;
    }
    EXPECT_EQ(found, dirs.size());
  }
}

class VersionTest : public ArchiveTableTest {
 protected:
  void SetUp() override {
    ArchiveTableTest::SetUp();
    top_ = add(kRootNode, "a");
    file_.id = 1000;
    file_.parent = top_.id;
    file_.name = "x.fits";
    file_.generation = 1;
    file_.size = 2880;
    file_.mtime = SysSeconds(seconds(1'600'000'000));
    file_.locator = "x";
    file_.validator = "\"v1\"";
  }
  [[nodiscard]] Hash128 object(const Node& node, const std::string& identity = "url",
                               const std::string& scope = "public") const {
    const ArchiveTable table(*catalog_, table_of(mounted("a", identity, scope)));
    return table.version(node).object;
  }
  template <class Change>
  [[nodiscard]] Hash128 changed(Change change) const {
    Node node = file_;
    change(node);
    return object(node);
  }

  Node top_;
  Node file_;
};

TEST_F(VersionTest, CarriesNodeGenerationAndSize) {
  file_.generation = 4;
  const ArchiveTable table(*catalog_, table_of(mounted("a")));
  const FileVersion version = table.version(file_);
  EXPECT_EQ(version.node, 1000U);
  EXPECT_EQ(version.generation, 4U);
  EXPECT_EQ(version.size, 2880U);
}

TEST_F(VersionTest, IsTheSameAfterARestart) {
  EXPECT_EQ(object(file_), object(file_));
}

TEST_F(VersionTest, BytesThatMayDifferNeverShareAFileOnDisk) {
  const std::vector<Hash128> all{
      object(file_),
      changed([](Node& node) { node.locator = "y"; }),
      changed([](Node& node) { node.validator = "\"v2\""; }),
      changed([](Node& node) { node.validator = ""; }),
      changed([](Node& node) { node.generation = 2; }),
      changed([](Node& node) { node.size = 5760; }),
      changed([](Node& node) { node.parent = kRootNode; }),  // nobody's
      changed([](Node& node) {
        node.parent = kRootNode;
        node.id = 1001;
      }),
      object(file_, "another url"),
      object(file_, "url", "token of somebody"),
  };
  EXPECT_EQ(std::set<Hash128>(all.begin(), all.end()).size(), all.size());
}

TEST_F(VersionTest, TheDateTellsVersionsApartOnlyWhereThereIsNoValidator) {
  const auto later = [](Node& node) { node.mtime += seconds(1); };
  EXPECT_EQ(changed(later), object(file_));
  file_.validator = "";
  EXPECT_NE(changed(later), object(file_));
}

TEST_F(VersionTest, WhatMovesInTheTreeKeepsItsBytes) {
  EXPECT_EQ(changed([](Node& node) { node.name = "renamed.fits"; }), object(file_));
  EXPECT_EQ(changed([](Node& node) { node.id = 1001; }), object(file_));
}

TEST_F(VersionTest, TheFieldsOfItsNameDoNotRunIntoEachOther) {
  const auto split = [this](const std::string& locator, const std::string& validator) {
    return changed([&](Node& node) {
      node.locator = locator;
      node.validator = validator;
    });
  };
  EXPECT_NE(split("ab", "c"), split("a", "bc"));
}

}  // namespace
}  // namespace astrofs
