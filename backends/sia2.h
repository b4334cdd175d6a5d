// Type "sia2": a service of the Virtual Observatory that is asked for images by their place on the sky. A
// circle is a directory, found by its name and listed from then on; `all` is what the configuration asks for,
// wherever it is.
//
//   10.68_41.27_0.1/...     right ascension, declination and radius in degrees
//   all/...
//
// What stands in them, and their locators, are as in type "obstap". Owned by the mount; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backends/archive.h"
#include "backends/data_sets.h"
#include "backends/http/fetcher.h"
#include "backends/vo_client.h"
#include "base/clock.h"

namespace astrofs {

namespace sia2 {

/// "10.68_41.27_0.1" -> "CIRCLE 10.68 41.27 0.1"; nullopt: no circle on the sky.
[[nodiscard]] std::optional<std::string> circle_in(std::string_view name);
/// "COLLECTION=HST&DPTYPE=image" as an address may hold it; invalid: not such a list, or a parameter that is
/// set here.
[[nodiscard]] Result<std::string> check_parameters(std::string_view text);

}  // namespace sia2

class Sia2Archive final : public Archive {
 public:
  struct Limits {
    std::size_t rows{10'000};  ///< MAXREC
    DataSets::Limits files{};
  };
  /// `url`: of the query resource; `parameters`: of every question, checked. Both others outlive the archive.
  Sia2Archive(std::string url, std::string parameters, VoAccess access, http::Fetcher& fetcher,
              const Clock& clock, Limits limits);

  [[nodiscard]] Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                                std::stop_token stop) override;
  [[nodiscard]] bool finds(std::string_view dir) const override { return dir.empty(); }
  /// Every circle is there, with or without images: nobody is asked.
  [[nodiscard]] Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                  std::stop_token stop) override;
  [[nodiscard]] bool finds_offline(std::string_view) const override { return true; }
  [[nodiscard]] Result<std::vector<http::Request>> locate(std::string_view locator) override;
  [[nodiscard]] bool seeks(std::string_view) const override { return true; }
  [[nodiscard]] Result<std::vector<http::Request>> seek(std::string_view locator, bool again,
                                                        std::stop_token stop) override;
  [[nodiscard]] std::string remark(std::string_view dir, std::string_view token) const override;
  [[nodiscard]] std::string credential_scope(std::string_view) const override { return client_.scope(); }
  [[nodiscard]] std::string advice() const override { return client_.advice(); }
  void notice_login() override;

 private:
  Result<DataSets::Listed> data_sets(const obstap::Place& place, const std::stop_token& stop);
  /// Those of a directory; of one data set where the place names it.
  Result<DataSets::Rows> rows(const obstap::Place& place, const std::stop_token& stop);
  /// All that the service gives for the directory above it.
  Result<DataSets::Rows> all_rows(const obstap::Place& place, const std::stop_token& stop);
  [[nodiscard]] bool is_directory(const obstap::Place& place) const;

  VoClient client_;
  const std::string parameters_;
  const Limits limits_;
  DataSets files_;
};

}  // namespace astrofs
