// A service that is asked about things and answers 404 is itself not where it was, as a gateway says while
// the service is put up anew. Nothing that it was asked about is missing for that. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace astrofs {

/// What a failed request to a service means, where its answers say in their bodies what is not there.
/// `service`: for messages.
[[nodiscard]] inline Error of_service(Error error, std::string_view service) {
  if (error.code != Errc::not_found) return error;
  return {Errc::unavailable, std::string(service) + " does not answer there: " + error.message};
}

}  // namespace astrofs
