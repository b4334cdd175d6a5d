// What the ASDF file of a DKIST dataset says: its frames, what one of them looks like, the cards of their
// headers, its inventory. Every version of the tags, tiled datasets and inversions. Immutable after open():
// any thread, as often at once as the ReadAt allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/format/asdf_blocks.h"
#include "backends/format/dkist_headers.h"
#include "base/error.h"

namespace astrofs {

enum class DkistKind : std::uint8_t { dataset, tiled, inversion };

/// Frames of one kind: a dataset has one such group, a tiled one has one for each tile that is not masked.
struct DkistFrames {
  std::size_t first{0}, count{0};    ///< in the order of all frames
  std::string datatype;              ///< "float64", "float32", "int16", ...; "" = not given
  std::vector<std::uint64_t> shape;  ///< of the array in one file, slowest axis first: NAXISn .. NAXIS1
  std::variant<std::uint32_t, std::string> target{0U};  ///< HDU counted from 0, or its EXTNAME
  std::vector<std::uint64_t> files_shape;  ///< how the files lie, slowest first: {4, 1000} = Stokes, steps
};

struct InventoryItem {
  std::string name;
  std::vector<std::string> values;  ///< one, or those of a list; a null has none
};

class DkistDataset {
 public:
  static constexpr std::size_t kMostFrames = 2'000'000;  ///< the largest dataset has 77,694

  /// Errors: those of `read`, corrupt (no ASDF, no dataset in it, no files), unsupported (another kind of
  /// ASDF), too_large. Header tables that are absent or do not fit the frames are no error.
  [[nodiscard]] static Result<DkistDataset> open(ReadAt read, std::uint64_t file_size);

  [[nodiscard]] DkistKind kind() const { return kind_; }
  [[nodiscard]] const std::string& tag() const { return tag_; }  ///< with its version

  [[nodiscard]] std::size_t frame_count() const { return ends_.size(); }
  /// The file's name as written, relative to the directory of the ASDF; a stranger's word. "" = none.
  [[nodiscard]] std::string_view frame_name(std::size_t i) const;
  [[nodiscard]] const DkistFrames& frames_of(std::size_t i) const;
  [[nodiscard]] const std::vector<DkistFrames>& groups() const { return groups_; }

  /// Row i is frame i. No columns: the file has none, or headers_problem() says why they cannot be used.
  [[nodiscard]] const DkistHeaders& headers() const { return headers_; }
  [[nodiscard]] const std::string& headers_problem() const { return headers_problem_; }

  /// Scalars and lists of scalars, in the order of the file.
  [[nodiscard]] const std::vector<InventoryItem>& inventory() const { return inventory_; }
  /// The first value of that name; "" = none.
  [[nodiscard]] std::string_view inventory(std::string_view name) const;

 private:
  friend class DkistReader;
  explicit DkistDataset(std::shared_ptr<const AsdfBlocks> blocks) : headers_(std::move(blocks)) {}

  DkistKind kind_{DkistKind::dataset};
  std::string tag_;
  std::string names_;                ///< of all frames, one behind the other
  std::vector<std::uint32_t> ends_;  ///< of each name in names_
  std::vector<DkistFrames> groups_;  ///< in the order of the frames
  DkistHeaders headers_;
  std::string headers_problem_;
  std::vector<InventoryItem> inventory_;
};

}  // namespace astrofs
