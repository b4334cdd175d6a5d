// Finds out sizes that a listing did not give, before any reader can act on them. A reader who walks a
// directory file by file pays one round trip for many: its unsized neighbours are asked in the same breath,
// but not those that their archive would have to make. Any thread. One question per file at a time, however
// many wait for it.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "backends/http/fetcher.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "fs/archive_table.h"
#include "fs/archive_turns.h"
#include "fs/made_files.h"
#include "fs/sought_files.h"

namespace astrofs {

class Builds;

class SizeResolver {
 public:
  using Done = std::function<void(Result<Node>)>;

  SizeResolver(Catalog& catalog, IndexWriter& writer, const ArchiveTable& archives, ArchiveTurns& turns,
               http::Fetcher& fetcher, Executor& wake, bool offline);
  ~SizeResolver();
  SizeResolver(const SizeResolver&) = delete;
  SizeResolver& operator=(const SizeResolver&) = delete;
  /// Before the first question: how files are sized that archives make themselves.
  void attach(MadeFiles& made) { made_ = &made; }
  /// The same for those whose archive must be asked where they are.
  void attach(SoughtFiles& sought) { sought_ = &sought; }
  /// Likewise: how those are that are built of others.
  void attach(Builds& builds) { builds_ = &builds; }

  /// `done` gets the node with its size, at once when it has one. not_found: every mirror denies it.
  void resolve(const Node& node, Done done);
  /// Has a file that its archive makes anew the same bytes by now? Asked of it, whatever is at hand; the
  /// version that is known stays until there is another. `done` gets the node as it then is; at once where
  /// nothing is made.
  void renew(const Node& node, Done done);
  /// Is the file there now? Asked whatever is known; nothing is stored. `done` runs on the network's thread,
  /// or on one that lists.
  void probe(const Node& node, std::function<void(Result<http::ContentInfo>)> done);
  void stop();

 private:
  void ask(const Node& node, Done done);
  void ask_neighbours(const Node& node);
  [[nodiscard]] bool failed_lately(NodeId node) EXCLUDES(mutex_);
  [[nodiscard]] bool is_made(const Node& node) const;
  [[nodiscard]] bool is_built(const Node& node) const;
  /// Must its archive be asked first where it is?
  [[nodiscard]] bool is_lost(const Node& node) const;
  bool ask_maker(const Node& node);
  void seek(const MountedArchive& archive, const Node& node, bool again,
            std::function<void(Result<http::ContentInfo>)> done);
  bool ask_builds(const Node& node);
  [[nodiscard]] Error advised(const Node& node, Error error) const;
  void answer(const Node& node, const Result<http::ContentInfo>& info);
  void store(const Node& node, std::uint64_t size, const std::string& validator, bool is_made = false);
  void finish(NodeId id, const Result<Node>& result);

  Catalog& catalog_;
  IndexWriter& writer_;
  const ArchiveTable& archives_;
  ArchiveTurns& turns_;
  http::Fetcher& fetcher_;
  Executor& wake_;
  const bool offline_;
  MadeFiles* made_{nullptr};
  SoughtFiles* sought_{nullptr};
  Builds* builds_{nullptr};
  std::stop_source stop_;
  Mutex mutex_;
  std::unordered_map<NodeId, std::vector<Done>> asked_ GUARDED_BY(mutex_);
  /// Whose last question failed, and when.
  std::unordered_map<NodeId, SteadyTime> failed_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
