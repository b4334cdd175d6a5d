// Values as a FITS header writes them, for the cards of a FrameShape.
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace astrofs::fits {

/// 'text', quotes doubled, what is not printable ASCII as '?'. Of any length: whoever writes the card breaks
/// it up.
[[nodiscard]] std::string text_value(std::string_view text);

/// The shortest decimal number that reads back as `number`; "" for NaN and infinities, which FITS headers do
/// not know.
[[nodiscard]] std::string real_value(double number);

}  // namespace astrofs::fits
