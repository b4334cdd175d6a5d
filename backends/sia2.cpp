#include "backends/sia2.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "backends/format/numbers.h"
#include "backends/part_token.h"
#include "backends/settle.h"
#include "backends/tap.h"
#include "backends/url.h"

namespace astrofs {
namespace {

using obstap::Place;

// New images come once a day; a circle is asked again behind the reader.
constexpr std::chrono::hours kGoodFor{6};
// Tables of this program.
constexpr std::chrono::hours kConstant{24 * 365};

constexpr std::string_view kAll = "all";
/// The token of the root's listing: it changes by find() alone, and keeps what that has found.
constexpr std::string_view kFound = "found";

}  // namespace

namespace sia2 {

std::optional<std::string> circle_in(std::string_view name) {
  std::string circle = "CIRCLE";
  // Of right ascension, declination and radius.
  constexpr std::array<std::pair<double, double>, 3> kBounds{{{0, 360}, {-90, 90}, {0, 90}}};
  for (const auto& [least, most] : kBounds) {
    const auto end = std::min(name.find('_'), name.size());
    const std::string_view part = name.substr(0, end);
    const auto value = signed_number_in<double>(part);
    const bool is_plain = part.find_first_not_of("0123456789.+-") == std::string_view::npos;
    if (!value || !is_plain || *value < least || *value > most) return std::nullopt;
    circle += ' ';
    circle += part.substr(part.starts_with('+') ? 1 : 0);
    if (&least == &kBounds.back().first)
      return end == name.size() && *value > 0 ? std::optional(circle) : std::nullopt;
    if (end == name.size()) return std::nullopt;
    name.remove_prefix(end + 1);
  }
  return std::nullopt;
}

Result<std::string> check_parameters(std::string_view text) {
  constexpr std::array<std::string_view, 3> kOwn{"POS", "MAXREC", "RESPONSEFORMAT"};
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const auto equals = pair.find('=');
    std::string name(pair.substr(0, equals));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    if (equals == std::string_view::npos || name.empty()) {
      return fail(Errc::invalid, "\"" + std::string(pair) + "\" is not NAME=VALUE");
    }
    if (std::ranges::find(kOwn, name) != kOwn.end())
      return fail(Errc::invalid, name + " is set by the directory");
    // Written once more: who has encoded it already and who has not are both understood.
    out +=
        '&' + url::encode_component(name) + '=' + url::encode_component(url::decode(pair.substr(equals + 1)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace sia2

Sia2Archive::Sia2Archive(std::string url, std::string parameters, VoAccess access, http::Fetcher& fetcher,
                         const Clock& clock, Limits limits)
    : client_(std::move(url), VoProtocol::sia2, std::move(access), fetcher, clock),
      parameters_(std::move(parameters)),
      limits_(limits),
      files_(client_, clock, limits.files) {}

void Sia2Archive::notice_login() {
  if (client_.notice_login()) files_.forget();
}

bool Sia2Archive::is_directory(const Place& place) const {
  if (place.is_file() || place.levels.size() != 1 || !place.levels[0].text ||
      place.levels[0].kind != obstap::Kind::text)
    return false;
  if (*place.levels[0].text == kAll) return !parameters_.empty();
  return sia2::circle_in(*place.levels[0].text).has_value();
}

Result<DataSets::Rows> Sia2Archive::all_rows(const Place& place, const std::stop_token& stop) {
  std::string address = client_.url() + "?MAXREC=" + std::to_string(limits_.rows) + parameters_;
  if (const auto circle = sia2::circle_in(*place.levels[0].text)) {
    address += "&POS=" + url::encode_component(*circle);
  }
  auto answer = std::move(client_.get({std::move(address)}, limits_.rows, stop).front());
  if (!answer) return tl::unexpected(answer.error());
  // Not every service says that it has cut some off.
  const bool whole = !answer->overflow && answer->rows.size() < limits_.rows;
  auto all = datalink::rows_of(std::move(*answer));
  if (!all) return tl::unexpected(all.error());
  DataSets::Rows rows{std::move(*all), whole};
  std::ranges::stable_sort(rows.rows, {}, &datalink::Row::did);
  return rows;
}

Result<DataSets::Rows> Sia2Archive::rows(const Place& place, const std::stop_token& stop) {
  auto rows = all_rows(place, stop);
  // Not every service can be asked for one data set.
  if (rows && !place.did.empty())
    std::erase_if(rows->rows, [&](const datalink::Row& row) { return row.did != place.did; });
  return rows;
}

Result<std::variant<Listing, NotModified>> Sia2Archive::list(std::string_view dir, std::string_view token,
                                                             std::stop_token stop) {
  if (stop.stop_requested()) return fail(Errc::interrupted, "the mount is ending");
  if (dir.empty()) {
    if (token == kFound) return NotModified{};
    Listing root{{}, std::string(kFound), kConstant};
    if (!parameters_.empty())
      root.entries.push_back(directory_entry(std::string(kAll), "l" + std::string(kAll)));
    return root;
  }
  const auto place = obstap::to_place(dir);
  if (!place || !is_directory(*place)) return fail(Errc::not_found, "no such circle: " + std::string(dir));
  auto part = files_.entries_of_late(*place, stop);
  if (!part) part = data_sets(*place, stop);
  if (!*part) return tl::unexpected(part->error());
  DataSets::Listed& listed = **part;
  if (listed.entries.empty() && !place->semantics.empty())
    return fail(Errc::not_found, "nothing is there: " + std::string(dir));
  const PartToken before(token);
  auto settled = settle(std::move(listed.entries), before.whole == listed.whole ? before.content : "",
                        kGoodFor, "sia2/" + std::string(dir), Slashes::are_names);
  if (auto* const listing = std::get_if<Listing>(&settled)) {
    listing->token = PartToken{listing->token, listed.whole, listed.rows}.text();
  }
  return settled;
}

/// The files of a circle, or of one of its data sets.
Result<DataSets::Listed> Sia2Archive::data_sets(const Place& place, const std::stop_token& stop) {
  auto found = rows(place, stop);
  if (!found) return tl::unexpected(found.error());
  if (found->rows.empty() && !place.did.empty()) {
    if (!found->whole)
      return fail(Errc::unavailable, "the service gives a part of this circle, and not " + place.did);
    return fail(Errc::not_found, "the service has no data set " + place.did);
  }
  return files_.entries(place, std::move(*found), stop);
}

Result<std::optional<Entry>> Sia2Archive::find(std::string_view dir, std::string_view name, std::stop_token) {
  if (!dir.empty() || !sia2::circle_in(name)) return std::optional<Entry>{};
  Place place;
  place.levels.push_back({std::string(name), obstap::Kind::text});
  return std::optional(directory_entry(std::string(name), obstap::to_locator(place)));
}

Result<std::vector<http::Request>> Sia2Archive::locate(std::string_view locator) {
  return files_.locate(locator);
}

Result<std::vector<http::Request>> Sia2Archive::seek(std::string_view locator, bool again,
                                                     std::stop_token stop) {
  const auto place = obstap::to_place(locator);
  if (!place || !place->is_file() || files_.knows(locator, again)) return locate(locator);
  // Whoever is refused the file wants to know why.
  if (again) client_.learn_methods(stop);
  const Place top = obstap::data_set_of(*place);
  if (!is_directory(top)) return fail(Errc::not_found, "no such file: " + std::string(locator));
  auto found = all_rows(top, stop);
  if (!found) return tl::unexpected(found.error());
  // The answer is of the whole circle: the files that are sought next are not to cost another one each.
  Place circle;
  circle.levels = top.levels;
  files_.learn(circle, found->rows, again);
  std::erase_if(found->rows, [&](const datalink::Row& row) { return row.did != place->did; });
  // Which part of too many rows a service gives is another at each time.
  if (found->rows.empty() && !found->whole)
    return fail(Errc::unavailable, "the service gives a part of this circle, and not " + place->did);
  return files_.seek(*place, found->rows, again, stop);
}

std::string Sia2Archive::remark(std::string_view dir, std::string_view token) const {
  if (dir.empty()) return "any RA_DEC_RADIUS in degrees opens by its name";
  const PartToken said(token);
  if (said.content.empty()) return {};
  const std::string rows = std::to_string(said.rows);
  return said.whole ? rows + " data sets"
                    : rows + " data sets, and there are more: a smaller circle has them all";
}

}  // namespace astrofs
