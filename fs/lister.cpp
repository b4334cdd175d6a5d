#include "fs/lister.h"

#include <algorithm>

#include "backends/unique_names.h"
#include "base/file_name.h"
#include "base/heap.h"
#include "base/log.h"
#include "fs/builds.h"

namespace astrofs {
namespace {

/// A background refresh that failed is not tried again sooner: archives are not hammered because a directory
/// is popular.
constexpr seconds kRefreshPause{30};
constexpr std::size_t kRememberedAttempts = 16'384;
/// A sick server's empty page is not a directory that lost all its names: only the second such answer is
/// believed.
constexpr std::string_view kEmptyAnswer =
    "the archive answered with an empty listing; it is believed when it says so again";

NodeKind kind_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::directory:
      return NodeKind::directory;
    case EntryKind::symlink:
      return NodeKind::symlink;
    case EntryKind::file:
      break;
  }
  return NodeKind::file;
}

/// What an archive does not understand is no argument of who reads a directory: not EINVAL, but EIO.
Error for_reader(Error error) {
  if (error.code == Errc::invalid) error.code = Errc::unavailable;
  return error;
}

/// One size beyond belief is asked for when somebody wants to know, and does not cost a directory its
/// listing.
std::optional<std::uint64_t> believed(std::optional<std::uint64_t> size) {
  return size > kLargestFile ? std::nullopt : size;
}

}  // namespace

ShownListing to_shown(std::vector<Entry> entries) {
  ShownListing shown;
  shown.entries.reserve(entries.size());
  for (Entry& entry : entries) {
    std::optional<std::string> name = encode_file_name(entry.name);
    if (!name) {
      ++shown.dropped;
      continue;
    }
    shown.entries.push_back({std::move(*name), kind_of(entry.kind), believed(entry.size), entry.mtime,
                             std::move(entry.locator), std::move(entry.validator)});
  }
  shown.dropped += sort_unique_names(shown.entries);
  return shown;
}

Lister::Lister(Catalog& catalog, IndexWriter& writer, const ArchiveTable& archives, Notices& notices,
               ArchiveTurns& turns, Executor& wake, const Clock& clock, Metrics& metrics, bool offline)
    : catalog_(catalog),
      writer_(writer),
      archives_(archives),
      notices_(notices),
      turns_(turns),
      wake_(wake),
      clock_(clock),
      listings_(metrics.counter("astrofs_listings_total", "Directory listings asked of archives")),
      failures_(metrics.counter("astrofs_listing_failures_total", "Directory listings that failed")),
      offline_(offline) {}

Lister::~Lister() {
  stop();
}

void Lister::stop() {
  stop_.request_stop();
}

Result<void> Lister::list_root() {
  std::vector<ListedEntry> entries;
  for (const MountedArchive& archive : archives_.all()) {
    entries.push_back({archive.name, NodeKind::directory, std::nullopt, {}, "", archive.identity});
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  Result<void> outcome;
  const ListingState state{clock_.wall(), seconds::max(), "", entries.size(), ""};
  writer_.replace_listing(kRootNode, std::move(entries), state,
                          [&outcome](const Result<ListingChange>& change) {
                            if (!change) outcome = tl::unexpected<Error>(change.error());
                          });
  if (Result<void> flushed = writer_.flush(); !flushed) return flushed;
  return outcome;
}

void Lister::ensure(const Node& dir, Done done) {
  if (dir.id == kRootNode) return done({});
  const Result<ListingState> known = catalog_.listing(dir.id);
  if (known && known->fetched != SysSeconds{}) {
    if (!offline_ && is_old(*known) && due_again(dir.id)) start(dir, Want::any_listing, {});
    return done({});
  }
  const MountedArchive* archive = archives_.of(dir);
  if (offline_ && (archive == nullptr || !archive->archive->lists_offline(dir.locator))) {
    return done(fail(Errc::offline, "this directory was not listed before the mount went offline"));
  }
  start(dir, Want::any_listing, std::move(done));
}

bool Lister::is_old(const ListingState& listing) const {
  const SysSeconds now = clock_.wall();
  // From the future: the clock was set back since.
  return now > listing.fetched + listing.good_for || now < listing.fetched;
}

void Lister::refresh(const Node& dir, Done done) {
  if (dir.id == kRootNode) return done({});
  if (offline_) return done(fail(Errc::offline, "the mount is offline"));
  start(dir, Want::one_from_now, std::move(done));
}

bool Lister::due_again(NodeId dir) {
  const MutexLock lock(mutex_);
  const SteadyTime now = clock_.steady();
  if (tried_.size() >= kRememberedAttempts) tried_.clear();
  const auto [row, is_new] = tried_.emplace(dir, now);
  if (!is_new && now - row->second < kRefreshPause) return false;
  row->second = now;
  return true;
}

void Lister::start(const Node& dir, Want want, Done done) {
  {
    const MutexLock lock(mutex_);
    const auto [row, is_new] = flights_.try_emplace(dir.id);
    Flight& flight = row->second;
    const bool is_late = flight.asking && want == Want::one_from_now;
    if (done) (is_late ? flight.for_the_next : flight.waiting).push_back(std::move(done));
    if (!is_new) return;
  }
  submit(dir);
}

void Lister::submit(const Node& dir) {
  if (!turns_.submit(archives_.of(dir), [this, dir] { run(dir); }))
    finish(dir, fail(Errc::interrupted, "the mount is ending"));
}

void Lister::run(const Node& dir) {
  {
    const MutexLock lock(mutex_);
    flights_[dir.id].asking = true;
  }
  const MountedArchive* archive = archives_.of(dir);
  if (archive == nullptr) return finish(dir, fail(Errc::not_found, "no archive is configured here"));
  const Result<ListingState> known = catalog_.listing(dir.id);
  const bool was_listed = known && known->fetched != SysSeconds{};
  listings_.add();
  auto listed = archive->archive->list(dir.locator, was_listed ? known->token : "", stop_.get_token());
  if (!listed) {
    return note_failure(dir, listed.error(), tl::unexpected<Error>(for_reader(listed.error())));
  }
  if (std::holds_alternative<NotModified>(*listed)) {
    ListingState state = known.value_or(ListingState{});
    state.fetched = clock_.wall();
    state.last_error.clear();
    if (state.count >= kLargeListing) give_back_heap();  // it was parsed all the same
    writer_.note_listing(dir.id, std::move(state),
                         [this, dir](const Result<void>& noted) { finish(dir, noted); });
    return;
  }
  Listing listing = std::get<Listing>(std::move(*listed));
  if (listing.entries.empty() && was_listed && known->count > 0 && known->last_error != kEmptyAnswer) {
    return note_failure(dir, {Errc::unavailable, std::string(kEmptyAnswer)}, {});
  }
  note_versions(*archive, dir, listing.entries);
  merge(dir, std::move(listing));
}

/// Of a file that was built before, the version that would be built now: its listing cannot know.
void Lister::note_versions(const MountedArchive& archive, const Node& dir,
                           std::vector<Entry>& entries) const {
  for (Entry& entry : entries) {
    if (builds_ == nullptr || !archive.archive->builds(entry.locator)) continue;
    const Result<Node> known = catalog_.child(dir.id, entry.name);
    if (known && known->size)
      entry.validator = builds_->version_now(archive, entry.locator, stop_.get_token());
  }
}

void Lister::merge(const Node& dir, Listing listing) {
  ShownListing shown = to_shown(std::move(listing.entries));
  if (shown.dropped > 0) {
    log::warning("{} of the listed names of directory {} cannot be shown", shown.dropped,
                 catalog_.path(dir.id).value_or("?"));
  }
  ListingState state{clock_.wall(), listing.good_for, std::move(listing.token), shown.entries.size(), ""};
  writer_.replace_listing(dir.id, std::move(shown.entries), std::move(state),
                          [this, dir](const Result<ListingChange>& change) {
                            if (!change) return finish(dir, tl::unexpected<Error>(change.error()));
                            tell_kernel(dir.id, *change);
                            finish(dir, {});
                          });
}

void Lister::note_failure(const Node& dir, const Error& error, const Result<void>& told) {
  failures_.add();
  log::warning("cannot list {}: {}", catalog_.path(dir.id).value_or("?"), error.message);
  const Result<ListingState> known = catalog_.listing(dir.id);
  // What cannot be read now may be a listing all the same, and a failure must not take its place.
  if (!known && known.error().code != Errc::not_found) return finish(dir, told);
  ListingState state = known.value_or(ListingState{});
  state.last_error = error.message;
  // First the catalog, then the reader: who asks why gets the answer.
  writer_.note_listing(dir.id, std::move(state),
                       [this, dir, told](const Result<void>&) { finish(dir, told); });
}

void Lister::tell_kernel(NodeId dir, const ListingChange& change) {
  for (const std::string& name : change.removed) notices_.entry_changed(dir, name);
  for (const NodeId id : change.changed) {
    if (const Result<Node> node = catalog_.node(id)) notices_.entry_changed(dir, node->name);
  }
  // It may know that they were not there.
  for (const std::string& name : change.appeared) notices_.entry_changed(dir, name);
  if (change.added || !change.removed.empty()) notices_.directory_changed(dir);
}

void Lister::finish(const Node& dir, const Result<void>& result) {
  std::vector<Done> told;
  bool is_wanted_again = false;
  {
    const MutexLock lock(mutex_);
    const auto found = flights_.find(dir.id);
    if (found == flights_.end()) return;
    Flight next{std::move(found->second.for_the_next), {}, false};
    told = std::move(found->second.waiting);
    is_wanted_again = !next.waiting.empty();
    if (is_wanted_again) {
      found->second = std::move(next);
    } else {
      flights_.erase(found);
    }
  }
  if (!told.empty()) {
    // Waiters read the catalog and reply: not on the index thread, which may be running this.
    const auto tell = [told = std::move(told), result] {
      for (const Done& done : told) done(result);
    };
    if (!wake_.submit(tell)) tell();
  }
  if (is_wanted_again) submit(dir);
}

bool Lister::may_find(const Node& dir) const {
  const MountedArchive* archive = archives_.of(dir);
  return archive != nullptr && archive->archive->finds(dir.locator);
}

bool Lister::finds_first(const Node& dir) const {
  const MountedArchive* archive = archives_.of(dir);
  return archive != nullptr && !offline_ && archive->archive->finds_first(dir.locator);
}

/// Has the catalog a listing that is whole by its archive's word? An old one is refreshed behind the reader's
/// back, and says till then what is there, whether or not the archive can be asked.
bool Lister::shows_all(const MountedArchive& archive, const Node& dir) const {
  const Result<ListingState> listing = catalog_.listing(dir.id);
  return listing && listing->fetched != SysSeconds{} &&
         archive.archive->lists_all(dir.locator, listing->token);
}

void Lister::find(const Node& dir, std::string name, std::function<void(Result<Node>)> done) {
  const MountedArchive* archive = archives_.of(dir);
  const auto none = [name] { return fail(Errc::not_found, name + " is not in the archive's listing"); };
  if (archive == nullptr) return done(none());
  // The archive's own name, typed where another is shown ("a[1].fits" for "a%5B1].fits"), opens the file as
  // well.
  if (const std::optional<std::string> shown = encode_file_name(name); shown && *shown != name) {
    if (Result<Node> node = catalog_.child(dir.id, *shown)) return done(std::move(node));
  }
  const std::string raw = decode_file_name(name);
  for (const std::string& other : archive->archive->other_names(raw)) {
    const std::optional<std::string> shown = encode_file_name(other);
    if (!shown) continue;
    if (Result<Node> node = catalog_.child(dir.id, *shown)) return done(std::move(node));
  }
  if (!archive->archive->finds(dir.locator) || shows_all(*archive, dir)) return done(none());
  if (offline_ && !archive->archive->finds_offline(dir.locator)) return done(none());
  const auto ask = [this, dir, archive, raw, none, done] {
    Result<std::optional<Entry>> found = archive->archive->find(dir.locator, raw, stop_.get_token());
    if (!found) return done(tl::unexpected<Error>(for_reader(found.error())));
    if (!*found) return done(none());
    std::vector<Entry> one;
    one.push_back(std::move(**found));
    ShownListing shown = to_shown(std::move(one));
    if (shown.entries.empty()) return done(none());
    writer_.add_child(dir.id, std::move(shown.entries.front()), [this, dir, done](Result<Node> node) {
      if (node) notices_.directory_changed(dir.id);  // it is shown from now on
      const auto tell = [done, node = std::move(node)] { done(node); };
      if (!wake_.submit(tell)) tell();
    });
  };
  if (!turns_.submit(archive, ask)) done(fail(Errc::interrupted, "the mount is ending"));
}

}  // namespace astrofs
