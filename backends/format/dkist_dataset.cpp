#include "backends/format/dkist_dataset.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "backends/format/asdf_tree.h"

namespace astrofs {
namespace {

constexpr std::size_t kMostTiles = 10'000;          // a mosaic has 9 to 100
constexpr std::size_t kMostVisits = 4'000'000;      // nodes, as an alias counts each time that it is followed
constexpr unsigned kMostAxes = 16;                  // of files; there are 1 to 3
constexpr std::size_t kLongestName = 4'096;         // a path to Linux
constexpr std::size_t kMostNames = 256ULL << 20;    // bytes of all names; 77,694 have 5 MiB
constexpr std::size_t kMostInventory = 1ULL << 20;  // bytes of all values; an inventory has 5 KiB
constexpr unsigned kInversionDepth = 16;            // where file managers hang in an inversion: 3

tl::unexpected<Error> corrupt(std::string_view what) {
  return fail(Errc::corrupt, "a DKIST ASDF " + std::string(what));
}
tl::unexpected<Error> too_large(std::string_view what) {
  return fail(Errc::too_large, "a DKIST ASDF with too many " + std::string(what));
}

/// "dataset" of tag:dkist.nso.edu:dkist/dataset-0.1.0 and of asdf://dkist.nso.edu/tags/dataset-1.3.0. "" for
/// tags of others. Versions are not looked at: new ones add keys, and what is needed is looked for.
std::string_view dkist_word(std::string_view tag) {
  for (const std::string_view prefix : {"tag:dkist.nso.edu:dkist/", "asdf://dkist.nso.edu/tags/"}) {
    if (tag.starts_with(prefix)) return tag.substr(prefix.size(), tag.rfind('-') - prefix.size());
  }
  return {};
}

std::optional<std::uint64_t> count_at(const YamlNode& node) {
  const auto value = node.integer();
  return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

}  // namespace

/// Takes a tree apart; the dataset is whole when it is returned.
class DkistReader {
 public:
  explicit DkistReader(const AsdfFile& file) : file_(file), made_(file.blocks) {}

  Result<DkistDataset> read() {
    const YamlNode root = file_.tree.root();
    const YamlNode top = root["dataset"] ? root["dataset"] : root["inversion"];
    if (!top.is_mapping()) return corrupt("without a dataset");
    const std::string_view word = dkist_word(top.tag());
    Result<void> done;
    if (word == "dataset") {
      done = plain(top);
    } else if (word == "tiled_dataset") {
      made_.kind_ = DkistKind::tiled;
      done = tiled(top);
    } else if (word == "inversion") {
      made_.kind_ = DkistKind::inversion;
      done = inversion(top);
    } else {
      return fail(Errc::unsupported, "an ASDF that is no dataset of DKIST: " + std::string(top.tag()));
    }
    if (!done) return tl::unexpected(std::move(done.error()));
    if (made_.ends_.empty()) return corrupt("that names no file");
    made_.tag_ = top.tag();
    inventory(top);
    made_.names_.shrink_to_fit();
    made_.ends_.shrink_to_fit();
    return std::move(made_);
  }

 private:
  Result<void> plain(const YamlNode& dataset) {
    if (auto taken = frames(dataset["data"]); !taken) return taken;
    return own_table(dataset, made_.groups_.back());
  }

  Result<void> tiled(const YamlNode& top) {
    const YamlNode headers = top["meta"]["headers"];
    std::optional<std::size_t> shared;
    if (headers["columns"]) {
      const auto table = made_.headers_.add_table(headers);
      if (!table) return tl::unexpected(table.error());
      shared = *table;
    }
    std::vector<YamlNode> tiles;
    if (auto found = find_tiles(top["datasets"], 0, tiles); !found) return found;
    for (const YamlNode& tile : tiles) {
      if (auto taken = frames(tile["data"]); !taken) return taken;
      const DkistFrames& group = made_.groups_.back();
      const YamlNode place = tile["meta"]["headers"];
      if (place["columns"] || !shared) {
        if (auto own = own_table(tile, group); !own) return own;
        continue;
      }
      const auto offset = count_at(place["offset"]);
      const auto size = count_at(place["size"]);
      if (!offset || size != group.count || !made_.headers_.add_frames(*shared, *offset, group.count)) {
        without_headers(group, "rows of a tile that are not its frames");
      }
    }
    return {};
  }

  /// Level 2: several managers name the same files, each for another quantity in them.
  Result<void> inversion(const YamlNode& top) {
    made_.groups_.emplace_back();
    std::unordered_set<std::string_view> known;
    if (auto found = union_of_files(top, 0, known); !found) return found;
    made_.groups_.back().count = made_.ends_.size();
    return own_table(top, made_.groups_.back());
  }

  Result<void> union_of_files(const YamlNode& node, unsigned depth,
                              std::unordered_set<std::string_view>& known) {
    if (depth > kInversionDepth) return {};
    if (++visits_ > kMostVisits) return too_large("values");
    if (const YamlNode uris = node["fileuris"]) {
      if (made_.groups_.back().datatype.empty()) looks(node, made_.groups_.back());
      const auto take = [&](const YamlNode& name) -> Result<void> {
        // Views into the tree, which outlives this reader.
        return known.insert(name.text()).second ? add_name(name) : Result<void>{};
      };
      std::vector<std::uint64_t> shape;
      if (auto taken = names(uris, 0, take, shape); !taken) return taken;
    }
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (auto found = union_of_files(node.at(i), depth + 1, known); !found) return found;
    }
    return {};
  }

  Result<void> find_tiles(const YamlNode& node, unsigned depth, std::vector<YamlNode>& tiles) {
    if (++visits_ > kMostVisits || tiles.size() == kMostTiles || depth > kMostAxes) return too_large("tiles");
    if (node.is_mapping()) {
      tiles.push_back(node);
      return {};
    }
    // A masked tile is null, and has no elements.
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (auto found = find_tiles(node.at(i), depth + 1, tiles); !found) return found;
    }
    return {};
  }

  // ---- frames

  /// A file manager, or an array container as it was called before 1.0.0.
  Result<void> frames(const YamlNode& manager) {
    const YamlNode uris = manager["fileuris"];
    if (!uris) return corrupt("with a dataset that has no files");
    DkistFrames group;
    group.first = made_.ends_.size();
    looks(manager, group);
    if (auto taken = names(
            uris, 0, [this](const YamlNode& name) { return add_name(name); }, group.files_shape);
        !taken) {
      return taken;
    }
    group.count = made_.ends_.size() - group.first;
    made_.groups_.push_back(std::move(group));
    return {};
  }

  /// `subslice` is passed over: the part of what was read that its user is shown. Files and shapes are those
  /// without it.
  void looks(const YamlNode& manager, DkistFrames& group) {
    group.datatype = manager["datatype"].text();
    const YamlNode shape = manager["shape"];
    group.shape.clear();
    // FITS knows 999 axes; what has more is none.
    for (std::size_t i = 0; i < std::min<std::size_t>(shape.size(), 999); ++i) {
      group.shape.push_back(count_at(shape.at(i)).value_or(0));
    }
    const YamlNode target = manager["target"];
    const auto number = count_at(target);
    if (number && *number <= std::numeric_limits<std::uint32_t>::max()) {
      group.target = static_cast<std::uint32_t>(*number);
    } else if (target.is_scalar()) {
      group.target = std::string(target.text());
    }
  }

  /// Lists in lists, in C order; one plain string is one file. `shape` gets the lengths along the first of
  /// each.
  Result<void> names(const YamlNode& node, unsigned depth,
                     const std::function<Result<void>(const YamlNode&)>& take,
                     std::vector<std::uint64_t>& shape) {
    if (++visits_ > kMostVisits) return too_large("files");
    if (node.is_scalar()) return take(node);
    if (!node.is_sequence() || depth == kMostAxes) return corrupt("whose list of files is none");
    if (shape.size() == depth) shape.push_back(node.size());
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (auto taken = names(node.at(i), depth + 1, take, shape); !taken) return taken;
    }
    return {};
  }

  /// A null keeps its place, for row i of the headers is file i.
  Result<void> add_name(const YamlNode& node) {
    const std::string_view name = node.is_null() ? std::string_view{} : node.text();
    if (made_.ends_.size() == DkistDataset::kMostFrames) return too_large("files");
    if (name.size() > kLongestName || name.size() > kMostNames - made_.names_.size())
      return too_large("letters in names");
    made_.names_ += name;
    made_.ends_.push_back(static_cast<std::uint32_t>(made_.names_.size()));
    return {};
  }

  // ---- headers

  /// The table of a dataset by itself: under meta since 0.3.0, beside it before.
  Result<void> own_table(const YamlNode& dataset, const DkistFrames& group) {
    const YamlNode in_meta = dataset["meta"]["headers"];
    const YamlNode table = in_meta ? in_meta : dataset["headers"];
    if (table["columns"].size() == 0) {
      made_.headers_.add_frames_without(group.count);
      return {};
    }
    const auto added = made_.headers_.add_table(table);
    if (!added) return tl::unexpected(added.error());
    const std::uint64_t rows = made_.headers_.rows_of(*added);
    if (rows != group.count || !made_.headers_.add_frames(*added, 0, rows)) {
      without_headers(group, std::to_string(rows) + " rows for " + std::to_string(group.count) + " frames");
    }
    return {};
  }

  void without_headers(const DkistFrames& group, std::string_view why) {
    made_.headers_.add_frames_without(group.count);
    if (made_.headers_problem_.empty()) made_.headers_problem_ = "the header table has " + std::string(why);
  }

  // ---- inventory

  /// Under meta since 0.3.0 (tiled: 1.1.0), meta itself before; beside the tiles in tiled 0.1.0 and 1.0.0.
  void inventory(const YamlNode& top) {
    const YamlNode meta = top["meta"];
    const YamlNode list = meta["inventory"] ? meta["inventory"] : top["inventory"] ? top["inventory"] : meta;
    std::size_t left = kMostInventory;
    const auto take = [&](const YamlNode& value, InventoryItem& item) {
      if (!value.is_scalar() || value.is_null() || value.text().size() > left) return;
      left -= value.text().size();
      item.values.emplace_back(value.text());
    };
    for (std::size_t i = 0; i < list.size(); ++i) {
      const YamlNode value = list.at(i);
      if (!list.key(i).is_scalar() || value.is_mapping()) continue;
      InventoryItem item{std::string(list.key(i).text()), {}};
      if (item.name.size() > left) return;
      left -= item.name.size();
      take(value, item);
      for (std::size_t k = 0; k < value.size() && left > 0; ++k, --left) take(value.at(k), item);
      made_.inventory_.push_back(std::move(item));
    }
  }

  const AsdfFile& file_;
  DkistDataset made_;
  std::size_t visits_{0};
};

Result<DkistDataset> DkistDataset::open(ReadAt read, std::uint64_t file_size) {
  const auto file = open_asdf(std::move(read), file_size);
  if (!file) return tl::unexpected(file.error());
  return DkistReader(*file).read();
}

std::string_view DkistDataset::frame_name(std::size_t i) const {
  const std::uint32_t begin = i == 0 ? 0 : ends_[i - 1];
  return std::string_view(names_).substr(begin, ends_[i] - begin);
}

const DkistFrames& DkistDataset::frames_of(std::size_t i) const {
  const auto behind =
      std::upper_bound(groups_.begin(), groups_.end(), i,
                       [](std::size_t frame, const DkistFrames& group) { return frame < group.first; });
  // Groups without a frame share their first with the next, which is the last of those.
  return *std::prev(behind);
}

std::string_view DkistDataset::inventory(std::string_view name) const {
  const auto item = std::find_if(inventory_.begin(), inventory_.end(),
                                 [&](const InventoryItem& known) { return known.name == name; });
  return item == inventory_.end() || item->values.empty() ? std::string_view{}
                                                          : std::string_view(item->values[0]);
}

}  // namespace astrofs
