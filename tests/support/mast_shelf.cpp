#include "tests/support/mast_shelf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "tests/support/mast_target_file.h"

namespace astrofs::sim {
namespace {

/// 2018-11-14 18:53.
constexpr SysSeconds kWritten{seconds(1'542'221'614)};

std::string script_of(const TargetObservation& observation, const TargetProduct& product) {
  std::string kind = product.sub_group;
  std::ranges::transform(kind, kind.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (kind.starts_with("dv")) kind = "dv";
  const bool several = observation.first_sector != observation.last_sector;
  const std::string sectors =
      several ? fmt::format("multisector_s{:04}-s{:04}", observation.first_sector, observation.last_sector)
              : fmt::format("sector_{}", observation.first_sector);
  return fmt::format("/missions/tess/download_scripts/sector/tesscurl_{}_{}.sh", sectors, kind);
}

/// The file is made when it is read. All of one form have one size: their headers have the same cards.
std::uint64_t size_of(const Target& target, const TargetProduct& product, int rows,
                      std::map<ProductForm, std::uint64_t>& sizes) {
  if (product.form == ProductForm::xml || product.form == ProductForm::pdf)
    return target_file(target, product, rows).size();
  const auto [known, is_new] = sizes.try_emplace(product.form, 0);
  if (is_new) known->second = target_file(target, product, rows).size();
  return known->second;
}

}  // namespace

void put_targets(ContentTree& tree, const std::vector<Target>& targets, int rows) {
  std::map<std::string, std::string> scripts;
  std::map<ProductForm, std::uint64_t> sizes;
  for (const Target& target : targets) {
    const auto shared = std::make_shared<const Target>(target);
    for (const TargetObservation& observation : target.observations) {
      for (const TargetProduct& product : observation.products) {
        tree.put("/" + target_key(target, product), size_of(target, product, rows, sizes),
                 [shared, product, rows](std::uint64_t offset, std::span<std::byte> into) {
                   const std::string file = target_file(*shared, product, rows);
                   std::memcpy(into.data(), file.data() + offset, into.size());
                 },
                 {.last_modified = kWritten});
        std::string& script = scripts[script_of(observation, product)];
        if (script.empty()) script = "#!/bin/sh\n";
        script += fmt::format(
            "curl -C - -L -o {0} https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{0}\n",
            product.name);
      }
    }
  }
  std::string page = "<html><body><h1>TESS Bulk Downloads</h1><ul>\n";
  for (auto& [path, text] : scripts) {
    page += fmt::format("<li><a href=\"{0}\">{1}</a></li>\n", path, path.substr(path.rfind('/') + 1));
    const std::uint64_t size = text.size();
    tree.put(path, size, read_from_text(std::move(text)), {});
  }
  page += "</ul></body></html>\n";
  const std::uint64_t size = page.size();
  tree.put("/tess/bulk_downloads/bulk_downloads_ffi-tp-lc-dv.html", size, read_from_text(std::move(page)),
           {});
}

}  // namespace astrofs::sim
