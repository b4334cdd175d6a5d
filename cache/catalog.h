// What is known of the tree, and what of its bytes is on this machine: the LMDB index, seen from its readers.
//
// Tables (byte-exact in cache/schema.h): node, child, listing, object, block, used, pin, meta.
// Reads: any thread, each call one short read transaction, never across a wait or a reply.
// Writes: only through IndexWriter, whose thread owns the one write transaction.
// The index is disposable: losing it costs fetches, never a wrong byte.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/unique_fd.h"
#include "cache/source.h"

namespace astrofs {

inline constexpr NodeId kRootNode = 1;
/// Unit of presence and of checksums. A cold header costs four of them; a 35.5 MB frame has 2170.
inline constexpr std::uint32_t kBlockSize = 16 * 1024;
/// Blocks of one record of the `block` table: 64 bits of presence and 64 hashes make 520 bytes, well inside a
/// page.
inline constexpr std::uint32_t kBlocksPerChunk = 64;

enum class NodeKind : std::uint8_t { file, directory, symlink };

struct Node {
  NodeId id{0};
  NodeId parent{0};
  std::string name;  ///< as shown in its directory, safe
  NodeKind kind{NodeKind::file};
  std::uint32_t generation{1};        ///< of the content; a change of size or validator adds one
  std::optional<std::uint64_t> size;  ///< exact, or not yet known
  SysSeconds mtime{};
  std::string locator;
  std::string validator;
  bool listed{true};    ///< false: gone from its directory's listing; readable while something holds it
  bool missing{false};  ///< the archive denied it for good; reads as a placeholder or ENOENT
  /// Of this generation: where its headers lie, as far as seen, or what others tell of a missing one; read by
  /// fs only.
  std::string layout;
};

/// Zero is nobody's generation.
[[nodiscard]] constexpr std::uint32_t generation_after(std::uint32_t generation) {
  return generation == UINT32_MAX ? 1 : generation + 1;
}

struct ListingState {
  SysSeconds fetched{};  ///< when the listing shown was given; 0 = never
  std::chrono::seconds good_for{0};
  std::string token;
  std::uint64_t count{0};
  std::string last_error;  ///< of the newest attempt; "" = it succeeded
};

/// One entry of a new listing, in the cache's own words.
struct ListedEntry {
  std::string name;
  NodeKind kind{NodeKind::file};
  std::optional<std::uint64_t> size;
  SysSeconds mtime{};
  std::string locator;
  std::string validator;
};

/// What the checksums that an archive gives say of a version's bytes. Numbers are on disk.
enum class Verdict : std::uint8_t {
  none,      ///< not looked at
  unproven,  ///< looked at: no checksum covers all of it
  good,      ///< every byte is proven
  suspect,   ///< a second copy, fetched because the first contradicted its checksum
  refused,   ///< so did the second: nothing of this version is fetched or served any more
  reported,  ///< so did the second, and it is served all the same, as its archive's table wishes
};

struct ObjectState {
  NodeId node{0};
  std::uint32_t generation{0};
  std::uint64_t size{0};
  std::uint64_t present_bytes{0};
  std::string etags;           ///< "origin etag\n" lines learnt from answers; read by fs/remote_source only
  std::uint64_t last_used{0};  ///< a counter of use, not a time: clocks jump
  Verdict verdict{Verdict::none};
  std::string proof;  ///< the verdict's reason, in words
};

/// Presence and hashes of kBlocksPerChunk blocks.
struct BlockChunk {
  std::uint64_t present{0};  ///< bit i: block chunk * 64 + i is on disk
  std::vector<std::uint64_t> hashes = std::vector<std::uint64_t>(kBlocksPerChunk, 0);
};

struct CatalogOptions {
  std::string dir;                     ///< cache directory; `catalog/` is made below it
  std::uint64_t map_size{1ULL << 30};  ///< first size of the map; grows by doubling
};

class Environment;   // cache/lmdb.h
struct OpenedIndex;  // cache/recover.h

class Catalog {
 public:
  /// Opens or makes the index: probes it in a forked child after an unclean end, quarantines a damaged one
  /// and starts empty. Must be called before the process has threads. Errors: denied, invalid (newer format,
  /// network file system, in use), no_space.
  [[nodiscard]] static Result<std::unique_ptr<Catalog>> open(const CatalogOptions& options);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  [[nodiscard]] Result<Node> node(NodeId id) const;
  /// A listed child; not_found says nothing about whether the directory's listing is known.
  [[nodiscard]] Result<Node> child(NodeId parent, std::string_view name) const;
  /// Children in order of name bytes, from the one after `after` (an id of a child, listed or not; 0 = from
  /// the start), until `visit` returns false. Stable while listings change: d_off of readdir is such an id.
  [[nodiscard]] Result<void> scan(NodeId dir, NodeId after,
                                  const std::function<bool(const Node&)>& visit) const;
  /// Listed names of `dir` in order, from `name` on (that one not included).
  [[nodiscard]] Result<void> scan_after_name(NodeId dir, std::string_view name,
                                             const std::function<bool(const Node&)>& visit) const;
  [[nodiscard]] Result<ListingState> listing(NodeId dir) const;  ///< not_found: never listed
  /// Path from the root, without a leading slash; "" for the root.
  [[nodiscard]] Result<std::string> path(NodeId id) const;

  [[nodiscard]] Result<ObjectState> object(const Hash128& id) const;
  /// A chunk without a record is all absent, not an error.
  [[nodiscard]] Result<BlockChunk> blocks(const Hash128& id, std::uint32_t chunk) const;
  /// The chunks that have a record, in order.
  [[nodiscard]] Result<std::vector<std::uint32_t>> stored_chunks(const Hash128& id) const;
  [[nodiscard]] bool pinned(NodeId id) const;  ///< itself or a directory above it
  /// By this path or by that of a pinned one that leads to the same bytes.
  [[nodiscard]] bool pinned(const FileVersion& version) const;
  [[nodiscard]] Result<std::vector<NodeId>> pins() const;
  /// Objects by last use, oldest first, until `visit` returns false.
  [[nodiscard]] Result<void> scan_oldest(
      const std::function<bool(const Hash128&, const ObjectState&)>& visit) const;
  [[nodiscard]] std::uint64_t used_bytes() const;  ///< sum of present_bytes over all objects
  [[nodiscard]] std::uint64_t object_count() const;

  [[nodiscard]] Environment& environment() { return *environment_; }
  /// A sentence when the index had to be quarantined or rebuilt at open; "" otherwise.
  [[nodiscard]] const std::string& recovery_note() const { return recovery_note_; }

  /// The last writer has finished: the next opener need not look for damage.
  [[nodiscard]] Result<void> mark_clean();

 private:
  explicit Catalog(OpenedIndex opened);
  [[nodiscard]] Result<void> scan_from(NodeId dir, std::string from,
                                       const std::function<bool(const Node&)>& visit) const;
  [[nodiscard]] std::uint64_t meta(std::string_view key) const;

  UniqueFd directory_;
  UniqueFd lock_;  ///< held while this process has the index: a second opener is refused
  std::unique_ptr<Environment> environment_;
  std::string recovery_note_;
};

}  // namespace astrofs
