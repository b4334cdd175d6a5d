// Answers of MissionMAST (search/<mission>/api/v0.1) and of MAST's path_lookup: text in, values out. Keys
// come in any order and any value may be null. Pure; any thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs::mast {

struct Product {
  std::string name;  ///< of the file, as the archive writes it
  bool is_public{false};
};

/// The answer to post_list_products: files of a data set. Sizes are in it and not to be believed. What says
/// nothing of access is not public. Errc::corrupt: no such answer.
[[nodiscard]] Result<std::vector<Product>> parse_products(std::string_view json);

struct DataSets {
  std::vector<std::string> names;  ///< "J8PU0Y010"
  std::size_t rows{0};             ///< of this answer: a row may name no data set
  std::size_t total{0};            ///< rows that there are, in this answer and others
};

/// The answer to a search that selects `column`, the name of data sets.
[[nodiscard]] Result<DataSets> parse_data_sets(std::string_view json, std::string_view column);

/// The answer to path_lookup: of each file that has one, its URI and path, "/hst/public/u9o4/...".
[[nodiscard]] Result<std::map<std::string, std::string>> parse_paths(std::string_view json);

}  // namespace astrofs::mast
