// A binary table of a placeholder: the columns that the archive tells of, and rows in which floats are NaN
// and integers their TNULL. Pure; any thread. For the placeholder's own files alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "backends/archive.h"
#include "base/error.h"
#include "fs/placeholder_header.h"

namespace astrofs {

/// Does the shape describe a table? Then its axes are bytes of a row and rows, and its cards say TFORM1 and
/// so on.
[[nodiscard]] bool is_table(const HduShape& shape);
[[nodiscard]] bool has_table(const FrameShape& shape);

/// The first table of which the number of rows is not known (0) gets as many as a file of `size` bytes has
/// room for, with headers as long as the shapes say and `spare` blocks besides.
[[nodiscard]] FrameShape with_rows(FrameShape shape, std::uint64_t size, std::uint64_t spare);

/// Does a file of `size` bytes hold these tables, with headers a few blocks longer than the shapes say at
/// most?
[[nodiscard]] bool rows_fit(const FrameShape& shape, std::uint64_t size);

/// Errc::invalid when the columns do not make the row.
[[nodiscard]] Result<HduPlan> plan_table(const HduShape& shape, MissingCause cause,
                                         std::string_view file_name);

/// Adds `length` bytes of a row that repeats, before which `before` bytes have been added.
void add_rows(fits::WordSum& sum, std::string_view row, std::uint64_t length, std::uint64_t before);

}  // namespace astrofs
