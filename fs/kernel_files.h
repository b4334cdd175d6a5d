// Files that the kernel reads by itself, past the daemon: what Vfs needs to know of that. fs/passthrough does
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/error.h"

namespace astrofs {

class KernelFiles {
 public:
  using Id = std::int32_t;

  virtual ~KernelFiles() = default;
  /// Does the kernel take files? If not, why not. Cheap; any thread.
  [[nodiscard]] virtual Result<void> ready() = 0;
  /// The kernel's number for the file; it keeps the file open itself. Nothing when it will not have it.
  [[nodiscard]] virtual std::optional<Id> give(int fd) = 0;
  virtual void take_back(Id id) = 0;
};

/// A file that the kernel was given, until this goes.
class GivenFile {
 public:
  GivenFile() = default;
  GivenFile(KernelFiles& to, KernelFiles::Id id) : to_(&to), id_(id) {}
  ~GivenFile() {
    if (to_ != nullptr) to_->take_back(id_);
  }
  GivenFile(GivenFile&& other) noexcept : to_(std::exchange(other.to_, nullptr)), id_(other.id_) {}
  GivenFile& operator=(GivenFile&& other) noexcept {
    std::swap(to_, other.to_);
    std::swap(id_, other.id_);
    return *this;
  }
  GivenFile(const GivenFile&) = delete;
  GivenFile& operator=(const GivenFile&) = delete;

  [[nodiscard]] explicit operator bool() const { return to_ != nullptr; }
  [[nodiscard]] KernelFiles::Id id() const { return id_; }

 private:
  KernelFiles* to_{nullptr};
  KernelFiles::Id id_{0};
};

}  // namespace astrofs
