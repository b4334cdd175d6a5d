// The made-up data centre's store: its datasets, and every file of theirs by its path on the collection.
// Owned by the DkistCentre; any thread, also while datasets change.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "tests/support/dkist_dataset.h"
#include "tests/support/sim_content.h"

namespace astrofs::sim {

struct ShelfEntry {
  std::string name;
  bool directory{false};
  std::uint64_t size{0};
};

class DkistShelf {
 public:
  explicit DkistShelf(const DkistOptions& options);

  [[nodiscard]] std::vector<DatasetPtr> all() const EXCLUDES(mutex_);
  /// nullptr: no such dataset.
  [[nodiscard]] DatasetPtr find(std::string_view id) const EXCLUDES(mutex_);
  void add(DkistDataset dataset) EXCLUDES(mutex_);
  /// False: no such dataset. Answers that are under way go on with what was.
  bool change(std::string_view id, const std::function<void(DkistDataset&)>& how) EXCLUDES(mutex_);

  /// "/data/pid_1_123/BEOGN/NAME": nullptr when there is no such file, or not any more.
  [[nodiscard]] ResourcePtr file(std::string_view path) EXCLUDES(mutex_);
  /// A file or directory; nullopt when there is none.
  [[nodiscard]] std::optional<ShelfEntry> entry(std::string_view path) EXCLUDES(mutex_);
  /// nullopt: no such directory. Sorted by name.
  [[nodiscard]] std::optional<std::vector<ShelfEntry>> list(std::string_view path) EXCLUDES(mutex_);
  /// Whether the path is one of, or above, an embargoed dataset.
  [[nodiscard]] bool embargoed(std::string_view path) const EXCLUDES(mutex_);

  [[nodiscard]] ResourcePtr asdf(const DatasetPtr& dataset) EXCLUDES(writing_);
  /// In lower-case hex.
  [[nodiscard]] static std::string digest(const Resource& resource, DigestKind kind);

 private:
  struct Written {
    DatasetPtr of;
    ResourcePtr file;
  };
  mutable Mutex mutex_;
  std::vector<DatasetPtr> datasets_ GUARDED_BY(mutex_);
  std::map<std::string, std::size_t, std::less<>> by_id_ GUARDED_BY(mutex_);
  Mutex writing_;  ///< held for as long as a large ASDF takes; nothing else waits for it
  std::map<std::string, Written, std::less<>> asdfs_ GUARDED_BY(writing_);  ///< by id
};

}  // namespace astrofs::sim
