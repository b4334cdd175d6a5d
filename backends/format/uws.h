// Asynchronous jobs of the Virtual Observatory: the document of one, and lists of them. Lenient, as the
// services are: elements by their local names and in any order, what is not known passed over; the reason of
// a failure stands in errorSummary itself or in a message below it. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs::uws {

enum class Phase : std::uint8_t {
  pending,
  queued,
  executing,
  completed,
  error,
  aborted,
  archived,
  held,
  suspended,
  unknown  ///< also what no standard names
};

/// Of a name as it stands in documents and in answers to .../phase, with blanks around it.
[[nodiscard]] Phase phase_named(std::string_view text);
/// Will nothing become of the job any more, unless somebody runs it again?
[[nodiscard]] bool is_over(Phase phase);

struct Job {
  std::string id, run_id, owner;
  Phase phase{Phase::unknown};
  std::string error;                              ///< "" = none is told
  std::map<std::string, std::string> results;     ///< address by id
  std::map<std::string, std::string> parameters;  ///< by id; those without a value are left out
};

/// Errc::corrupt: no document of a job, or one that does not tell its phase.
[[nodiscard]] Result<Job> parse_job(std::string_view xml);

struct JobReference {
  std::string id, address, run_id;
  Phase phase{Phase::unknown};
};
/// Errc::corrupt: no list of jobs.
[[nodiscard]] Result<std::vector<JobReference>> parse_jobs(std::string_view xml);

}  // namespace astrofs::uws
