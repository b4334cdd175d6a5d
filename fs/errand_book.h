// The errands of one archive as files in the cache directory: <cache>/errands/<archive>/<key>. Owned by the
// mount; any thread.
#pragma once

#include <filesystem>

#include "backends/errands.h"

namespace astrofs {

class ErrandBook final : public Errands {
 public:
  /// The folder is made when the first note is. Notes that a crash left half written are taken away: nobody
  /// else writes there.
  ErrandBook(const std::string& cache_dir, const std::string& archive);

  [[nodiscard]] Result<void> note(const std::string& key, const std::string& text) override;
  void done(const std::string& key) override;
  [[nodiscard]] std::map<std::string, std::string> open() const override;

 private:
  const std::filesystem::path folder_;
};

}  // namespace astrofs
