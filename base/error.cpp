#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace astrofs {

int errno_of(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return ENOENT;
    case Errc::not_directory:
      return ENOTDIR;
    case Errc::is_directory:
      return EISDIR;
    case Errc::denied:
      return EACCES;
    case Errc::unavailable:
      return EIO;
    case Errc::timed_out:
      return ETIMEDOUT;
    case Errc::interrupted:
      return EINTR;
    case Errc::offline:
      return ENETUNREACH;
    case Errc::stale:
      return ESTALE;
    case Errc::corrupt:
      return EIO;
    case Errc::no_space:
      return ENOSPC;
    case Errc::too_large:
      return EFBIG;
    case Errc::unsupported:
      return ENOTSUP;
    case Errc::invalid:
      return EINVAL;
    case Errc::internal:
      return EIO;
  }
  return EIO;
}

std::string_view name_of(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return "not_found";
    case Errc::not_directory:
      return "not_directory";
    case Errc::is_directory:
      return "is_directory";
    case Errc::denied:
      return "denied";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timed_out:
      return "timed_out";
    case Errc::interrupted:
      return "interrupted";
    case Errc::offline:
      return "offline";
    case Errc::stale:
      return "stale";
    case Errc::corrupt:
      return "corrupt";
    case Errc::no_space:
      return "no_space";
    case Errc::too_large:
      return "too_large";
    case Errc::unsupported:
      return "unsupported";
    case Errc::invalid:
      return "invalid";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

Error system_error(int errno_value, std::string_view what) {
  Errc code = Errc::internal;
  switch (errno_value) {
    case ENOENT:
      code = Errc::not_found;
      break;
    case ENOTDIR:
      code = Errc::not_directory;
      break;
    case EISDIR:
      code = Errc::is_directory;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Errc::denied;
      break;
    case ENOSPC:
    case EDQUOT:
      code = Errc::no_space;
      break;
    case EFBIG:
      code = Errc::too_large;
      break;
    case EINTR:
      code = Errc::interrupted;
      break;
    case ETIMEDOUT:
      code = Errc::timed_out;
      break;
    case ESTALE:
      code = Errc::stale;
      break;
    case EINVAL:
    case ENAMETOOLONG:
      code = Errc::invalid;
      break;
    case ENOTSUP:
      code = Errc::unsupported;
      break;
    default:
      break;
  }
  return Error{code, std::string(what) + ": " + std::strerror(errno_value)};
}

}  // namespace astrofs
