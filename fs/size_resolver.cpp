#include "fs/size_resolver.h"

#include "backends/courier.h"
#include "base/log.h"
#include "fs/builds.h"

namespace astrofs {
namespace {

/// Neighbours asked along with a file. Enough to keep every connection of an archive's budget busy while `ls
/// -l` walks on; few enough that looking at one file of 10^5 is not a scan.
constexpr std::size_t kNeighbours = 64;
/// A neighbour that was not told of is not asked along again sooner: in a directory of refused files each
/// would be asked with every one before it.
constexpr seconds kNeighbourPause{30};
constexpr std::size_t kRememberedFailures = 16'384;

std::string validator_of(const http::ContentInfo& info) {
  // Not the bare ETag: it is one server's word, and only RemoteSource knows which server may be asked with
  // it. A weak one says less than the date, and RemoteSource judges by the same order.
  if (info.origin.empty()) return {};  // a listing's word for the size alone
  const bool by_etag = info.etag.starts_with('"') || info.last_modified.empty();
  return info.origin + ' ' + (by_etag ? info.etag : info.last_modified);
}

}  // namespace

SizeResolver::SizeResolver(Catalog& catalog, IndexWriter& writer, const ArchiveTable& archives,
                           ArchiveTurns& turns, http::Fetcher& fetcher, Executor& wake, bool offline)
    : catalog_(catalog),
      writer_(writer),
      archives_(archives),
      turns_(turns),
      fetcher_(fetcher),
      wake_(wake),
      offline_(offline) {}

SizeResolver::~SizeResolver() {
  stop();
}

void SizeResolver::stop() {
  stop_.request_stop();
}

void SizeResolver::resolve(const Node& node, Done done) {
  if (node.kind != NodeKind::file || node.size) return done(node);
  if (offline_ && is_built(node) && archives_.of(node)->archive->builds_offline(node.locator))
    return ask(node, std::move(done));
  if (offline_)
    return done(fail(Errc::offline, node.name + ": its size was not learnt before the mount went offline"));
  ask(node, std::move(done));
  ask_neighbours(node);
}

void SizeResolver::renew(const Node& node, Done done) {
  const MountedArchive* archive = archives_.of(node);
  if (offline_ || !is_made(node) || !archive->archive->made_good_for(node.locator)) return done(node);
  {
    const MutexLock lock(mutex_);
    const auto [waiting, is_new] = asked_.try_emplace(node.id);
    waiting->second.push_back(std::move(done));
    if (!is_new) return;
  }
  archive->archive->make_anew(node.locator);
  (void)ask_maker(node);
}

void SizeResolver::ask_neighbours(const Node& node) {
  std::vector<Node> unsized;
  std::size_t seen = 0;
  const Result<void> scanned = catalog_.scan_after_name(node.parent, node.name, [&](const Node& next) {
    // What is built, or searched for, for whoever looks at it is not for who looks at its neighbour.
    if (next.kind == NodeKind::file && !next.size && !next.missing && !is_made(next) && !is_built(next) &&
        !is_lost(next) && !failed_lately(next.id))
      unsized.push_back(next);
    return ++seen < kNeighbours;
  });
  if (!scanned) return;
  for (const Node& next : unsized) ask(next, {});
}

bool SizeResolver::failed_lately(NodeId node) {
  const MutexLock lock(mutex_);
  const auto failed = failed_.find(node);
  return failed != failed_.end() && std::chrono::steady_clock::now() - failed->second < kNeighbourPause;
}

void SizeResolver::ask(const Node& node, Done done) {
  {
    const MutexLock lock(mutex_);
    const auto [waiting, is_new] = asked_.try_emplace(node.id);
    if (done) waiting->second.push_back(std::move(done));
    if (!is_new) return;
  }
  // An answer that came since the caller looked: its question has left the table, so the catalog has it.
  if (Result<Node> now = catalog_.node(node.id); now && now->size) return finish(node.id, now);
  if (ask_maker(node) || ask_builds(node)) return;
  probe(node, [this, node](const Result<http::ContentInfo>& info) { answer(node, info); });
}

bool SizeResolver::is_made(const Node& node) const {
  const MountedArchive* archive = archives_.of(node);
  return made_ != nullptr && archive != nullptr && archive->archive->makes(node.locator);
}

/// False: the file is not made by its archive.
bool SizeResolver::ask_maker(const Node& node) {
  if (!is_made(node)) return false;
  const MountedArchive* archive = archives_.of(node);
  made_->ask(
      *archive, node,
      [this, node](const Result<MadeFiles::Version>& now) {
        if (!now) return finish(node.id, tl::unexpected<Error>(now.error()));
        store(node, now->size, now->validator, true);
      },
      stop_.get_token());
  return true;
}

bool SizeResolver::is_built(const Node& node) const {
  const MountedArchive* archive = archives_.of(node);
  return builds_ != nullptr && archive != nullptr && archive->archive->builds(node.locator);
}

bool SizeResolver::is_lost(const Node& node) const {
  const MountedArchive* archive = archives_.of(node);
  return archive != nullptr && archive->archive->seeks(node.locator) &&
         !archive->archive->locate(node.locator);
}

/// False: the file is not built of others.
bool SizeResolver::ask_builds(const Node& node) {
  if (!is_built(node)) return false;
  builds_->ask(*archives_.of(node), node, [this, node](const Result<Builds::Version>& now) {
    if (!now) return finish(node.id, tl::unexpected<Error>(now.error()));
    store(node, now->size, now->validator);
  });
  return true;
}

void SizeResolver::probe(const Node& node, std::function<void(Result<http::ContentInfo>)> done) {
  const MountedArchive* archive = archives_.of(node);
  if (archive == nullptr) return done(fail(Errc::not_found, "no archive is configured here"));
  Courier* const courier = archive->archive->courier();
  if (auto parcel = courier != nullptr ? courier->parcel(node.locator) : std::nullopt) {
    const auto ask = [this, courier, parcel = std::move(*parcel), done] {
      done(courier->size(parcel, stop_.get_token()).map([](std::uint64_t size) {
        return http::ContentInfo{.size = size};
      }));
    };
    if (!turns_.submit(archive, ask)) done(fail(Errc::interrupted, "the mount is ending"));
    return;
  }
  if (sought_ != nullptr && archive->archive->seeks(node.locator))
    return seek(*archive, node, false, std::move(done));
  Result<std::vector<http::Request>> mirrors = archive->archive->locate(node.locator);
  if (!mirrors) return done(tl::unexpected<Error>(mirrors.error()));
  fetcher_.probe(std::move(*mirrors), std::move(done), stop_.get_token());
}

void SizeResolver::seek(const MountedArchive& archive, const Node& node, bool again,
                        std::function<void(Result<http::ContentInfo>)> done) {
  const auto found = [this, &archive, node, again, done](Result<std::vector<http::Request>> mirrors) {
    if (!mirrors) return done(tl::unexpected<Error>(mirrors.error()));
    const auto answered = [this, &archive, node, again, done](Result<http::ContentInfo> info) {
      if (!info && !again && SoughtFiles::worth_another(info.error())) return seek(archive, node, true, done);
      done(std::move(info));
    };
    fetcher_.probe(std::move(*mirrors), answered, stop_.get_token());
  };
  sought_->seek(archive, node, again, found, stop_.get_token());
}

void SizeResolver::answer(const Node& node, const Result<http::ContentInfo>& info) {
  if (!info) return finish(node.id, tl::unexpected<Error>(advised(node, info.error())));
  if (!info->size) {
    return finish(node.id, fail(Errc::unsupported, node.name + ": the server does not say how long it is"));
  }
  // What the listing says of the version stands; two words for one version would make each look new after the
  // other.
  store(node, *info->size, node.validator.empty() ? validator_of(*info) : "");
}

/// Who is denied a file is told what may be done about it, like who reads it.
Error SizeResolver::advised(const Node& node, Error error) const {
  const MountedArchive* archive = archives_.of(node);
  if (error.code != Errc::denied || archive == nullptr) return error;
  if (const std::string advice = archive->archive->advice(); !advice.empty()) error.message += "; " + advice;
  return error;
}

void SizeResolver::store(const Node& node, std::uint64_t size, const std::string& validator, bool is_made) {
  // What is made is as old as the answer that it is made of.
  const SysSeconds mtime =
      is_made ? std::chrono::floor<seconds>(std::chrono::system_clock::now()) : node.mtime;
  const auto stored = [this, node, size, validator, is_made](const Result<void>& set) {
    if (!set) return finish(node.id, tl::unexpected<Error>(set.error()));
    Result<Node> now = catalog_.node(node.id);
    // A new listing has taken the size away again, for the content is another: an error,
    // and no file of 0 bytes. The kernel looks such a name up once more.
    if (now && !now->size && !now->missing)
      now = fail(Errc::stale, now->name + " changed while its size was asked for");
    if (is_made && now && now->size == size && now->validator == validator)
      (void)wake_.submit([this, made = *now] { made_->land(archives_.version(made)); });
    finish(node.id, now);
  };
  writer_.set_size(node.id, node.generation, size, mtime, validator, stored);
}

void SizeResolver::finish(NodeId id, const Result<Node>& result) {
  std::vector<Done> waiting;
  {
    const MutexLock lock(mutex_);
    const auto found = asked_.find(id);
    if (found == asked_.end()) return;
    waiting = std::move(found->second);
    asked_.erase(found);
    if (!result) {
      if (failed_.size() >= kRememberedFailures) failed_.clear();
      failed_.insert_or_assign(id, std::chrono::steady_clock::now());
    }
  }
  if (waiting.empty()) return;
  const auto tell = [waiting = std::move(waiting), result] {
    for (const Done& done : waiting) done(result);
  };
  // Neither the net thread nor the index thread replies to readers.
  if (!wake_.submit(tell)) tell();
}

}  // namespace astrofs
