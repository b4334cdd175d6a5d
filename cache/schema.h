// The records of the index, byte for byte. Pure functions, any thread; the decoders take any bytes from a
// disk.
//
// Keys: integers are big endian, so that the order of bytes is the order of numbers. Values: integers are
// little endian, unaligned; text is a u32 length and its bytes. Every value ends in its check:
//   u64 XXH3(all bytes before the check, seed = XXH3(key, seed = number of the table))
// so one flipped bit, and a record that stands under a key or in a table that is not its own, is found and
// never believed.
//
// clang-format off
//   table    no  key                          value (before the check)
//   meta     1   text: format, next_node,     u64
//                used_bytes, object_count,
//                use_counter
//   node     2   u64 id                       u8 kind, u8 flags, u32 generation, u64 parent, u64 size,
//                                             i64 mtime, i64 unlisted_at, text name, text locator,
//                                             text validator
//                                             (flags: 1 listed, 2 missing, 4 size is known; size is 0 without 4)
//                                             and only where there is one: text layout
//   child    3   u64 parent, name 1..255      u64 id, u8 listed
//                                             (0: gone from the listing, kept for its inode number)
//   listing  4   u64 directory                i64 fetched, i64 good_for, u64 count, text token, text last_error
//   object   5   16 bytes object id           u64 node, u32 generation, u64 size, u64 present_bytes,
//                                             u64 last_used, text etags
//                                             and only where there is a verdict: u8 verdict, text proof
//   block    6   16 bytes object id,          u64 present, 64 * u64 hash (0 where absent)
//                u32 chunk
//   used     7   u64 use counter,             nothing
//                16 bytes object id
//   pin      8   u64 node                     nothing
// clang-format on
//
// Times are seconds since 1970. A change of any of this is another kFormat.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "cache/catalog.h"
#include "cache/lmdb.h"

namespace astrofs::schema {

inline constexpr std::uint32_t kFormat = 1;
/// Longest name of a directory entry (NAME_MAX); with the parent's id it fits LMDB's 511 bytes of key.
inline constexpr std::size_t kMaxName = 255;
/// Longest text of a record but for etags. No archive's locator comes near; a listing that does is refused,
/// not stored.
inline constexpr std::size_t kMaxText = 64 * 1024;

inline constexpr std::string_view kMetaFormat = "format";
inline constexpr std::string_view kMetaNextNode = "next_node";
inline constexpr std::string_view kMetaUsedBytes = "used_bytes";
inline constexpr std::string_view kMetaObjectCount = "object_count";
inline constexpr std::string_view kMetaUseCounter = "use_counter";

/// A key on the stack.
class Key {
 public:
  Key() = default;
  Key& u64(std::uint64_t value);
  Key& u32(std::uint32_t value);
  Key& raw(std::string_view bytes);
  operator std::string_view() const { return {bytes_.data(), size_}; }  // NOLINT: a key is its bytes

 private:
  std::array<char, 8 + kMaxName + 1>
      bytes_;  ///< the longest: a child's, and one byte to ask for what follows it
  std::size_t size_{0};
};

[[nodiscard]] Key id_key(NodeId id);  ///< node, listing, pin
[[nodiscard]] Key child_key(NodeId parent, std::string_view name);
[[nodiscard]] Key object_key(const Hash128& id);
[[nodiscard]] Key block_key(const Hash128& id, std::uint32_t chunk);
/// Of a block's key; 0 when it is shorter.
[[nodiscard]] std::uint32_t chunk_in(std::string_view block_key);
[[nodiscard]] Key used_key(std::uint64_t use, const Hash128& id);

/// First eight bytes of a key as a number; 0 when it is shorter.
[[nodiscard]] std::uint64_t leading_u64(std::string_view key);

struct ChildRecord {
  NodeId id{0};
  bool listed{true};
};

struct NodeRecord : Node {
  SysSeconds unlisted_at{};  ///< when it left its listing; 0 while listed
};

[[nodiscard]] std::string encode_meta(std::string_view key, std::uint64_t value);
[[nodiscard]] std::string encode_node(std::string_view key, const NodeRecord& node);
[[nodiscard]] std::string encode_child(std::string_view key, const ChildRecord& child);
[[nodiscard]] std::string encode_listing(std::string_view key, const ListingState& listing);
[[nodiscard]] std::string encode_object(std::string_view key, const ObjectState& object);
[[nodiscard]] std::string encode_block(std::string_view key, const BlockChunk& chunk);
[[nodiscard]] std::string encode_mark(Table table, std::string_view key);  ///< used, pin

// False: the bytes are not a record of this key; `out` is then unspecified. What can be reused of `out`
// (text) is.
[[nodiscard]] bool decode_meta(std::string_view key, std::string_view value, std::uint64_t& out);
[[nodiscard]] bool decode_node(std::string_view key, std::string_view value, NodeRecord& out);
[[nodiscard]] bool decode_child(std::string_view key, std::string_view value, ChildRecord& out);
[[nodiscard]] bool decode_listing(std::string_view key, std::string_view value, ListingState& out);
[[nodiscard]] bool decode_object(std::string_view key, std::string_view value, ObjectState& out);
[[nodiscard]] bool decode_block(std::string_view key, std::string_view value, BlockChunk& out);
[[nodiscard]] bool decode_used(std::string_view key, std::string_view value, std::uint64_t& use, Hash128& id);
[[nodiscard]] bool decode_pin(std::string_view key, std::string_view value, NodeId& id);

/// Whether a record of any table is whole.
[[nodiscard]] bool sound(Table table, std::string_view key, std::string_view value);

}  // namespace astrofs::schema
