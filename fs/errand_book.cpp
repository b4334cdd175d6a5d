#include "fs/errand_book.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/log.h"
#include "base/unique_fd.h"

namespace astrofs {
namespace {

/// A note is an address. More is damage.
constexpr std::size_t kLongest = 64U << 10;
/// While it is written. No key has a dot.
constexpr const char* kHalf = ".new";

Result<void> write_synced(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return tl::unexpected<Error>(system_error(errno, path));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return tl::unexpected<Error>(system_error(errno, path));
  if (::fsync(file.get()) != 0) return tl::unexpected<Error>(system_error(errno, path));
  return {};
}

void sync_folder(const std::filesystem::path& folder) {
  const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) (void)::fsync(directory.get());
}

}  // namespace

ErrandBook::ErrandBook(const std::string& cache_dir, const std::string& archive)
    : folder_(std::filesystem::path(cache_dir) / "errands" / archive) {
  std::error_code failed;
  std::vector<std::filesystem::path> halves;
  for (const auto& file : std::filesystem::directory_iterator(folder_, failed))
    if (file.path().extension() == kHalf) halves.push_back(file.path());
  for (const std::filesystem::path& half : halves) std::filesystem::remove(half, failed);
}

Result<void> ErrandBook::note(const std::string& key, const std::string& text) {
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  if (failed) return tl::unexpected<Error>(system_error(failed.value(), folder_.string()));
  const std::string path = folder_ / key;
  if (auto written = write_synced(path + kHalf, text); !written) return written;
  if (::rename((path + kHalf).c_str(), path.c_str()) != 0)
    return tl::unexpected<Error>(system_error(errno, path));
  sync_folder(folder_);
  return {};
}

void ErrandBook::done(const std::string& key) {
  std::error_code ignored;  // what is left is done once more, which does no harm
  std::filesystem::remove(folder_ / key, ignored);
}

std::map<std::string, std::string> ErrandBook::open() const {
  std::map<std::string, std::string> notes;
  std::error_code failed;
  for (const auto& file : std::filesystem::directory_iterator(folder_, failed)) {
    const std::string name = file.path().filename().string();
    if (name.find('.') != std::string::npos || file.file_size(failed) > kLongest) continue;
    std::ifstream in(file.path(), std::ios::binary);
    notes[name] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return notes;
}

}  // namespace astrofs
