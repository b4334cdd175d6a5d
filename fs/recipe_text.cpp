#include "fs/recipe_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/one_line.h"

namespace astrofs {
namespace {

constexpr std::string_view kGreeting = "astrofs-hdf5 1";
constexpr std::string_view kSingle = " single";

constexpr std::array<std::string_view, 6> kTypes{"same", "i2", "i4", "i8", "f4", "f8"};
constexpr std::array<std::string_view, 3> kOrigins{"column", "card", "given"};

template <class Names>
std::optional<std::size_t> index_of(const Names& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t space = std::min(line.find(' '), line.size());
    if (space > 0) words.push_back(line.substr(0, space));
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

template <class Number>
bool read_number(std::string_view word, Number& out) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  return error == std::errc{} && end == word.data() + word.size();
}

bool is_word(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; });
}

tl::unexpected<Error> bad_line(std::string_view line) {
  return fail(Errc::invalid, "not a line of a recipe: " + one_line(line.substr(0, 80)));
}

std::optional<Recipe::Dataset> dataset_in(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.size() != 5 || words[0] != "dataset") return std::nullopt;
  const auto type = index_of(kTypes, words[2]);
  const auto from = index_of(kOrigins, words[3]);
  if (!type || !from) return std::nullopt;
  Recipe::Dataset dataset;
  dataset.name = words[1];
  dataset.type = static_cast<Recipe::Type>(*type);
  dataset.from = static_cast<Recipe::From>(*from);
  if (dataset.from != Recipe::From::given) {
    dataset.key = words[4];
  } else if (!read_number(words[4], dataset.given)) {
    return std::nullopt;
  }
  return dataset;
}

}  // namespace

Result<std::string> recipe_head(const Recipe& recipe) {
  std::string text = fmt::format("{}{}\n", kGreeting, recipe.single ? kSingle : "");
  for (const Recipe::Dataset& dataset : recipe.datasets) {
    const bool is_given = dataset.from == Recipe::From::given;
    if (!is_word(dataset.name) || (!is_given && !is_word(dataset.key)))
      return fail(Errc::invalid, "a dataset's name is one word: " + one_line(dataset.name));
    text += fmt::format("dataset {} {} {} {}\n", dataset.name, kTypes[static_cast<std::size_t>(dataset.type)],
                        kOrigins[static_cast<std::size_t>(dataset.from)],
                        is_given ? std::to_string(dataset.given) : dataset.key);
  }
  return text + "\n";
}

Result<Recipe> parse_recipe_head(std::string_view text) {
  Recipe recipe;
  bool greeted = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!greeted) {
      recipe.single = line.ends_with(kSingle);
      greeted = line == kGreeting || line == std::string(kGreeting) + std::string(kSingle);
      if (!greeted) return bad_line(line);
    } else if (auto dataset = dataset_in(line)) {
      recipe.datasets.push_back(std::move(*dataset));
    } else {
      return bad_line(line);
    }
  }
  if (recipe.datasets.empty()) return fail(Errc::invalid, "a recipe without datasets");
  return recipe;
}

std::string part_line(const PartLine& part) {
  std::string line = fmt::format("part {} {}", part.index, part.length);
  for (const std::int64_t given : part.given) line += fmt::format(" {}", given);
  return line + "\n";
}

Result<PartLine> parse_part_line(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  PartLine part;
  if (words.size() < 3 || words[0] != "part" || !read_number(words[1], part.index) ||
      !read_number(words[2], part.length))
    return bad_line(line);
  for (std::size_t i = 3; i < words.size(); ++i) {
    if (!read_number(words[i], part.given.emplace_back())) return bad_line(line);
  }
  return part;
}

std::string answer_line(const Result<WrittenFile>& written) {
  if (!written)
    return fmt::format("failed {} {}\n", name_of(written.error().code), one_line(written.error().message));
  return fmt::format("done {} {} {} {}\n", written->size, written->parts, written->rows, written->peak_kib);
}

Result<WrittenFile> parse_answer_line(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  WrittenFile written;
  if (words.size() == 5 && words[0] == "done" && read_number(words[1], written.size) &&
      read_number(words[2], written.parts) && read_number(words[3], written.rows) &&
      read_number(words[4], written.peak_kib))
    return written;
  if (words.size() < 2 || words[0] != "failed")
    return fail(Errc::internal, "no answer of the program that writes HDF5: " + one_line(line.substr(0, 80)));
  const std::string_view text = line.substr(std::min(line.size(), words[0].size() + words[1].size() + 2));
  for (auto code = Errc::not_found; code <= Errc::internal;
       code = static_cast<Errc>(static_cast<unsigned char>(code) + 1)) {
    if (name_of(code) == words[1]) return fail(code, std::string(text));
  }
  return fail(Errc::internal, std::string(text));
}

}  // namespace astrofs
