// The ASDF reader from its container to its columns: nothing is read behind the end of the file, and a column
// has as many values as were asked for, the same ones in one read or in several.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "backends/format/asdf_array.h"
#include "backends/format/asdf_tree.h"
#include "backends/format/dkist_dataset.h"

namespace {

using namespace astrofs;

std::string written(const CellValue& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* real = std::get_if<double>(&cell))
    return std::string(reinterpret_cast<const char*>(real), sizeof(double));
  return std::to_string(std::visit(
      [](const auto& value) -> std::int64_t {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
          return 0;
        else
          return static_cast<std::int64_t>(value);
      },
      cell));
}

void try_array(const AsdfBlocks& blocks, const YamlNode& node) {
  const auto array = parse_asdf_array(node);
  if (!array) return;
  const auto rows = asdf_rows(blocks, *array);
  if (!rows || *rows > 10'000) return;
  const auto all = read_asdf_values(blocks, *array, 0, *rows);
  if (!all) return;
  if (all->size() != *rows || all->type() != array->type()) std::abort();
  const std::uint64_t half = *rows / 2;
  const auto some = read_asdf_values(blocks, *array, half, *rows - half);
  if (!some || some->size() != *rows - half) std::abort();
  for (std::uint64_t i = half; i < *rows; ++i) {
    if (written(all->at(i)) != written(some->at(i - half))) std::abort();
    if (all->missing[i] != some->missing[i - half]) std::abort();
  }
}

/// Every node once or more, but not more often than a small document has nodes.
void walk(const AsdfBlocks& blocks, const YamlNode& node, unsigned depth, unsigned& left) {
  if (left == 0 || depth > 200) return;
  --left;
  if (node["source"] || node["data"]) try_array(blocks, node);
  for (std::size_t i = 0; i < node.size(); ++i) walk(blocks, node.at(i), depth + 1, left);
}

/// Row i of the headers says what the columns say.
void try_headers(const DkistDataset& dataset) {
  const DkistHeaders& headers = dataset.headers();
  if (headers.rows() > dataset.frame_count()) std::abort();
  for (std::size_t k = 0; k < std::min<std::size_t>(headers.columns().size(), 8); ++k) {
    const DkistColumn& column = headers.columns()[k];
    const auto values = headers.column(column.name);
    if (!values) continue;
    if (values->size() != headers.rows() || values->type() != column.type) std::abort();
    const auto row = headers.row(headers.rows() / 2);
    if (!row) continue;
    const auto card =
        std::find_if(row->begin(), row->end(), [&](const HeaderCard& c) { return c.name == column.name; });
    if (card == row->end() || card->value.index() != values->values.index()) continue;
    if (written(card->value) != written(values->at(headers.rows() / 2))) std::abort();
  }
}

void try_dataset(const ReadAt& read, std::uint64_t size) {
  const auto dataset = DkistDataset::open(read, size);
  if (!dataset) return;
  if (dataset->frame_count() == 0 || dataset->groups().empty()) std::abort();
  std::size_t frames = 0;
  for (const DkistFrames& group : dataset->groups()) {
    if (group.first != frames) std::abort();
    frames += group.count;
  }
  if (frames != dataset->frame_count()) std::abort();
  for (std::size_t i = 0; i < frames; ++i) {
    const DkistFrames& group = dataset->frames_of(i);
    if (i < group.first || i >= group.first + group.count) std::abort();
    if (dataset->frame_name(i).size() > size) std::abort();
  }
  try_headers(*dataset);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ReadAt read = [&](std::uint64_t offset, std::span<std::byte> into) -> Result<void> {
    if (offset > size || into.size() > size - offset) std::abort();
    if (!into.empty()) std::memcpy(into.data(), data + offset, into.size());
    return {};
  };
  const auto file = open_asdf(read, size);
  if (!file) {
    if (file.error().message.empty()) std::abort();
    return 0;
  }
  unsigned left = 2'000;
  walk(*file->blocks, file->tree.root(), 0, left);
  try_dataset(read, size);
  return 0;
}
