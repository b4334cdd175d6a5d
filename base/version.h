// The version of the project, as programs, logs and archives see it. CMakeLists.txt reads it here.
#pragma once

namespace astrofs {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace astrofs
