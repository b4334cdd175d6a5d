#include "tests/cache/index_fixture.h"

#include <fmt/format.h>

#include <cstring>
#include <future>
#include <set>
#include <stdexcept>

namespace astrofs::test {

std::filesystem::path in_memory() {
  return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path();
}

Index::Index(std::string dir, std::uint64_t map_size) : dir_(std::move(dir)), map_size_(map_size) {
  open();
}

void Index::open() {
  auto catalog = Catalog::open({dir_, map_size_});
  if (!catalog) throw std::runtime_error(catalog.error().message);
  catalog_ = std::move(*catalog);
  writer_ = std::make_unique<IndexWriter>(*catalog_);
}

void Index::close() {
  writer_.reset();
  catalog_.reset();
}

Result<ListingChange> Index::list(NodeId dir, std::vector<ListedEntry> entries) {
  std::promise<Result<ListingChange>> promise;
  ListingState state;
  state.fetched = SysSeconds(seconds(1000));
  writer_->replace_listing(dir, std::move(entries), state,
                           [&](Result<ListingChange> change) { promise.set_value(std::move(change)); });
  return promise.get_future().get();
}

Result<Node> Index::add(NodeId dir, ListedEntry entry) {
  std::promise<Result<Node>> promise;
  writer_->add_child(dir, std::move(entry), [&](Result<Node> node) { promise.set_value(std::move(node)); });
  return promise.get_future().get();
}

Result<void> Index::set_size(NodeId node, std::uint64_t size, const std::string& validator) {
  const Result<Node> known = catalog_->node(node);
  if (!known) return tl::unexpected<Error>(known.error());
  std::promise<Result<void>> promise;
  writer_->set_size(node, known->generation, size, {}, validator,
                    [&](Result<void> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

Result<void> Index::drop_object(const Hash128& object) {
  std::promise<Result<void>> promise;
  writer_->drop_object(object, [&](Result<void> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

std::vector<std::string> Index::names(NodeId dir, NodeId after) {
  std::vector<std::string> names;
  const auto scanned = catalog_->scan(dir, after, [&](const Node& node) {
    names.push_back(node.name);
    return true;
  });
  if (!scanned) throw std::runtime_error(scanned.error().message);
  return names;
}

Node Index::child(NodeId dir, const std::string& name) {
  auto node = catalog_->child(dir, name);
  if (!node) throw std::runtime_error(name + ": " + node.error().message);
  return *node;
}

ListedEntry file_entry(std::string name, std::optional<std::uint64_t> size, std::string validator) {
  std::string locator = "at/" + name;
  return {std::move(name),          NodeKind::file,     size,
          SysSeconds(seconds(500)), std::move(locator), std::move(validator)};
}

ListedEntry dir_entry(std::string name) {
  std::string locator = "at/" + name;
  return {std::move(name), NodeKind::directory, std::nullopt, {}, std::move(locator), ""};
}

FileVersion version_of(std::uint64_t number, std::uint64_t size) {
  return {number, 1, size, sha256_prefix({fmt::format("object {}", number)})};
}

std::uint64_t hash_of(std::uint64_t number, std::uint32_t block) {
  return number * 1'000'003 + block + 1;
}

std::vector<IndexWriter::BlockHash> some_blocks(std::uint64_t number, std::uint32_t first,
                                                std::uint32_t last) {
  std::vector<IndexWriter::BlockHash> blocks;
  for (std::uint32_t block = first; block <= last; ++block) blocks.push_back({block, hash_of(number, block)});
  return blocks;
}

std::string audit(const Catalog& catalog) {
  std::string wrong;
  std::uint64_t used = 0;
  std::uint64_t objects = 0;
  std::uint64_t last_use = 0;
  std::set<Hash128> seen;
  const auto scanned = catalog.scan_oldest([&](const Hash128& id, const ObjectState& object) {
    if (!seen.insert(id).second) wrong += "an object twice; ";
    if (object.last_used <= last_use) wrong += "uses out of order; ";
    last_use = object.last_used;
    std::uint64_t present = 0;
    const std::uint64_t blocks = (object.size + kBlockSize - 1) / kBlockSize;
    for (std::uint32_t chunk = 0; chunk * std::uint64_t{kBlocksPerChunk} < blocks; ++chunk) {
      const auto record = catalog.blocks(id, chunk);
      if (!record) {
        wrong += record.error().message + "; ";
        continue;
      }
      for (std::uint32_t i = 0; i < kBlocksPerChunk; ++i) {
        if ((record->present >> i & 1U) == 0) continue;
        const std::uint64_t first = (std::uint64_t{chunk} * kBlocksPerChunk + i) * kBlockSize;
        present +=
            first < object.size ? std::min<std::uint64_t>(kBlockSize, object.size - first) : (1ULL << 60);
      }
    }
    if (present != object.present_bytes) {
      wrong += fmt::format("an object says {} bytes and has {}; ", object.present_bytes, present);
    }
    used += present;
    ++objects;
    return true;
  });
  if (!scanned) wrong += scanned.error().message + "; ";
  if (used != catalog.used_bytes())
    wrong += fmt::format("used says {} and is {}; ", catalog.used_bytes(), used);
  if (objects != catalog.object_count())
    wrong += fmt::format("{} objects said, {} found; ", catalog.object_count(), objects);
  return wrong;
}

}  // namespace astrofs::test
