// FitsLayout: HDUs follow one another inside the file, whatever the bytes and the pieces they come in.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "backends/format/fits_layout.h"

namespace {

/// What a layout has found; -1 for an error.
std::pair<int, std::uint64_t> follow(std::span<const std::byte> file, std::size_t step) {
  astrofs::FitsLayout layout(file.size());
  bool good = true;
  for (std::size_t at = 0; at < file.size() && good; at += step) {
    good = layout.feed(at, file.subspan(at, std::min(step, file.size() - at))).has_value();
  }
  std::uint64_t end = 0;
  for (const astrofs::FitsHdu& hdu : layout.hdus()) {
    if (hdu.header_offset != end || hdu.header_length % astrofs::kFitsBlock != 0) std::abort();
    if (hdu.data_offset != hdu.header_offset + hdu.header_length || hdu.axes.size() > 999) std::abort();
    end = hdu.data_offset + hdu.data_length;
    if (end > file.size() + astrofs::kFitsBlock) std::abort();
  }
  if (layout.next_header() && (layout.finished() || *layout.next_header() != end)) std::abort();
  if (const std::string line = layout.remembered(); good && !layout.hdus().empty() && !line.empty()) {
    astrofs::FitsLayout again(file.size());
    if (!again.recall(line) || again.next_header() != layout.next_header()) std::abort();
  }
  const auto wanted = layout.wanted();
  if (wanted && wanted->end() > file.size()) std::abort();
  return {good ? static_cast<int>(layout.hdus().size()) : -1, end};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  astrofs::FitsLayout recalled(1'000'000);
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  if (recalled.recall(line) && recalled.next_header() && *recalled.next_header() > 1'000'000) std::abort();
  const auto header = astrofs::parse_fits_header(bytes);
  if (header) {
    for (const std::string& card : header->cards) {
      const std::string keyword = card.substr(0, card.find_first_of(" ="));
      const auto text = astrofs::card_text(*header, keyword);
      if (text && text->empty()) std::abort();
      if (astrofs::card_int(*header, keyword) && !astrofs::card_float(*header, keyword)) std::abort();
      static_cast<void>(astrofs::card_string(*header, keyword));
      static_cast<void>(astrofs::card_bool(*header, keyword));
    }
  }
  if (size > 0 && follow(bytes, size) != follow(bytes, 1 + size / 5)) std::abort();
  return 0;
}
