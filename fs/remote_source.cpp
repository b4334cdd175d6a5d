#include "fs/remote_source.h"

#include <algorithm>

#include "fs/builds.h"

namespace astrofs {
namespace {

/// A weak validator ("W/...") promises nothing about bytes: it is never sent back as If-Match.
bool is_strong(std::string_view etag) {
  return etag.size() > 2 && etag.front() == '"';
}

/// Has the listing told size and ETag of the version together?
bool is_listed_version(const Node& node, const Archive& archive) {
  return is_strong(node.validator) && !archive.validator_origin().empty();
}

/// Versions whose validators are kept in mind: far more than can be downloading at one time.
constexpr std::size_t kRememberedVersions = 4096;

std::string validator_of(const http::ContentInfo& info) {
  if (is_strong(info.etag)) return info.etag;
  return info.last_modified.empty() ? info.etag : info.last_modified;
}

http::Urgency urgency_of(FetchUrgency urgency) {
  switch (urgency) {
    case FetchUrgency::demand:
      return http::Urgency::demand;
    case FetchUrgency::prefetch:
      return http::Urgency::prefetch;
    case FetchUrgency::background:
      break;
  }
  return http::Urgency::background;
}

/// Hands a fetch's bytes on to the cache.
class Bridge final : public http::RangeReceiver {
 public:
  Bridge(http::Fetcher& fetcher, IndexWriter& writer, std::function<void(const std::string&)> serves,
         FileVersion version, std::shared_ptr<Validators> validators, std::shared_ptr<Sink> sink,
         std::function<void()> refused, std::string advice)
      : fetcher_(fetcher),
        writer_(writer),
        serves_(std::move(serves)),
        version_(version),
        validators_(std::move(validators)),
        sink_(std::move(sink)),
        refused_(std::move(refused)),
        advice_(std::move(advice)) {}

  bool begin(ByteRange arriving, const http::ContentInfo& info) override {
    refused_ = nullptr;
    switch (validators_->judge(info)) {
      case Validators::Verdict::same:
        break;
      case Validators::Verdict::learnt:
        writer_.set_etags(version_, format_etags(validators_->all()));
        break;
      case Validators::Verdict::other:
        is_other_version_ = true;
        return false;
    }
    serves_(info.origin);
    // The sink may call it after this fetch has ended: the receiver is a name by then, not an object.
    return sink_->begin(arriving, [&fetcher = fetcher_, self = static_cast<const http::RangeReceiver*>(
                                                            this)] { fetcher.resume(self); });
  }
  http::Flow data(std::uint64_t offset, std::span<const std::byte> data) override {
    switch (sink_->data(offset, data)) {
      case Sink::Flow::proceed:
        return http::Flow::proceed;
      case Sink::Flow::pause:
        return http::Flow::pause;
      case Sink::Flow::stop:
        break;
    }
    return http::Flow::stop;
  }
  void end(Result<void> result) override {
    if (refused_ && !result && SoughtFiles::worth_another(result.error())) return refused_();
    if (!result && result.error().code == Errc::denied && !advice_.empty())
      result = fail(Errc::denied, result.error().message + "; " + advice_);
    if (is_other_version_) result = fail(Errc::stale, "the archive has another version of this file by now");
    sink_->end(std::move(result));
  }

 private:
  http::Fetcher& fetcher_;
  IndexWriter& writer_;
  const std::function<void(const std::string&)> serves_;  ///< hears which host sends bytes
  const FileVersion version_;
  const std::shared_ptr<Validators> validators_;
  const std::shared_ptr<Sink> sink_;
  std::function<void()> refused_;  ///< unset once bytes come
  const std::string advice_;       ///< for who is denied them
  bool is_other_version_{false};
};

}  // namespace

Validators::Verdict Validators::judge(const http::ContentInfo& info) {
  const std::string said = validator_of(info);
  if (said.empty()) return Verdict::same;
  const MutexLock lock(mutex_);
  const auto [known, is_new] = known_.emplace(info.origin, said);
  if (is_new) return Verdict::learnt;
  // A server that gives an ETag at one time and only a date at another has said nothing about change.
  const bool comparable = is_strong(known->second) == is_strong(said);
  return !comparable || known->second == said ? Verdict::same : Verdict::other;
}

std::map<std::string, std::string> Validators::strong() const {
  std::map<std::string, std::string> out = all();
  std::erase_if(out, [](const auto& row) { return !is_strong(row.second); });
  return out;
}

std::map<std::string, std::string> Validators::all() const {
  const MutexLock lock(mutex_);
  return known_;
}

std::map<std::string, std::string> parse_etags(std::string_view lines) {
  std::map<std::string, std::string> etags;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    etags.emplace(line.substr(0, space), line.substr(space + 1));
  }
  return etags;
}

std::string format_etags(const std::map<std::string, std::string>& etags) {
  std::string lines;
  for (const auto& [origin, etag] : etags) lines += origin + ' ' + etag + '\n';
  return lines;
}

RemoteSource::RemoteSource(const Catalog& catalog, IndexWriter& writer, const ArchiveTable& archives,
                           http::Fetcher& fetcher, std::chrono::milliseconds timeout)
    : catalog_(catalog), writer_(writer), archives_(archives), fetcher_(fetcher), timeout_(timeout) {}

void RemoteSource::fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency,
                         std::shared_ptr<Sink> sink, std::stop_token stop) {
  const Result<Node> node = catalog_.node(version.node);
  // "Not found" would be taken for the archive's word.
  if (!node) return sink->end(fail(Errc::unavailable, node.error().message));
  if (node->missing) return sink->end(fail(Errc::not_found, node->name + " is missing in the archive"));
  if (node->generation != version.generation) {
    return sink->end(fail(Errc::stale, node->name + " has changed at the archive since it was opened"));
  }
  const Result<ObjectState> known = catalog_.object(version.object);
  if (known && known->verdict == Verdict::refused)
    return sink->end(fail(Errc::corrupt, node->name + " contradicts its checksum: " + known->proof));
  const MountedArchive* archive = archives_.of(*node);
  if (archive == nullptr)
    return sink->end(fail(Errc::unavailable, "the archive of this file is no longer configured"));
  Wish wish{version, *node, archive, range, urgency, std::move(sink), std::move(stop)};
  if (const Result<void> same = check_login(wish); !same)
    return wish.sink->end(tl::unexpected<Error>(same.error()));
  if (made_ != nullptr && archive->archive->makes(node->locator))
    return made_->fetch(*archive, *node, range, std::move(wish.sink), std::move(wish.stop));
  if (builds_ != nullptr && archive->archive->builds(node->locator))
    return builds_->fetch(*archive, *node, range, std::move(wish.sink), std::move(wish.stop));
  if (sought_ != nullptr && archive->archive->seeks(node->locator)) return seek(std::move(wish), false);
  Result<std::vector<http::Request>> mirrors = archive->archive->locate(node->locator);
  if (!mirrors) return wish.sink->end(tl::unexpected<Error>(mirrors.error()));
  start(wish, std::move(*mirrors), nullptr);
}

bool RemoteSource::works_offline(const FileVersion& version) const {
  const Result<Node> node = catalog_.node(version.node);
  const MountedArchive* const archive = node && builds_ != nullptr ? archives_.of(*node) : nullptr;
  return archive != nullptr && archive->archive->builds_offline(node->locator);
}

http::Pace RemoteSource::pace(const MountedArchive& archive) const {
  std::string origin;
  {
    const MutexLock lock(mutex_);
    if (const auto host = hosts_.find(&archive); host != hosts_.end()) origin = host->second;
  }
  return origin.empty() ? http::Pace{} : fetcher_.pace(origin);
}

void RemoteSource::note_host(const MountedArchive& archive, const std::string& origin) {
  const MutexLock lock(mutex_);
  hosts_[&archive] = origin;
}

Result<void> RemoteSource::check_login(const Wish& wish) {
  const std::string& scope = wish.version.scope;
  if (scope.empty() || wish.archive->archive->credential_scope(wish.node.locator) == scope) return {};
  return fail(Errc::denied, wish.node.name + " was opened with another login: open it again");
}

void RemoteSource::seek(Wish wish, bool again) {
  const MountedArchive& archive = *wish.archive;
  const Node node = wish.node;
  const std::stop_token stop = wish.stop;
  const auto found = [this, wish = std::move(wish), again](Result<std::vector<http::Request>> mirrors) {
    if (!mirrors) return wish.sink->end(tl::unexpected<Error>(mirrors.error()));
    // It may have taken a minute, and the requests are signed by who is logged in by now.
    if (const Result<void> same = check_login(wish); !same)
      return wish.sink->end(tl::unexpected<Error>(same.error()));
    // An address that was asked for a moment ago is refused for good.
    start(
        wish, std::move(*mirrors), again ? std::function<void()>() : [this, wish] { seek(wish, true); });
  };
  sought_->seek(archive, node, again, found, stop);
}

void RemoteSource::start(const Wish& wish, std::vector<http::Request> mirrors,
                         std::function<void()> refused) {
  http::RangeJob job;
  job.mirrors = std::move(mirrors);
  job.range = wish.range;
  job.size = wish.version.size;
  job.is_fits = wish.node.name.ends_with(".fits");
  const std::shared_ptr<Validators> validators =
      validators_of(wish.version, wish.node, *wish.archive->archive);
  job.etags = validators->strong();
  job.is_size_listed = is_listed_version(wish.node, *wish.archive->archive);
  job.urgency = urgency_of(wish.urgency);
  job.timeout = timeout_;
  auto bridge = std::make_shared<Bridge>(
      fetcher_, writer_,
      [this, archive = wish.archive](const std::string& origin) { note_host(*archive, origin); },
      wish.version, validators, wish.sink, std::move(refused), wish.archive->archive->advice());
  fetcher_.start(std::move(job), std::move(bridge), wish.stop);
}

std::shared_ptr<Validators> RemoteSource::validators_of(const FileVersion& version, const Node& node,
                                                        const Archive& archive) {
  const std::string id = to_hex(version.object);
  {
    const MutexLock lock(mutex_);
    const auto known = validators_.find(id);
    if (known != validators_.end()) return known->second;
  }
  std::map<std::string, std::string> said;
  if (const Result<ObjectState> object = catalog_.object(version.object)) said = parse_etags(object->etags);
  // A size that was probed for came with its server's word for the version: SizeResolver writes "origin
  // validator".
  if (!is_strong(node.validator)) said.merge(parse_etags(node.validator));
  if (is_listed_version(node, archive)) said[archive.validator_origin()] = node.validator;
  const MutexLock lock(mutex_);
  if (validators_.size() >= kRememberedVersions) {
    std::erase_if(validators_, [](const auto& row) { return row.second.use_count() == 1; });
  }
  return validators_.try_emplace(id, std::make_shared<Validators>(std::move(said))).first->second;
}

}  // namespace astrofs
