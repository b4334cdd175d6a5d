// VOTables as services write them, in the serialization that is asked for. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/vo_query.h"

namespace astrofs::sim {

enum class VoForm : unsigned char { text, binary, binary2 };

/// The status stands behind the table. `service`: XML of a further RESOURCE.
[[nodiscard]] std::string vo_table(const VoRows& content, VoForm form, bool overflow,
                                   std::string_view service = {});
[[nodiscard]] std::string vo_error(std::string_view message);

}  // namespace astrofs::sim
