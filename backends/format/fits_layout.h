// Where the headers and the data of a FITS file lie, from whatever pieces of it have been seen: our own
// bounded reader, because a header is a stranger's text and the next read should be one exact range. Values
// are not judged beyond what a layout needs. FitsLayout belongs to one thread at a time; the functions are
// pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace astrofs {

inline constexpr std::uint64_t kFitsBlock = 2880;
inline constexpr std::size_t kFitsCard = 80;
inline constexpr std::uint64_t kLongestFitsHeader = 1ULL << 20;  ///< 13,000 cards; the longest known have 800

/// The first bytes are "SIMPLE  =". False for fewer than nine.
[[nodiscard]] bool looks_like_fits(std::span<const std::byte> first);

struct FitsHeader {
  bool complete{false};            ///< END was seen; until then only `cards` has a meaning
  std::vector<std::string> cards;  ///< of 80 characters, without END
  std::uint64_t header_length{0};  ///< with its padding
  std::uint64_t data_bytes{0};     ///< of the data alone
  std::uint64_t data_length{0};    ///< with its padding
  int bitpix{0};
  std::vector<std::uint64_t> axes;  ///< NAXIS1 first, as written: those of the table when tile_compressed
  std::string xtension;             ///< "" = primary, else "IMAGE", "BINTABLE", ...
  std::string extname;
  bool groups{false};           ///< random groups: NAXIS1 = 0 stands for no axis
  bool tile_compressed{false};  ///< ZIMAGE: an image in a table
  /// An array of pixels, plain or compressed.
  [[nodiscard]] bool is_image() const;
};

/// A header from its first byte on; what follows it is not looked at. Too few bytes: complete is false.
/// Errors: corrupt (begins with neither SIMPLE nor XTENSION, a structural card is missing or absurd, more
/// than 1 MiB).
[[nodiscard]] Result<FitsHeader> parse_fits_header(std::span<const std::byte> from_header_start);

/// Values of the first card of that keyword; nullopt: no such card, or its value is of another type.
[[nodiscard]] std::optional<std::string> card_string(const FitsHeader& header, std::string_view keyword);
[[nodiscard]] std::optional<std::int64_t> card_int(const FitsHeader& header, std::string_view keyword);
[[nodiscard]] std::optional<double> card_float(const FitsHeader& header,
                                               std::string_view keyword);  ///< integers too
[[nodiscard]] std::optional<bool> card_bool(const FitsHeader& header, std::string_view keyword);
/// As written, without comment, quotes kept: what FitsCard wants. nullopt also for cards without a value.
[[nodiscard]] std::optional<std::string> card_text(const FitsHeader& header, std::string_view keyword);

struct FitsHdu {
  std::uint64_t header_offset{0}, header_length{0};
  std::uint64_t data_offset{0},
      data_length{0};  ///< with padding; may end behind a file without its last padding
  int bitpix{0};
  std::vector<std::uint64_t> axes;
  std::string extname;
  bool image{false};
};

class FitsLayout {
 public:
  explicit FitsLayout(std::uint64_t file_size) : file_size_(file_size) {}

  /// Bytes of the file, any piece, again or in any order; what does not go on with the header that is wanted
  /// is ignored. Errors: corrupt (as above, or the file ends inside an HDU), too_large (more than 10,000
  /// HDUs). After an error the HDUs found so far stay and every further call returns it again.
  [[nodiscard]] Result<void> feed(std::uint64_t offset, std::span<const std::byte> bytes);

  [[nodiscard]] const std::vector<FitsHdu>& hdus() const { return hdus_; }
  /// Where the next header begins that is not known yet; nullopt when there is none, or after an error.
  [[nodiscard]] std::optional<std::uint64_t> next_header() const;
  /// How long that header will be, at a guess: as long as that of the image before.
  [[nodiscard]] std::uint64_t likely_header_length() const;
  /// The bytes to read next: from where the header is known so far to its likely end. nullopt as above.
  [[nodiscard]] std::optional<ByteRange> wanted() const;
  /// Every HDU is known.
  [[nodiscard]] bool finished() const { return finished_; }
  /// The header of a known HDU behind the first that begins inside of `range`.
  [[nodiscard]] std::optional<ByteRange> header_in(ByteRange range) const;

  /// What is known as a line of text, 10 to 15 letters an HDU: lengths of header and data in blocks, 'i' for
  /// an image, '.' behind the last HDU. "": nothing, or too many HDUs to be worth it.
  [[nodiscard]] std::string remembered() const;
  /// Goes on from such a line; only while nothing is known. False: it is not of a file of this size, and is
  /// ignored. What an HDU is beyond its lengths is not remembered.
  bool recall(std::string_view line);

 private:
  Result<void> advance();
  Result<void> add(const FitsHeader& header);

  std::uint64_t file_size_;
  std::uint64_t next_{0};           ///< where the header that is wanted begins
  std::vector<std::byte> partial_;  ///< its first bytes
  std::vector<FitsHdu> hdus_;
  std::optional<Error> error_;
  bool finished_{false};
};

}  // namespace astrofs
