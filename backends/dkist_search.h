// The DKIST data centre's search: which datasets there are, and one by its id. Anonymous, JSON, paged.
// For type "dkist" alone. Blocks; any thread but the client's.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/dkist_inventory.h"
#include "backends/http/fetcher.h"

namespace astrofs::dkist {

/// What the root shows; any dataset is there by its id.
struct Filter {
  bool embargoed{false};   ///< those too that only their investigators may fetch
  std::string instrument;  ///< "" = any
  std::string status;      ///< ACTIVE, DEPRECATED or REMOVED; "" = what the data centre shows, ACTIVE
};

class Search {
 public:
  /// `base`: ".../datasets".
  Search(std::string base, Filter filter, http::Fetcher& fetcher);

  /// Every dataset the filter lets through, by id. An error when a page fails or the answer changes on the
  /// way.
  [[nodiscard]] Result<std::vector<Dataset>> all(std::stop_token stop);
  /// nullopt: the data centre knows none of this id, whatever its status.
  [[nodiscard]] Result<std::optional<Dataset>> by_id(std::string_view id, std::stop_token stop);
  /// The Globus collection that has the frames.
  [[nodiscard]] Result<std::string> collection(std::stop_token stop);

 private:
  [[nodiscard]] std::vector<http::Request> request(const std::string& query) const;

  const std::string base_;
  const std::string filter_;  ///< as a query
  http::Fetcher& fetcher_;
};

}  // namespace astrofs::dkist
