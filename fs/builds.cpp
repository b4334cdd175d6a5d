#include "fs/builds.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/byte_size.h"
#include "base/log.h"
#include "fs/file_stream.h"
#include "fs/inode.h"

namespace astrofs {
namespace {

/// Built files have a quarter of the cache: what they were built of is in it too, and cannot be built again
/// where the network is gone.
constexpr std::uint64_t kShare = 4;
/// One that the cache does not take (all of it is in use) can be read as long as somebody reads it.
constexpr std::chrono::minutes kKeepFor{10};
constexpr std::size_t kRememberedFailures = 1024;

}  // namespace

Builds::Builds(BuildMeans means, const Catalog& catalog, Executor& store, const Clock& clock,
               BuildsOptions options)
    : means_(std::move(means)), catalog_(catalog), store_(store), clock_(clock), options_(options) {
  means_.limits.largest = options.quota / kShare;
  remove_unfinished(means_.folder);
  for (unsigned i = 0; i < options.at_a_time; ++i) threads_.emplace_back([this] { work(); });
}

Builds::~Builds() {
  stop();
  join();
}

void Builds::stop() {
  std::vector<std::shared_ptr<Task>> running;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    for (const auto& [node, task] : tasks_) running.push_back(task);
  }
  for (const auto& task : running) task->build->stop();
  wake_.notify_all();
}

void Builds::join() {
  threads_.clear();
  const MutexLock lock(mutex_);
  kept_.clear();
}

std::shared_ptr<Builds::Task> Builds::next_task() {
  MutexLock lock(mutex_);
  while (queue_.empty() && !stopped_) lock.wait(wake_);
  if (queue_.empty()) return nullptr;
  auto task = std::move(queue_.front());
  queue_.pop_front();
  return task;
}

void Builds::work() {
  name_this_thread("build");
  while (const auto task = next_task()) finish(task, task->build->run());
}

void Builds::finish(const std::shared_ptr<Task>& task, Result<BuiltFile> built) {
  Result<Version> answer = fail(Errc::internal, "");
  std::vector<Done> waiting;
  if (built) {
    answer = Version{built->size, built->validator};
    log::info("built {} of {}: {}; its program had {} KiB", catalog_.path(task->node).value_or("?"),
              format_size(built->size), built->validator, built->peak_kib);
  } else {
    answer = tl::unexpected<Error>(built.error());
    log::warning("cannot build {}: {}", catalog_.path(task->node).value_or("?"), built.error().message);
  }
  {
    const MutexLock lock(mutex_);
    tasks_.erase(task->node);
    waiting = std::move(task->waiting);
    if (built) {
      kept_[task->node] = {std::make_shared<const BuiltFile>(std::move(*built)), clock_.steady(), false};
    } else if (!stopped_) {
      if (failures_.size() >= kRememberedFailures) failures_.clear();
      failures_[task->node] = {clock_.steady() + options_.hold, answer.error()};
    }
  }
  for (const Done& done : waiting) done(answer);
}

void Builds::ask(const MountedArchive& archive, const Node& node, Done done) {
  Result<Version> answer = fail(Errc::interrupted, "the mount is ending");
  {
    const MutexLock lock(mutex_);
    if (const auto running = tasks_.find(node.id); !stopped_ && running != tasks_.end()) {
      running->second->waiting.push_back(std::move(done));
      return;
    }
    const auto failed = failures_.find(node.id);
    const bool held = failed != failures_.end() && clock_.steady() < failed->second.until;
    if (!stopped_ && held) {
      answer = tl::unexpected<Error>(failed->second.error);
    } else if (!stopped_) {
      if (failed != failures_.end()) failures_.erase(failed);
      auto task = std::make_shared<Task>(
          Task{std::make_unique<Build>(means_, archive, node.locator), &archive, node.id, {}});
      task->waiting.push_back(std::move(done));
      tasks_.emplace(node.id, task);
      queue_.push_back(std::move(task));
      wake_.notify_one();
      return;
    }
  }
  done(std::move(answer));
}

std::shared_ptr<const BuiltFile> Builds::kept(NodeId node, const Version& version) {
  const MutexLock lock(mutex_);
  const auto row = kept_.find(node);
  if (row == kept_.end() || row->second.file->size != version.size ||
      row->second.file->validator != version.validator)
    return nullptr;
  row->second.used = clock_.steady();
  return row->second.file;
}

void Builds::serve(const std::shared_ptr<const BuiltFile>& built, ByteRange range,
                   const std::shared_ptr<Sink>& sink, const std::stop_token& stop) {
  UniqueFd file(::fcntl(built->file.get(), F_DUPFD_CLOEXEC, 0));
  if (!file) return sink->end(tl::unexpected<Error>(system_error(errno, "a file that was built")));
  const auto own = std::make_shared<UniqueFd>(std::move(file));
  const auto stream = [this, own, range, sink, stop] {
    FileStream::start(store_, std::move(*own), range, sink, stop);
  };
  if (!store_.submit(stream)) sink->end(fail(Errc::interrupted, "the mount is ending"));
}

void Builds::fetch(const MountedArchive& archive, const Node& node, ByteRange range,
                   std::shared_ptr<Sink> sink, std::stop_token stop) {
  const Version wanted{node.size.value_or(0), node.validator};
  if (const auto built = kept(node.id, wanted)) return serve(built, range, sink, stop);
  ask(archive, node,
      [this, id = node.id, name = node.name, wanted, range, sink = std::move(sink),
       stop = std::move(stop)](const Result<Version>& now) {
        if (!now) return sink->end(tl::unexpected<Error>(now.error()));
        const auto built = kept(id, wanted);
        if (!built)
          return sink->end(fail(Errc::stale, name + ": what it is built of has changed since it was opened"));
        serve(built, range, sink, stop);
      });
}

std::string Builds::version_now(const MountedArchive& archive, const std::string& locator,
                                std::stop_token stop) const {
  const Result<Recipe> recipe = archive.archive->recipe(locator, std::move(stop));
  if (!recipe) return {};
  std::vector<std::uint64_t> versions;
  for (const Recipe::Part& part : recipe->parts) {
    std::uint64_t version = 0;
    for (const std::string& path : part.any_of) {
      const Result<std::optional<Node>> node = means_.finder.known(archive.name, path);
      if (!node) return {};
      const bool is_there = *node && !(*node)->missing;
      if (is_there && !(*node)->size) return {};
      if (is_there) version = inode_of(**node);
      if (is_there) break;
    }
    versions.push_back(version);
  }
  return built_version(*recipe, versions);
}

std::optional<BuildProgress> Builds::progress(NodeId node) const {
  const MutexLock lock(mutex_);
  const auto task = tasks_.find(node);
  if (task == tasks_.end()) return std::nullopt;
  return task->second->build->progress();
}

void Builds::look() {
  std::vector<std::pair<NodeId, Kept>> rows;
  bool grown = false;
  {
    const MutexLock lock(mutex_);
    rows.assign(kept_.begin(), kept_.end());
    grown = std::exchange(grown_, false);
  }
  if (grown) keep_to_share();
  for (auto& [node, row] : rows) {
    const bool keep = bring_into_cache(node, row);
    const MutexLock lock(mutex_);
    const auto now = kept_.find(node);
    if (now == kept_.end() || now->second.file != row.file) continue;
    now->second.asked_for = row.asked_for;
    if (!keep) kept_.erase(now);
    grown_ = grown_ || !keep;
  }
}

bool Builds::bring_into_cache(NodeId node, Kept& row) {
  const Result<Node> now = catalog_.node(node);
  if (clock_.steady() - row.used > kKeepFor || !now) return false;
  // It is about to be: the size is on its way to the catalog.
  if (!now->size || now->validator != row.file->validator) return true;
  const FileVersion version = means_.archives.version(*now);
  if (means_.cache.presence(version).complete) return false;
  // Else its first readers would find it in a file that is gone when the mount ends.
  if (!row.asked_for) means_.cache.prefetch(version, {0, version.size}, FetchUrgency::background);
  row.asked_for = true;
  return true;
}

void Builds::keep_to_share() {
  struct Object {
    FileVersion version;
    std::uint64_t bytes;
  };
  std::vector<Object> built;
  std::uint64_t sum = 0;
  const Result<void> scanned = catalog_.scan_oldest([&](const Hash128& id, const ObjectState& state) {
    const Result<Node> node = catalog_.node(state.node);
    const MountedArchive* const archive = node ? means_.archives.of(*node) : nullptr;
    if (archive != nullptr && archive->archive->builds(node->locator)) {
      built.push_back({{state.node, state.generation, state.size, id}, state.present_bytes});
      sum += state.present_bytes;
    }
    return true;
  });
  if (!scanned) return;
  for (const Object& object : built) {
    if (sum <= means_.limits.largest) return;
    if (catalog_.pinned(object.version.node)) continue;
    if (means_.cache.evict(object.version)) sum -= std::min(sum, object.bytes);
  }
}

}  // namespace astrofs
