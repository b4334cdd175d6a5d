// What the daemon tells the program that writes HDF5 (hdf5_main) on its standard input, and hears from it:
//
//   astrofs-hdf5 1                              single: "astrofs-hdf5 1 single"
//   dataset NAME TYPE column|card KEY           a line for each; TYPE: same i2 i4 i8 f4 f8
//   dataset NAME TYPE given NUMBER
//   (an empty line)
//   part INDEX LENGTH GIVEN...                  behind its line LENGTH bytes: the part's file. In any order;
//   a
//                                               file's rows are in the order of the indices
//   end                                         without it nothing is written
//
// The answer is one line: "done SIZE PARTS ROWS PEAK", bytes, numbers, and the most memory it had in KiB; or
// "failed CAUSE TEXT". Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/recipe.h"
#include "base/error.h"

namespace astrofs {

/// Everything of a recipe but its parts. invalid: a name or a key that no line can hold.
[[nodiscard]] Result<std::string> recipe_head(const Recipe& recipe);
/// The same back, from the text before the empty line.
[[nodiscard]] Result<Recipe> parse_recipe_head(std::string_view text);

struct PartLine {
  std::uint64_t index{0};
  std::uint64_t length{0};
  std::vector<std::int64_t> given;
};
/// Ends in a newline.
[[nodiscard]] std::string part_line(const PartLine& part);
/// `line`: without the newline.
[[nodiscard]] Result<PartLine> parse_part_line(std::string_view line);
inline constexpr std::string_view kEndLine = "end";
/// A light curve of the longest cadence has two or three megabytes.
inline constexpr std::uint64_t kLongestPart = 64ULL << 20;

struct WrittenFile {
  std::uint64_t size{0};
  std::uint64_t parts{0};
  std::uint64_t rows{0};  ///< of the longest
  std::uint64_t peak_kib{0};
};
[[nodiscard]] std::string answer_line(const Result<WrittenFile>& written);
[[nodiscard]] Result<WrittenFile> parse_answer_line(std::string_view line);

}  // namespace astrofs
