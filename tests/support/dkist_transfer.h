// The Transfer service of the made-up data centre, /transfer/v0.10/...: the end point, listings, tasks. Used
// by the thread of one connection.
#pragma once

#include "tests/support/dkist_auth.h"
#include "tests/support/dkist_settings.h"
#include "tests/support/dkist_shelf.h"
#include "tests/support/sim_reply.h"

namespace astrofs::sim {

/// /endpoint/ID, /operation/endpoint/ID/ls and /stat. For who has a token, also where the data are public.
[[nodiscard]] Reply dkist_endpoint_reply(const HttpRequest& request, DkistShelf& shelf,
                                         const DkistSettings& settings);

/// An error of the service as it writes them.
[[nodiscard]] Reply transfer_error(int status, std::string_view code, std::string_view message,
                                   std::string_view resource);

}  // namespace astrofs::sim
