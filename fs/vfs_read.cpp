// The half of Vfs that reads: what is here at once, what must be waited for, and frames that turn out to be
// missing.
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "fs/remote_source.h"
#include "fs/vfs.h"

namespace astrofs {
namespace {

/// A missing frame is asked for again at most this often.
constexpr seconds kRecheckMissing{600};
constexpr std::size_t kRememberedRechecks = 16'384;

Bytes read_placeholder(const Placeholder& placeholder, ByteRange range) {
  Buffer buffer(range.length);
  buffer.resize(placeholder.read(range.offset, buffer));
  return Bytes(std::move(buffer));
}

/// Of a file on this machine, when all of it is in memory: no disk is waited for. Not every file system can
/// say so.
std::optional<Bytes> read_from_memory(const OpenFile& file, ByteRange range) {
  Buffer buffer(range.length);
  const iovec to{buffer.data(), buffer.size()};
  const ssize_t n = ::preadv2(file.local.get(), &to, 1, static_cast<off_t>(range.offset), RWF_NOWAIT);
  if (n < 0 || static_cast<std::size_t>(n) != buffer.size()) return std::nullopt;
  return Bytes(std::move(buffer));
}

Result<Bytes> read_local(const OpenFile& file, ByteRange range) {
  Buffer buffer(range.length);
  std::size_t got = 0;
  while (got < buffer.size()) {
    const ssize_t n = ::pread(file.local.get(), buffer.data() + got, buffer.size() - got,
                              static_cast<off_t>(range.offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(system_error(errno, file.node.name));
    if (n == 0) return fail(Errc::stale, file.node.name + " has become shorter");
    got += static_cast<std::size_t>(n);
  }
  return Bytes(std::move(buffer));
}

}  // namespace

void Vfs::learn(OpenFile& file, std::uint64_t offset, const Bytes& bytes) {
  // At once and not when it is closed: the kernel tells of that when it likes to, or never.
  if (std::string layout = file.learn(offset, bytes); !layout.empty())
    parts_.writer.set_layout(file.node.id, file.version.generation, std::move(layout));
}

void Vfs::read(const std::shared_ptr<OpenHandle>& handle, ByteRange range, ReplyPtr<Bytes> reply,
               bool direct) {
  OpenFile& file = *handle->file;
  file.pages_are_others = false;
  // From here on it is all of `range` or an error: the kernel takes a shorter reply for the end of the file.
  range = range.intersect({0, file.version.size});
  if (range.empty()) return reply->send(Bytes{});
  if (const auto placeholder = file.placeholder()) return reply->send(read_placeholder(*placeholder, range));
  if (file.local) {
    if (std::optional<Bytes> bytes = read_from_memory(file, range)) return reply->send(std::move(*bytes));
    const auto pending = parts_.parking.park(std::move(reply));
    return ask_disk(file.archive, file.node.id, pending, [this, open = handle->file, range, pending] {
      Result<Bytes> bytes = read_local(*open, range);
      if (bytes)
        last_errors_.forget(open->node.id);
      else
        last_errors_.note(open->node.id, bytes.error());
      pending->settle(std::move(bytes));
    });
  }
  if (range.offset > 0) file.learn_head(parts_.cache);
  Result<Bytes> hit = parts_.cache.read_cached(file.version, range);
  const bool is_measured = parts_.source != nullptr && file.archive != nullptr;
  const ReadPlan plan =
      handle->plan(range, hit.has_value(), direct,
                   is_measured ? windows_for(parts_.source->pace(*file.archive)) : Windows{});
  if (parts_.sweep != nullptr && !plan.decline) parts_.sweep->saw(file.node, plan.fetch);
  if (hit) {
    if (!plan.ahead.empty()) parts_.cache.prefetch(file.version, plan.ahead);
    if (!file.serve()) return reply->send(read_placeholder(*file.placeholder(), range));
    learn(file, range.offset, *hit);
    return reply->send(std::move(hit));
  }
  if (plan.decline) return reply->send(fail(Errc::unavailable, "read-ahead past a header, not fetched"));
  const ByteRange fetch = ByteRange::between(plan.fetch.offset, std::max(plan.fetch.end(), plan.ahead.end()));
  read_missed(handle->file, range, fetch, std::move(reply));
}

/// Stands in the cache for a parked read.
class ReadWaiter final : public Waiter {
 public:
  ReadWaiter(Vfs& vfs, std::shared_ptr<OpenFile> file, ByteRange range,
             std::shared_ptr<Pending<Bytes>> pending)
      : vfs_(vfs), file_(std::move(file)), range_(range), pending_(std::move(pending)) {}
  void done(Result<Bytes> result) override { vfs_.arrived(file_, range_, std::move(result), pending_); }

 private:
  Vfs& vfs_;
  const std::shared_ptr<OpenFile> file_;
  const ByteRange range_;
  const std::shared_ptr<Pending<Bytes>> pending_;
};

void Vfs::read_missed(std::shared_ptr<OpenFile> file, ByteRange range, ByteRange fetch,
                      ReplyPtr<Bytes> reply) {
  const auto pending = parts_.parking.park(std::move(reply));
  std::unique_ptr<Waiter> waiter = std::make_unique<ReadWaiter>(*this, file, range, pending);
  auto answer = parts_.cache.read(file->version, range, fetch, waiter);
  if (auto* now = std::get_if<Result<Bytes>>(&answer)) return arrived(file, range, std::move(*now), pending);
  pending->when_abandoned([this, id = std::get<WaitId>(answer), node = file->node.id] {
    last_errors_.note(node, {Errc::timed_out, "a read was given up: no answer in time, or interrupted"});
    parts_.cache.cancel(id);
  });
}

void Vfs::arrived(const std::shared_ptr<OpenFile>& file, ByteRange range, Result<Bytes> bytes,
                  const std::shared_ptr<Pending<Bytes>>& pending) {
  if (bytes) {
    last_errors_.forget(file->node.id);
    if (file->serve()) {
      learn(*file, range.offset, *bytes);
    } else {
      // Another read was denied, and shown it, while this one was under way.
      bytes = read_placeholder(*file->placeholder(), range);
    }
    pending->settle(std::move(bytes));
    return;
  }
  const Error error = bytes.error();
  last_errors_.note(file->node.id, error);
  if (error.code == Errc::not_found) return frame_is_missing(file, range, error, pending);
  if (error.code != Errc::stale) {
    pending->settle(std::move(bytes));
    return;
  }
  // First the catalog, then the reader: when he opens it again it is the new version.
  parts_.writer.set_stale(file->node.id, file->version.generation,
                          [this, node = file->node, error, pending](const Result<void>&) {
                            parts_.notices.entry_changed(node.parent, node.name);
                            pending->settle(tl::unexpected<Error>(error));
                          });
}

Result<std::uint64_t> Vfs::seek(const OpenHandle& handle, std::uint64_t offset, bool data) const {
  if (!options_.sparse) return fail(Errc::unsupported, "not mounted with sparse");
  const OpenFile& file = *handle.file;
  const std::uint64_t size = file.version.size;
  if (offset >= size) return fail(Errc::not_found, "beyond the end of the file");
  const bool whole = file.local || file.placeholder();
  if (whole) return data ? offset : size;
  for (const ByteRange& range : parts_.cache.present_ranges(file.version, ByteRange::between(offset, size))) {
    if (data) return range.offset;
    if (range.offset > offset) return offset;
    offset = range.end();
  }
  if (data) return fail(Errc::not_found, "nothing further on is cached");
  return offset;
}

// ---- missing frames

void Vfs::mark_missing(const Node& node, std::function<void(const Node&)> then) {
  parts_.missing.learn(node, [this, node, then = std::move(then)](const std::string& layout) {
    parts_.writer.set_missing(node.id, node.generation, true, layout,
                              [this, node, layout, then](const Result<void>&) {
                                parts_.notices.entry_changed(node.parent, node.name);
                                Node lost = node;
                                lost.missing = true;
                                lost.layout = layout;
                                if (then) then(lost);
                              });
  });
}

void Vfs::mark_there(const Node& node) {
  parts_.writer.set_missing(node.id, node.generation, false, "", [this, node](const Result<void>&) {
    parts_.notices.entry_changed(node.parent, node.name);
  });
}

void Vfs::frame_is_missing(const std::shared_ptr<OpenFile>& file, ByteRange range, Error error,
                           const std::shared_ptr<Pending<Bytes>>& pending) {
  log::warning("{}: {}", file->node.name, error.message);
  const Error withdrawn{Errc::stale, file->node.name + " was withdrawn by the archive while it was read"};
  if (file->served() || parts_.cache.presence(file->version).bytes > 0) {
    // Part of the frame was read: its readers must not get blanks for the rest. The next open sees the
    // placeholder.
    error = withdrawn;
  } else if (parts_.missing.can_make(file->node)) {
    // First the catalog, then the reader: who asks for the state after a read gets the right answer.
    return mark_missing(file->node, [this, file, range, withdrawn, pending](const Node& lost) {
      show_placeholder(file, lost, range, withdrawn, pending);
    });
  }
  mark_missing(file->node);
  pending->settle(tl::unexpected<Error>(std::move(error)));
}

void Vfs::show_placeholder(const std::shared_ptr<OpenFile>& file, const Node& lost, ByteRange range,
                           const Error& withdrawn, const std::shared_ptr<Pending<Bytes>>& pending) {
  const auto show = [this, file, range, withdrawn,
                     pending](const Result<std::shared_ptr<const Placeholder>>& made) {
    if (!made) {
      pending->settle(fail(Errc::not_found, made.error().message));
      return;
    }
    if (!file->set_placeholder(*made)) {
      pending->settle(tl::unexpected<Error>(withdrawn));
    } else {
      note_shown(inode_of(file->node), Hash128{});
      pending->settle(read_placeholder(*file->placeholder(), range));
    }
  };
  parts_.missing.make(lost, MissingCause::denied_by_archive, show);
}

bool Vfs::due_again(NodeId node) {
  const MutexLock lock(mutex_);
  const SteadyTime now = std::chrono::steady_clock::now();
  if (rechecked_.size() >= kRememberedRechecks) rechecked_.clear();
  const auto [row, is_new] = rechecked_.emplace(node, now);
  if (!is_new && now - row->second < kRecheckMissing) return false;
  row->second = now;
  return true;
}

void Vfs::recheck_missing(const Node& node) {
  if (!options_.offline && due_again(node.id)) recheck(node);
}

void Vfs::recheck(const Node& node) {
  if (options_.offline || !node.missing) return;
  parts_.sizes.probe(node, [this, node](const Result<http::ContentInfo>& info) {
    if (info) mark_there(node);
  });
}

void Vfs::renew_old(const Node& node) {
  const MountedArchive* archive = parts_.archives.of(node);
  if (options_.offline || archive == nullptr || node.mtime == SysSeconds{}) return;
  const auto good_for = archive->archive->made_good_for(node.locator);
  const auto now = std::chrono::floor<seconds>(std::chrono::system_clock::now());
  if (good_for && now - node.mtime > *good_for && due_again(node.id)) renew(node, [](const Result<Node>&) {});
}

void Vfs::renew(const Node& node, SizeResolver::Done done) {
  parts_.sizes.renew(node, [this, node, done = std::move(done)](const Result<Node>& now) {
    if (!now) last_errors_.note(node.id, now.error());
    if (now && now->generation != node.generation) parts_.notices.entry_changed(node.parent, node.name);
    done(now);
  });
}

}  // namespace astrofs
