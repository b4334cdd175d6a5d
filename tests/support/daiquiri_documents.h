// What Daiquiri writes: VOTables, error documents, jobs, CSV and FITS, each with its own oddities. Pure
// functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/daiquiri_query.h"

namespace astrofs::sim {

/// Status 400 and the like.
[[nodiscard]] std::string daiquiri_error(std::string_view message);

struct VotableTerms {
  std::string query, language;
  bool overflow{false};
  bool asynchronous{false};  ///< then no row means no DATA
};
/// The status comes behind the table.
[[nodiscard]] std::string daiquiri_votable(const QueryAnswer& answer, const VotableTerms& terms);
/// NULL as a word, CRLF.
[[nodiscard]] std::string daiquiri_csv(const QueryAnswer& answer);
/// A logo as the primary data, cards in no fixed format.
[[nodiscard]] std::string daiquiri_fits(const QueryAnswer& answer);

struct JobDocument {
  std::string id, url, run_id, owner, phase, error, query;
  bool has_rows{false};  ///< `rows` and `size` are known
  std::size_t rows{0}, size{0};
};
[[nodiscard]] std::string uws_job(const JobDocument& job);
[[nodiscard]] std::string uws_results(const JobDocument& job);
[[nodiscard]] std::string uws_parameters(const JobDocument& job);
[[nodiscard]] std::string uws_jobs(const std::vector<JobDocument>& jobs);
[[nodiscard]] std::string vosi_availability();
[[nodiscard]] std::string vosi_capabilities(std::string_view tap);

}  // namespace astrofs::sim
