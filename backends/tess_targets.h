// The targets of TESS by their number in its input catalog: the part "tic" of type "tess".
//
//   tic/<TIC>/NAME                 all products of a target, of every sector
//   tic/<TIC>/superseded/NAME      validations whose sectors a later run contains
//   tic/<TIC>/observations.csv     MAST's own tables
//   tic/<TIC>/products.csv
//
// There are millions of them: "tic" shows those that somebody has asked for. Locators: directories as above;
// files "tid/s0001/0000/0000/2513/2999/NAME", "product/NAME", and tables "table/<TIC>/observations". Owned by
// TessArchive; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/archive.h"
#include "backends/asked.h"
#include "backends/tess_target_files.h"
#include "base/clock.h"

namespace astrofs::tess {

inline constexpr std::string_view kTargets = "tic";

class Targets {
 public:
  Targets(Sources sources, http::Fetcher& fetcher, const Clock& clock);

  /// False: no source is configured that knows targets.
  [[nodiscard]] bool usable() const { return asked_of_.usable(); }
  [[nodiscard]] static bool knows(std::string_view dir);
  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop);
  /// In "tic": any target that has been observed.
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view name, std::stop_token stop);
  /// nullopt: not a locator of a target's file.
  [[nodiscard]] std::optional<std::vector<http::Request>> locate(std::string_view locator) const;

  [[nodiscard]] static bool is_table(std::string_view locator);
  [[nodiscard]] Result<std::string> table(std::string_view locator, std::stop_token stop);

 private:
  using Known = Asked<std::uint64_t, TargetFiles>;
  using Files = Known::Kept;

  const Sources sources_;
  TargetSources asked_of_;
  Known known_;
};

}  // namespace astrofs::tess
