#include "backends/format/query_text.h"

#include <algorithm>

namespace astrofs {
namespace {

/// What may stand right beside a number that is put in: nothing that would make one word of the two.
bool may_touch(char c) {
  return std::string_view(" \t\r\n(),=<>+-*/").find(c) != std::string_view::npos;
}

/// "3e-" and what is put in behind it would be one number.
bool ends_in_exponent(std::string_view before) {
  if (before.size() < 3 || (before.back() != '-' && before.back() != '+')) return false;
  const char letter = before[before.size() - 2];
  const char digit = before[before.size() - 3];
  return (letter == 'e' || letter == 'E') && ((digit >= '0' && digit <= '9') || digit == '.');
}

}  // namespace

Result<std::size_t> QueryText::add_field(std::string_view adql, std::size_t at, Place place) {
  const std::size_t end = std::min(adql.find('}', at), adql.size());
  // A pattern of this one field says whether it is one.
  const auto parsed = NamePattern::parse(adql.substr(at, end - at + 1));
  if (!parsed || parsed->fields().size() != 1)
    return fail(Errc::invalid, "a '{' in the query that begins no field: it is followed by a word and '}'");
  const std::string& field = parsed->fields().front();
  const std::string shown = "the field {" + field + "}";
  if (place == Place::name) return fail(Errc::invalid, shown + " stands in the name of a table or column");
  if (place == Place::comment) return fail(Errc::invalid, shown + " stands in a comment");
  const bool touches = (at > 0 && !may_touch(adql[at - 1])) || ends_in_exponent(adql.substr(0, at)) ||
                       (end + 1 < adql.size() && !may_touch(adql[end + 1]));
  if (place == Place::outside && touches)
    return fail(Errc::invalid, shown + " is a part of a word; a number stands alone, a text in quotes");
  pieces_.back().field = field;
  pieces_.back().in_text = place == Place::text;
  pieces_.emplace_back();
  fields_.insert(field);
  if (place == Place::outside) numbers_.insert(field);
  return end;
}

Result<QueryText> QueryText::parse(std::string_view adql) {
  QueryText query;
  query.pieces_.emplace_back();
  Place place = Place::outside;
  for (std::size_t at = 0; at < adql.size(); ++at) {
    const char c = adql[at];
    if (c == '}') return fail(Errc::invalid, "a '}' in the query that ends no field");
    if (c == '{') {
      const auto end = query.add_field(adql, at, place);
      if (!end) return tl::unexpected(end.error());
      at = *end;
      continue;
    }
    if (place == Place::outside) {
      if (c == '\'') place = Place::text;
      if (c == '"') place = Place::name;
      if (adql.substr(at).starts_with("--")) place = Place::comment;
      if (adql.substr(at).starts_with("/*"))
        return fail(Errc::invalid, "\"/*\" in the query: ADQL has no such");
      // A doubled quote ends a text and begins the next: the same for what stands within.
    } else if ((place == Place::text && c == '\'') || (place == Place::name && c == '"') ||
               (place == Place::comment && c == '\n')) {
      place = Place::outside;
    }
    query.pieces_.back().text += c;
  }
  if (place == Place::text || place == Place::name)
    return fail(Errc::invalid, "a quote in the query that is not closed");
  if (!query.fields_.empty() && adql.find('\\') != std::string_view::npos)
    return fail(Errc::invalid, "a '\\' in a query with fields: not all services read it alike");
  return query;
}

std::string QueryText::with(const NamePattern::Values& values) const {
  std::string adql;
  for (const Piece& piece : pieces_) {
    adql += piece.text;
    if (piece.field.empty()) continue;
    const auto found = values.find(piece.field);
    const std::string& value = found == values.end() ? std::string() : found->second;
    if (piece.in_text) {
      for (const char c : value) adql.append(c == '\'' ? 2 : 1, c);
    } else {
      // "--" would begin a comment.
      if (adql.ends_with('-') && value.starts_with('-')) adql += ' ';
      adql += value.starts_with('+') ? std::string_view(value).substr(1) : std::string_view(value);
    }
  }
  return adql;
}

}  // namespace astrofs
