#include "backends/hlsp_standard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/format/curl_script.h"
#include "backends/format/healpix.h"
#include "backends/format/numbers.h"
#include "backends/script_lines.h"

namespace astrofs::hlsp {
namespace {

using From = Recipe::From;
using Type = Recipe::Type;

constexpr std::string_view kFile = "001-of-001.hdf5";
constexpr std::string_view kPixel = "healpix=";
constexpr std::string_view kTiny = "-tiny";
/// As many curves as the reference takes for a try.
constexpr std::size_t kTinySize = 100;
/// That many lines, of at most 400 letters, and the script's first.
constexpr std::uint64_t kScriptHead = 64 * 1024;
/// A target list is read in pieces of this.
constexpr std::uint64_t kPiece = 1ULL << 20;
/// From here on QLP's detrended flux is made otherwise, and called otherwise.
constexpr unsigned kFirstDetrended = 56;

/// A name of a path, which becomes shorter by it.
std::string_view next_name(std::string_view& path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string_view name = path.substr(0, slash);
  path.remove_prefix(std::min(slash + 1, path.size()));
  return name;
}

Recipe::Dataset given(std::string name, std::size_t number) {
  return {std::move(name), Type::i8, From::given, "", number};
}
Recipe::Dataset card(std::string name, std::string keyword) {
  return {std::move(name), Type::f8, From::card, std::move(keyword), 0};
}
Recipe::Dataset column(std::string name, std::string key, Type type = Type::same) {
  return {std::move(name), type, From::column, std::move(key), 0};
}

using Datasets = std::vector<Recipe::Dataset>;

void add_tglc(Datasets& sets) {
  sets.push_back(card("psf_flux_err", "PSF_ERR"));
  sets.push_back(card("aper_flux_err", "APER_ERR"));
  sets.push_back(column("time", "time"));
  sets.push_back(column("psf_flux", "psf_flux"));
  sets.push_back(column("aper_flux", "aperture_flux"));
  sets.push_back(column("tess_flags", "TESS_flags"));
  sets.push_back(column("tglc_flags", "TGLC_flags"));
}

void add_qlp(Datasets& sets, unsigned sector) {
  sets.push_back(card("tess_mag", "TESSMAG"));
  for (const auto& [name, keyword] :
       {std::pair("radius", "RADIUS"), {"teff", "TEFF"}, {"logg", "LOGG"}, {"mh", "MH"}})
    sets.push_back(card(name, keyword));
  const bool detrended = sector >= kFirstDetrended;
  const std::string flux = detrended ? "det_flux" : "kspsap_flux";
  // The columns have the datasets' names in capital letters, and are found so.
  for (const std::string& name :
       {std::string("time"), std::string("sap_flux"), flux, flux + "_err", std::string("quality"),
        std::string("orbitid"), std::string("sap_x"), std::string("sap_y"), std::string("sap_bkg"),
        std::string("sap_bkg_err"), flux + "_sml", flux + "_lag"})
    sets.push_back(column(name, name));
  if (detrended) sets.push_back(column("sys_rm_flux", "sys_rm_flux"));
}

void add_spoc(Datasets& sets) {
  sets.push_back(column("time", "TIME"));
  sets.push_back(column("flux", "SAP_FLUX"));
  sets.push_back(column("flux_err", "SAP_FLUX_ERR"));
  sets.push_back(column("quality", "QUALITY", Type::i4));
}

/// `id`, `gaia`: what the form calls them.
Datasets datasets_of(Pipeline pipeline, unsigned sector, const std::string& id, const std::string& gaia) {
  Datasets sets{given(id, 0)};
  if (pipeline == Pipeline::tglc) sets.push_back(given(gaia, 1));
  sets.push_back(card("RA", "RA_OBJ"));
  sets.push_back(card("DEC", "DEC_OBJ"));
  if (pipeline == Pipeline::tglc) add_tglc(sets);
  if (pipeline == Pipeline::qlp) add_qlp(sets, sector);
  if (pipeline == Pipeline::tess_spoc) add_spoc(sets);
  return sets;
}

std::vector<std::int64_t> numbers_of(std::uint64_t tic, std::uint64_t gaia) {
  return {static_cast<std::int64_t>(tic), static_cast<std::int64_t>(gaia)};
}

/// Where the curve of a target may lie. On which CCD a star is the list does not say.
std::vector<std::string> paths_of(Curve curve) {
  if (curve.pipeline != Pipeline::tglc) return {curve.path()};
  std::vector<std::string> paths;
  for (curve.camera = 1; curve.camera <= 4; ++curve.camera) {
    for (curve.ccd = 1; curve.ccd <= 4; ++curve.ccd) paths.push_back(curve.path());
  }
  return paths;
}

std::string top_of(const StandardPlace& place) {
  return fmt::format("{}/{}/{}", directory_of(place.pipeline), sector_directory(place.sector), kStandard);
}

std::uint64_t id_of(Pipeline pipeline, const Target& target) {
  return pipeline == Pipeline::tglc ? target.gaia : target.tic;
}

}  // namespace

std::string_view standard_name(Pipeline pipeline) {
  switch (pipeline) {
    case Pipeline::tglc:
      return "TGLC";
    case Pipeline::qlp:
      return "QLP";
    case Pipeline::tess_spoc:
      return "SPOC";
    case Pipeline::tica:
      break;
  }
  return "";
}

std::optional<StandardPlace> standard_place(Pipeline pipeline, unsigned sector, std::string_view below) {
  StandardPlace place;
  place.pipeline = pipeline;
  place.sector = sector;
  if (standard_name(pipeline).empty() || next_name(below) != kStandard) return std::nullopt;
  if (below.empty()) return place;
  if (next_name(below) != standard_name(pipeline)) return std::nullopt;
  place.level = StandardPlace::Level::pixels;
  if (below.empty()) return place;
  std::string_view pixel = next_name(below);
  if (!pixel.starts_with(kPixel)) return std::nullopt;
  pixel.remove_prefix(kPixel.size());
  place.tiny = pixel.ends_with(kTiny);
  if (place.tiny) pixel.remove_suffix(kTiny.size());
  place.pixel = number_in<std::uint32_t>(pixel);
  if (!place.pixel || *place.pixel >= healpix::kPixels || (pixel.size() > 1 && pixel.front() == '0'))
    return std::nullopt;
  place.level = StandardPlace::Level::pixel;
  if (below.empty()) return place;
  if (below != kFile) return std::nullopt;
  place.level = StandardPlace::Level::file;
  return place;
}

Recipe single_recipe(const Curve& curve, std::uint64_t tic, std::string path) {
  Recipe recipe;
  recipe.single = true;
  recipe.datasets = datasets_of(curve.pipeline, curve.sector, "TIC_ID", "gaiadr3_id");
  recipe.parts.push_back({{std::move(path)}, numbers_of(tic, curve.id)});
  return recipe;
}

bool StandardFiles::usable(Pipeline pipeline) const {
  return files_ != nullptr && !sources_.archive.empty() && !standard_name(pipeline).empty();
}

Result<std::vector<Entry>> StandardFiles::entries(const StandardPlace& place, std::stop_token stop) const {
  const std::string top = top_of(place);
  const std::string name(standard_name(place.pipeline));
  switch (place.level) {
    case StandardPlace::Level::top:
      return std::vector{directory_entry(name, top + "/" + name)};
    case StandardPlace::Level::pixels:
      return pixels(place, std::move(stop));
    case StandardPlace::Level::pixel:
      break;
    case StandardPlace::Level::file:
      return fail(Errc::not_directory, "a file is no directory");
  }
  Entry file;
  file.name = kFile;
  file.locator =
      fmt::format("{}/{}/{}{}{}/{}", top, name, kPixel, *place.pixel, place.tiny ? kTiny : "", kFile);
  return std::vector{file};
}

Result<std::vector<Entry>> StandardFiles::pixels(const StandardPlace& place, std::stop_token stop) const {
  const Result<Tiny> first = tiny(place.pipeline, place.sector, stop);
  if (!first) return tl::unexpected<Error>(first.error());
  std::vector<bool> full(healpix::kPixels);
  std::vector<bool> few(healpix::kPixels);
  const Result<void> read = for_targets(
      place.pipeline, place.sector,
      [&](const Target& target) {
        const auto pixel = healpix::nested_pixel(target.ra, target.dec);
        if (!pixel) return;
        full[*pixel] = true;
        if (first->contains(id_of(place.pipeline, target))) few[*pixel] = true;
      },
      stop);
  if (!read) return tl::unexpected<Error>(read.error());
  const std::string above = fmt::format("{}/{}/", top_of(place), standard_name(place.pipeline));
  std::vector<Entry> entries;
  const auto add = [&](std::string name) { entries.push_back(directory_entry(name, above + name)); };
  for (std::uint32_t pixel = 0; pixel < healpix::kPixels; ++pixel) {
    if (full[pixel]) add(fmt::format("{}{}", kPixel, pixel));
    if (few[pixel]) add(fmt::format("{}{}{}", kPixel, pixel, kTiny));
  }
  return entries;
}

Result<Recipe> StandardFiles::recipe(const StandardPlace& place, std::stop_token stop) const {
  Result<Tiny> first = Tiny{};
  if (place.tiny) first = tiny(place.pipeline, place.sector, stop);
  if (!first) return tl::unexpected<Error>(first.error());
  std::vector<Target> targets;
  const Result<void> read = for_targets(
      place.pipeline, place.sector,
      [&](const Target& target) {
        const bool wanted = !place.tiny || first->contains(id_of(place.pipeline, target));
        if (wanted && healpix::nested_pixel(target.ra, target.dec) == place.pixel) targets.push_back(target);
      },
      stop);
  if (!read) return tl::unexpected<Error>(read.error());
  std::stable_sort(targets.begin(), targets.end(), [&](const Target& a, const Target& b) {
    return id_of(place.pipeline, a) < id_of(place.pipeline, b);
  });
  Recipe recipe;
  recipe.datasets = datasets_of(place.pipeline, place.sector, "object_id", "GAIADR3_ID");
  for (const Target& target : targets) {
    const std::uint64_t id = id_of(place.pipeline, target);
    Recipe::Part part;
    part.any_of = place.tiny ? std::vector{first->at(id).path()}
                             : paths_of(Curve{place.pipeline, place.sector, id, 0, 0});
    part.given = numbers_of(target.tic, target.gaia);
    recipe.parts.push_back(std::move(part));
  }
  return recipe;
}

Result<void> StandardFiles::for_targets(Pipeline pipeline, unsigned sector, const TargetList::Visit& visit,
                                        const std::stop_token& stop) const {
  if (!usable(pipeline)) return fail(Errc::unsupported, "no target list can be read here");
  const std::string path =
      fmt::format("{}/{}/target_list.csv", directory_of(pipeline), sector_directory(sector));
  const Result<OwnFile> file = files_->file(path);
  if (!file) return tl::unexpected<Error>(file.error());
  TargetList list;
  for (std::uint64_t at = 0; at < file->size; at += kPiece) {
    if (stop.stop_requested()) return fail(Errc::interrupted, "the mount is ending");
    const Result<Bytes> piece = files_->read(path, file->version, {at, std::min(kPiece, file->size - at)});
    if (!piece) return tl::unexpected<Error>(piece.error());
    if (Result<void> fed = list.feed(piece->text(), visit); !fed) return fed;
  }
  return list.finish(visit);
}

/// The reference's sample for a try: what the first lines of the sector's script name. None without a script.
Result<StandardFiles::Tiny> StandardFiles::tiny(Pipeline pipeline, unsigned sector,
                                                const std::stop_token& stop) const {
  const auto script = RemoteScript::open(fetcher_, sources_.archive + script_path(pipeline, sector), stop);
  if (!script && script.error().code == Errc::not_found) return Tiny{};
  if (!script) return tl::unexpected<Error>(script.error());
  const bool all = !script->serves_ranges() || script->size() <= kScriptHead;
  const auto head = all ? script->whole() : script->read(ByteRange{0, kScriptHead});
  if (!head) return tl::unexpected<Error>(head.error());
  const auto piece = parse_script(*head, {.last_partial = !all, .paths = true});
  if (!piece) return tl::unexpected<Error>(piece.error());
  Tiny first;
  for (const ScriptLine& line : piece->lines) {
    const auto curve = parse_curve(line.name.substr(line.name.rfind('/') + 1));
    if (!curve || curve->pipeline != pipeline || curve->sector != sector) continue;
    first.emplace(curve->id, *curve);
    if (first.size() == kTinySize) break;
  }
  return first;
}

}  // namespace astrofs::hlsp
