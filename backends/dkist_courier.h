// DKIST's frames by Transfer: Globus copies them from the collection into a folder of its user's own end
// point (Globus Connect Personal). For type "dkist" alone. Any thread; what asks Globus blocks.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/courier.h"
#include "backends/dkist_globus.h"
#include "backends/format/globus_ls.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs::dkist {

/// Where Globus may write on this machine.
struct LocalEndpoint {
  std::string id;      ///< UUID of the end point
  std::string folder;  ///< as this machine calls it; absolute, no '/' at its end
  std::string path;    ///< as the end point calls it: "/~/astrofs"; no '/' at its end
  bool always{false};  ///< even where the collection serves HTTPS
};

class GlobusCourier final : public Courier {
 public:
  /// `globus` and `clock` outlive it.
  GlobusCourier(LocalEndpoint endpoint, Globus& globus, const Clock& clock)
      : endpoint_(std::move(endpoint)), globus_(globus), clock_(clock) {}

  [[nodiscard]] std::optional<Parcel> parcel(std::string_view locator) const override;
  [[nodiscard]] const std::string& folder() const override { return endpoint_.folder; }
  /// One listing of the folder serves all of its files for a while.
  [[nodiscard]] Result<std::uint64_t> size(const Parcel& parcel, std::stop_token stop) override
      EXCLUDES(mutex_);
  [[nodiscard]] Result<std::string> new_id(std::stop_token stop) override;
  [[nodiscard]] Result<std::string> write(const PlacedOrder& order, std::string_view below,
                                          std::stop_token stop) override;
  [[nodiscard]] Result<PlacedOrder> read(std::string_view text) const override;
  [[nodiscard]] Result<std::string> place(const std::string& text, std::stop_token stop) override;
  [[nodiscard]] Result<OrderProgress> progress(const std::string& name, std::stop_token stop) override;
  [[nodiscard]] Result<std::map<std::string, Error>> left_out(const std::string& name,
                                                              std::stop_token stop) override;

 private:
  const LocalEndpoint endpoint_;
  Globus& globus_;
  const Clock& clock_;
  Mutex mutex_;  ///< held while Globus is asked: the others want the same answer
  std::string folder_ GUARDED_BY(mutex_);
  std::vector<globus::FolderEntry> files_ GUARDED_BY(mutex_);  ///< of that folder, by name
  SteadyTime listed_ GUARDED_BY(mutex_){};
};

}  // namespace astrofs::dkist
