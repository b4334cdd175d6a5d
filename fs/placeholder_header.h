// What the headers of a placeholder say, before it is decided how long they are.
// Pure; any thread. For fs/placeholder alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/fits_checksum.h"
#include "base/error.h"
#include "fs/header_draft.h"
#include "fs/placeholder.h"

namespace astrofs {

/// Some of the bytes of a data unit.
struct DataPart {
  std::uint64_t length;
  std::string text;         ///< all of them, or a row that repeats, or
  fits::Pattern pattern{};  ///< what repeats, when `text` is empty
};

struct HduPlan {
  std::vector<RankedCard> cards;  ///< in order, without DATASUM, CHECKSUM and END
  std::uint64_t usual_blocks{0};  ///< length of the sibling's header, or as the shape says; 0 = not known
  std::vector<DataPart> data;     ///< without padding
  /// A table's: behind the rows is its heap, which may be longer than what it holds. PCOUNT is not decided.
  std::optional<std::uint64_t> rows_size;

  [[nodiscard]] std::uint64_t data_size() const;
};

/// One plan for each HDU. Errc::unsupported for anything but images, compressed or not; Errc::invalid for
/// headers that are none.
[[nodiscard]] Result<std::vector<HduPlan>> plan_headers(const FrameShape& shape, const SiblingHeader* sibling,
                                                        MissingCause cause, std::string_view file_name);

}  // namespace astrofs
