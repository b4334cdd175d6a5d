// SSL_CERT_FILE: the variable that OpenSSL's own programs and curl go by, which libcurl leaves to its
// callers. Read while the process has one thread (getenv).
#pragma once

#include <string>

#include "base/error.h"

namespace astrofs {

/// The PEM file of who vouches for servers, as an absolute path; "": the system's.
[[nodiscard]] std::string ca_file_of_environment();

/// Errc::invalid: it cannot be read. Without this look every server would be the one that is not believed.
[[nodiscard]] Result<void> check_ca_file(const std::string& ca_file);

}  // namespace astrofs
