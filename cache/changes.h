// The changes of the index, each within a transaction somebody else commits. Every one may be run again from
// the start (the map was full), and leaves nothing behind when it fails before Txn::failure(): it looks
// first, then writes. The index thread only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "cache/lmdb.h"
#include "cache/schema.h"

namespace astrofs::changes {

// --- the tree: node_changes.cpp, listing_merge.cpp

/// What news of an entry does to what is known of it.
enum class Effect : unsigned char { none, attributes, content };

/// Takes over what an archive now says of a file (see cache/README.md for what counts as another content).
[[nodiscard]] Effect take_news(schema::NodeRecord& node, const ListedEntry& news);
/// Another content: a new generation of which nothing is known but what the caller sets.
void next_generation(schema::NodeRecord& node);

/// Numbers for new nodes, never used before.
class NodeNumbers {
 public:
  [[nodiscard]] static Result<NodeNumbers> begin(WriteTxn& txn);
  [[nodiscard]] NodeId take() { return next_++; }
  [[nodiscard]] Result<void> end(WriteTxn& txn) const;  ///< writes only when some were taken

 private:
  NodeId first_{0};
  NodeId next_{0};
};

/// `entries` in order of name bytes.
[[nodiscard]] Result<ListingChange> replace_listing(WriteTxn& txn, NodeId dir,
                                                    std::span<const ListedEntry> entries, ListingState state);
[[nodiscard]] Result<Node> add_child(WriteTxn& txn, NodeId dir, const ListedEntry& entry);
[[nodiscard]] Result<void> note_listing(WriteTxn& txn, NodeId dir, ListingState state);
[[nodiscard]] Result<void> set_size(WriteTxn& txn, NodeId node, std::uint32_t generation, std::uint64_t size,
                                    SysSeconds mtime, const std::string& validator);
[[nodiscard]] Result<void> set_missing(WriteTxn& txn, NodeId node, std::uint32_t generation, bool missing,
                                       const std::string& layout);
[[nodiscard]] Result<void> set_stale(WriteTxn& txn, NodeId node, std::uint32_t generation);
[[nodiscard]] Result<void> renew(WriteTxn& txn, NodeId node, std::uint32_t generation);
[[nodiscard]] Result<void> set_layout(WriteTxn& txn, NodeId node, std::uint32_t generation,
                                      const std::string& layout);
[[nodiscard]] Result<void> set_pin(WriteTxn& txn, NodeId node, bool pinned);
/// A name that may stand in a directory, with texts that may be stored.
[[nodiscard]] Result<void> check_entry(const ListedEntry& entry);
/// `dir` is a directory; else not_found or not_directory.
[[nodiscard]] Result<void> require_directory(const Txn& txn, NodeId dir);

// --- what is on this machine: block_changes.cpp

[[nodiscard]] Result<void> add_blocks(WriteTxn& txn, const FileVersion& version,
                                      std::span<const IndexWriter::BlockHash> blocks);
[[nodiscard]] Result<void> drop_blocks(WriteTxn& txn, const Hash128& object,
                                       std::span<const std::uint32_t> blocks);
[[nodiscard]] Result<void> drop_object(WriteTxn& txn, const Hash128& object);
[[nodiscard]] Result<void> touch(WriteTxn& txn, const IndexWriter::Use& use);
[[nodiscard]] Result<void> set_etags(WriteTxn& txn, const FileVersion& version, const std::string& etags);
[[nodiscard]] Result<void> set_verdict(WriteTxn& txn, const FileVersion& version, Verdict verdict,
                                       const std::string& proof);
/// Counts everything again from the block records, after a record of the accounts was found damaged.
[[nodiscard]] Result<void> recount(WriteTxn& txn);

}  // namespace astrofs::changes
