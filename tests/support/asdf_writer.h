// Writes ASDF files for tests: blocks, packed and summed as asked, behind a tree of text. What real writers
// do, and lies. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace astrofs::sim {

enum class AsdfPacking : std::uint8_t { none, zlib, bzp2, lz4 };
enum class AsdfIndex : std::uint8_t {
  right,
  none,
  shifted,
  middle_wrong,
  flow,
  without_first,
  without_second
};

struct AsdfBlockForm {
  AsdfPacking packing{AsdfPacking::none};
  bool md5{true};             ///< of the data, not of what they are packed to
  bool md5_of_packed{false};  ///< the other reading of the standard
  bool streamed{false};
  std::uint64_t spare{0};  ///< allocated, but not used
  std::string fourcc{};    ///< instead of what the packing is called
};

/// How numbers and texts are written.
struct AsdfColumnForm {
  bool big_endian{false};
  AsdfBlockForm block{};
};

class AsdfWriter {
 public:
  /// The number of the block.
  int add_block(std::string_view data, const AsdfBlockForm& form = {});

  /// Each gives the ndarray node that reads the values back.
  std::string int64s(const std::vector<std::int64_t>& values, const AsdfColumnForm& form = {});
  std::string float64s(const std::vector<double>& values, const AsdfColumnForm& form = {});
  std::string bools(const std::vector<bool>& values, const AsdfColumnForm& form = {});
  /// As [ucs4, longest]; the values are UTF-8.
  std::string texts(const std::vector<std::string>& values, const AsdfColumnForm& form = {});

  /// The file. `tree` is what follows the document's first line.
  [[nodiscard]] std::string file(std::string_view tree, AsdfIndex index = AsdfIndex::right,
                                 std::string_view padding = {}) const;

 private:
  std::string ndarray(std::string_view datatype, std::string_view data, std::size_t rows,
                      const AsdfColumnForm& form);

  std::vector<std::string> blocks_;  ///< with their headers
};

/// {name: values} columns as an astropy table: "!<tag:astropy.org:astropy/table/table-1.0.0> {...}".
struct AsdfColumn {
  std::string name, ndarray;
};
[[nodiscard]] std::string asdf_table(const std::vector<AsdfColumn>& columns);

}  // namespace astrofs::sim
