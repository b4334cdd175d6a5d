// The only writer of the index: one thread, group commit (every 200 ms, or 256 changes, or when somebody
// waits). All methods: any thread, return at once; `done` runs on the index thread after the commit that
// holds the change (or with the error that prevented it) and must not block. A failing disk drops changes of
// presence and use (they cost a fetch) and reports the others.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cache/catalog.h"

namespace astrofs {

/// What a listing did to a directory: whom the kernel must hear about.
struct ListingChange {
  std::vector<std::string> removed;  ///< names no longer listed
  std::vector<NodeId> changed;       ///< attributes or content differ
  bool added{false};
  std::vector<std::string> appeared;  ///< new in a directory that was listed before: the first few thousand
};

class IndexWriter {
 public:
  using Done = std::function<void(Result<void>)>;

  explicit IndexWriter(Catalog& catalog);
  ~IndexWriter();  ///< commits what is queued, syncs, sets the clean flag, joins
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  /// In one transaction: the listing of `dir` becomes exactly `entries` (names unique and safe). Children
  /// keep their inode by name; a changed size or validator adds a generation and clears `missing`; those gone
  /// are unlisted. Directories never lose their own listing by it, unless their validator differs: then
  /// another directory takes the name.
  void replace_listing(NodeId dir, std::vector<ListedEntry> entries, ListingState state,
                       std::function<void(Result<ListingChange>)> done);
  /// One more listed child that no listing shows (Archive::find).
  void add_child(NodeId dir, ListedEntry entry, std::function<void(Result<Node>)> done);
  /// The newest attempt to list failed, or brought "not modified": the listing shown stays.
  void note_listing(NodeId dir, ListingState state, Done done = {});
  /// A size (and validator) that was asked for on its own. Of another generation by now: nothing happens.
  void set_size(NodeId node, std::uint32_t generation, std::uint64_t size, SysSeconds mtime,
                std::string validator, Done done = {});
  /// The archive denied this generation for good, or has it again; either adds one, whose `layout` this is.
  void set_missing(NodeId node, std::uint32_t generation, bool missing, std::string layout, Done done = {});
  /// The content at the archive is another than this generation's: next open sees a new one, of unknown size
  /// until resolved.
  void set_stale(NodeId node, std::uint32_t generation, Done done = {});
  /// The bytes of this generation were not the archive's: the next open sees another copy of the same
  /// content.
  void renew(NodeId node, std::uint32_t generation, Done done = {});
  /// Where the headers of this generation lie.
  void set_layout(NodeId node, std::uint32_t generation, std::string layout);

  /// An object read by one of the paths that lead to it.
  struct Use {
    Hash128 object;
    NodeId node;
    std::uint32_t generation;
    auto operator<=>(const Use&) const = default;
  };
  struct BlockHash {
    std::uint32_t block;
    std::uint64_t hash;
  };
  /// These blocks of the object are on disk with these hashes. Only after pwrite.
  void add_blocks(const FileVersion& version, std::vector<BlockHash> blocks);
  /// Forget blocks: bad ones. `done` after the commit.
  void drop_blocks(const Hash128& object, std::vector<std::uint32_t> blocks, Done done = {});
  /// Forget a whole object. `done` after the commit: only then unlink.
  void drop_object(const Hash128& object, Done done = {});
  /// Used now, by this path: of several that lead to an object it belongs to one that is pinned.
  void touch(const FileVersion& version);
  void set_etags(const FileVersion& version, std::string etags);
  /// What a version's checksums say of it.
  void set_verdict(const FileVersion& version, Verdict verdict, std::string proof);
  void set_pin(NodeId node, bool pinned, Done done = {});

  /// Wait until all that was queued before is committed.
  [[nodiscard]] Result<void> flush();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace astrofs
