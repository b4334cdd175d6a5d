#include "tests/model/life.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>

namespace astrofs::model {
namespace {

std::uint64_t some_size(unsigned file, std::mt19937_64& random) {
  if (is_frame(file)) return frame_size() + random() % 30 * 2880;
  return random() % 4 == 0 ? random() % 40 : random() % (12 * kBlockSize);
}

}  // namespace

void begin_story(Story& story, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  story.validators = static_cast<Validators>(random() % 3);
  story.mirrors = 1 + static_cast<unsigned>(random() % 2);
  story.sizes_listed = random() % 4 != 0;
  story.ignores_ranges = random() % 6 == 0;
  Remote remote(story);
  for (unsigned file = 0; file < kFiles; ++file) {
    remote.change(file, random(), some_size(file, random));
    story.seen[file].changed = false;
    story.file[file].listed = random() % 6 != 0;
  }
}

Life::Life(Story& story, LifePlan plan)
    : story_(story), plan_(std::move(plan)), random_(plan_.seed), remote_(story) {
  options_.dir = plan_.dir;
  options_.offline = plan_.offline;
  options_.sweep = pick(2) == 0;
  options_.missing = pick(4) == 0 ? MissingPolicy::enoent : MissingPolicy::placeholder;
  options_.timeout = plan_.hasty ? milliseconds(120) : milliseconds(120'000);
  options_.quota = (pick(3) == 0 ? 40ULL : 4000ULL) * kBlockSize;
  options_.memory = (pick(3) == 0 ? 10ULL : 4000ULL) * kBlockSize;
  options_.good_for = pick(4) == 0 ? seconds(-1) : seconds(3600);  // -1: old at once
  house_ = std::make_unique<House>(remote_, options_);
}

Life::~Life() = default;

void Life::wrong(const std::string& what) const {
  throw std::runtime_error(fmt::format("{}: {}", doing_, what));
}

void Life::check(bool condition, const std::string& what) const {
  if (!condition) wrong(what);
}

void Life::run() {
  doing_ = "begin";
  begin();
  for (unsigned i = 0; i < plan_.steps; ++i) step();
  doing_ = "end";
  if (pick(2) == 0) burst(true);
  if (plan_.dies) {
    story_.meant_to_die = true;
    ::kill(::getpid(), SIGKILL);
  }
  if (left_.empty()) {
    while (!handles_.empty()) close_one();
    heal();
    check(house_->vfs.open_files() == 0, "files are open that nobody has open");
  }
  if (plan_.offline) check(house_->client.requests() == 0, "an offline mount asked the network");
  house_.reset();
  for (Flying& one : left_)
    check(one.call.answers() == 1, fmt::format("a call was answered {} times", one.call.answers()));
}

/// What readers of earlier lives saw binds only as far as their bytes are still here.
void Life::begin() {
  check(house_->catalog->recovery_note().empty(), house_->catalog->recovery_note());
  for (SeenFile& seen : story_.seen) {
    if (seen.node == 0) continue;
    const Result<Node> node = house_->catalog->node(seen.node);
    check(node.has_value(), "an inode that was shown is gone");
    for (unsigned generation = 0; generation < kGenerations; ++generation) {
      const bool here = node->generation == generation && node->size &&
                        house_->cache.presence(house_->archives.version(*node)).bytes > 0;
      if (!here) seen.possible[generation] = 0;
    }
  }
}

void Life::step() {
  switch (pick(26)) {
    case 0:
      return look_attributes();
    case 1:
    case 2:
      return look_up(any_file());
    case 3:
    case 4:
    case 5:
      return open_file(any_file());
    case 6:
      return close_one();
    case 7:
      return read_directory(static_cast<unsigned>(pick(kDirs)));
    case 8:
      return evict_something();
    case 9:
      return refresh(static_cast<unsigned>(pick(kDirs)));
    case 10:
    case 11:
      return change_archive();
    case 12:
      return make_trouble();
    case 13:
      return heal();
    case 14:
    case 15:
      return burst(false);
    case 16:
      return converge(any_file());
    case 17:
      return ask_again(any_file());
    default:
      return read_some();
  }
}

// ---- judgement

bool Life::may_be_absent(unsigned file) const {
  const unsigned dir = dir_of(file);
  const unsigned index = file % kFilesPerDir;
  if (certain_[dir]) return (*certain_[dir] >> index & 1U) == 0;
  return remote_.has_left_out(dir, index);
}

void Life::judge_error(unsigned file, const Error& error, bool doubtful, const std::string& what) const {
  const SeenFile& seen = story_.seen[file];
  const bool shown_blank = is_frame(file) && options_.missing == MissingPolicy::placeholder;
  bool fine = excused_.contains(error.code);
  if (error.code == Errc::stale) fine = doubtful || seen.changed;
  if (error.code == Errc::not_found) fine = seen.denied && !shown_blank;
  if (error.code == Errc::offline) fine = plan_.offline;
  if (error.code == Errc::timed_out) fine = plan_.hasty;
  check(fine, fmt::format("{} of {} failed without a reason: {}: {}", what, file, name_of(error.code),
                          error.message));
}

void Life::judge_attr(unsigned file, const Attr& attr) {
  SeenFile& seen = story_.seen[file];
  check(attr.kind == NodeKind::file, "a file became something else");
  check(attr.node == node_of(attr.inode), "inode and node differ");
  if (seen.node == 0) seen.node = attr.node;
  check(seen.node == attr.node,
        fmt::format("the inode number of {} changed from {} to {}", file, seen.node, attr.node));
  const RemoteFile& of = story_.file[file];
  bool known =
      seen.denied && is_frame(file) && attr.size == frame_size();  // the size a lost frame is shown with
  for (unsigned i = 0; i < of.versions; ++i) known = known || of.version[i].size == attr.size;
  check(known, fmt::format("{} never had {} bytes", file, attr.size));
}

void Life::judge_read(Handle& handle, ByteRange range, const Result<Bytes>& result, bool interrupted) {
  if (result) return judge_bytes(handle, range, *result);
  const Error& error = result.error();
  ++story_.tally[error.code == Errc::stale         ? kStaleReads
                 : error.code == Errc::interrupted ? kInterrupted
                                                   : kFailedReads];
  if (error.code == Errc::unavailable && error.message.starts_with("read-ahead past a header")) {
    check(++handle.declined <= 3, "declined more than once for each header of a frame");
    return;
  }
  if (error.code == Errc::interrupted && interrupted) return;
  judge_error(
      handle.file, error, handle.doubtful,
      fmt::format("read of {}+{} (generation {})", range.offset, range.length, generation_of(handle.inode)));
}

void Life::judge_bytes(Handle& handle, ByteRange range, const Bytes& bytes) {
  const std::uint64_t size = handle.open->file->version.size;
  range = range.intersect({0, size});
  const std::string where = fmt::format("{}, {}+{} of {}", handle.file, range.offset, range.length, size);
  check(bytes.size() == range.length, fmt::format("{}: {} bytes", where, bytes.size()));
  if (range.empty()) return;
  const RemoteFile& of = story_.file[handle.file];
  std::uint32_t same = 0;
  for (unsigned i = 0; i < of.versions; ++i) {
    const Version& version = of.version[i];
    if (version.size == size && content_of(handle.file, version, range) == bytes.text()) same |= 1U << i;
  }
  const auto placeholder = handle.open->file->placeholder();
  Buffer blank(placeholder ? range.length : 0);
  if (placeholder) blank.resize(placeholder->read(range.offset, blank));
  const bool is_blank = placeholder && Bytes(std::move(blank)).text() == bytes.text();
  check(same != 0 || is_blank, where + ": bytes that no version has");
  if (same != 0 && is_blank) return;  // the spaces of a header
  SeenFile& seen = story_.seen[handle.file];
  Kind& kind = kinds_[handle.inode];
  if (is_blank) {
    check(plan_.offline || seen.denied, where + ": a placeholder, and nobody denied the frame");
    check(kind != Kind::real, where + ": blank bytes behind those of the archive");
    kind = Kind::blank;
    ++story_.tally[kBlankReads];
    return;
  }
  check(kind != Kind::blank, where + ": bytes of the archive behind blank ones");
  kind = Kind::real;
  ++story_.tally[kRealReads];
  const std::uint32_t generation = generation_of(handle.inode);
  if (generation >= kGenerations) return;
  std::uint32_t& possible = seen.possible[generation];
  check(possible == 0 || (possible & same) != 0,
        fmt::format("{}: two versions in generation {}: {:#x} and then {:#x}", where, generation, possible,
                    same));
  possible = possible == 0 ? same : possible & same;
}

// ---- readers

Node Life::dir_node(unsigned dir) {
  const auto sky = house_->lookup(kRootNode, "sky");
  check(sky.has_value(), "the archive's directory is gone");
  const auto top = house_->opendir(sky->node);
  if (!top) {
    judge_error(0, top.error(), false, "listing of the root");
    return {};
  }
  const auto found = house_->lookup(sky->node, dir_name(dir));
  if (!found) {
    judge_error(0, found.error(), false, "lookup of a directory");
    return {};
  }
  auto node = house_->vfs.node(found->inode);
  check(node.has_value(), "a directory that was just looked up is gone");
  return std::move(*node);
}

void Life::look_up(unsigned file) {
  doing_ = fmt::format("lookup {}", file);
  const Node dir = dir_node(dir_of(file));
  if (dir.id == 0) return;
  const auto attr = house_->lookup(dir.id, shown_name(file));
  if (attr) return judge_attr(file, *attr);
  if (attr.error().code == Errc::not_found && may_be_absent(file)) return;
  judge_error(file, attr.error(), false, "lookup");
}

void Life::look_attributes() {
  const auto handle = any_handle();
  if (!handle) return;
  doing_ = fmt::format("getattr {}", handle->file);
  const auto attr = house_->getattr(handle->inode);
  check(attr.has_value(), "an open file has no attributes");
  check(attr->inode == handle->inode, "attributes of another version");
  check(attr->size == handle->open->file->version.size, "the size of an open file changed");
}

void Life::open_file(unsigned file) {
  doing_ = fmt::format("open {}", file);
  const Node dir = dir_node(dir_of(file));
  if (dir.id == 0) return;
  const auto attr = house_->lookup(dir.id, shown_name(file));
  if (!attr) {
    if (attr.error().code == Errc::not_found && may_be_absent(file)) return;
    return judge_error(file, attr.error(), false, "lookup");
  }
  judge_attr(file, *attr);
  const auto open = house_->open(attr->inode);
  if (!open) {
    ++story_.tally[kRefusedOpens];
    return judge_error(file, open.error(), false, "open");
  }
  check((*open)->file->version.size == attr->size,
        fmt::format("opened with {} bytes, shown with {}", (*open)->file->version.size, attr->size));
  handles_.push_back(
      std::make_shared<Handle>(Handle{file, attr->inode, *open, story_.seen[file].changed, false}));
  read_some();
}

std::shared_ptr<Life::Handle> Life::any_handle() {
  return handles_.empty() ? nullptr : handles_[pick(handles_.size())];
}

ByteRange Life::any_range(const Handle& handle) {
  const std::uint64_t size = handle.open->file->version.size;
  switch (pick(4)) {
    case 0:
      return {0, 16'384};
    case 1:
      return {0, size};
    case 2:
      return {size / kBlockSize * kBlockSize, kBlockSize};
    default:
      return {pick(size + 1), 1 + pick(3 * kBlockSize)};
  }
}

void Life::read_some() {
  const auto handle = any_handle();
  if (!handle) return;
  const ByteRange range = any_range(*handle);
  doing_ = fmt::format("read {}", handle->file);
  judge_read(*handle, range, house_->read(handle->open, range), false);
}

void Life::close_one() {
  if (handles_.empty()) return;
  const std::size_t at = pick(handles_.size());
  house_->vfs.release(handles_[at]->open);
  handles_.erase(handles_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Life::read_directory(unsigned dir) {
  doing_ = fmt::format("readdir {}", dir);
  const Node node = dir_node(dir);
  if (node.id == 0) return;
  if (const auto opened = house_->opendir(node.id); !opened)
    return judge_error(0, opened.error(), false, "opendir");
  if (options_.good_for < seconds(0) && !house_->rest())
    wrong(house_->unrest());  // the refresh in the background
  std::uint32_t mask = 0;
  std::string last;
  NodeId cookie = 0;
  for (bool more = true; more;) {
    more = false;
    auto left = pick(4) + 1;
    const auto scanned = house_->vfs.readdir(node, cookie, [&](const DirEntry& entry) {
      if (left-- == 0) return !(more = true);
      check(last.empty() || last < entry.name, "names out of order or twice");
      last = entry.name;
      cookie = entry.cookie;
      unsigned file = dir * kFilesPerDir;
      while (dir_of(file) == dir && shown_name(file) != entry.name) ++file;
      check(dir_of(file) == dir, fmt::format("a name that was never listed: {}", entry.name));
      SeenFile& seen = story_.seen[file];
      if (seen.node == 0) seen.node = entry.node;
      check(seen.node == entry.node, "readdir shows another inode number than lookup");
      if (entry.attr != nullptr) judge_attr(file, *entry.attr);
      mask |= 1U << file % kFilesPerDir;
      return true;
    });
    check(scanned.has_value(), "readdir failed");
    if (!more && pick(5) == 0) {  // rewind
      more = true;
      cookie = 0;
      mask = 0;
      last.clear();
    }
  }
  ++story_.tally[kListingsSeen];
  check(remote_.has_given(dir, mask), fmt::format("a listing that was never given: {:#x}", mask));
  if (certain_[dir])
    check(*certain_[dir] == mask, fmt::format("listing {:#x} instead of {:#x}", mask, *certain_[dir]));
}

void Life::evict_something() {
  doing_ = "evict";
  if (plan_.offline) return;
  if (pick(3) == 0) {
    house_->cache.evict_to_quota();
    check(house_->cache.resum({}, seconds(0)).has_value(), "the cache could not be counted");
    return;
  }
  const SeenFile& seen = story_.seen[any_file()];
  if (seen.node == 0) return;
  const auto node = house_->catalog->node(seen.node);
  check(node.has_value(), "an inode that was shown is gone");
  if (!node->size) return;
  const auto freed = house_->cache.evict(house_->archives.version(*node));
  check(freed || freed.error().code == Errc::unavailable, "evict failed otherwise than by being in use");
}

void Life::refresh(unsigned dir) {
  doing_ = fmt::format("refresh {}", dir);
  const Node node = dir_node(dir);
  if (node.id == 0) return;
  certain_[dir].reset();
  const auto refreshed = house_->refresh(node);
  if (!refreshed) return judge_error(0, refreshed.error(), false, "refresh");
  if (options_.good_for < seconds(0) && !house_->rest()) wrong(house_->unrest());
  std::uint32_t mask = 0;
  for (unsigned i = 0; i < kFilesPerDir; ++i)
    mask |= story_.file[dir * kFilesPerDir + i].listed ? 1U << i : 0;
  certain_[dir] = mask;
}

void Life::ask_again(unsigned file) {
  doing_ = fmt::format("recheck {}", file);
  if (story_.seen[file].node == 0) return;
  const auto node = house_->catalog->node(story_.seen[file].node);
  check(node.has_value(), "an inode that was shown is gone");
  house_->vfs.recheck(*node);
}

// ---- the archive

void Life::change_archive() {
  const unsigned file = any_file();
  doing_ = fmt::format("change {}", file);
  switch (pick(4)) {
    case 0: {
      const bool listed = pick(3) != 0;
      if (listed == story_.file[file].listed) return;
      if (story_.listings[dir_of(file)] == kMostListings) return;
      remote_.set_listed(file, listed);
      if (options_.good_for < seconds(0)) certain_[dir_of(file)].reset();
      return;
    }
    case 1:
    case 2:
      return change_content(file);
    default:
      remote_.set_lost(file, pick(2) == 0, story_.mirrors == 2 && pick(2) == 0);
      for (const auto& handle : handles_) handle->doubtful = handle->doubtful || handle->file == file;
  }
}

void Life::change_content(unsigned file) {
  // A mirror whose validators are not known yet cannot be told from one with another version of the same
  // size.
  const Version before = remote_.newest(file);
  const bool same_size = story_.mirrors == 1 && pick(2) == 0;
  std::uint64_t size = same_size ? before.size : some_size(file, random_);
  for (unsigned i = 0; !same_size && i < story_.file[file].versions; ++i) {
    if (story_.file[file].version[i].size == size) return;
  }
  remote_.change(file, random_(), size);
  for (const auto& handle : handles_) handle->doubtful = handle->doubtful || handle->file == file;
}

void Life::make_trouble() {
  doing_ = "trouble";
  if (plan_.offline) return;
  const auto kind = static_cast<Trouble>(1 + pick(plan_.hasty ? 5 : 3));
  const unsigned count = pick(2) == 0 ? 1 + static_cast<unsigned>(pick(3)) : 1000;
  const int mirror = static_cast<int>(pick(3)) - 1;
  remote_.trouble(kind, count, mirror);
  // Few failures, or those of one of two mirrors, readers must not notice; only this archive's listings have
  // no second try.
  excused_.insert(Errc::unavailable);
  if (kind == Trouble::cut) excused_.insert(Errc::corrupt);
  if (kind == Trouble::denied) excused_.insert(Errc::denied);
  if (kind == Trouble::stall) excused_.insert(Errc::timed_out);
}

void Life::heal() {
  doing_ = "heal";
  remote_.hold({});
  remote_.trouble(Trouble::none, 0, -1);
  quiet();
  excused_.clear();
}

void Life::quiet() {
  check(house_->rest(), "no rest: " + house_->unrest());
}

// ---- many at once

/// Reads that are all under way before the first is answered, while the archive changes.
void Life::burst(bool and_leave) {
  std::vector<Flying> flying;
  const bool held = pick(2) == 0;
  if (held) remote_.hold(static_cast<std::uint32_t>(random_()));
  const auto count = 2 + pick(5);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto handle = any_handle();
    if (!handle) break;
    Flying one{handle, any_range(*handle), {}, false};
    house_->vfs.read(handle->open, one.range, one.call.reply());
    flying.push_back(std::move(one));
  }
  if (pick(2) == 0) change_archive();
  if (pick(3) == 0) evict_something();
  if (pick(3) == 0 && !and_leave && !held) refresh(static_cast<unsigned>(pick(kDirs)));
  const bool impatient = pick(4) == 0;
  for (Flying& one : flying) {
    if (!impatient || pick(2) == 0) continue;
    one.interrupted = true;
    one.call.interrupt();
    // While the server is silent nothing but the interrupt can end it.
    const bool silent = held && !and_leave && remote_.held(one.handle->file);
    if (silent) check(one.call.wait().has_value(), "an interrupted call goes on waiting");
  }
  if (and_leave) {
    left_ = std::move(flying);
    return;
  }
  remote_.hold({});
  for (Flying& one : flying) {
    doing_ = fmt::format("burst, read {}", one.handle->file);
    const auto result = one.call.wait();
    check(result.has_value(), "no answer came: " + house_->unrest());
    check(one.call.answers() == 1, "answered twice");
    judge_read(*one.handle, one.range, *result, one.interrupted);
  }
}

/// When all is well again, readers see what the archive has now, and soon.
void Life::converge(unsigned file) {
  if (plan_.offline || plan_.hasty) return;
  heal();
  refresh(dir_of(file));
  doing_ = fmt::format("converge {}", file);
  quiet();
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (saw_newest(file)) {
      ++story_.tally[kConverged];
      story_.seen[file].changed = false;
      story_.seen[file].denied = story_.file[file].lost;
      return;
    }
    ask_again(file);
    quiet();
    doing_ = fmt::format("converge {}, once more", file);
  }
  wrong("readers do not come to see what the archive has");
}

/// False: look again. What is neither that nor right throws.
bool Life::saw_newest(unsigned file) {
  const RemoteFile& of = story_.file[file];
  const bool blank = is_frame(file) && options_.missing == MissingPolicy::placeholder;
  const Node dir = dir_node(dir_of(file));
  const auto attr = house_->lookup(dir.id, shown_name(file));
  const auto absent = [&](const Error& error) {
    judge_error(file, error, true, "a healthy archive's file");
    return of.lost && error.code == Errc::not_found;
  };
  if (!attr) {
    if (attr.error().code == Errc::not_found && !of.listed) return true;
    return absent(attr.error());
  }
  check(of.listed, "a file that is not listed is found");
  judge_attr(file, *attr);
  const auto open = house_->open(attr->inode);
  if (!open) return absent(open.error());
  Handle handle{file, attr->inode, *open, story_.seen[file].changed, true};
  const auto bytes = house_->read(*open, {0, attr->size});
  house_->vfs.release(*open);
  if (!bytes) return absent(bytes.error());
  judge_bytes(handle, {0, attr->size}, *bytes);
  if (of.lost) return true;  // blank, or still cached
  const Version newest = remote_.newest(file);
  if (attr->size == newest.size && bytes->text() == content_of(file, newest, {0, newest.size})) return true;
  check(!blank || story_.seen[file].changed, "an old version, and nothing has changed");
  return false;
}

}  // namespace astrofs::model
