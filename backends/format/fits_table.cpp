#include "backends/format/fits_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "backends/format/fits_checksum.h"
#include "backends/format/numbers.h"

namespace astrofs {
namespace {

constexpr std::size_t kCard = 80;
constexpr std::size_t kBlock = 2880;
/// A string in a card has at most this between its quotes.
constexpr std::size_t kLongestText = 68;
constexpr std::string_view kUnsummed = "0000000000000000";

std::size_t width_of(FitsType type) {
  switch (type) {
    case FitsType::logical:
    case FitsType::text:
      return 1;
    case FitsType::int16:
      return 2;
    case FitsType::int32:
    case FitsType::float32:
      return 4;
    default:
      return 8;
  }
}
/// Numbers that a cell holds: a complex one is two.
std::uint64_t numbers_of(const FitsColumn& column, std::uint64_t elements) {
  return column.complex ? 2 * elements : elements;
}
std::size_t width_of(const FitsColumn& column) {
  if (column.type == FitsType::text) return std::max<std::size_t>(column.width, 1);
  if (column.variable) return 8;  // length and place in the heap
  return width_of(column.type) * numbers_of(column, column.count);
}

std::string form_of(const FitsColumn& column, std::uint64_t longest) {
  constexpr std::string_view kLetters = "LIJKED";
  constexpr std::string_view kComplex = "LIJKCM";
  if (column.type == FitsType::text) return fmt::format("{}A", width_of(column));
  const char letter = (column.complex ? kComplex : kLetters)[static_cast<std::size_t>(column.type)];
  if (column.variable) return fmt::format("1P{}({})", letter, longest);
  return column.count == 1 ? std::string(1, letter) : fmt::format("{}{}", column.count, letter);
}

/// What TNULL says. Without need it says nothing, for a reader takes the least value, too, for none then.
std::optional<std::int64_t> null_of(const FitsColumn& column) {
  const auto least = default_null(column.type);
  if (!least) return std::nullopt;
  if (column.null) return column.null;
  // A cell of a variable column without value is an array of no elements.
  return column.has_null && !column.variable ? least : std::nullopt;
}

/// In fixed format: the value of a number ends in column 30.
void add_card(std::string& header, std::string_view keyword, std::string_view value,
              std::string_view comment = {}) {
  std::string card = fmt::format("{:<8}= {:>20}", keyword, value);
  if (!comment.empty()) card += fmt::format(" / {}", comment);
  card.resize(kCard, ' ');
  header += card;
}

/// A stranger's letter as a card holds it: what none holds is a question mark.
std::string in_card(char letter) {
  return letter == '\'' ? "''" : std::string(1, letter >= ' ' && letter <= '~' ? letter : '?');
}
/// A stranger's text: what is too long is cut.
std::string quoted(std::string_view text) {
  std::string inside;
  for (const char c : text) {
    const std::string letter = in_card(c);
    if (inside.size() + letter.size() > kLongestText) break;
    inside += letter;
  }
  return fmt::format("{:<20}", fmt::format("'{:<8}'", inside));
}

/// A text that may be longer than a card goes on in the next ones: '...&' and CONTINUE.
void add_text(std::string& header, std::string_view keyword, std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    const std::string letter = in_card(c);
    // Each part but the last ends with '&'.
    if (parts.back().size() + letter.size() > kLongestText - 1) parts.emplace_back();
    parts.back() += letter;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string card = i == 0 ? fmt::format("{:<8}= ", keyword) : "CONTINUE  ";
    card += fmt::format("'{:<8}'", parts[i] + (i + 1 < parts.size() ? "&" : ""));
    card.resize(kCard, ' ');
    header += card;
  }
}

/// Header of an HDU whose data have this sum, with both sums in it.
std::string summed(std::string header, fits::WordSum data) {
  add_card(header, "CHECKSUM", quoted(kUnsummed), "HDU checksum");
  add_card(header, "DATASUM", quoted(std::to_string(data.value())), "data unit checksum");
  header += "END";
  header.resize((header.size() + kBlock - 1) / kBlock * kBlock, ' ');
  fits::WordSum all = data;
  all.add(std::string_view(header));
  const std::string sum = fits::encode_checksum(all);
  return header.replace(header.rfind(kUnsummed), kUnsummed.size(), sum);
}

template <class Bits>
void put(std::string& into, Bits bits) {
  for (std::size_t i = sizeof bits; i > 0; --i) into += static_cast<char>(bits >> (8 * (i - 1)) & 0xFF);
}

void put_integer(std::string& into, FitsType type, std::int64_t value) {
  if (type == FitsType::int16) return put(into, static_cast<std::uint16_t>(value));
  if (type == FitsType::int32) return put(into, static_cast<std::uint32_t>(value));
  put(into, static_cast<std::uint64_t>(value));
}

bool holds(FitsType type, std::int64_t value) {
  if (type == FitsType::int16) return value == static_cast<std::int16_t>(value);
  return type == FitsType::int64 || value == static_cast<std::int32_t>(value);
}

/// Of a number that no double holds: is it too near to zero, and not too large? std::from_chars says of both
/// that they are out of range, and what says more (strtod) reads as the locale wants.
bool is_too_small(std::string_view number) {
  const std::size_t end = std::min(number.find_first_of("eE"), number.size());
  const std::string_view digits = number.substr(0, end);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t first = std::min(digits.find_first_of("123456789"), digits.size());
  // Of ten, for the first digit that counts. What no double holds is hundreds of them away from 1.
  std::int64_t power = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  if (end < number.size()) {
    const std::string_view word = number.substr(end + 1);
    const auto exponent = signed_number_in<std::int32_t>(word);
    if (!exponent) return word.starts_with('-');  // no row is as long as the zeros that would outweigh it
    power += *exponent;
  }
  return power < 0;
}

std::optional<double> double_in(std::string_view text) {
  if (const auto value = signed_number_in<double>(text)) return value;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_out_of_range = error == std::errc::result_out_of_range && end == text.data() + text.size();
  if (!is_out_of_range || !is_too_small(text)) return std::nullopt;
  return text.starts_with('-') ? -0.0 : 0.0;
}

std::optional<float> single_in(std::string_view text) {
  if (const auto value = signed_number_in<float>(text)) return value;
  // Too small for it, not too large: no more than the last digits are lost.
  const auto value = double_in(text);
  return value && *value > -1 && *value < 1 ? std::optional(static_cast<float>(*value)) : std::nullopt;
}

/// "true", "F", "1", and "?" for none.
std::optional<char> logical_in(std::string_view text) {
  if (text == "?") return '\0';
  if (text == "1" || text == "0") return text == "1" ? 'T' : 'F';
  if (text.find_first_not_of("tTfFruealsRUEALS") != std::string_view::npos) return std::nullopt;
  return text.front() == 't' || text.front() == 'T' ? 'T' : 'F';
}

/// False: the text is no value of the column. nullopt: there is none.
bool put_element(const FitsColumn& column, std::optional<std::string_view> text, std::string& into) {
  switch (column.type) {
    case FitsType::logical: {
      const auto value = text ? logical_in(*text) : '\0';
      if (value) into += *value;
      return value.has_value();
    }
    case FitsType::float32: {
      const auto value = text ? single_in(*text) : std::numeric_limits<float>::quiet_NaN();
      if (value) put(into, std::bit_cast<std::uint32_t>(*value));
      return value.has_value();
    }
    case FitsType::float64: {
      const auto value = text ? double_in(*text) : std::numeric_limits<double>::quiet_NaN();
      if (value) put(into, std::bit_cast<std::uint64_t>(*value));
      return value.has_value();
    }
    default: {
      const auto value = text ? signed_number_in<std::int64_t>(*text) : null_of(column);
      if (!value || !holds(column.type, *value)) return false;
      put_integer(into, column.type, *value);
      return true;
    }
  }
}

}  // namespace

std::optional<std::int64_t> default_null(FitsType type) {
  switch (type) {
    case FitsType::int16:
      return std::numeric_limits<std::int16_t>::min();
    case FitsType::int32:
      return std::numeric_limits<std::int32_t>::min();
    case FitsType::int64:
      return std::numeric_limits<std::int64_t>::min();
    default:
      return std::nullopt;
  }
}

FitsTable::FitsTable(std::string name, std::vector<FitsColumn> columns, FitsNotes notes)
    : name_(std::move(name)),
      columns_(std::move(columns)),
      notes_(std::move(notes)),
      longest_(columns_.size()),
      file_(headers(0, {})),
      data_(file_.size()) {}

/// How many elements there were.
Result<std::uint64_t> FitsTable::add_array(const FitsColumn& column, std::string_view words,
                                           std::string& into) {
  std::uint64_t numbers = 0;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(word.size() + 1, words.size()));
    if (!put_element(column, word, into))
      return fail(Errc::corrupt, fmt::format("\"{}\" is no value of the column {}", word, column.name));
    ++numbers;
  }
  const std::uint64_t elements = column.complex ? numbers / 2 : numbers;
  if (numbers_of(column, elements) != numbers || (!column.variable && elements != column.count))
    return fail(Errc::corrupt, fmt::format("{} numbers in a cell of the column {}", numbers, column.name));
  return elements;
}

Result<void> FitsTable::add_cell(std::size_t at, Cell cell) {
  const FitsColumn& column = columns_[at];
  if (column.type == FitsType::text) {
    const std::string_view text = cell.value_or("");
    if (text.size() > width_of(column))
      return fail(Errc::corrupt, fmt::format("\"{}\" is no value of the column {}", text, column.name));
    for (const char c : text) file_ += c >= ' ' && c <= '~' ? c : '?';
    file_.append(width_of(column) - text.size(), '\0');  // blanks would be taken for its own
    return {};
  }
  // An empty text is a value of no number.
  if (cell && cell->empty()) cell.reset();
  if (column.variable) {
    const std::size_t begin = heap_.size();
    const Result<std::uint64_t> elements = add_array(column, cell.value_or(""), heap_);
    if (!elements) return tl::unexpected(elements.error());
    if (heap_.size() > std::numeric_limits<std::int32_t>::max())
      return fail(Errc::too_large, "arrays of more than 2 GiB in a FITS table");
    longest_[at] = std::max(longest_[at], *elements);
    put(file_, static_cast<std::uint32_t>(*elements));
    put(file_, static_cast<std::uint32_t>(begin));
    return {};
  }
  if (!cell) {
    for (std::uint64_t i = 0; i < numbers_of(column, column.count); ++i) {
      if (!put_element(column, std::nullopt, file_)) return fail(Errc::internal, "no null of " + column.name);
    }
    return {};
  }
  const Result<std::uint64_t> elements = add_array(column, *cell, file_);
  return elements ? Result<void>{} : tl::unexpected(elements.error());
}

Result<void> FitsTable::add_row(std::span<const Cell> cells) {
  if (cells.size() != columns_.size())
    return fail(Errc::corrupt,
                fmt::format("a row of {} cells in a table of {}", cells.size(), columns_.size()));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (auto added = add_cell(i, cells[i]); !added) return added;
  }
  ++count_;
  return {};
}

/// Of one length whatever is in the table.
std::string FitsTable::headers(std::uint64_t heap, fits::WordSum data) const {
  std::string primary;
  add_card(primary, "SIMPLE", "T", "conforms to FITS standard");
  add_card(primary, "BITPIX", "8");
  add_card(primary, "NAXIS", "0");
  add_card(primary, "EXTEND", "T");
  std::string header;
  std::size_t width = 0;
  for (const FitsColumn& column : columns_) width += width_of(column);
  add_card(header, "XTENSION", quoted("BINTABLE"), "binary table");
  add_card(header, "BITPIX", "8");
  add_card(header, "NAXIS", "2");
  add_card(header, "NAXIS1", std::to_string(width), "bytes of a row");
  add_card(header, "NAXIS2", std::to_string(count_), "rows");
  add_card(header, "PCOUNT", std::to_string(heap));
  add_card(header, "GCOUNT", "1");
  add_card(header, "TFIELDS", std::to_string(columns_.size()), "columns");
  add_card(header, "EXTNAME", quoted(name_));
  for (const auto& [keyword, text] : notes_) add_text(header, keyword, text);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const FitsColumn& column = columns_[i];
    const auto key = [i](std::string_view stem) { return fmt::format("{}{}", stem, i + 1); };
    add_card(header, key("TTYPE"), quoted(column.name));
    add_card(header, key("TFORM"), quoted(form_of(column, longest_[i])));
    if (const auto null = null_of(column)) add_card(header, key("TNULL"), std::to_string(*null));
    if (!column.dimensions.empty()) add_card(header, key("TDIM"), quoted("(" + column.dimensions + ")"));
    if (!column.unit.empty()) add_card(header, key("TUNIT"), quoted(column.unit));
    if (!column.ucd.empty()) add_card(header, key("TUCD"), quoted(column.ucd));
    if (!column.description.empty()) add_text(header, key("TCOMM"), column.description);
  }
  return summed(std::move(primary), {}) + summed(std::move(header), data);
}

std::string FitsTable::finish() && {
  const std::size_t heap = heap_.size();
  file_ += std::exchange(heap_, {});
  file_.resize((file_.size() + kBlock - 1) / kBlock * kBlock, '\0');
  fits::WordSum data;
  data.add(std::string_view(file_).substr(data_));
  file_.replace(0, data_, headers(heap, data));
  return std::move(file_);
}

}  // namespace astrofs
