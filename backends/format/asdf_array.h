// One-dimensional arrays of an ASDF file, as the columns of its tables are: what the tree says of one, and
// its values out of a block or out of the tree itself. Pure but for the reads of AsdfBlocks. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "backends/format/asdf_blocks.h"
#include "backends/format/column_values.h"
#include "backends/format/yaml_tree.h"
#include "base/error.h"

namespace astrofs {

struct AsdfArray {
  enum class Element : std::uint8_t { signed_integer, unsigned_integer, real, boolean, ucs4, ascii };

  Element element{Element::real};
  std::size_t width{8};                         ///< bytes of one element
  bool big_endian{true};                        ///< what ASDF means where it says nothing
  std::int64_t block{0};                        ///< as AsdfBlocks::block counts
  std::uint64_t offset{0};                      ///< of the first element in the block
  std::uint64_t stride{8};                      ///< bytes from one element to the next
  std::optional<std::uint64_t> rows;            ///< nullopt: as many as a streamed block holds
  std::shared_ptr<const ColumnValues> written;  ///< the values, where they stand in the tree
  std::shared_ptr<const AsdfArray> mask;        ///< true: this value is missing
  std::optional<double> masked_value;           ///< this value stands for a missing one

  [[nodiscard]] ColumnType type() const;
};

inline constexpr std::uint64_t kMostAsdfRows = 4'000'000;        ///< the largest dataset has 77,694
inline constexpr std::uint64_t kLargestAsdfRead = 256ULL << 20;  ///< bytes of one column

/// An ndarray node. Errors: unsupported (types and layouts that no header has, other files), corrupt,
/// too_large.
[[nodiscard]] Result<AsdfArray> parse_asdf_array(const YamlNode& node);

/// How many values there are. Errors: those of AsdfBlocks::block.
[[nodiscard]] Result<std::uint64_t> asdf_rows(const AsdfBlocks& blocks, const AsdfArray& array);

/// Values first to first + count. Errors: those of AsdfBlocks, corrupt (fewer values), too_large. A NUL or
/// more at the end of a text is padding; a code that is no character reads as U+FFFD.
[[nodiscard]] Result<ColumnValues> read_asdf_values(const AsdfBlocks& blocks, const AsdfArray& array,
                                                    std::uint64_t first, std::uint64_t count);

}  // namespace astrofs
