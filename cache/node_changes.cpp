#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cache/changes.h"
#include "cache/records.h"

namespace astrofs::changes {
namespace {

constexpr SysSeconds kUnknownTime{};

/// Two statements about one file that cannot both be about the same bytes.
bool contradicts(const schema::NodeRecord& node, const ListedEntry& news) {
  if (node.locator != news.locator) return true;
  if (node.size && news.size && *node.size != *news.size) return true;
  if (!node.validator.empty() && !news.validator.empty()) return node.validator != news.validator;
  // A validator where there was none: nobody can have read bytes of a file whose size was not known.
  if (node.validator.empty() && !news.validator.empty()) return node.size.has_value();
  // A listing that gives none (a mirror's) takes no ETag of another listing back. One that was only probed
  // for is as old as the date it was probed at.
  if (node.validator.starts_with('"')) return false;
  return node.mtime != kUnknownTime && news.mtime != kUnknownTime && node.mtime != news.mtime;
}

}  // namespace

void next_generation(schema::NodeRecord& node) {
  node.generation = generation_after(node.generation);
  node.size.reset();
  node.validator.clear();
  node.layout.clear();
  node.missing = false;
}

Effect take_news(schema::NodeRecord& node, const ListedEntry& news) {
  Effect effect = Effect::none;
  if (node.kind == NodeKind::file && contradicts(node, news)) {
    next_generation(node);
    effect = Effect::content;
  }
  const auto take = [&effect](auto& known, const auto& said) {
    if (known == said) return;
    known = said;
    if (effect == Effect::none) effect = Effect::attributes;
  };
  take(node.locator, news.locator);
  if (news.size) take(node.size, news.size);
  if (!news.validator.empty()) take(node.validator, news.validator);
  if (news.mtime != kUnknownTime) take(node.mtime, news.mtime);
  return effect;
}

Result<NodeNumbers> NodeNumbers::begin(WriteTxn& txn) {
  NodeNumbers numbers;
  const Result<std::uint64_t> next = records::meta(txn, schema::kMetaNextNode);
  if (next) {
    numbers.next_ = *next;
  } else if (records::absent(txn, next)) {
    // Lost: go on behind the highest number in use. Half of the numbers are left out, for those that were
    // used and are gone.
    Cursor cursor(txn, Table::node);
    NodeId highest = kRootNode;
    Result<bool> more = cursor.seek({});
    for (; more && *more; more = cursor.next()) highest = schema::leading_u64(cursor.key());
    if (!more) return tl::unexpected(more.error());
    numbers.next_ = highest * 2;
  } else {
    return tl::unexpected(next.error());
  }
  numbers.first_ = next ? numbers.next_ : 0;
  return numbers;
}

Result<void> NodeNumbers::end(WriteTxn& txn) const {
  if (next_ == first_) return {};
  return records::put_meta(txn, schema::kMetaNextNode, next_);
}

Result<void> check_entry(const ListedEntry& entry) {
  const std::string& name = entry.name;
  if (name.empty() || name.size() > schema::kMaxName || name == "." || name == ".." ||
      name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
    return fail(Errc::invalid, "a listing holds a name that no directory entry may have");
  }
  if (entry.locator.size() > schema::kMaxText || entry.validator.size() > schema::kMaxText) {
    return fail(Errc::too_large, "a listing holds a locator or validator beyond all measure");
  }
  if (entry.size > kLargestFile)
    return fail(Errc::too_large, fmt::format("{} is said to have {} bytes", entry.name, *entry.size));
  return {};
}

Result<void> require_directory(const Txn& txn, NodeId dir) {
  const auto node = records::node(txn, dir);
  if (!node) return tl::unexpected(node.error());
  if (node->kind != NodeKind::directory) return fail(Errc::not_directory, "only a directory has a listing");
  return {};
}

Result<void> note_listing(WriteTxn& txn, NodeId dir, ListingState state) {
  if (auto fine = require_directory(txn, dir); !fine) return fine;
  const auto known = records::listing(txn, dir);
  if (!known && !records::absent(txn, known)) return tl::unexpected(known.error());
  state.count = known ? known->count : 0;
  return records::put_listing(txn, dir, state);
}

Result<void> set_size(WriteTxn& txn, NodeId id, std::uint32_t generation, std::uint64_t size,
                      SysSeconds mtime, const std::string& validator) {
  auto node = records::node(txn, id);
  if (!node) return tl::unexpected(node.error());
  if (node->generation != generation) return {};
  if (node->kind == NodeKind::directory) return fail(Errc::is_directory, "a directory has no size");
  const ListedEntry news{node->name, node->kind, size, mtime, node->locator, validator};
  if (auto fine = check_entry(news); !fine) return fine;
  if (take_news(*node, news) == Effect::none) return {};
  return records::put_node(txn, *node);
}

Result<void> set_missing(WriteTxn& txn, NodeId id, std::uint32_t generation, bool missing,
                         const std::string& layout) {
  auto node = records::node(txn, id);
  if (!node) return tl::unexpected(node.error());
  if (node->generation != generation || node->missing == missing) return {};
  const std::optional<std::uint64_t> size = node->size;
  const std::string validator = node->validator;
  next_generation(*node);
  // The listing still says so: a placeholder has exactly that size.
  node->size = size;
  node->validator = validator;
  node->missing = missing;
  if (layout.size() <= schema::kMaxText) node->layout = layout;
  return records::put_node(txn, *node);
}

Result<void> set_stale(WriteTxn& txn, NodeId id, std::uint32_t generation) {
  auto node = records::node(txn, id);
  if (!node) return tl::unexpected(node.error());
  if (node->generation != generation) return {};
  next_generation(*node);
  return records::put_node(txn, *node);
}

Result<void> renew(WriteTxn& txn, NodeId id, std::uint32_t generation) {
  auto node = records::node(txn, id);
  if (!node) return tl::unexpected(node.error());
  if (node->generation != generation) return {};
  node->generation = generation_after(generation);
  node->layout.clear();  // it was read from bytes that are not believed
  return records::put_node(txn, *node);
}

Result<void> set_layout(WriteTxn& txn, NodeId id, std::uint32_t generation, const std::string& layout) {
  auto node = records::node(txn, id);
  if (!node) return tl::unexpected(node.error());
  if (node->generation != generation || node->layout == layout || layout.size() > schema::kMaxText) return {};
  node->layout = layout;
  return records::put_node(txn, *node);
}

Result<void> set_pin(WriteTxn& txn, NodeId id, bool pinned) {
  const schema::Key key = schema::id_key(id);
  if (!pinned) return txn.erase(Table::pin, key);
  const auto node = records::node(txn, id);
  if (!node) return tl::unexpected(node.error());
  return txn.put(Table::pin, key, schema::encode_mark(Table::pin, key));
}

}  // namespace astrofs::changes
