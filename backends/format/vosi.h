// What a service of the Virtual Observatory says of itself (VOSI capabilities): where each of its resources
// answers, and how it wants to be told who asks. Lenient, as the services are: elements by their local names,
// what is not known passed over. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs::vosi {

struct Interface {
  std::string standard_id;           ///< of its capability: "ivo://ivoa.net/std/TAP"
  std::string url;                   ///< "" = it names none
  std::vector<std::string> methods;  ///< standardID of each securityMethod; "" = nobody need say who he is
};

/// Errc::corrupt: no document of capabilities.
[[nodiscard]] Result<std::vector<Interface>> parse_capabilities(std::string_view xml);

/// "ivo://ivoa.net/sso#BasicAA" -> "BasicAA". What is no such identifier is given back as it is.
[[nodiscard]] std::string_view method_name(std::string_view standard_id);

}  // namespace astrofs::vosi
