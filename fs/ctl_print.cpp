#include "fs/ctl_print.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/config.h"
#include "base/one_line.h"

namespace astrofs {
namespace {

using nlohmann::json;

/// That of the mount itself is "".
std::string path_of(const json& row) {
  std::string path = row.value("path", "");
  return path.empty() ? "/" : path;
}

/// The last of a host, which may have answered well since then.
std::string error_of(const json& origin) {
  return fmt::format("{} s ago: {}", origin.value("last_error_age_seconds", 0LL),
                     origin.value("last_error", ""));
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

/// What was measured of a host; nothing before it has sent anything.
std::string pace_words(const json& pace) {
  std::string words;
  if (pace.contains("latency_ms"))
    words = fmt::format(", answers in {:.0f} ms", pace.value("latency_ms", 0.0));
  if (pace.contains("bytes_per_second"))
    words += fmt::format(", {:.1f} MB/s a connection", pace.value("bytes_per_second", 0.0) / 1e6);
  return words;
}

std::string listing_line(const json& listing) {
  if (!listing.value("known", false)) {
    const std::string error = listing.value("last_error", "");
    return error.empty() ? "not listed yet" : "not listed: " + error;
  }
  std::string line =
      fmt::format("{} names, {} s old", listing.value("names", 0ULL), listing.value("age_seconds", 0LL));
  if (const std::string remark = listing.value("remark", ""); !remark.empty()) line += "; " + remark;
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

/// A file that is built of others.
std::string build_line(const json& build) {
  std::string line = build.value("state", "");
  if (build.contains("parts"))
    line +=
        fmt::format(": {} of {} light curves", build.value("parts_done", 0ULL), build.value("parts", 0ULL));
  if (build.contains("bytes")) line += ", " + size_of(build["bytes"]);
  if (const auto lost = build.value("lost", 0ULL); lost > 0)
    line += fmt::format(", {} of them lost by the archive", lost);
  return line;
}

std::string order_line(const json& order) {
  const std::string name = order.value("order", "");
  return fmt::format("{}/{}: {}, {} of {} files, {}, {} s old{}", order.value("archive", ""),
                     order.value("batch", ""), order.value("state", ""), order.value("files_done", 0ULL),
                     order.value("files", 0ULL), size_of(order["bytes_done"]),
                     order.value("age_seconds", 0LL), name.empty() ? "" : " (" + name + ")");
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
  for (const json& order : status.value("orders", json::array()))
    fmt::print("  order        {}\n", order_line(order));
  for (const json& origin : status["origins"]) {
    fmt::print("  {}: {} of {} connections, {} waiting{}{}{}\n", origin.value("origin", ""),
               origin.value("in_flight", 0), origin.value("budget", 0), origin.value("waiting", 0),
               pace_words(origin.value("pace", json::object())),
               origin.value("breaker_open", false) ? ", resting after failures" : "",
               origin.value("last_error", "").empty() ? "" : "; last error " + error_of(origin));
  }
  if (const std::string note = cache.value("note", ""); !note.empty())
    fmt::print("  note         {}\n", note);
}

void print_why(const json& why) {
  fmt::print("{}\n", path_of(why));
  const auto row = [](std::string_view name, const std::string& value) {
    if (!value.empty()) fmt::print("  {:<11} {}\n", name, value);
  };
  row("archive", why.value("archive", ""));
  row("state", why.value("state", ""));
  row("because", why.value("reason", ""));
  row("login", why.value("login", ""));
  row("listing", listing_line(why.value("listing", json::object())));
  if (why.value("kind", "") != "file") return;
  row("size", why["size"].is_null() ? "not known yet" : size_of(why["size"]));
  row("cached", fmt::format("{}{}{}", size_of(why.value("cached_bytes", json(0U))),
                            why.value("cached_completely", false) ? ", complete" : "",
                            why.value("pinned", false) ? ", pinned" : ""));
  row("verified",
      why.value("verified", "") + (why.value("checked", "").empty() ? "" : ": " + why.value("checked", "")));
  row("validator", why.value("validator", ""));
  row("brought to", why.value("brought_to", ""));
  if (const json order = why.value("order", json::object()); !order.empty()) row("order", order_line(order));
  if (const json build = why.value("build", json::object()); !build.empty()) row("build", build_line(build));
  for (const json& source : why.value("sources", json::array())) row("source", source.get<std::string>());
  if (const json last = why.value("last_error", json::object()); !last.empty())
    row("last error", fmt::format("{} s ago: {}", last.value("age_seconds", 0LL), last.value("message", "")));
  for (const json& origin : why.value("origins", json::array())) {
    if (!origin.value("last_error", "").empty())
      row("last error", fmt::format("{}: {}", origin.value("origin", ""), error_of(origin)));
  }
}

/// What was not done, and why not: on the standard error, also where the answer is JSON.
void print_failures(const std::string& command, const json& result) {
  for (const char* const rows : {"failures", "contradictions"}) {
    for (const json& row : result.value(rows, json::array()))
      fmt::print(stderr, "  {}: {}\n", row.value("path", ""), row.value("message", ""));
  }
  if (result.value("ended_early", false))
    fmt::print(stderr, "astrofs: {} ended early: the mount is being taken away\n", command);
}

void print_answer(const std::string& command, const json& result) {
  if (command == "why") return print_why(result);
  if (command == "status") return print_status(result);
  if (command == "warm") {
    const auto missing = result.value("missing", 0ULL);
    fmt::print("{} files, {} fetched, {} failures{}{}\n", result.value("files", 0ULL),
               size_of(result["bytes_fetched"]), result["failures"].size(),
               missing > 0 ? fmt::format(", {} missing in the archive", missing) : "",
               result.value("ended_early", false) ? ", ended early" : "");
  } else if (command == "evict") {
    fmt::print("{} files evicted, {} freed, {} in use and kept, {} pinned and kept\n",
               result.value("files", 0ULL), size_of(result["bytes_freed"]), result.value("in_use", 0ULL),
               result.value("pinned", 0ULL));
  } else if (command == "verify") {
    fmt::print("{} files verified, {} without a checksum, {} not completely here, {} contradicted\n",
               result.value("yes", 0ULL), result.value("unavailable", 0ULL), result.value("incomplete", 0ULL),
               result.value("no", 0ULL));
  } else if (command == "refresh") {
    for (const json& row : result["refreshed"])
      fmt::print("{}: {} names\n", path_of(row), row.value("names", 0ULL));
  } else if (command == "metrics") {
    fmt::print("{}", result.value("text", ""));
  } else if (command == "pin" || command == "unpin") {
    for (const auto& [what, count] : result.items()) fmt::print("{} {}\n", count.dump(), what);
  } else {
    fmt::print("{}\n", result.dump());
  }
}

bool succeeded(const json& result) {
  return result.value("failures", json::array()).empty() && result.value("no", 0ULL) == 0 &&
         !result.value("ended_early", false);
}

}  // namespace

bool print_result(const std::string& command, const std::string& answer, bool as_json) {
  const json result = json::parse(answer);
  const json shown = command == "metrics" ? result : plain(result);
  if (as_json)
    fmt::print("{}\n", answer);
  else
    print_answer(command, shown);
  print_failures(command, shown);
  return succeeded(result);
}

ProgressLine::ProgressLine()
    : terminal_(::isatty(STDERR_FILENO) == 1), started_(std::chrono::steady_clock::now()) {}

void ProgressLine::show(const std::string& progress) {
  const json now = json::parse(progress);
  const auto at = std::chrono::steady_clock::now();
  if (now.value("verifying", false))
    return print(at, fmt::format("{} files compared", now.value("files", 0ULL)));
  if (now.value("listing", false)) return print(at, fmt::format("{} files listed", now.value("files", 0ULL)));
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

void ProgressLine::end() {
  if (terminal_ && shown_) std::fputs("\n", stderr);
}

void ProgressLine::print(Moment at, const std::string& line) {
  constexpr std::chrono::seconds kPlainEvery{5};
  // Not by fmt, which throws where nothing can be written: the bytes come all the same.
  if (terminal_) {
    std::fputs(("\r\033[K" + line).c_str(), stderr);
  } else if (!shown_ || at - last_ > kPlainEvery) {
    std::fputs((line + '\n').c_str(), stderr);
    last_ = at;
  }
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace astrofs
