// Files of data sets that a service of the Virtual Observatory describes in rows of ObsCore: what they are
// called, in which directory they stand, and where they are at the moment. Part of types "obstap" and "sia2".
// Blocks; any thread but the client's.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/archive.h"
#include "backends/datalink.h"
#include "backends/obstap_place.h"
#include "backends/product_addresses.h"
#include "backends/vo_client.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs {

class DataSets {
 public:
  struct Limits {
    std::size_t documents{32};     ///< of DataLink, asked for one listing; more become directories
    std::size_t names_to_ask{32};  ///< addresses without a name that are asked for one
  };
  /// `client`: of the service. Both outlive it.
  DataSets(VoClient& client, const Clock& clock, Limits limits)
      : client_(client), clock_(clock), limits_(limits), addresses_(clock) {}

  struct Rows {
    std::vector<datalink::Row> rows;
    bool whole{true};  ///< false: there are more at the service
  };
  struct Listed {
    std::vector<Entry> entries;
    std::uint64_t rows{0};  ///< data sets of which they are
    bool whole{true};
  };
  /// What stands in the directory `place` (its semantics included), of which these are the rows.
  [[nodiscard]] Result<Listed> entries(const obstap::Place& place, Rows rows, std::stop_token stop)
      EXCLUDES(mutex_);
  /// What stands in a folder of semantics, where the directory above it was listed a moment ago; nullopt: the
  /// service must be asked. Each folder is given once, so that who lists it again asks again.
  [[nodiscard]] std::optional<Result<Listed>> entries_of_late(const obstap::Place& place,
                                                              std::stop_token stop) EXCLUDES(mutex_);
  /// One name of a directory of so many data sets that those with documents are directories. `rows`: those
  /// that it may be of.
  [[nodiscard]] Result<std::optional<Entry>> named(const obstap::Place& place, std::string_view name,
                                                   std::vector<datalink::Row> rows, std::stop_token stop)
      EXCLUDES(mutex_);
  /// From what was learnt lately; unavailable when that is too long ago.
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) const;
  /// Of the rows of its data set, as they are now. `again`: the address that it had is refused.
  [[nodiscard]] Result<std::vector<http::Request>> seek(const obstap::Place& file,
                                                        const std::vector<datalink::Row>& rows, bool again,
                                                        std::stop_token stop);
  /// The addresses of all files of these rows, of a level, for which no document need be asked: who reads one
  /// file of a directory is about to read the others. `again`: as for seek().
  void learn(const obstap::Place& level, std::vector<datalink::Row> rows, bool again);
  /// Is an address known with which locate() need not be helped by seek()? `again`: one was refused.
  [[nodiscard]] bool knows(std::string_view locator, bool again) const {
    return again ? addresses_.is_renewed(locator) : addresses_.of(locator).has_value();
  }
  /// Addresses that were learnt: who logs in anew may be given others.
  void forget() EXCLUDES(mutex_);

 private:
  /// A file of a data set, and where it is at the moment.
  struct Found {
    obstap::Place place;
    std::string url, type, obs_id, name;
    std::optional<std::uint64_t> size{};
  };
  /// Of a directory that was listed lately.
  struct Late {
    std::vector<Found> files;
    std::uint64_t rows{0};
    bool whole{true};
    SteadyTime learnt{};
    std::set<std::string> given{};  ///< folders
  };
  static void tell_apart(std::vector<Found>& files);
  static Result<Found> match(std::vector<Found> files, const obstap::Place& file);
  [[nodiscard]] static std::vector<Entry> directories(const obstap::Place& place,
                                                      const std::vector<datalink::Row>& rows);
  Result<std::vector<Found>> files(const obstap::Place& place, const std::vector<datalink::Row>& rows,
                                   std::stop_token stop) const;
  /// Servers are asked for names of what stands in the folder `shown`.
  Result<void> ask_names(std::vector<Found>& files, std::string_view shown, std::stop_token stop) const;
  static void give_names(std::vector<Found>& files);
  std::vector<Entry> show(const obstap::Place& place, std::vector<Found> files) EXCLUDES(mutex_);
  void remember(const std::vector<Found>& files, bool renewed = false);
  void keep(const obstap::Place& top, Late late) EXCLUDES(mutex_);

  VoClient& client_;
  const Clock& clock_;
  const Limits limits_;

  ProductAddresses addresses_;

  mutable Mutex mutex_;
  std::unordered_map<std::string, Late> late_ GUARDED_BY(mutex_);  ///< by the directory's locator
};

}  // namespace astrofs
