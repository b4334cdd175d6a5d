// A dataset's frames as its ASDF file names them, and as locators carry them. For type "dkist" alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/dkist_headers.h"
#include "base/error.h"

namespace astrofs::dkist {

struct Frame {
  std::string name;                  ///< one component
  std::uint64_t row{0};              ///< of the ASDF file's table of headers
  unsigned hdu{1};                   ///< that has the image; 0 is the primary
  std::string type;                  ///< "float64", "int16": of a pixel, in numpy's words
  std::vector<std::uint64_t> shape;  ///< of the image, slowest axis first
};

/// "frame/<row>/<HDU>/<type>/<shape>/<folder>/NAME"; `folder` is "bucket/proposal/ID".
[[nodiscard]] std::string locator_of(const Frame& frame, std::string_view folder);

struct Located {
  Frame frame;
  std::string folder;  ///< "bucket/proposal/ID"
};
[[nodiscard]] std::optional<Located> parse_locator(std::string_view locator);

/// What the tree of an ASDF file says, without its blocks. Names that are no single component are left out.
[[nodiscard]] Result<std::vector<Frame>> frames_in(std::string_view tree);

/// HDUs of a frame that is missing, without what its row in the table would tell. Errc::unsupported: not
/// those of level 1.
[[nodiscard]] Result<FrameShape> shape_of(const Frame& frame);
/// A row of the table as cards of a header.
[[nodiscard]] std::vector<FitsCard> cards_of(const std::vector<HeaderCard>& row);

}  // namespace astrofs::dkist
