// What the headers of a placeholder say, before it is decided how long they are.
// Pure; any thread. For fs/placeholder alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "base/error.h"
#include "fs/fits_checksum.h"
#include "fs/placeholder.h"

namespace astrofs {

/// Which cards go first when the size of the file leaves no room for all, the last first.
enum class CardRank : std::uint8_t {
  needed,    ///< structure and the marks of a placeholder
  told,      ///< what the frame's name tells
  kept,      ///< the sibling's: what holds for the detector and its mode
  pointing,  ///< the sibling's sky coordinates: a good guess. Frames without any are shorter by exactly these
};

struct RankedCard {
  CardRank rank;
  std::string text;  ///< 80 letters
};

struct HduPlan {
  std::vector<RankedCard> cards;  ///< in order, without DATASUM, CHECKSUM and END
  std::uint64_t usual_blocks{0};  ///< length of the sibling's header; 0 = not known
  std::uint64_t data_size{0};     ///< bytes of pixels, without padding
  fits::Pattern blank_pixels{};
};

/// One plan for each HDU. Errc::unsupported for anything but images; Errc::invalid for headers that are none.
[[nodiscard]] Result<std::vector<HduPlan>> plan_headers(const FrameShape& shape, const SiblingHeader* sibling,
                                                        MissingCause cause, std::string_view file_name);

}  // namespace astrofs
