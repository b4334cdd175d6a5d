// FUSE passthrough (Linux 6.9 and later): the kernel is given a file of the cache and answers reads and mmaps
// from it, at the speed of the disk. It takes files from who has CAP_SYS_ADMIN only.
//
// Speaks the kernel's protocol itself, as libfuse knows passthrough from 3.17 on: with an older one the
// answer to the kernel's greeting is completed on its way out, by what else that libfuse leaves out too.
// Owned by the session; any thread.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "fs/kernel_files.h"

namespace astrofs {

class Passthrough final : public KernelFiles {
 public:
  /// `dir`: where the files will come from.
  explicit Passthrough(const std::string& dir);

  void attach(int device) { device_ = device; }
  /// What came of the greeting.
  void agreed(bool offered_by_kernel) { offered_ = offered_by_kernel; }

  // ---- in the place of libfuse's own read and writev of the device
  [[nodiscard]] ssize_t read(int device, void* buffer, std::size_t size);
  [[nodiscard]] ssize_t writev(int device, const iovec* parts, int count);
  /// The answer to an open of a given file. `direct`: its reads come to the daemon all the same, its mmaps do
  /// not.
  using OpenReply = std::array<std::byte, 16>;
  [[nodiscard]] static OpenReply open_reply(std::uint64_t handle, Id id, bool direct);

  [[nodiscard]] Result<void> ready() override;
  [[nodiscard]] std::optional<Id> give(int fd) override;
  void take_back(Id id) override;

 private:
  [[nodiscard]] Result<Id> open_backing(int fd) const;

  std::atomic<int> device_{-1};
  std::atomic<bool> offered_{false};
  std::atomic<bool> parallel_{false};  ///< lookups side by side were offered
  std::atomic<bool> ready_{false};
  std::atomic<std::uint64_t> greeting_{0};  ///< number of the kernel's first request
  std::atomic<bool> greeted_{false};        ///< and it was answered
  Mutex mutex_;
  UniqueFd probe_ GUARDED_BY(mutex_);  ///< a file without a name, until the kernel took one
  int probe_error_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs
