// FITS binary tables of the stand-in archive: columns as functions of the row. Values and pure functions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/fits_cards.h"

namespace astrofs::sim {

struct FitsColumn {
  std::string name;
  char form;  ///< D, E, J or I
  std::string unit;
  std::function<double(int row)> value;
};

template <class Word>
void append_big_endian(std::string& out, Word word) {
  for (unsigned byte = sizeof(Word); byte-- > 0;) out += static_cast<char>(word >> (8 * byte) & 0xff);
}
/// As a column of that form has it.
void append_value(std::string& out, char form, double value);

/// Rows with their padding, and the cards of a header before them.
[[nodiscard]] std::string table_data(const std::vector<FitsColumn>& columns, int rows);
[[nodiscard]] CardList table_cards(const std::vector<FitsColumn>& columns, int rows, std::string_view name);

}  // namespace astrofs::sim
