// The one bridge between the cache, which knows no network, and the archives' bytes: a Source that asks the
// node's archive where its bytes are now, lets the Fetcher bring them, and remembers the validators that
// answers carried.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "backends/http/fetcher.h"
#include "base/mutex.h"
#include "cache/catalog.h"
#include "cache/index_writer.h"
#include "cache/source.h"
#include "fs/archive_table.h"
#include "fs/made_files.h"
#include "fs/sought_files.h"

namespace astrofs {

class Builds;

/// What each origin says one version of a file is: its strong ETag, else its date, else its weak ETag. The
/// first answer decides; one that says otherwise is of another version, however many downloads run side by
/// side. Any thread.
class Validators {
 public:
  explicit Validators(std::map<std::string, std::string> known) : known_(std::move(known)) {}

  enum class Verdict : std::uint8_t { same, learnt, other };
  [[nodiscard]] Verdict judge(const http::ContentInfo& info) EXCLUDES(mutex_);
  /// Those that may be sent as If-Match.
  [[nodiscard]] std::map<std::string, std::string> strong() const EXCLUDES(mutex_);
  [[nodiscard]] std::map<std::string, std::string> all() const EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string> known_ GUARDED_BY(mutex_);  ///< by origin
};

class RemoteSource final : public Source {
 public:
  RemoteSource(const Catalog& catalog, IndexWriter& writer, const ArchiveTable& archives,
               http::Fetcher& fetcher, std::chrono::milliseconds timeout);

  /// Before the first fetch: where files come from that archives make themselves.
  void attach(MadeFiles& made) { made_ = &made; }
  /// The same for files whose archive must be asked where they are.
  void attach(SoughtFiles& sought) { sought_ = &sought; }
  /// Likewise: those that are built of others.
  void attach(Builds& builds) { builds_ = &builds; }
  void fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency, std::shared_ptr<Sink> sink,
             std::stop_token stop) override;
  /// What is built of cached files.
  [[nodiscard]] bool works_offline(const FileVersion& version) const override;
  /// Of the host that sent bytes of this archive last.
  [[nodiscard]] http::Pace pace(const MountedArchive& archive) const EXCLUDES(mutex_);

 private:
  /// What is fetched, and for whom.
  struct Wish {
    FileVersion version;
    Node node;
    const MountedArchive* archive;
    ByteRange range;
    FetchUrgency urgency;
    std::shared_ptr<Sink> sink;
    std::stop_token stop;
  };
  /// One login's bytes never become another's, nor everybody's, however long a file stays open.
  [[nodiscard]] static Result<void> check_login(const Wish& wish);
  void seek(Wish wish, bool again);
  /// `refused` instead of the sink hears of an address that does not serve; unset: there is no other.
  void start(const Wish& wish, std::vector<http::Request> mirrors, std::function<void()> refused);

  const Catalog& catalog_;
  IndexWriter& writer_;
  const ArchiveTable& archives_;
  http::Fetcher& fetcher_;
  const std::chrono::milliseconds timeout_;
  MadeFiles* made_{nullptr};
  SoughtFiles* sought_{nullptr};
  Builds* builds_{nullptr};

  [[nodiscard]] std::shared_ptr<Validators> validators_of(const FileVersion& version, const Node& node,
                                                          const Archive& archive) EXCLUDES(mutex_);
  void note_host(const MountedArchive& archive, const std::string& origin) EXCLUDES(mutex_);
  mutable Mutex mutex_;
  std::unordered_map<const MountedArchive*, std::string> hosts_ GUARDED_BY(mutex_);
  /// Of versions fetched lately. The catalog has them too, but only a commit later.
  std::unordered_map<std::string, std::shared_ptr<Validators>> validators_ GUARDED_BY(mutex_);
};

/// "origin validator" lines of ObjectState::etags, both ways.
[[nodiscard]] std::map<std::string, std::string> parse_etags(std::string_view lines);
[[nodiscard]] std::string format_etags(const std::map<std::string, std::string>& etags);

}  // namespace astrofs
