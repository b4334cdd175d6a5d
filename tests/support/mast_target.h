// Targets of TESS that nobody has observed: their numbers, names, observations and products follow from a
// rule, so that every part of the stand-in archive says the same of them. Values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace astrofs::sim {

struct TargetOptions {
  int targets{0};                         ///< 0: there are none
  std::vector<int> sectors{1, 2, 3, 27};  ///< ascending; from 27 on there are 20-second versions
  int rows{200};                          ///< cadences of a light curve
  std::uint32_t width{11}, height{11};    ///< pixels of a stamp
};

enum class ProductForm : unsigned char { light_curve, pixels, time_series, xml, pdf };

struct TargetProduct {
  std::string name;
  std::string sub_group;  ///< "LC", "TP", "FAST-LC", "FAST-TP", "DVT", "DVR", "DVS", "DVM"
  std::string description;
  int folder_sector{1};  ///< where it lies: tid/s0001/...
  ProductForm form{ProductForm::light_curve};
  bool fast{false};
};

/// A row of the archive's observations: a sector, or a run of data validation over several.
struct TargetObservation {
  std::uint64_t number{0};  ///< "obsid"
  std::string id{};         ///< "obs_id"
  int first_sector{1}, last_sector{1};
  int exposure{120};  ///< seconds
  std::vector<TargetProduct> products{};
};

struct Target {
  std::uint64_t tic{0};
  double ra{0}, dec{0}, magnitude{0};
  int camera{1}, ccd{1};
  std::uint32_t width{11}, height{11};  ///< of its stamp
  std::vector<TargetObservation> observations{};
};

/// The first is TIC 25132999, which was observed in all the sectors; every third of the others misses one.
/// Each second has a data validation, and the first has runs over more and more sectors.
[[nodiscard]] std::vector<Target> make_targets(const TargetOptions& options);

/// "tess/public/tid/s0001/0000/0000/2513/2999/NAME"
[[nodiscard]] std::string target_key(const Target& target, const TargetProduct& product);
/// Start of a sector's first cadence, days since 2457000.
[[nodiscard]] double sector_start(int sector);

}  // namespace astrofs::sim
