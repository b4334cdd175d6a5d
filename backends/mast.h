// Questions to MAST's portal API, api/v0/invoke: what the Mikulski Archive knows of observations and their
// products. Part of type "tess"; asked through ask_together() (rounds.h), on the caller's thread.
//
// The portal holds a request for some seconds and then says EXECUTING: the very same request is sent again,
// so many times at most. A table comes in pages. Every request has the archive's own deadline, so that a
// portal that is silent costs less than its callers wait.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/mast_json.h"
#include "backends/http/client.h"
#include "backends/rounds.h"

namespace astrofs::mast {

class Query final : public Question {
 public:
  /// `base`: of the archive, without a slash at its end. `parameters`: a JSON object, as the service wants
  /// it.
  Query(std::string base, std::string service, std::string parameters);

  [[nodiscard]] std::optional<http::Request> next() const override;
  void take(const Result<http::Response>& response) override;
  /// All pages, once it has been asked to its end.
  [[nodiscard]] const Result<Table>& table() const { return table_; }

 private:
  Result<void> add(Answer answer);

  const std::string base_, service_, parameters_;
  std::size_t page_{1};
  unsigned posts_{0};  ///< of this page
  bool done_{false};
  Result<Table> table_;
};

/// What TESS observed of a target: one row for each sector and for each run of data validation.
[[nodiscard]] Query target_observations(const std::string& base, std::uint64_t tic);

/// The files of observations; as many questions as that takes. `observations`: numbers ("obsid").
[[nodiscard]] std::vector<Query> products_of(const std::string& base,
                                             const std::vector<std::string>& observations);

}  // namespace astrofs::mast
