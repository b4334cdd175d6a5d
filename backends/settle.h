// The last step of every archive's list(): one set of rules for what a listing may hold, whatever the source
// said. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/archive.h"

namespace astrofs {

/// - names that are no single component (empty, with '/' or NUL) are dropped and counted in one log line for
/// `where`; with Slashes::are_names a '/' is a part of the name;
///   all other hostile names stay raw: making them safe to show is base/file_name's job;
/// - of two entries of one name a directory wins over a file, else the first; logged;
/// - sorted by name, so that the same content always gives the same hash.
enum class Slashes : bool { are_levels, are_names };
[[nodiscard]] std::vector<Entry> settle_entries(std::vector<Entry> entries, std::string_view where,
                                                Slashes slashes = Slashes::are_levels);

/// Hash of all that a listing says, for sources whose pages have no validator of their own.
[[nodiscard]] std::string content_token(const std::vector<Entry>& entries);

/// settle_entries, then NotModified when the content's hash is `token`: a listing that was fetched again and
/// is the same spares the index a rewrite.
[[nodiscard]] std::variant<Listing, NotModified> settle(std::vector<Entry> entries, std::string_view token,
                                                        std::chrono::seconds good_for, std::string_view where,
                                                        Slashes slashes = Slashes::are_levels);

}  // namespace astrofs
