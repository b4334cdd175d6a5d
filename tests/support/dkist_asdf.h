// The metadata file of a made-up DKIST dataset as the data centre's Python writes it: a YAML head in PyYAML's
// style, uncompressed blocks with their MD5, a block index. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/dkist_dataset.h"

namespace astrofs::sim {

[[nodiscard]] std::string asdf_file(const DkistDataset& dataset);

/// A scalar as PyYAML writes it where `column` characters of the line are taken and further lines are
/// indented by `indent`: plain where that is unambiguous, else in single quotes, in double ones where it must
/// be escaped; folded at 80 columns.
[[nodiscard]] std::string yaml_text(std::string_view text, std::size_t column, std::size_t indent);
/// "[a, b,\n  c]", folded in the same way.
[[nodiscard]] std::string yaml_flow(const std::vector<std::string>& items, std::size_t column,
                                    std::size_t indent);

}  // namespace astrofs::sim
