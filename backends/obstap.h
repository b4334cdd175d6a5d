// Type "obstap": any archive of the Virtual Observatory that has a table of ObsCore behind TAP. Columns are
// the levels of the tree, in the order of the configuration; in the last level stand the files of the data
// sets, those of DataLink too: the data at the top, the rest in directories of what it is for.
//
//   PLATES/M31/GS00700/GS00700_x.fits
//   PLATES/M31/GS00700/preview/GS00700_x.jpg
//
// A level that has more values than are listed opens every one of them by its name, and the last level its
// data sets where it has more than are listed, by the part of their identifiers that is their name. Owned by
// the mount; any thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/archive.h"
#include "backends/asked.h"
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
    std::size_t page{10'000};      ///< MAXREC of one query; what services answer within their time
    std::size_t names{30'000};     ///< of one level: more are nobody's to read
    std::size_t rows{20'000};      ///< data sets of one directory
    std::size_t namesakes{1'000};  ///< data sets that one name may be of
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
  [[nodiscard]] bool finds_first(std::string_view dir) const override;
  [[nodiscard]] bool lists_all(std::string_view dir, std::string_view token) const override;
  /// From what was learnt lately; unavailable when that is too long ago.
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  [[nodiscard]] bool seeks(std::string_view) const override { return true; }
  [[nodiscard]] Result<std::vector<http::Request>> seek(std::string_view locator, bool again,
                                                        std::stop_token stop) override;
  [[nodiscard]] std::string remark(std::string_view dir, std::string_view token) const override;
  [[nodiscard]] std::string credential_scope(std::string_view) const override { return client_.scope(); }
  [[nodiscard]] std::string advice() const override { return client_.advice(); }
  void notice_login() override;

 private:
  using Part = DataSets::Listed;
  [[nodiscard]] bool is_level(const obstap::Place& place) const {
    return place.levels.size() < table_.levels.size();
  }
  Result<tap::Answer> ask_slowly(std::string query, const std::stop_token& stop);
  Result<Part> values(const obstap::Place& place, const std::stop_token& stop) EXCLUDES(mutex_);
  Result<Part> data_sets(const obstap::Place& place, const std::stop_token& stop);
  Result<DataSets::Rows> rows(const obstap::Place& place, const std::stop_token& stop);
  Result<std::optional<Entry>> find_value(const obstap::Place& place, std::string_view name,
                                          const std::stop_token& stop);
  Result<std::optional<Entry>> find_data_set(const obstap::Place& place, std::string_view name,
                                             const std::stop_token& stop);
  Result<obstap::Kind> kind_of(const std::string& column, const std::stop_token& stop) EXCLUDES(mutex_);

  VoClient client_;
  const obstap::Table table_;
  const Limits limits_;

  DataSets files_;
  Asked<std::string, Entry> asked_;  ///< by directory and name

  mutable Mutex mutex_;
  std::unordered_map<std::string, obstap::Kind> kinds_ GUARDED_BY(mutex_);  ///< as columns were answered
};

}  // namespace astrofs
