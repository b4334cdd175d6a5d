// parse_job and parse_jobs: a job with a phase, a list, or a cause.
#include <cstdint>
#include <cstdlib>

#include "backends/format/uws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const auto job = astrofs::uws::parse_job(xml);
  const auto jobs = astrofs::uws::parse_jobs(xml);
  if (job && jobs) std::abort();
  if (!job && job.error().message.empty()) std::abort();
  if (!jobs && jobs.error().message.empty()) std::abort();
  if (job && job->error.size() + job->id.size() > size) std::abort();
  if (jobs && jobs->size() > size) std::abort();
  return 0;
}
