#include "backends/mast_missions.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace astrofs::mast {
namespace {

/// For one request with its retries: a search that is silent for longer costs more than its callers wait.
constexpr std::chrono::seconds kPatience{15};
constexpr const char* kDataSet = "sci_data_set_name";
constexpr const char* kProposal = "sci_pep_id";

http::Request post(std::string url, const nlohmann::json& body) {
  http::Request request;
  request.method = http::Method::post;
  request.url = std::move(url);
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = body.dump();
  request.patience = kPatience;
  return request;
}

}  // namespace

ProductsQuestion::ProductsQuestion(std::string base, std::string mission, std::string data_set)
    : base_(std::move(base)), mission_(std::move(mission)), data_set_(std::move(data_set)) {}

std::optional<http::Request> ProductsQuestion::next() const {
  if (done_) return std::nullopt;
  return post(fmt::format("{}/search/{}/api/v0.1/post_list_products", base_, mission_),
              {{"dataset_ids", nlohmann::json::array({data_set_})}});
}

void ProductsQuestion::take(const Result<http::Response>& response) {
  done_ = true;
  products_ = response.and_then([](const http::Response& answer) { return parse_products(answer.body); });
}

DataSetsQuestion::DataSetsQuestion(std::string base, std::uint32_t proposal, std::size_t offset)
    : base_(std::move(base)), proposal_(proposal), offset_(offset) {}

std::optional<http::Request> DataSetsQuestion::next() const {
  if (done_) return std::nullopt;
  // In one order, or the pages would not be parts of one table.
  return post(base_ + "/search/hst/api/v0.1/search",
              {{"limit", kPage},
               {"offset", offset_},
               {"select_cols", nlohmann::json::array({kDataSet})},
               {"sort_by", nlohmann::json::array({kDataSet})},
               {"conditions", nlohmann::json::array({{{kProposal, std::to_string(proposal_)}}})}});
}

void DataSetsQuestion::take(const Result<http::Response>& response) {
  done_ = true;
  page_ =
      response.and_then([](const http::Response& answer) { return parse_data_sets(answer.body, kDataSet); });
}

PathsQuestion::PathsQuestion(std::string base, std::vector<std::string> uris)
    : base_(std::move(base)), uris_(std::move(uris)) {}

std::optional<http::Request> PathsQuestion::next() const {
  if (done_) return std::nullopt;
  http::Request request;
  request.url = base_ + "/api/v0.1/path_lookup/";
  char before = '?';
  for (const std::string& uri : uris_) {
    request.url += std::exchange(before, '&');
    request.url += "uri=" + uri;
  }
  request.patience = kPatience;
  return request;
}

void PathsQuestion::take(const Result<http::Response>& response) {
  done_ = true;
  paths_ = response.and_then([](const http::Response& answer) { return parse_paths(answer.body); });
}

}  // namespace astrofs::mast
