// Type "applause": the photographic plates of APPLAUSE, data release 4.
//
//   dr4/<archive>/<plate>/, plate/<plate>/, sequences/<name>/
//
// A plate's directory holds its scans, its pictures, plate.json, and the tables of the sources on it,
// sources_<plate>.csv and sources_calib_<plate>.csv, both as .fits too. plate/ shows those that were asked
// for; a sequence, a list of plates of the configuration, is the union of their files.
//
// Locators: directories "dr4", "dr4/102", "plate", "plate/9319", "sequences", "sequences/NAME"; files
// "scan/<columns>/<rows>/PATH", "picture/PATH", "json/<plate>", "csv/source/<plate>" and
// "fits/source/<plate>", the same of "source_calib"; PATH below ".../files/". A file has one locator wherever
// it is shown, so that it is fetched once. Owned by the mount; any thread.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "backends/applause_plates.h"
#include "backends/applause_tables.h"
#include "backends/archive.h"
#include "backends/asked.h"
#include "backends/http/fetcher.h"
#include "backends/pasted_token.h"
#include "backends/tap_jobs.h"
#include "base/clock.h"

namespace astrofs {

class ApplauseArchive final : public Archive {
 public:
  using Sequences = std::map<std::string, std::vector<applause::PlateId>>;

  /// `url`: of the archive's host. `login`: the file of a token. `fetcher` and `clock` outlive the archive.
  ApplauseArchive(std::string url, Sequences sequences, std::string login, http::Fetcher& fetcher,
                  const Clock& clock);

  void keep_errands_in(Errands& errands) override { jobs_.attach(errands); }
  void end_errands(const std::stop_token& stop) override { jobs_.end_those_left(stop); }

  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] bool finds(std::string_view dir) const override { return dir == "plate"; }
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  [[nodiscard]] bool makes(std::string_view locator) const override;
  [[nodiscard]] Result<std::string> make(std::string_view locator, std::stop_token stop) override;
  /// A scan has some hundred megabytes, and each request of a file is a row in the archive's statistics.
  [[nodiscard]] std::uint64_t least_request(std::string_view locator) const override;
  [[nodiscard]] std::optional<FitsSums> fits_sums(std::string_view validator) const override;
  [[nodiscard]] bool fetches_ahead() const override { return false; }
  [[nodiscard]] Result<FrameShape> shape(std::string_view locator) const override;
  /// While there is a token it goes with every request, so nobody can tell what would have come without it.
  [[nodiscard]] std::string credential_scope(std::string_view) const override;
  [[nodiscard]] std::string advice() const override;
  void notice_login() override {
    tables_.forget_old();
    if (!token_.notice()) return;
    tables_.forget_all();  // who asks now may be told something else
    asked_.forget();
    is_somebody_new_ = true;
  }
  [[nodiscard]] bool takes_up_errands() override { return is_somebody_new_.exchange(false); }

 private:
  [[nodiscard]] Result<std::vector<Entry>> entries(std::string_view dir, std::stop_token stop) const;
  [[nodiscard]] Result<std::vector<Entry>> files_of(const std::vector<applause::PlateId>& ids, bool several,
                                                    std::stop_token stop) const;

  const Sequences sequences_;
  PastedToken token_;
  std::atomic<bool> is_somebody_new_{false};
  const applause::Plates plates_;
  tap::Jobs jobs_;
  applause::SourceTables tables_;
  Asked<applause::PlateId, applause::PlateId> asked_;  ///< plates that were asked for by number
};

}  // namespace astrofs
