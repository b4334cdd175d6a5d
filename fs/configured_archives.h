// The archives that the configuration names, with what it says of each to this mount and not to the archive.
#pragma once

#include <optional>
#include <vector>

#include "backends/http/fetcher.h"
#include "base/config.h"
#include "base/error.h"
#include "fs/archive_table.h"

namespace astrofs {

/// `missing`: of the command line, instead of what the tables say. Errc::invalid with file:line:column.
/// `fetcher` outlives them.
[[nodiscard]] Result<std::vector<MountedArchive>> configured_archives(const Config& config,
                                                                      std::optional<MissingPolicy> missing,
                                                                      http::Fetcher& fetcher);

}  // namespace astrofs
