// read_curve and the lines of a recipe: whatever the bytes, a curve has as many values as rows, or it is an
// error.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "fs/hdf5_curve.h"
#include "fs/recipe_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)astrofs::parse_part_line(text);
  (void)astrofs::parse_answer_line(text);
  if (const auto recipe = astrofs::parse_recipe_head(text)) {
    if (!astrofs::recipe_head(*recipe)) std::abort();
  }
  astrofs::Recipe recipe;
  recipe.datasets = {{"time", astrofs::Recipe::Type::same, astrofs::Recipe::From::column, "TIME", 0},
                     {"ra", astrofs::Recipe::Type::same, astrofs::Recipe::From::card, "RA_OBJ", 0}};
  const auto curve = astrofs::read_curve(std::as_bytes(std::span(data, size)), recipe);
  if (!curve) return 0;
  if (curve->columns.size() != 1 || curve->cards.size() != 1) std::abort();
  const auto& column = curve->columns.front();
  if (column.values.size() != curve->rows * astrofs::width_of(column.form)) std::abort();
  return 0;
}
