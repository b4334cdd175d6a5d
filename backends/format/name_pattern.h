// Names with fields in them: "near_{ra}_{dec}.fits" is the names of many files, and each says the values of
// its fields. A field takes as little of a name as it can, and a letter at least: a plain number, or text of
// printable ASCII without a backslash. Pure; any thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs {

/// "-12.5", "3", ".5e-3": as every language of queries writes a number.
[[nodiscard]] bool is_plain_number(std::string_view text);

class NamePattern {
 public:
  using Values = std::map<std::string, std::string, std::less<>>;

  /// invalid: a brace that begins or ends no field, two fields side by side, one that is there twice, a name
  /// that no directory can show.
  [[nodiscard]] static Result<NamePattern> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  /// Names of the fields, in their order; none: the pattern is one name.
  [[nodiscard]] const std::vector<std::string>& fields() const { return fields_; }
  /// From now on these fields take numbers alone.
  void want_numbers(const std::set<std::string, std::less<>>& fields);

  /// nullopt: the name does not fit.
  [[nodiscard]] std::optional<Values> match(std::string_view name) const;
  /// A shortest name that fits both; nullopt: there is none.
  [[nodiscard]] static std::optional<std::string> name_of_both(const NamePattern& a, const NamePattern& b);

 private:
  struct Piece {
    bool is_field{false}, is_number{false};
    std::string text;  ///< as it stands in a name; of a field: its own name
  };
  /// How far a name has come: in which piece, and where there; of a field a state of its automaton.
  struct At {
    std::size_t piece{0}, inner{0};
    auto operator<=>(const At&) const = default;
  };
  [[nodiscard]] bool fits(std::size_t piece, std::string_view rest, Values& values,
                          std::set<std::pair<std::size_t, std::size_t>>& hopeless) const;
  [[nodiscard]] std::vector<At> after(const At& at, char letter) const;
  /// Letters worth a step from there; nullopt: any that a field takes.
  [[nodiscard]] std::optional<char> wants(const At& at) const;

  std::string text_;
  std::vector<Piece> pieces_;
  std::vector<std::string> fields_;
};

}  // namespace astrofs
