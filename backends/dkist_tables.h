// The header tables of datasets: read from their ASDF files through the mount, and a few of them kept open.
// For type "dkist" alone. Any thread that may wait.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/dkist_dataset.h"
#include "backends/own_files.h"
#include "base/error.h"
#include "base/mutex.h"

namespace astrofs::dkist {

class Tables {
 public:
  /// Before anything else; `files` outlives this.
  void attach(const OwnFiles& files) { files_ = &files; }

  /// The ASDF file in the directory of dataset `id`. Errc::not_found: it is not listed.
  [[nodiscard]] Result<std::shared_ptr<const DkistDataset>> of(std::string_view id) EXCLUDES(mutex_);
  /// The cards of one frame. The first one brings all of the file, if it is not huge: each column is
  /// elsewhere in it.
  [[nodiscard]] Result<std::vector<HeaderCard>> row(std::string_view id, std::uint64_t row) EXCLUDES(mutex_);

 private:
  struct Asdf {
    std::string path;  ///< in the archive
    OwnFile file;
  };
  struct Open {
    std::string path;
    std::uint64_t version{0};
    std::shared_ptr<const DkistDataset> dataset;
    bool all_here{false};  ///< the whole file was brought once
  };

  [[nodiscard]] Result<Asdf> find(std::string_view id) const;
  Result<void> bring(const Asdf& asdf) EXCLUDES(mutex_);

  const OwnFiles* files_{nullptr};
  Mutex mutex_;
  std::deque<Open> open_ GUARDED_BY(mutex_);  ///< the latest first
};

}  // namespace astrofs::dkist
