#include "backends/applause_plates.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>

#include "backends/format/dates.h"
#include "backends/format/numbers.h"
#include "backends/url.h"
#include "base/log.h"

namespace astrofs::applause {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFiles = "/files/";

/// "2020-05-11 10:22:00", as PostgreSQL writes it, with or without fraction and zone.
SysSeconds time_in(std::string_view text) {
  constexpr std::size_t kToSeconds = 19;
  std::string iso(text.substr(0, kToSeconds));
  if (iso.size() == kToSeconds) iso[10] = 'T';
  return parse_iso8601(iso).value_or(SysSeconds{});
}

std::size_t plate_column(const tap::Answer& answer) {
  return answer.table.column("plate_id").value_or(0);
}

template <class T>
T number_at(const tap::Answer& answer, std::size_t row, std::string_view column) {
  return number_in<T>(answer.text(row, answer.table.column(column))).value_or(T{});
}

Json value_of(const VoField& field, const std::optional<std::string>& cell) {
  if (!cell) return nullptr;
  if (!field.is_text()) {
    if (const auto whole = number_in<std::int64_t>(*cell)) return *whole;
    if (const auto number = number_in<double>(*cell)) return *number;
  }
  return *cell;
}

Json row_of(const tap::Answer& answer, std::size_t row) {
  Json json = Json::object();
  for (std::size_t i = 0; i < answer.table.fields.size(); ++i)
    json[answer.table.fields[i].name] = value_of(answer.table.fields[i], answer.rows[row][i]);
  return json;
}

Json rows_of(const tap::Answer& answer, PlateId plate) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < answer.rows.size(); ++i) {
    if (number_at<PlateId>(answer, i, "plate_id") == plate) rows.push_back(row_of(answer, i));
  }
  return rows;
}

/// A service that is not where it was is not one that knows no such plate.
Result<tap::Answer> heard(const Result<http::Response>& response) {
  Result<tap::Answer> answer = tap::read_answer(response);
  if (!answer && answer.error().code == Errc::not_found)
    return fail(Errc::unavailable, "APPLAUSE does not answer questions there: " + answer.error().message);
  if (answer && !answer->stated)
    return fail(Errc::corrupt, "an answer of APPLAUSE that does not say how the query went");
  return answer;
}

/// A service may lack a table of pictures, or a column of it: the scans are worth more.
Result<tap::Answer> or_none(Result<tap::Answer> answer) {
  if (answer || answer.error().code != Errc::invalid) return answer;
  log::warning("APPLAUSE: plates are shown without pictures: {}", answer.error().message);
  return tap::Answer{};
}

}  // namespace

std::optional<PlateId> plate_in(std::string_view name) {
  if (name.empty() || name.front() < '1' || name.front() > '9') return std::nullopt;
  return number_in<PlateId>(name);
}

http::Request Plates::question(std::string query) const {
  tap::Query asked;
  asked.adql = std::move(query);
  asked.language = "PostgreSQL";  // ADQL is translated into it over there
  http::Request request = tap::sync_request(url_ + "/tap", asked);
  if (token_.is_there()) (void)token_.authorize(request);
  return request;
}

Result<tap::Answer> Plates::ask(std::string query, std::stop_token stop) const {
  Result<tap::Answer> answer = heard(fetcher_.fetch({question(std::move(query))}, std::move(stop)));
  if (answer && answer->overflow) return fail(Errc::too_large, "APPLAUSE does not give all rows");
  return answer;
}

http::Request Plates::file(std::string_view path) const {
  http::Request request;
  request.url = url_ + std::string(kFiles) + url::encode_path(path);
  if (token_.is_there()) (void)token_.authorize(request);
  return request;
}

Result<std::vector<std::string>> Plates::archives(std::stop_token stop) const {
  const auto answer = ask("SELECT archive_id FROM applause_dr4.archive ORDER BY archive_id", std::move(stop));
  if (!answer) return tl::unexpected<Error>(answer.error());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < answer->rows.size(); ++i) {
    const std::string_view name = answer->text(i, 0);
    if (plate_in(name)) names.emplace_back(name);
  }
  if (names.empty()) return fail(Errc::corrupt, "APPLAUSE names no archives");
  return names;
}

Result<std::vector<PlateId>> Plates::plates_of(std::string_view archive, std::stop_token stop) const {
  if (!plate_in(archive)) return fail(Errc::not_found, "APPLAUSE numbers its archives");
  const auto answer = ask(
      fmt::format("SELECT plate_id FROM applause_dr4.plate WHERE archive_id = {} ORDER BY plate_id", archive),
      std::move(stop));
  if (!answer) return tl::unexpected<Error>(answer.error());
  std::vector<PlateId> plates;
  for (std::size_t i = 0; i < answer->rows.size(); ++i) {
    if (const auto plate = plate_in(answer->text(i, plate_column(*answer)))) plates.push_back(*plate);
  }
  if (plates.empty()) return fail(Errc::not_found, fmt::format("APPLAUSE has no archive {}", archive));
  return plates;
}

Result<bool> Plates::is_there(PlateId plate, std::stop_token stop) const {
  return ask(fmt::format("SELECT plate_id FROM applause_dr4.plate WHERE plate_id = {}", plate),
             std::move(stop))
      .map([](const tap::Answer& answer) { return !answer.rows.empty(); });
}

/// Stored relative to /files/; older releases and asynchronous answers give the whole address.
std::string Plates::path_of(std::string_view said) const {
  const std::size_t files = said.find(kFiles);
  if (said.starts_with("http://") || said.starts_with("https://"))
    return files == std::string_view::npos ? std::string() : url::decode(said.substr(files + kFiles.size()));
  while (said.starts_with('/')) said.remove_prefix(1);
  return std::string(said);
}

StoredFile Plates::stored(const tap::Answer& answer, std::size_t row, std::string_view column) const {
  StoredFile file;
  file.path = path_of(answer.text(row, answer.table.column(column)));
  if (const auto size = number_at<std::uint64_t>(answer, row, "file_size"); size > 0) file.size = size;
  file.mtime = time_in(answer.text(row, answer.table.column("file_datetime")));
  return file;
}

/// What the tables say of these plates.
struct Plates::Told {
  tap::Answer plates, exposures, scans, previews, pages;
};

Result<Plates::Told> Plates::ask_of(const std::vector<PlateId>& ids, std::stop_token stop) const {
  const std::string these = ids.size() == 1 ? fmt::format("plate_id = {}", ids.front())
                                            : fmt::format("plate_id IN ({})", fmt::join(ids, ", "));
  std::vector<std::vector<http::Request>> questions;
  for (const auto& [table, order] : {std::pair{"plate", "plate_id"}, std::pair{"exposure", "exposure_id"},
                                     std::pair{"scan", "scan_id"}, std::pair{"preview", "preview_id"}})
    questions.push_back(
        {question(fmt::format("SELECT * FROM applause_dr4.{} WHERE {} ORDER BY {}", table, these, order))});
  questions.push_back({question(fmt::format(
      "SELECT p.plate_id, l.filename, l.file_size, l.file_datetime FROM applause_dr4.logpage AS l JOIN "
      "applause_dr4.plate_logpage AS p USING (logpage_id) WHERE p.{} ORDER BY filename",
      these))});
  const auto said = fetcher_.fetch_all(std::move(questions), std::move(stop));
  std::array<Result<tap::Answer>, 5> answers{heard(said[0]), heard(said[1]), heard(said[2]),
                                             or_none(heard(said[3])), or_none(heard(said[4]))};
  for (const auto& answer : answers) {
    if (!answer) return tl::unexpected<Error>(answer.error());
    if (answer->overflow) return fail(Errc::too_large, "APPLAUSE does not give all rows");
  }
  return Told{std::move(*answers[0]), std::move(*answers[1]), std::move(*answers[2]), std::move(*answers[3]),
              std::move(*answers[4])};
}

Scan Plates::scan_at(const tap::Answer& scans, std::size_t row) const {
  const auto text = [&](std::string_view name) {
    return std::string(scans.text(row, scans.table.column(name)));
  };
  return {stored(scans, row, "filename_scan"), number_at<std::uint32_t>(scans, row, "naxis1"),
          number_at<std::uint32_t>(scans, row, "naxis2"), text("fits_checksum"), text("fits_datasum")};
}

Plate Plates::plate_at(const Told& told, std::size_t row) const {
  Plate plate;
  plate.id = number_at<PlateId>(told.plates, row, "plate_id");
  const auto is_its = [&](const tap::Answer& answer, std::size_t i) {
    return number_at<PlateId>(answer, i, "plate_id") == plate.id;
  };
  for (std::size_t i = 0; i < told.scans.rows.size(); ++i) {
    if (is_its(told.scans, i)) plate.scans.push_back(scan_at(told.scans, i));
  }
  for (const tap::Answer* const pictures : {&told.previews, &told.pages}) {
    for (std::size_t i = 0; i < pictures->rows.size(); ++i) {
      if (is_its(*pictures, i)) plate.pictures.push_back(stored(*pictures, i, "filename"));
    }
  }
  plate.json = Json{{"plate", row_of(told.plates, row)},
                    {"exposures", rows_of(told.exposures, plate.id)},
                    {"scans", rows_of(told.scans, plate.id)}}
                   .dump(1, ' ', false, Json::error_handler_t::replace) +
               "\n";
  return plate;
}

Result<std::vector<Plate>> Plates::describe(const std::vector<PlateId>& ids, std::stop_token stop) const {
  if (ids.empty()) return std::vector<Plate>{};
  const Result<Told> told = ask_of(ids, std::move(stop));
  if (!told) return tl::unexpected<Error>(told.error());
  std::vector<Plate> found;
  for (std::size_t row = 0; row < told->plates.rows.size(); ++row) found.push_back(plate_at(*told, row));
  return found;
}

}  // namespace astrofs::applause
