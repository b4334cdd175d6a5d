#include "cache/schema.h"

#include <cassert>
#include <cstddef>

namespace astrofs::schema {
namespace {

constexpr std::size_t kCheckBytes = 8;
constexpr std::uint8_t kListed = 1;
constexpr std::uint8_t kMissing = 2;
constexpr std::uint8_t kSizeKnown = 4;

std::uint64_t check_of(Table table, std::string_view key, std::string_view payload) {
  return xxh3(as_bytes(payload), xxh3(as_bytes(key), static_cast<std::uint64_t>(table)));
}

class Writer {
 public:
  Writer(Table table, std::string_view key, std::size_t expected) : table_(table), key_(key) {
    out_.reserve(expected + kCheckBytes);
  }
  template <class T>
  Writer& number(T value) {
    auto rest = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i, rest >>= 8U) out_.push_back(static_cast<char>(rest & 0xffU));
    return *this;
  }
  Writer& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
    return *this;
  }
  std::string finish() {
    number(check_of(table_, key_, out_));
    return std::move(out_);
  }

 private:
  Table table_;
  std::string_view key_;
  std::string out_;
};

/// Reads what Writer wrote. After the first misfit every read fails.
class Reader {
 public:
  Reader(Table table, std::string_view key, std::string_view value) {
    if (value.size() < kCheckBytes) return;
    rest_ = value.substr(value.size() - kCheckBytes);
    good_ = true;
    std::uint64_t check = 0;
    number(check);
    rest_ = value.substr(0, value.size() - kCheckBytes);
    good_ = check == check_of(table, key, rest_);
  }
  template <class T>
  Reader& number(T& out) {
    if (!good_ || rest_.size() < sizeof(T)) {
      good_ = false;
      return *this;
    }
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) value = value << 8U | static_cast<unsigned char>(rest_[i]);
    out = static_cast<T>(value);
    rest_.remove_prefix(sizeof(T));
    return *this;
  }
  Reader& time(SysSeconds& out) {
    std::int64_t value = 0;
    number(value);
    out = SysSeconds(seconds(value));
    return *this;
  }
  Reader& text(std::string& out) {
    std::uint32_t length = 0;
    number(length);
    if (!good_ || rest_.size() < length) {
      good_ = false;
      return *this;
    }
    out.assign(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return *this;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool finished() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_{false};
};

template <class T>
T big_endian(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8U | static_cast<unsigned char>(bytes[i]));
  }
  return value;
}

}  // namespace

Key& Key::raw(std::string_view bytes) {
  assert(size_ + bytes.size() <= bytes_.size());
  std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return *this;
}

Key& Key::u64(std::uint64_t value) {
  std::array<char, 8> digits{};
  for (std::size_t i = 8; i-- > 0; value >>= 8U) digits[i] = static_cast<char>(value & 0xffU);
  return raw({digits.data(), digits.size()});
}

Key& Key::u32(std::uint32_t value) {
  std::array<char, 4> digits{};
  for (std::size_t i = 4; i-- > 0; value >>= 8U) digits[i] = static_cast<char>(value & 0xffU);
  return raw({digits.data(), digits.size()});
}

Key id_key(NodeId id) {
  return Key().u64(id);
}

Key child_key(NodeId parent, std::string_view name) {
  return Key().u64(parent).raw(name);
}

Key object_key(const Hash128& id) {
  return Key().raw({reinterpret_cast<const char*>(id.data()), id.size()});
}

Key block_key(const Hash128& id, std::uint32_t chunk) {
  return object_key(id).u32(chunk);
}

std::uint32_t chunk_in(std::string_view block_key) {
  constexpr std::size_t kBefore = std::tuple_size_v<Hash128>;
  return block_key.size() < kBefore + 4 ? 0 : big_endian<std::uint32_t>(block_key.substr(kBefore));
}

Key used_key(std::uint64_t use, const Hash128& id) {
  return Key().u64(use).raw({reinterpret_cast<const char*>(id.data()), id.size()});
}

std::uint64_t leading_u64(std::string_view key) {
  return key.size() < 8 ? 0 : big_endian<std::uint64_t>(key);
}

std::string encode_meta(std::string_view key, std::uint64_t value) {
  return Writer(Table::meta, key, 8).number(value).finish();
}

bool decode_meta(std::string_view key, std::string_view value, std::uint64_t& out) {
  return Reader(Table::meta, key, value).number(out).finished();
}

std::string encode_node(std::string_view key, const NodeRecord& node) {
  const unsigned flags =
      (node.listed ? kListed : 0U) | (node.missing ? kMissing : 0U) | (node.size ? kSizeKnown : 0U);
  Writer writer(Table::node, key,
                54 + node.name.size() + node.locator.size() + node.validator.size() + node.layout.size());
  writer.number(static_cast<std::uint8_t>(node.kind)).number(static_cast<std::uint8_t>(flags));
  writer.number(node.generation).number(node.parent).number(node.size.value_or(0));
  writer.number(static_cast<std::int64_t>(node.mtime.time_since_epoch().count()));
  writer.number(static_cast<std::int64_t>(node.unlisted_at.time_since_epoch().count()));
  writer.text(node.name).text(node.locator).text(node.validator);
  if (!node.layout.empty()) writer.text(node.layout);
  return writer.finish();
}

bool decode_node(std::string_view key, std::string_view value, NodeRecord& out) {
  if (key.size() != 8) return false;
  Reader reader(Table::node, key, value);
  std::uint8_t kind = 0;
  std::uint8_t flags = 0;
  std::uint64_t size = 0;
  reader.number(kind).number(flags).number(out.generation).number(out.parent).number(size);
  reader.time(out.mtime).time(out.unlisted_at).text(out.name).text(out.locator).text(out.validator);
  out.layout.clear();
  if (reader.good() && !reader.finished() && reader.text(out.layout).good() && out.layout.empty())
    return false;
  if (!reader.finished() || kind > static_cast<std::uint8_t>(NodeKind::symlink) || out.name.size() > kMaxName)
    return false;
  out.id = big_endian<NodeId>(key);
  out.kind = static_cast<NodeKind>(kind);
  out.listed = (flags & kListed) != 0;
  out.missing = (flags & kMissing) != 0;
  out.size = (flags & kSizeKnown) != 0 ? std::optional(size) : std::nullopt;
  return true;
}

std::string encode_child(std::string_view key, const ChildRecord& child) {
  return Writer(Table::child, key, 9)
      .number(child.id)
      .number(static_cast<std::uint8_t>(child.listed))
      .finish();
}

bool decode_child(std::string_view key, std::string_view value, ChildRecord& out) {
  std::uint8_t listed = 0;
  if (key.size() <= 8 || key.size() > 8 + kMaxName) return false;
  if (!Reader(Table::child, key, value).number(out.id).number(listed).finished() || listed > 1) return false;
  out.listed = listed == 1;
  return true;
}

std::string encode_listing(std::string_view key, const ListingState& listing) {
  Writer writer(Table::listing, key, 32 + listing.token.size() + listing.last_error.size());
  writer.number(static_cast<std::int64_t>(listing.fetched.time_since_epoch().count()));
  writer.number(static_cast<std::int64_t>(listing.good_for.count())).number(listing.count);
  return writer.text(listing.token).text(listing.last_error).finish();
}

bool decode_listing(std::string_view key, std::string_view value, ListingState& out) {
  Reader reader(Table::listing, key, value);
  std::int64_t good_for = 0;
  reader.time(out.fetched).number(good_for).number(out.count).text(out.token).text(out.last_error);
  out.good_for = seconds(good_for);
  return key.size() == 8 && reader.finished();
}

std::string encode_object(std::string_view key, const ObjectState& object) {
  Writer writer(Table::object, key, 49 + object.etags.size() + object.proof.size());
  writer.number(object.node).number(object.generation).number(object.size).number(object.present_bytes);
  writer.number(object.last_used).text(object.etags);
  if (object.verdict != Verdict::none)
    writer.number(static_cast<std::uint8_t>(object.verdict)).text(object.proof);
  return writer.finish();
}

bool decode_object(std::string_view key, std::string_view value, ObjectState& out) {
  Reader reader(Table::object, key, value);
  reader.number(out.node).number(out.generation).number(out.size).number(out.present_bytes);
  reader.number(out.last_used).text(out.etags);
  std::uint8_t verdict = 0;
  out.proof.clear();
  if (!reader.finished()) {
    reader.number(verdict).text(out.proof);
    if (verdict == 0 || verdict > static_cast<std::uint8_t>(Verdict::reported)) return false;
  }
  out.verdict = static_cast<Verdict>(verdict);
  return key.size() == sizeof(Hash128) && reader.finished() && out.present_bytes <= out.size;
}

std::string encode_block(std::string_view key, const BlockChunk& chunk) {
  Writer writer(Table::block, key, 8 + 8 * kBlocksPerChunk);
  writer.number(chunk.present);
  for (std::uint32_t i = 0; i < kBlocksPerChunk; ++i) {
    writer.number((chunk.present >> i & 1U) != 0 ? chunk.hashes[i] : std::uint64_t{0});
  }
  return writer.finish();
}

bool decode_block(std::string_view key, std::string_view value, BlockChunk& out) {
  Reader reader(Table::block, key, value);
  reader.number(out.present);
  out.hashes.resize(kBlocksPerChunk);
  for (std::uint64_t& hash : out.hashes) reader.number(hash);
  return key.size() == sizeof(Hash128) + 4 && reader.finished();
}

std::string encode_mark(Table table, std::string_view key) {
  return Writer(table, key, 0).finish();
}

bool decode_used(std::string_view key, std::string_view value, std::uint64_t& use, Hash128& id) {
  if (key.size() != 8 + sizeof(Hash128) || !Reader(Table::used, key, value).finished()) return false;
  use = big_endian<std::uint64_t>(key);
  std::memcpy(id.data(), key.data() + 8, id.size());
  return true;
}

bool decode_pin(std::string_view key, std::string_view value, NodeId& id) {
  if (key.size() != 8 || !Reader(Table::pin, key, value).finished()) return false;
  id = big_endian<NodeId>(key);
  return true;
}

bool sound(Table table, std::string_view key, std::string_view value) {
  std::uint64_t number = 0;
  Hash128 id{};
  switch (table) {
    case Table::meta:
      return decode_meta(key, value, number);
    case Table::node: {
      NodeRecord node;
      return decode_node(key, value, node);
    }
    case Table::child: {
      ChildRecord child;
      return decode_child(key, value, child);
    }
    case Table::listing: {
      ListingState listing;
      return decode_listing(key, value, listing);
    }
    case Table::object: {
      ObjectState object;
      return decode_object(key, value, object);
    }
    case Table::block: {
      BlockChunk chunk;
      return decode_block(key, value, chunk);
    }
    case Table::used:
      return decode_used(key, value, number, id);
    case Table::pin:
      return decode_pin(key, value, number);
  }
  return false;
}

}  // namespace astrofs::schema
