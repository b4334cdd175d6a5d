#include "fs/ca_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace astrofs {

std::string ca_file_of_environment() {
  const char* const named = std::getenv("SSL_CERT_FILE");
  if (named == nullptr || *named == '\0') return "";
  std::error_code ignored;
  return std::filesystem::absolute(named, ignored).string();
}

Result<void> check_ca_file(const std::string& ca_file) {
  if (ca_file.empty() || ::access(ca_file.c_str(), R_OK) == 0) return {};
  return fail(Errc::invalid,
              fmt::format("SSL_CERT_FILE names {}, which cannot be read: {}", ca_file, std::strerror(errno)));
}

}  // namespace astrofs
