// Questions to MissionMAST, MAST's search by mission, and to its path_lookup. Part of type "hst"; asked
// through ask_together() (rounds.h), on the caller's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/mast_missions.h"
#include "backends/http/client.h"
#include "backends/rounds.h"

namespace astrofs::mast {

/// The files of one data set.
class ProductsQuestion final : public Question {
 public:
  /// `base`: of the archive, without a slash at its end. `data_set`: as MAST's tables write it.
  ProductsQuestion(std::string base, std::string mission, std::string data_set);
  [[nodiscard]] std::optional<http::Request> next() const override;
  void take(const Result<http::Response>& response) override;
  [[nodiscard]] const Result<std::vector<Product>>& products() const { return products_; }

 private:
  const std::string base_, mission_, data_set_;
  bool done_{false};
  Result<std::vector<Product>> products_;
};

/// A page of the data sets of a proposal.
class DataSetsQuestion final : public Question {
 public:
  /// So many rows a page: what the clients that the archive knows ask for, and the most that it gives.
  static constexpr std::size_t kPage = 5000;

  DataSetsQuestion(std::string base, std::uint32_t proposal, std::size_t offset);
  [[nodiscard]] std::optional<http::Request> next() const override;
  void take(const Result<http::Response>& response) override;
  [[nodiscard]] const Result<DataSets>& page() const { return page_; }

 private:
  const std::string base_;
  const std::uint32_t proposal_;
  const std::size_t offset_;
  bool done_{false};
  Result<DataSets> page_;
};

/// Where files lie that no rule places.
class PathsQuestion final : public Question {
 public:
  /// So many URIs at most: path_lookup says 414 to more.
  static constexpr std::size_t kMostUris = 40;

  /// `uris`: "mast:HST/product/NAME", of letters that need no percent sign.
  PathsQuestion(std::string base, std::vector<std::string> uris);
  [[nodiscard]] std::optional<http::Request> next() const override;
  void take(const Result<http::Response>& response) override;
  /// By URI; those that have none are not in it.
  [[nodiscard]] const Result<std::map<std::string, std::string>>& paths() const { return paths_; }

 private:
  const std::string base_;
  const std::vector<std::string> uris_;
  bool done_{false};
  Result<std::map<std::string, std::string>> paths_;
};

}  // namespace astrofs::mast
