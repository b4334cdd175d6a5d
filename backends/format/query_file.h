// Files of which each is the answer to a query: a pattern of names, the ADQL that goes with it, and in which
// form the ending of the name asks for it. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "backends/format/name_pattern.h"
#include "backends/format/query_text.h"
#include "base/error.h"

namespace astrofs {

/// ".fits": a binary table; ".vot": VOTable; ".csv": comma-separated values.
enum class TableForm : unsigned char { fits, votable, csv };

struct QueryFile {
  NamePattern name;
  QueryText query;
  TableForm form{TableForm::fits};

  /// invalid: one of the two is none, they have not the same fields, another ending.
  [[nodiscard]] static Result<QueryFile> parse(std::string_view name, std::string_view adql);
  /// The query of that name; nullopt: it fits not.
  [[nodiscard]] std::optional<std::string> adql_of(std::string_view name) const;
};

/// invalid: `one` and one of the others both mean some name. Which, the error says.
[[nodiscard]] Result<void> check_apart(const QueryFile& one, std::span<const QueryFile> others);

}  // namespace astrofs
