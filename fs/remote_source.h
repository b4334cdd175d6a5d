// The one bridge between the cache, which knows no network, and the archives' bytes: a Source that asks the node's archive where
// its bytes are now, lets the Fetcher bring them, and remembers the validators that answers carried.
#pragma once

#include "backends/http/fetcher.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "cache/source.h"
#include "fs/archive_table.h"

namespace astrofs {

class RemoteSource final : public Source {
 public:
  RemoteSource(const Catalog& catalog, IndexWriter& writer, const ArchiveTable& archives, http::Fetcher& fetcher,
               std::chrono::milliseconds timeout);

  void fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency, std::shared_ptr<Sink> sink,
             std::stop_token stop) override;

 private:
  const Catalog& catalog_;
  IndexWriter& writer_;
  const ArchiveTable& archives_;
  http::Fetcher& fetcher_;
  const std::chrono::milliseconds timeout_;
};

/// "origin etag" lines of ObjectState::etags, both ways.
[[nodiscard]] std::map<std::string, std::string> parse_etags(std::string_view lines);
[[nodiscard]] std::string format_etags(const std::map<std::string, std::string>& etags);

}  // namespace astrofs
