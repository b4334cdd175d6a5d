#include "tests/support/mast_target.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/sim_http.h"

namespace astrofs::sim {
namespace {

/// The stamp of sector 1's light curves: 2018-07-25 04:58:59.
constexpr SysSeconds kFirstStamp{seconds(1'532'494'739)};
/// Two orbits of 13.7 days.
constexpr std::int64_t kSectorSeconds = 2'367'360;
constexpr int kFirstFastSector = 27;
constexpr std::uint64_t kFirstTarget = 25'132'999;
constexpr std::uint64_t kStep = 1'000'003;
constexpr std::uint64_t kFirstObservation = 60'000'000;
constexpr double kSecondsOfADay = 86'400;
constexpr double kStampInDays = 1324.707627;  // of kFirstStamp, since 2457000

std::string stamp_of(int sector, std::int64_t later = 0) {
  return format_utc(kFirstStamp + seconds(kSectorSeconds * (sector - 1) + later), "%Y%j%H%M%S");
}

TargetObservation sector_observation(const Target& target, int sector, std::uint64_t number, bool fast) {
  TargetObservation observation{.number = number, .first_sector = sector, .last_sector = sector};
  observation.exposure = fast ? 20 : 120;
  const std::string front =
      fmt::format("tess{}-s{:04}-{:016}-{:04}-", stamp_of(sector), sector, target.tic, 119 + sector);
  observation.id = front + (fast ? "a_fast" : "s");
  const std::string group = fast ? "FAST-" : "";
  observation.products.push_back({observation.id + (fast ? "-lc.fits" : "_lc.fits"), group + "LC",
                                  "Light curves", sector, ProductForm::light_curve, fast});
  observation.products.push_back({observation.id + (fast ? "-tp.fits" : "_tp.fits"), group + "TP",
                                  "Target pixel files", sector, ProductForm::pixels, fast});
  return observation;
}

/// The reports of one run; the summary of several sectors has the stamp of the last.
std::vector<TargetProduct> validation(const Target& target, int first, int last, int run) {
  const std::string middle = fmt::format("-s{:04}-s{:04}-{:016}", first, last, target.tic);
  const std::string front = "tess" + stamp_of(first) + middle;
  const auto name = [run](const std::string& begin, const char* end) {
    return fmt::format("{}-{:05}_{}", begin, run, end);
  };
  return {
      {name(front, "dvt.fits"), "DVT", "Data validation time series", last, ProductForm::time_series},
      {name(front, "dvr.xml"), "DVR", "full data validation report (xml)", last, ProductForm::xml},
      {name(front, "dvr.pdf"), "DVR", "full data validation report", last, ProductForm::pdf},
      {name(front + "-01", "dvs.pdf"), "DVS", "TCE summary report", last, ProductForm::pdf},
      {name("tess" + stamp_of(last, 100) + middle, "dvm.pdf"), "DVM", "Data Validation mini-report", last,
       ProductForm::pdf},
  };
}

void observe(Target& target, const std::vector<int>& sectors, std::size_t index, std::uint64_t& number) {
  for (const int sector : sectors) {
    if (index > 0 && (static_cast<std::size_t>(sector) + index) % 3 == 0) continue;
    target.observations.push_back(sector_observation(target, sector, number++, false));
    if (index % 2 == 0) {
      auto reports = validation(target, sector, sector, 105 + sector);
      auto& products = target.observations.back().products;
      products.insert(products.end(), reports.begin(), reports.end());
    }
    if (sector >= kFirstFastSector && index % 2 == 0)
      target.observations.push_back(sector_observation(target, sector, number++, true));
  }
  if (index > 0) return;
  for (std::size_t last = 1; last < sectors.size(); ++last) {
    TargetObservation run{.number = number++, .first_sector = sectors.front(), .last_sector = sectors[last]};
    run.id = fmt::format("tess{}-s{:04}-s{:04}-{:016}", stamp_of(sectors.front()), sectors.front(),
                         sectors[last], target.tic);
    run.products = validation(target, sectors.front(), sectors[last], 200 + sectors[last]);
    target.observations.push_back(std::move(run));
  }
}

}  // namespace

std::vector<Target> make_targets(const TargetOptions& options) {
  std::vector<Target> targets;
  std::uint64_t number = kFirstObservation;
  for (int i = 0; i < options.targets; ++i) {
    const auto index = static_cast<std::size_t>(i);
    Target target{.tic = kFirstTarget + kStep * index, .width = options.width, .height = options.height};
    target.ra = static_cast<double>(target.tic % 360'000) / 1000;
    target.dec = -static_cast<double>(target.tic % 80'000) / 1000;
    target.magnitude = 6 + static_cast<double>(target.tic % 900) / 100;
    target.camera = 1 + i % 4;
    target.ccd = 1 + i / 4 % 4;
    observe(target, options.sectors, index, number);
    targets.push_back(std::move(target));
  }
  return targets;
}

std::string target_key(const Target& target, const TargetProduct& product) {
  const std::string digits = fmt::format("{:016}", target.tic);
  return fmt::format("tess/public/tid/s{:04}/{}/{}/{}/{}/{}", product.folder_sector, digits.substr(0, 4),
                     digits.substr(4, 4), digits.substr(8, 4), digits.substr(12, 4), product.name);
}

double sector_start(int sector) {
  return kStampInDays + static_cast<double>(kSectorSeconds * (sector - 1)) / kSecondsOfADay;
}

}  // namespace astrofs::sim
