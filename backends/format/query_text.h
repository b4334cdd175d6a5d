// ADQL with fields in it. A field outside of quotes is put in as a plain number; one within a text, '{word}',
// as letters of that text, quotes doubled. Whatever the values are, the query has the same words in the same
// order: a value can neither end the text that it stands in nor be more than one number. Pure; any thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/name_pattern.h"
#include "base/error.h"

namespace astrofs {

class QueryText {
 public:
  /// invalid: a field in a comment or a quoted name, one that touches a word, an open quote, braces that are
  /// no field, what services do not read alike ("/*", and '\' beside a field).
  [[nodiscard]] static Result<QueryText> parse(std::string_view adql);

  [[nodiscard]] const std::set<std::string, std::less<>>& fields() const { return fields_; }
  /// Those of them that stand outside of quotes at least once.
  [[nodiscard]] const std::set<std::string, std::less<>>& numbers() const { return numbers_; }
  /// `values`: of all fields, as NamePattern gives them; numbers where numbers() says so.
  [[nodiscard]] std::string with(const NamePattern::Values& values) const;

 private:
  enum class Place : unsigned char { outside, text, name, comment };
  [[nodiscard]] Result<std::size_t> add_field(std::string_view adql, std::size_t at, Place place);

  struct Piece {
    std::string text;   ///< of the query, as it is
    std::string field;  ///< behind it; "" = none, which the last piece has
    bool in_text{false};
  };
  std::vector<Piece> pieces_;
  std::set<std::string, std::less<>> fields_, numbers_;
};

}  // namespace astrofs
