#include "backends/login_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/unique_fd.h"

namespace astrofs::login_file {
namespace {

/// A login to Globus has two tokens of some kilobytes; one that is pasted is a line.
constexpr std::size_t kLargest = 1 << 20;

tl::unexpected<Error> failed(const std::string& path) {
  return tl::unexpected<Error>(system_error(errno, path));
}

/// All of a plain file. `alone`: it must be its user's, and nobody else's to read.
Result<std::string> read_whole(const std::string& path, int flags, bool alone) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return failed(path);
  if (!S_ISREG(status.st_mode)) return fail(Errc::denied, path + " is no plain file");
  if (alone && (status.st_uid != ::geteuid() || (status.st_mode & 077U) != 0))
    return fail(Errc::denied, path + " must be its user's alone (0600)");
  std::string text(kLargest, '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = ::read(file.get(), text.data() + got, text.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(path);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}

}  // namespace

std::string usual_path(std::string_view login) {
  const std::string name = std::string("/astrofs/logins/").append(login);
  if (::geteuid() == 0) return "/var/lib" + name;
  if (const char* const state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
    return state + name;
  const char* const home = std::getenv("HOME");
  return (home != nullptr ? std::string(home) : std::string()) + "/.local/state" + name;
}

std::optional<std::int64_t> written(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  // Of the inode: a file that was refused for its permissions is looked at again when they are changed.
  return status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec;
}

Result<std::string> read_text(const std::string& path) {
  return read_whole(path, O_NOFOLLOW, true);
}

Result<std::string> read_credential(const std::string& path) {
  return read_whole(path, 0, false);
}

Result<void> write_text(const std::string& path, std::string_view text) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(folder, error);
  if (error) return tl::unexpected<Error>(system_error(error.value(), folder.string()));
  std::string partial = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(partial.data(), O_CLOEXEC));  // 0600
  if (!file) return failed(partial);
  const bool whole = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                     ::fsync(file.get()) == 0 && ::rename(partial.c_str(), path.c_str()) == 0;
  if (whole) return {};
  const Error cause = system_error(errno, path);
  ::unlink(partial.c_str());
  return tl::unexpected<Error>(cause);
}

Result<globus::Login> read(const std::string& path) {
  return read_text(path).and_then([](const std::string& text) { return globus::parse_login(text); });
}

Result<void> write(const std::string& path, const globus::Login& login) {
  return write_text(path, globus::format_login(login));
}

}  // namespace astrofs::login_file
