// The file system without FUSE: what each call means. Testable in process; fs/ops puts it behind the kernel.
//
// Every call is answered through its Reply exactly once: now, from the catalog and the cache, or later, when
// the network has brought what it needs. No call blocks its thread on the network; each has a deadline. Any
// thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "cache/block_cache.h"
#include "cache/catalog.h"
#include "fs/archive_table.h"
#include "fs/archive_turns.h"
#include "fs/inode.h"
#include "fs/last_errors.h"
#include "fs/lister.h"
#include "fs/missing_frames.h"
#include "fs/notices.h"
#include "fs/open_file.h"
#include "fs/parking.h"
#include "fs/reply.h"
#include "fs/size_resolver.h"
#include "fs/sweep.h"

namespace astrofs {

class RemoteSource;

struct Attr {
  Inode inode{0};  ///< what the kernel calls it; 0: there is no such name
  NodeId node{0};  ///< st_ino
  NodeKind kind{NodeKind::file};
  std::uint64_t size{0};
  SysSeconds mtime{};
  bool is_private{false};            ///< for who mounted alone
  std::uint64_t cached_bytes{0};     ///< st_blocks counts these
  std::chrono::seconds good_for{0};  ///< how long the kernel may keep name and attributes
};

/// One entry while reading a directory. `attr` is absent when the size is not known yet: the kernel then asks
/// for it by name.
struct DirEntry {
  std::string_view name;
  NodeId node{0};
  NodeKind kind{NodeKind::file};
  const Attr* attr{nullptr};
  NodeId cookie{0};  ///< go on after this entry
};

struct VfsOptions {
  bool offline{false};
  std::uint64_t quota{0};  ///< what statfs shows as the size of the file system
  bool sparse{false};      ///< seek() tells what is cached from what is not
  bool others{false};      ///< may look in, not who mounted alone
};

/// What one file or directory is to this mount, for xattrs and `astrofs why`.
enum class FileState : std::uint8_t {
  remote,
  partial,
  cached,
  placeholder,
  not_fetched,
  not_logged_in,
  local
};
[[nodiscard]] std::string_view name_of(FileState state) noexcept;

class Vfs {
 public:
  struct Parts {
    Catalog& catalog;
    IndexWriter& writer;
    BlockCache& cache;
    const ArchiveTable& archives;
    Lister& lister;
    SizeResolver& sizes;
    MissingFrames& missing;
    Parking& parking;
    Notices& notices;
    ArchiveTurns& disk;                   ///< for files of this machine, whose disk may hang
    Sweep* sweep{nullptr};                ///< none: walks through directories are not foreseen
    KernelFiles* kernel{nullptr};         ///< none: it reads nothing by itself
    const RemoteSource* source{nullptr};  ///< none: what is brought ahead is as for a line nobody knows
  };
  Vfs(Parts parts, VfsOptions options);
  ~Vfs() { answer_all(); }  // reads that end tell last_errors_
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  /// The end: whoever waits is answered, Errc::interrupted, and so is who comes later.
  void answer_all() { parts_.parking.close(); }

  void lookup(NodeId parent, std::string name, ReplyPtr<Attr> reply);
  void getattr(Inode inode, ReplyPtr<Attr> reply);
  /// Succeeds when the directory's listing is known. `by_other`: see open().
  void opendir(NodeId dir, ReplyPtr<Node> reply, bool by_other = false);
  /// Entries after `cookie` (0: from the start) until `visit` returns false. Only after opendir. Waits for
  /// nothing but a disk, where asks_disk().
  [[nodiscard]] Result<void> readdir(const Node& dir, NodeId cookie,
                                     const std::function<bool(const DirEntry&)>& visit);
  /// `by_other`: not by who mounted, nor root. The kernel may judge by attributes of an hour ago: what a
  /// login, or a mode on this machine's disk, has made private since then is denied to others already.
  void open(Inode inode, ReplyPtr<std::shared_ptr<OpenHandle>> reply, bool by_other = false);
  /// `direct`: asked by a program past the page cache, not by the kernel's read-ahead.
  void read(const std::shared_ptr<OpenHandle>& handle, ByteRange range, ReplyPtr<Bytes> reply,
            bool direct = false);
  void release(std::shared_ptr<OpenHandle> handle);
  /// Next offset, from `offset` on, of data (cached bytes) or of a hole. Errc::not_found: ENXIO;
  /// Errc::unsupported: this mount has no holes.
  [[nodiscard]] Result<std::uint64_t> seek(const OpenHandle& handle, std::uint64_t offset, bool data) const;

  /// The archive has denied the file by every mirror.
  void mark_missing(const Node& node, std::function<void(const Node&)> then = {});
  /// A missing frame is asked for again now, not when its time has come.
  void recheck(const Node& node);
  /// So is what an archive makes anew: `done` gets the node as it is then.
  void renew(const Node& node, SizeResolver::Done done);

  /// Must the disk of a file on this machine be asked before its attributes can be told, or others let in?
  [[nodiscard]] bool asks_disk(const Node& node) const;
  /// Sends what `make` returns, which may ask the disk of a file on this machine, and wait for it.
  template <class T>
  void reply_with(const Node& node, ReplyPtr<T> reply, std::function<Result<T>()> make);

  [[nodiscard]] Result<Node> node(Inode inode) const;
  /// May wait for the disk of a file on this machine.
  [[nodiscard]] Attr attr_of(const Node& node) const;
  [[nodiscard]] FileState state_of(const Node& node) const;
  /// Of a file that is `not_logged_in`: why its archive does not give it. A login may not be all.
  [[nodiscard]] Error why_not_given(const Node& node) const;
  /// Does the kernel read complete files by itself? If not, why not. Once it does, they are checked for it.
  [[nodiscard]] Result<void> passthrough() const;
  [[nodiscard]] const Parts& parts() const { return parts_; }
  [[nodiscard]] const VfsOptions& options() const { return options_; }
  [[nodiscard]] std::size_t open_files() const { return open_files_.count(); }
  [[nodiscard]] const LastErrors& last_errors() const { return last_errors_; }

 private:
  using AttrPending = std::shared_ptr<Pending<Attr>>;
  using OpenPending = std::shared_ptr<Pending<std::shared_ptr<OpenHandle>>>;

  void lookup_unknown(const Node& dir, const std::string& name, ReplyPtr<Attr> reply);
  /// Once its directory is listed.
  void lookup_listing(const Node& dir, const std::string& name, const AttrPending& pending);
  void lookup_listed(const Node& dir, const std::string& name, const AttrPending& pending);
  /// Is it for who mounted alone? As it is now, whatever the kernel was told before.
  [[nodiscard]] bool is_private(const Node& node, const MountedArchive* archive) const;
  /// Errc::denied where it is.
  [[nodiscard]] Result<void> let_others_in(const Node& node) const;
  /// Is there a size to show? Not when it must be asked for, nor for what is missing and cannot be made up.
  [[nodiscard]] bool has_attributes(const Node& node) const;
  /// What can be told of it without waiting, good for nothing: the kernel asks again, and holds no directory
  /// while it does.
  [[nodiscard]] Attr attr_for_now(const Node& node) const;
  void send_attr(const Node& node, ReplyPtr<Attr> reply);
  /// For `at_most` so long, whatever else it is good for.
  void answer_attr(const Node& node, const AttrPending& pending, seconds at_most = seconds::max());
  /// Once there is a size to show.
  void tell_attr(const Node& node, const AttrPending& pending, seconds at_most);
  /// The node with its size, or as missing when every mirror denies it and it can be made up.
  void resolve(const Node& node, SizeResolver::Done done);
  /// Runs `job`, which settles `pending`, where it may wait for the disk of a file on this machine. Not when
  /// the caller is gone by then.
  template <class T>
  void ask_disk(const MountedArchive* archive, NodeId node, const std::shared_ptr<Pending<T>>& pending,
                std::function<void()> job);
  void open_local(const Node& node, const MountedArchive& archive, bool by_other, const OpenPending& pending);
  /// Why a reader of the file gets a placeholder; nullopt: he does not.
  [[nodiscard]] std::optional<MissingCause> blank_because(const Node& node) const;
  /// Would who opens the node now get other bytes than who has it open: real ones instead of a blank, those
  /// of another login?
  [[nodiscard]] bool differs(const OpenFile& open, const Node& node,
                             const std::optional<MissingCause>& blank) const;
  [[nodiscard]] bool differs_from_open(const Node& node) const;
  /// Gives the node another inode: who has the old one open keeps what he has. `done` gets it as it is then.
  void part_from_open(const Node& node, SizeResolver::Done done);
  /// Notes what an inode is opened as, and returns whether it was something else before. `object`: of bytes
  /// that one login has fetched; all zeros: a placeholder; nullopt: what everybody gets.
  bool note_shown(Inode inode, const std::optional<Hash128>& object) EXCLUDES(mutex_);
  /// May the kernel have bytes of the archive of a file that is closed? Nodes that share a bit lose pages in
  /// vain.
  [[nodiscard]] bool was_served(NodeId node) EXCLUDES(mutex_);
  void hand_over(const Node& node, std::shared_ptr<const Placeholder> placeholder, const OpenPending& pending,
                 UniqueFd local = {});
  void open_placeholder(const Node& node, MissingCause cause, const OpenPending& pending);
  [[nodiscard]] std::shared_ptr<OpenHandle> open_version(const Node& node,
                                                         std::shared_ptr<const Placeholder> placeholder,
                                                         UniqueFd local = {});
  [[nodiscard]] GivenFile give_to_kernel(const FileVersion& version, const MountedArchive* archive) const;
  /// Holds the file by itself: once the read is answered, the handle may be released.
  void read_missed(std::shared_ptr<OpenFile> file, ByteRange range, ByteRange fetch, ReplyPtr<Bytes> reply);
  void arrived(const std::shared_ptr<OpenFile>& file, ByteRange range, Result<Bytes> bytes,
               const std::shared_ptr<Pending<Bytes>>& pending);
  void frame_is_missing(const std::shared_ptr<OpenFile>& file, ByteRange range, Error error,
                        const std::shared_ptr<Pending<Bytes>>& pending);
  void show_placeholder(const std::shared_ptr<OpenFile>& file, const Node& lost, ByteRange range,
                        const Error& withdrawn, const std::shared_ptr<Pending<Bytes>>& pending);
  void recheck_missing(const Node& node);
  /// With what others tell of it. `then` gets the node as it is now known.
  void mark_there(const Node& node);
  /// What was made of an answer that is too old by now is made anew behind its reader's back.
  void renew_old(const Node& node);
  /// Was it not asked for again a moment ago?
  [[nodiscard]] bool due_again(NodeId node) EXCLUDES(mutex_);

  friend class ReadWaiter;

  /// What passes by of a FITS file tells where its headers lie.
  void learn(OpenFile& file, std::uint64_t offset, const Bytes& bytes);

  static constexpr std::size_t kServedNodes = 8U << 20;  ///< 1 MiB of bits

  const Parts parts_;
  const VfsOptions options_;
  OpenFiles open_files_;
  LastErrors last_errors_;
  Mutex mutex_;
  std::unordered_map<NodeId, SteadyTime> rechecked_
      GUARDED_BY(mutex_);  ///< missing frames and old answers asked again, and when
  /// What was opened as something else than everybody gets: see note_shown().
  std::unordered_map<Inode, Hash128> shown_ GUARDED_BY(mutex_);
  /// See was_served().
  std::vector<bool> served_ GUARDED_BY(mutex_) = std::vector<bool>(kServedNodes);
};

template <class T>
void Vfs::reply_with(const Node& node, ReplyPtr<T> reply, std::function<Result<T>()> make) {
  const MountedArchive* archive = parts_.archives.of(node);
  if (!is_local(archive)) return reply->send(make());
  const auto pending = parts_.parking.park(std::move(reply));
  ask_disk(archive, node.id, pending, [pending, make = std::move(make)] { pending->settle(make()); });
}

template <class T>
void Vfs::ask_disk(const MountedArchive* archive, NodeId node, const std::shared_ptr<Pending<T>>& pending,
                   std::function<void()> job) {
  pending->when_abandoned([this, node] {
    last_errors_.note(node,
                      {Errc::timed_out, "its disk did not answer in time, or the call was interrupted"});
  });
  const auto unless_given_up = [pending, job = std::move(job)] {
    if (!pending->settled()) job();
  };
  if (!parts_.disk.submit(archive, unless_given_up, [pending] { return pending->settled(); }))
    pending->settle(fail(Errc::interrupted, "the mount is ending"));
}

}  // namespace astrofs
