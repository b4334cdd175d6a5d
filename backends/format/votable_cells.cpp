#include "backends/format/votable_cells.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "backends/format/numbers.h"
#include "backends/format/utf8.h"

namespace astrofs {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_integer(VoType type) {
  return type == VoType::byte || type == VoType::int16 || type == VoType::int32 || type == VoType::int64;
}
bool is_float(VoType type) {
  return type == VoType::float32 || type == VoType::float64;
}

/// Bytes of one element; 0: a bit, or no binary form.
std::size_t width_of(VoType type) {
  switch (type) {
    case VoType::boolean:
    case VoType::byte:
    case VoType::character:
      return 1;
    case VoType::int16:
    case VoType::unicode:
      return 2;
    case VoType::int32:
    case VoType::float32:
      return 4;
    case VoType::int64:
    case VoType::float64:
    case VoType::complex64:
      return 8;
    case VoType::complex128:
      return 16;
    case VoType::bit:
    case VoType::other:
      return 0;
  }
  return 0;
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

template <class T>
void append_number(std::string& out, T value) {
  std::array<char, 40> digits{};  // the shortest form of a double has at most 24 characters
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}
template <class T>
void append_float(std::string& out, T value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Inf" : "Inf";
  } else {
    append_number(out, value);
  }
}

void append_element(std::string& out, VoType type, std::string_view bytes) {
  switch (type) {
    case VoType::boolean:  // for none stilts writes a blank, which would be lost between the others
      out += static_cast<unsigned char>(bytes.front()) <= ' ' ? '?' : bytes.front();
      break;
    case VoType::byte:
      append_number(out, static_cast<unsigned char>(bytes.front()));
      break;
    case VoType::int16:
      append_number(out, static_cast<std::int16_t>(big_endian(bytes)));
      break;
    case VoType::int32:
      append_number(out, static_cast<std::int32_t>(big_endian(bytes)));
      break;
    case VoType::int64:
      append_number(out, static_cast<std::int64_t>(big_endian(bytes)));
      break;
    case VoType::float32:
      append_float(out, std::bit_cast<float>(static_cast<std::uint32_t>(big_endian(bytes))));
      break;
    case VoType::float64:
      append_float(out, std::bit_cast<double>(big_endian(bytes)));
      break;
    case VoType::complex64:
    case VoType::complex128: {
      const VoType part = type == VoType::complex64 ? VoType::float32 : VoType::float64;
      append_element(out, part, bytes.substr(0, bytes.size() / 2));
      out += ' ';
      append_element(out, part, bytes.substr(bytes.size() / 2));
      break;
    }
    case VoType::bit:
    case VoType::character:
    case VoType::unicode:
    case VoType::other:
      break;
  }
}

/// Is ASCII or UTF-8, as it should be, or Latin-1, as some write it.
void append_characters(std::string& out, std::string_view bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    if (take_utf8(rest)) continue;
    for (const char byte : bytes) append_utf8(out, static_cast<unsigned char>(byte));
    return;
  }
  out += bytes;
}

/// UCS-2 as the standard says, UTF-16 as it is written.
void append_utf16(std::string& out, std::string_view bytes) {
  for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
    auto code = static_cast<std::uint32_t>(big_endian(bytes.substr(at, 2)));
    if (code >= 0xD800 && code < 0xDC00 && at + 4 <= bytes.size()) {
      const auto low = static_cast<std::uint32_t>(big_endian(bytes.substr(at + 2, 2)));
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
        at += 2;
      }
    }
    append_utf8(out, code);
  }
}

/// What stands before the NUL of a text that is shorter than its field.
std::string_view before_nul(std::string_view bytes, std::size_t width) {
  if (width == 1) return bytes.substr(0, bytes.find('\0'));
  for (std::size_t at = 0; at + width <= bytes.size(); at += width) {
    if (big_endian(bytes.substr(at, width)) == 0) return bytes.substr(0, at);
  }
  return bytes;
}

/// Of several strings each ends at its own NUL and is filled with blanks, as TABLEDATA has it: without them
/// nobody knows where the next one begins.
void append_text(std::string& out, const VoField& field, std::string_view bytes) {
  const std::size_t width = width_of(field.type);
  const std::size_t step = field.string_length == 0 ? bytes.size() : field.string_length * width;
  const std::size_t begin = out.size();
  bool is_empty = true;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const std::string_view all = bytes.substr(at, step);
    const std::string_view text = before_nul(all, width);
    if (field.type == VoType::unicode) {
      append_utf16(out, text);
    } else {
      append_characters(out, text);
    }
    if (field.string_length != 0) out.append((all.size() - text.size()) / width, ' ');
    is_empty = is_empty && text.empty();
  }
  if (is_empty) out.resize(begin);
}

void append_array(std::string& out, const VoField& field, std::uint64_t count, std::string_view bytes) {
  if (field.type == VoType::character || field.type == VoType::unicode) return append_text(out, field, bytes);
  if (field.type == VoType::bit && count == 1) {  // in which bit a single one stands is not agreed upon
    out += bytes.front() != 0 ? '1' : '0';
    return;
  }
  const std::size_t width = width_of(field.type);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) out += ' ';
    if (field.type == VoType::bit) {
      out += (static_cast<unsigned char>(bytes[i / 8]) >> (7U - i % 8U) & 1U) != 0 ? '1' : '0';
    } else {
      append_element(out, field.type, bytes.substr(i * width, width));
    }
  }
}

/// Of `count` elements. Callers bound `count` first.
std::uint64_t bytes_of(const VoField& field, std::uint64_t count) {
  return field.type == VoType::bit ? (count + 7) / 8 : count * width_of(field.type);
}

std::string_view boolean(std::string_view text) {
  if (text.empty()) return {};
  switch (text.front()) {
    case 'T':
    case 't':
    case '1':
      return "true";
    case 'F':
    case 'f':
    case '0':
      return "false";
    default:
      return {};
  }
}

/// An array as some write it, over several lines, with one blank between its words; `append` appends one.
template <class Append>
std::string words_of(std::string_view cell, Append append) {
  std::string words;
  while (!(cell = trimmed(cell)).empty()) {
    const auto end = std::min(cell.find_first_of(kBlanks), cell.size());
    if (!words.empty()) words += ' ';
    append(words, cell.substr(0, end));
    cell.remove_prefix(end);
  }
  return words;
}
void append_as_it_is(std::string& out, std::string_view word) {
  out += word;
}
/// "?" for an element without value.
void append_boolean(std::string& out, std::string_view word) {
  const std::string_view value = boolean(word);
  out += value.empty() ? "?" : value;
}
/// "0x1F" is how some write integers. A word that is none stays: whoever wants a number of it must see that.
void append_decimal(std::string& out, std::string_view word) {
  if (word.starts_with("0x") || word.starts_with("0X")) {
    std::uint64_t value = 0;
    const char* const last = word.data() + word.size();
    const auto [end, error] = std::from_chars(word.data() + 2, last, value, 16);
    if (error == std::errc{} && end == last) return append_number(out, value);
  }
  out += word;
}

bool has_wide_blanks(std::string_view cell) {
  return cell.find_first_of(kBlanks.substr(1)) != std::string_view::npos ||
         cell.find("  ") != std::string_view::npos;
}

bool means_null(const VoField& field, std::string_view text) {
  if (!field.null) return false;
  if (text == *field.null) return true;
  if (field.is_text()) return false;
  const std::string_view null = trimmed(*field.null);
  if (!is_float(field.type)) return text == null;
  const auto value = number_in<double>(text);  // "-999" and "-999.0"
  return value && value == number_in<double>(null);
}

}  // namespace

VoType vo_type(std::string_view datatype) {
  constexpr std::array<std::pair<std::string_view, VoType>, 13> kTypes{
      {{"", VoType::character},
       {"boolean", VoType::boolean},
       {"bit", VoType::bit},
       {"unsignedByte", VoType::byte},
       {"short", VoType::int16},
       {"int", VoType::int32},
       {"long", VoType::int64},
       {"char", VoType::character},
       {"unicodeChar", VoType::unicode},
       {"float", VoType::float32},
       {"double", VoType::float64},
       {"floatComplex", VoType::complex64},
       {"doubleComplex", VoType::complex128}}};
  for (const auto& [name, type] : kTypes) {
    if (name == datatype) return type;
  }
  return VoType::other;
}

bool vo_array(std::string_view arraysize, VoField& field) {
  constexpr std::uint64_t kMost = 1ULL << 40;  // beyond any row, and no product of two overflows
  field.arraysize = arraysize;
  std::string_view rest = trimmed(arraysize);
  field.string_length = 0;
  if (const auto cross = rest.find('x'); cross != std::string_view::npos && field.is_text())
    field.string_length = number_in<std::uint64_t>(rest.substr(0, cross)).value_or(0);
  field.variable = rest.ends_with('*');
  if (field.variable) {  // the last dimension alone is: "2x3*" is up to 3 pairs
    rest.remove_suffix(1);
    const auto cross = rest.rfind('x');
    const std::string_view most = cross == std::string_view::npos ? rest : rest.substr(cross + 1);
    if (!most.empty() && !number_in<std::uint64_t>(most)) return false;
    rest = rest.substr(0, cross == std::string_view::npos ? 0 : cross);
  }
  field.count = 1;
  while (!rest.empty()) {
    const auto cross = std::min(rest.find('x'), rest.size());
    const auto size = number_in<std::uint64_t>(rest.substr(0, cross));
    if (!size) return false;
    field.count = *size == 0 ? 0 : *size > kMost || field.count > kMost / *size ? kMost : field.count * *size;
    rest.remove_prefix(std::min(cross + 1, rest.size()));
  }
  return true;
}

void VoCells::settle(const VoField& field, Place& place) {
  if (place.begin == kNull) return;
  std::string_view cell = std::string_view(text).substr(place.begin, place.length);
  const bool is_scalar = !field.variable && field.count == 1;
  if (!field.is_text()) {
    cell = trimmed(cell);
    const bool is_hex = is_integer(field.type) && cell.find_first_of("xX") != std::string_view::npos;
    const bool is_boolean = field.type == VoType::boolean;
    if (is_boolean || is_hex || has_wide_blanks(cell)) {
      const std::string changed = is_hex                    ? words_of(cell, append_decimal)
                                  : is_boolean && is_scalar ? std::string(boolean(cell))
                                  : is_boolean              ? words_of(cell, append_boolean)
                                                            : words_of(cell, append_as_it_is);
      place = {text.size(), changed.size()};
      text += changed;
      cell = std::string_view(text).substr(place.begin, place.length);
    }
    place = {cell.empty() ? 0 : static_cast<std::size_t>(cell.data() - text.data()), cell.size()};
  }
  const bool is_nan = is_scalar && is_float(field.type) && (cell == "NaN" || cell == "nan");
  if (cell.empty() || is_nan || means_null(field, cell)) place.begin = kNull;
}

VoRow VoCells::row(const std::vector<VoField>& fields) {
  for (std::size_t i = 0; i < cells_.size() && i < fields.size(); ++i) settle(fields[i], cells_[i]);
  row_.clear();
  for (const Place& place : cells_) {
    if (place.begin == kNull) {
      row_.emplace_back();
    } else {
      row_.emplace_back(std::string_view(text).substr(place.begin, place.length));
    }
  }
  return row_;
}

Result<void> Base64Stream::feed(std::string_view piece, std::string& out) {
  for (const char c : piece) {
    std::uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      digit = c == '+' ? 62 : 63;
    } else if (kBlanks.find(c) != std::string_view::npos) {
      continue;
    } else if (c == '=' && digits_ + padding_ < 4 && digits_ >= 2) {
      ++padding_;
      continue;
    } else {
      return fail(Errc::corrupt, "a VOTable whose binary data are not base64");
    }
    if (padding_ > 0) return fail(Errc::corrupt, "a VOTable whose base64 goes on behind its end");
    bits_ = bits_ << 6U | digit;
    if (++digits_ == 1) continue;
    // The second to fourth digit of a group each complete a byte.
    out += static_cast<char>(bits_ >> (2U * (4U - digits_)) & 0xFFU);
    if (digits_ == 4) digits_ = 0;
  }
  return {};
}

Result<void> Base64Stream::finish() const {
  if (digits_ == 1 || (padding_ > 0 && digits_ + padding_ != 4)) {
    return fail(Errc::corrupt, "a VOTable whose base64 is cut off");
  }
  return {};
}

Result<VoBinaryRows> VoBinaryRows::make(const std::vector<VoField>& fields, bool with_null_flags,
                                        std::size_t largest_row) {
  std::uint64_t least = with_null_flags ? (fields.size() + 7) / 8 : 0;
  for (const VoField& field : fields) {
    if (field.type == VoType::other) {
      return fail(Errc::unsupported, "a binary VOTable with a column of an unknown type: " + field.name);
    }
    if (field.count > largest_row) return fail(Errc::too_large, "a VOTable with rows that are too long");
    least += field.variable ? 4 : bytes_of(field, field.count);
  }
  if (least > largest_row) return fail(Errc::too_large, "a VOTable with rows that are too long");
  if (least == 0) return fail(Errc::corrupt, "a binary VOTable with rows of no bytes");
  return VoBinaryRows(fields, with_null_flags, largest_row);
}

Result<std::optional<std::size_t>> VoBinaryRows::row_end() {
  const std::string_view row = std::string_view(bytes).substr(at_);
  std::uint64_t end = with_null_flags_ ? (fields_->size() + 7) / 8 : 0;
  for (const VoField& field : *fields_) {
    if (!field.variable) {
      end += bytes_of(field, field.count);
      continue;
    }
    if (end + 4 > row.size()) {
      needed_ = end + 4;
      return std::nullopt;
    }
    const std::uint64_t count = big_endian(row.substr(end, 4));
    if (count > largest_row_) return fail(Errc::too_large, "a VOTable with a row that is too long");
    // The standard counts the primitives whatever the dimensions are, and so does stilts. What astropy writes
    // of "2x*" counts pairs: where that is seen it is an error, and no table of half the numbers.
    if (field.count == 0 ? count != 0 : count % field.count != 0) {
      return fail(Errc::corrupt, "a VOTable with an array of " + std::to_string(count) +
                                     " elements in the column " + field.name + " of " + field.arraysize);
    }
    end += 4 + bytes_of(field, count);
    if (end > largest_row_) return fail(Errc::too_large, "a VOTable with a row that is too long");
  }
  if (end > row.size()) {
    needed_ = end;
    return std::nullopt;
  }
  return end;
}

Result<bool> VoBinaryRows::next(VoCells& cells) {
  if (bytes.size() - at_ < needed_ || bytes.size() == at_) return false;
  const auto end = row_end();
  if (!end) return tl::unexpected(end.error());
  if (!*end) return false;
  needed_ = 0;
  cells.clear();
  const std::string_view row = std::string_view(bytes).substr(at_, **end);
  std::size_t at = with_null_flags_ ? (fields_->size() + 7) / 8 : 0;
  for (std::size_t i = 0; i < fields_->size(); ++i) {
    const VoField& field = (*fields_)[i];
    std::uint64_t count = field.count;
    if (field.variable) {
      count = big_endian(row.substr(at, 4));
      at += 4;
    }
    const std::size_t size = bytes_of(field, count);
    if (with_null_flags_ && (static_cast<unsigned char>(row[i / 8]) >> (7U - i % 8U) & 1U) != 0) {
      cells.null_cell();
    } else {
      const std::size_t begin = cells.text.size();
      append_array(cells.text, field, count, row.substr(at, size));
      cells.end_cell(begin);
      // Bits become a digit each.
      if (cells.text.size() > largest_row_)
        return fail(Errc::too_large, "a VOTable with a row that is too long");
    }
    at += size;
  }
  at_ += **end;
  return true;
}

Result<void> VoBinaryRows::finish() const {
  if (bytes.size() == at_) return {};
  return fail(Errc::corrupt, "a VOTable whose binary data end within a row");
}

void VoBinaryRows::compact() {
  bytes.erase(0, at_);
  at_ = 0;
}

}  // namespace astrofs
