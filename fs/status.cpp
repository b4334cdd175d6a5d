#include "fs/status.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/redact.h"
#include "fs/json_text.h"
#include "fs/verifier.h"
#include "fs/xattrs.h"

namespace astrofs {
namespace {

using nlohmann::json;

/// What the archive has to say of a listing.
std::string remark_of(const Vfs& vfs, NodeId dir, const std::string& token) {
  const Result<Node> node = vfs.parts().catalog.node(dir);
  const MountedArchive* const archive = node ? vfs.parts().archives.of(*node) : nullptr;
  return archive == nullptr ? "" : archive->archive->remark(node->locator, token);
}

json listing_json(const Vfs& vfs, NodeId dir, const Clock& clock) {
  const Result<ListingState> listing = vfs.parts().catalog.listing(dir);
  if (!listing || listing->fetched == SysSeconds{}) {
    return {{"known", false}, {"last_error", listing ? redact(listing->last_error) : ""}};
  }
  return {{"known", true},
          {"age_seconds", (clock.wall() - listing->fetched).count()},
          {"refreshed_after_seconds", listing->good_for.count()},
          {"names", listing->count},
          {"remark", redact(remark_of(vfs, dir, listing->token))},
          {"last_error", redact(listing->last_error)}};
}

json pace_json(const http::Pace& pace) {
  json out = json::object();
  if (pace.latency) out["latency_ms"] = std::chrono::duration<double, std::milli>(*pace.latency).count();
  if (pace.rate) out["bytes_per_second"] = *pace.rate;
  return out;
}

json origins_json(const http::Fetcher& fetcher, const Clock& clock) {
  json origins = json::array();
  for (const http::OriginStatus& origin : fetcher.status()) {
    json row = {{"origin", origin.origin},
                {"in_flight", origin.in_flight},
                {"waiting", origin.waiting},
                {"budget", origin.budget},
                {"breaker_open", origin.breaker_open},
                {"pace", pace_json(origin.pace)},
                {"last_error", redact(origin.last_error)}};
    if (!origin.last_error.empty())
      row["last_error_age_seconds"] = (clock.wall() - origin.last_error_at).count();
    origins.push_back(std::move(row));
  }
  return origins;
}

json order_json(const OrderStatus& order) {
  return {{"archive", order.archive},       {"batch", order.batch},     {"order", order.name},
          {"state", order.words},           {"files", order.files},     {"files_done", order.files_done},
          {"bytes_done", order.bytes_done}, {"waiting", order.waiting}, {"age_seconds", order.age.count()}};
}

json orders_json(const Orders& orders) {
  json rows = json::array();
  for (const OrderStatus& order : orders.status()) rows.push_back(order_json(order));
  return rows;
}

/// How a file comes here that must be ordered.
void add_order(json& why, const MountedArchive& archive, const Node& node, const Orders& orders) {
  Courier* const courier = archive.archive->courier();
  const std::optional<Parcel> parcel = courier != nullptr ? courier->parcel(node.locator) : std::nullopt;
  if (!parcel) return;
  why["brought_to"] = courier->folder() + "/" + parcel->place;
  if (const auto order = orders.of(archive, parcel->place)) why["order"] = order_json(*order);
}

/// How far a file is that is built of others, or of how many it was.
void add_build(json& why, const MountedArchive& archive, const Node& node, const Builds& builds) {
  if (!archive.archive->builds(node.locator)) return;
  json build = {{"state", node.size ? "built" : "built when it is looked at"}};
  if (const auto now = builds.progress(node.id)) {
    build = {{"state", now->state},
             {"parts", now->parts},
             {"parts_done", now->parts_done},
             {"lost", now->lost},
             {"bytes", now->bytes}};
  } else if (const auto counts = built_counts(node.validator); node.size && counts) {
    build["parts"] = counts->parts + counts->lost;
    build["parts_done"] = counts->parts + counts->lost;
    build["lost"] = counts->lost;
  }
  why["build"] = std::move(build);
}

}  // namespace

Status::Status(const Vfs& vfs, const http::Fetcher& fetcher, const Orders& orders, const Builds& builds,
               Metrics& metrics, const Config& config, const MountOptions& options, const Clock& clock)
    : vfs_(vfs),
      fetcher_(fetcher),
      orders_(orders),
      builds_(builds),
      metrics_(metrics),
      config_(config),
      options_(options),
      clock_(clock),
      started_(clock.steady()) {}

std::string Status::status_json() const {
  const Vfs::Parts& parts = vfs_.parts();
  json archives = json::array();
  for (const ArchiveConfig& archive : config_.archives) {
    json row = {{"name", archive.name}, {"type", archive.type}};
    if (const Result<Node> node = parts.catalog.child(kRootNode, archive.name)) {
      row["listing"] = listing_json(vfs_, node->id, clock_);
    }
    archives.push_back(std::move(row));
  }
  json pins = json::array();
  if (const auto pinned = parts.catalog.pins()) {
    for (const NodeId node : *pinned) pins.push_back(parts.catalog.path(node).value_or("?"));
  }
  const std::int64_t hits = metrics_.value("astrofs_cache_hits_total");
  const std::int64_t misses = metrics_.value("astrofs_cache_misses_total");
  const Result<void> passthrough = vfs_.passthrough();
  json status = {
      {"mountpoint", options_.mountpoint},
      {"pid", ::getpid()},
      {"uptime_seconds", std::chrono::duration_cast<seconds>(clock_.steady() - started_).count()},
      {"config", config_.source},
      {"offline", options_.offline},
      {"timeout_seconds", options_.timeout.count()},
      {"open_files", vfs_.open_files()},
      {"calls_waiting", parts.parking.parked()},
      {"archives", std::move(archives)},
      {"cache",
       {{"dir", config_.cache_dir},
        {"used_bytes", parts.cache.disk_bytes()},
        {"quota_bytes", config_.cache_size},
        {"objects", parts.catalog.object_count()},
        {"pins", std::move(pins)},
        {"hits", hits},
        {"misses", misses},
        {"hit_rate",
         hits + misses > 0 ? static_cast<double>(hits) / static_cast<double>(hits + misses) : 0.0},
        {"note", parts.catalog.recovery_note()}}},
      {"transfers", {{"flights", parts.cache.flights()}, {"bytes_in_memory", parts.cache.bytes_in_flight()}}},
      {"orders", orders_json(orders_)},
      {"origins", origins_json(fetcher_, clock_)},
      {"passthrough", passthrough.has_value()},
      {"passthrough_note", passthrough ? "" : passthrough.error().message}};
  return json_text(status);
}

std::string Status::why_json(const Node& node) const {
  const Vfs::Parts& parts = vfs_.parts();
  json why = {{"path", parts.catalog.path(node.id).value_or("?")},
              {"inode", node.id},
              {"kind", node.kind == NodeKind::directory ? "directory" : "file"},
              {"listed", node.listed}};
  const MountedArchive* archive = parts.archives.of(node);
  why["archive"] = archive ? archive->name : "";
  if (node.kind == NodeKind::directory) {
    why["listing"] = listing_json(vfs_, node.id, clock_);
    return json_text(why);
  }
  why["listing"] = listing_json(vfs_, node.parent, clock_);
  why["state"] = name_of(vfs_.state_of(node));
  if (vfs_.state_of(node) == FileState::not_logged_in)
    why["login"] = redact(vfs_.why_not_given(node).message);
  why["generation"] = node.generation;
  why["size"] = node.size ? json(*node.size) : json(nullptr);
  why["validator"] = redact(node.validator);
  why["sources"] = source_urls(vfs_, node);
  if (archive != nullptr) add_order(why, *archive, node, orders_);
  if (archive != nullptr) add_build(why, *archive, node, builds_);
  why["pinned"] = parts.catalog.pinned(parts.archives.version(node));
  if (const auto last = vfs_.last_errors().of(node.id)) {
    why["last_error"] = {{"cause", name_of(last->error.code)},
                         {"message", redact(last->error.message)},
                         {"age_seconds", (clock_.wall() - last->when).count()}};
  }
  if (node.missing) why["reason"] = "every source of the archive answers that this file does not exist";
  if (node.size) {
    const FileVersion version = parts.archives.version(node);
    const Presence presence = parts.cache.presence(version);
    const VersionStanding standing = standing_of(parts.catalog, parts.cache, version);
    why["verified"] = name_of(standing.standing);
    why["checked"] = standing.words;
    if (standing.standing == Standing::no)
      why["reason"] = "its bytes, fetched twice, contradict the checksum that the archive gives";
    why["cached_bytes"] = presence.bytes;
    why["cached_completely"] = presence.complete;
    json ranges = json::array();
    // The first ranges tell what kind of reader was here; a scattered file has thousands.
    constexpr std::size_t kShown = 16;
    for (const ByteRange& range : parts.cache.present_ranges(version, {0, version.size})) {
      if (ranges.size() == kShown) break;
      ranges.push_back({range.offset, range.end()});
    }
    why["cached_ranges"] = std::move(ranges);
    if (const Result<ObjectState> object = parts.catalog.object(version.object)) why["etags"] = object->etags;
  }
  why["origins"] = origins_json(fetcher_, clock_);
  return json_text(why);
}

std::string Status::metrics_text() const {
  const Vfs::Parts& parts = vfs_.parts();
  const auto gauge = [this](const char* name, const char* help, std::uint64_t value) {
    metrics_.gauge(name, help).set(static_cast<std::int64_t>(value));
  };
  gauge("astrofs_cache_bytes", "Bytes the cache occupies on disk", parts.cache.disk_bytes());
  gauge("astrofs_cache_quota_bytes", "Bytes the cache may occupy", config_.cache_size);
  gauge("astrofs_cache_objects", "File versions of which something is cached", parts.catalog.object_count());
  gauge("astrofs_bytes_in_memory", "Bytes received and not yet on disk", parts.cache.bytes_in_flight());
  gauge("astrofs_flights", "Downloads in the air", parts.cache.flights());
  gauge("astrofs_calls_waiting", "Calls waiting for the network", parts.parking.parked());
  gauge("astrofs_open_files", "File versions open now", vfs_.open_files());
  return metrics_.prometheus();
}

}  // namespace astrofs
