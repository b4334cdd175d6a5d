#include "backends/format/query_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace astrofs {
namespace {

std::optional<TableForm> form_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, TableForm>, 3> kEndings{
      {{".fits", TableForm::fits}, {".vot", TableForm::votable}, {".csv", TableForm::csv}}};
  for (const auto& [ending, form] : kEndings) {
    if (name.ends_with(ending) && name.size() > ending.size()) return form;
  }
  return std::nullopt;
}

}  // namespace

Result<QueryFile> QueryFile::parse(std::string_view name, std::string_view adql) {
  const auto form = form_of(name);
  if (!form) return fail(Errc::invalid, "a name must end with .fits, .vot or .csv: that is what is made");
  auto pattern = NamePattern::parse(name);
  if (!pattern) return tl::unexpected(pattern.error());
  auto query = QueryText::parse(adql);
  if (!query) return tl::unexpected(query.error());
  if (adql.find_first_not_of(" \t\r\n") == std::string_view::npos) return fail(Errc::invalid, "no query");
  const auto& named = pattern->fields();
  for (const std::string& field : query->fields()) {
    if (std::ranges::find(named, field) == named.end())
      return fail(Errc::invalid, fmt::format("the query has a field {{{}}} that the name has not", field));
  }
  for (const std::string& field : named) {
    if (!query->fields().contains(field))
      return fail(Errc::invalid,
                  fmt::format("the name has a field {{{}}} that the query does not use", field));
  }
  pattern->want_numbers(query->numbers());
  return QueryFile{std::move(*pattern), std::move(*query), *form};
}

std::optional<std::string> QueryFile::adql_of(std::string_view given) const {
  const auto values = name.match(given);
  return values ? std::optional(query.with(*values)) : std::nullopt;
}

Result<void> check_apart(const QueryFile& one, std::span<const QueryFile> others) {
  for (const QueryFile& other : others) {
    const auto both = NamePattern::name_of_both(one.name, other.name);
    if (both)
      return fail(Errc::invalid, fmt::format("\"{}\" is a name of \"{}\" too: which query is meant?", *both,
                                             other.name.text()));
  }
  return {};
}

}  // namespace astrofs
