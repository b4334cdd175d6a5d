#include "tests/support/vo_table.h"

#include <bit>
#include <cstdint>
#include <cstdlib>

#include "tests/support/sim_http.h"

namespace astrofs::sim {
namespace {

constexpr std::string_view kHead =
    "<?xml version='1.0' encoding='utf-8'?>\n<VOTABLE version=\"1.4\" "
    "xmlns=\"http://www.ivoa.net/xml/VOTable/v1.3\"><RESOURCE type=\"results\">";
/// A whole number without a value; what is a number of things is never negative.
constexpr std::int64_t kNone = -1;

template <class Number>
void append_big_endian(std::string& out, Number value) {
  for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xFF);
  }
}

void append_binary(std::string& out, const VoColumn& column, const VoCell& cell) {
  if (column.kind == VoKind::whole) {
    append_big_endian(out, static_cast<std::uint64_t>(cell ? std::atoll(cell->c_str()) : kNone));
  } else if (column.kind == VoKind::real || column.kind == VoKind::narrow) {
    constexpr std::uint64_t kNan = 0x7FF8000000000000ULL;
    append_big_endian(out, cell ? std::bit_cast<std::uint64_t>(std::strtod(cell->c_str(), nullptr)) : kNan);
  } else if (column.kind == VoKind::single) {
    constexpr std::uint32_t kNan = 0x7FC00000U;
    append_big_endian(out, cell ? std::bit_cast<std::uint32_t>(std::strtof(cell->c_str(), nullptr)) : kNan);
  } else if (column.kind == VoKind::boolean) {
    out += cell ? cell->starts_with('t') ? 'T' : 'F' : '?';
  } else {
    append_big_endian(out, static_cast<std::uint32_t>(cell ? cell->size() : 0));
    out += cell.value_or("");
  }
}

std::string binary_of(const VoRows& content, bool with_flags) {
  std::string out;
  for (const VoRow& row : content.rows) {
    if (with_flags) {
      std::string flags((row.size() + 7) / 8, '\0');
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (!row[i])
          flags[i / 8] = static_cast<char>(static_cast<unsigned char>(flags[i / 8]) | (0x80U >> i % 8));
      }
      out += flags;
    }
    for (std::size_t i = 0; i < row.size(); ++i) append_binary(out, content.columns[i], row[i]);
  }
  return out;
}

/// With a line break after 76 digits, as most libraries write it.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += at + i > bytes.size() ? '=' : kDigits[group >> (18 - 6 * i) & 63U];
    }
    if (at / 3 % 19 == 18) out += '\n';
  }
  return out;
}

std::string_view datatype_of(VoKind kind) {
  switch (kind) {
    case VoKind::whole:
      return "datatype=\"long\">";
    case VoKind::real:
    case VoKind::narrow:
      return "datatype=\"double\">";
    case VoKind::single:
      return "datatype=\"float\">";
    case VoKind::boolean:
      return "datatype=\"boolean\">";
    case VoKind::time:
      return "datatype=\"char\" arraysize=\"*\" xtype=\"timestamp\">";
    case VoKind::text:
      break;
  }
  return "datatype=\"char\" arraysize=\"*\">";
}

std::string text_of(const VoRows& content) {
  std::string out;
  for (const VoRow& row : content.rows) {
    out += "<TR>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string none = content.columns[i].kind == VoKind::real ? "NaN" : "";
      out += "<TD>" + escape_markup(row[i].value_or(none)) + "</TD>";
    }
    out += "</TR>\n";
  }
  return out;
}

}  // namespace

std::string vo_table(const VoRows& content, VoForm form, bool overflow, std::string_view service) {
  std::string out(kHead);
  out += "<INFO name=\"QUERY_STATUS\" value=\"OK\"/><TABLE>";
  for (const VoColumn& column : content.columns) {
    out += "<FIELD name=\"" + column.name + "\" ID=\"" + column.name + "\" ";
    if (!column.unit.empty()) out += "unit=\"" + column.unit + "\" ";
    out += datatype_of(column.kind);
    if (!column.description.empty())
      out += "<DESCRIPTION>" + escape_markup(column.description) + "</DESCRIPTION>";
    out += column.kind == VoKind::whole ? "<VALUES null=\"-1\"/></FIELD>" : "</FIELD>";
  }
  out += "<DATA>";
  if (form == VoForm::text) {
    out += "<TABLEDATA>" + text_of(content) + "</TABLEDATA>";
  } else {
    const std::string name = form == VoForm::binary2 ? "BINARY2" : "BINARY";
    out += "<" + name + "><STREAM encoding=\"base64\">" +
           base64(binary_of(content, form == VoForm::binary2)) + "</STREAM></" + name + ">";
  }
  out += "</DATA></TABLE>";
  if (overflow) out += "<INFO name=\"QUERY_STATUS\" value=\"OVERFLOW\"/>";
  out += "</RESOURCE>" + std::string(service) + "</VOTABLE>\n";
  return out;
}

std::string vo_error(std::string_view message) {
  return std::string(kHead) + "<INFO name=\"QUERY_STATUS\" value=\"ERROR\">" + escape_markup(message) +
         "</INFO></RESOURCE></VOTABLE>\n";
}

}  // namespace astrofs::sim
