// Which configuration file is read; what it says is base/config.cpp's.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/config.h"
#include "base/home.h"
#include "base/unique_fd.h"

namespace astrofs {
namespace {

constexpr std::size_t kLargestFile =
    1 << 20;  // a thousand archives fit; a device or a FITS file given by mistake does not
constexpr const char* kSystemFile = "/etc/astrofs/astrofs.toml";

Result<std::string> read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return tl::unexpected<Error>(system_error(errno, "cannot read the configuration " + path));
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected<Error>(system_error(errno, "cannot read the configuration " + path));
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kLargestFile) {
      return fail(Errc::too_large,
                  fmt::format("{} is larger than 1 MiB: it is not a configuration of astrofs", path));
    }
  }
}

Result<Config> parse_file(const std::string& path, const std::string& text) {
  auto config = parse_config(text, path);
  if (config && config->archives.empty()) {
    return fail(
        Errc::invalid,
        fmt::format(
            "{}:1:1: no archives, so there is nothing to mount; add a table [archives.NAME] with a type, "
            "or use no configuration file for the built-in archives",
            path));
  }
  return config;
}

/// The user named this file: whatever is wrong with it is an error that says what to do.
Result<Config> load_named(const std::string& path, std::string_view named_by) {
  auto text = read_file(path);
  if (!text) {
    text.error().message +=
        fmt::format("; correct {}, or leave it out to use the default configuration", named_by);
    return tl::unexpected<Error>(std::move(text.error()));
  }
  return parse_file(path, *text);
}

/// A place that is looked at. nullopt: nothing there.
std::optional<Result<Config>> load_if_there(const std::string& path) {
  auto text = read_file(path);
  if (text) return parse_file(path, *text);
  if (text.error().code == Errc::not_found || text.error().code == Errc::not_directory) return std::nullopt;
  text.error().message += "; make it readable, or name another file with --config";
  return tl::unexpected<Error>(std::move(text.error()));
}

}  // namespace

Result<Config> load_config(const std::optional<std::string>& explicit_path) {
  if (explicit_path) return load_named(*explicit_path, "--config (or -o config=)");
  if (const char* const named = std::getenv("ASTROFS_CONFIG"); named != nullptr && *named != '\0') {
    return load_named(named, "ASTROFS_CONFIG");
  }
  if (const std::string dir = xdg_dir("XDG_CONFIG_HOME", ".config"); !dir.empty()) {
    if (auto config = load_if_there(dir + "/astrofs/astrofs.toml")) return std::move(*config);
  }
  if (auto config = load_if_there(kSystemFile)) return std::move(*config);
  return parse_config(builtin_config(), "built-in defaults");
}

std::string default_cache_dir() {
  const std::string system_dir = "/var/cache/astrofs";
  if (::geteuid() == 0) return system_dir;
  const std::string dir = xdg_dir("XDG_CACHE_HOME", ".cache");
  return dir.empty() ? system_dir : dir + "/astrofs";
}

}  // namespace astrofs
