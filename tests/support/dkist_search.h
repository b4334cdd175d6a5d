// The data centre's search API: what it answers from its datasets. Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "tests/support/dkist_dataset.h"
#include "tests/support/sim_http.h"

namespace astrofs::sim {

/// GET /datasets/v1: one page of the records that match all parameters; those it does not know are ignored.
[[nodiscard]] std::string search_answer(const std::vector<DatasetPtr>& datasets, const HttpRequest& request);
/// GET /datasets/v1/searchValues.
[[nodiscard]] std::string search_values(const std::vector<DatasetPtr>& datasets);

}  // namespace astrofs::sim
