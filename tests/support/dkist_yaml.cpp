// YAML as PyYAML's emitter writes it, as far as metadata files need it.
#include <fmt/format.h>

#include <algorithm>

#include "tests/support/dkist_asdf.h"

namespace astrofs::sim {
namespace {

constexpr std::size_t kWidth = 80;

bool is_number_or_date(std::string_view text) {
  // Whatever begins with a digit and has no letter but those of numbers and dates would be read as one.
  const bool begins = !text.empty() && (text[0] == '.' || text[0] == '-' || text[0] == '+' ||
                                        (text[0] >= '0' && text[0] <= '9'));
  return begins && text.find_first_not_of("0123456789.:-+eETZ_") == std::string_view::npos &&
         std::ranges::count(text, '.') < 2;
}

bool is_word_of_yaml(std::string_view text) {
  for (const std::string_view word :
       {"null", "Null", "NULL", "~",  "true", "True", "TRUE", "false", "False", "FALSE",
        "yes",  "Yes",  "no",   "No", "on",   "On",   "off",  "Off",   "y",     "n"}) {
    if (text == word) return true;
  }
  return false;
}

bool is_plain(std::string_view text) {
  if (text.empty() || is_word_of_yaml(text) || is_number_or_date(text)) return false;
  if (text.front() == ' ' || text.back() == ' ') return false;
  if (std::string_view("!&*%@`'\"#|>,[]{}?-:").find(text.front()) != std::string_view::npos) return false;
  return text.find(": ") == std::string_view::npos && text.find(" #") == std::string_view::npos &&
         text.back() != ':';
}

bool needs_escapes(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return c < ' ' || c == 0x7f; });  // char is signed: beyond ASCII, too
}

/// The next code point of valid UTF-8.
std::uint32_t next_letter(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  const unsigned more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  std::uint32_t letter = more == 0 ? lead : lead & (0x3FU >> more);
  for (unsigned rest = 0; rest < more && at < text.size(); ++rest)
    letter = letter << 6U | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  return letter;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t letter = next_letter(text, at);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += static_cast<char>(letter);
    } else if (letter == '\n') {
      out += "\\n";
    } else if (letter >= ' ' && letter < 0x7f) {
      out += static_cast<char>(letter);
    } else {
      out += letter < 0x100     ? fmt::format("\\x{:02X}", letter)
             : letter < 0x10000 ? fmt::format("\\u{:04X}", letter)
                                : fmt::format("\\U{:08X}", letter);
    }
  }
  return out;
}

/// A space becomes a new line where the line is full. In double quotes the line ends in a backslash, and so
/// does the next begin, so that the space stays.
std::string folded(std::string_view text, std::size_t column, std::size_t indent, bool double_quotes) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool single_space =
        text[at] == ' ' && at > 0 && at + 1 < text.size() && text[at - 1] != ' ' && text[at + 1] != ' ';
    if (single_space && column > kWidth) {
      out += double_quotes ? "\\\n" : "\n";
      out.append(indent, ' ');
      column = indent;
      if (double_quotes) out += "\\ ";
      continue;
    }
    out += text[at];
    ++column;
  }
  return out;
}

}  // namespace

std::string yaml_text(std::string_view text, std::size_t column, std::size_t indent) {
  if (needs_escapes(text)) return '"' + folded(escaped(text), column + 1, indent, true) + '"';
  if (is_plain(text)) return folded(text, column, indent, false);
  std::string doubled;
  for (const char c : text) doubled.append(c == '\'' ? 2 : 1, c);
  return '\'' + folded(doubled, column + 1, indent, false) + '\'';
}

std::string yaml_flow(const std::vector<std::string>& items, std::size_t column, std::size_t indent) {
  std::string out = "[";
  ++column;
  for (std::size_t at = 0; at < items.size(); ++at) {
    if (at > 0) {
      out += ',';
      ++column;
      if (column + items[at].size() > kWidth) {
        out += '\n' + std::string(indent, ' ');
        column = indent;
      } else {
        out += ' ';
        ++column;
      }
    }
    out += items[at];
    column += items[at].size();
  }
  return out + ']';
}

}  // namespace astrofs::sim
