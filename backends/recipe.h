// How a file is built of other files of its archive: which they are, and which of their values go where.
// Today's one form is HDF5 of light curves. An archive says it, fs/builds does it. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace astrofs {

struct Recipe {
  /// Of what type a dataset is; `same`: as the column of the files is.
  enum class Type : std::uint8_t { same, i2, i4, i8, f4, f8 };
  enum class From : std::uint8_t {
    column,  ///< of the first table of each part: one value for each of its rows
    card,    ///< a number of the table's header, else of the primary one; NaN where there is none
    given,   ///< a number of the part: what is not in its file
  };
  struct Dataset {
    std::string name;
    Type type{Type::same};
    From from{From::column};
    std::string key;       ///< name of the column or the card
    std::size_t given{0};  ///< which of the part's numbers
  };
  struct Part {
    /// Names below the archive's directory, as the mount shows them: the first that is there is meant. None
    /// is there: the archive has not got this part, or no more.
    std::vector<std::string> any_of;
    std::vector<std::int64_t> given;
  };

  /// One part alone: columns lie in a group "lightcurve" and have one axis, all else is scalar. Else each
  /// dataset has a first axis for the parts, in their order, and rows beyond a part's own are zero.
  bool single{false};
  std::vector<Dataset> datasets;
  std::vector<Part> parts;
};

}  // namespace astrofs
