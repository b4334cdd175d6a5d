// Builds a file of HDF5 of light curves that come one by one and in any order. How many there are and how
// long the longest is, which HDF5 wants to know first, is known last: until then what is wanted of them lies
// in a scratch file, so that memory holds one curve and a few numbers of each. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/recipe.h"
#include "base/unique_fd.h"
#include "fs/hdf5_curve.h"
#include "fs/hdf5_file.h"
#include "fs/recipe_text.h"

namespace astrofs {

class Hdf5Builder {
 public:
  /// `scratch` is empty and open for reading and writing.
  Hdf5Builder(Recipe recipe, UniqueFd scratch);

  /// Errors are those of read_curve() and of the disk, and name the part by its index; invalid: it was given
  /// too few numbers.
  [[nodiscard]] Result<void> add(const PartLine& part, std::span<const std::byte> file);
  /// Writes all that was added to `path`. not_found: nothing was. `named`: the file keeps its name, else it
  /// is whoever has it open already who has the file.
  [[nodiscard]] Result<WrittenFile> write(const std::string& path, bool named = true);

 private:
  struct Part {
    std::uint64_t index{0};
    std::uint64_t rows{0};
    std::uint64_t place{0};  ///< of its columns in the scratch file, one behind the other
    std::vector<NumberForm> forms;
    std::vector<std::int64_t> given;
    std::vector<double> cards;
  };
  [[nodiscard]] NumberForm form_of(std::size_t column, Recipe::Type wanted) const;
  [[nodiscard]] Result<void> write_columns(Hdf5File& file, std::size_t dataset, std::size_t column) const;
  [[nodiscard]] Result<void> write_numbers(Hdf5File& file, std::size_t number, std::size_t dataset,
                                           std::size_t card) const;
  [[nodiscard]] std::uint64_t longest() const;

  const Recipe recipe_;
  const UniqueFd scratch_;
  std::uint64_t scratch_size_{0};
  std::vector<Part> parts_;
};

}  // namespace astrofs
