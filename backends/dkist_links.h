// Directories that lead to DKIST's datasets by what they are: product/, by-instrument/NAME/, by-target/NAME/,
// and those that lead to some frames of one: .select/EXPR/.
// Pure. For type "dkist" alone.
#pragma once

#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/format/dkist_dataset.h"
#include "backends/format/dkist_inventory.h"

namespace astrofs::dkist {

/// Is this the locator, which is the path, of such a directory?
[[nodiscard]] bool is_links(std::string_view dir);
/// What is in one; of the root ("") the three directories themselves.
[[nodiscard]] std::vector<Entry> links_in(std::string_view dir, const std::vector<Dataset>& datasets);

/// The frames of a dataset whose header cards satisfy `expression` (frame_select.h), seen from two
/// directories below it. Errc::not_found, with what is wrong: no such expression, no such column.
[[nodiscard]] Result<std::vector<Entry>> selected_links(const DkistDataset& dataset,
                                                        std::string_view expression);

}  // namespace astrofs::dkist
