// An empty cache directory that goes at the end of its scope.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace astrofs::model {

class FreshCache {
 public:
  FreshCache() {
    std::string pattern = (std::filesystem::temp_directory_path() / "astrofs-model-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~FreshCache() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FreshCache(const FreshCache&) = delete;
  FreshCache& operator=(const FreshCache&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace astrofs::model
