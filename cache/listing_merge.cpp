// A new listing against the children known so far: one walk over both, in order of name bytes.
#include <algorithm>
#include <utility>

#include "cache/changes.h"
#include "cache/records.h"

namespace astrofs::changes {
namespace {

/// Children read at once. The walk may not hold a cursor while it writes, so it reads ahead and starts again.
constexpr std::size_t kBatch = 1024;

/// The children of a directory, listed or not, in order of name; those added behind the walk are not met.
class KnownChildren {
 public:
  KnownChildren(const WriteTxn& txn, NodeId dir) : txn_(txn), dir_(dir), from_(schema::id_key(dir)) {}

  struct Child {
    std::string name;
    schema::ChildRecord record;
  };
  /// The next one, or nullptr at the end; stays until pop().
  Result<const Child*> head() {
    if (next_ == batch_.size() && !ended_) {
      if (auto read = refill(); !read) return tl::unexpected(read.error());
    }
    return next_ < batch_.size() ? &batch_[next_] : nullptr;
  }
  void pop() { ++next_; }

 private:
  Result<void> refill() {
    batch_.clear();
    next_ = 0;
    Cursor cursor(txn_, Table::child);
    Result<bool> more = cursor.seek(from_);
    for (; more && *more && schema::leading_u64(cursor.key()) == dir_; more = cursor.next()) {
      if (batch_.size() == kBatch) {
        from_.assign(cursor.key());
        return {};
      }
      Child child{std::string(cursor.key().substr(8)), {}};
      // One that cannot be read counts as a number that no node has: it gets a new one, or goes.
      if (!schema::decode_child(cursor.key(), cursor.value(), child.record)) child.record = {0, true};
      batch_.push_back(std::move(child));
    }
    if (!more) return tl::unexpected(more.error());
    ended_ = true;
    return {};
  }

  const WriteTxn& txn_;
  const NodeId dir_;
  std::string from_;
  std::vector<Child> batch_;
  std::size_t next_{0};
  bool ended_{false};
};

/// Of more, those that the kernel knows not to be there are forgotten by their time-out.
constexpr std::size_t kMostAppeared = 4096;

/// The changes to one directory's children.
class Merge {
 public:
  Merge(WriteTxn& txn, NodeId dir, SysSeconds when, NodeNumbers numbers, bool listed_before)
      : txn_(txn), dir_(dir), when_(when), numbers_(numbers), listed_before_(listed_before) {}

  Result<schema::NodeRecord> add(const ListedEntry& entry) {
    schema::NodeRecord node;
    node.id = numbers_.take();
    node.parent = dir_;
    node.name = entry.name;
    node.kind = entry.kind;
    node.size = entry.size;
    node.mtime = entry.mtime;
    node.locator = entry.locator;
    node.validator = entry.validator;
    const schema::Key key = schema::id_key(node.id);
    if (auto put = txn_.append(Table::node, key, schema::encode_node(key, node)); !put)
      return tl::unexpected(put.error());
    if (auto put = records::put_child(txn_, dir_, entry.name, {node.id, true}); !put)
      return tl::unexpected(put.error());
    note_added(entry.name);
    return node;
  }

  Result<schema::NodeRecord> keep(const schema::ChildRecord& child, const ListedEntry& entry) {
    Result<schema::NodeRecord> node = records::node(txn_, child.id);
    if (records::absent(txn_, node)) return add(entry);
    if (!node) return node;
    const bool other_directory = node->kind == NodeKind::directory && node->validator != entry.validator;
    if (node->kind != entry.kind || other_directory) {
      // An inode does not change its kind, nor a directory into that of another archive: another one takes
      // the name.
      if (child.listed) change_.removed.push_back(entry.name);
      if (auto hidden = hide(*node); !hidden) return tl::unexpected(hidden.error());
      return add(entry);
    }
    const Effect effect = take_news(*node, entry);
    if (effect == Effect::none && child.listed && node->listed) return node;
    if (effect != Effect::none) change_.changed.push_back(node->id);
    if (!child.listed) {
      note_added(entry.name);
      if (auto put = records::put_child(txn_, dir_, entry.name, {node->id, true}); !put)
        return tl::unexpected(put.error());
    }
    node->listed = true;
    node->unlisted_at = {};
    if (auto put = records::put_node(txn_, *node); !put) return tl::unexpected(put.error());
    return node;
  }

  Result<void> drop(const KnownChildren::Child& child) {
    if (!child.record.listed) return {};
    change_.removed.push_back(child.name);
    Result<schema::NodeRecord> node = records::node(txn_, child.record.id);
    if (records::absent(txn_, node)) return txn_.erase(Table::child, schema::child_key(dir_, child.name));
    if (!node) return tl::unexpected(node.error());
    if (auto hidden = hide(*node); !hidden) return hidden;
    return records::put_child(txn_, dir_, child.name, {child.record.id, false});
  }

  Result<ListingChange> finish() {
    if (auto kept = numbers_.end(txn_); !kept) return tl::unexpected(kept.error());
    return std::move(change_);
  }

 private:
  void note_added(const std::string& name) {
    change_.added = true;
    if (listed_before_ && change_.appeared.size() < kMostAppeared) change_.appeared.push_back(name);
  }

  Result<void> hide(schema::NodeRecord& node) {
    node.listed = false;
    node.unlisted_at = when_;
    return records::put_node(txn_, node);
  }

  WriteTxn& txn_;
  const NodeId dir_;
  const SysSeconds when_;
  NodeNumbers numbers_;
  const bool listed_before_;
  ListingChange change_;
};

Result<void> merge_all(KnownChildren& known, std::span<const ListedEntry> entries, Merge& merge) {
  std::size_t at = 0;
  while (true) {
    const Result<const KnownChildren::Child*> head = known.head();
    if (!head) return tl::unexpected(head.error());
    const KnownChildren::Child* child = *head;
    const ListedEntry* entry = at < entries.size() ? &entries[at] : nullptr;
    if (child == nullptr && entry == nullptr) return {};
    const int order = child == nullptr ? 1 : entry == nullptr ? -1 : child->name.compare(entry->name);
    if (order < 0) {
      if (auto dropped = merge.drop(*child); !dropped) return dropped;
    } else {
      const auto node = order > 0 ? merge.add(*entry) : merge.keep(child->record, *entry);
      if (!node) return tl::unexpected(node.error());
      ++at;
    }
    if (order <= 0) known.pop();
  }
}

}  // namespace

Result<ListingChange> replace_listing(WriteTxn& txn, NodeId dir, std::span<const ListedEntry> entries,
                                      ListingState state) {
  if (auto fine = require_directory(txn, dir); !fine) return tl::unexpected(fine.error());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (auto fine = check_entry(entries[i]); !fine) return tl::unexpected(fine.error());
    if (i > 0 && entries[i - 1].name >= entries[i].name)
      return fail(Errc::invalid, "a listing holds a name twice");
  }
  const Result<NodeNumbers> numbers = NodeNumbers::begin(txn);
  if (!numbers) return tl::unexpected(numbers.error());
  const auto before = records::listing(txn, dir);
  KnownChildren known(txn, dir);
  Merge merge(txn, dir, state.fetched, *numbers, before && before->fetched != SysSeconds{});
  if (auto merged = merge_all(known, entries, merge); !merged) return tl::unexpected(merged.error());
  state.count = entries.size();
  if (auto put = records::put_listing(txn, dir, state); !put) return tl::unexpected(put.error());
  return merge.finish();
}

Result<Node> add_child(WriteTxn& txn, NodeId dir, const ListedEntry& entry) {
  if (auto fine = check_entry(entry); !fine) return tl::unexpected(fine.error());
  if (auto fine = require_directory(txn, dir); !fine) return tl::unexpected(fine.error());
  const Result<NodeNumbers> numbers = NodeNumbers::begin(txn);
  if (!numbers) return tl::unexpected(numbers.error());
  const Result<schema::ChildRecord> child = records::child(txn, dir, entry.name);
  if (!child && !records::absent(txn, child)) return tl::unexpected(child.error());
  Merge merge(txn, dir, {}, *numbers, false);
  Result<schema::NodeRecord> node = child ? merge.keep(*child, entry) : merge.add(entry);
  if (!node) return tl::unexpected(node.error());
  if (auto finished = merge.finish(); !finished) return tl::unexpected(finished.error());
  return std::move(*node);
}

}  // namespace astrofs::changes
