#include "tests/support/archive_sim.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <thread>

#include "tests/support/daiquiri.h"
#include "tests/support/dkist_centre.h"
#include "tests/support/hlsp_portal.h"
#include "tests/support/mast_shelf.h"
#include "tests/support/mast_tap.h"
#include "tests/support/sim_listings.h"
#include "tests/support/vo_archive.h"

namespace astrofs::sim {
namespace {

/// More than any test opens at once; further clients wait in the kernel's queue.
constexpr unsigned kMostConnections = 512;
constexpr std::size_t kMostHeadBytes = 64U << 10;
constexpr std::size_t kMostBodyBytes = 64U << 20;  ///< a Transfer task that names 100,000 files has 30 MB

/// The next request of a kept connection, or nothing when the client is gone or speaks something else.
std::optional<HttpRequest> receive_request(Connection& connection, std::string& pending) {
  std::array<char, 16384> piece{};
  std::size_t end = 0;
  while ((end = pending.find("\r\n\r\n")) == std::string::npos) {
    const std::size_t got = connection.receive(piece);
    if (got == 0 || pending.size() > kMostHeadBytes) return std::nullopt;
    pending.append(piece.data(), got);
  }
  auto request = parse_request(std::string_view(pending).substr(0, end + 2));
  if (!request) return std::nullopt;
  pending.erase(0, end + 4);
  std::size_t length = 0;
  const auto text = request->header("content-length");
  std::from_chars(text.data(), text.data() + text.size(), length);
  if (length > kMostBodyBytes) return std::nullopt;
  // curl waits for it before it sends a long body.
  if (!request->header("expect").empty() && !connection.send("HTTP/1.1 100 Continue\r\n\r\n"))
    return std::nullopt;
  while (pending.size() < length) {
    const std::size_t got = connection.receive(piece);
    if (got == 0) return std::nullopt;
    pending.append(piece.data(), got);
  }
  request->body = pending.substr(0, length);
  pending.erase(0, length);
  return request;
}

bool is_download(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path == "/api/v0.1/Download/file" || path == "/portal/Download/file";
}

Reply spoilt_resource(const HttpRequest& request, ResourcePtr resource, const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) resource = spoil_resource(fault, std::move(resource));
  return resource_reply(request, resource);
}

Reply download_reply(const HttpRequest& request, const ContentTree& tree, const HstSearch* hst,
                     const std::vector<Fault>& faults) {
  const std::string uri = request.parameter("uri").value_or("");
  const std::string name = uri.substr(uri.rfind('/') + 1);
  ResourcePtr resource = uri.starts_with("mast:") ? tree.find_product(name) : nullptr;
  constexpr std::string_view kHlsp = "mast:HLSP/";  // their URIs are paths; S3 has most of them
  for (const std::string_view root : {"/mast/hlsp/", "/hlsps/"}) {
    if (resource == nullptr && uri.starts_with(kHlsp))
      resource = tree.find(std::string(root) + uri.substr(kHlsp.size()));
  }
  if (std::optional<Reply> refusal; resource == nullptr && hst != nullptr) {
    resource = hst->file(request, name, refusal);
    if (refusal) return *std::move(refusal);
  }
  if (resource == nullptr) return text_reply(404, "{\"detail\": \"Not Found\"}\n", "application/json");
  Reply reply = spoilt_resource(request, resource, faults);
  reply.set_header("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
  return reply;
}

}  // namespace

ArchiveSim::ArchiveSim() {
  buckets_["stpubdata"] = "";
  // The archive's tree and the bucket's keys are the same files; a bucket shows no directory pages.
  tree_.alias("/missions/tess/ffi", "/tess/public/ffi");
  tree_.alias("/missions/tess/tid", "/tess/public/tid");
  tree_.set_style("/tess/public", ListingStyle::none);
}

ArchiveSim::~ArchiveSim() {
  stop();
}

Result<void> ArchiveSim::start(std::uint16_t port) {
  return server_.start(port, kMostConnections, [this](Connection& connection) { serve(connection); });
}

void ArchiveSim::stop() {
  server_.stop();
}

std::string ArchiveSim::url() const {
  return fmt::format("http://127.0.0.1:{}", server_.port());
}

void ArchiveSim::serve_file(const std::string& path, std::string bytes, const ResourceOptions& options) {
  ResourceOptions named = options;
  if (!named.etag) named.etag = etag_of(path + bytes);
  const std::uint64_t size = bytes.size();
  tree_.put(path, size, read_from_text(std::move(bytes)), named);
}

void ArchiveSim::serve_file(const std::string& path, ReadBytes read, std::uint64_t size,
                            const ResourceOptions& options) {
  tree_.put(path, size, std::move(read), options);
}

bool ArchiveSim::serve_file_from(const std::string& path, const std::string& file,
                                 const ResourceOptions& options) {
  ResourcePtr resource = file_resource(file, options);
  if (resource == nullptr) return false;
  tree_.put(path, std::move(resource));
  return true;
}

void ArchiveSim::serve_folder(const std::string& prefix, const std::string& directory, ListingStyle style) {
  tree_.mount(prefix, directory);
  tree_.set_style(prefix, style);
}

void ArchiveSim::add_bucket(const std::string& name, const std::string& root) {
  std::string prefix = root.substr(root.starts_with('/') ? 1 : 0);
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  const MutexLock lock(mutex_);
  buckets_[name] = std::move(prefix);
}

Result<std::vector<FrameName>> ArchiveSim::add_sector(const SectorOptions& options) {
  return put_sector(tree_, options);
}

MastPortal& ArchiveSim::add_targets(const TargetOptions& options) {
  std::vector<Target> targets = make_targets(options);
  put_targets(tree_, targets, options.rows);
  portal_ = std::make_unique<MastPortal>(std::move(targets));
  return *portal_;
}

DkistCentre& ArchiveSim::add_dkist(const DkistOptions& options) {
  dkist_ = std::make_unique<DkistCentre>(options);
  return *dkist_;
}

void ArchiveSim::add_hlsp(const HlspOptions& options) {
  put_hlsp(tree_, options);
  stars_ = std::make_unique<HlspPortal>(options);
}

Daiquiri& ArchiveSim::add_plates(const PlateOptions& options) {
  plates_ = std::make_unique<Daiquiri>(options);
  return *plates_;
}

HstSearch& ArchiveSim::add_hst(const HstOptions& options) {
  hst_ = std::make_unique<HstSearch>(options, tree_, gate_);
  return *hst_;
}

VoArchive& ArchiveSim::add_vo(const VoOptions& options) {
  vo_ = std::make_unique<VoArchive>(options);
  return *vo_;
}

void ArchiveSim::add_prf_models() {
  put_prf_models(tree_);
}

std::vector<LoggedRequest> ArchiveSim::finished_requests(std::size_t count) const {
  constexpr milliseconds kAtMost{10'000};
  const auto is_finished = [](const LoggedRequest& request) { return request.finished; };
  const auto until = std::chrono::steady_clock::now() + kAtMost;
  while (log_.count(is_finished) < count && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(milliseconds(1));
  return log_.all();
}

std::size_t ArchiveSim::count(std::string_view part, std::string_view method) const {
  return log_.count([&](const LoggedRequest& request) {
    return request.target.find(part) != std::string::npos && (method.empty() || request.method == method);
  });
}

void ArchiveSim::clear_log() {
  log_.clear();
  server_.reset_peak();
}

void ArchiveSim::serve(Connection& connection) {
  if (faults_.refuses()) {
    connection.reset();
    return;
  }
  std::string pending;
  while (const auto request = receive_request(connection, pending)) {
    if (request->path.starts_with("/_sim/")) {
      if (!deliver(connection, *request, control(*request), log_, 0)) return;
    } else if (!answer(connection, *request)) {
      return;
    }
  }
}

bool ArchiveSim::answer(Connection& connection, const HttpRequest& request) {
  const std::uint64_t number = log_.open(request, connection.number());
  const auto faults = faults_.strike({.method = request.method,
                                      .path = request.path,
                                      .target = request.target,
                                      .ranged = !request.header("range").empty(),
                                      .connection = connection.number()});
  Reply reply = route(request, faults);
  reply.head_only = request.method == "HEAD";
  for (const Fault& fault : faults) spoil_reply(fault, request, reply);
  const bool keep = deliver(connection, request, reply, log_, number);
  log_.finished(number);
  return keep;
}

Reply ArchiveSim::route(const HttpRequest& request, const std::vector<Fault>& faults) {
  if (dkist_ != nullptr && DkistCentre::knows(request.path)) return dkist_->reply(request, faults);
  if (stars_ != nullptr) {
    if (auto answer = stars_->reply(request)) return *std::move(answer);
  }
  if (hst_ != nullptr && HstSearch::knows(request.path)) return hst_->reply(request);
  if (MastGate::knows(request.path)) return gate_.reply(request);
  if (portal_ != nullptr && MastPortal::knows(request.path)) return portal_->reply(request);
  if (portal_ != nullptr && request.path == kMastTap) return mast_tap(request, portal_->targets());
  if (plates_ != nullptr && Daiquiri::knows(request.path)) return plates_->reply(request, faults);
  if (vo_ != nullptr && VoArchive::knows(request.path)) return vo_->reply(request, url(), faults);
  if (request.method != "GET" && request.method != "HEAD") return error_reply(405, request.path);
  if (is_download(request.path)) return download_reply(request, tree_, hst_.get(), faults);
  std::string path = request.path;
  std::string name = path.substr(std::min<std::size_t>(1, path.size()), path.find('/', 1) - 1);
  if (name.empty()) name = "stpubdata";
  bool known = false;
  Bucket bucket{.name = name, .root = {}};
  {
    const MutexLock lock(mutex_);
    const auto found = buckets_.find(name);
    known = found != buckets_.end();
    if (known) bucket.root = found->second;
  }
  const bool bucket_root = path.size() <= 1 || path == '/' + name || path == '/' + name + '/';
  if (bucket_root && request.parameter("list-type")) {
    if (!known) return s3_error(404, "NoSuchBucket", "The specified bucket does not exist", path);
    for (const Fault& fault : faults) bucket.token_repeats |= fault.kind == Kind::token_repeats;
    return bucket_reply(request, tree_, bucket);
  }
  const bool path_style = known && path.size() > name.size() + 2;
  if (path_style) path = '/' + bucket.root + path.substr(name.size() + 2);
  if (const ResourcePtr resource = tree_.find(path)) return spoilt_resource(request, resource, faults);
  const ListingStyle style = path_style ? ListingStyle::none : tree_.style_of(path + '/');
  if (style == ListingStyle::none)
    return s3_error(404, "NoSuchKey", "The specified key does not exist.", path);
  const auto entries = tree_.list(path);
  if (!entries) return error_reply(404, path);
  if (path.ends_with('/')) return index_reply(style, path, *entries);
  Reply moved = error_reply(301, path);
  moved.set_header("Location", percent_encode(path) + '/');
  return moved;
}

}  // namespace astrofs::sim
