#include "backends/hst_files.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "backends/format/hst_name.h"
#include "backends/mast_missions.h"
#include "backends/s3_pages.h"
#include "base/log.h"

namespace astrofs::hst {
namespace {

constexpr const char* kMission = "hst";
constexpr std::string_view kUri = "mast:HST/product/";
/// The largest proposals have some ten thousand data sets, and a page half of that.
constexpr std::size_t kMostPages = 40;

/// Those of MAST's files that S3 has not.
std::vector<Entry> others(const std::vector<mast::Product>& products, const std::vector<Entry>& on_s3) {
  std::set<std::string, std::less<>> known;
  for (const Entry& file : on_s3) known.insert(file.name);
  std::vector<Entry> entries;
  for (const mast::Product& product : products) {
    if (!is_product_name(product.name) || !known.insert(product.name).second) continue;
    Entry& entry = entries.emplace_back();
    entry.name = product.name;
    entry.locator = std::string(product.is_public ? kProduct : kExclusive) + product.name;
  }
  return entries;
}

}  // namespace

/// Gives those entries that lie on S3 elsewhere than in the data set's folder their place and size there.
/// What path_lookup does not know, MAST itself hands out; but a file that is elsewhere today because nobody
/// answered would lose its size and what is cached of it.
std::optional<Error> FileSources::place(std::vector<Entry>& entries, std::stop_token stop) const {
  std::deque<mast::PathsQuestion> lookups;
  std::vector<Question*> questions;
  std::vector<std::string> uris;
  const auto ask_for = [&] {
    if (!uris.empty()) questions.push_back(&lookups.emplace_back(hosts_.mast, std::exchange(uris, {})));
  };
  for (const Entry& entry : entries) {
    if (!entry.locator.starts_with(kProduct)) continue;
    uris.push_back(std::string(kUri) + entry.name);
    if (uris.size() == mast::PathsQuestion::kMostUris) ask_for();
  }
  ask_for();
  ask_together(fetcher_, questions, stop);

  std::optional<Error> silent;
  std::map<std::string, std::string> paths;  // by URI, below "hst/"
  std::set<std::string> folders;
  const std::string root = "/" + std::string(kBucketRoot);
  for (const mast::PathsQuestion& lookup : lookups) {
    if (!lookup.paths()) silent = lookup.paths().error();
    for (const auto& [uri, path] : lookup.paths().value_or(std::map<std::string, std::string>{})) {
      if (!path.starts_with(root) || !is_public_path(path.substr(root.size()))) continue;
      paths[uri] = path.substr(root.size());
      folders.insert(path.substr(1, path.rfind('/')));
    }
  }
  const auto levels = list_s3_levels(fetcher_, hosts_.s3, {folders.begin(), folders.end()}, stop);
  std::map<std::string, Entry> placed;  // by locator
  for (const Result<S3Level>& level : levels) {
    if (!level) silent = level.error();
    if (!level) continue;
    for (Entry& entry : bucket_files(*level, kBucketRoot)) placed.emplace(entry.locator, entry);
  }
  for (Entry& entry : entries) {
    const auto path = paths.find(std::string(kUri) + entry.name);
    const auto found = path == paths.end() ? placed.end() : placed.find(path->second);
    if (found != placed.end() && found->second.name == entry.name) entry = found->second;
  }
  return silent;
}

Result<std::optional<Files>> FileSources::ask(std::string_view data_set, std::stop_token stop) const {
  const bool has_s3 = !hosts_.s3.empty();
  const bool has_mast = !hosts_.mast.empty();
  S3Question folder(hosts_.s3, std::string(kBucketRoot) + folder_of(data_set));
  mast::ProductsQuestion products(hosts_.mast, kMission, capital_letters(data_set));
  std::vector<Question*> questions;
  if (has_s3) questions.push_back(&folder);
  if (has_mast) questions.push_back(&products);
  ask_together(fetcher_, questions, stop);

  Files found;
  if (has_s3 && folder.level())
    found.entries = bucket_files(*folder.level(), kBucketRoot);
  else if (has_s3)
    found.silent = folder.level().error();
  if (has_mast && products.products()) {
    std::vector<Entry> rest = others(*products.products(), found.entries);
    // Without S3 there is no place there that would be worth a question.
    if (has_s3 && !found.silent && !rest.empty()) found.silent = place(rest, stop);
    std::move(rest.begin(), rest.end(), std::back_inserter(found.entries));
  } else if (has_mast) {
    const Error& silent = products.products().error();
    if (!has_s3 && silent.code == Errc::not_found) return std::optional<Files>{};
    // A 404 says nothing of what the bucket has, which cannot be heard.
    if (found.silent && silent.code == Errc::not_found) return tl::unexpected<Error>(*found.silent);
    if (found.silent || !has_s3) return tl::unexpected<Error>(silent);
    found.silent = silent;
  }
  if (stop.stop_requested()) return fail(Errc::interrupted, "nobody waits for this data set any more");
  if (found.silent) {
    // Whoever can be heard knows of nothing; whoever might is silent. That there is nothing is an answer,
    // too.
    if (found.entries.empty() && found.silent->code == Errc::not_found) return std::optional<Files>{};
    if (found.entries.empty()) return tl::unexpected<Error>(*found.silent);
    log::info("HST {}: {}", data_set, found.silent->message);
  }
  if (found.entries.empty()) return std::optional<Files>{};
  return std::optional<Files>(std::move(found));
}

Result<std::vector<std::string>> FileSources::proposal(std::uint32_t number, std::stop_token stop) const {
  if (hosts_.mast.empty()) return fail(Errc::unsupported, "no source is configured that knows proposals");
  std::deque<mast::DataSetsQuestion> pages;
  ask_together(fetcher_, {&pages.emplace_back(hosts_.mast, number, 0)}, stop);
  if (!pages[0].page() && pages[0].page().error().code == Errc::not_found) return std::vector<std::string>{};
  if (!pages[0].page()) return tl::unexpected<Error>(pages[0].page().error());
  // The first page says how many rows there are: the others are asked for at once.
  const std::size_t total = pages[0].page()->total;
  const std::size_t step = pages[0].page()->rows;  // it may give fewer a page than were asked for
  if (total > step * kMostPages) return fail(Errc::too_large, "a proposal of HST with too many data sets");
  std::vector<Question*> rest;
  for (std::size_t at = step; at < total; at += step)
    rest.push_back(&pages.emplace_back(hosts_.mast, number, at));
  ask_together(fetcher_, rest, stop);
  std::vector<std::string> names;
  std::size_t rows = 0;
  for (const mast::DataSetsQuestion& page : pages) {
    if (!page.page()) return tl::unexpected<Error>(page.page().error());
    rows += page.page()->rows;
    for (const std::string& name : page.page()->names) {
      if (std::string small = small_letters(name); is_data_set(small)) names.push_back(std::move(small));
    }
  }
  if (rows < total) return fail(Errc::corrupt, "MAST gives fewer data sets of a proposal than it counts");
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace astrofs::hst
