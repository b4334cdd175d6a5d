#include "backends/format/asdf_blocks.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "backends/format/asdf_codec.h"
#include "base/bytes.h"
#include "base/hash.h"

namespace astrofs {
namespace {

constexpr std::string_view kMagic =
    "\xD3"
    "BLK";
constexpr std::string_view kIndexHead = "#ASDF BLOCK INDEX";
constexpr std::size_t kHeaderStart = 6;    // magic, and the length of what follows
constexpr std::size_t kHeaderLength = 48;  // of what follows, at least
constexpr std::uint64_t kMostPadding = 1ULL
                                       << 20;  // between YAML and first block; writers pad by up to 64 KiB
constexpr std::uint64_t kIndexGuess = 64ULL << 10;    // an index of 254 blocks has 3 KiB
constexpr std::uint64_t kLongestIndex = 16ULL << 20;  // kMostBlocks of them
constexpr std::size_t kInputPiece = 256UL << 10;      // of a compressed block at a time

std::uint64_t big_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (const std::byte b : bytes) value = value << 8 | std::to_integer<std::uint64_t>(b);
  return value;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The numbers behind the head of an index, in block or flow style. Empty: it is no such list.
std::vector<std::uint64_t> index_numbers(std::string_view text) {
  std::vector<std::uint64_t> numbers;
  const auto start = text.find("---");
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start + 3);
  if (const auto end = text.find("\n..."); end != std::string_view::npos) text = text.substr(0, end);
  while (true) {
    const auto digit = text.find_first_not_of(" \r\n-,[]");
    if (digit == std::string_view::npos) return numbers;
    text.remove_prefix(digit);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || numbers.size() == AsdfBlocks::kMostBlocks) return {};
    if (!numbers.empty() && number <= numbers.back()) return {};
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

bool is_zero(const std::array<std::byte, 16>& digest) {
  return std::all_of(digest.begin(), digest.end(), [](std::byte b) { return b == std::byte{}; });
}

/// A machine without MD5 gives "", and nothing is compared.
bool agrees(StreamDigest& digest, const AsdfBlock& block) {
  const std::string found = digest.hex();
  return found.empty() || found == to_hex(block.md5);
}

tl::unexpected<Error> wrong_md5() {
  return fail(Errc::corrupt, "an ASDF block that contradicts its MD5");
}

}  // namespace

Result<std::shared_ptr<const AsdfBlocks>> AsdfBlocks::open(ReadAt read, std::uint64_t file_size,
                                                           std::uint64_t after_tree) {
  std::shared_ptr<AsdfBlocks> blocks(new AsdfBlocks(std::move(read), file_size));
  const auto first = blocks->first_block(after_tree);
  if (!first) return tl::unexpected(first.error());
  std::vector<std::uint64_t> offsets;
  bool walked = false;
  if (*first < file_size) {
    auto index = blocks->index_at_end(*first);
    if (!index) return tl::unexpected(index.error());
    offsets = std::move(*index);
    walked = offsets.empty();
    if (walked) {
      auto all = blocks->walk(*first);
      if (!all) return tl::unexpected(all.error());
      offsets = std::move(*all);
    }
  }
  const MutexLock lock(blocks->mutex_);
  blocks->offsets_ = std::make_shared<const std::vector<std::uint64_t>>(std::move(offsets));
  blocks->walked_ = walked;
  return blocks;
}

/// The end of the file when there is none.
Result<std::uint64_t> AsdfBlocks::first_block(std::uint64_t after_tree) const {
  std::uint64_t at = std::min(after_tree, file_size_);
  const std::uint64_t end = std::min(file_size_, at + kMostPadding);
  Buffer piece;
  while (at < end) {
    // Most files have no padding at all, so the first look is a short one.
    piece.resize(std::min<std::uint64_t>(end - at, piece.empty() ? 512 : kInputPiece));
    if (const auto got = read_(at, piece); !got) return tl::unexpected(got.error());
    if (const auto found = text_of(piece).find(kMagic); found != std::string_view::npos) return at + found;
    if (at + piece.size() == end) break;
    at += piece.size() - (kMagic.size() - 1);  // the magic may lie across two pieces
  }
  return file_size_;
}

/// Empty: there is none, or it is not right.
Result<std::vector<std::uint64_t>> AsdfBlocks::index_at_end(std::uint64_t first) const {
  const std::uint64_t most = std::min(kLongestIndex, file_size_ - first);
  for (std::uint64_t length = std::min(kIndexGuess, most);; length = std::min(length * 16, most)) {
    Buffer tail(length);
    if (const auto got = read_(file_size_ - length, tail); !got) return tl::unexpected(got.error());
    const std::string_view text = text_of(tail);
    const auto head = text.rfind(kIndexHead);
    if (head != std::string_view::npos) {
      auto numbers = index_numbers(text.substr(head));
      const std::uint64_t end = file_size_ - length + head;
      if (numbers.empty() || numbers.front() != first || numbers.back() >= end)
        return std::vector<std::uint64_t>{};
      if (const auto last = header_at(numbers.back()); !last) {
        if (last.error().code != Errc::corrupt) return tl::unexpected(last.error());
        return std::vector<std::uint64_t>{};
      }
      return numbers;
    }
    // An index is text to its end: where the file ends in something else, there is none to look for.
    if (length == most || !text.ends_with("...\n")) return std::vector<std::uint64_t>{};
  }
}

Result<std::vector<std::uint64_t>> AsdfBlocks::walk(std::uint64_t first) const {
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t at = first; at < file_size_;) {
    const auto block = header_at(at);
    if (!block) {
      if (block.error().code == Errc::corrupt) break;  // the index, or what is left of a file that was cut
      return tl::unexpected(block.error());
    }
    if (offsets.size() == kMostBlocks) return fail(Errc::too_large, "an ASDF file with too many blocks");
    offsets.push_back(at);
    if (block->streamed) break;
    at = block->data_offset + block->allocated;
  }
  return offsets;
}

/// corrupt: there is no block, or its sizes do not fit the file.
Result<AsdfBlock> AsdfBlocks::header_at(std::uint64_t offset) const {
  std::array<std::byte, kHeaderStart + kHeaderLength> header{};
  const auto nothing = [] { return fail(Errc::corrupt, "no ASDF block where one should be"); };
  if (offset > file_size_ || file_size_ - offset < header.size()) return nothing();
  if (const auto got = read_(offset, header); !got) return tl::unexpected(got.error());
  const std::span<const std::byte> bytes(header);
  if (text_of(bytes.first(kMagic.size())) != kMagic) return nothing();
  const std::uint64_t length = big_endian(bytes.subspan(4, 2));
  if (length < kHeaderLength) return nothing();

  AsdfBlock block;
  block.streamed = (big_endian(bytes.subspan(6, 4)) & 1U) != 0;
  const std::string_view compression = text_of(bytes.subspan(10, 4));
  if (compression != std::string_view("\0\0\0\0", 4)) block.compression = compression;
  block.data_offset = offset + kHeaderStart + length;
  if (block.data_offset > file_size_) return nothing();
  const std::uint64_t left = file_size_ - block.data_offset;
  if (block.streamed) {
    block.allocated = block.used = block.size = left;
    return block;
  }
  block.allocated = big_endian(bytes.subspan(14, 8));
  block.used = big_endian(bytes.subspan(22, 8));
  block.size = big_endian(bytes.subspan(30, 8));
  std::copy_n(bytes.begin() + 38, block.md5.size(), block.md5.begin());
  const bool lies = block.allocated > left || block.used > block.allocated ||
                    (block.compression.empty() && block.size != block.used);
  if (lies) return fail(Errc::corrupt, "an ASDF block whose sizes do not fit its file");
  return block;
}

Result<AsdfBlock> AsdfBlocks::block(std::int64_t number) const {
  while (true) {
    Offsets offsets;
    bool walked = false;
    {
      const MutexLock lock(mutex_);
      offsets = offsets_;
      walked = walked_;
    }
    const auto count = static_cast<std::int64_t>(offsets->size());
    const bool listed = number >= -count && number < count;
    if (!listed && (walked || offsets->empty())) {
      return fail(Errc::corrupt, "an ASDF array in a block that is not there");
    }
    const auto i = static_cast<std::size_t>(!listed ? 0 : number < 0 ? number + count : number);
    if (listed) {
      const MutexLock lock(mutex_);
      if (const auto known = seen_.find((*offsets)[i]); known != seen_.end()) return known->second;
    }
    auto block = header_at((*offsets)[i]);
    if (!block && block.error().code != Errc::corrupt) return block;
    const bool last = i + 1 == offsets->size();
    const bool fits = listed && block && (last || block->data_offset + block->allocated == (*offsets)[i + 1]);
    if (fits || (listed && walked)) {
      if (block) {
        const MutexLock lock(mutex_);
        seen_.insert_or_assign((*offsets)[i], *block);
      }
      return block;
    }
    auto all = walk(offsets->front());
    if (!all) return tl::unexpected(all.error());
    const MutexLock lock(mutex_);
    offsets_ = std::make_shared<const std::vector<std::uint64_t>>(std::move(*all));
    walked_ = true;
    seen_.clear();
  }
}

Result<void> AsdfBlocks::read(const AsdfBlock& block, std::uint64_t offset, std::span<std::byte> into) const {
  if (offset > block.size || block.size - offset < into.size()) {
    return fail(Errc::corrupt, "an ASDF array that is longer than its block");
  }
  if (into.empty()) return {};
  if (!block.compression.empty()) return read_decoded(block, offset, into);
  if (const auto got = read_(block.data_offset + offset, into); !got) return got;
  if (into.size() == block.size && !is_zero(block.md5)) {
    StreamDigest digest(DigestKind::md5);
    digest.add(into);
    if (!agrees(digest, block)) return wrong_md5();
  }
  return {};
}

Result<void> AsdfBlocks::read_decoded(const AsdfBlock& block, std::uint64_t offset,
                                      std::span<std::byte> into) const {
  auto decoder = AsdfDecoder::make(block.compression);
  if (!decoder) return tl::unexpected(decoder.error());
  const bool whole = into.size() == block.size && !is_zero(block.md5);
  // The standard says "of the used data"; the Python library sums what was compressed, others its result.
  StreamDigest of_file(DigestKind::md5), of_data(DigestKind::md5);
  std::uint64_t skip = offset;
  std::size_t filled = 0;
  const auto sink = [&](std::span<const std::byte> decoded) {
    if (whole) of_data.add(decoded);
    const auto passed = static_cast<std::size_t>(std::min<std::uint64_t>(skip, decoded.size()));
    skip -= passed;
    decoded = decoded.subspan(passed);
    const std::size_t taken = std::min(decoded.size(), into.size() - filled);
    std::copy_n(decoded.begin(), taken, into.begin() + static_cast<std::ptrdiff_t>(filled));
    filled += taken;
    return filled < into.size();
  };
  Buffer piece;
  for (std::uint64_t at = 0; at < block.used && (whole || filled < into.size());) {
    piece.resize(std::min<std::uint64_t>(kInputPiece, block.used - at));
    if (const auto got = read_(block.data_offset + at, piece); !got) return got;
    at += piece.size();
    if (whole) of_file.add(piece);
    if (filled == into.size()) continue;  // the rest is for the digest alone
    if (const auto more = (*decoder)->feed(piece, sink); !more) return tl::unexpected(more.error());
  }
  if (filled < into.size()) return fail(Errc::corrupt, "an ASDF block that holds less than it says");
  if (whole && !agrees(of_data, block) && !agrees(of_file, block)) return wrong_md5();
  return {};
}

}  // namespace astrofs
