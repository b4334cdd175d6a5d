// Names of TESS full-frame images and what follows from them alone: when, which chip, where the file lies.
// Pure; any thread.
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

/// Doubled exposures once: of frames on the same chip (sector, camera, CCD, kind) whose stamps differ by 1 or
/// 2 s, the one with the later mtime stays, of equal ones the earlier stamp. Entries with other names and the
/// order stay as they are.
[[nodiscard]] std::vector<Entry> collapse_doubles(std::vector<Entry> entries);

/// An image, of 4 bytes a pixel.
inline constexpr std::uint64_t kFfiColumns = 2136;
inline constexpr std::uint64_t kFfiRows = 2078;

}  // namespace astrofs::tess
