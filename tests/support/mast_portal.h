// MAST's portal API as the stand-in archive plays it: api/v0/invoke with observations and products of made-up
// targets, paging, EXECUTING before the answer, keys in changing order; and the description of its columns.
// Owned by an ArchiveSim; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tests/support/mast_target.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

struct PortalSettings {
  int executing{0};     ///< how often each question is answered with EXECUTING first
  int page_rows{0};     ///< at most so many rows a page; 0: as many as are asked for
  std::string error{};  ///< status ERROR with this text instead of an answer
};

class MastPortal {
 public:
  explicit MastPortal(std::vector<Target> targets) : targets_(std::move(targets)) {}

  [[nodiscard]] static bool knows(std::string_view path);
  [[nodiscard]] Reply reply(const HttpRequest& request) EXCLUDES(mutex_);
  /// /_sim/mast: POST {"executing":1,"page_rows":10,"error":"text"}.
  [[nodiscard]] Reply control(const HttpRequest& request) EXCLUDES(mutex_);
  void set(const PortalSettings& settings) EXCLUDES(mutex_);
  [[nodiscard]] const std::vector<Target>& targets() const { return targets_; }

 private:
  [[nodiscard]] std::string answer(const std::string& question) EXCLUDES(mutex_);

  const std::vector<Target> targets_;
  mutable Mutex mutex_;
  PortalSettings settings_ GUARDED_BY(mutex_);
  std::map<std::string, int> asked_ GUARDED_BY(mutex_);  ///< how often, by question
  unsigned answers_ GUARDED_BY(mutex_){0};
};

}  // namespace astrofs::sim
