#include "tests/support/dkist_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/support/sim_http.h"

namespace astrofs::sim {
namespace {

using std::chrono::milliseconds;

/// 2022-10-24T19:47:14.517, the first frame of the workshop's dataset.
constexpr UtcMillis kFirstStart{milliseconds(1'666'640'834'517)};
constexpr int kPrime = 7919;      ///< shares no factor with 26, so a multiple of it gives every id once
constexpr int kIds = 11'881'376;  ///< 26^5

struct Instrument {
  std::string_view name;
  double line;  ///< nm
  bool stokes;
  int inner_axes;
};
constexpr std::array<Instrument, 4> kInstruments{{{"VISP", 630.2051, true, 1},
                                                  {"VBI", 450.4, false, 0},
                                                  {"CRYO-NIRSP", 1083.0, true, 2},
                                                  {"DL-NIRSP", 1565.0, true, 1}}};

const Instrument& instrument_of(const DkistDataset& dataset) {
  return *std::ranges::find(kInstruments, std::string_view(dataset.instrument), &Instrument::name);
}

std::string letters(std::int64_t value) {
  std::string text(5, 'A');
  for (char& letter : text) {
    letter = static_cast<char>('A' + value % 26);
    value /= 26;
  }
  return text;
}

/// Five letters, and six for every seventh, as they are now common.
std::string id_of(int number) {
  if (number == 0) return "BEOGN";
  std::string id = letters((std::int64_t{number} * kPrime + 4242) % kIds);
  return number % 7 == 6 || id == "BEOGN" ? id + "Q" : id;
}

/// A product keeps its name when its data are processed anew, so the deprecated one has that of the next.
std::string product_of(int number, const DkistOptions& options) {
  const bool superseded = number % 10 == 4 && number + 1 < options.datasets;
  return "L1-" + letters((std::int64_t{superseded ? number + 1 : number} * kPrime + 777'777) % kIds);
}

std::vector<int> axes_of(const Instrument& instrument, int frames) {
  if (instrument.inner_axes == 0) return {frames};
  const int states = instrument.stokes && frames % 4 == 0 ? 4 : 1;
  const int steps = frames / states;
  if (instrument.inner_axes == 1) return {states, steps};
  const int maps = steps % 2 == 0 ? 2 : 1;
  return {states, maps, steps / maps};
}

std::shared_ptr<const FrameNames> names_of(const DkistDataset& dataset, int frames) {
  auto names = std::make_shared<FrameNames>();
  const int line = static_cast<int>(instrument_of(dataset).line * 1000 + 0.5);
  const int per_state = dataset.stokes ? frames / dataset.axes[0] : frames;
  names->all.reserve(static_cast<std::size_t>(frames));
  for (int frame = 0; frame < frames; ++frame) {
    std::string time =
        iso_time(dataset.start + milliseconds(std::int64_t{dataset.step_ms} * (frame % per_state)));
    std::ranges::replace_if(
        time, [](char c) { return c == '-' || c == ':' || c == '.'; }, '_');
    const char state = dataset.stokes ? "IQUV"[frame / per_state] : 'I';
    names->all.push_back(
        fmt::format("{}_{}_{:08}_{}_{}_L1.fits", dataset.instrument, time, line, state, dataset.id));
  }
  for (int frame = 0; frame < frames; ++frame)
    names->index[names->all[static_cast<std::size_t>(frame)]] = frame;
  return names;
}

}  // namespace

std::string iso_time(UtcMillis time, int decimals) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{}.{:03}{}", format_utc(whole, "%Y-%m-%dT%H:%M:%S"), (time - whole).count(),
                     decimals == 6 ? "000" : "");
}

std::uint64_t scatter(std::string_view what, std::uint64_t seed) {
  std::uint64_t value = seed * 0x9E3779B97F4A7C15U + 0xCBF29CE484222325U;
  for (const char c : what) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3U;  // FNV-1a
  value ^= value >> 31U;
  value *= 0xBF58476D1CE4E5B9U;  // the last step of splitmix64: FNV alone leaves the high bits alike
  return value ^ (value >> 29U);
}

std::string DkistDataset::asdf_name() const {
  const auto whole = std::chrono::floor<std::chrono::seconds>(start);
  // Three generations of names: datasets of 2022 and 2023 keep theirs.
  constexpr std::array<std::string_view, 3> kEndings{"_metadata", "_user_tools", ""};
  return fmt::format("{}_L1_{}_{}{}.asdf", instrument, format_utc(whole, "%Y%m%dT%H%M%S"), id,
                     kEndings[number % 4 == 3 ? static_cast<std::size_t>(number / 4 % 3) : 0]);
}

std::string DkistDataset::movie_name() const {
  return number % 6 == 5 ? "" : id + ".mp4";
}

std::string DkistDataset::report_name() const {
  return number % 8 == 7 ? "" : id + ".pdf";
}

std::string DkistDataset::extra_name() const {
  return fmt::format("{}_{}_DARK.fits", instrument, id);
}

DkistDataset make_dataset(int number, const DkistOptions& options) {
  const Instrument& instrument = kInstruments[static_cast<std::size_t>(number) % kInstruments.size()];
  DkistDataset dataset;
  dataset.number = number;
  dataset.id = id_of(number);
  dataset.product = product_of(number, options);
  dataset.instrument = instrument.name;
  dataset.proposal = fmt::format("pid_1_{}", 123 + number / 3);
  dataset.embargoed = number / 3 % 4 == 2;  // whole proposals, as the collection's access rules are
  dataset.bucket = number == 0 || dataset.embargoed || number % 2 == 1 ? "data" : "public";
  if (number % 10 == 4) dataset.status = "DEPRECATED";
  if (number % 25 == 14) dataset.status = "REMOVED";
  const int frames = std::max(1, number == 0 ? options.frames : options.other_frames);
  dataset.axes = axes_of(instrument, frames);
  dataset.stokes = instrument.stokes && dataset.axes[0] == 4;
  dataset.rows = options.image_rows;
  dataset.columns = options.image_columns;
  dataset.single = number != 0;
  dataset.start = kFirstStart + std::chrono::hours(31 * number);
  dataset.names = names_of(dataset, frames);
  if (number == 0) {
    // The last ones: those are the frames that a walk from the front meets at its end.
    for (int lost = 0; lost < std::min(options.lost, frames); ++lost) dataset.lost.insert(frames - 1 - lost);
  }
  return dataset;
}

DkistDataset reprocessed(const DkistDataset& old, const std::string& id) {
  DkistDataset dataset = old;
  dataset.id = id;
  dataset.status = "ACTIVE";
  dataset.revision = old.revision + 1;
  dataset.pixels_version = old.pixels_version + 1;
  dataset.lost.clear();
  dataset.names = names_of(dataset, old.frames());
  return dataset;
}

}  // namespace astrofs::sim
