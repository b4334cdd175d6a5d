#include "backends/format/uws.h"

#include <array>
#include <utility>

#include "backends/format/xml_reader.h"

namespace astrofs::uws {
namespace {

/// A document of a job has some kilobytes; one that carries an uploaded query some more.
constexpr XmlLimits kLimits{.total = 16ULL << 20, .depth = 16, .text = 1ULL << 20};
/// Of one document: no list that is worth reading has more.
constexpr std::size_t kMostItems = 100'000;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string attribute(std::span<const XmlAttribute> attributes, std::string_view name) {
  for (const XmlAttribute& each : attributes) {
    if (each.name == name) return std::string(each.value);
  }
  return {};
}

/// Remembers the path of the open elements, and the attributes and text of the innermost one.
class Follower : public XmlHandler {
 public:
  Result<void> start_element(std::string_view name, std::span<const XmlAttribute> attributes) final {
    path_ += '/';
    path_ += name;
    text_.clear();
    return opened(path_, attributes);
  }
  Result<void> text(std::string_view text) final {
    text_ += text;
    return {};
  }
  Result<void> end_element(std::string_view) final {
    auto result = closed(path_, trimmed(text_));
    path_.resize(path_.rfind('/'));
    text_.clear();
    return result;
  }

 private:
  virtual Result<void> opened(std::string_view path, std::span<const XmlAttribute> attributes) = 0;
  virtual Result<void> closed(std::string_view path, std::string_view text) = 0;

  std::string path_, text_;
};

class JobReader final : public Follower {
 public:
  Result<Job> job() {
    if (!has_phase_) return fail(Errc::corrupt, "a job that does not tell its phase");
    return std::move(job_);
  }

 private:
  Result<void> opened(std::string_view path, std::span<const XmlAttribute> attributes) override {
    if (path != "/job" && !path.starts_with("/job/")) return fail(Errc::corrupt, "no document of a job");
    if (path == "/job/results/result") {
      if (job_.results.size() < kMostItems)
        job_.results[attribute(attributes, "id")] = attribute(attributes, "href");
    } else if (path == "/job/parameters/parameter") {
      parameter_ = attribute(attributes, "id");
    }
    return {};
  }
  Result<void> closed(std::string_view path, std::string_view text) override {
    if (path == "/job/phase") {
      job_.phase = phase_named(text);
      has_phase_ = true;
    } else if (path == "/job/jobId") {
      job_.id = text;
    } else if (path == "/job/runId") {
      job_.run_id = text;
    } else if (path == "/job/ownerId") {
      job_.owner = text;
    } else if ((path == "/job/errorSummary" || path == "/job/errorSummary/message") && !text.empty()) {
      job_.error = text;
    } else if (path == "/job/parameters/parameter" && !text.empty() && job_.parameters.size() < kMostItems) {
      job_.parameters[parameter_] = text;
    }
    return {};
  }

  Job job_;
  bool has_phase_{false};
  std::string parameter_;
};

class JobsReader final : public Follower {
 public:
  std::vector<JobReference> jobs;

 private:
  Result<void> opened(std::string_view path, std::span<const XmlAttribute> attributes) override {
    if (path != "/jobs" && !path.starts_with("/jobs/")) return fail(Errc::corrupt, "no list of jobs");
    if (path != "/jobs/jobref") return {};
    if (jobs.size() >= kMostItems) return fail(Errc::too_large, "a list of too many jobs");
    jobs.push_back({attribute(attributes, "id"), attribute(attributes, "href"), "", Phase::unknown});
    return {};
  }
  Result<void> closed(std::string_view path, std::string_view text) override {
    if (path == "/jobs/jobref/phase") jobs.back().phase = phase_named(text);
    if (path == "/jobs/jobref/runId") jobs.back().run_id = text;
    return {};
  }
};

}  // namespace

Phase phase_named(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Phase>, 9> kNames{{{"PENDING", Phase::pending},
                                                                      {"QUEUED", Phase::queued},
                                                                      {"EXECUTING", Phase::executing},
                                                                      {"COMPLETED", Phase::completed},
                                                                      {"ERROR", Phase::error},
                                                                      {"ABORTED", Phase::aborted},
                                                                      {"ARCHIVED", Phase::archived},
                                                                      {"HELD", Phase::held},
                                                                      {"SUSPENDED", Phase::suspended}}};
  for (const auto& [name, phase] : kNames) {
    if (trimmed(text) == name) return phase;
  }
  return Phase::unknown;
}

bool is_over(Phase phase) {
  return phase == Phase::completed || phase == Phase::error || phase == Phase::aborted ||
         phase == Phase::archived;
}

Result<Job> parse_job(std::string_view xml) {
  JobReader reader;
  if (auto read = read_xml(xml, reader, kLimits); !read) return tl::unexpected<Error>(read.error());
  return reader.job();
}

Result<std::vector<JobReference>> parse_jobs(std::string_view xml) {
  JobsReader reader;
  if (auto read = read_xml(xml, reader, kLimits); !read) return tl::unexpected<Error>(read.error());
  return std::move(reader.jobs);
}

}  // namespace astrofs::uws
