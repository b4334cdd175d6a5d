// Rows of MAST's tables about made-up targets, and which of them filters keep. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "tests/support/mast_target.h"

namespace astrofs::sim {

using OrderedJson = nlohmann::ordered_json;

/// Name and type of each column, as `fields` of an answer has them.
[[nodiscard]] const OrderedJson& observation_fields();
[[nodiscard]] const OrderedJson& product_fields();

/// All observations that satisfy the filters of Mast.Caom.Filtered: values, ranges, free text with %.
[[nodiscard]] OrderedJson filtered_observations(const std::vector<Target>& targets,
                                                const OrderedJson& filters);
/// Products of the observations with these numbers ("1,2,3").
[[nodiscard]] OrderedJson products_of(const std::vector<Target>& targets, std::string_view numbers);

}  // namespace astrofs::sim
