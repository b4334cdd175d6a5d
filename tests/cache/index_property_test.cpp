// Any sequence of changes, with restarts between: the index says what a plain map says.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fmt/format.h>

#include <map>
#include <set>

#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

struct ModelFile {
  NodeId id{0};
  std::uint32_t generation{1};
  std::uint64_t size{0};
  std::string validator;
  bool listed{true};
};

struct Model {
  std::map<std::string, ModelFile> files;  ///< those that ever were
  std::map<std::uint64_t, std::set<std::uint32_t>> blocks;
  std::vector<std::uint64_t> uses;  ///< objects, oldest use first
};

constexpr std::uint64_t kObjectSize = 100 * kBlockSize + 17;

void relist(Index& index, Model& model) {
  const auto names = *rc::gen::container<std::set<std::string>>(
      rc::gen::map(rc::gen::inRange(0, 40), [](int i) { return fmt::format("n{}", i); }));
  std::vector<ListedEntry> entries;
  std::set<std::string> removed;
  for (const auto& [name, file] : model.files) {
    if (file.listed && !names.contains(name)) removed.insert(name);
  }
  for (const std::string& name : names) {
    const auto size = *rc::gen::inRange<std::uint64_t>(1, 4);
    const std::string validator = fmt::format("\"{}\"", *rc::gen::inRange(0, 2));
    entries.insert(entries.begin(), file_entry(name, size, validator));  // not in order
    ModelFile& file = model.files[name];
    if (file.id != 0 && (file.size != size || file.validator != validator)) ++file.generation;
    file.size = size;
    file.validator = validator;
    file.id = file.id == 0 ? ~NodeId{0} : file.id;  // numbered below
  }
  for (auto& [name, file] : model.files) file.listed = names.contains(name);
  const auto change = index.list(kRootNode, entries);
  RC_ASSERT(change.has_value());
  RC_ASSERT((std::set<std::string>(change->removed.begin(), change->removed.end()) == removed));
  for (auto& [name, file] : model.files) {
    if (file.id == ~NodeId{0}) file.id = index.child(kRootNode, name).id;
  }
}

void used_last(Model& model, std::uint64_t number) {
  std::erase(model.uses, number);
  model.uses.push_back(number);
}

void change_blocks(Index& index, Model& model) {
  const auto number = *rc::gen::inRange<std::uint64_t>(1, 6);
  const FileVersion version = version_of(number, kObjectSize);
  const auto blocks = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 103)));
  switch (*rc::gen::inRange(0, 4)) {
    case 0: {
      index.writer().drop_blocks(version.object, blocks);
      if (model.blocks.contains(number)) {
        for (const std::uint32_t block : blocks) model.blocks[number].erase(block);
      }
      break;
    }
    case 1:
      index.writer().drop_object(version.object);
      model.blocks.erase(number);
      std::erase(model.uses, number);
      break;
    default: {
      std::vector<IndexWriter::BlockHash> hashes;
      for (const std::uint32_t block : blocks) hashes.push_back({block, hash_of(number, block)});
      index.writer().add_blocks(version, hashes);
      if (!model.blocks.contains(number)) used_last(model, number);
      auto& present = model.blocks[number];
      for (const std::uint32_t block : blocks) {
        if (block <= 100) present.insert(block);
      }
    }
  }
}

void compare(const Catalog& catalog, const Model& model) {
  std::map<std::string, NodeId> shown;
  RC_ASSERT(catalog
                .scan(kRootNode, 0,
                      [&](const Node& node) {
                        shown.emplace(node.name, node.id);
                        return true;
                      })
                .has_value());
  std::set<NodeId> numbers;
  for (const auto& [name, file] : model.files) {
    RC_ASSERT(shown.contains(name) == file.listed);
    const auto node = catalog.node(file.id);
    RC_ASSERT(node.has_value());
    RC_ASSERT(node->name == name && node->listed == file.listed && node->generation == file.generation);
    RC_ASSERT(node->size == file.size && node->validator == file.validator);
    RC_ASSERT(catalog.child(kRootNode, name).has_value() == file.listed);
    RC_ASSERT(numbers.insert(file.id).second);
  }
  std::uint64_t used = 0;
  for (const auto& [number, present] : model.blocks) {
    for (std::uint32_t block = 0; block < 128; ++block) {
      const auto chunk = catalog.blocks(version_of(number, kObjectSize).object, block / kBlocksPerChunk);
      RC_ASSERT(chunk.has_value());
      const bool here = (chunk->present >> block % kBlocksPerChunk & 1U) != 0;
      RC_ASSERT(here == present.contains(block));
      if (here) RC_ASSERT(chunk->hashes[block % kBlocksPerChunk] == hash_of(number, block));
      if (here) used += block == 100 ? 17 : kBlockSize;
    }
  }
  RC_ASSERT(catalog.used_bytes() == used);
  std::vector<Hash128> order;
  RC_ASSERT(catalog
                .scan_oldest([&](const Hash128& id, const ObjectState&) {
                  order.push_back(id);
                  return true;
                })
                .has_value());
  RC_ASSERT(order.size() == model.uses.size());
  for (std::size_t i = 0; i < order.size(); ++i) RC_ASSERT(order[i] == version_of(model.uses[i], 0).object);
  RC_ASSERT(audit(catalog) == "");
}

TEST(IndexProperty, SaysWhatAPlainMapSaysAfterAnyChangesAndRestarts) {
  EXPECT_TRUE(rc::check([] {
    const FreshDir dir(in_memory());
    Index index(dir.path(), 64 * 1024);
    Model model;
    const int steps = *rc::gen::inRange(1, 25);
    for (int step = 0; step < steps; ++step) {
      switch (*rc::gen::inRange(0, 6)) {
        case 0:
          relist(index, model);
          break;
        case 1:
          index.reopen();
          break;
        case 2: {
          const auto number = *rc::gen::inRange<std::uint64_t>(1, 6);
          RC_ASSERT(index.writer().flush().has_value());  // uses of one group have no order among its changes
          index.writer().touch(version_of(number, 0));
          RC_ASSERT(index.writer().flush().has_value());
          if (model.blocks.contains(number)) used_last(model, number);
          break;
        }
        default:
          change_blocks(index, model);
      }
    }
    RC_ASSERT(index.writer().flush().has_value());
    compare(index.catalog(), model);
    index.reopen();
    compare(index.catalog(), model);
  }));
}

}  // namespace
}  // namespace astrofs::test
