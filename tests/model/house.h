// The whole file system of one mount without FUSE: every part real but the network and the kernel, wired as
// fs/daemon wires them. And calls on it that can be waited for, which count how often they were answered.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cache/block_cache.h"
#include "fs/missing_frames.h"
#include "fs/notices.h"
#include "fs/parking.h"
#include "fs/remote_source.h"
#include "fs/size_resolver.h"
#include "fs/sweep.h"
#include "fs/verifier.h"
#include "fs/vfs.h"
#include "tests/model/scripted_client.h"

namespace astrofs::model {

/// True as soon as `condition` is; false after a time that only a broken program needs.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition) {
  const SteadyTime until = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return condition();
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

/// One call's answer. Copies share it.
template <class T>
class Call {
 public:
  [[nodiscard]] ReplyPtr<T> reply() { return std::make_unique<Teller>(state_); }
  /// Waits; nothing when no answer comes within two minutes.
  [[nodiscard]] std::optional<Result<T>> wait() {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, std::chrono::minutes(2), [this] { return state_->result.has_value(); });
    return state_->result;
  }
  [[nodiscard]] unsigned answers() const {
    const std::lock_guard lock(state_->mutex);
    return state_->answers;
  }
  /// The caller gives up, if it was told to wait.
  void interrupt() {
    std::function<void()> interrupted;
    {
      const std::lock_guard lock(state_->mutex);
      interrupted = state_->interrupted;
    }
    if (interrupted) interrupted();
  }

 private:
  struct State {
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::optional<Result<T>> result;
    std::function<void()> interrupted;
    unsigned answers{0};
  };
  class Teller final : public Reply<T> {
   public:
    explicit Teller(std::shared_ptr<State> state) : state_(std::move(state)) {}
    void send(Result<T> result) override {
      const std::lock_guard lock(state_->mutex);
      ++state_->answers;
      if (!state_->result) state_->result.emplace(std::move(result));
      state_->changed.notify_all();
    }
    void on_interrupt(std::function<void()> interrupted) override {
      const std::lock_guard lock(state_->mutex);
      state_->interrupted = std::move(interrupted);
    }

   private:
    const std::shared_ptr<State> state_;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// What the kernel would have heard.
class HeardNotices final : public Notices {
 public:
  void entry_changed(NodeId parent, std::string name) override;
  [[nodiscard]] bool lookup_begins(NodeId dir) override { return dir == told_dir; }
  void directory_changed(NodeId dir) override;
  void attributes_changed(Inode inode) override;
  [[nodiscard]] std::size_t heard() const { return heard_; }

  std::atomic<NodeId> told_dir{0};  ///< of which it is being told a name

 private:
  std::atomic<std::size_t> heard_{0};
};

struct HouseOptions {
  std::string dir;
  bool offline{false};
  bool sweep{false};
  VerifyPolicy verify{VerifyPolicy::refuse};
  MissingPolicy missing{MissingPolicy::placeholder};
  milliseconds timeout{60'000};
  std::uint64_t quota{1ULL << 30};
  std::uint64_t memory{256ULL << 20};
  seconds good_for{3600};
  KernelFiles* kernel{nullptr};
  std::string folder{};  ///< of this machine, shown as "here"; "": none
};

class House {
 public:
  /// Throws std::runtime_error when a part cannot be made. No thread may run but the caller's.
  House(Remote& remote, const HouseOptions& options);
  ~House();
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  [[nodiscard]] Result<Attr> lookup(NodeId parent, const std::string& name);
  [[nodiscard]] Result<Attr> getattr(Inode inode);
  [[nodiscard]] Result<Node> opendir(NodeId dir);
  [[nodiscard]] Result<std::shared_ptr<OpenHandle>> open(Inode inode);
  [[nodiscard]] Result<Bytes> read(const std::shared_ptr<OpenHandle>& handle, ByteRange range);
  /// Asks the archive now and waits.
  [[nodiscard]] Result<void> refresh(const Node& dir);
  /// Nothing under way, nobody waiting, everything committed. False: it does not come to rest.
  [[nodiscard]] bool rest();
  /// What rest() waits for, in words.
  [[nodiscard]] std::string unrest() const;

 private:
  const HouseOptions options_;

 public:
  Metrics metrics;
  SystemClock clock;
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<BlockStore> blocks;
  Executor store, list;
  ArchiveTurns turns;
  ScriptedClient client;
  http::Fetcher fetcher;
  ArchiveTable archives;
  IndexWriter writer;
  RemoteSource source;
  BlockCache cache;
  HeardNotices notices;
  Lister lister;
  SizeResolver sizes;
  MissingFrames missing;
  Sweep sweep;
  Parking parking;
  Vfs vfs;
  Verifier verifier;
};

}  // namespace astrofs::model
