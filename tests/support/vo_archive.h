// An archive of the Virtual Observatory as the stand-in plays it: TAP with a table of ObsCore under /vo/tap,
// jobs too, SIA2 under /vo/sia2 (all lie on the equator), DataLink under /vo/links, files under /vo/files
// and, without names in their addresses, under /vo/data. Its ways are those of real services: BINARY unless
// asked otherwise, errors with status 200, OVERFLOW behind the table, addresses that run out. Owned by an
// ArchiveSim; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tests/support/sim_faults.h"
#include "tests/support/sim_reply.h"
#include "tests/support/vo_gate.h"
#include "tests/support/vo_jobs.h"
#include "tests/support/vo_query.h"

namespace astrofs::sim {

struct VoOptions {
  std::size_t plates{6};  ///< collection PLATES: files by their addresses, three targets
  std::size_t linked{4};  ///< collection LINKED: files by DataLink
  std::size_t stars{0};   ///< collection SURVEY: as many targets, one file of each
};

struct VoSettings {
  bool gzip{false};          ///< of tables, whoever asks
  bool no_groups{false};     ///< GROUP BY takes longer than the service allows
  bool silent_heads{false};  ///< HEAD is never answered
  std::size_t most_rows{20'000};
  bool ignores_maxrec{false};
  bool hides_overflow{false};        ///< that rows are cut off is not told
  std::size_t most_at_once{20'000};  ///< rows of an answer that is no job's
  bool slow_at_once{false};          ///< what is no job takes longer than the service allows
  bool old_formats{false};           ///< names of serializations are unknown
  VoJobSettings jobs{};
  std::size_t more_links{0};  ///< in documents: as many without a name, of one name and of one path
  bool reversed{false};       ///< the order of documents
  std::uint64_t key{1};       ///< a part of the addresses of LINKED; those with another one are refused
  VoGate gate{};              ///< who may ask
};

class VoArchive {
 public:
  explicit VoArchive(const VoOptions& options);

  [[nodiscard]] static bool knows(std::string_view path);
  /// `host`: "http://127.0.0.1:PORT", for the addresses in tables.
  [[nodiscard]] Reply reply(const HttpRequest& request, const std::string& host,
                            const std::vector<Fault>& faults) EXCLUDES(mutex_);
  /// /_sim/vo: POST changes the settings.
  [[nodiscard]] Reply control(const HttpRequest& request) EXCLUDES(mutex_);
  [[nodiscard]] VoSettings settings() const EXCLUDES(mutex_);
  void set(const VoSettings& settings) EXCLUDES(mutex_);

  struct DataSet {
    std::string collection{}, obs_id{}, did{}, target{}, format{};
    std::string path{};  ///< of the file, below /vo
    std::int64_t calib_level{1};
    bool has_target{true}, has_address{true}, linked{false};
  };
  void add(DataSet set) EXCLUDES(mutex_);
  void remove(std::string_view did) EXCLUDES(mutex_);
  [[nodiscard]] const VoJobs& jobs() const { return jobs_; }
  /// The file's bytes: they follow from its name.
  [[nodiscard]] static std::string file(std::string_view name);

 private:
  [[nodiscard]] Reply capabilities(const std::string& host) const EXCLUDES(mutex_);
  [[nodiscard]] Reply tap(const HttpRequest& request, const std::string& host) EXCLUDES(mutex_);
  /// A VOTable, of an error too.
  [[nodiscard]] std::string query(const HttpRequest& request, const std::string& host, std::size_t most)
      EXCLUDES(mutex_);
  [[nodiscard]] Reply images(const HttpRequest& request, const std::string& host) EXCLUDES(mutex_);
  [[nodiscard]] Reply links(const HttpRequest& request, const std::string& host) EXCLUDES(mutex_);
  [[nodiscard]] Reply data(const HttpRequest& request, const std::vector<Fault>& faults) EXCLUDES(mutex_);
  [[nodiscard]] Reply table(const HttpRequest& request, std::string text, int status = 200) const
      EXCLUDES(mutex_);

  VoJobs jobs_;
  mutable Mutex mutex_;
  std::vector<DataSet> sets_ GUARDED_BY(mutex_);
  VoSettings settings_ GUARDED_BY(mutex_);
};

}  // namespace astrofs::sim
