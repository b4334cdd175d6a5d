// A TESS sector for the stand-in archive: real names from a listing or made-up ones, frames written when they
// are read, the bulk script, and the PRF models. Called once per sector while the tree is filled.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "tests/support/ffi_frame.h"
#include "tests/support/sim_content.h"

namespace astrofs::sim {

struct Chip {
  int camera{1};
  int ccd{1};
};

struct SectorOptions {
  int sector{4};
  /// CSV or CSV.gz with the columns path and data_offset, and optionally quality and barycorr; "" = made-up
  /// names.
  std::string listing{};
  int frames{0};              ///< per chip; 0 = all of the listing, or 8 made-up ones
  std::vector<Chip> chips{};  ///< empty = all 16
  FrameSize size{kSmallFrame};
  std::vector<std::string> denied{};  ///< names that are listed and 404 everywhere
  // Of made-up names only
  SysSeconds first{seconds(1'539'943'179)};  ///< 2018-10-19 09:59:39, the first exposure of sector 4
  int cadence{0};                            ///< seconds; 0 = the sector's own: 1800, 600 or 200
  int scid{124};                             ///< spacecraft configuration
  std::vector<std::uint32_t> data_offsets{kUsualDataOffset};  ///< of the frames, in turn
  int doubled{0};  ///< so many first exposures are listed twice, one second apart
};

/// What a frame's name says, and where it is.
struct FrameName {
  std::string name;
  std::string path;  ///< "/tess/public/ffi/s0004/2018/292/1-1/NAME": the bucket's key with a '/'
  std::uint64_t size{0};
};

/// Frames under /tess/public/ffi, the bulk script under /missions/tess/download_scripts/sector.
[[nodiscard]] Result<std::vector<FrameName>> put_sector(ContentTree& tree, const SectorOptions& options);
/// 800 models of 117 x 117 pixels under /missions/tess/models/prf_fitsfiles.
void put_prf_models(ContentTree& tree);

[[nodiscard]] int cadence_of_sector(int sector);
/// "1-1,2-3" or "all": all chips, too, when it is empty. Nothing for what is neither.
[[nodiscard]] Result<std::vector<Chip>> parse_chips(std::string_view text);

}  // namespace astrofs::sim
