#include "backends/dkist_search.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/gone_service.h"
#include "backends/url.h"

namespace astrofs::dkist {
namespace {

/// What the data centre's own client asks for; how much more it would give is not known.
constexpr std::uint64_t kPageSize = 300;
/// A search that goes on for longer than 100,000 datasets does not end.
constexpr std::uint64_t kMostPages = 334;

std::string query_of(const Filter& filter) {
  std::string query;
  // As the data centre's own client writes it.
  if (!filter.embargoed) query += "isEmbargoed=False&";
  if (!filter.instrument.empty())
    query += "instrumentNames=" + url::encode_component(filter.instrument) + "&";
  if (!filter.status.empty()) query += "status=" + url::encode_component(filter.status) + "&";
  return query;
}

constexpr std::string_view kService = "DKIST's search";

Result<SearchPage> page_of(const Result<http::Response>& answer) {
  if (!answer) return tl::unexpected<Error>(of_service(answer.error(), kService));
  return parse_search(answer->body);
}

}  // namespace

Search::Search(std::string base, Filter filter, http::Fetcher& fetcher)
    : base_(std::move(base)), filter_(query_of(filter)), fetcher_(fetcher) {}

std::vector<http::Request> Search::request(const std::string& query) const {
  http::Request request;
  request.url = base_ + "/v1" + query;
  return {std::move(request)};
}

Result<std::vector<Dataset>> Search::all(std::stop_token stop) {
  const auto page_at = [this](std::uint64_t number) {
    return request(fmt::format("?{}pageSize={}&pageNumber={}", filter_, kPageSize, number));
  };
  Result<SearchPage> first = page_of(fetcher_.fetch(page_at(1), stop));
  if (!first) return tl::unexpected<Error>(first.error());
  std::vector<Dataset> datasets = std::move(first->datasets);
  std::uint64_t records = first->records;
  // The data centre may give shorter pages than it was asked for.
  const std::uint64_t pages =
      records == 0 ? 1 : std::min(kMostPages, (first->matches + records - 1) / records);
  std::vector<std::vector<http::Request>> rest;
  for (std::uint64_t number = 2; number <= pages; ++number) rest.push_back(page_at(number));
  for (const Result<http::Response>& answer : fetcher_.fetch_all(std::move(rest), stop)) {
    Result<SearchPage> page = page_of(answer);
    if (!page) return tl::unexpected<Error>(page.error());
    records += page->records;
    std::move(page->datasets.begin(), page->datasets.end(), std::back_inserter(datasets));
  }
  if (records < first->matches) {
    return fail(Errc::corrupt, fmt::format("{} gave {} of {} datasets", base_, records, first->matches));
  }
  // A dataset that was added meanwhile moves others to the next page.
  std::sort(datasets.begin(), datasets.end(),
            [](const Dataset& one, const Dataset& other) { return one.id < other.id; });
  const auto repeated =
      std::unique(datasets.begin(), datasets.end(),
                  [](const Dataset& one, const Dataset& other) { return one.id == other.id; });
  datasets.erase(repeated, datasets.end());
  return datasets;
}

Result<std::optional<Dataset>> Search::by_id(std::string_view id, std::stop_token stop) {
  if (!is_dataset_id(id)) return std::optional<Dataset>{};
  // Without a status the search shows the latest calibration alone.
  for (const char* const status : {"", "&status=DEPRECATED", "&status=REMOVED"}) {
    const Result<SearchPage> page =
        page_of(fetcher_.fetch(request(fmt::format("?datasetIds={}{}", id, status)), stop));
    if (!page) return tl::unexpected<Error>(page.error());
    const auto found = std::find_if(page->datasets.begin(), page->datasets.end(),
                                    [id](const Dataset& dataset) { return dataset.id == id; });
    if (found != page->datasets.end()) return std::optional(*found);
  }
  return std::optional<Dataset>{};
}

Result<std::string> Search::collection(std::stop_token stop) {
  const Result<http::Response> answer = fetcher_.fetch(request("/config"), stop);
  if (!answer) return tl::unexpected<Error>(of_service(answer.error(), kService));
  return parse_collection_id(answer->body);
}

}  // namespace astrofs::dkist
