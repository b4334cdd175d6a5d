#include "backends/dkist_links.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <tuple>

#include "backends/format/frame_select.h"

namespace astrofs::dkist {
namespace {

constexpr std::string_view kProduct = "product";
constexpr std::string_view kByInstrument = "by-instrument";
constexpr std::string_view kByTarget = "by-target";
constexpr std::array<std::string_view, 3> kKinds{kProduct, kByInstrument, kByTarget};

/// Of the datasets of one product, all calibrations of the same observation, the latest.
std::vector<Entry> product_links(std::vector<Dataset> datasets) {
  std::erase_if(datasets, [](const Dataset& each) { return each.product.empty(); });
  std::stable_sort(datasets.begin(), datasets.end(), [](const Dataset& one, const Dataset& other) {
    return std::tie(one.product, other.created) < std::tie(other.product, one.created);
  });
  std::vector<Entry> links;
  for (const Dataset& dataset : datasets) {
    if (links.empty() || links.back().name != dataset.product)
      links.push_back(link_entry(dataset.product, "../" + dataset.id));
  }
  return links;
}

/// What a dataset is listed under in one of the directories of links.
std::vector<std::string> groups_of(const Dataset& dataset, std::string_view kind) {
  if (kind == kByTarget) return dataset.targets;
  return is_component(dataset.instrument) ? std::vector<std::string>{dataset.instrument}
                                          : std::vector<std::string>{};
}

std::vector<Entry> group_directories(const std::vector<Dataset>& datasets, std::string_view kind) {
  std::set<std::string> names;
  for (const Dataset& dataset : datasets) {
    for (std::string& name : groups_of(dataset, kind)) names.insert(std::move(name));
  }
  std::vector<Entry> entries;
  for (const std::string& name : names)
    entries.push_back(directory_entry(name, std::string(kind) + "/" + name));
  return entries;
}

std::vector<Entry> group_links(const std::vector<Dataset>& datasets, std::string_view kind,
                               std::string_view name) {
  std::vector<Entry> links;
  for (const Dataset& dataset : datasets) {
    const std::vector<std::string> groups = groups_of(dataset, kind);
    if (std::find(groups.begin(), groups.end(), name) != groups.end())
      links.push_back(link_entry(dataset.id, "../../" + dataset.id));
  }
  return links;
}

}  // namespace

bool is_links(std::string_view dir) {
  return std::find(kKinds.begin(), kKinds.end(), dir.substr(0, dir.find('/'))) != kKinds.end();
}

std::vector<Entry> links_in(std::string_view dir, const std::vector<Dataset>& datasets) {
  const std::string_view kind = dir.substr(0, dir.find('/'));
  if (kind.empty()) {
    std::vector<Entry> kinds;
    for (const std::string_view each : kKinds)
      kinds.push_back(directory_entry(std::string(each), std::string(each)));
    return kinds;
  }
  if (kind == kProduct) return product_links(datasets);
  const std::string_view group = dir.substr(std::min(kind.size() + 1, dir.size()));
  return group.empty() ? group_directories(datasets, kind) : group_links(datasets, kind, group);
}

Result<std::vector<Entry>> selected_links(const DkistDataset& dataset, std::string_view expression) {
  const auto conditions = parse_frame_select(expression);
  if (!conditions) return fail(Errc::not_found, conditions.error().message);
  if (dataset.headers().columns().empty()) {
    const std::string& problem = dataset.headers_problem();
    return fail(Errc::not_found,
                "the ASDF file has no table of headers" + (problem.empty() ? "" : ": " + problem));
  }
  const auto rows = select_frames(*conditions, columns_of(dataset.headers()));
  if (!rows && rows.error().code == Errc::invalid) return fail(Errc::not_found, rows.error().message);
  if (!rows) return tl::unexpected<Error>(rows.error());
  std::vector<Entry> links;
  for (const std::uint64_t row : *rows) {
    std::string name(dataset.frame_name(row));
    std::string target = "../../" + name;
    links.push_back(link_entry(std::move(name), std::move(target)));
  }
  return links;
}

}  // namespace astrofs::dkist
