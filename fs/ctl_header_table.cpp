#include "fs/ctl_header_table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <numeric>
#include <span>
#include <utility>

#include "backends/format/frame_select.h"
#include "base/unique_fd.h"

namespace astrofs {
namespace {

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

/// `rows` of all the values, of which each is asked for once at most.
ColumnValues picked(ColumnValues all, const std::vector<std::uint64_t>& rows) {
  if (rows.size() == all.size()) return all;
  ColumnValues some = ColumnValues::nothing(all.type(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) some.missing[i] = all.missing[rows[i]];
  std::visit(
      [&](auto& list) {
        auto& from = std::get<std::decay_t<decltype(list)>>(all.values);
        for (std::size_t i = 0; i < rows.size(); ++i) list[i] = std::move(from[rows[i]]);
      },
      some.values);
  return some;
}

}  // namespace

Result<HeaderTable> HeaderTable::open(const std::string& directory) {
  const auto path = find_asdf(directory);
  if (!path) return tl::unexpected<Error>(path.error());
  auto dataset = open_dataset(*path);
  if (!dataset) return tl::unexpected<Error>(dataset.error());
  if (dataset->headers().columns().empty()) {
    const std::string& problem = dataset->headers_problem();
    return fail(Errc::not_found,
                *path + " has no table of headers" + (problem.empty() ? "" : ": " + problem));
  }
  return HeaderTable(std::move(*dataset));
}

Result<std::vector<std::uint64_t>> HeaderTable::frames(const std::string& where) const {
  if (where.empty()) {
    std::vector<std::uint64_t> all(dataset_.frame_count());
    std::iota(all.begin(), all.end(), std::uint64_t{0});
    return all;
  }
  const auto conditions = parse_frame_select(where);
  if (!conditions) return tl::unexpected<Error>(conditions.error());
  return select_frames(*conditions, columns_of(dataset_.headers()));
}

Result<Table> HeaderTable::select(const std::string& where, std::vector<std::string> columns) const {
  auto chosen = frames(where);
  if (!chosen) return tl::unexpected<Error>(chosen.error());
  const std::vector<DkistColumn>& known = dataset_.headers().columns();
  if (columns.empty()) {
    for (const DkistColumn& column : known) columns.push_back(column.name);
  }
  Table table{std::move(*chosen), {}};
  std::vector<std::string> names;
  names.reserve(table.rows());
  for (const std::uint64_t frame : table.frames) names.emplace_back(dataset_.frame_name(frame));
  table.columns.push_back({kFileColumn, 0, {std::move(names), std::vector<bool>(table.rows(), false)}});
  for (const std::string& name : columns) {
    auto values = dataset_.headers().column(name);
    if (!values) return tl::unexpected<Error>(values.error());
    const DkistColumn& column = known[*dataset_.headers().find(name)];
    table.columns.push_back({column.name, column.width, picked(std::move(*values), table.frames)});
  }
  return table;
}

}  // namespace astrofs
