#include "fs/remote_source.h"

#include <algorithm>

namespace astrofs {
namespace {

/// A weak validator ("W/...") promises nothing about bytes: it is never sent back as If-Match.
bool is_strong(std::string_view etag) { return etag.size() > 2 && etag.front() == '"'; }

http::Urgency urgency_of(FetchUrgency urgency) {
  switch (urgency) {
    case FetchUrgency::demand: return http::Urgency::demand;
    case FetchUrgency::prefetch: return http::Urgency::prefetch;
    case FetchUrgency::background: break;
  }
  return http::Urgency::background;
}

/// Hands a fetch's bytes on to the cache.
class Bridge final : public http::RangeReceiver {
 public:
  Bridge(http::Fetcher& fetcher, IndexWriter& writer, FileVersion version, std::map<std::string, std::string> etags,
         std::shared_ptr<Sink> sink)
      : fetcher_(fetcher), writer_(writer), version_(version), etags_(std::move(etags)), sink_(std::move(sink)) {}

  bool begin(ByteRange arriving, const http::ContentInfo& info) override {
    if (is_strong(info.etag) && !etags_.contains(info.origin)) {
      etags_.emplace(info.origin, info.etag);
      writer_.set_etags(version_, format_etags(etags_));
    }
    // The sink may call it after this fetch has ended: the receiver is a name by then, not an object.
    return sink_->begin(arriving, [&fetcher = fetcher_, self = static_cast<const http::RangeReceiver*>(this)] { fetcher.resume(self); });
  }
  http::Flow data(std::uint64_t offset, std::span<const std::byte> data) override {
    switch (sink_->data(offset, data)) {
      case Sink::Flow::proceed: return http::Flow::proceed;
      case Sink::Flow::pause: return http::Flow::pause;
      case Sink::Flow::stop: break;
    }
    return http::Flow::stop;
  }
  void end(Result<void> result) override { sink_->end(std::move(result)); }

 private:
  http::Fetcher& fetcher_;
  IndexWriter& writer_;
  const FileVersion version_;
  std::map<std::string, std::string> etags_;
  const std::shared_ptr<Sink> sink_;
};

}  // namespace

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

void RemoteSource::fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency, std::shared_ptr<Sink> sink,
                         std::stop_token stop) {
  const Result<Node> node = catalog_.node(version.node);
  if (!node) return sink->end(tl::unexpected<Error>(node.error()));
  if (node->missing) return sink->end(fail(Errc::not_found, node->name + " is missing in the archive"));
  if (node->generation != version.generation) {
    return sink->end(fail(Errc::stale, node->name + " has changed at the archive since it was opened"));
  }
  const MountedArchive* archive = archives_.of(*node);
  if (archive == nullptr) return sink->end(fail(Errc::not_found, "the archive of this file is no longer configured"));
  Result<std::vector<http::Request>> mirrors = archive->archive->locate(node->locator);
  if (!mirrors) return sink->end(tl::unexpected<Error>(mirrors.error()));

  http::RangeJob job;
  job.mirrors = std::move(*mirrors);
  job.range = range;
  job.size = version.size;
  job.is_fits = node->name.ends_with(".fits");
  if (const Result<ObjectState> object = catalog_.object(version.object)) job.etags = parse_etags(object->etags);
  const std::string listing_origin = archive->archive->validator_origin();
  if (!listing_origin.empty() && is_strong(node->validator)) job.etags[listing_origin] = node->validator;
  job.urgency = urgency_of(urgency);
  job.timeout = timeout_;
  auto bridge = std::make_shared<Bridge>(fetcher_, writer_, version, job.etags, std::move(sink));
  fetcher_.start(std::move(job), std::move(bridge), std::move(stop));
}

}  // namespace astrofs
