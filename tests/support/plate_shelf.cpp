#include "tests/support/plate_shelf.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <map>

#include "tests/support/plate_columns.h"

namespace astrofs::sim {
namespace {

struct PlateArchive {
  int id;
  const char* name;
  const char* folder;
  const char* series;
  int first_plate;
  int first_number;  ///< of its first plate
};
/// Plate 9319 is GS00768, as in the archive.
constexpr std::array<PlateArchive, 3> kArchives{{
    {101, "Hamburg Lippert-Astrograph", "HAM-LA", "LA", 405, 577},
    {102, "Hamburg Great Schmidt Mirror", "HAM-GS", "GS", 9312, 761},
    {203, "Bamberg Northern Sky Patrol", "Bamberg-North", "BN", 89580, 1953},
}};
constexpr std::size_t kFirst = 1;  ///< whose number of plates is chosen
constexpr int kPlatesElsewhere = 3;
constexpr int kPlatesOfALogPage = 4;
constexpr std::string_view kStamp = "2022-06-13 05:08:21.644377+00";
constexpr std::string_view kFileTime = "2020-05-11 10:22:00";
/// No source is found on every eleventh plate.
constexpr int kBare = 11;
/// Every fifth was scanned in both directions.
constexpr int kBothDirections = 5;

const PlateArchive& archive_of(int id) {
  for (const PlateArchive& archive : kArchives) {
    if (archive.id == id) return archive;
  }
  return kArchives[kFirst];
}

std::string number_of(const PlateArchive& archive, int plate) {
  return fmt::format("{}{:05}", archive.series, plate - archive.first_plate + archive.first_number);
}

std::uint64_t noise(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t x = a * 0x9E3779B97F4A7C15U ^ b * 0xC2B2AE3D27D4EB4FU ^ c * 0x165667B19E3779F9U;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9U;
  return x ^ x >> 32;
}

/// A picture is a header that its readers know, and noise.
std::string picture(std::string_view name) {
  std::string bytes("\xff\xd8\xff\xe0\0\x10JFIF\0", 11);
  const std::uint64_t seed = std::hash<std::string_view>{}(name);
  constexpr std::uint64_t kBytes = 3000;
  for (std::uint64_t i = 0; i < kBytes + seed % kBytes; ++i)
    bytes += static_cast<char>(noise(seed, i, 1) & 0xFF);
  return bytes + "\xff\xd9";
}

ResourcePtr text_picture(std::string_view path) {
  std::string bytes = picture(path);
  auto file = std::make_shared<Resource>();
  file->size = bytes.size();
  file->read = read_from_text(std::move(bytes));
  file->content_type = "image/jpeg";
  file->etag = etag_of(path);
  return file;
}

std::string preview_path(const PlateArchive& archive, int plate) {
  return fmt::format("DR4/previews/{}/{}.jpg", archive.folder, number_of(archive, plate));
}
std::string logpage_path(const PlateArchive& archive, int page) {
  return fmt::format("DR4/logbooks/{}/{}-OB{:04}.jpg", archive.folder, archive.series, page);
}
int page_of(const PlateArchive& archive, int plate) {
  return (plate - archive.first_plate) / kPlatesOfALogPage;
}

std::string scan_path(const PlateArchive& archive, const PlateScan& scan) {
  return fmt::format("DR4/scans/{}/{}", archive.folder, scan.file_name);
}

std::string card_text(const std::string& header, std::string_view keyword) {
  const std::size_t card = header.find(keyword);
  const std::size_t from = header.find('\'', card) + 1;
  std::string text = header.substr(from, header.find('\'', from) - from);
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

std::vector<PlateShelf::Plate> PlateShelf::plates(std::optional<int> only) const {
  std::vector<Plate> found;
  for (const PlateArchive& archive : kArchives) {
    const int count = &archive == &kArchives[kFirst] ? options_.plates : kPlatesElsewhere;
    if (only) {
      if (*only >= archive.first_plate && *only < archive.first_plate + count)
        found.push_back({*only, archive.id});
      continue;
    }
    for (int i = 0; i < count; ++i) found.push_back({archive.first_plate + i, archive.id});
  }
  return found;
}

std::vector<PlateScan> PlateShelf::scans(const Plate& plate) const {
  const PlateArchive& archive = archive_of(plate.archive);
  std::vector<PlateScan> scans;
  for (const char direction : {'x', 'y'}) {
    if (direction == 'y' && plate.id % kBothDirections != 0) continue;
    PlateScan scan;
    scan.scan_id = plate.id * 2 + (direction == 'y' ? 1 : 0);
    scan.plate_number = number_of(archive, plate.id);
    scan.file_name = fmt::format("{}_{}.fits", scan.plate_number, direction);
    scan.telescope = archive.name;
    scan.date = fmt::format("19{:02}-{:02}-{:02}", 20 + plate.id % 50, 1 + plate.id % 12, 1 + plate.id % 28);
    scan.object = fmt::format("FIELD {}", plate.id % 300);
    scan.width = options_.width;
    scan.height = options_.height;
    scans.push_back(std::move(scan));
  }
  return scans;
}

std::vector<PlateRow> PlateShelf::sources(const Plate& plate, bool calibrated) const {
  std::vector<PlateRow> rows;
  if (plate.id % kBare == 0) return rows;
  const auto columns = plate_columns(calibrated ? "source_calib" : "source");
  const int process = 25'000 + plate.id;
  for (int n = 1; n <= options_.rows; ++n) {
    if (calibrated && n % 4 == 3) continue;  // not every source is calibrated
    const std::map<std::string_view, std::string> known{
        {"source_id", std::to_string(40'000'000'000'000 + process * 10'000'000LL + n)},
        {"process_id", std::to_string(process)},
        {"scan_id", std::to_string(plate.id * 2)},
        {"plate_id", std::to_string(plate.id)},
        {"archive_id", std::to_string(plate.archive)},
        {"source_num", std::to_string(n)},
        {"timestamp_insert", std::string(kStamp)},
        {"timestamp_update", std::string(kStamp)}};
    PlateRow row;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const PlateColumn& column = columns[i];
      const std::uint64_t random =
          noise(static_cast<std::uint64_t>(plate.id), static_cast<std::uint64_t>(n), i);
      const double part = static_cast<double>(random >> 11) * 0x1p-53;
      constexpr double kValues = 1000;
      if (const auto found = known.find(column.name); found != known.end()) {
        row.emplace_back(found->second);
      } else if ((column.name.ends_with("_psf") && n % 2 == 1) ||
                 (column.name.starts_with("gaia") && n % 3 == 0)) {
        row.emplace_back(std::nullopt);
      } else if (column.datatype == "float") {
        row.emplace_back(fmt::format("{}", static_cast<float>(part * kValues)));
      } else if (column.datatype == "double") {
        row.emplace_back(fmt::format("{}", part * kValues));
      } else if (column.datatype.empty()) {
        row.emplace_back(fmt::format("({:.14f} , {:.14f})", part, part / 2));
      } else {
        row.emplace_back(std::to_string(random % static_cast<std::uint64_t>(kValues)));
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<PlateRow> PlateShelf::log_pages() const {
  const std::string stamp(kStamp);
  std::map<std::string, PlateRow> pages;
  for (const Plate& each : plates(std::nullopt)) {
    const PlateArchive& archive = archive_of(each.archive);
    const int page = page_of(archive, each.id);
    const std::string path = logpage_path(archive, page);
    if (pages.contains(path)) continue;
    pages[path] = {std::to_string(archive.id * 10'000 + page),
                   std::to_string(archive.id),
                   "1",
                   path,
                   "image/jpeg",
                   std::string(kFileTime),
                   std::to_string(picture(path).size()),
                   stamp,
                   stamp};
  }
  std::vector<PlateRow> rows;
  for (auto& [path, row] : pages) rows.push_back(std::move(row));
  return rows;
}

std::vector<PlateRow> PlateShelf::scan_rows(const Plate& plate) const {
  const std::string stamp(kStamp), file_time(kFileTime);
  std::vector<PlateRow> rows;
  for (const PlateScan& scan : scans(plate)) {
    const std::string header = scan_header(scan);
    rows.push_back({std::to_string(scan.scan_id), std::to_string(plate.id), std::to_string(plate.archive),
                    scan_path(archive_of(plate.archive), scan), std::to_string(scan.width),
                    std::to_string(scan.height), "Epson Expression 10000XL", "10.58333", file_time, file_time,
                    std::to_string(scan_size(scan)), card_text(header, "CHECKSUM"),
                    card_text(header, "DATASUM "), stamp, stamp});
  }
  return rows;
}

std::vector<PlateRow> PlateShelf::rows_of(const Plate& plate, std::string_view table) const {
  const std::string stamp(kStamp);
  const PlateArchive& archive = archive_of(plate.archive);
  const std::string id = std::to_string(plate.id);
  const std::string of = std::to_string(plate.archive);
  if (table == "plate")
    return {{id, of, number_of(archive, plate.id), archive.series, "24", "Agfa \"Astro\", blue",
             scans(plate).front().date, "1", "Hamburg", "10.2414", archive.name, std::nullopt, stamp, stamp}};
  if (table == "exposure")
    return {{id, id, of, "1", scans(plate).front().object, fmt::format("{}", plate.id % 360 + 0.25),
             "62.0394", fmt::format("{}", 2429000.5 + plate.id), "1800", stamp, stamp}};
  if (table == "plate_logpage")
    return {{id, std::to_string(archive.id * 10'000 + page_of(archive, plate.id)), "1", stamp, stamp}};
  if (table == "preview") {
    const std::string path = preview_path(archive, plate.id);
    const std::string size = std::to_string(picture(path).size());
    return {{id, id, of, "1", path, "image/jpeg", std::string(kFileTime), size, stamp, stamp}};
  }
  if (table == "scan") return scan_rows(plate);
  if (table == "source" || table == "source_calib") return sources(plate, table == "source_calib");
  return {};
}

std::vector<PlateRow> PlateShelf::rows(std::string_view table, std::optional<int> plate) const {
  if (table == "logpage") return log_pages();
  std::vector<PlateRow> rows;
  if (table == "archive") {
    const std::string stamp(kStamp);
    for (const PlateArchive& archive : kArchives)
      rows.push_back({std::to_string(archive.id), archive.name, "Sternwarte", stamp, stamp});
    return rows;
  }
  for (const Plate& each : plates(plate)) {
    for (PlateRow& row : rows_of(each, table)) rows.push_back(std::move(row));
  }
  return rows;
}

ResourcePtr PlateShelf::file(std::string_view path) const {
  for (const PlateArchive& archive : kArchives) {
    const std::string folder = fmt::format("/{}/", archive.folder);
    const std::size_t at = path.find(folder);
    if (at == std::string_view::npos) continue;
    std::string_view name = path.substr(at + folder.size());
    if (path == fmt::format("DR4/logbooks{}{}", folder, name))
      return name.ends_with(".jpg") ? text_picture(path) : nullptr;
    name.remove_prefix(std::min<std::size_t>(2, name.size()));
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{}) return nullptr;
    for (const Plate& plate : plates(number - archive.first_number + archive.first_plate)) {
      if (path == preview_path(archive, plate.id)) return text_picture(path);
      for (const PlateScan& scan : scans(plate)) {
        if (path != scan_path(archive, scan)) continue;
        auto file = std::make_shared<Resource>();
        file->size = scan_size(scan);
        file->read = [scan, header = scan_header(scan)](std::uint64_t offset, std::span<std::byte> into) {
          read_scan(scan, header, offset, into);
        };
        file->content_type = "application/fits";
        file->etag = etag_of(path);
        return file;
      }
    }
  }
  return nullptr;
}

}  // namespace astrofs::sim
