// Type "dkist": the datasets of the Daniel K. Inouye Solar Telescope.
//
//   <ID>/NAME.asdf, <ID>/NAME.fits, <ID>/<ID>.mp4, <ID>/<ID>.pdf, <ID>/extra/NAME
//   <ID>/.select/<EXPR>/NAME.fits               links to the frames whose header cards satisfy EXPR
//   product/<L1-ID>, by-instrument/<NAME>/<ID>, by-target/<NAME>/<ID>     links to datasets
//
// The search says which datasets there are, a dataset's ASDF file which frames it has. Both, the report and
// the movie are anonymous; frames come from the Globus collection (dkist_globus; dkist_courier
// where it serves no HTTPS) or from a mirror.
//
// Locators: directories "dataset/ID", "product", "by-target/NAME" and so on; files "asdf/ID", "movie/ID",
// "report/ID" and "frame/<row>/<HDU>/<type>/<shape>/<bucket>/<proposal>/<ID>/NAME": where it lies, and what
// must be known of a missing frame without asking anybody; with "private/" before it while the dataset is
// under embargo. Owned by the mount; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/archive.h"
#include "backends/dkist_courier.h"
#include "backends/dkist_folders.h"
#include "backends/dkist_globus.h"
#include "backends/dkist_search.h"
#include "backends/dkist_tables.h"
#include "backends/http/fetcher.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs {

namespace dkist {
struct Sources {
  std::string datasets;  ///< the search, ".../datasets"
  std::string download;  ///< ASDF files, reports and movies, ".../download"
  std::string mirror;    ///< "" or where copies lie as <proposal>/<ID>/NAME
};
}  // namespace dkist

class DkistArchive final : public Archive {
 public:
  /// `fetcher` and `clock` outlive the archive.
  DkistArchive(dkist::Sources sources, dkist::Filter filter, dkist::GlobusAddresses globus,
               std::optional<dkist::LocalEndpoint> local, http::Fetcher& fetcher, const Clock& clock);

  void attach(const OwnFiles& files) override { tables_.attach(files); }
  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] bool finds(std::string_view dir) const override;
  /// Selections are made of the ASDF file.
  [[nodiscard]] bool lists_offline(std::string_view dir) const override;
  [[nodiscard]] bool finds_offline(std::string_view dir) const override;
  /// A dataset by its id, whatever the root shows; in a dataset's ".select" any selection.
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  /// Of frames that only the mirror can be asked for: who is refused one there is told why nobody else is.
  /// And of those of a login that has run out: who is refused one is asked for with a renewed one.
  [[nodiscard]] bool seeks(std::string_view locator) const override;
  [[nodiscard]] Result<std::vector<http::Request>> seek(std::string_view locator, bool again,
                                                        std::stop_token stop) override;
  /// Tokens are in headers.
  [[nodiscard]] bool signs_addresses(std::string_view) const override { return false; }
  [[nodiscard]] Courier* courier() override { return courier_ ? &*courier_ : nullptr; }
  [[nodiscard]] bool can_fetch(std::string_view locator) const override;
  /// Frames are read whole, those that a slice or a selection wants and no others.
  [[nodiscard]] bool fetches_ahead() const override { return false; }
  /// Frames and extras of a dataset under embargo are those of who has logged in.
  [[nodiscard]] std::string credential_scope(std::string_view locator) const override;
  void notice_login() override { globus_.notice_login(); }
  [[nodiscard]] bool login_runs_out() const override { return globus_.login_runs_out(); }
  void renew_login(std::stop_token stop) override { globus_.renew_login(std::move(stop)); }
  [[nodiscard]] Result<FrameShape> shape(std::string_view locator) const override;
  /// With the cards of its row in the ASDF file's table.
  [[nodiscard]] Result<FrameShape> describe(std::string_view locator) const override;

 private:
  Result<std::vector<dkist::Dataset>> datasets(bool recent_will_do, std::stop_token stop) EXCLUDES(mutex_);
  Result<std::variant<Listing, NotModified>> list_select(std::string_view dir, std::string_view token);
  /// The frames that `expression` selects, as links.
  Result<std::vector<Entry>> selected(std::string_view id, std::string_view expression);

  const dkist::Sources sources_;
  const Clock& clock_;
  dkist::Search search_;
  mutable dkist::Globus globus_;
  std::optional<dkist::GlobusCourier> courier_;
  dkist::Folders folders_;
  mutable dkist::Tables tables_;

  Mutex mutex_;
  /// The last answer of the search: the root and the directories of links are all made of it.
  std::optional<std::vector<dkist::Dataset>> recent_ GUARDED_BY(mutex_);
  SteadyTime asked_ GUARDED_BY(mutex_){};
};

}  // namespace astrofs
