#include "fs/ctl_headers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <numeric>

#include <fmt/format.h>

#include "backends/format/dkist_dataset.h"
#include "backends/format/frame_select.h"
#include "base/unique_fd.h"

namespace astrofs {
namespace {

constexpr const char* kNameColumn = "file";

/// A table as it is printed: the line of names first.
using Rows = std::vector<std::vector<std::string>>;

Result<std::string> find_asdf(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".asdf") return entry.path().string();
  }
  if (error) return tl::unexpected<Error>(system_error(error.value(), directory));
  return fail(Errc::not_found, directory + " has no ASDF file: it is no dataset");
}

Result<DkistDataset> open_dataset(const std::string& path) {
  const auto file = std::make_shared<const UniqueFd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!*file || ::fstat(file->get(), &status) != 0) return tl::unexpected<Error>(system_error(errno, path));
  const ReadAt read = [file, path](std::uint64_t offset, std::span<std::byte> into) -> Result<void> {
    while (!into.empty()) {
      const ssize_t n = ::pread(file->get(), into.data(), into.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return tl::unexpected<Error>(system_error(errno, path));
      if (n == 0) return fail(Errc::corrupt, path + " ends early");
      into = into.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  };
  return DkistDataset::open(read, static_cast<std::uint64_t>(status.st_size));
}

std::string shown(const CellValue& value) {
  struct Writer {
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(bool flag) const { return flag ? "T" : "F"; }
    std::string operator()(const std::string& text) const { return text; }
  };
  return std::visit(Writer{}, value);
}

Result<std::vector<std::uint64_t>> rows_of(const DkistDataset& dataset, const std::string& where) {
  if (where.empty()) {
    std::vector<std::uint64_t> all(dataset.frame_count());
    std::iota(all.begin(), all.end(), std::uint64_t{0});
    return all;
  }
  const auto conditions = parse_frame_select(where);
  if (!conditions) return tl::unexpected<Error>(conditions.error());
  return select_frames(*conditions, columns_of(dataset.headers()));
}

Result<Rows> table_of(const DkistDataset& dataset, const HeadersWish& wish) {
  const auto frames = rows_of(dataset, wish.where);
  if (!frames) return tl::unexpected<Error>(frames.error());
  std::vector<std::string> columns = wish.columns;
  if (columns.empty()) {
    for (const DkistColumn& column : dataset.headers().columns()) columns.push_back(column.name);
  }
  Rows rows(frames->size() + 1);
  rows[0].emplace_back(kNameColumn);
  for (std::size_t i = 0; i < frames->size(); ++i) rows[i + 1].emplace_back(dataset.frame_name((*frames)[i]));
  // Column by column, as the file has them.
  for (const std::string& name : columns) {
    const auto column = dataset.headers().column(name);
    if (!column) return tl::unexpected<Error>(column.error());
    rows[0].push_back(name);
    for (std::size_t i = 0; i < frames->size(); ++i) {
      const std::size_t row = (*frames)[i];
      rows[i + 1].push_back(column->missing[row] ? std::string() : shown(column->at(row)));
    }
  }
  return rows;
}

/// RFC 4180.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + "\"";
}

void print_csv(const Rows& rows) {
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += (i == 0 ? "" : ",") + csv_field(row[i]);
    fmt::print("{}\n", line);
  }
}

void print_text(const Rows& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

}  // namespace

Result<void> print_headers(const HeadersWish& wish) {
  const auto path = find_asdf(wish.dataset);
  if (!path) return tl::unexpected<Error>(path.error());
  const auto dataset = open_dataset(*path);
  if (!dataset) return tl::unexpected<Error>(dataset.error());
  const auto rows = table_of(*dataset, wish);
  if (!rows) return tl::unexpected<Error>(rows.error());
  if (wish.format == TableFormat::csv) {
    print_csv(*rows);
  } else {
    print_text(*rows);
  }
  if (std::fflush(stdout) != 0) return tl::unexpected<Error>(system_error(errno, "standard output"));
  return {};
}

}  // namespace astrofs
