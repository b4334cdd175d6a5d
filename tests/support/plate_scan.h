// A made-up scan of a photographic plate: FITS, 16 bits unsigned, sums in the header. Its words are a window
// of one table that repeats, so that any range is made on demand and the sum of 427 MB is a multiplication.
// Values and pure functions; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace astrofs::sim {

struct PlateScan {
  int scan_id{0};
  std::string file_name;
  std::string telescope, date, object, plate_number;
  std::uint32_t width{0}, height{0};  ///< of pixels; the product is even
};

/// With CHECKSUM and DATASUM.
[[nodiscard]] std::string scan_header(const PlateScan& scan);
[[nodiscard]] std::uint64_t scan_size(const PlateScan& scan);
/// Of the whole file; `header` is scan_header()'s.
void read_scan(const PlateScan& scan, const std::string& header, std::uint64_t offset,
               std::span<std::byte> into);

}  // namespace astrofs::sim
