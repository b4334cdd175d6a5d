// What the inventory says of a dataset, and what the headers of its frames say.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/support/dkist_dataset.h"
#include "tests/support/dkist_frame.h"
#include "tests/support/sim_http.h"

namespace astrofs::sim {
namespace {

using std::chrono::milliseconds;
using Texts = std::vector<std::string>;

double line_of(const DkistDataset& dataset) {
  // The frames' names carry the line in picometres: one place says it.
  const std::string& name = dataset.names->all.front();
  return std::stod(name.substr(name.size() - dataset.id.size() - 19, 8)) / 1000;
}

int steps_of(const DkistDataset& dataset) {
  return dataset.stokes ? dataset.frames() / dataset.axes[0] : dataset.frames();
}

UtcMillis time_of(const DkistDataset& dataset, int step) {
  return dataset.start + milliseconds(std::int64_t{dataset.step_ms} * step);
}

Field text_or_null(const std::string& text) {
  return text.empty() ? Field{} : Field{text};
}

/// Long enough to be folded, and with letters that YAML writes as escapes in every third dataset.
std::string description_of(const DkistDataset& dataset) {
  const std::string_view what = dataset.number % 3 == 1
                                    ? "Étude of the \"moss\" at 10⁶ K: a co-ordinated run"
                                    : "A study of the active region's moss: a co-ordinated run";
  return fmt::format(
      "{} of {} with {} observers' requests, number {}. Frames are taken while the adaptive optics are "
      "locked; where "
      "they are not, the Fried parameter says nothing of the seeing. It's all made up.",
      what, dataset.instrument, 3 + dataset.number % 5, dataset.number);
}

void add_times(Record& record, const DkistDataset& dataset) {
  const UtcMillis created = dataset.start + std::chrono::days(170);
  record["startTime"] = iso_time(dataset.start);
  record["endTime"] = iso_time(time_of(dataset, steps_of(dataset) - 1) + milliseconds(266));
  record["createDate"] = iso_time(created, 6);
  record["headerDataUnitCreationDate"] = iso_time(created - std::chrono::hours(2), 6);
  record["updateDate"] = iso_time(created + std::chrono::days(28 + dataset.revision), 6);
  record["embargoEndDate"] = dataset.embargoed ? Field{iso_time(created + std::chrono::days(3650))} : Field{};
}

void add_numbers(Record& record, const DkistDataset& dataset) {
  const double line = line_of(dataset);
  record["wavelengthMin"] = line - 0.8;
  record["wavelengthMax"] = line + 0.8;
  // Unphysical values occur: it is the mean over frames without a lock, too.
  record["qualityAverageFriedParameter"] =
      dataset.number % 8 == 0 ? 6.25 : 0.0625 + 0.001 * (dataset.number % 90);
  record["qualityAveragePolarimetricAccuracy"] = Field{};
  record["exposureTime"] = 48.008;
  record["averageDatasetSpatialSampling"] = 0.0416;
  record["averageDatasetSpectralSampling"] = dataset.stokes ? Field{0.001625} : Field{};
  record["averageDatasetTemporalSampling"] = dataset.step_ms / 1000.0;
  const std::int64_t frames = dataset.frames();
  record["frameCount"] = frames - static_cast<std::int64_t>(dataset.lost.size());
  record["originalFrameCount"] = frames;
  record["datasetSize"] =
      static_cast<double>(frames * static_cast<std::int64_t>(frame_size(dataset, 0))) / (1U << 30U);
  record["recipeId"] = std::int64_t{1 + dataset.number % 4};
  record["recipeInstanceId"] = std::int64_t{358 + dataset.number};
  record["recipeRunId"] = std::int64_t{586 + dataset.number + dataset.revision};
}

}  // namespace

Record record_of(const DkistDataset& dataset) {
  constexpr std::array<std::string_view, 5> kTargets{"sunspot", "quietsun", "prominence", "plages",
                                                     "unknown"};
  const std::string key = dataset.proposal + '/' + dataset.id + '/';
  const std::string experiment = "eid" + dataset.proposal.substr(3);
  const auto target = static_cast<std::size_t>(dataset.number);
  Record record{
      {"datasetId", dataset.id},
      {"productId", dataset.product},
      {"status", dataset.status},
      {"bucket", dataset.bucket},
      {"primaryProposalId", dataset.proposal},
      {"primaryExperimentId", experiment},
      {"contributingProposalIds", Texts{dataset.proposal}},
      {"contributingExperimentIds", Texts{experiment}},
      {"asdfObjectKey", key + dataset.asdf_name()},
      {"browseMovieObjectKey", text_or_null(dataset.movie_name().empty() ? "" : key + dataset.movie_name())},
      {"browseMovieUrl", dataset.number % 2 == 0
                             ? Field{}
                             : Field{fmt::format("https://vimeo.com/{}", 800'000'000 + dataset.number)}},
      {"qualityReportObjectKey",
       text_or_null(dataset.report_name().empty() ? "" : key + dataset.report_name())},
      {"qualityDataObjectKey", Field{}},
      {"instrumentName", dataset.instrument},
      {"stokesParameters", std::string(dataset.stokes ? "IQUV" : "I")},
      {"hasAllStokes", dataset.stokes},
      {"hasSpectralAxis", dataset.stokes},
      {"hasTemporalAxis", true},
      {"isEmbargoed", dataset.embargoed},
      {"isDownloadable", dataset.status != "REMOVED"},
      {"isManuallyProcessed", dataset.number % 9 == 1},
      {"boundingBox",
       dataset.number % 5 == 3 ? Field{} : Field{std::string("(233.36,-368.86),(202.9,-503.94)")}},
      {"spectralLines", Field{}},
      {"experimentDescription", dataset.number % 4 == 2 ? Field{} : Field{description_of(dataset)}},
      {"headerVersion", std::string("4.8.0")},
      {"headerDocumentationUrl", std::string("https://docs.dkist.nso.edu/projects/data-products/en/v4.8.0")},
      {"highLevelSoftwareVersion", std::string("Alakai_8-0")},
      {"infoUrl", std::string("https://docs.dkist.nso.edu")},
      {"workflowName", "l0_to_l1_" + dataset.instrument},
      {"workflowVersion", fmt::format("2.{}.{}", dataset.number % 20, dataset.revision)},
      {"observingProgramExecutionId", experiment + "_opcDZ50l_R001.95962.19551829"},
      {"instrumentProgramExecutionId", std::string("id.100944.7548")}};
  if (dataset.number % 7 == 3) {
    record["targetTypes"] = Field{};
  } else {
    Texts targets{std::string(kTargets[target % kTargets.size()])};
    if (dataset.number % 6 == 2) targets.emplace_back("filament");
    record["targetTypes"] = targets;
  }
  add_times(record, dataset);
  add_numbers(record, dataset);
  return record;
}

namespace {

void add_axes(Row& row, const DkistDataset& dataset, int frame) {
  struct Axis {
    std::string_view type, name;
    std::int64_t length, index;
  };
  std::vector<Axis> axes{{"SPATIAL", "spatial along slit", dataset.columns, 0},
                         {dataset.stokes ? "SPECTRAL" : "SPATIAL", "dispersion axis", dataset.rows, 0}};
  int rest = frame;
  for (std::size_t at = dataset.axes.size(); at-- > 0; rest /= dataset.axes[at]) {
    const bool polarization = at == 0 && dataset.stokes;
    const bool innermost = at + 1 == dataset.axes.size();
    axes.push_back({.type = polarization                  ? "STOKES"
                            : innermost && dataset.stokes ? "SPATIAL"
                                                          : "TEMPORAL",
                    .name = polarization                  ? "polarization state"
                            : innermost && dataset.stokes ? "raster scan step number"
                                                          : "time",
                    .length = dataset.axes[at],
                    .index = rest % dataset.axes[at] + 1});
  }
  row.emplace_back("DNAXIS", static_cast<std::int64_t>(axes.size()));
  row.emplace_back("DAAXES", std::int64_t{2});
  row.emplace_back("DEAXES", static_cast<std::int64_t>(axes.size()) - 2);
  for (std::size_t at = 0; at < axes.size(); ++at) {
    row.emplace_back(fmt::format("DNAXIS{}", at + 1), axes[at].length);
    row.emplace_back(fmt::format("DTYPE{}", at + 1), std::string(axes[at].type));
    row.emplace_back(fmt::format("DPNAME{}", at + 1), std::string(axes[at].name));
    if (axes[at].index > 0) row.emplace_back(fmt::format("DINDEX{}", at + 1), axes[at].index);
  }
}

/// In the last third of the steps the adaptive optics are not locked: then ATMOS_R0 is absurd or not there.
void add_seeing(Row& row, const DkistDataset& dataset, int frame) {
  const int step = frame % steps_of(dataset);
  const bool locked = step * 10 < steps_of(dataset) * 7;
  const std::uint64_t noise = scatter(dataset.id, static_cast<std::uint64_t>(step * 64 + dataset.revision));
  const double r0 = 0.05 + static_cast<double>(noise % 2000) / 10000;  // 0.05 m to 0.25 m
  Field seeing = r0;
  if (!locked) seeing = step % 2 == 0 ? Field{} : step % 3 == 0 ? Field{1e30} : Field{1.7};
  row.emplace_back("AO_LOCK", locked);
  row.emplace_back("ATMOS_R0", seeing);
  row.emplace_back("OOBSHIFT", std::int64_t{locked ? 0 : 1 + step % 12});
  row.emplace_back("LIGHTLVL", 571.5 - step % 40);
  row.emplace_back("GOS_STAT", std::string("open"));
  row.emplace_back("DSHEALTH", std::string(step % 17 == 16 ? "ILL" : "GOOD"));
}

}  // namespace

Row row_of(const DkistDataset& dataset, int frame) {
  const int steps = steps_of(dataset);
  const UtcMillis begin = time_of(dataset, frame % steps);
  const std::string& name = dataset.names->all[static_cast<std::size_t>(frame)];
  const std::uint64_t size = frame_size(dataset, frame);
  // Old pipelines measured the file before it was finished: near, and no multiple of a FITS block.
  const std::uint64_t volume = dataset.number % 2 == 0 ? size - size / 137 - 1 : size;
  Row row{{"XTENSION", std::string("IMAGE")},
          {"BITPIX", std::int64_t{dataset.single ? -32 : -64}},
          {"NAXIS", std::int64_t{3}},
          {"NAXIS1", std::int64_t{dataset.columns}},
          {"NAXIS2", std::int64_t{dataset.rows}},
          {"NAXIS3", std::int64_t{1}},
          {"PCOUNT", std::int64_t{0}},
          {"GCOUNT", std::int64_t{1}},
          {"EXTNAME", std::string("observation")},
          {"BUNIT", std::string("ct")},
          {"DATE", iso_time(dataset.start + std::chrono::days(170 + dataset.revision))},
          {"DATE-BEG", iso_time(begin)},
          {"DATE-END", iso_time(begin + milliseconds(266))},
          {"TELAPSE", 0.266},
          {"DATE-AVG", iso_time(begin + milliseconds(133), 6)},
          {"ORIGIN", std::string("National Solar Observatory")},
          {"TELESCOP", std::string("Daniel K. Inouye Solar Telescope")},
          {"OBSRVTRY", std::string("Haleakala High Altitude Observatory Site")},
          {"NETWORK", std::string("NSF-DKIST")},
          {"INSTRUME", dataset.instrument},
          {"OBJECT", std::string("unknown")},
          {"LINEWAV", line_of(dataset)},
          {"LEVEL", std::int64_t{1}},
          {"DSETID", dataset.id},
          {"PRODUCT", dataset.product},
          {"PROP_ID", dataset.proposal},
          {"FILENAME", name},
          {"FILE_ID", fmt::format("{:016x}{:016x}", scatter(name, 1), scatter(name, 2))},
          {"FRAMEVOL", static_cast<double>(volume) / (1U << 20U)}};
  if (dataset.stokes) row.emplace_back("STOKES", std::string(1, "IQUV"[frame / steps]));
  add_axes(row, dataset, frame);
  add_seeing(row, dataset, frame);
  row.emplace_back("DATASUM", std::to_string(pixels_sum(dataset, frame)));
  return row;
}

}  // namespace astrofs::sim
