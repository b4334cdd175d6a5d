// Names of TESS full-frame images and what follows from them alone: when, which chip, where the file lies,
// how long the exposure was, how large the file is. Pure; any thread.
//
// Names are not stable: reprocessing moved the stamps of sectors 1-13 by 0 to 2 s, and sector 2 lists some
// exposures twice.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "base/clock.h"

namespace astrofs::tess {

enum class FfiKind : char { calibrated = 'c', raw = 'r' };

/// tess{yyyy}{ddd}{hh}{mm}{ss}-s{sector}-{camera}-{ccd}-{scid}-{cr}_ffi{c|r}.fits
struct FfiName {
  unsigned year{0}, doy{1}, hour{0}, minute{0}, second{0};  ///< spacecraft UTC at the start of the exposure
  unsigned sector{0};                                       ///< 4 digits; special pointings are above 1000
  unsigned camera{1}, ccd{1};                               ///< 1-4
  unsigned scid{0};  ///< spacecraft configuration, 4 digits; may change in a sector
  char cr{'s'};      ///< cosmic rays removed by: x none, s spacecraft, a SPOC, b both
  FfiKind kind{FfiKind::calibrated};

  [[nodiscard]] SysSeconds stamp() const;
  /// The same name with another stamp.
  [[nodiscard]] FfiName at(SysSeconds stamp) const;
  [[nodiscard]] std::string text() const;
  /// "ffi/s0004/2018/292/1-1/NAME": below missions/tess/ of the archive and tess/public/ of the bucket alike.
  [[nodiscard]] std::string path() const;
  friend auto operator<=>(const FfiName&, const FfiName&) = default;
};

/// nullopt: any other name, or a day or time that does not exist.
[[nodiscard]] std::optional<FfiName> parse_ffi_name(std::string_view name);

/// Where a frame of that name lies; "" when it is no FFI name.
[[nodiscard]] std::string ffi_path(std::string_view name);

/// The names that the frame may have today: stamps -1, +1, -2, +2, ... +-`seconds`, nearest first. Empty for
/// other names.
[[nodiscard]] std::vector<std::string> shifted_names(std::string_view name, unsigned seconds = 3);

/// How a sector was exposed.
struct Exposure {
  unsigned seconds{0};      ///< from one stamp to the next: card TIMEDEL
  unsigned frames{0};       ///< of 2 s, summed in the spacecraft: card NUM_FRM
  double exposure_days{0};  ///< time on source: card EXPOSURE
};
[[nodiscard]] Exposure exposure_of(unsigned sector);

/// Doubled exposures once: of frames on the same chip (sector, camera, CCD, kind) whose stamps differ by 1 or
/// 2 s, the one with the later mtime stays, of equal ones the earlier stamp. Entries with other names and the
/// order stay as they are.
[[nodiscard]] std::vector<Entry> collapse_doubles(std::vector<Entry> entries);

// Sizes. An FFI is one (raw) or two (calibrated: image and uncertainty) images of 2136 x 2078 of 4 bytes
// behind a primary header of one block; both image headers have the same length.

inline constexpr std::uint64_t kFfiColumns = 2136;
inline constexpr std::uint64_t kFfiRows = 2078;
inline constexpr std::uint64_t kFfiPixels = 17'755'200;  ///< bytes of an image with its padding
inline constexpr std::uint64_t kFfiUsualOffset =
    20'160;  ///< of the first pixel, in the great majority of files

/// Size of a file whose first pixel lies at `offset`; nullopt: an offset that no FFI has.
[[nodiscard]] std::optional<std::uint64_t> ffi_size(FfiKind kind, std::uint64_t offset);
/// The other way.
[[nodiscard]] std::optional<std::uint64_t> ffi_offset(FfiKind kind, std::uint64_t size);

}  // namespace astrofs::tess
