// A table as a FITS file: an empty primary HDU, then a binary table HEADERS with checksums. One thread.
#pragma once

#include "fs/ctl_header_table.h"
#include "fs/ctl_output.h"

namespace astrofs {

/// Columns have the types of the table: 16, 32 and 64 bit integers, floats of 32 and 64 bit, logicals, texts.
/// What is missing is TNULL, NaN, neither true nor false, or a text of no letters. FITS advises against a '-'
/// in the name of a column and expressions of tools take it for a minus, so it is written as '_'; the card's
/// own name stands behind it, in the comment of TTYPE. Errors: too_large (more than 999 columns), internal
/// (of cfitsio).
[[nodiscard]] Result<void> write_fits(Table table, Output& out);

}  // namespace astrofs
