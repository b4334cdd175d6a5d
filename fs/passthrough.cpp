#include "fs/passthrough.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace astrofs {
namespace {

// What Linux 6.9 added to <linux/fuse.h>, which may be older here than the kernel.
constexpr std::uint32_t kInitPassthrough = 1U << (37 - 32);  ///< of flags2
constexpr std::uint32_t kOpenPassthrough = 1U << 7;
struct BackingMap {
  std::int32_t fd;
  std::uint32_t flags;
  std::uint64_t padding;
};
constexpr unsigned kDevice = 229;
const unsigned long kBackingOpen = _IOW(kDevice, 1, BackingMap);
const unsigned long kBackingClose = _IOW(kDevice, 2, std::uint32_t);
/// Follows flags2 in the answer to the greeting.
constexpr std::size_t kMaxStackDepthAt = offsetof(fuse_init_out, flags2) + sizeof(std::uint32_t);
/// Files of a plain file system only, not of one that itself lies on others: then an overlay may lie on this
/// mount.
constexpr std::uint32_t kMaxStackDepth = 1;
struct OpenOut {
  std::uint64_t handle;
  std::uint32_t flags;
  std::int32_t backing;
};
static_assert(sizeof(OpenOut) == sizeof(fuse_open_out));
static_assert(sizeof(OpenOut) == sizeof(Passthrough::OpenReply));

}  // namespace

/// With O_DIRECT: who opens a file so is refused where the file system below cannot, as cached reads are not.
Passthrough::Passthrough(const std::string& dir)
    : probe_(::open(dir.c_str(), O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600)) {
  const MutexLock lock(mutex_);
  if (!probe_) probe_error_ = errno;
}

ssize_t Passthrough::read(int device, void* buffer, std::size_t size) {
  const ssize_t got = ::read(device, buffer, size);
  fuse_in_header header;
  if (greeted_ || got < static_cast<ssize_t>(sizeof header)) return got;
  std::memcpy(&header, buffer, sizeof header);
  fuse_init_in greeting{};
  if (header.opcode != FUSE_INIT || got < static_cast<ssize_t>(sizeof header + sizeof greeting)) return got;
  std::memcpy(&greeting, static_cast<const char*>(buffer) + sizeof header, sizeof greeting);
  greeting_ = header.unique;
  offered_ = (greeting.flags & FUSE_INIT_EXT) != 0 && (greeting.flags2 & kInitPassthrough) != 0;
  parallel_ = (greeting.flags & FUSE_PARALLEL_DIROPS) != 0;
  return got;
}

ssize_t Passthrough::writev(int device, const iovec* parts, int count) {
  fuse_out_header header{};
  if (greeted_ || !(offered_ || parallel_) || count != 2 || parts[0].iov_len != sizeof header ||
      parts[1].iov_len != sizeof(fuse_init_out))
    return ::writev(device, parts, count);
  std::memcpy(&header, parts[0].iov_base, sizeof header);
  if (header.unique != greeting_ || header.error != 0) return ::writev(device, parts, count);
  fuse_init_out answer{};
  std::memcpy(&answer, parts[1].iov_base, sizeof answer);
  // libfuse 3.14 takes this wish (ops) and does not pass it on. Without it the lookups in a directory go one
  // by one, and who waits for a stalled one holds a mutex of the kernel's, where not even SIGKILL reaches
  // him.
  if (parallel_) answer.flags |= FUSE_PARALLEL_DIROPS;
  if (offered_) {
    answer.flags |= FUSE_INIT_EXT;
    answer.flags2 |= kInitPassthrough;
    std::memcpy(reinterpret_cast<char*>(&answer) + kMaxStackDepthAt, &kMaxStackDepth, sizeof kMaxStackDepth);
  }
  const iovec completed[2] = {parts[0], {&answer, sizeof answer}};
  greeted_ = true;
  return ::writev(device, completed, 2);
}

Passthrough::OpenReply Passthrough::open_reply(std::uint64_t handle, Id id, bool direct) {
  const OpenOut out{handle, kOpenPassthrough | FOPEN_NOFLUSH | (direct ? FOPEN_DIRECT_IO : 0U), id};
  OpenReply bytes;
  std::memcpy(bytes.data(), &out, sizeof out);
  return bytes;
}

Result<KernelFiles::Id> Passthrough::open_backing(int fd) const {
  const BackingMap map{fd, 0, 0};
  const int id = ::ioctl(device_, kBackingOpen, &map);
  if (id <= 0) return tl::unexpected(system_error(errno, "giving a file to the kernel"));
  return id;
}

/// Asked again until it succeeds: before the greeting has been answered the kernel refuses everything.
Result<void> Passthrough::ready() {
  if (ready_) return {};
  if (!offered_) return fail(Errc::unsupported, "this kernel does not offer it (Linux 6.9 and later do)");
  const MutexLock lock(mutex_);
  if (ready_) return {};
  if (!probe_) {
    return fail(Errc::unsupported,
                fmt::format("the cache's file system is not fit for it: {}", std::strerror(probe_error_)));
  }
  const Result<Id> id = open_backing(probe_.get());
  if (!id) {
    if (id.error().code == Errc::denied) return fail(Errc::denied, "it needs CAP_SYS_ADMIN");
    return fail(id.error().code,
                fmt::format("the cache's file system is not fit for it: {}", id.error().message));
  }
  take_back(*id);
  probe_.reset();
  ready_ = true;
  return {};
}

std::optional<KernelFiles::Id> Passthrough::give(int fd) {
  const Result<Id> id = open_backing(fd);
  return id ? std::optional<Id>(*id) : std::nullopt;
}

void Passthrough::take_back(Id id) {
  const auto number = static_cast<std::uint32_t>(id);
  (void)::ioctl(device_, kBackingClose, &number);
}

}  // namespace astrofs
