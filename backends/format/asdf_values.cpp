#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "backends/format/asdf_array.h"
#include "backends/format/utf8.h"
#include "base/bytes.h"

namespace astrofs {
namespace {

template <class T>
T number_at(const std::byte* at, bool swap) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), at, sizeof(T));
  if (swap) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

std::string text_at(const std::byte* at, const AsdfArray& array, bool swap) {
  const std::size_t unit = array.element == AsdfArray::Element::ucs4 ? 4 : 1;
  std::size_t length = array.width;
  while (length > 0 &&
         std::all_of(at + length - unit, at + length, [](std::byte b) { return b == std::byte{}; })) {
    length -= unit;
  }
  std::string out;
  out.reserve(length / unit);
  for (std::size_t i = 0; i < length; i += unit) {
    const std::uint32_t code =
        unit == 4 ? number_at<std::uint32_t>(at + i, swap) : std::to_integer<std::uint32_t>(at[i]);
    append_utf8(out, unit == 1 && code > 0x7F ? 0xFFFD : code);
  }
  return out;
}

std::int64_t integer_at(const std::byte* at, const AsdfArray& array, bool swap) {
  const bool is_signed = array.element == AsdfArray::Element::signed_integer;
  switch (array.width) {
    case 1:
      return is_signed ? number_at<std::int8_t>(at, swap) : number_at<std::uint8_t>(at, swap);
    case 2:
      return is_signed ? number_at<std::int16_t>(at, swap) : number_at<std::uint16_t>(at, swap);
    case 4:
      return is_signed ? number_at<std::int32_t>(at, swap) : number_at<std::uint32_t>(at, swap);
    default:
      break;
  }
  if (is_signed) return number_at<std::int64_t>(at, swap);
  // No FITS card holds more either: the largest there is stands for what is larger.
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(number_at<std::uint64_t>(at, swap), kMost));
}

ColumnValues decode(const AsdfArray& array, std::span<const std::byte> bytes, std::uint64_t count) {
  ColumnValues out = ColumnValues::nothing(array.type(), count);
  out.missing.assign(count, false);
  const bool swap = array.big_endian != (std::endian::native == std::endian::big);
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* at = bytes.data() + i * array.stride;
    switch (array.element) {
      case AsdfArray::Element::signed_integer:
      case AsdfArray::Element::unsigned_integer:
        std::get<0>(out.values)[i] = integer_at(at, array, swap);
        break;
      case AsdfArray::Element::real:
        std::get<1>(out.values)[i] =
            array.width == 4 ? static_cast<double>(number_at<float>(at, swap)) : number_at<double>(at, swap);
        break;
      case AsdfArray::Element::boolean:
        std::get<2>(out.values)[i] = *at != std::byte{};
        break;
      case AsdfArray::Element::ucs4:
      case AsdfArray::Element::ascii:
        std::get<3>(out.values)[i] = text_at(at, array, swap);
        break;
    }
  }
  return out;
}

Result<ColumnValues> unmasked(const AsdfBlocks& blocks, const AsdfArray& array, std::uint64_t first,
                              std::uint64_t count) {
  const auto rows = asdf_rows(blocks, array);
  if (!rows) return tl::unexpected(rows.error());
  if (first > *rows || count > *rows - first) return fail(Errc::corrupt, "an ASDF array with fewer values");
  if (array.written) {
    ColumnValues out = ColumnValues::nothing(array.type(), count);
    std::visit(
        [&](const auto& from) {
          const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
          std::get<std::decay_t<decltype(from)>>(out.values)
              .assign(begin, begin + static_cast<std::ptrdiff_t>(count));
        },
        array.written->values);
    const auto begin = array.written->missing.begin() + static_cast<std::ptrdiff_t>(first);
    out.missing.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    return out;
  }
  if (count == 0 || array.width == 0) {  // texts of no length lie nowhere, and all of them are ""
    ColumnValues out = ColumnValues::nothing(array.type(), count);
    out.missing.assign(count, false);
    return out;
  }
  // Neither product can run over: rows are at most 4 million and strides are compared with the bound first.
  if (array.stride > kLargestAsdfRead || (count - 1) * array.stride + array.width > kLargestAsdfRead) {
    return fail(Errc::too_large, "an ASDF column that is too long");
  }
  const auto block = blocks.block(array.block);
  if (!block) return tl::unexpected(block.error());
  if (array.offset > block->size || first * array.stride > block->size - array.offset) {
    return fail(Errc::corrupt, "an ASDF array that is longer than its block");
  }
  const std::uint64_t length = (count - 1) * array.stride + array.width;
  const std::uint64_t from = array.offset + first * array.stride;
  // Looked at here too: no memory for what the block cannot hold.
  if (length > block->size - from) return fail(Errc::corrupt, "an ASDF array that is longer than its block");
  Buffer bytes(length);
  if (const auto got = blocks.read(*block, from, bytes); !got) return tl::unexpected(got.error());
  return decode(array, bytes, count);
}

Result<void> apply_mask(const AsdfBlocks& blocks, const AsdfArray& array, std::uint64_t first,
                        ColumnValues& values) {
  if (array.masked_value) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const CellValue cell = values.at(i);
      const auto* integer = std::get_if<std::int64_t>(&cell);
      const auto* real = std::get_if<double>(&cell);
      const double value = integer != nullptr ? static_cast<double>(*integer) : real != nullptr ? *real : 0;
      if ((integer != nullptr || real != nullptr) && value == *array.masked_value) values.missing[i] = true;
    }
  }
  if (!array.mask) return {};
  const auto mask = unmasked(blocks, *array.mask, first, values.size());
  if (!mask) return tl::unexpected(mask.error());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const CellValue cell = mask->at(i);
    const auto* integer = std::get_if<std::int64_t>(&cell);
    if (integer != nullptr ? *integer != 0 : std::get<bool>(cell)) values.missing[i] = true;
  }
  return {};
}

}  // namespace

Result<std::uint64_t> asdf_rows(const AsdfBlocks& blocks, const AsdfArray& array) {
  if (array.rows) return *array.rows;
  const auto block = blocks.block(array.block);
  if (!block) return tl::unexpected(block.error());
  const std::uint64_t left = block->size - std::min(array.offset, block->size);
  if (array.stride == 0 || left < array.width) return 0;
  return std::min((left - array.width) / array.stride + 1, kMostAsdfRows);
}

Result<ColumnValues> read_asdf_values(const AsdfBlocks& blocks, const AsdfArray& array, std::uint64_t first,
                                      std::uint64_t count) {
  auto values = unmasked(blocks, array, first, count);
  if (!values) return values;
  if (const auto masked = apply_mask(blocks, array, first, *values); !masked)
    return tl::unexpected(masked.error());
  return values;
}

}  // namespace astrofs
