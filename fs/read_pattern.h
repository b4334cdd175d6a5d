// What one handle's reads look like, and what to bring beyond what was asked.
//
// Nothing is fetched that nobody asked for without a reason: the head of a FITS file in one piece, the rest
// of a header that has begun, and for a reader who walks forward a window that grows while he has to wait.
// Not thread-safe: one per handle, under its lock.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/http/pace.h"
#include "base/bytes.h"

namespace astrofs {

/// A cold FITS file is opened with one request of this size: the first header of a TESS frame ends at 20,160
/// bytes for most, at 31,680 at the longest, and the kernel asks up to 48 KiB meanwhile.
inline constexpr std::uint64_t kHeadBytes = 64 * 1024;
/// A header further on: 17,280 bytes and a little, seldom more.
inline constexpr std::uint64_t kHeaderBytes = 32 * 1024;
/// A reader who goes forward and has to wait gets a window ahead of him of so many times what he has read
/// since he last jumped, and no less than the first: each round trip brings more than the one before, and
/// what is fetched in vain stays in proportion. One whom nothing keeps waiting has a window that is large
/// enough for his pace and the network's; it grows only so that requests become fewer.
///
/// Who takes every page is asked for by the kernel in requests of 128 KiB; who picks rows or cells, in pages.
inline constexpr std::uint64_t kBulkRead = 128 * 1024;
inline constexpr std::uint64_t kSparseGrowth = 2;
inline constexpr std::uint64_t kBulkGrowth = 8;

/// Bytes ahead of a reader; as they stand here, for a line that nobody has measured. Over 16 connections of
/// 20 MB/s, 50 ms away, a frame came in 0.22 of the time of one with a first window of 2 MiB, in 0.16 with 4,
/// in 0.19 with 8; 32 MiB is what they bring in two round trips.
struct Windows {
  std::uint64_t sparse{256 * 1024};  ///< the first, for who picks
  std::uint64_t bulk{4ULL << 20};    ///< the first, for who takes every page
  std::uint64_t largest{32ULL << 20};
};
/// Never more than those for who takes every page: a slow line would be busy for long with what a reader who
/// has stopped does not want any more.
[[nodiscard]] Windows windows_for(const http::Pace& pace);

/// Of a file that is fetched in large pieces anyway a window is only for who copies it from its start, or has
/// read on for so long: the kernel turns rows that are picked into a stream, and 512 rows of the largest scan
/// of a plate are 29 MB.
inline constexpr std::uint64_t kCoarseRun = 32ULL << 20;

struct ReadPlan {
  ByteRange fetch;      ///< what to bring if something of the asked range is missing
  ByteRange ahead;      ///< what to bring besides; often empty
  bool decline{false};  ///< the kernel's own read-ahead past a header: nobody waits for it, see plan()
};

class ReadPattern {
 public:
  /// `coarse`: what is fetched comes in large pieces anyway, see kCoarseRun.
  ReadPattern(std::uint64_t size, bool is_fits, bool coarse = false)
      : size_(size),
        is_fits_(is_fits),
        coarse_(coarse),
        head_{ByteRange::between(0, is_fits ? std::min(size, kHeadBytes) : 0)} {}

  /// `asked` lies within the file. `header`: one that begins in what is asked, or the next one, with
  /// kHeaderBytes for a length that is not known; empty when not even its place is. From the file's first
  /// byte on the usual head is fetched: it holds the next header too.
  ///
  /// `decline`: a reader of the first header touches its fifth page, and the kernel then asks for 48 to 112
  /// KiB although nobody may ever want it. An error to such a speculative request is not seen by any program:
  /// the pages stay empty and are asked for again, one by one and at once, when somebody really reads them.
  /// Declined once per handle and header; never when the bytes are `here`, nor when a program asked for them
  /// itself past the page cache (`direct`, O_DIRECT) and would see the error, nor when it may be for one
  /// folio: that is how pages are asked for that stayed empty, perhaps when another handle's read-ahead was
  /// declined.
  [[nodiscard]] ReadPlan plan(ByteRange asked, bool here, bool direct, ByteRange header,
                              const Windows& windows = {});

 private:
  /// The kernel keeps a file in folios: a power of two long, at a multiple of their length.
  [[nodiscard]] bool may_be_a_folio(ByteRange asked) const;
  [[nodiscard]] bool is_speculative(ByteRange asked) const;
  [[nodiscard]] ByteRange widen(ByteRange asked, bool here, const Windows& windows);

  const std::uint64_t size_;
  const bool is_fits_;
  const bool coarse_;
  std::uint64_t run_from_{0};  ///< where the reads since the last jump begin
  std::uint64_t last_end_{0};  ///< and their furthest end
  bool begun_{false};          ///< a read has been seen
  bool copied_{false};         ///< the run is a copy from the file's start
  std::uint64_t window_{0};
  std::uint64_t ahead_to_{0};  ///< brought or being brought up to here
  ByteRange head_;  ///< the header region this handle is inside of; astropy opens twice, so from the start
  bool declined_{false};
};

}  // namespace astrofs
