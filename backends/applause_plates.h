// What APPLAUSE knows of its plates, asked of its TAP service with synchronous questions: which archives,
// which plates, and of a plate its scans, pictures, exposures. Part of type "applause". Blocks; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/archive.h"
#include "backends/http/fetcher.h"
#include "backends/pasted_token.h"
#include "backends/tap.h"

namespace astrofs::applause {

using PlateId = std::uint32_t;
/// As the archive writes numbers: no sign, no zero before it.
[[nodiscard]] std::optional<PlateId> plate_in(std::string_view name);

/// A file that lies at the archive.
struct StoredFile {
  std::string path;  ///< below ".../files/"
  std::optional<std::uint64_t> size;
  SysSeconds mtime{};
};
struct Scan {
  StoredFile file;
  std::uint32_t width{0}, height{0};  ///< of pixels; 0 = not told
  std::string checksum, datasum;      ///< as its CHECKSUM and DATASUM cards say; "" = not told
};
struct Plate {
  PlateId id{0};
  std::vector<Scan> scans;
  std::vector<StoredFile> pictures;  ///< the plate's, and of the log book's pages that tell of it
  std::string json;                  ///< what the tables say of plate, exposures and scans
};

class Plates {
 public:
  /// `url`: of the archive. All outlive it.
  Plates(std::string url, const PastedToken& token, http::Fetcher& fetcher)
      : url_(std::move(url)), token_(token), fetcher_(fetcher) {}

  /// Numbers of its archives.
  [[nodiscard]] Result<std::vector<std::string>> archives(std::stop_token stop) const;
  /// Errc::not_found: there is no such archive.
  [[nodiscard]] Result<std::vector<PlateId>> plates_of(std::string_view archive, std::stop_token stop) const;
  [[nodiscard]] Result<bool> is_there(PlateId plate, std::stop_token stop) const;
  /// Those of `ids` that there are. One round of questions for all of them.
  [[nodiscard]] Result<std::vector<Plate>> describe(const std::vector<PlateId>& ids,
                                                    std::stop_token stop) const;
  /// The request for a file, with the token where there is one.
  [[nodiscard]] http::Request file(std::string_view path) const;
  [[nodiscard]] Result<tap::Answer> ask(std::string query, std::stop_token stop) const;

 private:
  struct Told;
  [[nodiscard]] http::Request question(std::string query) const;
  [[nodiscard]] Result<Told> ask_of(const std::vector<PlateId>& ids, std::stop_token stop) const;
  [[nodiscard]] Plate plate_at(const Told& told, std::size_t row) const;
  [[nodiscard]] Scan scan_at(const tap::Answer& scans, std::size_t row) const;
  [[nodiscard]] std::string path_of(std::string_view said) const;
  [[nodiscard]] StoredFile stored(const tap::Answer& answer, std::size_t row, std::string_view column) const;

  const std::string url_;
  const PastedToken& token_;
  http::Fetcher& fetcher_;
};

}  // namespace astrofs::applause
