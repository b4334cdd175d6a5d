// Compares what is here completely with the checksums that its archive gives, behind the readers' backs: when
// the last block of a version has landed, and when one that nobody has looked at is opened.
//
// A contradiction costs the version its place: what is here of it is forgotten, and the name becomes another
// copy of the same content (a new generation, so that no page of the bad one is shared), fetched at once.
// When that is contradicted too, a third takes its place of which nothing is fetched or served: its reads
// fail, and say why; or, where the archive's table says "report", the second copy stays and is said to be
// wrong.
//
// complete() from any thread, at once. The comparing runs on a thread of its own, which gives way to all
// others and alone may wait for the network here. verify() blocks: not for FUSE, store or index threads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/executor.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "cache/block_cache.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "fs/archive_table.h"
#include "fs/content_check.h"
#include "fs/notices.h"

namespace astrofs {

/// What is known of a file's bytes, as user.astrofs.verified says it.
enum class Standing : std::uint8_t {
  unavailable,  ///< nothing to compare with, or not all of it is here, or not compared yet
  yes,
  no,
};
[[nodiscard]] std::string_view name_of(Standing standing) noexcept;

class Verifier final : public CompletionObserver {
 public:
  /// All outlive it; it observes `cache` until stop(). `timeout`: for one piece of a second copy.
  Verifier(const Catalog& catalog, IndexWriter& writer, BlockCache& cache, const ArchiveTable& archives,
           Notices& notices, Metrics& metrics, std::chrono::milliseconds timeout);
  ~Verifier() override;

  void complete(const FileVersion& version, bool landed) override EXCLUDES(mutex_);
  /// Compares now, on this thread. incomplete = Errc::not_found.
  [[nodiscard]] Result<Finding> verify(const FileVersion& version);
  /// Begin to end: nothing new is compared, what is under way is given up soon.
  void stop();
  /// After stop(), when nothing reads or fetches any more: until its thread has ended.
  void join();
  /// Versions waiting or being compared.
  [[nodiscard]] std::size_t pending() const EXCLUDES(mutex_);

 private:
  enum class From : std::uint8_t { disk, archive };
  [[nodiscard]] Result<Finding> check(const FileVersion& version, From from);
  [[nodiscard]] Result<Bytes> piece(const FileVersion& version, ByteRange range, From from);
  void settle(const Node& node, const FileVersion& version, const Finding& finding, VerifyPolicy policy);
  void replace(const Node& node, const FileVersion& version, Verdict of_next, const std::string& words);
  void enqueue(const FileVersion& version, From from) EXCLUDES(mutex_);
  void run(const FileVersion& version, From from) EXCLUDES(mutex_);
  [[nodiscard]] bool digests_are_sure(const MountedArchive& archive) const EXCLUDES(mutex_);

  const Catalog& catalog_;
  IndexWriter& writer_;
  BlockCache& cache_;
  const ArchiveTable& archives_;
  Notices& notices_;
  Metric& verified_;
  Metric& contradicted_;
  const std::chrono::milliseconds timeout_;
  std::atomic<bool> stopping_{false};

  mutable Mutex mutex_;
  std::set<Hash128> pending_ GUARDED_BY(mutex_);
  /// Of which a digest that was not certain has fitted: then it is no accident what they look like.
  std::set<const MountedArchive*> digests_proven_ GUARDED_BY(mutex_);
  Executor thread_;  ///< last: it uses all of the above
};

/// What is remembered of a version, and why.
struct VersionStanding {
  Standing standing{Standing::unavailable};
  std::string words;
};
[[nodiscard]] VersionStanding standing_of(const Catalog& catalog, const BlockCache& cache,
                                          const FileVersion& version);

}  // namespace astrofs
