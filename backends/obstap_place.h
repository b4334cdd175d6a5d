// Where one is in the tree of type "obstap", and what a locator says of it. Pure; any thread.
//
//   a level      a value of a column, or none
//   a data set   by its publisher's identifier: a directory where a level has very many of them
//   semantics    what DataLink says that files are for, where they are not the data themselves
//   a file       by its data set, its semantics and the last part of its address; among several of one such
//                part by a sum of the address, never by where it stands: documents change their order
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace astrofs::obstap {

/// What a column holds, as far as conditions on it are written in different ways.
enum class Kind : unsigned char {
  text,
  number,   ///< whole, or of double precision
  single,   ///< of single precision: what is written is the nearest one
  boolean,  ///< "true", "false"
  time      ///< a text that is never empty
};

struct Value {
  std::optional<std::string> text;  ///< nullopt: none; its kind is then text or number, which is any other
  Kind kind{Kind::text};            ///< as the column is, not as it looks
  friend bool operator==(const Value&, const Value&) = default;
};

/// Which part of an address tells files apart whose last parts are the same.
constexpr char kPathKey = 'p';     ///< its path: what is signed stands behind that
constexpr char kAddressKey = 'a';  ///< all of it
constexpr std::size_t kKeyDigits = 16;

struct Place {
  std::vector<Value> levels;
  std::string did, semantics, file;
  std::string key;  ///< kPathKey or kAddressKey and a sum; empty: `file` is enough

  [[nodiscard]] bool is_file() const { return !file.empty(); }
  friend bool operator==(const Place&, const Place&) = default;
};

/// Without what is said beyond levels and data set: whose rows tell of such a file or folder.
[[nodiscard]] Place data_set_of(const Place& place);

/// Of one level: "l" and a text, "v" and a number, "w" and one of single precision, "b" and a boolean, "t"
/// and a time, "n" for no text, "m" for no other; "d", "s", "f", "k" for the rest, each percent-encoded, with
/// '/' between. No address is in it.
[[nodiscard]] std::string to_locator(const Place& place);
/// nullopt: no such locator.
[[nodiscard]] std::optional<Place> to_place(std::string_view locator);

/// How a directory of such a value is called; that of no value is "NULL".
[[nodiscard]] std::string name_of_value(const Value& value);
/// What is meant by such a name; nullopt where a column of that kind cannot have it.
[[nodiscard]] std::optional<Value> value_of_name(std::string_view name, Kind kind);

}  // namespace astrofs::obstap
