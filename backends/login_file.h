// The file of a login: 0600, in a directory of its user's own, written whole or not at all. Any thread and
// process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backends/format/globus_login.h"
#include "base/error.h"

namespace astrofs::login_file {

/// $XDG_STATE_HOME/astrofs/logins/NAME (~/.local/state without it), for root /var/lib/astrofs/logins.
[[nodiscard]] std::string usual_path(std::string_view name);
/// When it was last written, or its permissions changed, in ns; nullopt: there is none.
[[nodiscard]] std::optional<std::int64_t> written(const std::string& path);
/// Errc::denied: somebody else's file, or one that others can read.
[[nodiscard]] Result<std::string> read_text(const std::string& path);
[[nodiscard]] Result<void> write_text(const std::string& path, std::string_view text);
/// A credential of systemd: its own directory guards it, and its owner may be root.
[[nodiscard]] Result<std::string> read_credential(const std::string& path);

/// The login to Globus that read_text() and write_text() keep.
[[nodiscard]] Result<globus::Login> read(const std::string& path);
[[nodiscard]] Result<void> write(const std::string& path, const globus::Login& login);

}  // namespace astrofs::login_file
