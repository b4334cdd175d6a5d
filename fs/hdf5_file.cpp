#include "fs/hdf5_file.h"

#include <hdf5.h>

#include <algorithm>
#include <utility>

namespace astrofs {
namespace {

/// An identifier of the library, closed with its scope.
class Id {
 public:
  using Close = herr_t (*)(hid_t);
  Id() = default;
  Id(hid_t id, Close closer) : id_(id), close_(closer) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Id() { (void)close(); }
  explicit operator bool() const { return id_ >= 0; }
  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] bool close() {
    const hid_t id = std::exchange(id_, -1);
    return id < 0 || close_(id) >= 0;
  }

 private:
  hid_t id_{-1};
  Close close_{nullptr};
};

herr_t gather(unsigned, const H5E_error2_t* error, void* text) {
  auto& words = *static_cast<std::string*>(text);
  if (error->desc != nullptr && *error->desc != '\0')
    words += (words.empty() ? "" : "; ") + std::string(error->desc);
  return 0;
}

/// What the library says of the call that just failed, and what that means.
tl::unexpected<Error> failure(const std::string& what) {
  std::string words;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, gather, &words);
  H5Eclear2(H5E_DEFAULT);
  const auto says = [&words](const char* part) { return words.find(part) != std::string::npos; };
  // The text of the system's error is all that the library hands on of it.
  const Errc code = says("No space left") || says("quota exceeded") ? Errc::no_space
                    : says("File too large") || says("memory allocation failed") ||
                            says("resource unavailable") || says("an't alloc")
                        ? Errc::too_large
                        : Errc::internal;
  return fail(code, what + ": " + words);
}

hid_t native(NumberForm form) {
  switch (form) {
    case NumberForm::u1:
      return H5T_NATIVE_UINT8;
    case NumberForm::i2:
      return H5T_NATIVE_INT16;
    case NumberForm::i4:
      return H5T_NATIVE_INT32;
    case NumberForm::i8:
      return H5T_NATIVE_INT64;
    case NumberForm::f4:
      return H5T_NATIVE_FLOAT;
    case NumberForm::f8:
      break;
  }
  return H5T_NATIVE_DOUBLE;
}

hid_t big_endian(NumberForm form) {
  switch (form) {
    case NumberForm::u1:
      return H5T_STD_U8BE;
    case NumberForm::i2:
      return H5T_STD_I16BE;
    case NumberForm::i4:
      return H5T_STD_I32BE;
    case NumberForm::i8:
      return H5T_STD_I64BE;
    case NumberForm::f4:
      return H5T_IEEE_F32BE;
    case NumberForm::f8:
      break;
  }
  return H5T_IEEE_F64BE;
}

}  // namespace

struct Hdf5File::State {
  struct Dataset {
    Id id;
    std::string path;
    std::vector<hsize_t> axes;
  };
  Id file;
  Id plain;  ///< how datasets are made
  std::vector<Dataset> datasets;
};

Hdf5File::Hdf5File(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hdf5File::~Hdf5File() = default;

Result<std::unique_ptr<Hdf5File>> Hdf5File::create(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // the library would print what goes wrong
  auto state = std::make_unique<State>();
  state->plain = Id(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (!state->plain || H5Pset_layout(state->plain.get(), H5D_CONTIGUOUS) < 0 ||
      H5Pset_alloc_time(state->plain.get(), H5D_ALLOC_TIME_EARLY) < 0 ||
      H5Pset_obj_track_times(state->plain.get(), false) < 0)
    return failure("cannot begin a file of HDF5");
  state->file = Id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  if (!state->file) return failure("cannot make a file of HDF5");
  return std::unique_ptr<Hdf5File>(new Hdf5File(std::move(state)));
}

Result<void> Hdf5File::add_group(const std::string& name) {
  Id plain(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  if (!plain || H5Pset_obj_track_times(plain.get(), false) < 0) return failure("cannot make a group");
  Id group(H5Gcreate2(state_->file.get(), name.c_str(), H5P_DEFAULT, plain.get(), H5P_DEFAULT), H5Gclose);
  if (!group || !group.close()) return failure("cannot make the group " + name);
  return {};
}

Result<std::size_t> Hdf5File::add_dataset(const std::string& path, NumberForm form,
                                          const std::vector<std::uint64_t>& axes) {
  State::Dataset dataset;
  dataset.path = path;
  dataset.axes.assign(axes.begin(), axes.end());
  const Id space(axes.empty() ? H5Screate(H5S_SCALAR)
                              : H5Screate_simple(static_cast<int>(axes.size()), dataset.axes.data(), nullptr),
                 H5Sclose);
  if (!space) return failure("cannot give " + path + " its axes");
  dataset.id = Id(H5Dcreate2(state_->file.get(), path.c_str(), native(form), space.get(), H5P_DEFAULT,
                             state_->plain.get(), H5P_DEFAULT),
                  H5Dclose);
  if (!dataset.id) return failure("cannot make the dataset " + path);
  state_->datasets.push_back(std::move(dataset));
  return state_->datasets.size() - 1;
}

Result<void> Hdf5File::write(std::size_t dataset, std::uint64_t row, NumberForm form,
                             std::span<const std::byte> values) {
  const State::Dataset& to = state_->datasets.at(dataset);
  if (values.empty()) return {};
  herr_t written = -1;
  if (to.axes.size() < 2) {
    written = H5Dwrite(to.id.get(), big_endian(form), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  } else {
    const hsize_t from[] = {row, 0};
    const hsize_t count[] = {1, to.axes[1]};
    const Id memory(H5Screate_simple(1, &to.axes[1], nullptr), H5Sclose);
    const Id file(H5Dget_space(to.id.get()), H5Sclose);
    if (memory && file && H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, from, nullptr, count, nullptr) >= 0)
      written = H5Dwrite(to.id.get(), big_endian(form), memory.get(), file.get(), H5P_DEFAULT, values.data());
  }
  if (written < 0) return failure("cannot write the dataset " + to.path);
  return {};
}

Result<std::uint64_t> Hdf5File::close() {
  for (State::Dataset& dataset : state_->datasets) {
    if (!dataset.id.close()) return failure("cannot write the dataset " + dataset.path);
  }
  if (H5Fflush(state_->file.get(), H5F_SCOPE_LOCAL) < 0) return failure("cannot write the file");
  hsize_t size = 0;
  if (H5Fget_filesize(state_->file.get(), &size) < 0) return failure("cannot measure the file");
  if (!state_->file.close()) return failure("cannot close the file");
  return size;
}

}  // namespace astrofs
