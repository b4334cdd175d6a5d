#include "backends/tess_sector_targets.h"

#include <fmt/format.h>

#include <utility>

#include "backends/format/tess_target_name.h"
#include "backends/s3_pages.h"
#include "backends/tess_target_files.h"
#include "backends/tess_target_script.h"

namespace astrofs::tess {
namespace {

/// A run over several sectors appears a few times a year.
constexpr std::chrono::hours kRunsKnown{24};

}  // namespace

Result<std::vector<Entry>> SectorTargets::targets(unsigned sector, std::stop_token stop) const {
  const auto numbers = script_targets(fetcher_, sources_.archive, sector, stop);
  // A sector whose light curves have no script has no 2-minute targets.
  if (!numbers && numbers.error().code == Errc::not_found) return std::vector<Entry>{};
  if (!numbers) return tl::unexpected<Error>(numbers.error());
  std::vector<Entry> entries;
  entries.reserve(numbers->size());
  for (const std::uint64_t tic : *numbers)
    entries.push_back(
        directory_entry(std::to_string(tic), fmt::format("{}/{}/{}", sector, kSectorTargets, tic)));
  return entries;
}

Result<std::vector<Entry>> SectorTargets::products(unsigned sector, std::uint64_t tic,
                                                   std::stop_token stop) const {
  return order_.first_of<std::vector<Entry>>(
      {{"S3", !sources_.s3.empty(), [&] { return from_s3(sector, tic, stop); }},
       {"the download scripts", !sources_.archive.empty(), [&] { return from_scripts(sector, tic, stop); }}},
      fmt::format("TIC {} in sector {}", tic, sector));
}

Result<std::vector<Entry>> SectorTargets::from_s3(unsigned sector, std::uint64_t tic,
                                                  std::stop_token stop) const {
  S3Question folder(sources_.s3, std::string(kBucketRoot) + target_folder(sector, tic));
  ask_together(fetcher_, {&folder}, stop);
  if (!folder.level()) return tl::unexpected<Error>(folder.level().error());
  std::vector<Entry> entries = bucket_files(*folder.level(), kBucketRoot);
  if (entries.empty()) return fail(Errc::not_found, "the bucket has nothing of this target in this sector");
  return entries;
}

Result<std::vector<SectorRun>> SectorTargets::runs(std::stop_token stop) const {
  {
    const MutexLock lock(mutex_);
    if (asked_ && clock_.steady() - *asked_ < kRunsKnown) return runs_;
  }
  auto runs = scripted_runs(fetcher_, sources_.archive, stop);
  if (!runs) return runs;
  const MutexLock lock(mutex_);
  runs_ = *runs;
  asked_ = clock_.steady();
  return runs;
}

Result<std::vector<Entry>> SectorTargets::from_scripts(unsigned sector, std::uint64_t tic,
                                                       std::stop_token stop) const {
  const auto several = runs(stop);
  if (!several) return tl::unexpected<Error>(several.error());
  auto names = script_products(fetcher_, sources_.archive, sector, tic, *several, stop);
  if (!names) return tl::unexpected<Error>(names.error());
  std::vector<Entry> entries;
  for (std::string& name : *names) {
    const auto target = parse_target_name(name);
    if (!target || target->last_sector != sector) continue;
    Entry entry;
    // Where the bucket has a run over several sectors; who has it elsewhere is asked for it by its name.
    entry.locator = target_folder(sector, tic).append(name);
    entry.name = std::move(name);
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return fail(Errc::not_found, "no download script names this target");
  return entries;
}

}  // namespace astrofs::tess
