// Names with fields and the queries that go with them: whatever a name says, the query has the words that the
// configuration wrote, in its order, and each value is one of them or a part of a text.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/format/query_file.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

/// A lexer of ADQL that knows nothing of fields: kinds of the words, and of all but texts and numbers the
/// words.
std::optional<std::vector<std::string>> words_of(std::string_view adql) {
  std::vector<std::string> words;
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  };
  for (std::size_t at = 0; at < adql.size();) {
    const char c = adql[at];
    if (adql.substr(at).starts_with("--")) {
      at = std::min(adql.find('\n', at), adql.size());
      words.emplace_back("comment");
    } else if (c == '\'' || c == '"') {
      const std::size_t end = adql.find(c, at + 1);
      if (end == std::string_view::npos) return std::nullopt;
      words.emplace_back(1, c);
      at = end + 1;
      while (at < adql.size() && adql[at] == c) {  // a doubled quote: the same text goes on
        const std::size_t next = adql.find(c, at + 1);
        if (next == std::string_view::npos) return std::nullopt;
        at = next + 1;
      }
    } else if (is_word(c)) {
      const std::size_t begin = at;
      while (at < adql.size() &&
             (is_word(adql[at]) || ((adql[at] == '-' || adql[at] == '+') && at > begin &&
                                    (adql[at - 1] == 'e' || adql[at - 1] == 'E') &&
                                    astrofs::is_plain_number(adql.substr(begin, at - begin - 1)))))
        ++at;
      const std::string word(adql.substr(begin, at - begin));
      words.push_back(astrofs::is_plain_number(word) ? "number" : word);
    } else {
      if (std::isspace(static_cast<unsigned char>(c)) == 0) words.emplace_back(1, c);
      ++at;
    }
  }
  return words;
}

}  // namespace

/// A pattern, a query and a name, apart by newlines and NULs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace astrofs;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t first = std::min(text.find('\0'), text.size());
  const std::size_t second = std::min(text.find('\0', std::min(first + 1, size)), text.size());
  const std::string_view pattern = text.substr(0, std::min<std::size_t>(first, 60));
  const std::string_view adql = text.substr(std::min(first + 1, size), second - std::min(first + 1, second));
  const std::string_view name = text.substr(std::min(second + 1, size));
  const auto file = QueryFile::parse(pattern, adql);
  if (!file) {
    check(!file.error().message.empty());
    return 0;
  }
  const auto both = NamePattern::name_of_both(file->name, file->name);
  check(both && file->name.match(*both));
  // The least that a field may be, in every place.
  const auto plain = file->adql_of(*both);
  check(plain.has_value());
  const auto values = file->name.match(name);
  if (!values) return 0;
  for (const auto& [field, value] : *values) {
    check(!value.empty());
    for (const char c : value) check(c >= ' ' && c <= '~' && c != '\\');
  }
  const auto filled = file->adql_of(name);
  const auto words = words_of(*filled);
  const auto expected = words_of(*plain);
  check(words.has_value() == expected.has_value());
  if (!words) return 0;
  // A sign is a word of its own here; none of the least values has one.
  std::vector<std::string> unsigned_words;
  for (std::size_t i = 0; i < words->size(); ++i) {
    const bool extra =
        (*words)[i] == "-" && i + 1 < words->size() && (*words)[i + 1] == "number" &&
        (unsigned_words.size() >= expected->size() || (*expected)[unsigned_words.size()] != "-");
    if (!extra) unsigned_words.push_back((*words)[i]);
  }
  check(unsigned_words == *expected);
  return 0;
}
