#include "tests/support/daiquiri_jobs.h"

#include <fmt/format.h>

#include <algorithm>

namespace astrofs::sim {
namespace {

constexpr std::size_t kBytesOfARow = 600;  ///< in the database

bool is_active(const std::string& phase) {
  return phase == "QUEUED" || phase == "EXECUTING";
}

std::string new_id(std::size_t number) {
  return fmt::format("6f1d3a2e-3c0b-4f53-9b0e-{:012x}", number + 1);
}

}  // namespace

JobDocument DaiquiriJobs::describe(const std::string& id, Job& job, const DaiquiriSettings& settings) const {
  if (job.phase == "EXECUTING" && std::chrono::steady_clock::now() - job.began >= settings.job_time)
    job.phase = settings.job_error.empty() ? "COMPLETED" : "ERROR";
  JobDocument document;
  document.id = id;
  document.run_id = job.run_id;
  document.owner = job.owner.empty() ? "anonymous" : job.owner;
  document.phase = job.phase;
  document.query = job.query;
  if (job.phase == "ERROR") document.error = settings.job_error;
  document.has_rows = job.phase == "COMPLETED";
  document.rows = job.rows;
  document.size = job.size;
  return document;
}

Result<std::string> DaiquiriJobs::create(const Order& order, const DaiquiriSettings& settings) {
  const Result<QueryAnswer> answer = run_query(order.query, shelf_);
  if (!answer) return tl::unexpected<Error>(answer.error());
  const MutexLock lock(mutex_);
  std::size_t used = 0;
  for (auto& [id, job] : jobs_) {
    if (job.owner != order.owner || job.phase == "ARCHIVED") continue;
    (void)describe(id, job, settings);
    used += job.size;
    if (order.owner.empty() && is_active(job.phase))
      return fail(Errc::invalid,
                  "QUERY: Too many active jobs. Please abort some of your active jobs or wait until they are "
                  "completed.");
  }
  if (used > settings.quota)
    return fail(Errc::invalid, "QUERY: Quota is exceeded. Please remove some of your jobs.");
  Job job;
  job.owner = order.owner;
  job.query = order.query;
  job.run_id = order.run_id;
  job.most_rows = order.most_rows;
  job.rows = answer->rows.size();
  if (job.most_rows > 0) job.rows = std::min(job.rows, job.most_rows);
  job.size = job.rows * kBytesOfARow;
  if (order.run) {
    job.phase = "EXECUTING";
    job.began = std::chrono::steady_clock::now();
  }
  const std::string id = new_id(jobs_.size());
  jobs_[id] = std::move(job);
  return id;
}

std::optional<JobDocument> DaiquiriJobs::document(const std::string& id, const std::string& owner,
                                                  const DaiquiriSettings& settings) {
  const MutexLock lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end() || found->second.owner != owner) return std::nullopt;
  return describe(id, found->second, settings);
}

void DaiquiriJobs::run(const std::string& id) {
  const MutexLock lock(mutex_);
  Job& job = jobs_[id];
  if (job.phase != "PENDING") return;
  job.phase = "EXECUTING";
  job.began = std::chrono::steady_clock::now();
}

void DaiquiriJobs::abort(const std::string& id) {
  const MutexLock lock(mutex_);
  jobs_[id].phase = "ABORTED";
}

void DaiquiriJobs::archive(const std::string& id) {
  const MutexLock lock(mutex_);
  jobs_[id].phase = "ARCHIVED";
  jobs_[id].size = 0;
}

std::optional<QueryAnswer> DaiquiriJobs::result(const std::string& id, const std::string& files,
                                                const DaiquiriSettings& settings) {
  std::string query;
  std::size_t rows = 0;
  {
    const MutexLock lock(mutex_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || describe(id, found->second, settings).phase != "COMPLETED")
      return std::nullopt;
    query = found->second.query;
    rows = found->second.rows;
  }
  Result<QueryAnswer> answer = run_query(query, shelf_);
  if (!answer) return std::nullopt;
  answer->rows.resize(std::min(rows, answer->rows.size()));
  answer->rows.resize(answer->rows.size() - std::min(settings.dropped, answer->rows.size()));
  for (std::size_t i = 0; i < answer->columns.size(); ++i) {
    if (answer->columns[i].ucd.find("meta.ref") == std::string::npos) continue;
    for (PlateRow& row : answer->rows) {
      if (row[i]) row[i] = files + *row[i];
    }
  }
  return std::move(*answer);
}

std::vector<JobDocument> DaiquiriJobs::all(const std::string& owner, const DaiquiriSettings& settings) {
  const MutexLock lock(mutex_);
  std::vector<JobDocument> found;
  for (auto& [id, job] : jobs_) {
    if (job.owner == owner && job.phase != "ARCHIVED") found.push_back(describe(id, job, settings));
  }
  return found;
}

std::size_t DaiquiriJobs::created() const {
  const MutexLock lock(mutex_);
  return jobs_.size();
}

std::size_t DaiquiriJobs::unarchived() const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(jobs_, [](const auto& row) { return row.second.phase != "ARCHIVED"; }));
}

}  // namespace astrofs::sim
