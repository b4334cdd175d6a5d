// Questions to a TAP service, synchronous ones, and what any service of the Virtual Observatory answers with
// a VOTable (DataLink, SIA). Real servers answer 200 to a query that they cannot read and 400 or 500 with a
// table: the body is heard first. Part of types "obstap" and "applause". Blocks; any thread but the client's.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/votable.h"
#include "backends/http/fetcher.h"

namespace astrofs::tap {

struct Query {
  std::string adql;
  std::optional<std::uint64_t> most_rows{};  ///< MAXREC: beyond it the answer says OVERFLOW
  std::string language{"ADQL"};
  std::vector<http::Header> headers{};  ///< credentials
  std::string format{};                 ///< RESPONSEFORMAT; "" = the service's own
  bool is_slow{false};                  ///< http::Request::is_slow
};

/// The VOTable that is shortest, and tells what has no value; a service may answer with another all the same.
inline constexpr std::string_view kBinaryVotable = "application/x-votable+xml;serialization=BINARY2";

/// An answer in memory. Cells without value are nullopt.
struct Answer {
  VoTable table;
  std::vector<std::vector<std::optional<std::string>>> rows;
  bool overflow{false};  ///< there are more rows at the service
  bool stated{false};    ///< it has QUERY_STATUS, which every answer to a query must have
  std::vector<VoService> services;

  /// The cell of that column, "" where there is no such column or no value.
  [[nodiscard]] std::string_view text(std::size_t row, std::optional<std::size_t> column) const;
};

/// `base`: of the service, without "/sync". A POST: addresses may not be as long as queries.
[[nodiscard]] http::Request sync_request(const std::string& base, const Query& query);
/// The same for a service that is asked with parameters in its address, which is complete.
[[nodiscard]] http::Request get_request(std::string address);
/// Is an address in an answer of that service a stranger's word (http::Request::from_stranger)? Not where the
/// service itself is on this machine, or the address is at the service.
[[nodiscard]] bool is_strangers(std::string_view base, std::string_view address);

/// What an answer to such a request says; rows go to `handler` as they are read. Errors: denied, invalid (the
/// service refuses the query, and says why), unavailable (it cannot answer now), corrupt (no such answer, cut
/// off), too_large.
[[nodiscard]] Result<VoOutcome> read_answer(const http::Response& response, VoTableHandler& handler);
/// Did an answer that is an error say that there was not time enough for the query?
[[nodiscard]] bool took_too_long(const Error& error);
[[nodiscard]] Result<Answer> read_answer(const Result<http::Response>& response);

[[nodiscard]] Result<Answer> ask(http::Fetcher& fetcher, const std::string& base, const Query& query,
                                 std::stop_token stop);

/// An answer to a question for so many rows. Where a service gives more all the same, the first of them are
/// kept and it is an overflow, so that memory is bounded by what was asked for.
[[nodiscard]] Result<Answer> read_answer(const Result<http::Response>& response, std::uint64_t most_rows);

/// A text as ADQL writes it: in quotes, those within doubled.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace astrofs::tap
