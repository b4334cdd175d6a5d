#include "cache/records.h"

#include <optional>

#include "cache/damage_log.h"

namespace astrofs::records {
namespace {

template <class T, class Decode>
Result<T> read(const Txn& txn, Table table, std::string_view key, Decode decode) {
  const Result<std::optional<std::string_view>> value = txn.get(table, key);
  if (!value) return tl::unexpected(value.error());
  if (!*value) return fail(Errc::not_found, std::string("no such record in table ") + name_of(table));
  Result<T> out{};
  if (decode(key, **value, *out)) return out;
  txn.damage().record(table, key);
  return fail(Errc::corrupt, std::string("a damaged record in table ") + name_of(table));
}

}  // namespace

Result<std::uint64_t> meta(const Txn& txn, std::string_view key) {
  return read<std::uint64_t>(txn, Table::meta, key, schema::decode_meta);
}

Result<schema::NodeRecord> node(const Txn& txn, NodeId id) {
  return read<schema::NodeRecord>(txn, Table::node, schema::id_key(id), schema::decode_node);
}

Result<schema::ChildRecord> child(const Txn& txn, NodeId parent, std::string_view name) {
  if (name.empty() || name.size() > schema::kMaxName)
    return fail(Errc::not_found, "no entry can have such a name");
  return read<schema::ChildRecord>(txn, Table::child, schema::child_key(parent, name), schema::decode_child);
}

Result<ListingState> listing(const Txn& txn, NodeId dir) {
  return read<ListingState>(txn, Table::listing, schema::id_key(dir), schema::decode_listing);
}

Result<ObjectState> object(const Txn& txn, const Hash128& id) {
  return read<ObjectState>(txn, Table::object, schema::object_key(id), schema::decode_object);
}

Result<BlockChunk> block(const Txn& txn, const Hash128& id, std::uint32_t chunk) {
  return read<BlockChunk>(txn, Table::block, schema::block_key(id, chunk), schema::decode_block);
}

bool pinned(const Txn& txn, NodeId id) {
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    if (read<NodeId>(txn, Table::pin, schema::id_key(id), schema::decode_pin)) return true;
    if (id == kRootNode) return false;
    const Result<schema::NodeRecord> record = node(txn, id);
    if (!record) return false;
    id = record->parent;
  }
  return false;
}

Result<void> put_meta(WriteTxn& txn, std::string_view key, std::uint64_t value) {
  return txn.put(Table::meta, key, schema::encode_meta(key, value));
}

Result<void> put_node(WriteTxn& txn, const schema::NodeRecord& node) {
  const schema::Key key = schema::id_key(node.id);
  return txn.put(Table::node, key, schema::encode_node(key, node));
}

Result<void> put_child(WriteTxn& txn, NodeId parent, std::string_view name,
                       const schema::ChildRecord& child) {
  const schema::Key key = schema::child_key(parent, name);
  return txn.put(Table::child, key, schema::encode_child(key, child));
}

Result<void> put_listing(WriteTxn& txn, NodeId dir, const ListingState& listing) {
  const schema::Key key = schema::id_key(dir);
  return txn.put(Table::listing, key, schema::encode_listing(key, listing));
}

Result<void> put_object(WriteTxn& txn, const Hash128& id, const ObjectState& object) {
  const schema::Key key = schema::object_key(id);
  return txn.put(Table::object, key, schema::encode_object(key, object));
}

Result<void> put_block(WriteTxn& txn, const Hash128& id, std::uint32_t chunk, const BlockChunk& blocks) {
  const schema::Key key = schema::block_key(id, chunk);
  return txn.put(Table::block, key, schema::encode_block(key, blocks));
}

}  // namespace astrofs::records
