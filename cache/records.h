// Typed reads and writes of single records within a transaction. No state; the rules of lmdb.h for threads
// hold. Reads: not_found when there is no record; corrupt when there is one that fails its check (it has been
// reported, and whoever asks treats it as absent) or when LMDB itself failed (Txn::failure() is then set).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "cache/catalog.h"
#include "cache/lmdb.h"
#include "cache/schema.h"

namespace astrofs::records {

/// Deeper than any archive; ends the walk up a tree whose parents were damaged into a circle.
inline constexpr int kMaxDepth = 256;

[[nodiscard]] Result<std::uint64_t> meta(const Txn& txn, std::string_view key);
[[nodiscard]] Result<schema::NodeRecord> node(const Txn& txn, NodeId id);
[[nodiscard]] Result<schema::ChildRecord> child(const Txn& txn, NodeId parent, std::string_view name);
[[nodiscard]] Result<ListingState> listing(const Txn& txn, NodeId dir);
[[nodiscard]] Result<ObjectState> object(const Txn& txn, const Hash128& id);
[[nodiscard]] Result<BlockChunk> block(const Txn& txn, const Hash128& id, std::uint32_t chunk);
[[nodiscard]] bool pinned(const Txn& txn, NodeId id);  ///< itself, or a directory above it

[[nodiscard]] Result<void> put_meta(WriteTxn& txn, std::string_view key, std::uint64_t value);
[[nodiscard]] Result<void> put_node(WriteTxn& txn, const schema::NodeRecord& node);
[[nodiscard]] Result<void> put_child(WriteTxn& txn, NodeId parent, std::string_view name,
                                     const schema::ChildRecord& child);
[[nodiscard]] Result<void> put_listing(WriteTxn& txn, NodeId dir, const ListingState& listing);
[[nodiscard]] Result<void> put_object(WriteTxn& txn, const Hash128& id, const ObjectState& object);
[[nodiscard]] Result<void> put_block(WriteTxn& txn, const Hash128& id, std::uint32_t chunk,
                                     const BlockChunk& blocks);

/// There is no such record, or none that can be believed: it may be written anew. False for a failure of
/// LMDB.
template <class T>
[[nodiscard]] bool absent(const Txn& txn, const Result<T>& result) {
  return !result && txn.failure() == 0 &&
         (result.error().code == Errc::not_found || result.error().code == Errc::corrupt);
}
/// There is a record, and it cannot be believed.
template <class T>
[[nodiscard]] bool damaged(const Txn& txn, const Result<T>& result) {
  return !result && txn.failure() == 0 && result.error().code == Errc::corrupt;
}

}  // namespace astrofs::records
