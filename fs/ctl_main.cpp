// astrofs: asks a mount how it is, warms, evicts, pins, refreshes, explains, unmounts; logs in to archives.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/config.h"
#include "base/one_line.h"
#include "base/version.h"
#include "fs/control_client.h"
#include "fs/ctl_headers.h"
#include "fs/ctl_login.h"

namespace {

using namespace astrofs;
using nlohmann::json;

constexpr int kFailed = 1;

int complain(const Error& error) {
  fmt::print(stderr, "astrofs: {}\n", one_line(error.message));
  return kFailed;
}

/// What an archive said must not steer the terminal.
json plain(json value) {
  if (value.is_string()) return one_line(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  for (json& item : value) item = plain(std::move(item));
  return value;
}

std::string size_of(const json& value) {
  return value.is_number_unsigned() ? format_size(value.get<std::uint64_t>()) : "?";
}

std::string listing_line(const json& listing) {
  if (!listing.value("known", false)) {
    const std::string error = listing.value("last_error", "");
    return error.empty() ? "not listed yet" : "not listed: " + error;
  }
  std::string line =
      fmt::format("{} names, {} s old", listing.value("names", 0ULL), listing.value("age_seconds", 0LL));
  if (const std::string error = listing.value("last_error", ""); !error.empty())
    line += "; last refresh failed: " + error;
  return line;
}

void print_pins(const json& pins) {
  constexpr std::size_t kShown = 8;  // --json has them all
  for (std::size_t i = 0; i < std::min(kShown, pins.size()); ++i) {
    const std::string path = pins[i].get<std::string>();
    fmt::print("  {:<12} {}\n", i == 0 ? "pinned" : "", path.empty() ? "/" : path);
  }
  if (pins.size() > kShown) fmt::print("  {:<12} and {} more\n", "", pins.size() - kShown);
}

void print_status(const json& status) {
  const json& cache = status["cache"];
  fmt::print("{}  (pid {}, up {} s{}, config {})\n", status.value("mountpoint", ""), status.value("pid", 0),
             status.value("uptime_seconds", 0LL), status.value("offline", false) ? ", offline" : "",
             status.value("config", ""));
  for (const json& archive : status["archives"]) {
    fmt::print("  {:<12} {:<10} {}\n", archive.value("name", ""), archive.value("type", ""),
               listing_line(archive.value("listing", json::object())));
  }
  fmt::print("  cache        {} of {} in {} files, {}\n", size_of(cache["used_bytes"]),
             size_of(cache["quota_bytes"]), cache.value("objects", 0ULL), cache.value("dir", ""));
  print_pins(cache.value("pins", json::array()));
  fmt::print("  reads        {:.1f} % from the cache ({} of {})\n", 100.0 * cache.value("hit_rate", 0.0),
             cache.value("hits", 0LL), cache.value("hits", 0LL) + cache.value("misses", 0LL));
  const std::string unfit = status.value("passthrough_note", "");
  fmt::print("  whole files  {}\n", status.value("passthrough", false)
                                        ? "read by the kernel itself (passthrough)"
                                        : "read through the daemon; no passthrough: " + unfit);
  fmt::print("  transfers    {} downloads in the air, {} calls waiting, {} files open\n",
             status["transfers"].value("flights", 0ULL), status.value("calls_waiting", 0ULL),
             status.value("open_files", 0ULL));
  for (const json& origin : status["origins"]) {
    fmt::print(
        "  {}: {} of {} connections, {} waiting{}{}\n", origin.value("origin", ""),
        origin.value("in_flight", 0), origin.value("budget", 0), origin.value("waiting", 0),
        origin.value("breaker_open", false) ? ", resting after failures" : "",
        origin.value("last_error", "").empty() ? "" : "; last error: " + origin.value("last_error", ""));
  }
  if (const std::string note = cache.value("note", ""); !note.empty())
    fmt::print("  note         {}\n", note);
}

void print_why(const json& why) {
  fmt::print("{}\n", why.value("path", "").empty() ? "/" : why.value("path", ""));
  const auto row = [](std::string_view name, const std::string& value) {
    if (!value.empty()) fmt::print("  {:<11} {}\n", name, value);
  };
  row("archive", why.value("archive", ""));
  row("state", why.value("state", ""));
  row("because", why.value("reason", ""));
  row("listing", listing_line(why.value("listing", json::object())));
  if (why.value("kind", "") != "file") return;
  row("size", why["size"].is_null() ? "not known yet" : size_of(why["size"]));
  row("cached", fmt::format("{}{}{}", size_of(why.value("cached_bytes", json(0U))),
                            why.value("cached_completely", false) ? ", complete" : "",
                            why.value("pinned", false) ? ", pinned" : ""));
  row("verified",
      why.value("verified", "") + (why.value("checked", "").empty() ? "" : ": " + why.value("checked", "")));
  row("validator", why.value("validator", ""));
  for (const json& source : why.value("sources", json::array())) row("source", source.get<std::string>());
  if (const json last = why.value("last_error", json::object()); !last.empty())
    row("last error", fmt::format("{} s ago: {}", last.value("age_seconds", 0LL), last.value("message", "")));
  for (const json& origin : why.value("origins", json::array())) {
    if (const std::string error = origin.value("last_error", ""); !error.empty())
      row("last error", origin.value("origin", "") + ": " + error);
  }
}

/// Bytes, rate and time left: one line that rewrites itself on a terminal, a line every few seconds
/// elsewhere.
class ProgressLine {
 public:
  void show(const json& now) {
    const auto at = std::chrono::steady_clock::now();
    if (now.value("verifying", false))
      return print(at, fmt::format("{} files compared", now.value("files", 0ULL)));
    if (now.value("listing", false))
      return print(at, fmt::format("{} files listed", now.value("files", 0ULL)));
    const auto fetched = now.value("bytes_fetched", 0ULL);
    const double elapsed = std::chrono::duration<double>(at - started_).count();
    const double rate = elapsed > 0 ? static_cast<double>(fetched) / elapsed : 0;
    const auto done = now.value("bytes_done", 0ULL);
    const auto total = now.value("bytes", 0ULL);
    std::string left = "--";
    if (rate > 0) left = fmt::format("{:.0f} s", static_cast<double>(total - std::min(done, total)) / rate);
    print(at, fmt::format("{}/{} files  {} of {}  {}/s  {} left", now.value("files_done", 0ULL),
                          now.value("files", 0ULL), format_size(done), format_size(total),
                          format_size(static_cast<std::uint64_t>(rate)), left));
  }
  void end() {
    if (terminal_ && shown_) fmt::print(stderr, "\n");
  }

 private:
  void print(std::chrono::steady_clock::time_point at, const std::string& line) {
    constexpr std::chrono::seconds kPlainEvery{5};
    if (terminal_) {
      fmt::print(stderr, "\r\033[K{}", line);
    } else if (!shown_ || at - last_ > kPlainEvery) {
      fmt::print(stderr, "{}\n", line);
      last_ = at;
    }
    std::fflush(stderr);
    shown_ = true;
  }
  const bool terminal_{::isatty(STDERR_FILENO) == 1};
  const std::chrono::steady_clock::time_point started_{std::chrono::steady_clock::now()};
  std::chrono::steady_clock::time_point last_{};
  bool shown_{false};
};

void print_result(const std::string& command, const json& result) {
  if (command == "why") return print_why(result);
  if (command == "status") return print_status(result);
  if (command == "warm") {
    fmt::print("{} files, {} fetched, {} failures{}\n", result.value("files", 0ULL),
               size_of(result["bytes_fetched"]), result["failures"].size(),
               result.value("ended_early", false) ? ", ended early" : "");
    for (const json& failure : result["failures"])
      fmt::print(stderr, "  {}: {}\n", failure.value("path", ""), failure.value("message", ""));
  } else if (command == "evict") {
    fmt::print("{} files evicted, {} freed, {} in use and kept\n", result.value("files", 0ULL),
               size_of(result["bytes_freed"]), result.value("in_use", 0ULL));
  } else if (command == "verify") {
    fmt::print("{} files verified, {} without a checksum, {} not completely here, {} contradicted\n",
               result.value("yes", 0ULL), result.value("unavailable", 0ULL), result.value("incomplete", 0ULL),
               result.value("no", 0ULL));
    for (const json& row : result["contradictions"])
      fmt::print(stderr, "  {}: {}\n", row.value("path", ""), row.value("message", ""));
  } else if (command == "refresh") {
    for (const json& row : result["refreshed"])
      fmt::print("{}: {} names\n", row.value("path", ""), row.value("names", 0ULL));
  } else if (command == "metrics") {
    fmt::print("{}", result.value("text", ""));
  } else if (command == "pin" || command == "unpin") {
    for (const auto& [what, count] : result.items()) fmt::print("{} {}\n", count.dump(), what);
  } else {
    fmt::print("{}\n", result.dump());
  }
}

bool succeeded(const std::string& command, const json& result) {
  if (command == "verify") return result.value("no", 0ULL) == 0;
  return command != "warm" || (result["failures"].empty() && !result.value("ended_early", false));
}

int unmount_one(const MountPlace& mount, bool as_json) {
  if (const Result<void> done = unmount(mount); !done) return complain(done.error());
  if (as_json)
    fmt::print("{}\n",
               json{{"unmounted", mount.mountpoint}}.dump(-1, ' ', false, json::error_handler_t::replace));
  return 0;
}

int run_on(const MountPlace& mount, const std::string& command, const std::vector<std::string>& paths,
           bool as_json) {
  const json request = {{"command", command}, {"paths", paths}};
  ProgressLine progress;
  const Result<std::string> answer = ask(mount, request.dump(), [&](const std::string& line) {
    if (as_json)
      fmt::print("{{\"progress\":{}}}\n", line);
    else
      progress.show(json::parse(line));
  });
  progress.end();
  if (!answer) return complain(answer.error());
  const json result = json::parse(*answer);
  if (as_json)
    fmt::print("{}\n", *answer);
  else
    print_result(command, command == "metrics" ? result : plain(result));
  return succeeded(command, result) ? 0 : kFailed;
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
  const std::vector<MountPlace> mounts = list_mounts();
  if (mounts.empty())
    return complain({Errc::not_found, "nothing is mounted; mount.astrofs MOUNTPOINT mounts the archives"});
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

}  // namespace

int main(int argc, char** argv) {
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
      app.add_subcommand("login", "Log in to an archive that gives its frames to users it knows");
  login->add_option("ARCHIVE", archive, "Its name in the configuration")->required();
  login->add_option("--config", config, "Configuration file, as mount.astrofs takes it");
  HeadersWish wish;
  bool as_text = false;
  CLI::App* const headers =
      app.add_subcommand("headers", "Print the header cards of a dataset's frames, none of which is fetched");
  headers->add_option("DATASET", wish.dataset, "Its directory")->required();
  headers->add_option("--where", wish.where, "Frames whose cards are so: ATMOS_R0<0.15,stokes==I");
  headers->add_option("--columns", wish.columns, "These cards, in this order; else all")->delimiter(',');
  headers->add_flag("--text", as_text, "Columns that line up, not CSV");
  CLI11_PARSE(app, argc, argv);
  if (headers->parsed()) {
    wish.format = as_text ? TableFormat::text : TableFormat::csv;
    const Result<void> done = print_headers(wish);
    return done ? 0 : complain(done.error());
  }
  if (login->parsed()) {
    const Result<void> done = login_on_terminal(archive, config);
    return done ? 0 : complain(done.error());
  }
  const std::string command = app.get_subcommands().front()->get_name();
  return paths.empty() ? run_on_all(command, as_json) : run_on_paths(command, paths, as_json);
}
