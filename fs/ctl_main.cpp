// astrofs: asks a mount how it is, warms, evicts, pins, refreshes, explains, unmounts; logs in to archives.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/one_line.h"
#include "base/version.h"
#include "fs/control_client.h"
#include "fs/ctl_headers.h"
#include "fs/ctl_login.h"
#include "fs/ctl_print.h"
#include "fs/json_text.h"

namespace {

using namespace astrofs;
using nlohmann::json;

constexpr int kFailed = 1;

/// Not by fmt, which throws where nothing can be written.
int complain(const Error& error) {
  std::fputs(("astrofs: " + one_line(error.message) + '\n').c_str(), stderr);
  return kFailed;
}

int unmount_one(const MountPlace& mount, bool as_json) {
  if (const Result<void> done = unmount(mount); !done) return complain(done.error());
  if (as_json) fmt::print("{}\n", json_text(json({{"unmounted", mount.mountpoint}})));
  return 0;
}

int run_on(const MountPlace& mount, const std::string& command, const std::vector<std::string>& paths,
           bool as_json) {
  const json request = {{"command", command}, {"paths", paths}};
  ProgressLine progress;
  const Result<std::string> answer = ask(mount, json_text(request), [&](const std::string& line) {
    if (as_json)
      fmt::print("{{\"progress\":{}}}\n", line);
    else
      progress.show(line);
  });
  progress.end();
  if (!answer) return complain(answer.error());
  return print_result(command, *answer, as_json) ? 0 : kFailed;
}

/// The text of two mounts in a row would name each metric twice, which Prometheus refuses.
Error several_mounts() {
  return {Errc::invalid, "there are several mounts; name one: astrofs metrics MOUNTPOINT"};
}

/// Paths grouped by mount, so that each daemon is asked once.
int run_on_paths(const std::string& command, const std::vector<std::string>& paths, bool as_json) {
  std::map<std::string, std::pair<MountPlace, std::vector<std::string>>> groups;
  int code = 0;
  for (const std::string& path : paths) {
    const Result<PathInMount> place = place_of(path);
    if (!place) return complain(place.error());
    if (command == "why") {  // one answer a path
      code = std::max(code, run_on(place->mount, command, {place->relative}, as_json));
      continue;
    }
    auto& group = groups[place->mount.mountpoint];
    group.first = place->mount;
    group.second.push_back(place->relative);
  }
  if (command == "metrics" && !as_json && groups.size() > 1) return complain(several_mounts());
  for (const auto& [mountpoint, group] : groups) {
    code = std::max(code, command == "unmount" ? unmount_one(group.first, as_json)
                                               : run_on(group.first, command, group.second, as_json));
  }
  return code;
}

int run_on_all(const std::string& command, bool as_json) {
  std::vector<MountPlace> mounts = list_mounts();
  if (mounts.empty())
    return complain({Errc::not_found, "nothing is mounted; mount.astrofs MOUNTPOINT mounts the archives"});
  // Another user's answer nobody else but root.
  const uid_t self = ::geteuid();
  std::erase_if(mounts, [self](const MountPlace& mount) { return self != 0 && mount.owner != self; });
  if (mounts.empty())
    return complain(
        {Errc::not_found, "what is mounted is another user's; mount.astrofs MOUNTPOINT mounts the archives"});
  if (command == "metrics" && !as_json && mounts.size() > 1) return complain(several_mounts());
  int code = 0;
  for (const MountPlace& mount : mounts) code = std::max(code, run_on(mount, command, {}, as_json));
  return code;
}

struct Verb {
  const char* name;
  const char* help;
  bool needs_path;
};
constexpr Verb kVerbs[] = {
    {"status", "Mounts, archives, cache, transfers, hit rates", false},
    {"warm", "Fetch files, or everything below directories, into the cache", true},
    {"evict", "Forget what is cached of files or directories", true},
    {"pin", "Keep files or directories in the cache whatever the quota", true},
    {"unpin", "Let them go when room is needed", true},
    {"verify", "Compare files that are here completely with the archive's checksums", true},
    {"refresh", "Ask the archive for the listing again", true},
    {"why", "Explain one file or directory: sources, listing age, what is cached, last errors", true},
    {"metrics", "Counters and gauges as Prometheus text", false},
    {"unmount", "End the mount that holds the path", true},
};

void add_headers_options(CLI::App& command, HeadersOptions& options) {
  command.add_option("DATASET", options.dataset, "Its directory")->required();
  command.add_option("--where", options.where, "Frames whose cards are so: ATMOS_R0<0.15,stokes==I");
  CLI::Option* const columns =
      command.add_option("--columns", options.columns, "These cards, in this order; else all");
  columns->delimiter(',');
  CLI::Option* const text = command.add_flag("--text", options.as_text, "Columns that line up, not CSV");
  CLI::Option* const fits = command.add_flag("--fits", options.as_fits, "A FITS table, not CSV");
  CLI::Option* const output =
      command.add_option("--output", options.output, "A file for the table; .fits makes it one of FITS");
  fits->excludes(text);
  CLI::Option* const plot =
      command.add_option("--plot", options.plot, "Draw this card over time instead, in the terminal");
  plot->excludes(columns)->excludes(text)->excludes(fits)->excludes(output);
  command.add_option("--plot-file", options.plot_file, "The same as a picture too, .png or .svg")
      ->needs(plot);
}

int run(int argc, char** argv) {
  CLI::App app("Controls mounts made by mount.astrofs.", "astrofs");
  app.set_version_flag("-V,--version", std::string("astrofs ") + kVersion);
  app.require_subcommand(1);
  bool as_json = false;
  std::vector<std::string> paths;
  for (const Verb& verb : kVerbs) {
    CLI::App* command = app.add_subcommand(verb.name, verb.help);
    command->add_flag("--json", as_json, "Answer as JSON, one object a line");
    CLI::Option* option = command->add_option("PATH", paths, "Paths inside a mount");
    if (verb.needs_path) option->required();
  }
  std::string archive;
  std::optional<std::string> config;
  CLI::App* const login =
      app.add_subcommand("login", "Log in to an archive that gives its files to users it knows");
  login->add_option("ARCHIVE", archive, "Its name in the configuration, or mast or applause")->required();
  login->add_option("--config", config, "Configuration file, as mount.astrofs takes it");
  HeadersOptions cards;
  CLI::App* const headers =
      app.add_subcommand("headers", "Show the header cards of a dataset's frames, none of which is fetched");
  add_headers_options(*headers, cards);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& error) {
    // Where the command is a word that it does not know it says only that there is none.
    if (!app.get_subcommands().empty() || app.remaining().empty()) return app.exit(error);
    return complain(
        {Errc::invalid, fmt::format("'{}' is no command; see astrofs --help", app.remaining().front())});
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  if (headers->parsed()) {
    const Result<void> done = show_headers(cards);
    return done ? 0 : complain(done.error());
  }
  if (login->parsed()) {
    const Result<void> done = login_on_terminal(archive, config);
    return done ? 0 : complain(done.error());
  }
  const std::string command = app.get_subcommands().front()->get_name();
  return paths.empty() ? run_on_all(command, as_json) : run_on_paths(command, paths, as_json);
}

}  // namespace

int main(int argc, char** argv) {
  int code = kFailed;
  try {
    code = run(argc, argv);
  } catch (const std::system_error& error) {  // fmt's: a full disk, a file that takes no more
    return complain({Errc::no_space, "the answer cannot be written: " + error.code().message()});
  }
  // What is left in the buffer, or was lost before without a word.
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return complain(system_error(errno == 0 ? EIO : errno, "the answer cannot be written"));
  return code;
}
