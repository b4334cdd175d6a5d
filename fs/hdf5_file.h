// A file of HDF5 that is being written: the only door to libhdf5. Contiguous datasets without attributes and
// without times, so that the same values make the same bytes. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "fs/hdf5_curve.h"

namespace astrofs {

class Hdf5File {
 public:
  /// Makes `path` anew, or what is there empty. Errors: no_space, too_large (more than this process may write
  /// or have in memory), internal.
  [[nodiscard]] static Result<std::unique_ptr<Hdf5File>> create(const std::string& path);
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  /// A group at the root.
  [[nodiscard]] Result<void> add_group(const std::string& name);
  /// `path`: below the root. In this machine's byte order. No axes: one value. Returns its number.
  [[nodiscard]] Result<std::size_t> add_dataset(const std::string& path, NumberForm form,
                                                const std::vector<std::uint64_t>& axes);
  /// All of a dataset, or with two axes its row `row`. `values` are big-endian numbers of `form`, which are
  /// turned into the dataset's own.
  [[nodiscard]] Result<void> write(std::size_t dataset, std::uint64_t row, NumberForm form,
                                   std::span<const std::byte> values);
  /// After it there is nothing but destruction. The file is whole only when this succeeds: its bytes.
  [[nodiscard]] Result<std::uint64_t> close();

 private:
  struct State;
  explicit Hdf5File(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace astrofs
