#include "fs/table_models.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "backends/format/fits_layout.h"
#include "fs/blank_table.h"
#include "fs/read_pattern.h"

namespace astrofs {
namespace {

constexpr std::string_view kMark = "like ";
/// Directories above that are looked at: of light curves by number, four levels of folders hold so many.
constexpr unsigned kLevels = 4;
/// Neighbours of a level, behind the lost one's place by name and at the start of the directory each.
constexpr std::size_t kNeighbours = 32;
/// Nodes that one search reads, some microseconds each.
constexpr std::size_t kMostNodes = 4096;
/// Files whose headers are looked for in the cache.
constexpr std::size_t kMostHeaders = 32;

/// "18012,11,13" -> its three numbers.
bool read_numbers(std::string_view text, TableModel& model) {
  for (std::uint64_t* const number : {&model.rows, &model.width, &model.height}) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const bool is_last = number == &model.height;
    if (error != std::errc() || text.empty() != is_last || (!is_last && text.front() != ',')) return false;
    if (!is_last) text.remove_prefix(1);
  }
  return true;
}

/// The rows of the first table of which nobody says how many it has.
std::uint64_t open_rows(const FrameShape& shape) {
  for (const HduShape& hdu : shape.hdus) {
    if (is_table(hdu) && hdu.axes.size() == 2) return hdu.axes[1];
  }
  return 0;
}

std::uint64_t row_length(const FrameShape& shape) {
  for (const HduShape& hdu : shape.hdus) {
    if (is_table(hdu) && hdu.axes.size() == 2) return hdu.axes[0];
  }
  return 0;
}

/// What the headers that are in the cache say.
TableModel model_of(BlockCache& cache, const FileVersion& version) {
  TableModel model;
  for (std::uint64_t at = 0; at < version.size;) {
    const ByteRange range = ByteRange::between(at, std::min(version.size, at + kHeadBytes));
    const Result<Bytes> bytes = cache.read_cached(version, range);
    const Result<FitsHeader> header =
        bytes ? parse_fits_header(bytes->span()) : tl::unexpected<Error>(bytes.error());
    if (!header || !header->complete) break;
    if (header->xtension == "BINTABLE" && !header->tile_compressed && header->axes.size() == 2 &&
        model.rows == 0)
      model.rows = header->axes[1];
    if (header->xtension == "IMAGE" && header->axes.size() == 2 && model.width == 0) {
      model.width = header->axes[0];
      model.height = header->axes[1];
    }
    at += header->header_length + header->data_length;
  }
  return model;
}

}  // namespace

std::string text_of(const TableModel& model) {
  if (model == TableModel{}) return {};
  return fmt::format("{}{},{},{}", kMark, model.rows, model.width, model.height);
}

std::optional<TableModel> table_model_in(std::string_view layout) {
  TableModel model;
  if (!layout.starts_with(kMark) || !read_numbers(layout.substr(kMark.size()), model)) return std::nullopt;
  return model;
}

/// Goes through what lies around a lost file: its directory, then the directories beside that, and so on.
class TableModels::Search {
 public:
  Search(const TableModels& models, const Node& lost, const Archive& archive)
      : models_(models), lost_(lost), archive_(archive), family_(archive.family(lost.locator)) {}

  std::uint64_t rows() {
    Node from = lost_;
    for (unsigned level = 0; level < kLevels && rows_ == 0 && from.parent != kRootNode; ++level) {
      for (const Node& near : neighbours(from)) look_at(near, level);
      const Result<Node> above = models_.catalog_.node(from.parent);
      if (!above) break;
      from = *above;
    }
    return rows_ > 0 ? rows_ : rows_by_size_;
  }

 private:
  bool spent() const { return nodes_ >= kMostNodes; }

  /// Read at once: the index is not kept waiting while headers are.
  std::vector<Node> neighbours(const Node& of) {
    std::vector<Node> nodes;
    std::size_t room = kNeighbours;
    const auto gather = [&](const Node& node) {
      if (node.id != of.id) nodes.push_back(node);
      return ++nodes_ < kMostNodes && nodes.size() < room;
    };
    (void)models_.catalog_.scan_after_name(of.parent, of.name, gather);
    room = nodes.size() + kNeighbours;
    if (!spent()) (void)models_.catalog_.scan(of.parent, 0, gather);
    return nodes;
  }

  void look_at(const Node& node, unsigned levels) {
    if (rows_ > 0 || spent()) return;
    if (node.kind == NodeKind::file) return ask(node);
    if (node.kind != NodeKind::directory || levels == 0) return;
    std::vector<Node> children;
    (void)models_.catalog_.scan(node.id, 0, [&](const Node& child) {
      children.push_back(child);
      return ++nodes_ < kMostNodes;
    });
    for (const Node& child : children) look_at(child, levels - 1);
  }

  void ask(const Node& file) {
    if (!file.size || file.missing || archive_.family(file.locator) != family_) return;
    if (headers_ < kMostHeaders) {
      ++headers_;
      rows_ = model_of(models_.cache_, models_.archives_.version(file)).rows;
    }
    if (rows_ == 0 && rows_by_size_ == 0) rows_by_size_ = fitting(file);
  }

  /// As many as its size has room for, where its rows have one length whatever the stamp.
  std::uint64_t fitting(const Node& file) const {
    const auto shape = archive_.shape(file.locator);
    const auto other = archive_.shape_like(file.locator, {.width = 1, .height = 1});
    if (!shape || !other || row_length(*shape) != row_length(*other)) return 0;
    return open_rows(with_rows(*shape, *file.size, 0));
  }

  const TableModels& models_;
  const Node& lost_;
  const Archive& archive_;
  const std::string family_;
  std::size_t nodes_{0}, headers_{0};
  std::uint64_t rows_{0};          ///< as a header says
  std::uint64_t rows_by_size_{0};  ///< at most so many, as a size says
};

bool TableModels::may_know(const Node& lost) const {
  const MountedArchive* const archive = archives_.of(lost);
  return archive != nullptr && !archive->archive->family(lost.locator).empty();
}

TableModel TableModels::find(const Node& lost) const {
  if (!may_know(lost)) return {};
  const Archive& archive = *archives_.of(lost)->archive;
  TableModel model{.rows = Search(*this, lost, archive).rows()};
  const std::string twin = archive.twin(lost.locator);
  const Result<Node> beside =
      twin.empty() ? fail(Errc::not_found, "no twin") : catalog_.child(lost.parent, twin);
  if (beside && beside->size && !beside->missing) {
    const TableModel of_twin = model_of(cache_, archives_.version(*beside));
    model.width = of_twin.width;
    model.height = of_twin.height;
    if (model.rows == 0) model.rows = of_twin.rows;
  }
  return model;
}

}  // namespace astrofs
