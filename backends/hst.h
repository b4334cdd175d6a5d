// Type "hst": the Hubble Space Telescope by data set, the nine letters of its users, and by proposal.
//
//   <data set>/NAME              every file of it, of S3 and MAST together
//   proposal/<number>/<link>     to the data sets of a proposal
//
// There are a million data sets: "" and "proposal" show those that somebody has asked for. Locators:
// directories "set/j8pu0y010", "proposal" and "proposal/10775", files as in hst_files.h. Exclusive files are
// fetched with the token of whoever mounted, are shown to nobody else, and without a token are EACCES: they
// are there, and a blank picture in their place would be a lie. Owned by the mount; any thread.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "backends/archive.h"
#include "backends/asked.h"
#include "backends/hst_files.h"
#include "backends/http/fetcher.h"
#include "backends/pasted_token.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs {

class HstArchive final : public Archive {
 public:
  /// `login`: the file of MAST's token. `fetcher` and `clock` outlive the archive. Sets the hosts' budgets.
  HstArchive(StsciHosts hosts, std::string login, http::Fetcher& fetcher, const Clock& clock);

  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] bool finds(std::string_view dir) const override;
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  [[nodiscard]] std::string validator_origin() const override;
  [[nodiscard]] std::optional<Digest> digest(std::string_view validator) const override;
  [[nodiscard]] std::string credential_scope(std::string_view locator) const override;
  void notice_login() override { token_.notice(); }

 private:
  using DataSets = Asked<std::string, hst::Files>;
  using Proposals = Asked<std::uint32_t, std::vector<std::string>>;

  Result<std::variant<Listing, NotModified>> list_data_set(std::string_view name, std::string_view token,
                                                           std::stop_token stop);
  Result<std::variant<Listing, NotModified>> list_proposal(std::string_view name, std::string_view token,
                                                           std::stop_token stop);
  Result<std::optional<std::vector<std::string>>> ask_proposal(std::uint32_t number, std::stop_token stop)
      EXCLUDES(mutex_);
  [[nodiscard]] bool is_named(const std::string& data_set) const EXCLUDES(mutex_);

  const StsciHosts hosts_;
  const hst::FileSources sources_;
  PastedToken token_;
  DataSets data_sets_;
  Proposals proposals_;
  mutable Mutex mutex_;
  /// By proposals that were listed: `ls` of one looks where each link leads, and for none of them anybody
  /// need be asked whether it is there.
  std::unordered_set<std::string> named_ GUARDED_BY(mutex_);
};

}  // namespace astrofs
