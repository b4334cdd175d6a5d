// Whether the bytes of a file are those that its archive means, as far as anything that the archive gives can
// tell: the checksums in a FITS file, a digest beside the file. Fed with the whole file in order; the bytes
// are not kept. Pure; one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/archive.h"
#include "backends/format/fits_checksum.h"
#include "backends/format/fits_layout.h"
#include "base/hash.h"

namespace astrofs {

enum class Proof : std::uint8_t {
  none,          ///< nothing covers every byte, and nothing that there is contradicts
  fits,          ///< every byte is covered by a checksum that fits
  contradicted,  ///< some byte is another than its checksum was made of
};

struct Finding {
  Proof proof{Proof::none};
  std::string words;  ///< what was compared, for people
};

/// CHECKSUM and DATASUM of each HDU (FITS standard 4.4.2.7). CHECKSUM alone covers an HDU, as TESS has it;
/// DATASUM alone leaves the header without cover.
class FitsCheck {
 public:
  /// `told`: what the archive's tables say of the first HDU.
  explicit FitsCheck(std::uint64_t file_size, std::optional<FitsSums> told = std::nullopt)
      : file_size_(file_size), told_(std::move(told)) {}
  void feed(std::span<const std::byte> bytes);
  /// Without words: it is no FITS file.
  [[nodiscard]] Finding finish() const;

 private:
  [[nodiscard]] std::size_t take_header(std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t take_data(std::span<const std::byte> bytes);
  void end_hdu();
  /// The first HDU against what the archive's tables say of it.
  void compare_told();
  /// The rest of the file cannot be judged, and why.
  void give_up(std::string reason);

  const std::uint64_t file_size_;
  const std::optional<FitsSums> told_;
  std::uint64_t position_{0};
  std::vector<std::byte> header_;  ///< that is being read
  std::optional<FitsHeader> hdu_;  ///< whose data is being read
  std::uint64_t data_left_{0};
  fits::WordSum header_sum_, data_sum_;
  std::size_t hdus_{0};
  std::size_t covered_{0};     ///< HDUs with a CHECKSUM that fits
  std::string uncovered_;      ///< why some byte has no cover; "" = all have
  std::string contradiction_;  ///< the first; "" = none
  bool over_{false};           ///< no HDU follows
};

class ContentCheck {
 public:
  ContentCheck(std::uint64_t file_size, std::optional<Digest> digest,
               std::optional<FitsSums> sums = std::nullopt);
  void feed(std::span<const std::byte> bytes);

  struct Result {
    Finding finding;
    bool digest_fits{false};
  };
  /// The end. One proof of the whole is enough: where a digest fits, a CHECKSUM that does not is the
  /// archive's own; where every CHECKSUM fits, an uncertain digest that does not is none. An uncertain one
  /// contradicts only when `digests_are_sure`: others of this archive have turned out to be what they look
  /// like.
  [[nodiscard]] Result finish(bool digests_are_sure);

 private:
  const std::optional<Digest> digest_;
  std::optional<StreamDigest> stream_;
  FitsCheck fits_;
};

}  // namespace astrofs
