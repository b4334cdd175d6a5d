// Type "obstap": any archive of the Virtual Observatory that has a table of ObsCore behind TAP. Columns are
// the levels of the tree, in the order of the configuration; in the last level stand the files of the data
// sets, those of DataLink too: the data at the top, the rest in directories of what it is for.
//
//   PLATES/M31/GS00700/GS00700_x.fits
//   PLATES/M31/GS00700/preview/GS00700_x.jpg
//
// A level that has more values than are listed opens every one of them by its name. Owned by the mount; any
// thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/archive.h"
#include "backends/data_sets.h"
#include "backends/datalink.h"
#include "backends/http/fetcher.h"
#include "backends/obstap_place.h"
#include "backends/obstap_query.h"
#include "backends/vo_client.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs {

class ObstapArchive final : public Archive {
 public:
  struct Limits {
    std::size_t page{10'000};   ///< MAXREC of one query; what services answer within their time
    std::size_t names{30'000};  ///< of one level: more are nobody's to read
    std::size_t rows{20'000};   ///< data sets of one directory
    DataSets::Limits files{};
  };
  /// `base`: of the TAP service, without "/sync". `fetcher` and `clock` outlive the archive.
  ObstapArchive(std::string base, obstap::Table table, VoAccess access, http::Fetcher& fetcher,
                const Clock& clock, Limits limits);

  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] bool finds(std::string_view dir) const override;
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  /// To group millions of rows may take a service longer than anybody waits; to look for one value does not.
  [[nodiscard]] bool finds_first(std::string_view dir) const override { return finds(dir); }
  /// From what was learnt lately; unavailable when that is too long ago.
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  [[nodiscard]] bool seeks(std::string_view) const override { return true; }
  [[nodiscard]] Result<std::vector<http::Request>> seek(std::string_view locator, bool again,
                                                        std::stop_token stop) override;
  [[nodiscard]] std::string remark(std::string_view dir, std::string_view token) const override;
  [[nodiscard]] std::string credential_scope(std::string_view) const override { return client_.scope(); }
  [[nodiscard]] std::string advice() const override { return client_.advice(); }
  void notice_login() override EXCLUDES(mutex_);

 private:
  using Entries = std::vector<Entry>;
  struct Part {
    Entries entries;
    bool whole{true};
    std::uint64_t rows{0};  ///< data sets below
  };
  struct Rows {
    std::vector<datalink::Row> rows;
    bool whole{true};
  };
  Result<Part> values(const obstap::Place& place, const std::stop_token& stop);
  Result<Part> data_sets(const obstap::Place& place, const std::stop_token& stop);
  Result<Rows> rows(const obstap::Place& place, const std::stop_token& stop);
  Result<bool> is_number(const std::string& column, const std::stop_token& stop) EXCLUDES(mutex_);

  VoClient client_;
  const obstap::Table table_;
  const Clock& clock_;
  const Limits limits_;

  DataSets files_;

  mutable Mutex mutex_;
  std::unordered_map<std::string, SteadyTime> complete_ GUARDED_BY(mutex_);  ///< levels listed whole
  std::unordered_map<std::string, bool> numbers_ GUARDED_BY(mutex_);         ///< columns that were asked for
};

}  // namespace astrofs
