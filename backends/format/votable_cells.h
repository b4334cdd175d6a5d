// Cells of a VOTable: from TABLEDATA's text and from the bytes of BINARY and BINARY2 to the same text. Pure;
// one thread at a time per object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/votable.h"

namespace astrofs {

/// The type of a FIELD, and its array as `arraysize` says.
[[nodiscard]] VoType vo_type(std::string_view datatype);
/// Sets count, string_length and variable; false where the text is no size.
[[nodiscard]] bool vo_array(std::string_view arraysize, VoField& field);

/// One row on its way: the text of all its cells, and where each stands in it.
class VoCells {
 public:
  std::string text;

  void clear() {
    text.clear();
    cells_.clear();
  }
  [[nodiscard]] std::size_t size() const { return cells_.size(); }
  /// The cell that began at text[begin] ends here.
  void end_cell(std::size_t begin) { cells_.push_back({begin, text.size() - begin}); }
  void null_cell() { cells_.push_back({kNull, 0}); }
  /// What stands in the cells, put into the form that VoRow promises. Valid until the next change.
  [[nodiscard]] VoRow row(const std::vector<VoField>& fields);

 private:
  static constexpr std::size_t kNull = static_cast<std::size_t>(-1);
  struct Place {
    std::size_t begin, length;
  };
  void settle(const VoField& field, Place& place);

  std::vector<Place> cells_;
  std::vector<std::optional<std::string_view>> row_;
};

/// Base64 in pieces, with blanks and line breaks anywhere.
class Base64Stream {
 public:
  /// Appends what is decoded to `out`. corrupt: a character that is none of it, or more behind its end.
  [[nodiscard]] Result<void> feed(std::string_view piece, std::string& out);
  /// corrupt: cut off within a group.
  [[nodiscard]] Result<void> finish() const;

 private:
  std::uint32_t bits_{0};
  unsigned digits_{0}, padding_{0};
};

/// Rows out of the bytes of BINARY or BINARY2.
class VoBinaryRows {
 public:
  /// unsupported: a column of a type that has no binary form; too_large: a row beyond `largest_row`.
  [[nodiscard]] static Result<VoBinaryRows> make(const std::vector<VoField>& fields, bool with_null_flags,
                                                 std::size_t largest_row);

  /// Bytes arrive here.
  std::string bytes;
  /// Takes the next row out of `bytes`; false: more is needed. Errors: too_large, corrupt.
  [[nodiscard]] Result<bool> next(VoCells& cells);
  /// All rows are taken: what is left is no row. corrupt.
  [[nodiscard]] Result<void> finish() const;
  /// Forgets bytes that are read.
  void compact();

 private:
  VoBinaryRows(const std::vector<VoField>& fields, bool with_null_flags, std::size_t largest_row)
      : fields_(&fields), with_null_flags_(with_null_flags), largest_row_(largest_row) {}
  /// Where the row's end is, counted from `at_`; nullopt where `bytes` does not tell yet, and then needed_.
  [[nodiscard]] Result<std::optional<std::size_t>> row_end();

  const std::vector<VoField>* fields_;
  bool with_null_flags_;
  std::size_t largest_row_;
  std::size_t at_{0};      ///< of the next row
  std::size_t needed_{0};  ///< that many bytes from at_ on, before it is worth to look again
};

}  // namespace astrofs
