// From a table of the configuration to an archive. The only place that knows all of them.
#pragma once

#include <memory>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "base/config.h"

namespace astrofs {

/// Checks every key of the table: an unknown key, a wrong type or an unusable URL is Errc::invalid with
/// file:line:column. `fetcher` outlives the archive.
[[nodiscard]] Result<std::unique_ptr<Archive>> make_archive(const ArchiveConfig& config,
                                                            http::Fetcher& fetcher);

}  // namespace astrofs
