#include "backends/hst.h"

#include <fmt/format.h>

#include "backends/format/hst_name.h"
#include "backends/s3_pages.h"
#include "backends/settle.h"

namespace astrofs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// A data set is calibrated anew a few times in its life, and exclusive for up to a year.
constexpr hours kGoodFor{24};
/// While a source is silent there is more to come.
constexpr minutes kPartGoodFor{10};
constexpr hours kConstant{24 * 365};

/// A data set has some hundred files at most, a proposal some thousand names.
constexpr std::size_t kMostDataSets = 64;
constexpr std::size_t kMostProposals = 16;
/// Some megabytes.
constexpr std::size_t kMostNamed = 50'000;

constexpr std::string_view kSet = "set/";
constexpr std::string_view kProposals = "proposal";
/// Tokens of listings for which all sources were heard, and of others.
constexpr std::string_view kWhole = "whole:";
constexpr std::string_view kPart = "part:";
/// Of directories that show what was found: what is known changes by find() alone.
constexpr std::string_view kFound = "found";

std::variant<Listing, NotModified> found_ones(std::vector<Entry> entries, std::string_view token) {
  if (token == kFound) return NotModified{};
  return Listing{std::move(entries), std::string(kFound), kConstant};
}

std::string_view below(std::string_view dir, std::string_view parent) {
  return dir.starts_with(parent) ? dir.substr(parent.size()) : std::string_view();
}

std::string_view proposal_in(std::string_view dir) {
  return below(below(dir, kProposals), "/");
}

tl::unexpected<Error> no_data_set(std::string_view name) {
  return fail(Errc::not_found, fmt::format("HST has no data set {}", name));
}

}  // namespace

HstArchive::HstArchive(StsciHosts hosts, std::string login, http::Fetcher& fetcher, const Clock& clock)
    : hosts_(std::move(hosts)),
      sources_(hosts_, fetcher),
      token_(*token_service("mast"), std::move(login), hosts_.mast),
      data_sets_(clock, kMostDataSets),
      proposals_(clock, kMostProposals) {
  set_budgets(hosts_, fetcher);
}

Result<std::variant<Listing, NotModified>> HstArchive::list(std::string_view dir, std::string_view token,
                                                            std::stop_token stop) {
  if (dir.empty()) {
    std::vector<Entry> entries;
    if (!hosts_.mast.empty())
      entries.push_back(directory_entry(std::string(kProposals), std::string(kProposals)));
    return found_ones(std::move(entries), token);
  }
  if (dir == kProposals && !hosts_.mast.empty()) return found_ones({}, token);
  if (const auto name = below(dir, kSet); hst::is_data_set(name)) return list_data_set(name, token, stop);
  if (const auto name = proposal_in(dir); hst::parse_proposal(name) > 0)
    return list_proposal(name, token, stop);
  return fail(Errc::not_found, "HST has no directory " + std::string(dir));
}

Result<std::variant<Listing, NotModified>> HstArchive::list_data_set(std::string_view name,
                                                                     std::string_view token,
                                                                     std::stop_token stop) {
  const auto files = data_sets_.for_listing(std::string(name), [&] { return sources_.ask(name, stop); });
  if (!files) return tl::unexpected<Error>(files.error());
  if (!*files) return no_data_set(name);
  const auto& silent = (*files)->silent;
  // A source that was heard once and is silent now takes nothing away.
  if (silent && token.starts_with(kWhole)) return tl::unexpected<Error>(*silent);
  std::vector<Entry> entries = settle_entries((*files)->entries, "HST " + std::string(name));
  std::string now = std::string(silent ? kPart : kWhole) + content_token(entries);
  if (now == token) return NotModified{};
  return Listing{std::move(entries), std::move(now),
                 silent ? std::chrono::seconds(kPartGoodFor) : std::chrono::seconds(kGoodFor)};
}

Result<std::optional<std::vector<std::string>>> HstArchive::ask_proposal(std::uint32_t number,
                                                                         std::stop_token stop) {
  Result<std::vector<std::string>> names = sources_.proposal(number, std::move(stop));
  if (!names) return tl::unexpected<Error>(names.error());
  if (names->empty()) return std::optional<std::vector<std::string>>{};
  const MutexLock lock(mutex_);
  if (named_.size() >= kMostNamed) named_.clear();
  named_.insert(names->begin(), names->end());
  return std::optional(std::move(*names));
}

bool HstArchive::is_named(const std::string& data_set) const {
  const MutexLock lock(mutex_);
  return named_.contains(data_set);
}

Result<std::variant<Listing, NotModified>> HstArchive::list_proposal(std::string_view name,
                                                                     std::string_view token,
                                                                     std::stop_token stop) {
  const std::uint32_t number = hst::parse_proposal(name);
  const auto names = proposals_.for_listing(number, [&] { return ask_proposal(number, stop); });
  if (!names) return tl::unexpected<Error>(names.error());
  if (!*names) return fail(Errc::not_found, fmt::format("HST has no data of a proposal {}", number));
  std::vector<Entry> links;
  for (const std::string& data_set : **names) links.push_back(link_entry(data_set, "../../" + data_set));
  return settle(std::move(links), token, kGoodFor, fmt::format("HST proposal {}", number));
}

bool HstArchive::finds(std::string_view dir) const {
  return dir.empty() || (dir == kProposals && !hosts_.mast.empty());
}

Result<std::optional<Entry>> HstArchive::find(std::string_view dir, std::string_view name,
                                              std::stop_token stop) {
  if (dir == kProposals) {
    const std::uint32_t number = hst::parse_proposal(name);
    if (number == 0) return std::optional<Entry>{};
    const auto names = proposals_.for_finding(number, [&] { return ask_proposal(number, stop); });
    if (!names) return tl::unexpected<Error>(names.error());
    if (!*names) return std::optional<Entry>{};
    return std::optional(directory_entry(std::string(name), fmt::format("{}/{}", kProposals, name)));
  }
  const std::string small = hst::small_letters(name);
  if (!dir.empty() || !hst::is_data_set(small)) return std::optional<Entry>{};
  if (!is_named(small)) {
    const auto files = data_sets_.for_finding(small, [&] { return sources_.ask(small, stop); });
    if (!files) return tl::unexpected<Error>(files.error());
    if (!*files) return std::optional<Entry>{};
  }
  // MAST's tables write them in capital letters.
  if (small != name) return std::optional(link_entry(std::string(name), small));
  return std::optional(directory_entry(small, std::string(kSet) + small));
}

Result<std::vector<http::Request>> HstArchive::locate(std::string_view locator) {
  const std::string_view name = locator.substr(locator.rfind('/') + 1);
  const bool is_placed = hst::is_public_path(locator);
  const bool is_exclusive = locator == std::string(hst::kExclusive).append(name);
  const bool is_product = locator == std::string(hst::kProduct).append(name);
  if (!is_product_name(name) || !(is_placed || is_exclusive || is_product))
    return fail(Errc::not_found, "HST has no file " + std::string(locator));
  std::vector<http::Request> mirrors;
  if (is_placed) add_mirror(mirrors, hosts_.s3, fmt::format("/{}{}", hst::kBucketRoot, locator));
  add_mirror(mirrors, hosts_.mast, fmt::format("/api/v0.1/Download/file?uri=mast:HST/product/{}", name));
  if (mirrors.empty())
    return fail(Errc::unsupported, "no source is configured that has " + std::string(locator));
  if (is_exclusive) {
    if (const auto sent = token_.authorize(mirrors.back()); !sent)
      return fail(Errc::denied, fmt::format("{} is under exclusive access: {}", name, sent.error().message));
  }
  return mirrors;
}

std::string HstArchive::validator_origin() const {
  return bucket_origin(hosts_);
}

std::optional<Digest> HstArchive::digest(std::string_view validator) const {
  return digest_of_etag(validator);
}

std::string HstArchive::credential_scope(std::string_view locator) const {
  return locator.starts_with(hst::kExclusive) ? token_.scope() : std::string(kPublic);
}

}  // namespace astrofs
