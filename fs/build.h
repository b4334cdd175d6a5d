// One file that is built of others of its archive: they are read through the cache, several at a time, and a
// program of its own makes one file of them (fs/converter). What the archive has lost is left out; what
// cannot be had now fails the build. Made by Builds; run() on one thread, all else from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "backends/recipe.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "cache/block_cache.h"
#include "fs/archive_table.h"
#include "fs/converter.h"
#include "fs/path_finder.h"

namespace astrofs {

/// Disk that a build takes beside the cached objects. It counts as used until this is gone.
class Loan {
 public:
  explicit Loan(BlockCache& cache) : cache_(&cache) {}
  ~Loan() { shrink(0); }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  /// Waits a moment for room to be made. no_space: there is none.
  [[nodiscard]] Result<void> grow(std::uint64_t bytes, const std::stop_token& stop) EXCLUDES(mutex_);
  void shrink(std::uint64_t to) EXCLUDES(mutex_);

 private:
  BlockCache* const cache_;
  Mutex mutex_;
  std::uint64_t bytes_ GUARDED_BY(mutex_){0};
};

/// The file has no name any more: it is gone with this.
struct BuiltFile {
  UniqueFd file;
  std::uint64_t size{0};
  std::string validator;  ///< of the parts' versions
  std::unique_ptr<Loan> loan;
  std::uint64_t peak_kib{0};  ///< most memory that its program had
};

struct BuildProgress {
  std::string_view state;  ///< in words
  std::uint64_t parts{0}, parts_done{0}, lost{0}, bytes{0};
};

struct BuildMeans {
  const ArchiveTable& archives;
  IndexWriter& writer;
  BlockCache& cache;
  const PathFinder& finder;
  std::string folder;   ///< where it is built: of the disk of the cache
  std::string program;  ///< that writes it
  ConverterLimits limits;
  unsigned readers{1};                   ///< parts that are read at a time
  std::chrono::milliseconds timeout{0};  ///< for each of them
};

/// What a mount that was killed has left in `folder`. Before the first build.
void remove_unfinished(const std::string& folder);

/// "built:<hash>;parts=2;lost=1". `versions`: of each part, 0: lost.
[[nodiscard]] std::string built_version(const Recipe& recipe, const std::vector<std::uint64_t>& versions);

/// What such a version says of them; nullopt: it is none.
struct BuiltCounts {
  std::uint64_t parts{0};  ///< that are in it
  std::uint64_t lost{0};
};
[[nodiscard]] std::optional<BuiltCounts> built_counts(std::string_view validator);

class Build {
 public:
  /// `means` and `archive` outlive it.
  Build(const BuildMeans& means, const MountedArchive& archive, std::string locator)
      : means_(means), archive_(archive), locator_(std::move(locator)) {}

  /// Errors: not_found (the archive has none of its parts), no_space, too_large (bounds), those of the parts.
  [[nodiscard]] Result<BuiltFile> run() EXCLUDES(mutex_);
  void stop() EXCLUDES(mutex_);
  [[nodiscard]] BuildProgress progress() const;

 private:
  enum class State : std::uint8_t { waiting, planning, reading, writing };

  /// Open, and under a name that is gone soon.
  [[nodiscard]] Result<std::pair<UniqueFd, std::string>> new_file() const;
  [[nodiscard]] Result<void> start(const Recipe& recipe, const std::string& output) EXCLUDES(mutex_);
  /// On threads of their own, until all are read or one of them, or the program, has failed.
  [[nodiscard]] Result<void> read_all(const Recipe& recipe, Loan& loan) EXCLUDES(mutex_);
  void read_parts(const Recipe& recipe, Loan& loan);
  /// Once it was started.
  [[nodiscard]] Converter& converter() const EXCLUDES(mutex_);
  [[nodiscard]] Result<void> read_part(const Recipe::Part& part, std::size_t index, Loan& loan);
  [[nodiscard]] Result<std::optional<Node>> node_of(const Recipe::Part& part) const;
  [[nodiscard]] Result<void> feed(const Node& node, const Recipe::Part& part, std::size_t index, Loan& loan);
  /// The first error ends it for all readers.
  void give_up(Error error) EXCLUDES(mutex_);
  [[nodiscard]] Result<void> outcome() const EXCLUDES(mutex_);

  const BuildMeans& means_;
  const MountedArchive& archive_;
  const std::string locator_;
  std::stop_source stop_;
  std::atomic<State> state_{State::waiting};
  std::atomic<std::uint64_t> parts_{0}, next_{0}, done_{0}, lost_{0}, bytes_{0};
  std::vector<std::uint64_t> versions_;  ///< each written by the reader of its part
  mutable Mutex mutex_;
  std::unique_ptr<Converter> converter_ GUARDED_BY(mutex_);  ///< not replaced once it is there
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
