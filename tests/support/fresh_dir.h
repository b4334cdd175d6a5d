// A directory of a test's own, which goes at the end of its scope with all that is in it. One for all rooms,
// so that every test heeds TMPDIR and leaves nothing behind. One thread.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace astrofs {

class FreshDir {
 public:
  /// For its owner alone, 0700; where temporary files go unless another place is named.
  explicit FreshDir(const std::filesystem::path& where = std::filesystem::temp_directory_path()) {
    std::string name = (where / "astrofs-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::filesystem::filesystem_error("mkdtemp", std::error_code(errno, std::generic_category()));
    path_ = name;
  }
  ~FreshDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FreshDir(const FreshDir&) = delete;
  FreshDir& operator=(const FreshDir&) = delete;

  [[nodiscard]] std::string path(const std::string& below = "") const {
    return below.empty() ? path_.string() : (path_ / below).string();
  }
  std::string write(const std::string& below, const std::string& text) const {
    const std::filesystem::path file = path_ / below;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file.string();
  }
  [[nodiscard]] std::string read(const std::string& below) const {
    std::ostringstream text;
    text << std::ifstream(path_ / below).rdbuf();
    return text.str();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace astrofs
