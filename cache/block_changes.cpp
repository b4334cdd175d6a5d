#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "base/log.h"
#include "cache/changes.h"
#include "cache/records.h"

namespace astrofs::changes {
namespace {

/// Bytes of a block; the last one of a file is short, one behind it is none.
std::uint64_t block_bytes(std::uint64_t size, std::uint64_t block) {
  const std::uint64_t first = block * kBlockSize;
  return first >= size ? 0 : std::min<std::uint64_t>(kBlockSize, size - first);
}

std::uint64_t present_bytes(std::uint64_t size, std::uint32_t chunk, std::uint64_t present) {
  std::uint64_t bytes = 0;
  for (; present != 0; present &= present - 1) {
    bytes += block_bytes(
        size, std::uint64_t{chunk} * kBlocksPerChunk + static_cast<unsigned>(std::countr_zero(present)));
  }
  return bytes;
}

Result<void> add_to_meta(WriteTxn& txn, std::string_view key, std::uint64_t more, std::uint64_t less) {
  if (more == less) return {};
  const Result<std::uint64_t> value = records::meta(txn, key);
  if (!value) return tl::unexpected(value.error());
  return records::put_meta(txn, key, *value + more - less);
}

/// Moves the object to the young end of `used`; `object.last_used` becomes its place there.
Result<void> use(WriteTxn& txn, const Hash128& id, ObjectState& object) {
  const Result<std::uint64_t> counter = records::meta(txn, schema::kMetaUseCounter);
  if (!counter) return tl::unexpected(counter.error());
  if (object.last_used != 0) {
    if (auto gone = txn.erase(Table::used, schema::used_key(object.last_used, id)); !gone) return gone;
  }
  object.last_used = *counter + 1;
  const schema::Key key = schema::used_key(object.last_used, id);
  if (auto put = txn.put(Table::used, key, schema::encode_mark(Table::used, key)); !put) return put;
  return records::put_meta(txn, schema::kMetaUseCounter, object.last_used);
}

/// Every chunk of the object, whole or not.
Result<void> erase_chunks(WriteTxn& txn, const Hash128& id) {
  const schema::Key prefix = schema::object_key(id);
  std::vector<std::string> keys;
  {
    Cursor cursor(txn, Table::block);
    Result<bool> more = cursor.seek(prefix);
    for (; more && *more && cursor.key().starts_with(prefix); more = cursor.next())
      keys.emplace_back(cursor.key());
    if (!more) return tl::unexpected(more.error());
  }
  for (const std::string& key : keys) {
    if (auto gone = txn.erase(Table::block, key); !gone) return gone;
  }
  return {};
}

/// The counters, and with `id` what is known of an object, can be believed; else everything is counted again
/// first.
Result<void> believe(WriteTxn& txn, const Hash128& id, std::span<const std::uint32_t> chunks) {
  bool broken = records::damaged(txn, records::object(txn, id));
  for (const std::string_view key :
       {schema::kMetaUsedBytes, schema::kMetaObjectCount, schema::kMetaUseCounter}) {
    broken = broken || !records::meta(txn, key);
  }
  for (const std::uint32_t chunk : chunks)
    broken = broken || records::damaged(txn, records::block(txn, id, chunk));
  if (txn.failure() != 0) return fail(Errc::internal, "index: cannot be read");
  return broken ? recount(txn) : Result<void>{};
}

template <class Range, class Block>
std::vector<std::uint32_t> chunks_of(const Range& blocks, Block block) {
  std::vector<std::uint32_t> chunks;
  for (const auto& each : blocks) chunks.push_back(block(each) / kBlocksPerChunk);
  std::sort(chunks.begin(), chunks.end());
  chunks.erase(std::unique(chunks.begin(), chunks.end()), chunks.end());
  return chunks;
}

/// Of several paths that lead to an object eviction asks one whether it is pinned: then it is one that is.
void adopt(const WriteTxn& txn, NodeId node, std::uint32_t generation, ObjectState& object) {
  if (node == object.node || !records::pinned(txn, node) || records::pinned(txn, object.node)) return;
  object.node = node;
  object.generation = generation;
}

/// The object, made when it is not there yet.
Result<ObjectState> object_of(WriteTxn& txn, const FileVersion& version) {
  Result<ObjectState> object = records::object(txn, version.object);
  if (object || !records::absent(txn, object)) return object;
  ObjectState fresh;
  fresh.node = version.node;
  fresh.generation = version.generation;
  fresh.size = version.size;
  if (auto used = use(txn, version.object, fresh); !used) return tl::unexpected(used.error());
  if (auto more = add_to_meta(txn, schema::kMetaObjectCount, 1, 0); !more)
    return tl::unexpected(more.error());
  return fresh;
}

/// Runs `change(chunk number, record)` on each chunk and keeps the object's and the index's sums.
template <class Change>
Result<void> change_chunks(WriteTxn& txn, const Hash128& id, ObjectState& object,
                           std::span<const std::uint32_t> chunks, Change change) {
  std::uint64_t more = 0;
  std::uint64_t less = 0;
  for (const std::uint32_t chunk : chunks) {
    Result<BlockChunk> record = records::block(txn, id, chunk);
    if (!record && !records::absent(txn, record)) return tl::unexpected(record.error());
    BlockChunk blocks = record ? std::move(*record) : BlockChunk{};
    const std::uint64_t before = blocks.present;
    change(chunk, blocks);
    less += present_bytes(object.size, chunk, before);
    more += present_bytes(object.size, chunk, blocks.present);
    const Result<void> put = blocks.present != 0 ? records::put_block(txn, id, chunk, blocks)
                                                 : txn.erase(Table::block, schema::block_key(id, chunk));
    if (!put) return put;
  }
  object.present_bytes += more - less;
  if (auto put = records::put_object(txn, id, object); !put) return put;
  return add_to_meta(txn, schema::kMetaUsedBytes, more, less);
}

}  // namespace

Result<void> add_blocks(WriteTxn& txn, const FileVersion& version,
                        std::span<const IndexWriter::BlockHash> blocks) {
  const auto chunks = chunks_of(blocks, [](const IndexWriter::BlockHash& each) { return each.block; });
  if (auto sound = believe(txn, version.object, chunks); !sound) return sound;
  Result<ObjectState> object = object_of(txn, version);
  if (!object) return tl::unexpected(object.error());
  if (object->size != version.size) return fail(Errc::invalid, "index: one object, two sizes");
  adopt(txn, version.node, version.generation, *object);
  return change_chunks(txn, version.object, *object, chunks, [&](std::uint32_t chunk, BlockChunk& record) {
    for (const IndexWriter::BlockHash& each : blocks) {
      if (each.block / kBlocksPerChunk != chunk || block_bytes(version.size, each.block) == 0) continue;
      record.present |= std::uint64_t{1} << each.block % kBlocksPerChunk;
      record.hashes[each.block % kBlocksPerChunk] = each.hash;
    }
  });
}

Result<void> drop_blocks(WriteTxn& txn, const Hash128& id, std::span<const std::uint32_t> blocks) {
  const auto chunks = chunks_of(blocks, [](std::uint32_t each) { return each; });
  if (auto sound = believe(txn, id, chunks); !sound) return sound;
  Result<ObjectState> object = records::object(txn, id);
  if (records::absent(txn, object)) return {};
  if (!object) return tl::unexpected(object.error());
  return change_chunks(txn, id, *object, chunks, [&](std::uint32_t chunk, BlockChunk& record) {
    for (const std::uint32_t each : blocks) {
      if (each / kBlocksPerChunk == chunk) record.present &= ~(std::uint64_t{1} << each % kBlocksPerChunk);
    }
  });
}

Result<void> drop_object(WriteTxn& txn, const Hash128& id) {
  if (auto sound = believe(txn, id, {}); !sound) return sound;
  const Result<ObjectState> object = records::object(txn, id);
  if (!object && !records::absent(txn, object)) return tl::unexpected(object.error());
  if (auto gone = erase_chunks(txn, id); !gone || !object) return gone;
  if (auto gone = txn.erase(Table::used, schema::used_key(object->last_used, id)); !gone) return gone;
  if (auto gone = txn.erase(Table::object, schema::object_key(id)); !gone) return gone;
  if (auto less = add_to_meta(txn, schema::kMetaObjectCount, 0, 1); !less) return less;
  return add_to_meta(txn, schema::kMetaUsedBytes, 0, object->present_bytes);
}

Result<void> touch(WriteTxn& txn, const IndexWriter::Use& used) {
  if (auto sound = believe(txn, used.object, {}); !sound) return sound;
  Result<ObjectState> object = records::object(txn, used.object);
  if (records::absent(txn, object)) return {};
  if (!object) return tl::unexpected(object.error());
  adopt(txn, used.node, used.generation, *object);
  if (auto moved = use(txn, used.object, *object); !moved) return moved;
  return records::put_object(txn, used.object, *object);
}

Result<void> set_etags(WriteTxn& txn, const FileVersion& version, const std::string& etags) {
  if (etags.size() > schema::kMaxText) return fail(Errc::too_large, "index: ETags beyond all measure");
  if (auto sound = believe(txn, version.object, {}); !sound) return sound;
  Result<ObjectState> object = object_of(txn, version);
  if (!object) return tl::unexpected(object.error());
  object->etags = etags;
  return records::put_object(txn, version.object, *object);
}

Result<void> set_verdict(WriteTxn& txn, const FileVersion& version, Verdict verdict,
                         const std::string& proof) {
  if (auto sound = believe(txn, version.object, {}); !sound) return sound;
  Result<ObjectState> object = object_of(txn, version);
  if (!object) return tl::unexpected(object.error());
  object->verdict = verdict;
  object->proof = proof.substr(0, schema::kMaxText);
  return records::put_object(txn, version.object, *object);
}

namespace {

/// Sums over the block records per object; those of no object, and those that cannot be believed, are to go.
Result<void> sum_blocks(const WriteTxn& txn, std::map<Hash128, ObjectState>& objects,
                        std::vector<std::string>& gone) {
  Cursor cursor(txn, Table::block);
  Result<bool> more = cursor.seek({});
  for (BlockChunk chunk; more && *more; more = cursor.next()) {
    Hash128 id{};
    const std::string_view key = cursor.key();
    std::copy_n(reinterpret_cast<const std::byte*>(key.data()), std::min(key.size(), id.size()), id.begin());
    const auto object = objects.find(id);
    if (object == objects.end() || !schema::decode_block(key, cursor.value(), chunk)) {
      gone.emplace_back(key);
      continue;
    }
    const std::uint32_t number = schema::chunk_in(key);
    object->second.present_bytes += present_bytes(object->second.size, number, chunk.present);
  }
  if (!more) return tl::unexpected(more.error());
  return {};
}

/// Every object that can be believed, with nothing counted yet; the keys of the others.
Result<void> read_objects(const WriteTxn& txn, std::map<Hash128, ObjectState>& objects,
                          std::vector<std::string>& gone) {
  Cursor cursor(txn, Table::object);
  Result<bool> more = cursor.seek({});
  for (; more && *more; more = cursor.next()) {
    ObjectState object;
    Hash128 id{};
    if (!schema::decode_object(cursor.key(), cursor.value(), object)) {
      gone.emplace_back(cursor.key());
      continue;
    }
    std::copy_n(reinterpret_cast<const std::byte*>(cursor.key().data()), id.size(), id.begin());
    object.present_bytes = 0;
    objects.emplace(id, std::move(object));
  }
  if (!more) return tl::unexpected(more.error());
  return {};
}

}  // namespace

Result<void> recount(WriteTxn& txn) {
  log::warning("index: its accounts are damaged; counting again");
  std::map<Hash128, ObjectState> objects;
  std::vector<std::string> broken_objects;
  std::vector<std::string> broken_blocks;
  if (auto read = read_objects(txn, objects, broken_objects); !read) return read;
  if (auto read = sum_blocks(txn, objects, broken_blocks); !read) return read;
  for (const std::string& key : broken_objects) {
    if (auto gone = txn.erase(Table::object, key); !gone) return gone;
  }
  for (const std::string& key : broken_blocks) {
    if (auto gone = txn.erase(Table::block, key); !gone) return gone;
  }
  if (auto cleared = txn.clear(Table::used); !cleared) return cleared;
  std::uint64_t used = 0;
  std::uint64_t counter = 0;
  for (const auto& [id, object] : objects) {
    if (auto put = records::put_object(txn, id, object); !put) return put;
    const schema::Key key = schema::used_key(object.last_used, id);
    if (auto put = txn.put(Table::used, key, schema::encode_mark(Table::used, key)); !put) return put;
    used += object.present_bytes;
    counter = std::max(counter, object.last_used);
  }
  if (auto put = records::put_meta(txn, schema::kMetaUsedBytes, used); !put) return put;
  if (auto put = records::put_meta(txn, schema::kMetaObjectCount, objects.size()); !put) return put;
  return records::put_meta(txn, schema::kMetaUseCounter, counter);
}

}  // namespace astrofs::changes
