#include "fs/incoming.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace astrofs {
namespace {

namespace stdfs = std::filesystem;

constexpr std::string_view kIncoming = "incoming";
constexpr std::string_view kNote = ".json";
/// Services give up an order after a day.
constexpr std::chrono::hours kForgetAfter{7 * 24};
/// Of a note: the most files of one order, half a kilobyte each.
constexpr std::uintmax_t kLargestNote = 16 << 20;

tl::unexpected<Error> failed(const std::error_code& error, const stdfs::path& path) {
  return tl::unexpected<Error>(system_error(error.value(), path.string()));
}

}  // namespace

Result<UniqueFd> Incoming::open(std::string_view place, std::uint64_t size) const {
  Result<UniqueFd> file = files_.open_local(place);
  struct stat status {};
  if (!file) return file;
  if (::fstat(file->get(), &status) != 0)
    return tl::unexpected<Error>(system_error(errno, folder_ + "/" + std::string(place)));
  if (static_cast<std::uint64_t>(status.st_size) != size) {
    return fail(Errc::stale, fmt::format("{}/{} has {} bytes, not the {} of the archive's", folder_, place,
                                         status.st_size, size));
  }
  return file;
}

std::string Incoming::below(const std::string& id) {
  return fmt::format("{}/{}", kIncoming, id);
}

Result<void> Incoming::note(const std::string& id, std::string_view text) const {
  // The folder is its user's to make: one that is not mounted now must not be made in its place.
  std::error_code error;
  const stdfs::path directory = stdfs::path(folder_) / kIncoming;
  if (!stdfs::create_directory(directory, error) && error) return failed(error, directory);
  const stdfs::path path = stdfs::path(folder_) / (below(id) + std::string(kNote));
  const stdfs::path partial = path.string() + ".new";
  errno = 0;
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) return tl::unexpected<Error>(system_error(errno, partial.string()));
  stdfs::rename(partial, path, error);
  if (error) return failed(error, path);
  return {};
}

std::vector<std::string> Incoming::notes() const {
  std::vector<std::string> texts;
  std::vector<std::string> old;
  std::error_code error;
  const auto now = stdfs::file_time_type::clock::now();
  stdfs::directory_iterator entry(stdfs::path(folder_) / kIncoming, error);
  for (; !error && entry != stdfs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code gone;
    if (!name.ends_with(kNote) || !entry->is_regular_file(gone) || entry->file_size(gone) > kLargestNote)
      continue;
    const auto written = entry->last_write_time(gone);
    if (gone) continue;
    if (now - written > kForgetAfter) {
      old.push_back(name.substr(0, name.size() - kNote.size()));
      continue;
    }
    std::ifstream file(entry->path(), std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  for (const std::string& id : old) forget(id);
  return texts;
}

Result<void> Incoming::take_in(const std::string& id) const {
  const stdfs::path from = stdfs::path(folder_) / below(id);
  std::vector<stdfs::path> files;
  std::error_code error;
  // Links are not followed.
  stdfs::recursive_directory_iterator entry(from, error);
  for (; !error && entry != stdfs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    if (stdfs::is_regular_file(entry->symlink_status(gone))) files.push_back(entry->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) return failed(error, from);
  for (const stdfs::path& file : files) {
    const stdfs::path place = stdfs::path(folder_) / file.lexically_relative(from);
    stdfs::create_directories(place.parent_path(), error);
    if (error) return failed(error, place.parent_path());
    stdfs::rename(file, place, error);
    if (error) return failed(error, place);
  }
  return {};
}

void Incoming::forget(const std::string& id) const {
  std::error_code ignored;
  stdfs::remove_all(stdfs::path(folder_) / below(id), ignored);
  stdfs::remove(stdfs::path(folder_) / (below(id) + std::string(kNote)), ignored);
}

}  // namespace astrofs
