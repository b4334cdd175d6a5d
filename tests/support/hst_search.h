// HST as the stand-in archive plays it beside the bucket: MissionMAST's search and lists of products,
// path_lookup, and the files that MAST alone hands out, some of them to users it knows. Owned by an
// ArchiveSim; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tests/support/hst_data_set.h"
#include "tests/support/mast_gate.h"
#include "tests/support/sim_content.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

class HstSearch {
 public:
  /// Puts what is on S3 into the tree. Both outlive it.
  HstSearch(const HstOptions& options, ContentTree& tree, MastGate& gate);

  [[nodiscard]] static bool knows(std::string_view path);
  [[nodiscard]] Reply reply(const HttpRequest& request) EXCLUDES(mutex_);
  /// A file that lies nowhere else; `refusal` is filled where the asker may not have it.
  [[nodiscard]] ResourcePtr file(const HttpRequest& request, const std::string& name,
                                 std::optional<Reply>& refusal) const EXCLUDES(mutex_);
  /// POST /_sim/hst: {"release": DATA SET} (it is public from now on), {"page_rows": N} of a search,
  /// {"token": T}, {"revoke": true}.
  [[nodiscard]] Reply control(const HttpRequest& request) EXCLUDES(mutex_);
  [[nodiscard]] std::vector<HstDataSet> data_sets() const EXCLUDES(mutex_);
  void release(const std::string& name) EXCLUDES(mutex_);
  void set_page_rows(std::size_t rows) EXCLUDES(mutex_);

 private:
  [[nodiscard]] std::string products(const std::string& body) const REQUIRES(mutex_);
  [[nodiscard]] std::string search(const std::string& body) const REQUIRES(mutex_);
  [[nodiscard]] Reply paths(const HttpRequest& request) const REQUIRES(mutex_);

  const HstOptions options_;
  ContentTree& tree_;
  MastGate& gate_;
  mutable Mutex mutex_;
  std::vector<HstDataSet> sets_ GUARDED_BY(mutex_);
  std::size_t page_rows_ GUARDED_BY(mutex_){0};  ///< 0: as many as are asked for
};

}  // namespace astrofs::sim
