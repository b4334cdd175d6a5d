// A table as text. One thread.
#pragma once

#include "fs/ctl_header_table.h"
#include "fs/ctl_output.h"

namespace astrofs {

/// RFC 4180: a line of names, then one for each row. What is missing is empty; numbers have as many digits as
/// bring them back exactly.
void write_csv(const Table& table, Output& out);
/// The same in columns that line up.
void write_aligned(const Table& table, Output& out);

}  // namespace astrofs
