// Brings listings of archives into the catalog: once when a directory is first looked at, again behind the
// reader's back when it has grown old. One listing of a directory at a time, however many wait for it; who
// wants what the archive says now waits for one that began after he asked. An error leaves the listing that
// was. Any thread; archives are asked in their turns (fs/archive_turns),
// which may block on the network; who waits is told on the `wake` executor, which may not.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "fs/archive_table.h"
#include "fs/archive_turns.h"
#include "fs/notices.h"

namespace astrofs {

class Builds;

/// An archive's entries as a directory may show them: names safe, unique and in order; how many could not be
/// shown.
struct ShownListing {
  std::vector<ListedEntry> entries;
  std::size_t dropped{0};
};
[[nodiscard]] ShownListing to_shown(std::vector<Entry> entries);

class Lister {
 public:
  using Done = std::function<void(Result<void>)>;

  Lister(Catalog& catalog, IndexWriter& writer, const ArchiveTable& archives, Notices& notices,
         ArchiveTurns& turns, Executor& wake, const Clock& clock, Metrics& metrics, bool offline);
  ~Lister();
  Lister(const Lister&) = delete;
  Lister& operator=(const Lister&) = delete;

  /// Before the first listing: who knows what has become of files that were built of others.
  void attach(const Builds& builds) { builds_ = &builds; }
  /// The root shows the configured archives. At start, before the first reader.
  [[nodiscard]] Result<void> list_root();
  /// `done` when the directory's listing is known: at once and on this thread when it is, else later on
  /// another. A listing that has grown old is refreshed in the background.
  void ensure(const Node& dir, Done done);
  /// Has it outlived what its archive said of it?
  [[nodiscard]] bool is_old(const ListingState& listing) const;
  /// Ask the archive now, whatever the age.
  void refresh(const Node& dir, Done done);
  /// A name the listing does not show: under another name it has today, or one that the archive finds on its
  /// own. `done` gets not_found when there is none.
  void find(const Node& dir, std::string name, std::function<void(Result<Node>)> done);
  /// True when a name that is not in the catalog may still exist, so that find() is worth its time.
  [[nodiscard]] bool may_find(const Node& dir) const;
  /// Does find() come before the first listing there?
  [[nodiscard]] bool finds_first(const Node& dir) const;
  /// No new work; waits for what runs. Before the executor and the writer go.
  void stop();

 private:
  struct Flight {
    std::vector<Done> waiting;
    std::vector<Done> for_the_next;  ///< they came when the archive was being asked already
    bool asking{false};
  };
  enum class Want : std::uint8_t { any_listing, one_from_now };
  void start(const Node& dir, Want want, Done done);
  void submit(const Node& dir);
  void run(const Node& dir);
  void note_versions(const MountedArchive& archive, const Node& dir, std::vector<Entry>& entries) const;
  void merge(const Node& dir, Listing listing);
  void finish(const Node& dir, const Result<void>& result);
  void note_failure(const Node& dir, const Error& error, const Result<void>& told);
  void tell_kernel(NodeId dir, const ListingChange& change);
  [[nodiscard]] bool due_again(NodeId dir);
  [[nodiscard]] bool shows_all(const MountedArchive& archive, const Node& dir) const;

  Catalog& catalog_;
  IndexWriter& writer_;
  const ArchiveTable& archives_;
  Notices& notices_;
  ArchiveTurns& turns_;
  Executor& wake_;
  const Clock& clock_;
  Metric& listings_;
  Metric& failures_;
  const bool offline_;
  const Builds* builds_{nullptr};
  std::stop_source stop_;
  Mutex mutex_;
  std::unordered_map<NodeId, Flight> flights_ GUARDED_BY(mutex_);
  std::unordered_map<NodeId, SteadyTime> tried_ GUARDED_BY(mutex_);  ///< last background attempt
};

}  // namespace astrofs
