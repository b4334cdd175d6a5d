// Type "tap": any service of tables, where each file is the answer to a query.
//
//   near_10.68_41.27_0.1.fits     a name of the pattern near_{ra}_{dec}_{radius}.fits: found by its name, and
//                                 listed from then on
//   bright.csv                    a pattern without fields: listed
//
// Which query belongs to a name the configuration says; nobody is asked for a name that fits none. A file is
// made when somebody looks at its size. It stays what it is until it is refreshed, or its age says so: then
// it is asked for again, and is another version where it has other bytes.
//
// A locator is the file's name. Owned by the mount; any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/query_file.h"
#include "backends/http/fetcher.h"
#include "backends/tap_jobs.h"
#include "backends/tap_tables.h"
#include "backends/vo_client.h"
#include "base/clock.h"

namespace astrofs {

class TapArchive final : public Archive {
 public:
  /// `url`: of the service; `files`: of which no two mean one name; `good_for`: how old an answer may be.
  /// Both others outlive the archive.
  TapArchive(std::string url, std::vector<QueryFile> files, std::chrono::seconds good_for, VoAccess access,
             http::Fetcher& fetcher, const Clock& clock, tap::Tables::Limits limits = {});

  void attach(const OwnFiles& files) override { own_ = &files; }
  void keep_errands_in(Errands& errands) override { jobs_.attach(errands); }
  void end_errands(const std::stop_token& stop) override { jobs_.end_those_left(stop); }

  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] bool finds(std::string_view dir) const override;
  /// A name that fits a pattern is there: nobody is asked.
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  [[nodiscard]] bool finds_offline(std::string_view) const override { return true; }
  [[nodiscard]] bool lists_offline(std::string_view) const override { return true; }
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  [[nodiscard]] std::string remark(std::string_view dir, std::string_view token) const override;
  [[nodiscard]] bool makes(std::string_view locator) const override;
  [[nodiscard]] Result<std::string> make(std::string_view locator, std::stop_token stop) override;
  [[nodiscard]] std::optional<std::chrono::seconds> made_good_for(std::string_view locator) const override;
  void make_anew(std::string_view locator) override;
  [[nodiscard]] bool fetches_ahead() const override { return false; }
  [[nodiscard]] std::string credential_scope(std::string_view) const override { return client_.scope(); }
  [[nodiscard]] std::string advice() const override { return client_.advice(); }
  void notice_login() override;
  [[nodiscard]] bool takes_up_errands() override { return is_somebody_new_.exchange(false); }

 private:
  [[nodiscard]] const QueryFile* file_of(std::string_view name) const;

  const std::vector<QueryFile> files_;
  const std::chrono::seconds good_for_;
  const OwnFiles* own_{nullptr};
  std::atomic<bool> is_somebody_new_{false};
  VoClient client_;
  tap::Jobs jobs_;
  tap::Tables tables_;
};

}  // namespace astrofs
