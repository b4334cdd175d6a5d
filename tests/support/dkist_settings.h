// How the made-up data centre behaves at the moment; changed while it runs. A value.
#pragma once

#include <chrono>
#include <string>

#include "tests/support/dkist_dataset.h"

namespace astrofs::sim {

/// The collection; who uses it has asked /datasets/v1/config for it.
inline constexpr const char* kDkistCollection = "5a1f0c9e-3b7d-4c2a-9e61-0d5c8b7f2a34";

struct DkistSettings {
  bool https{true};                         ///< the end point has an https_server
  bool need_token{false};                   ///< collection HTTPS asks for one where the data are public, too
  bool member{false};                       ///< the user's tokens open embargoed data
  bool ranges{false};                       ///< /download answers ranges
  std::string digest{"wanted"};             ///< of /download: "wanted", "none", or the only one it knows
  bool gcp{true};                           ///< the user's Globus Connect Personal is connected
  std::string globus_folder{};              ///< what it writes to
  std::chrono::milliseconds task_time{0};   ///< of one Transfer task
  std::chrono::seconds token_time{172800};  ///< an access token lives for 48 h
};

}  // namespace astrofs::sim
