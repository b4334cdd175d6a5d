#include "backends/stsci_hosts.h"

#include <algorithm>

namespace astrofs {
namespace {

// Connections: the archive's static files "allow for many more concurrent requests" than MAST's
// Download/file, which answers 503 under concurrency. Eight keep a chip's day listings under a second at 100
// ms each and are what a browser may open.
constexpr unsigned kStaticConnections = 8;
/// A bucket is made for many readers: 400 cold reads at a time must not queue for minutes behind eight
/// connections.
constexpr unsigned kBucketConnections = 192;
constexpr unsigned kMastConnections = 3;

constexpr std::size_t kLongestName = 200;  // the longest known has 97 letters

}  // namespace

bool is_product_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return !name.empty() && name.size() <= kLongestName && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || c == '.' || c == '_' || c == '-'; });
}

std::vector<Entry> bucket_files(const S3Level& folder, std::string_view root) {
  std::vector<Entry> entries;
  for (const S3Object& object : folder.objects) {
    Entry entry;
    entry.name = object.key.substr(object.key.rfind('/') + 1);
    entry.locator = object.key.substr(root.size());
    entry.size = object.size;
    entry.mtime = object.last_modified;
    entry.validator = object.etag;
    if (is_product_name(entry.name)) entries.push_back(std::move(entry));
  }
  return entries;
}

void set_budgets(const StsciHosts& hosts, http::Fetcher& fetcher) {
  // In this order, so that a stand-in that plays several hosts from one origin gets the static files' budget.
  if (!hosts.mast.empty()) fetcher.set_budget(hosts.mast, kMastConnections);
  if (!hosts.archive.empty()) fetcher.set_budget(hosts.archive, kStaticConnections);
  if (!hosts.s3.empty()) fetcher.set_budget(hosts.s3, kBucketConnections);
}

void add_mirror(std::vector<http::Request>& mirrors, const std::string& base, std::string_view path) {
  if (base.empty()) return;
  http::Request& request = mirrors.emplace_back();
  request.url = base;
  request.url.append(path);
}

std::string bucket_origin(const StsciHosts& hosts) {
  if (hosts.s3.empty()) return {};
  http::Request request;
  request.url = hosts.s3;
  return request.origin();
}

}  // namespace astrofs
