// All the cache knows of the outside: a Source brings bytes of a file version into a Sink.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"

namespace astrofs {

using NodeId = std::uint64_t;  ///< inode number; never reused, survives restarts

/// A file is no longer: 16 TiB, far below what numbers of blocks count. A size beyond it is a server's
/// mistake, and would cost who believed it the memory of all its blocks.
inline constexpr std::uint64_t kLargestFile = 1ULL << 44;

/// One version of one file's content. Two versions never share an `object`, so never a byte on disk.
struct FileVersion {
  NodeId node{0};
  std::uint32_t generation{0};  ///< grows with each change of content at the archive
  std::uint64_t size{0};        ///< bytes, exact
  Hash128 object{};  ///< hash of (archive, locator, validator, credential scope, size, block size, format)
  /// Bytes that a fetch has at least, where there are so many; 0: any number.
  std::uint64_t least_request{0};
  std::string scope{};  ///< Archive::credential_scope() of who asks for them; "" = not known
};

enum class FetchUrgency : unsigned char { demand, prefetch, background };

/// Takes a fetch's bytes. Called by one thread at a time, which must not be kept waiting.
class Sink {
 public:
  enum class Flow : unsigned char { proceed, pause, stop };
  virtual ~Sink() = default;
  /// Once: which bytes will arrive (more than asked when the server ignores Range). False: not wanted. After
  /// Flow::pause the sink calls `resume` when it can take more: from any thread, sometimes late, when the
  /// fetch has ended or the source is gone.
  virtual bool begin(ByteRange arriving, std::function<void()> resume) = 0;
  /// In order, without gaps. All of `data` is taken, but for Flow::pause: then none of it is, and it is
  /// offered again.
  virtual Flow data(std::uint64_t offset, std::span<const std::byte> data) = 0;
  /// Exactly once, last; success means all of begin()'s range arrived.
  virtual void end(Result<void> result) = 0;
};

/// Hears when all of a version is on this machine.
class CompletionObserver {
 public:
  virtual ~CompletionObserver() = default;
  /// `landed`: its last missing block has come just now. Else the version was opened and was complete before.
  /// Now and then twice for one completion. Any thread; returns at once.
  virtual void complete(const FileVersion& version, bool landed) = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  /// Returns at once; the sink hears from another thread, or from this one for an immediate failure.
  virtual void fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency,
                     std::shared_ptr<Sink> sink, std::stop_token stop) = 0;
  /// Does it make the bytes on this machine, so that they may be asked for while the cache is offline? At
  /// once.
  [[nodiscard]] virtual bool works_offline(const FileVersion&) const { return false; }
};

}  // namespace astrofs
