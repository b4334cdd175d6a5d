// The binary blocks of an ASDF file: where each lies, and bytes out of them. Only what is asked for is read,
// so a file of half a gigabyte costs a header of 54 bytes for each block that is used. Any thread, as often
// at once as its ReadAt allows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"

namespace astrofs {

/// Fills the span with the bytes of the file from `offset` on, all of them, or says why not. It is never
/// called for bytes behind the file's size, and never while a lock of this reader is held.
using ReadAt = std::function<Result<void>(std::uint64_t offset, std::span<std::byte> into)>;

struct AsdfBlock {
  std::uint64_t data_offset{0};
  std::uint64_t allocated{0};       ///< bytes of the file that belong to it
  std::uint64_t used{0};            ///< of those, what holds data, compressed or not
  std::uint64_t size{0};            ///< of the data, not compressed
  std::string compression;          ///< "" = none, else the four bytes of the header
  std::array<std::byte, 16> md5{};  ///< zeros = none
  bool streamed{false};             ///< the last one: it goes on to the end of the file
};

class AsdfBlocks {
 public:
  static constexpr std::size_t kMostBlocks = 1'000'000;  ///< 8 MB of offsets; 100 tiles have 25,400

  /// `after_tree` is where the YAML ends. The index at the end of the file is believed only when its first
  /// entry is the first block that is there and its last one is a block; else all blocks are walked.
  /// Errors: those of `read`, corrupt, too_large.
  [[nodiscard]] static Result<std::shared_ptr<const AsdfBlocks>> open(ReadAt read, std::uint64_t file_size,
                                                                      std::uint64_t after_tree);

  /// Negative numbers count from the end, -1 is the last block. An entry of the index is looked at when it
  /// is used: where no block is, or one that does not end where the next begins, the walk takes over; so it
  /// does for a number that the index does not have. (An index without a block in its middle is found out
  /// beside the gap and at its end.) Errors: those of read, corrupt (no such block, sizes that do not fit the
  /// file).
  [[nodiscard]] Result<AsdfBlock> block(std::int64_t number) const;

  /// Decoded bytes of a block. The MD5 is compared when they are all of its bytes. Of a compressed block
  /// everything before them is decoded too and thrown away. Errors: as above, unsupported (a compression
  /// that is not known).
  [[nodiscard]] Result<void> read(const AsdfBlock& block, std::uint64_t offset,
                                  std::span<std::byte> into) const;

 private:
  using Offsets = std::shared_ptr<const std::vector<std::uint64_t>>;

  AsdfBlocks(ReadAt read, std::uint64_t file_size) : read_(std::move(read)), file_size_(file_size) {}
  Result<std::uint64_t> first_block(std::uint64_t after_tree) const;
  Result<std::vector<std::uint64_t>> index_at_end(std::uint64_t first) const;
  Result<std::vector<std::uint64_t>> walk(std::uint64_t first) const;
  Result<AsdfBlock> header_at(std::uint64_t offset) const;
  Result<void> read_decoded(const AsdfBlock& block, std::uint64_t offset, std::span<std::byte> into) const;

  const ReadAt read_;
  const std::uint64_t file_size_;
  mutable Mutex mutex_;  ///< held for copies only
  mutable Offsets offsets_ GUARDED_BY(mutex_);
  mutable bool walked_ GUARDED_BY(mutex_){false};
  mutable std::map<std::uint64_t, AsdfBlock> seen_ GUARDED_BY(mutex_);  ///< by offset; those that were used
};

}  // namespace astrofs
