// Directories that lead to DKIST's datasets by what they are: product/, by-instrument/NAME/, by-target/NAME/.
// Pure. For type "dkist" alone.
#pragma once

#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/dkist_inventory.h"

namespace astrofs::dkist {

/// Is this the locator, which is the path, of such a directory?
[[nodiscard]] bool is_links(std::string_view dir);
/// What is in one; of the root ("") the three directories themselves.
[[nodiscard]] std::vector<Entry> links_in(std::string_view dir, const std::vector<Dataset>& datasets);

}  // namespace astrofs::dkist
