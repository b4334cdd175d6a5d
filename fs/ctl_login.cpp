#include "fs/ctl_login.h"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "base/config.h"
#include "fs/control_client.h"
#include "fs/login.h"

namespace astrofs {
namespace {

Result<std::string> ask_on_terminal(const std::string& address) {
  fmt::print("Open this address in a browser, on any machine, and log in:\n\n{}\n\nCode: ", address);
  std::fflush(stdout);
  std::string code;
  if (!std::getline(std::cin, code)) return fail(Errc::interrupted, "no code was given");
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  std::erase_if(code, is_blank);
  if (code.empty()) return fail(Errc::interrupted, "no code was given");
  return code;
}

}  // namespace

Result<void> login_on_terminal(const std::string& archive, const std::optional<std::string>& config) {
  const Result<Config> loaded = load_config(config);
  if (!loaded) return tl::unexpected<Error>(loaded.error());
  const auto table = std::find_if(loaded->archives.begin(), loaded->archives.end(),
                                  [&archive](const ArchiveConfig& each) { return each.name == archive; });
  if (table == loaded->archives.end())
    return fail(Errc::not_found, fmt::format("{} has no [archives.{}]", loaded->source, archive));
  const Result<LoginAddresses> addresses = login_addresses(*table);
  if (!addresses) return tl::unexpected<Error>(addresses.error());
  if (auto done = log_in(*addresses, ask_on_terminal); !done) return done;
  // They would find it by themselves, but soon is late for who reads at once. Others' mounts do not listen.
  for (const MountPlace& mount : list_mounts())
    (void)ask(mount, R"({"command": "logins"})", [](const std::string&) {});
  fmt::print("Logged in. Mounts of this user read the frames of {} from now on; {} holds the login.\n",
             archive, addresses->file);
  return {};
}

}  // namespace astrofs
