#include "tests/support/vo_jobs.h"

#include <fmt/format.h>

#include <vector>

#include "tests/support/daiquiri_documents.h"

namespace astrofs::sim {
namespace {

std::string field(const HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : parse_form(request.body)) {
    if (key == name) return value;
  }
  return {};
}

Reply lead_to(const std::string& address) {
  Reply reply = text_reply(303, "see there\n", "text/plain");
  reply.set_header("Location", address);
  return reply;
}

}  // namespace

std::size_t VoJobs::left() const {
  const MutexLock lock(mutex_);
  return jobs_.size();
}
std::size_t VoJobs::made() const {
  const MutexLock lock(mutex_);
  return made_;
}

Reply VoJobs::make(const HttpRequest& request, const std::string& address, const VoJobSettings& settings) {
  const MutexLock lock(mutex_);
  const std::string id = fmt::format("job{}", ++made_);
  const bool runs = field(request, "PHASE") == "RUN" && !settings.waits_to_be_run;
  jobs_[id] = {request, field(request, "RUNID"), runs, 0};
  const std::size_t path = address.find('/', std::string_view("http://").size());
  return lead_to((settings.relative ? address.substr(path) : address) + "/" + id);
}

Reply VoJobs::reply(const HttpRequest& request, const std::string& path, const std::string& address,
                    const VoJobSettings& settings, const Answer& answer) {
  if (!settings.offered) return error_reply(404, request.path);
  if (path.empty() && request.method == "POST") return make(request, address, settings);
  std::string id = path.substr(std::min<std::size_t>(1, path.size()));
  const std::string below = id.substr(std::min(id.find('/'), id.size()));
  id.resize(id.size() - below.size());
  HttpRequest asked;
  {
    const MutexLock lock(mutex_);
    const auto document = [&](const std::string& name, const Job& job) {
      const bool done = job.runs && job.looks > settings.looks;
      JobDocument out;
      out.id = name;
      out.url = address + "/" + name;
      out.run_id = job.run_id;
      out.phase = done ? "COMPLETED" : job.runs ? "EXECUTING" : "PENDING";
      return out;
    };
    if (path.empty()) {
      std::vector<JobDocument> all;
      for (const auto& [name, job] : jobs_) all.push_back(document(name, job));
      return text_reply(200, uws_jobs(all), "text/xml");
    }
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return error_reply(404, request.path);
    if (request.method == "POST" && field(request, "ACTION") == "DELETE") {
      jobs_.erase(found);
      return lead_to(address);
    }
    if (request.method == "POST" && field(request, "PHASE") == "RUN") {
      found->second.runs = true;
      return lead_to(address + "/" + id);
    }
    if (below.empty()) {
      ++found->second.looks;
      return text_reply(200, uws_job(document(id, found->second)), "text/xml");
    }
    if (below != "/results/result") return error_reply(404, request.path);
    asked = found->second.made_by;
  }
  return text_reply(200, answer(asked), "application/x-votable+xml");
}

}  // namespace astrofs::sim
