#include "fs/ctl_table_fits.h"

#include <fitsio.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace astrofs {
namespace {

constexpr std::size_t kMostColumns = 999;  // TTYPE999 is the last keyword of 8 letters
constexpr std::size_t kLongestName = 68;   // letters that a value has on one card
constexpr std::size_t kGrowth = 1 << 20;   // bytes that the file in memory grows by

/// A FITS file in memory. cfitsio keeps the first error in `status`, and does nothing more after it.
struct MemoryFile {
  void* bytes{nullptr};
  std::size_t allocated{0};
  fitsfile* file{nullptr};
  int status{0};

  MemoryFile() { fits_create_memfile(&file, &bytes, &allocated, kGrowth, std::realloc, &status); }
  ~MemoryFile() {
    int ignored = 0;
    if (file != nullptr) fits_close_file(file, &ignored);
    std::free(bytes);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
};

/// FITS has the letters of ASCII that can be seen, and the blank.
bool is_fits_letter(char c) {
  return c >= ' ' && c <= '~';
}

std::string fits_text(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !is_fits_letter(c); }, '?');
  return text;
}

/// A name that FITS advises, unlike those in `taken`, case aside; it is one of them afterwards.
std::string fits_name(const std::string& name, std::set<std::string>& taken) {
  const auto is_plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const auto upper = [](std::string text) {
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return text;
  };
  std::string plain = name.substr(0, kLongestName);
  std::replace_if(
      plain.begin(), plain.end(), [&](char c) { return !is_plain(c); }, '_');
  std::string unlike = plain;
  for (int i = 2; !taken.insert(upper(unlike)).second; ++i) {
    const std::string number = fmt::format("_{}", i);
    unlike = plain.substr(0, kLongestName - number.size()) + number;
  }
  return unlike;
}

std::string form_of(const TableColumn& column) {
  switch (column.values.type()) {
    case ColumnType::integer:
      return column.width <= 2 ? "1I" : column.width == 4 ? "1J" : "1K";
    case ColumnType::real:
      return column.width <= 4 ? "1E" : "1D";
    case ColumnType::boolean:
      return "1L";
    case ColumnType::text:
      break;
  }
  std::size_t longest = 1;
  for (const std::string& text : std::get<std::vector<std::string>>(column.values.values))
    longest = std::max(longest, text.size());
  return fmt::format("{}A", longest);
}

/// A number that no row has.
std::int64_t unused_number(const TableColumn& column) {
  const auto& numbers = std::get<std::vector<std::int64_t>>(column.values.values);
  std::set<std::int64_t> used;
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    if (!column.values.missing[row]) used.insert(numbers[row]);
  }
  std::int64_t number = column.width <= 2   ? std::numeric_limits<std::int16_t>::min()
                        : column.width == 4 ? std::numeric_limits<std::int32_t>::min()
                                            : std::numeric_limits<std::int64_t>::min();
  while (used.contains(number)) ++number;
  return number;
}

bool is_any_missing(const TableColumn& column) {
  return std::find(column.values.missing.begin(), column.values.missing.end(), true) !=
         column.values.missing.end();
}

/// What a FITS table holds in the place of a missing number. What it says of it in its header is here.
void fill_missing(MemoryFile& to, int number, TableColumn& column) {
  if (!is_any_missing(column)) return;
  const auto fill = [&column](auto& values, auto value) {
    for (std::size_t row = 0; row < values.size(); ++row) {
      if (column.values.missing[row]) values[row] = value;
    }
  };
  if (auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values.values)) {
    LONGLONG null = unused_number(column);
    fill(*integers, static_cast<std::int64_t>(null));
    fits_update_key(to.file, TLONGLONG, fmt::format("TNULL{}", number).c_str(), &null, "no value",
                    &to.status);
  } else if (auto* reals = std::get_if<std::vector<double>>(&column.values.values)) {
    fill(*reals, std::numeric_limits<double>::quiet_NaN());
  }
}

struct Chunk {
  std::size_t first, count;  ///< rows, from 0
};

/// Rows of a column, missing ones as fill_missing left them.
void write_rows(MemoryFile& to, int number, TableColumn& column, Chunk chunk) {
  const auto row = static_cast<LONGLONG>(chunk.first + 1);
  const auto count = static_cast<LONGLONG>(chunk.count);
  auto& values = column.values.values;
  if (auto* integers = std::get_if<std::vector<std::int64_t>>(&values)) {
    static_assert(sizeof(LONGLONG) == sizeof(std::int64_t));
    fits_write_col(to.file, TLONGLONG, number, row, 1, count, integers->data() + chunk.first, &to.status);
  } else if (auto* reals = std::get_if<std::vector<double>>(&values)) {
    fits_write_col(to.file, TDOUBLE, number, row, 1, count, reals->data() + chunk.first, &to.status);
  } else if (const auto* flags = std::get_if<std::vector<bool>>(&values)) {
    std::vector<char> bytes(flags->begin() + static_cast<std::ptrdiff_t>(chunk.first),
                            flags->begin() + static_cast<std::ptrdiff_t>(chunk.first + chunk.count));
    fits_write_col(to.file, TLOGICAL, number, row, 1, count, bytes.data(), &to.status);
  } else if (auto* texts = std::get_if<std::vector<std::string>>(&values)) {
    std::vector<char*> starts;
    for (std::size_t i = 0; i < chunk.count; ++i) {
      std::string& text = (*texts)[chunk.first + i];
      text = fits_text(std::move(text));
      starts.push_back(text.data());
    }
    fits_write_col(to.file, TSTRING, number, row, 1, count, starts.data(), &to.status);
  }
  const bool has_marks =
      column.values.type() == ColumnType::boolean || column.values.type() == ColumnType::text;
  for (std::size_t i = 0; has_marks && i < chunk.count; ++i) {
    if (column.values.missing[chunk.first + i])
      fits_write_col_null(to.file, number, row + static_cast<LONGLONG>(i), 1, 1, &to.status);
  }
}

/// The header of the table, and room for its rows.
void write_head(MemoryFile& to, const Table& table) {
  std::vector<std::string> names, forms;
  std::vector<char*> name_starts, form_starts;
  std::set<std::string> taken;
  for (const TableColumn& column : table.columns) {
    names.push_back(fits_name(column.name, taken));
    forms.push_back(form_of(column));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    name_starts.push_back(names[i].data());
    form_starts.push_back(forms[i].data());
  }
  fits_create_tbl(to.file, BINARY_TBL, static_cast<LONGLONG>(table.rows()), static_cast<int>(names.size()),
                  name_starts.data(), form_starts.data(), nullptr, "HEADERS", &to.status);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = table.columns[i].name;
    if (names[i] == name) continue;
    fits_modify_comment(to.file, fmt::format("TTYPE{}", i + 1).c_str(), fits_text(name).c_str(), &to.status);
  }
}

/// Some rows of all columns at a time: a pass over the file for each column would be a pass for each card.
void write_body(MemoryFile& to, Table& table) {
  long at_a_time = 1;
  fits_get_rowsize(to.file, &at_a_time, &to.status);
  const auto step = static_cast<std::size_t>(std::max(at_a_time, 1L));
  for (std::size_t first = 0; first < table.rows() && to.status == 0; first += step) {
    const Chunk chunk{first, std::min(step, table.rows() - first)};
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      write_rows(to, static_cast<int>(i + 1), table.columns[i], chunk);
  }
}

void write_sums(MemoryFile& to) {
  for (int hdu = 1; hdu <= 2; ++hdu) {
    fits_movabs_hdu(to.file, hdu, nullptr, &to.status);
    fits_write_chksum(to.file, &to.status);
  }
}

}  // namespace

Result<void> write_fits(Table table, Output& out) {
  if (table.columns.size() > kMostColumns)
    return fail(Errc::too_large,
                fmt::format("a FITS table has at most {} columns; choose some with --columns", kMostColumns));
  MemoryFile to;
  write_head(to, table);
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    fill_missing(to, static_cast<int>(i + 1), table.columns[i]);
  fits_set_hdustruc(to.file, &to.status);  // it has the TNULLs now
  write_body(to, table);
  write_sums(to);
  LONGLONG end = 0;
  fits_get_hduaddrll(to.file, nullptr, nullptr, &end, &to.status);
  fits_flush_file(to.file, &to.status);
  if (to.status != 0) {
    char words[FLEN_STATUS] = "";
    fits_get_errstatus(to.status, words);
    return fail(Errc::internal, fmt::format("the FITS table cannot be made: {}", words));
  }
  out.write({static_cast<const char*>(to.bytes), static_cast<std::size_t>(end)});
  return {};
}

}  // namespace astrofs
