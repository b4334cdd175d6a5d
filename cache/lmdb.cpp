#include "cache/lmdb.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <utility>
#include <vector>

#include "base/heap.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "cache/damage_log.h"

namespace astrofs {
namespace {

/// Slots of the reader table: more than threads will ever read at once, as slots of killed processes linger a
/// minute.
constexpr unsigned kMaxReaders = 1024;
/// What lock.mdb is at most: a cache line (64 bytes) for each reader, and a page for the table's head.
constexpr off_t kReaderTable = kMaxReaders * 64 + 4096;
/// NOTLS: transactions belong to objects, not threads. NOMETASYNC: a power cut may lose the last commit,
/// never more. NORDAHEAD: lookups are random. Never WRITEMAP (a full disk would be SIGBUS), never NOSYNC (a
/// power cut takes all).
constexpr unsigned kWriteFlags = MDB_NOTLS | MDB_NOMETASYNC | MDB_NORDAHEAD;
constexpr unsigned kProbeFlags = MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK | MDB_NORDAHEAD;
/// Beyond this the index is not growing but broken.
constexpr std::uint64_t kLargestMap = 1ULL << 42;
/// Exit code of a probe child in which LMDB met something impossible; any but 0 would do.
constexpr int kAssertionExit = 3;

MDB_val val(std::string_view bytes) {
  // LMDB takes keys and values to read them only, but not as const.
  return {bytes.size(), const_cast<char*>(bytes.data())};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}
std::string_view view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}
MDB_txn* txn_of(void* handle) {
  return static_cast<MDB_txn*>(handle);
}

Error error_of(int code, const std::string& what) {
  Errc cause = Errc::internal;
  switch (code) {
    case ENOSPC:
    case EIO:  // what a short write on a full disk is called as well
    case EDQUOT:
    case EFBIG:  // the limit of ulimit -f
    case MDB_MAP_FULL:
      cause = Errc::no_space;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      cause = Errc::denied;
      break;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case MDB_READERS_FULL:
      cause = Errc::unavailable;
      break;
    default:
      cause = Errc::corrupt;
      break;  // what LMDB or the disk says when bytes are not what they were
  }
  return Error{cause, "index: " + what + ": " + mdb_strerror(code)};
}

/// A disk that gives nothing back is not full.
Error read_error_of(int code, const std::string& what) {
  Error error = error_of(code, what);
  if (code == EIO) error.code = Errc::unavailable;
  return error;
}

struct CloseEnv {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
using EnvHandle = std::unique_ptr<MDB_env, CloseEnv>;

/// Codes for pages that are not what LMDB wrote. Not MDB_BAD_TXN, which only follows another failure.
bool is_page_damage(int code) {
  return code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND;
}

void end_the_probe(MDB_env*, const char*) {
  _exit(kAssertionExit);
}

/// LMDB met a page that makes no sense where it knows no error to give, and ends the process next.
void leave_word(MDB_env* env, const char* what) {
  log::error("index: {}", what);
  const char* dir = nullptr;
  mdb_env_get_path(env, &dir);
  if (dir != nullptr) (void)DamageLog::leave_mark(dir);
}

/// LMDB writes to its table of readers through the memory it maps: where the disk has no room for that, it is
/// a SIGBUS. A disk that cannot promise room (EOPNOTSUPP) is taken as it is, and so is a table that served
/// before: XFS wants as much room again for what it has promised already.
Result<void> reserve_reader_table(const std::string& dir) {
  const UniqueFd table(::open((dir + "/lock.mdb").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!table) return {};  // LMDB says why when it opens it
  struct stat status {};
  if (::fstat(table.get(), &status) == 0 && status.st_blocks > 0) return {};
  while (::fallocate(table.get(), FALLOC_FL_KEEP_SIZE, 0, kReaderTable) != 0) {
    if (errno == ENOSPC || errno == EDQUOT) return tl::unexpected(error_of(errno, "cannot open " + dir));
    if (errno != EINTR) break;
  }
  return {};
}

/// There is no handle: what was closed for a moment could not be opened again yet.
tl::unexpected<Error> closed(const std::string& what) {
  return fail(Errc::unavailable, "index: " + what + ": it could not be opened again");
}

}  // namespace

Table table_at(std::size_t index) {
  return static_cast<Table>(index + 1);
}

const char* name_of(Table table) {
  static constexpr std::array<const char*, kTables> kNames{"meta",   "node",  "child", "listing",
                                                           "object", "block", "used",  "pin"};
  return kNames.at(static_cast<std::size_t>(table) - 1);
}

/// Readers enter and leave through a gate; grow() closes it and waits until all have left.
class Environment::Impl {
 public:
  Impl(std::string dir, std::uint64_t map_size, Mode mode)
      : damage_(mode == Mode::write ? dir : ""), dir_(std::move(dir)), map_size_(map_size), mode_(mode) {}
  ~Impl() { drop_pool(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> open_handle();
  Result<MDB_txn*> enter() EXCLUDES(gate_);
  void leave(MDB_txn* txn) EXCLUDES(gate_);
  /// Runs `change` while nobody reads.
  template <class Change>
  Result<void> alone(Change change) EXCLUDES(gate_);
  Result<void> open_anew() EXCLUDES(gate_);  ///< inside alone()
  Result<void> reopen() {
    return alone([this] { return open_anew(); });
  }
  [[nodiscard]] bool usable() const;
  [[nodiscard]] MDB_env* env() const { return env_.get(); }
  [[nodiscard]] MDB_dbi dbi(Table table) const { return tables_.at(static_cast<std::size_t>(table) - 1); }

  DamageLog damage_;

 private:
  friend class Environment;
  Result<void> open_tables();
  void drop_pool() EXCLUDES(gate_);

  const std::string dir_;
  std::uint64_t map_size_;  ///< changed by the writing thread alone, inside alone()
  const Mode mode_;
  EnvHandle env_;
  std::array<MDB_dbi, kTables> tables_{};

  mutable Mutex gate_;
  std::condition_variable changed_;
  bool closed_ GUARDED_BY(gate_){false};
  std::size_t inside_ GUARDED_BY(gate_){0};
  std::vector<MDB_txn*> idle_ GUARDED_BY(gate_);  ///< reset, to be renewed
};

Result<void> Environment::Impl::open_handle() {
  MDB_env* raw = nullptr;
  if (const int code = mdb_env_create(&raw); code != 0)
    return tl::unexpected(error_of(code, "cannot be made"));
  EnvHandle env(raw);
  mdb_env_set_maxdbs(raw, kTables);
  mdb_env_set_maxreaders(raw, kMaxReaders);
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  map_size_ = (map_size_ + page - 1) / page * page;
  mdb_env_set_mapsize(raw, map_size_);
  mdb_env_set_assert(raw, mode_ == Mode::probe ? end_the_probe : leave_word);
  const unsigned flags = mode_ == Mode::write ? kWriteFlags : kProbeFlags;
  if (mode_ == Mode::write) {
    if (auto reserved = reserve_reader_table(dir_); !reserved) return reserved;
  }
  if (const int code = mdb_env_open(raw, dir_.c_str(), flags, 0600); code != 0) {
    return tl::unexpected(read_error_of(code, "cannot open " + dir_));
  }
  MDB_envinfo info{};
  mdb_env_info(raw, &info);
  map_size_ = info.me_mapsize;  // larger than asked when what is stored is
  env_ = std::move(env);
  Result<void> opened = open_tables();
  if (!opened) env_.reset();  // without its tables it is of no use, and does not show it
  return opened;
}

Result<void> Environment::Impl::open_tables() {
  // An index that has its tables is opened without a commit; a new one gets them all in one.
  for (const unsigned create : {0U, static_cast<unsigned>(MDB_CREATE)}) {
    if (create != 0 && mode_ == Mode::probe) break;
    MDB_txn* txn = nullptr;
    int code = mdb_txn_begin(env_.get(), nullptr, create != 0 ? 0 : MDB_RDONLY, &txn);
    if (code != 0) return tl::unexpected(read_error_of(code, "cannot be read"));
    for (std::size_t i = 0; i < kTables && code == 0; ++i) {
      code = mdb_dbi_open(txn, name_of(table_at(i)), create, &tables_.at(i));
    }
    if (code == 0) {
      code = mdb_txn_commit(txn);
    } else {
      mdb_txn_abort(txn);
    }
    if (code == 0) return {};
    if (code != MDB_NOTFOUND) return tl::unexpected(error_of(code, "tables cannot be opened"));
  }
  return fail(Errc::not_found, "index: has no tables");
}

Result<MDB_txn*> Environment::Impl::enter() {
  MDB_txn* txn = nullptr;
  {
    MutexLock lock(gate_);
    while (closed_) lock.wait(changed_);
    ++inside_;
    if (!idle_.empty()) {
      txn = idle_.back();
      idle_.pop_back();
    }
  }
  if (!env_) {
    leave(nullptr);
    return closed("cannot be read");
  }
  const int code = txn != nullptr ? mdb_txn_renew(txn) : mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &txn);
  if (code == 0) return txn;
  if (txn != nullptr) mdb_txn_abort(txn);
  leave(nullptr);
  return tl::unexpected(read_error_of(code, "cannot be read"));
}

void Environment::Impl::leave(MDB_txn* txn) {
  if (txn != nullptr) mdb_txn_reset(txn);
  const MutexLock lock(gate_);
  if (txn != nullptr) idle_.push_back(txn);
  if (--inside_ == 0 && closed_) changed_.notify_all();
}

template <class Change>
Result<void> Environment::Impl::alone(Change change) {
  {
    MutexLock lock(gate_);
    closed_ = true;
    while (inside_ != 0) lock.wait(changed_);
  }
  Result<void> result = change();
  const MutexLock lock(gate_);
  closed_ = false;
  changed_.notify_all();
  return result;
}

void Environment::Impl::drop_pool() {
  const MutexLock lock(gate_);
  for (MDB_txn* txn : idle_) mdb_txn_abort(txn);
  idle_.clear();
}

Result<void> Environment::Impl::open_anew() {
  drop_pool();
  env_.reset();  // before the next is opened: two in one process would drop each other's locks
  return open_handle();
}

bool Environment::Impl::usable() const {
  MDB_txn* txn = nullptr;  // LMDB tells only who begins one
  const int code = env_ ? mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &txn) : MDB_PANIC;
  if (code == 0) mdb_txn_abort(txn);
  return code != MDB_PANIC;
}

// --- transactions

tl::unexpected<Error> Txn::failed(int code, const char* what) const {
  if (failure_ == 0) failure_ = code;
  if (is_page_damage(code)) damage().page(mdb_strerror(code));
  return tl::unexpected(error_of(code, what));
}

Result<std::optional<std::string_view>> Txn::get(Table table, std::string_view key) const {
  MDB_val k = val(key);
  MDB_val v{};
  const int code = mdb_get(txn_of(handle_), environment_->impl_->dbi(table), &k, &v);
  if (code == 0) return view(v);
  if (code == MDB_NOTFOUND) return std::nullopt;
  return failed(code, "read");
}

Result<std::uint64_t> Txn::entries(Table table) const {
  MDB_stat stat{};
  if (const int code = mdb_stat(txn_of(handle_), environment_->impl_->dbi(table), &stat); code != 0) {
    return failed(code, "count");
  }
  return stat.ms_entries;
}

DamageLog& Txn::damage() const {
  return environment_->impl_->damage_;
}

ReadTxn::ReadTxn(ReadTxn&& other) noexcept
    : Txn(*other.environment_, std::exchange(other.handle_, nullptr)) {}

ReadTxn::~ReadTxn() {
  if (handle_ != nullptr) environment_->impl_->leave(txn_of(handle_));
}

WriteTxn::WriteTxn(WriteTxn&& other) noexcept
    : Txn(*other.environment_, std::exchange(other.handle_, nullptr)) {
  failure_ = other.failure_;
  written_ = other.written_;
}

WriteTxn::~WriteTxn() {
  if (handle_ != nullptr) mdb_txn_abort(txn_of(handle_));
}

Result<void> WriteTxn::put(Table table, std::string_view key, std::string_view value) {
  written_ += key.size() + value.size();
  MDB_val k = val(key);
  MDB_val v = val(value);
  const int code = mdb_put(txn_of(handle_), environment_->impl_->dbi(table), &k, &v, 0);
  if (code != 0) return failed(code, "write");
  return {};
}

Result<void> WriteTxn::append(Table table, std::string_view key, std::string_view value) {
  written_ += key.size() + value.size();
  MDB_val k = val(key);
  MDB_val v = val(value);
  const int code = mdb_put(txn_of(handle_), environment_->impl_->dbi(table), &k, &v, MDB_APPEND);
  if (code == MDB_KEYEXIST) return put(table, key, value);
  if (code != 0) return failed(code, "write");
  return {};
}

Result<void> WriteTxn::erase(Table table, std::string_view key) {
  MDB_val k = val(key);
  const int code = mdb_del(txn_of(handle_), environment_->impl_->dbi(table), &k, nullptr);
  if (code != 0 && code != MDB_NOTFOUND) return failed(code, "erase");
  return {};
}

Result<void> WriteTxn::clear(Table table) {
  if (const int code = mdb_drop(txn_of(handle_), environment_->impl_->dbi(table), 0); code != 0) {
    return failed(code, "clear");
  }
  return {};
}

Result<void> WriteTxn::commit() {
  const int code = mdb_txn_commit(txn_of(std::exchange(handle_, nullptr)));
  if (code != 0) return failed(code, "commit");
  return {};
}

bool WriteTxn::map_full() const {
  return failure_ == MDB_MAP_FULL;
}

// --- cursor

Cursor::Cursor(const Txn& txn, Table table) : txn_(txn) {
  MDB_cursor* cursor = nullptr;
  opened_ = mdb_cursor_open(txn_of(txn.handle_), txn.environment_->impl_->dbi(table), &cursor);
  handle_ = cursor;
}

Cursor::~Cursor() {
  if (handle_ != nullptr) mdb_cursor_close(static_cast<MDB_cursor*>(handle_));
}

Result<bool> Cursor::move(std::string_view key, unsigned operation) {
  if (opened_ != 0) return txn_.failed(opened_, "walk");
  MDB_val k = val(key);
  MDB_val v{};
  const int code =
      mdb_cursor_get(static_cast<MDB_cursor*>(handle_), &k, &v, static_cast<MDB_cursor_op>(operation));
  key_ = code == 0 ? view(k) : std::string_view{};
  value_ = code == 0 ? view(v) : std::string_view{};
  if (code != 0 && code != MDB_NOTFOUND) return txn_.failed(code, "walk");
  return code == 0;
}

Result<bool> Cursor::seek(std::string_view key) {
  return key.empty() ? move({}, MDB_FIRST) : move(key, MDB_SET_RANGE);
}
Result<bool> Cursor::find(std::string_view key) {
  return move(key, MDB_SET_KEY);
}
Result<bool> Cursor::next() {
  return move({}, MDB_NEXT);
}

// --- environment

Environment::Environment(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Environment::~Environment() = default;

Result<std::unique_ptr<Environment>> Environment::open(const std::string& dir, std::uint64_t map_size,
                                                       Mode mode) {
  auto impl = std::make_unique<Impl>(dir, map_size, mode);
  if (auto opened = impl->open_handle(); !opened) return tl::unexpected(opened.error());
  std::unique_ptr<Environment> environment(new Environment(std::move(impl)));
  if (mode == Mode::write) environment->check_readers();
  return environment;
}

Result<ReadTxn> Environment::read() {
  const Result<MDB_txn*> txn = impl_->enter();
  if (!txn) return tl::unexpected(txn.error());
  return ReadTxn(*this, *txn);
}

Result<WriteTxn> Environment::write() {
  if (auto usable = revive(); !usable) return tl::unexpected(usable.error());
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(impl_->env(), nullptr, 0, &txn); code != 0)
    return tl::unexpected(error_of(code, "cannot be written"));
  return WriteTxn(*this, txn);
}

Result<void> Environment::grow() {
  return impl_->alone([this]() -> Result<void> {
    const std::uint64_t size = impl_->map_size_ * 2;
    if (size > kLargestMap) return fail(Errc::no_space, "index: has outgrown every sensible size");
    if (impl_->env() == nullptr) return closed("cannot grow");
    if (const int code = mdb_env_set_mapsize(impl_->env(), size); code != 0) {
      // The old map is gone by then, and LMDB would read where it was. What fails here, revive() mends.
      (void)impl_->open_anew();
      return tl::unexpected(error_of(code, "cannot grow"));
    }
    impl_->map_size_ = size;
    return {};
  });
}

Result<void> Environment::shed() {
  Result<void> reopened = impl_->reopen();
  give_back_heap();  // hundreds of thousands of pages and names went through it
  return reopened;
}

Result<void> Environment::revive() {
  if (impl_->usable()) return {};
  // The disk failed under a commit's last page, or it could not be opened. What is on the disk is whole.
  Result<void> again = impl_->reopen();
  if (again) log::warning("index: opened again after a failure: {}", impl_->dir_);
  return again;
}

Result<void> Environment::sync() {
  if (impl_->env() == nullptr) return closed("cannot be synced");
  if (const int code = mdb_env_sync(impl_->env(), 1); code != 0)
    return tl::unexpected(error_of(code, "cannot be synced"));
  return {};
}

int Environment::check_readers() {
  int dead = 0;
  if (impl_->env() != nullptr) mdb_reader_check(impl_->env(), &dead);
  return dead;
}

std::uint64_t Environment::map_size() const {
  return impl_->map_size_;
}
DamageLog& Environment::damage() {
  return impl_->damage_;
}

}  // namespace astrofs
