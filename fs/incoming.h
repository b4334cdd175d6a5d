// The folder of this machine into which a courier brings an archive's files. What an order brings lies below
// incoming/<id> until the order is done, and is moved to its place then: nothing at a place is ever a part of
// a file. Beside it lies the order in writing, so that one that outlives this program is found again. Owned
// by Orders; any thread, and all of it blocks on the disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/local.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace astrofs {

class Incoming {
 public:
  /// `folder` absolute. It need not be there yet.
  explicit Incoming(std::string folder) : folder_(std::move(folder)), files_(folder_) {}

  /// The file at its place. Errc::not_found: it is not there; stale: it has another size; unavailable: the
  /// folder itself is not there.
  [[nodiscard]] Result<UniqueFd> open(std::string_view place, std::uint64_t size) const;

  /// Below the folder: where the files of an order are brought.
  [[nodiscard]] static std::string below(const std::string& id);
  [[nodiscard]] Result<void> note(const std::string& id, std::string_view text) const;
  /// Orders that were noted and not forgotten. Very old ones are forgotten now.
  [[nodiscard]] std::vector<std::string> notes() const;
  /// Moves everything that an order has brought to its place.
  [[nodiscard]] Result<void> take_in(const std::string& id) const;
  /// The note, and what was not taken in.
  void forget(const std::string& id) const;

 private:
  const std::string folder_;
  const LocalArchive files_;
};

}  // namespace astrofs
