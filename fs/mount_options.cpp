#include "fs/mount_options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "base/config.h"
#include "base/version.h"

namespace astrofs {
namespace {

/// Options that mount(8), fstab and systemd put in the list for themselves.
constexpr std::array<std::string_view, 36> kOfMount{"ro",
                                                    "rw",
                                                    "defaults",
                                                    "noauto",
                                                    "auto",
                                                    "nofail",
                                                    "_netdev",
                                                    "user",
                                                    "users",
                                                    "nouser",
                                                    "owner",
                                                    "group",
                                                    "nosuid",
                                                    "nodev",
                                                    "suid",
                                                    "dev",
                                                    "exec",
                                                    "noatime",
                                                    "atime",
                                                    "nodiratime",
                                                    "diratime",
                                                    "relatime",
                                                    "norelatime",
                                                    "strictatime",
                                                    "nostrictatime",
                                                    "lazytime",
                                                    "nolazytime",
                                                    "async",
                                                    "sync",
                                                    "dirsync",
                                                    "silent",
                                                    "loud",
                                                    "nomand",
                                                    "noiversion",
                                                    "comment",
                                                    "default_permissions"};
/// Options that libfuse or the kernel understand and a user may want.
constexpr std::array<std::string_view, 4> kOfFuse{"auto_unmount", "allow_root", "debug", "noexec"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& known, std::string_view name) {
  return std::find(known.begin(), known.end(), name) != known.end();
}

Result<unsigned> number(std::string_view name, std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return fail(Errc::invalid, fmt::format("option {}={}: a whole number up to {} is needed", name, text,
                                           std::numeric_limits<unsigned>::max()));
  }
  return value;
}

/// Options of ours. False: not one of ours.
Result<bool> take_own(MountOptions& options, std::string_view name, std::string_view value) {
  const auto flag = [&](bool& target) -> Result<bool> {
    if (!value.empty()) return fail(Errc::invalid, fmt::format("option {} takes no value", name));
    target = true;
    return true;
  };
  if ((name == "config" || name == "cache" || name == "log") && value.empty()) {
    return fail(Errc::invalid,
                fmt::format("option {}= names nothing; give it a value or leave it out", name));
  }
  if (name == "config")
    options.config_path = std::string(value);
  else if (name == "cache")
    options.cache_dir = std::string(value);
  else if (name == "fsname")
    options.source = std::string(value);
  else if (name == "log")
    options.log_target = std::string(value);
  else if (name == "offline")
    return flag(options.offline);
  else if (name == "sparse")
    return flag(options.sparse);
  else if (name == "allow_other")
    return flag(options.allow_other);
  else if (name == "cache_size") {
    const Result<std::uint64_t> size = parse_size(value);
    if (!size) return fail(Errc::invalid, "option cache_size: " + size.error().message);
    if (*size == 0)
      return fail(Errc::invalid,
                  "option cache_size=0: the cache needs room; write for example cache_size=100GiB");
    options.cache_size = *size;
  } else if (name == "missing") {
    if (value != "placeholder" && value != "enoent") {
      return fail(Errc::invalid, fmt::format("option missing={}: must be placeholder or enoent", value));
    }
    options.missing = value == "enoent" ? MissingPolicy::enoent : MissingPolicy::placeholder;
  } else if (name == "timeout" || name == "uid" || name == "gid") {
    const Result<unsigned> parsed = number(name, value);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    if (name == "uid")
      options.uid = *parsed;
    else if (name == "gid")
      options.gid = *parsed;
    else if (*parsed == 0)
      return fail(Errc::invalid, "option timeout=0: at least one second is needed");
    else
      options.timeout = std::chrono::seconds(*parsed);
  } else {
    return false;
  }
  return true;
}

Result<void> take_option(MountOptions& options, std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1);
  const Result<bool> own = take_own(options, name, value);
  if (!own) return tl::unexpected<Error>(own.error());
  if (*own) return {};
  if (is_one_of(kOfFuse, name)) {
    options.fuse_options.emplace_back(text);
    return {};
  }
  if (is_one_of(kOfMount, name) || name.starts_with("x-") || name.starts_with("X-") || options.sloppy)
    return {};
  return fail(Errc::invalid, fmt::format("unknown mount option '{}'; see mount.astrofs(8)", text));
}

Result<void> take_list(MountOptions& options, const std::vector<std::string>& lists) {
  for (const std::string_view list : lists) {
    std::size_t at = 0;
    while (at <= list.size()) {
      const std::size_t comma = std::min(list.find(',', at), list.size());
      if (comma > at) {
        if (Result<void> taken = take_option(options, list.substr(at, comma - at)); !taken) return taken;
      }
      at = comma + 1;
    }
  }
  return {};
}

}  // namespace

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  MountOptions& options = line.mount;
  std::vector<std::string> places;
  std::vector<std::string> lists;
  std::string config;
  CLI::App app("Mounts astronomical archives as directories; bytes come when they are read.",
               "mount.astrofs");
  app.set_version_flag("-V,--version", std::string("mount.astrofs ") + kVersion);
  app.add_option("place", places, "[SOURCE] MOUNTPOINT")->required()->expected(1, 2);
  app.add_option("-o", lists,
                 "Options, separated by commas: config= cache= cache_size= offline sparse missing= timeout= "
                 "allow_other uid= gid= log=")
      ->allow_extra_args(false);
  const CLI::Option* const named_config = app.add_option("--config", config, "Configuration file");
  app.add_flag("--foreground", options.foreground, "Stay in the foreground and log to stderr");
  app.add_flag("-s", options.sloppy, "Ignore unknown mount options");
  app.add_flag("-f", options.fake, "Check everything, do not mount");
  app.add_flag("-v", options.verbose, "Say more");
  bool no_mtab = false;
  app.add_flag("-n", no_mtab, "Accepted for mount(8); there is no mtab to write");
  try {
    std::vector<std::string> reversed(arguments.rbegin(),
                                      arguments.rend());  // CLI11 takes them from the back
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    line.text = app.help();
    return line;
  } catch (const CLI::CallForVersion&) {
    line.text = std::string("mount.astrofs ") + kVersion + '\n';
    return line;
  } catch (const CLI::ParseError& error) {
    return fail(Errc::invalid,
                std::string(error.what()) +
                    "; usage: mount.astrofs [SOURCE] MOUNTPOINT [-o OPTIONS] [--foreground] [--config FILE]");
  }
  options.mountpoint = places.back();
  if (places.size() == 2) options.source = places.front();
  if (Result<void> taken = take_list(options, lists); !taken) return tl::unexpected<Error>(taken.error());
  if (named_config->count() > 0) {
    if (config.empty())
      return fail(Errc::invalid, "option --config names nothing; give it a file or leave it out");
    options.config_path = config;
  }
  if (options.log_target == "journal" && !options.foreground) {
    return fail(
        Errc::invalid,
        "option log=journal needs --foreground, as systemd starts it: a daemon in the background has no "
        "standard error; use log=syslog");
  }
  return line;
}

}  // namespace astrofs
