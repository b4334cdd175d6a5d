// Cards and the meaning of one header. The layout of a file is in fits_layout.cpp.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "backends/format/fits_layout.h"

namespace astrofs {
namespace {

constexpr std::int64_t kMostAxes = 999;             // the standard's bound
constexpr std::uint64_t kLargestData = 1ULL << 60;  // no file of this size exists; sums stay far below 2^64
constexpr std::string_view kPrimaryStart = "SIMPLE  =";
constexpr std::string_view kExtensionStart = "XTENSION=";

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string_view keyword_of(std::string_view card) {
  const std::string_view keyword = card.substr(0, 8);
  return keyword.substr(0, keyword.find_last_not_of(' ') + 1);
}

/// The value part of a card without its comment; nullopt when the card has none.
std::optional<std::string_view> value_of(std::string_view card) {
  if (card.size() < 10 || card.substr(8, 2) != "= ") return std::nullopt;
  const std::string_view rest = card.substr(10);
  const auto first = rest.find_first_not_of(' ');
  if (first == std::string_view::npos || rest[first] == '/') return std::nullopt;
  if (rest[first] != '\'') return trim(rest.substr(0, rest.find('/')));
  for (std::size_t i = first + 1; i < rest.size(); ++i) {
    if (rest[i] != '\'') continue;
    if (i + 1 < rest.size() && rest[i + 1] == '\'') {
      ++i;  // '' within a string is one '
    } else {
      return rest.substr(first, i - first + 1);
    }
  }
  return std::nullopt;  // the string does not end
}

std::optional<std::string_view> value_of(const FitsHeader& header, std::string_view keyword) {
  const auto card = std::find_if(header.cards.begin(), header.cards.end(),
                                 [&](const std::string& c) { return keyword_of(c) == keyword; });
  return card == header.cards.end() ? std::nullopt : value_of(*card);
}

template <class T>
std::optional<T> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

tl::unexpected<Error> bad_card(std::string_view keyword) {
  return fail(Errc::corrupt, "a FITS header whose " + std::string(keyword) + " is missing or absurd");
}

/// Product and sum that stay below kLargestData; false when they would not.
bool multiply(std::uint64_t& value, std::uint64_t by) {
  return !__builtin_mul_overflow(value, by, &value) && value <= kLargestData;
}

std::optional<std::uint64_t> natural(const FitsHeader& header, std::string_view keyword) {
  const auto value = card_int(header, keyword);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

/// `missing` when there is no such card; nullopt when there is one that is no natural number.
std::optional<std::uint64_t> natural_or(const FitsHeader& header, std::string_view keyword,
                                        std::uint64_t missing) {
  return card_text(header, keyword) ? natural(header, keyword) : missing;
}

/// PCOUNT and GCOUNT count in extensions and random groups only; elsewhere they are 0 and 1.
Result<std::uint64_t> data_bytes(const FitsHeader& header) {
  std::uint64_t before = 0;
  std::uint64_t times = 1;
  if (!header.xtension.empty() || header.groups) {
    const auto pcount = natural_or(header, "PCOUNT", 0);
    const auto gcount = natural_or(header, "GCOUNT", 1);
    if (!pcount || *pcount > kLargestData) return bad_card("PCOUNT");
    if (!gcount) return bad_card("GCOUNT");
    before = *pcount;
    times = *gcount;
  }
  if (header.axes.empty()) return 0;
  std::uint64_t total = 1;
  bool fits = true;
  const bool any_empty =
      std::find(header.axes.begin() + (header.groups ? 1 : 0), header.axes.end(), 0U) != header.axes.end();
  for (std::size_t i = header.groups ? 1 : 0; i < header.axes.size() && !any_empty; ++i) {
    fits = fits && multiply(total, header.axes[i]);
  }
  if (any_empty) total = 0;
  total += before;
  fits = fits && multiply(total, times) &&
         multiply(total, static_cast<std::uint64_t>(std::abs(header.bitpix)) / 8);
  if (!fits) return bad_card("size of data");
  return total;
}

Result<void> read_structure(FitsHeader& header) {
  constexpr std::array<std::int64_t, 6> kBitpix{8, 16, 32, 64, -32, -64};
  const auto bitpix = card_int(header, "BITPIX");
  if (!bitpix || std::find(kBitpix.begin(), kBitpix.end(), *bitpix) == kBitpix.end())
    return bad_card("BITPIX");
  header.bitpix = static_cast<int>(*bitpix);
  const auto naxis = card_int(header, "NAXIS");
  if (!naxis || *naxis < 0 || *naxis > kMostAxes) return bad_card("NAXIS");
  for (std::int64_t i = 1; i <= *naxis; ++i) {
    const std::string keyword = "NAXIS" + std::to_string(i);
    const auto length = natural(header, keyword);
    if (!length) return bad_card(keyword);
    header.axes.push_back(*length);
  }
  if (header.cards.front().starts_with(kExtensionStart)) {
    const auto xtension = card_string(header, "XTENSION");
    if (!xtension || xtension->empty()) return bad_card("XTENSION");
    header.xtension = *xtension;
  }
  header.extname = card_string(header, "EXTNAME").value_or("");
  header.groups = header.xtension.empty() && !header.axes.empty() && header.axes[0] == 0 &&
                  card_bool(header, "GROUPS").value_or(false);
  header.tile_compressed = header.xtension == "BINTABLE" && card_bool(header, "ZIMAGE").value_or(false);
  const auto bytes = data_bytes(header);
  if (!bytes) return tl::unexpected(bytes.error());
  header.data_bytes = *bytes;
  header.data_length = (*bytes + kFitsBlock - 1) / kFitsBlock * kFitsBlock;
  return {};
}

}  // namespace

bool looks_like_fits(std::span<const std::byte> first) {
  return text_of(first).starts_with(kPrimaryStart);
}

bool FitsHeader::is_image() const {
  return tile_compressed || xtension.empty() || xtension == "IMAGE";
}

Result<FitsHeader> parse_fits_header(std::span<const std::byte> from_header_start) {
  const std::string_view text =
      text_of(from_header_start.first(std::min<std::size_t>(from_header_start.size(), kLongestFitsHeader)));
  const std::string_view start = text.substr(0, kPrimaryStart.size());
  if (!kPrimaryStart.starts_with(start) && !kExtensionStart.starts_with(start)) {
    return fail(Errc::corrupt, "a FITS header begins with neither SIMPLE nor XTENSION");
  }
  FitsHeader header;
  for (std::size_t at = 0; at + kFitsCard <= text.size(); at += kFitsCard) {
    const std::string_view card = text.substr(at, kFitsCard);
    if (keyword_of(card) == "END") {
      header.header_length = (at + kFitsCard + kFitsBlock - 1) / kFitsBlock * kFitsBlock;
      if (auto structure = read_structure(header); !structure) return tl::unexpected(structure.error());
      header.complete = true;
      return header;
    }
    header.cards.emplace_back(card);
  }
  if (from_header_start.size() >= kLongestFitsHeader)
    return fail(Errc::corrupt, "a FITS header of more than 1 MiB");
  return header;
}

std::optional<std::string> card_text(const FitsHeader& header, std::string_view keyword) {
  const auto value = value_of(header, keyword);
  if (!value) return std::nullopt;
  return std::string(*value);
}

std::optional<std::string> card_string(const FitsHeader& header, std::string_view keyword) {
  const auto value = value_of(header, keyword);
  if (!value || value->front() != '\'') return std::nullopt;
  std::string out;
  const std::string_view inside = value->substr(1, value->size() - 2);
  for (std::size_t i = 0; i < inside.size(); ++i) {
    out += inside[i];
    if (inside[i] == '\'') ++i;
  }
  out.resize(out.find_last_not_of(' ') + 1);  // trailing spaces of a FITS string do not count
  return out;
}

std::optional<std::int64_t> card_int(const FitsHeader& header, std::string_view keyword) {
  const auto value = value_of(header, keyword);
  return value ? number_of<std::int64_t>(*value) : std::nullopt;
}

std::optional<double> card_float(const FitsHeader& header, std::string_view keyword) {
  const auto value = value_of(header, keyword);
  if (!value || value->front() == '\'') return std::nullopt;
  std::string number(*value);
  std::replace(number.begin(), number.end(), 'D', 'E');  // FORTRAN's double precision
  std::replace(number.begin(), number.end(), 'd', 'e');
  return number_of<double>(number);
}

std::optional<bool> card_bool(const FitsHeader& header, std::string_view keyword) {
  const auto value = value_of(header, keyword);
  if (value == "T") return true;
  if (value == "F") return false;
  return std::nullopt;
}

}  // namespace astrofs
