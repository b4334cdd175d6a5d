#include "fs/ctl_login.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "base/config.h"
#include "base/one_line.h"
#include "fs/ca_file.h"
#include "fs/control_client.h"
#include "fs/ctl_unseen.h"
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

/// A user and his password as one line, which is what comes from a pipe.
Result<std::string> password_on_terminal(const TokenService& service) {
  if (::isatty(STDIN_FILENO) != 1) return read_unseen("");
  fmt::print("User of {} at {}: ", service.title, service.page);
  std::fflush(stdout);
  std::string user;
  if (!std::getline(std::cin, user) || user.empty()) return fail(Errc::interrupted, "no user was given");
  if (user.find(':') != std::string::npos) return fail(Errc::invalid, "the name of a user has no colon");
  return read_unseen("Password (not shown): ").map([&user](const std::string& password) {
    return user + ":" + password;
  });
}

Result<std::string> paste_on_terminal(const TokenService& service) {
  if (service.has_password) return password_on_terminal(service);
  return read_unseen(fmt::format("Paste a token of {}, which is to be had at\n\n{}\n\nToken (not shown): ",
                                 service.title, service.page));
}

}  // namespace

Result<void> login_on_terminal(const std::string& name, const std::optional<std::string>& config) {
  const Result<Config> loaded = load_config(config);
  if (!loaded) return tl::unexpected<Error>(loaded.error());
  const Result<LoginWay> way = login_way(*loaded, name);
  if (!way) return tl::unexpected<Error>(way.error());
  const std::string ca_file = ca_file_of_environment();
  if (Result<void> readable = check_ca_file(ca_file); !readable) return readable;
  const Result<std::string> done = log_in(*way, {ask_on_terminal, paste_on_terminal}, ca_file);
  if (!done) return tl::unexpected<Error>(done.error());
  // They would find it by themselves, but soon is late for who reads at once. Others' mounts do not listen.
  for (const MountPlace& mount : list_mounts())
    (void)ask(mount, R"({"command": "logins"})", [](const std::string&) {});
  fmt::print("{}. Mounts of this user read the files of {} from now on; {} holds the login.\n",
             one_line(*done), name, way->file);
  return {};
}

}  // namespace astrofs
