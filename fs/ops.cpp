#include "fs/ops.h"

#define FUSE_USE_VERSION 314
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "fs/caller.h"
#include "fs/xattrs.h"

namespace astrofs {
namespace {

/// A name that does not exist may appear with the next listing, at the latest after this.
constexpr double kNegativeSeconds = 30;
/// Requests the kernel may keep in the air. The default of 12 lets a dozen stalled reads of one dead file
/// block every other file of the mount.
constexpr unsigned kMaxBackground = 512;
/// The kernel's read-ahead window. It decides how much the first read of a header asks for, so it is kept
/// small; what forward readers need beyond is brought by ReadPattern. With 1 MiB a cold header of 20 KB cost
/// two requests and 192 KiB instead of one of 64 KiB, and cached files read no faster (hashing is what takes
/// the time).
constexpr unsigned kKernelReadahead = 128 * 1024;
/// Entries taken from the catalog at a time while a directory is read.
constexpr std::size_t kDirBatch = 256;
/// Those that are left of an older batch are taken anew. The kernel may have been told meanwhile that they
/// changed, and would keep what it is given now for an hour.
constexpr seconds kDirBatchGood{1};
/// NAME_MAX of Linux; no longer name is ever shown. The kernel itself refuses only what is beyond 1024.
constexpr std::size_t kLongestName = 255;
/// readdir cookies of "." and ".."; node ids are below 2^40.
constexpr NodeId kDotCookie = 1ULL << 61;
constexpr NodeId kDotDotCookie = (1ULL << 61) + 1;

OpsContext& context_of(fuse_req_t req) {
  return *static_cast<OpsContext*>(fuse_req_userdata(req));
}
Vfs& vfs_of(fuse_req_t req) {
  return *context_of(req).vfs;
}

int errno_for(const Error& error) {
  return errno_of(error.code);
}

/// A FUSE request waiting for its answer; `Send` turns the value into libfuse's reply.
template <class T, class Send>
class FuseReply final : public Reply<T> {
 public:
  FuseReply(fuse_req_t req, Send send, bool is_lookup)
      : req_(req), caller_(fuse_req_ctx(req)->pid), send_(std::move(send)), is_lookup_(is_lookup) {}

  void send(Result<T> result) override {
    // After this no interrupt callback runs any more: libfuse holds the request's lock while one does.
    if (interrupted_) fuse_req_interrupt_func(req_, nullptr, nullptr);
    if (result) {
      send_(req_, std::move(*result));
    } else {
      send_error(result.error());
    }
  }
  void on_interrupt(std::function<void()> interrupted) override {
    interrupted_ = std::move(interrupted);
    fuse_req_interrupt_func(
        req_, [](fuse_req_t, void* self) { static_cast<FuseReply*>(self)->interrupted_(); }, this);
  }
  [[nodiscard]] bool caller_is_dying() const override { return is_dying(caller_); }

 private:
  void send_error(const Error& error) {
    if (error.code == Errc::not_found && is_lookup_) {
      fuse_entry_param none{};
      none.entry_timeout = kNegativeSeconds;
      fuse_reply_entry(req_, &none);
    } else {
      fuse_reply_err(req_, errno_for(error));
    }
  }

  fuse_req_t req_;
  const pid_t caller_;  ///< the thread
  Send send_;
  const bool is_lookup_;  ///< a name that does not exist is an answer, which the kernel may keep
  std::function<void()> interrupted_;
};

template <class T, class Send>
std::unique_ptr<FuseReply<T, Send>> reply_to(fuse_req_t req, Send send, bool is_lookup = false) {
  return std::make_unique<FuseReply<T, Send>>(req, std::move(send), is_lookup);
}

mode_t type_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::directory:
      return S_IFDIR;
    case NodeKind::symlink:
      return S_IFLNK;
    case NodeKind::file:
      break;
  }
  return S_IFREG;
}

/// The kernel judges by it (default_permissions): what is private is its owner's, with allow_other too.
mode_t mode_of(const Attr& attr) {
  if (attr.kind == NodeKind::symlink) return S_IFLNK | 0777;
  const mode_t may = attr.kind == NodeKind::directory ? 0555 : 0444;
  return type_of(attr.kind) | (attr.is_private ? may & S_IRWXU : may);
}

/// Not by who mounted, nor by root.
bool is_by_other(fuse_req_t req) {
  const uid_t caller = fuse_req_ctx(req)->uid;
  return caller != 0 && caller != context_of(req).uid;
}

struct stat stat_of(const OpsContext& context, const Attr& attr) {
  struct stat st {};
  st.st_ino = attr.node;
  st.st_mode = mode_of(attr);
  st.st_nlink = attr.kind == NodeKind::directory ? 2 : 1;
  st.st_uid = context.uid;
  st.st_gid = context.gid;
  st.st_size = static_cast<off_t>(attr.size);
  // Never 0 where there are bytes: `tar -S` takes such a file for one hole.
  const std::uint64_t occupied = std::max<std::uint64_t>(attr.cached_bytes, attr.size > 0 ? 1 : 0);
  st.st_blocks = static_cast<blkcnt_t>((occupied + 511) / 512);
  // Small on purpose: buffered readers take it as their buffer, and a header must not cost more than it
  // holds.
  st.st_blksize = 4096;
  st.st_mtim.tv_sec = attr.mtime.time_since_epoch().count();
  st.st_ctim = st.st_mtim;
  st.st_atim = st.st_mtim;
  return st;
}

fuse_entry_param entry_of(const OpsContext& context, const Attr& attr) {
  fuse_entry_param entry{};
  entry.ino = attr.inode;
  entry.attr = stat_of(context, attr);
  entry.attr_timeout = static_cast<double>(attr.good_for.count());
  entry.entry_timeout = entry.attr_timeout;
  return entry;
}

// ---- session

void op_init(void* userdata, fuse_conn_info* conn) {
  const auto& context = *static_cast<OpsContext*>(userdata);
  conn->max_background = kMaxBackground;
  conn->congestion_threshold = kMaxBackground * 3 / 4;
  conn->max_readahead = kKernelReadahead;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
  // Its flags are wider than `want`, and one of the two must be kept to.
  const auto want = [conn](std::uint64_t flag) { return fuse_set_feature_flag(conn, flag); };
  const auto refuse = [conn](std::uint64_t flag) { fuse_unset_feature_flag(conn, flag); };
  context.passthrough->agreed(want(FUSE_CAP_PASSTHROUGH));
#else
  const auto want = [conn](unsigned flag) { conn->want |= conn->capable & flag; };
  const auto refuse = [conn](unsigned flag) { conn->want &= ~flag; };
#endif
  // A reader with O_DIRECT of a stalled file could not be killed.
  refuse(FUSE_CAP_ASYNC_DIO);
  // A version's bytes never change under its inode number, so pages are never dropped for a new mtime.
  refuse(FUSE_CAP_AUTO_INVAL_DATA);
  want(FUSE_CAP_EXPLICIT_INVAL_DATA);
  // Replies are written from memory: blocks are hashed on their way, and splice measured slower.
  refuse(FUSE_CAP_SPLICE_READ);
  refuse(FUSE_CAP_SPLICE_WRITE);
  refuse(FUSE_CAP_SPLICE_MOVE);
  // Always plus: a 100,000-entry `ls -l` falls back to one lookup per entry with "auto" and a cached
  // directory.
  want(FUSE_CAP_READDIRPLUS);
  refuse(FUSE_CAP_READDIRPLUS_AUTO);
  want(FUSE_CAP_PARALLEL_DIROPS);  // which libfuse 3.14 forgets: see passthrough
  want(FUSE_CAP_ASYNC_READ);
  want(FUSE_CAP_CACHE_SYMLINKS);
  if (context.ready) context.ready();
}

// ---- names and attributes

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char* name) {
  if (std::strlen(name) > kLongestName) {
    fuse_reply_err(req, ENAMETOOLONG);
    return;
  }
  const auto send = [](fuse_req_t to, const Attr& attr) {
    const fuse_entry_param entry = entry_of(context_of(to), attr);
    fuse_reply_entry(to, &entry);
  };
  vfs_of(req).lookup(parent, name, reply_to<Attr>(req, send, true));
}

// Inode numbers live in the catalog, not in memory: nothing to forget.
void op_forget(fuse_req_t req, fuse_ino_t, std::uint64_t) {
  fuse_reply_none(req);
}
void op_forget_multi(fuse_req_t req, std::size_t, fuse_forget_data*) {
  fuse_reply_none(req);
}

void op_getattr(fuse_req_t req, fuse_ino_t inode, fuse_file_info*) {
  vfs_of(req).getattr(inode, reply_to<Attr>(req, [](fuse_req_t to, const Attr& attr) {
                        const struct stat st = stat_of(context_of(to), attr);
                        fuse_reply_attr(to, &st, static_cast<double>(attr.good_for.count()));
                      }));
}

void op_readlink(fuse_req_t req, fuse_ino_t inode) {
  const Result<Node> node = vfs_of(req).node(inode);
  if (!node) {
    fuse_reply_err(req, errno_for(node.error()));
  } else if (node->kind != NodeKind::symlink) {
    fuse_reply_err(req, EINVAL);
  } else {
    fuse_reply_readlink(req, node->locator.c_str());  // a link's locator is its target
  }
}

// ---- directories

/// One open directory: entries are taken from the catalog in batches, in order of name.
struct OpenDirectory {
  struct Row {
    std::string name;
    NodeId node;
    NodeKind kind;
    std::optional<Attr> attr;
  };
  Node node;
  Mutex mutex;
  std::vector<Row> batch GUARDED_BY(mutex);
  SteadyTime batch_taken GUARDED_BY(mutex);
  NodeId batch_after GUARDED_BY(mutex){0};  ///< cookie the batch follows
  std::size_t next GUARDED_BY(mutex){0};
};

using DirectoryPtr = std::shared_ptr<OpenDirectory>;

const DirectoryPtr& directory_of(const fuse_file_info& fi) {
  return *reinterpret_cast<DirectoryPtr*>(fi.fh);
}

void op_opendir(fuse_req_t req, fuse_ino_t inode, fuse_file_info* fi) {
  const auto send = [info = *fi](fuse_req_t to, Node node) mutable {
    auto directory = std::make_unique<DirectoryPtr>(std::make_shared<OpenDirectory>());
    (*directory)->node = std::move(node);
    info.fh = reinterpret_cast<std::uint64_t>(directory.get());
    // The kernel keeps the entries until it is told that the listing changed.
    info.cache_readdir = 1;
    info.keep_cache = 1;
    if (fuse_reply_open(to, &info) == 0) (void)directory.release();
  };
  vfs_of(req).opendir(inode, reply_to<Node>(req, send), is_by_other(req));
}

void op_releasedir(fuse_req_t req, fuse_ino_t, fuse_file_info* fi) {
  const std::unique_ptr<const DirectoryPtr> directory(&directory_of(*fi));
  fuse_reply_err(req, 0);
}

/// Adds the rows that follow `cookie` to the batch. May ask a disk where vfs.asks_disk().
Result<void> take_rows(Vfs& vfs, OpenDirectory& directory, NodeId cookie) REQUIRES(directory.mutex) {
  std::vector<OpenDirectory::Row> rows;
  Result<void> scanned = vfs.readdir(directory.node, cookie, [&rows](const DirEntry& entry) {
    rows.push_back({std::string(entry.name), entry.node, entry.kind,
                    entry.attr ? std::optional<Attr>(*entry.attr) : std::nullopt});
    return rows.size() < kDirBatch;
  });
  auto& batch = directory.batch;
  if (scanned)
    batch.insert(batch.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  return scanned;
}

/// Takes the next rows while the kernel still works at those it was given.
void read_ahead(Vfs& vfs, OpenDirectory& directory) {
  const MutexLock lock(directory.mutex);
  auto& batch = directory.batch;
  if (directory.next == 0 || batch.size() - directory.next >= kDirBatch / 2) return;
  directory.batch_after = batch[directory.next - 1].node;
  const NodeId last = batch.back().node;
  batch.erase(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(directory.next));
  directory.next = 0;
  (void)take_rows(vfs, directory, last);  // who needs them asks again, and is told
}

/// Has the batch the row that follows `cookie`, as it is now?
bool has_next(const OpenDirectory& directory, NodeId cookie) REQUIRES(directory.mutex) {
  const auto& batch = directory.batch;
  const NodeId at = directory.next == 0 ? directory.batch_after : batch[directory.next - 1].node;
  return at == cookie && directory.next < batch.size() &&
         std::chrono::steady_clock::now() - directory.batch_taken <= kDirBatchGood;
}

/// The batch becomes what follows `cookie`; nothing, at the end.
Result<void> take_batch(Vfs& vfs, OpenDirectory& directory, NodeId cookie) REQUIRES(directory.mutex) {
  directory.batch.clear();
  directory.batch_after = cookie;
  directory.next = 0;
  directory.batch_taken = std::chrono::steady_clock::now();
  Result<void> taken = take_rows(vfs, directory, cookie);
  // What a disk was asked for is kept for seconds only, and may have taken longer than a batch is good.
  if (vfs.asks_disk(directory.node)) directory.batch_taken = std::chrono::steady_clock::now();
  return taken;
}

class DirBuffer {
 public:
  DirBuffer(fuse_req_t req, std::size_t size, bool plus) : req_(req), buffer_(size), plus_(plus) {}

  bool add(const char* name, NodeId node, NodeKind kind, const Attr* attr, NodeId cookie) {
    std::size_t length = 0;
    char* at = buffer_.data() + used_;
    const std::size_t left = buffer_.size() - used_;
    if (plus_) {
      // ino 0 in the entry: the kernel shows the name and asks for the attributes itself.
      fuse_entry_param entry = attr ? entry_of(context_of(req_), *attr) : fuse_entry_param{};
      if (attr == nullptr) {
        entry.attr.st_ino = node;
        entry.attr.st_mode = type_of(kind);
      }
      length = fuse_add_direntry_plus(req_, at, left, name, &entry, static_cast<off_t>(cookie));
    } else {
      struct stat st {};
      st.st_ino = node;
      st.st_mode = type_of(kind);
      length = fuse_add_direntry(req_, at, left, name, &st, static_cast<off_t>(cookie));
    }
    if (length > left) return false;
    used_ += length;
    return true;
  }
  void send() { fuse_reply_buf(req_, buffer_.data(), used_); }
  [[nodiscard]] bool empty() const { return used_ == 0; }

 private:
  fuse_req_t req_;
  std::vector<char> buffer_;
  std::size_t used_{0};
  const bool plus_;
};

/// The cookie of the last row before those that follow `offset`.
NodeId cookie_at(off_t offset) {
  const auto cookie = static_cast<NodeId>(offset);
  return cookie == kDotCookie || cookie == kDotDotCookie ? 0 : cookie;
}

/// Fills the buffer with the entries behind `offset`, as many as fit; `from_batch`: and are at hand. An error
/// only when there is none to give.
Result<void> fill(DirBuffer& out, Vfs& vfs, OpenDirectory& directory, off_t offset, bool from_batch) {
  if (offset == 0 && !out.add(".", directory.node.id, NodeKind::directory, nullptr, kDotCookie)) return {};
  if (offset == 0 || offset == static_cast<off_t>(kDotCookie)) {
    const NodeId parent = directory.node.id == kRootNode ? kRootNode : directory.node.parent;
    if (!out.add("..", parent, NodeKind::directory, nullptr, kDotDotCookie)) return {};
  }
  NodeId cookie = cookie_at(offset);
  const MutexLock lock(directory.mutex);
  for (;;) {
    if (!has_next(directory, cookie)) {
      if (from_batch && !out.empty()) return {};
      const Result<void> taken = take_batch(vfs, directory, cookie);
      if (!taken && out.empty()) return taken;
      if (directory.batch.empty()) return {};
    }
    const OpenDirectory::Row& entry = directory.batch[directory.next++];
    if (!out.add(entry.name.c_str(), entry.node, entry.kind, entry.attr ? &*entry.attr : nullptr,
                 entry.node)) {
      --directory.next;  // did not fit: the next call begins with it
      return {};
    }
    cookie = entry.node;
  }
}

void read_directory(fuse_req_t req, std::size_t size, off_t offset, const fuse_file_info& fi, bool plus) {
  Vfs& vfs = vfs_of(req);
  const DirectoryPtr directory = directory_of(fi);  // whoever gets the reply may release it at once
  const bool asks_disk = vfs.asks_disk(directory->node);
  const auto send = [&vfs, directory, size, offset, plus, asks_disk](fuse_req_t to, bool) {
    DirBuffer out(to, size, plus);
    if (const Result<void> filled = fill(out, vfs, *directory, offset, asks_disk); filled)
      out.send();
    else
      fuse_reply_err(to, errno_for(filled.error()));
  };
  if (!asks_disk) {
    send(req, true);
    read_ahead(vfs, *directory);
    return;
  }
  const auto take = [&vfs, directory, cookie = cookie_at(offset)]() -> Result<bool> {
    const MutexLock lock(directory->mutex);
    if (has_next(*directory, cookie)) return true;
    return take_batch(vfs, *directory, cookie).map([] { return true; });
  };
  vfs.reply_with<bool>(directory->node, reply_to<bool>(req, send), take);
}

void op_readdir(fuse_req_t req, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* fi) {
  read_directory(req, size, offset, *fi, false);
}
void op_readdirplus(fuse_req_t req, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* fi) {
  read_directory(req, size, offset, *fi, true);
}

// ---- files

using HandlePtr = std::shared_ptr<OpenHandle>;
HandlePtr& handle_of(const fuse_file_info& fi) {
  return *reinterpret_cast<HandlePtr*>(fi.fh);
}

/// The kernel reads the file by itself. Nothing may be kept of earlier pages, nor any other flag be set: it
/// would refuse the open. O_DIRECT reads come here as before: a disk takes them at multiples of its block
/// only.
int reply_given(fuse_req_t req, const fuse_file_info& info, KernelFiles::Id id) {
  const bool direct = (info.flags & O_DIRECT) != 0;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
  fuse_file_info given = info;
  given.backing_id = id;
  given.keep_cache = 0;
  given.noflush = 1;
  given.direct_io = direct ? 1 : 0;
  return fuse_reply_open(req, &given);
#else
  const Passthrough::OpenReply reply = Passthrough::open_reply(info.fh, id, direct);
  return fuse_reply_buf(req, reinterpret_cast<const char*>(reply.data()), reply.size());
#endif
}

void op_open(fuse_req_t req, fuse_ino_t inode, fuse_file_info* fi) {
  if ((fi->flags & O_ACCMODE) != O_RDONLY) {
    fuse_reply_err(req, EROFS);
    return;
  }
  Vfs& vfs = vfs_of(req);
  const auto send = [info = *fi, &vfs](fuse_req_t to, HandlePtr handle) mutable {
    auto kept = std::make_unique<HandlePtr>(std::move(handle));
    info.fh = reinterpret_cast<std::uint64_t>(kept.get());
    // Without it a second open of a file with a stalled read waits for that read, and not even SIGKILL ends
    // it. A placeholder's reads never stall, and one made at another time may have another sibling's cards. A
    // file on this machine may be written anew within the second and the size that tell its versions apart;
    // its reads stall when the disk hangs, until their deadline. Pages of others must go, though a reader who
    // comes between an open of such a file and its first read may wait for that read.
    const OpenFile& file = *(*kept)->file;
    info.keep_cache = file.placeholder() || file.pages_are_others || file.local ? 0 : 1;
    info.noflush = 1;
    const int failed = file.given ? reply_given(to, info, file.given.id()) : fuse_reply_open(to, &info);
    if (failed == 0) {
      (void)kept.release();
    } else {
      vfs.release(std::move(*kept));  // the caller is gone; no release will come
    }
  };
  vfs.open(inode, reply_to<HandlePtr>(req, send), is_by_other(req));
}

void op_release(fuse_req_t req, fuse_ino_t, fuse_file_info* fi) {
  const std::unique_ptr<HandlePtr> handle(&handle_of(*fi));
  vfs_of(req).release(std::move(*handle));
  fuse_reply_err(req, 0);
}

void op_read(fuse_req_t req, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* fi) {
  const auto send = [](fuse_req_t to, const Bytes& bytes) {
    fuse_reply_buf(to, reinterpret_cast<const char*>(bytes.span().data()), bytes.size());
  };
  const bool direct = (fi->flags & O_DIRECT) != 0;
  vfs_of(req).read(handle_of(*fi), {static_cast<std::uint64_t>(offset), size}, reply_to<Bytes>(req, send),
                   direct);
}

/// Without `sparse` the kernel is left to say that every byte is data: cp and tar write zeros for a hole
/// without reading it, and bytes that are not here yet are none to them.
void op_lseek(fuse_req_t req, fuse_ino_t, off_t offset, int whence, fuse_file_info* fi) {
  if (offset < 0 || (whence != SEEK_DATA && whence != SEEK_HOLE)) {
    fuse_reply_err(req, offset < 0 ? ENXIO : EINVAL);
    return;
  }
  const Result<std::uint64_t> at =
      vfs_of(req).seek(*handle_of(*fi), static_cast<std::uint64_t>(offset), whence == SEEK_DATA);
  if (at) {
    fuse_reply_lseek(req, static_cast<off_t>(*at));
  } else {
    fuse_reply_err(req, at.error().code == Errc::unsupported ? ENOSYS : ENXIO);
  }
}

// ---- the rest

/// The value, or how long it is where nothing else is asked.
void reply_xattr(fuse_req_t req, const std::string& value, std::size_t size) {
  if (size == 0) {
    fuse_reply_xattr(req, value.size());
  } else if (size < value.size()) {
    fuse_reply_err(req, ERANGE);
  } else {
    fuse_reply_buf(req, value.data(), value.size());
  }
}

void op_getxattr(fuse_req_t req, fuse_ino_t inode, const char* name, std::size_t size) {
  // `ls -l` asks each file for its label and its ACL, and stops asking once it hears that there are none
  // here.
  if (std::strncmp(name, "user.", 5) != 0) {
    fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  Vfs& vfs = vfs_of(req);
  const Result<Node> node = vfs.node(inode);
  if (!node) {
    fuse_reply_err(req, errno_for(node.error()));
    return;
  }
  const auto send = [size](fuse_req_t to, const std::string& value) {
    if (value.empty())
      fuse_reply_err(to, ENODATA);
    else
      reply_xattr(to, value, size);
  };
  const auto get = [&vfs, node = *node, key = std::string(name),
                    socket = context_of(req).control_socket]() -> Result<std::string> {
    return get_xattr(vfs, node, key, socket).value_or("");
  };
  auto reply = reply_to<std::string>(req, send);
  if (xattr_asks_disk(name)) return vfs.reply_with<std::string>(*node, std::move(reply), get);
  reply->send(get());
}

void op_listxattr(fuse_req_t req, fuse_ino_t inode, std::size_t size) {
  Vfs& vfs = vfs_of(req);
  const Result<Node> node = vfs.node(inode);
  if (!node) {
    fuse_reply_err(req, errno_for(node.error()));
    return;
  }
  std::string names;
  for (const std::string& name : list_xattrs(vfs, *node)) names.append(name).push_back('\0');
  reply_xattr(req, names, size);
}

/// Answered from memory: `df` must not wait for any archive.
void op_statfs(fuse_req_t req, fuse_ino_t) {
  const Vfs& vfs = vfs_of(req);
  constexpr std::uint64_t kUnit = 4096;
  const std::uint64_t quota = vfs.options().quota;
  const std::uint64_t used = std::min(quota, vfs.parts().cache.disk_bytes());
  struct statvfs st {};
  st.f_bsize = kUnit;
  st.f_frsize = kUnit;
  st.f_blocks = quota / kUnit;
  st.f_bfree = (quota - used) / kUnit;
  st.f_bavail = st.f_bfree;
  st.f_namemax = kLongestName;
  fuse_reply_statfs(req, &st);
}

void op_access(fuse_req_t req, fuse_ino_t, int mask) {
  fuse_reply_err(req, (mask & W_OK) != 0 ? EROFS : 0);
}

}  // namespace

const fuse_lowlevel_ops& fuse_operations() {
  static const fuse_lowlevel_ops operations = [] {
    fuse_lowlevel_ops ops{};
    ops.init = op_init;
    ops.lookup = op_lookup;
    ops.forget = op_forget;
    ops.forget_multi = op_forget_multi;
    ops.getattr = op_getattr;
    ops.readlink = op_readlink;
    ops.opendir = op_opendir;
    ops.readdir = op_readdir;
    ops.readdirplus = op_readdirplus;
    ops.releasedir = op_releasedir;
    ops.open = op_open;
    ops.read = op_read;
    ops.lseek = op_lseek;
    ops.release = op_release;
    ops.getxattr = op_getxattr;
    ops.listxattr = op_listxattr;
    ops.statfs = op_statfs;
    ops.access = op_access;
    return ops;
  }();
  return operations;
}

}  // namespace astrofs
