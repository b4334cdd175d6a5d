#include "backends/tess_target_files.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <set>

#include "backends/format/tess_target_name.h"
#include "backends/mast.h"
#include "backends/mast_tap.h"
#include "base/log.h"

namespace astrofs::tess {
namespace {

constexpr std::string_view kBucketTargets = "tess/public/tid/";
constexpr std::string_view kProductUri = "mast:TESS/product/";
/// A sector with targets appears every four weeks.
constexpr std::chrono::hours kSectorsKnown{24};

/// 4 for "tess/public/tid/s0004/", 0 for anything else.
unsigned sector_of(std::string_view prefix) {
  constexpr std::size_t kLength = std::string_view("s0004/").size();
  prefix.remove_prefix(std::min(kBucketTargets.size(), prefix.size()));
  unsigned sector = 0;
  if (prefix.size() != kLength || prefix.front() != 's') return 0;
  const char* const end = prefix.data() + kLength - 1;
  return std::from_chars(prefix.data() + 1, end, sector).ptr == end ? sector : 0;
}

/// The files of all the target's folders; one folder that could not be listed leaves none.
Result<std::vector<Entry>> entries_in(std::deque<S3Question>& folders) {
  std::vector<Entry> entries;
  for (S3Question& folder : folders) {
    if (!folder.level()) return tl::unexpected<Error>(folder.level().error());
    for (Entry& entry : bucket_files(*folder.level(), kBucketRoot)) entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<std::string> observation_numbers(const mast::Table& observations) {
  std::vector<std::string> numbers;
  const auto column = observations.column("obsid");
  for (std::size_t row = 0; row < observations.rows.size(); ++row) {
    const std::string_view number = observations.text(row, column);
    const bool is_number =
        !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
    if (is_number) numbers.emplace_back(number);
  }
  return numbers;
}

/// All pages of products as one table.
Result<mast::Table> joined(const std::deque<mast::Query>& queries) {
  mast::Table all;
  for (const mast::Query& query : queries) {
    if (!query.table()) return tl::unexpected<Error>(query.table().error());
    if (all.columns.empty()) all.columns = query.table()->columns;
    if (all.columns != query.table()->columns)
      return fail(Errc::corrupt, "MAST gives products of one target with other columns each");
    all.rows.insert(all.rows.end(), query.table()->rows.begin(), query.table()->rows.end());
  }
  return all;
}

std::vector<std::string> product_names(const mast::Table& products) {
  std::vector<std::string> names;
  const auto column = products.column("dataURI");
  for (std::size_t row = 0; row < products.rows.size(); ++row) {
    const std::string_view uri = products.text(row, column);
    if (uri.starts_with(kProductUri)) names.emplace_back(uri.substr(kProductUri.size()));
  }
  return names;
}

/// Those that S3 has not. MAST's own sizes are rounded, old or wrong now and then: none is taken.
void add_named(const std::vector<std::string>& names, std::uint64_t tic, std::vector<Entry>& files) {
  std::set<std::string, std::less<>> known;
  for (const Entry& file : files) known.insert(file.name);
  for (const std::string& name : names) {
    const auto target = parse_target_name(name);
    if (!is_product_name(name) || (target && target->tic != tic)) continue;
    if (!known.insert(name).second) continue;
    Entry entry;
    entry.name = name;
    entry.locator = target_path(name);
    if (entry.locator.empty()) entry.locator = std::string(kProduct).append(name);
    files.push_back(std::move(entry));
  }
}

}  // namespace

std::vector<unsigned> TargetSources::recent_sectors() const {
  const MutexLock lock(mutex_);
  return clock_.steady() - asked_ < kSectorsKnown ? sectors_ : std::vector<unsigned>{};
}

Result<std::vector<unsigned>> TargetSources::sectors_in(const Result<S3Level>& level) {
  if (!level) return tl::unexpected<Error>(level.error());
  std::vector<unsigned> sectors;
  for (const std::string& prefix : level->prefixes) {
    if (const unsigned sector = sector_of(prefix); sector > 0) sectors.push_back(sector);
  }
  const MutexLock lock(mutex_);
  sectors_ = sectors;
  asked_ = clock_.steady();
  return sectors;
}

void TargetSources::add_from_tap(std::uint64_t tic, TargetFiles& found, std::stop_token stop) const {
  const auto names = mast::tap_products(fetcher_, sources_.mast, tic, std::move(stop));
  if (names)
    add_named(*names, tic, found.files);
  else
    log::info("TIC {}: MAST's TAP service is silent too: {}", tic, names.error().message);
}

Result<std::optional<TargetFiles>> TargetSources::ask(std::uint64_t tic, std::stop_token stop) {
  const bool has_s3 = !sources_.s3.empty();
  const bool has_mast = !sources_.mast.empty();

  // First: which sectors there are, and what was observed.
  Result<std::vector<unsigned>> sectors = recent_sectors();
  S3Question level(sources_.s3, std::string(kBucketTargets));
  mast::Query observed = mast::target_observations(sources_.mast, tic);
  std::vector<Question*> questions;
  const bool ask_sectors = has_s3 && sectors->empty();
  if (ask_sectors) questions.push_back(&level);
  if (has_mast) questions.push_back(&observed);
  ask_together(fetcher_, questions, stop);
  if (ask_sectors) sectors = sectors_in(level.level());

  // Then: what lies in the target's folder of each sector, and which products its observations have.
  questions.clear();
  std::deque<S3Question> folders;
  for (const unsigned sector : sectors.value_or(std::vector<unsigned>{})) {
    questions.push_back(
        &folders.emplace_back(sources_.s3, std::string(kBucketRoot) + target_folder(sector, tic)));
  }
  std::deque<mast::Query> products;
  if (has_mast && observed.table()) {
    for (mast::Query& query : mast::products_of(sources_.mast, observation_numbers(*observed.table())))
      questions.push_back(&products.emplace_back(std::move(query)));
  }
  ask_together(fetcher_, questions, stop);
  if (stop.stop_requested()) return fail(Errc::interrupted, "nobody waits for this target any more");

  TargetFiles found;
  Result<std::vector<Entry>> on_s3 = sectors ? entries_in(folders) : tl::unexpected<Error>(sectors.error());
  if (on_s3)
    found.files = std::move(*on_s3);
  else
    found.silent = on_s3.error();
  const Result<mast::Table> named =
      has_mast && !observed.table() ? tl::unexpected<Error>(observed.table().error()) : joined(products);
  if (!named) {
    // That S3 is silent is said first: it has the sizes.
    if (!found.silent) found.silent = named.error();
    if (found.files.empty()) add_from_tap(tic, found, stop);
  } else if (!products.empty()) {
    add_named(product_names(*named), tic, found.files);
    found.observations = mast::to_csv(*observed.table());
    found.products = mast::to_csv(*named);
  }
  if (found.silent) {
    // Whoever can be heard knows of nothing; whoever might is silent.
    if (found.files.empty()) return tl::unexpected<Error>(*found.silent);
    log::info("TIC {}: {}", tic, found.silent->message);
  }
  if (found.files.empty()) return std::optional<TargetFiles>{};
  return std::optional<TargetFiles>(std::move(found));
}

}  // namespace astrofs::tess
