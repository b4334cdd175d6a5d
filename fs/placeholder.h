// A frame that is missing, as a valid FITS file in which every pixel is blank. Nothing of it is stored: any
// range is written from the headers and a repeated pattern. Equal inputs give equal bytes, on every machine
// and at any time. Immutable once made; any thread. Owned by the open file or by a small cache of whoever
// answers its reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/fits_checksum.h"
#include "base/error.h"

namespace astrofs {

/// The headers of a real frame of the same detector, as far as they are known: HDU by HDU, cards of 80
/// letters.
struct SiblingHeader {
  std::vector<std::vector<std::string>> hdu_cards;
};

enum class MissingCause : std::uint8_t {
  denied_by_archive,  ///< every mirror says 404 or 410
  not_fetched,        ///< mounted with `offline`, and not in the cache
  not_logged_in,      ///< the archive gives its frames to users it knows, and this one has made no login
};

/// Is there an HDU that no sibling helps with: a compressed image, a table?
[[nodiscard]] bool tells_all(const FrameShape& shape);

/// Could the sibling be of the same kind? Not when its pixels are of another type, or its axes others than
/// those that are certain.
[[nodiscard]] bool agrees(const FrameShape& shape, const SiblingHeader& sibling);

class Placeholder {
 public:
  /// `exact_size`: what the listing says; the file has that size or is not made (Errc::unsupported: no
  /// arrangement of header blocks and rows of a table gives it). The
  /// sibling decides axes, card order, pointing and header lengths; `shape` decides what the name tells. A
  /// sibling that contradicts shape or size is left aside, and so is any where images are compressed:
  /// their shape tells all, and the heap of the last of them takes what the size leaves over; nor is there
  /// one for tables.
  [[nodiscard]] static Result<Placeholder> make(const FrameShape& shape,
                                                const std::optional<SiblingHeader>& sibling,
                                                std::optional<std::uint64_t> exact_size, MissingCause cause,
                                                std::string_view file_name);

  [[nodiscard]] std::uint64_t size() const;

  /// Fills `out` with the bytes from `offset` on; returns how many there are before the end of the file.
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  struct Part {
    std::uint64_t end{0};     ///< offset behind this part; it begins where the one before ends
    std::string text;         ///< a header, or a row of a table, which repeats, or
    fits::Pattern pattern{};  ///< what repeats, when `text` is empty
  };

  std::vector<Part> parts_;
};

}  // namespace astrofs
