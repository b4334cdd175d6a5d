#include "base/home.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace astrofs {
namespace {

std::string absolute_from_environment(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && value[0] == '/' ? value : "";
}

}  // namespace

std::string home_dir() {
  std::string home = absolute_from_environment("HOME");
  if (!home.empty()) return home;
  std::array<char, 4096> buffer{};  // one line of passwd; sysconf names 1024 as a start
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return "";
  return entry.pw_dir != nullptr && entry.pw_dir[0] == '/' ? entry.pw_dir : "";
}

std::string xdg_dir(const char* variable, std::string_view below_home) {
  std::string dir = absolute_from_environment(variable);
  if (!dir.empty()) return dir;
  const std::string home = home_dir();
  return home.empty() ? "" : fmt::format("{}/{}", home, below_home);
}

Result<std::string> expand_home(std::string_view path) {
  if (path.starts_with('/')) return std::string(path);
  if (path != "~" && !path.starts_with("~/")) {
    return fail(Errc::invalid, fmt::format("'{}' must be an absolute path, or begin with ~/", path));
  }
  const std::string home = home_dir();
  if (home.empty())
    return fail(Errc::invalid,
                fmt::format("'{}' needs HOME, which is not set; write an absolute path", path));
  return home + std::string(path.substr(1));
}

}  // namespace astrofs
