#include "backends/tess_prf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace astrofs::tess {
namespace {

// Where on the CCD the models were made, in pixels.
constexpr std::array kRows{1, 513, 1025, 1536, 2048};
constexpr std::array kColumns{45, 557, 1069, 1580, 2092};

/// The files of a set were written within two seconds, CCD after CCD: the stamp of the first, and at which of
/// the sixteen CCDs (camera by camera) the clock had moved on by one and by two seconds.
struct StampTable {
  std::string_view set;
  std::uint64_t first;
  unsigned plus_one_from, plus_two_from;
};
constexpr std::array<StampTable, 2> kStamps{{
    {"start_s0001", 2018243163600ULL, 7, 16},
    {"start_s0004", 2019107181900ULL, 1, 9},
}};

std::uint64_t stamp_of(const PrfChip& chip) {
  const auto* const table = std::find_if(kStamps.begin(), kStamps.end(),
                                         [&](const StampTable& row) { return row.set == chip.set; });
  if (table == kStamps.end()) return 0;
  const unsigned position = (chip.camera - 1) * 4 + chip.ccd - 1;
  return table->first + (position >= table->plus_one_from ? 1U : 0U) +
         (position >= table->plus_two_from ? 1U : 0U);
}

bool is_one_to_four(char c) {
  return c >= '1' && c <= '4';
}

}  // namespace

const std::vector<std::string>& prf_sets() {
  static const std::vector<std::string> sets{std::string(kStamps[0].set), std::string(kStamps[1].set)};
  return sets;
}

std::optional<PrfChip> parse_prf_chip(std::string_view set, std::string_view directory) {
  const bool known = std::find(prf_sets().begin(), prf_sets().end(), set) != prf_sets().end();
  constexpr std::string_view kForm = "cam1_ccd1";
  if (!known || directory.size() != kForm.size() || !directory.starts_with("cam") ||
      directory.substr(4, 4) != "_ccd" || !is_one_to_four(directory[3]) || !is_one_to_four(directory[8])) {
    return std::nullopt;
  }
  return PrfChip{std::string(set), static_cast<unsigned>(directory[3] - '0'),
                 static_cast<unsigned>(directory[8] - '0')};
}

std::vector<std::string> prf_names(const PrfChip& chip) {
  std::vector<std::string> names;
  names.reserve(kRows.size() * kColumns.size());
  for (const int row : kRows) {
    for (const int column : kColumns) {
      names.push_back(fmt::format("tess{}-prf-{}-{}-row{:04}-col{:04}.fits", stamp_of(chip), chip.camera,
                                  chip.ccd, row, column));
    }
  }
  return names;
}

}  // namespace astrofs::tess
