// Records of the index from any bytes: never a crash, and what is believed is written back as the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cache/schema.h"

namespace {

using namespace astrofs;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Decodes and, when that is believed, encodes again.
void round_trip(Table table, std::string_view key, std::string_view value) {
  switch (table) {
    case Table::node: {
      schema::NodeRecord node;
      if (schema::decode_node(key, value, node))
        require(schema::encode_node(key, node).size() == value.size());
      break;
    }
    case Table::listing: {
      ListingState listing;
      if (schema::decode_listing(key, value, listing)) require(schema::encode_listing(key, listing) == value);
      break;
    }
    case Table::object: {
      ObjectState object;
      if (schema::decode_object(key, value, object)) require(schema::encode_object(key, object) == value);
      break;
    }
    default:
      (void)schema::sound(table, key, value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Table table = table_at(data[0] % kTables);
  const std::size_t key_size = std::min<std::size_t>(data[1], size - 2);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string_view key = bytes.substr(2, key_size);
  const std::string_view payload = bytes.substr(2 + key_size);
  round_trip(table, key, payload);
  // No fuzzer guesses a check: give it one, so that what lies behind the check is tried as well.
  std::string checked(payload);
  std::uint64_t check = xxh3(as_bytes(payload), xxh3(as_bytes(key), static_cast<std::uint64_t>(table)));
  for (int i = 0; i < 8; ++i, check >>= 8U) checked.push_back(static_cast<char>(check & 0xffU));
  round_trip(table, key, checked);
  return 0;
}
