#include "backends/mast.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "backends/gone_service.h"
#include "backends/url.h"

namespace astrofs::mast {
namespace {

/// Rows of a page. As many as the clients that the archive knows ask for, so that every target has one page.
constexpr unsigned kPageSize = 50'000;
/// 500,000 rows: where the portal is said to break off by itself.
constexpr std::size_t kMostPages = 10;
/// How long the portal may hold a request before it says EXECUTING. Its own 20 seconds are as long as some
/// readers wait.
constexpr unsigned kHoldSeconds = 5;
/// Together a minute: a question that takes longer is none that a directory listing should ask.
constexpr unsigned kMostPosts = 12;
/// For one request with its retries: the hold and room for a slow answer.
constexpr std::chrono::seconds kPatience{15};
/// What the clients that the archive knows put into one request.
constexpr std::size_t kObservationsOfARequest = 500;

}  // namespace

Query::Query(std::string base, std::string service, std::string parameters)
    : base_(std::move(base)), service_(std::move(service)), parameters_(std::move(parameters)) {}

std::optional<http::Request> Query::next() const {
  if (done_) return std::nullopt;
  http::Request request;
  request.method = http::Method::post;
  request.url = base_ + "/api/v0/invoke";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "text/plain"}};
  request.body = "request=" +
                 url::encode_component(fmt::format(
                     R"({{"service":"{}","params":{},"format":"json","pagesize":{},"page":{},"timeout":{}}})",
                     service_, parameters_, kPageSize, page_, kHoldSeconds));
  request.patience = kPatience;
  return request;
}

void Query::take(const Result<http::Response>& response) {
  ++posts_;
  const auto added = response.and_then([](const http::Response& body) { return parse_answer(body.body); })
                         .and_then([this](Answer answer) { return add(std::move(answer)); });
  if (added) return;
  done_ = true;
  table_ = tl::unexpected<Error>(of_service(added.error(), "MAST's portal"));
}

Result<void> Query::add(Answer answer) {
  if (!answer.complete) {
    if (posts_ < kMostPosts) return {};
    return fail(Errc::timed_out, "MAST is still executing " + service_ + " after so many requests for it");
  }
  if (page_ == 1) {
    table_->columns = std::move(answer.table.columns);
  } else if (answer.table.columns != table_->columns) {
    return fail(Errc::corrupt, "the pages of MAST's answer to " + service_ + " have other columns each");
  }
  std::move(answer.table.rows.begin(), answer.table.rows.end(), std::back_inserter(table_->rows));
  done_ = page_ >= answer.pages;
  if (answer.pages > kMostPages) return fail(Errc::too_large, service_ + " of MAST has too many pages");
  ++page_;
  posts_ = 0;
  return {};
}

Query target_observations(const std::string& base, std::uint64_t tic) {
  const nlohmann::json parameters{
      {"columns", "*"},
      {"filters",
       {{{"paramName", "obs_collection"}, {"values", {"TESS"}}},
        {{"paramName", "target_name"}, {"values", nlohmann::json::array({std::to_string(tic)})}}}}};
  return {base, "Mast.Caom.Filtered", parameters.dump()};
}

std::vector<Query> products_of(const std::string& base, const std::vector<std::string>& observations) {
  std::vector<Query> queries;
  for (std::size_t at = 0; at < observations.size(); at += kObservationsOfARequest) {
    const std::size_t end = std::min(at + kObservationsOfARequest, observations.size());
    const auto first = observations.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = observations.begin() + static_cast<std::ptrdiff_t>(end);
    const nlohmann::json parameters{{"obsid", fmt::format("{}", fmt::join(first, last, ","))}};
    queries.emplace_back(base, "Mast.Caom.Products", parameters.dump());
  }
  return queries;
}

}  // namespace astrofs::mast
