// The answers of the DKIST data centre's search and of Globus that say what there is and where: JSON in,
// values out. Pure; any thread. Every field may be null or absent and unknown ones are passed over; only a
// record without an id that can be a name is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace astrofs::dkist {

/// A dataset as the inventory has it now. Keys are paths in `bucket`; "" = there is none.
struct Dataset {
  std::string id;       ///< "BEOGN"
  std::string product;  ///< "L1-ABCDE": the same after each reprocessing
  std::string bucket, proposal;
  std::string asdf_key, movie_key, quality_key;
  std::string instrument;
  bool embargoed{false};  ///< frames and extra/ are its investigators'
  std::vector<std::string> targets;
  std::string updated;  ///< updateDate as sent: another text is another state
  SysSeconds mtime{};   ///< updateDate, else createDate; 0 = not known
  std::string created;  ///< createDate as sent; sorts by time

  /// Of the collection: "/data/pid_1_123/BEOGN".
  [[nodiscard]] std::string folder() const { return "/" + bucket + "/" + proposal + "/" + id; }
};

struct SearchPage {
  std::uint64_t matches{0};  ///< on all pages
  std::uint64_t records{0};  ///< on this one, those that were passed over too
  std::vector<Dataset> datasets;
};

/// A single name, which is no way up or down.
[[nodiscard]] bool is_component(std::string_view text);
/// What stands behind the last '/'; all of it without any.
[[nodiscard]] std::string_view last_component(std::string_view path);
/// Five capital letters or more; it becomes a directory and a part of URLs.
[[nodiscard]] bool is_dataset_id(std::string_view text);
/// "L1-" and such letters.
[[nodiscard]] bool is_product_id(std::string_view text);

/// Answer of `GET <datasets>/v1?...`.
[[nodiscard]] Result<SearchPage> parse_search(std::string_view json);
/// Answer of `GET <datasets>/v1/config`: the id of the Globus collection.
[[nodiscard]] Result<std::string> parse_collection_id(std::string_view json);
/// Answer of `GET <transfer>/v0.10/endpoint/<id>`: the base URL for bytes; nullopt: it serves none by HTTPS.
[[nodiscard]] Result<std::optional<std::string>> parse_https_server(std::string_view json);

}  // namespace astrofs::dkist
