// Binary tables as TESS' pipeline writes them, with columns of vectors, and its integer images: for made-up light
// curves and pixels. Values and pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fits_cards.h"

namespace astrofs::sim {

struct TableColumn {
  std::string_view name;
  char type{'E'};  ///< D, E or J
  std::uint32_t count{1};
  std::string_view unit{};
  std::string_view display{};
  std::string_view dimensions{};  ///< TDIM
  std::string_view null{};        ///< TNULL
};

[[nodiscard]] std::uint64_t row_bytes(const std::vector<TableColumn>& columns);

/// The value of element `element` of a column in a row; of an integer column it is rounded.
using CellValue = std::function<double(std::size_t column, std::uint64_t row, std::uint32_t element)>;

/// Header, rows and padding. `cards`: behind those of the structure.
[[nodiscard]] std::string table_hdu(const std::vector<TableColumn>& columns, std::uint64_t rows,
                                    const CardList& cards, const CellValue& value);
/// Header and data of an int32 image.
[[nodiscard]] std::string integer_image_hdu(std::uint32_t width, std::uint32_t height, const CardList& cards,
                                            const std::function<std::int32_t(std::uint32_t)>& value);

}  // namespace astrofs::sim
