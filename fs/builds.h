// Files that are built of others of their archive when somebody looks at one: two at a time, each once
// however many wait for it, and to the end also when nobody waits any more. A built file goes into the cache
// like any other; those of all archives may have a share of it, and the least used go first where they have
// more. Owned by the mount; any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "cache/source.h"
#include "fs/build.h"

namespace astrofs {

struct BuildsOptions {
  std::uint64_t quota{0};  ///< of the whole cache
  unsigned at_a_time{2};
  milliseconds hold{2'000};  ///< a build that failed is not begun again sooner: who waits asks several times
};

class Builds {
 public:
  /// `means.limits.largest` is set from the quota. All that `means` names, `catalog` and `store` outlive
  /// join().
  Builds(BuildMeans means, const Catalog& catalog, Executor& store, const Clock& clock,
         BuildsOptions options);
  ~Builds();
  Builds(const Builds&) = delete;
  Builds& operator=(const Builds&) = delete;

  struct Version {
    std::uint64_t size{0};
    std::string validator;
  };
  using Done = std::function<void(Result<Version>)>;
  /// What the file is by now. `done` perhaps at once.
  void ask(const MountedArchive& archive, const Node& node, Done done) EXCLUDES(mutex_);
  /// `range` of the node's version; Errc::stale when another one would be built by now.
  void fetch(const MountedArchive& archive, const Node& node, ByteRange range, std::shared_ptr<Sink> sink,
             std::stop_token stop) EXCLUDES(mutex_);
  /// The version that would be built of what is known of the parts; "" where one was never looked at. Reads
  /// what the archive's recipe wants. Not for threads that may not wait.
  [[nodiscard]] std::string version_now(const MountedArchive& archive, const std::string& locator,
                                        std::stop_token stop) const;
  /// Of one that is being built.
  [[nodiscard]] std::optional<BuildProgress> progress(NodeId node) const EXCLUDES(mutex_);

  /// Looks that what was built gets into the cache, and that the cache does not have too much of it. On the
  /// `house` thread.
  void look() EXCLUDES(mutex_);
  /// Who waits is told so. No new work; join() waits for what runs, when nothing is fetched any more.
  void stop() EXCLUDES(mutex_);
  void join();

 private:
  struct Task {
    std::unique_ptr<Build> build;
    const MountedArchive* archive;
    NodeId node;
    std::vector<Done> waiting;
  };
  struct Kept {
    std::shared_ptr<const BuiltFile> file;
    SteadyTime used{};
    bool asked_for{false};
  };
  struct Failure {
    SteadyTime until{};
    Error error;
  };

  void work();
  [[nodiscard]] std::shared_ptr<Task> next_task() EXCLUDES(mutex_);
  void finish(const std::shared_ptr<Task>& task, Result<BuiltFile> built) EXCLUDES(mutex_);
  [[nodiscard]] std::shared_ptr<const BuiltFile> kept(NodeId node, const Version& version) EXCLUDES(mutex_);
  void serve(const std::shared_ptr<const BuiltFile>& built, ByteRange range,
             const std::shared_ptr<Sink>& sink, const std::stop_token& stop);
  /// False: it need not be kept any more.
  [[nodiscard]] bool bring_into_cache(NodeId node, Kept& row);
  void keep_to_share();

  BuildMeans means_;
  const Catalog& catalog_;
  Executor& store_;
  const Clock& clock_;
  const BuildsOptions options_;
  mutable Mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ GUARDED_BY(mutex_){false};
  bool grown_ GUARDED_BY(mutex_){false};  ///< the share is to be looked at
  std::deque<std::shared_ptr<Task>> queue_ GUARDED_BY(mutex_);
  std::unordered_map<NodeId, std::shared_ptr<Task>> tasks_ GUARDED_BY(mutex_);  ///< queued or running
  std::unordered_map<NodeId, Kept> kept_ GUARDED_BY(mutex_);
  std::unordered_map<NodeId, Failure> failures_ GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
};

}  // namespace astrofs
