// Files that no server hands out, but that a service copies into a folder of this machine when it is ordered
// to, many in one order. An archive that has such files describes here how they are ordered; who orders,
// waits and reads is fs (fs/orders). Owned by its archive; any thread, and what asks the service blocks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs {

/// One file, as the service and this machine call it.
struct Parcel {
  std::string batch;   ///< files of one batch go into one order: "pid_1_123/BEOGN"
  std::string source;  ///< at the archive
  std::string place;   ///< below the folder; single names and '/', no way up
};

struct PlacedOrder {
  std::string id;  ///< a UUID, in lower case
  std::vector<Parcel> parcels;
};

struct OrderProgress {
  enum class Phase : std::uint8_t { under_way, done, failed };
  Phase phase{Phase::under_way};
  bool held_up{false};  ///< it cannot get on, perhaps until somebody does something
  std::string words;    ///< how the service puts it: "ACTIVE", "GC_NOT_CONNECTED"
  std::uint64_t files_done{0}, bytes_done{0};
};

class Courier {
 public:
  virtual ~Courier() = default;

  /// nullopt: this file is fetched from where the archive locates it. Answered at once.
  [[nodiscard]] virtual std::optional<Parcel> parcel(std::string_view locator) const = 0;
  /// Where the service leaves what it brings; absolute. While an order is under way its files may be there in
  /// part: they are to be ordered to `below` and taken from there when it is done.
  [[nodiscard]] virtual const std::string& folder() const = 0;

  /// Bytes of a file that is ordered and whose size no listing gave. Errc::not_found: there is none at the
  /// archive.
  [[nodiscard]] virtual Result<std::uint64_t> size(const Parcel& parcel, std::stop_token stop) = 0;
  /// A UUID that no other order has.
  [[nodiscard]] virtual Result<std::string> new_id(std::stop_token stop) = 0;
  /// The order in writing: what place() sends, and what is kept of it should this program end meanwhile. Its
  /// files are brought to `below`/place in the folder.
  [[nodiscard]] virtual Result<std::string> write(const PlacedOrder& order, std::string_view below,
                                                  std::stop_token stop) = 0;
  [[nodiscard]] virtual Result<PlacedOrder> read(std::string_view text) const = 0;
  /// The service's name for it. The same text again is the same order again, and not another.
  /// Errc::not_found: by the service's own word there is no place that it names.
  [[nodiscard]] virtual Result<std::string> place(const std::string& text, std::stop_token stop) = 0;
  /// Errc::not_found: by its own word the service knows no such order (any more).
  [[nodiscard]] virtual Result<OrderProgress> progress(const std::string& name, std::stop_token stop) = 0;
  /// Of an order that is done: what it has left out, by source, and why. Errc::not_found: there is no such
  /// file at the archive.
  [[nodiscard]] virtual Result<std::map<std::string, Error>> left_out(const std::string& name,
                                                                      std::stop_token stop) = 0;
};

}  // namespace astrofs
