// One made-up DKIST dataset as a value: its record in the inventory, the names and sizes of its frames, the
// header row of each. Everything follows from its number, so the same number gives the same dataset. Values
// and pure functions; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace astrofs::sim {

/// A value of a record or of a header row; monostate is null, and in a row a card that is not there.
using Field = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>>;
using Record = std::map<std::string, Field, std::less<>>;
using Row = std::vector<std::pair<std::string, Field>>;

struct DkistOptions {
  int datasets{0};
  int frames{80};       ///< of the first dataset
  int other_frames{8};  ///< of each other one
  int image_rows{24};   ///< of one frame
  int image_columns{40};
  int lost{0};                  ///< of the first dataset: so many frames are in its ASDF and nowhere else
  std::string globus_folder{};  ///< where Transfer tasks copy to; "": every destination is refused
  std::chrono::milliseconds task_time{0};  ///< of one Transfer task
  bool https{true};                        ///< whether the collection has an https_server
  bool need_token{false};  ///< whether collection HTTPS asks for one also where the data are public
  bool ranges{false};      ///< whether /download answers ranges
};

using UtcMillis = std::chrono::sys_time<std::chrono::milliseconds>;

struct FrameNames {
  std::vector<std::string> all;  ///< fileuris flattened in C order
  std::unordered_map<std::string_view, int> index;
};

struct DkistDataset {
  int number{0};
  std::string id, product, instrument, proposal, bucket;
  std::string status{"ACTIVE"};
  bool embargoed{false};
  std::vector<int> axes;  ///< of fileuris, outermost first
  bool stokes{false};     ///< the outermost axis is the polarization
  int rows{0}, columns{0};
  bool single{false};  ///< float32 instead of float64
  UtcMillis start;
  int step_ms{3117};
  std::shared_ptr<const FrameNames> names;
  std::set<int> lost;     ///< frames that are in the ASDF and not on the collection
  int revision{0};        ///< of the ASDF and the record
  int pixels_version{0};  ///< of all frames: other pixels under the same names

  [[nodiscard]] int frames() const { return static_cast<int>(names->all.size()); }
  /// "/data/pid_1_123/BEOGN": where the collection has it now.
  [[nodiscard]] std::string directory() const { return '/' + bucket + '/' + proposal + '/' + id; }
  [[nodiscard]] std::string asdf_name() const;
  /// "": it has none.
  [[nodiscard]] std::string movie_name() const;
  [[nodiscard]] std::string report_name() const;
  /// The one file under extra/.
  [[nodiscard]] std::string extra_name() const;
};
using DatasetPtr = std::shared_ptr<const DkistDataset>;

[[nodiscard]] DkistDataset make_dataset(int number, const DkistOptions& options);
/// The same observation processed anew: another id and other pixels, the same product.
[[nodiscard]] DkistDataset reprocessed(const DkistDataset& old, const std::string& id);

/// As the search API gives it.
[[nodiscard]] Record record_of(const DkistDataset& dataset);
/// The FITS header of a frame as a row of the ASDF's table; the same keywords in the same order for all
/// frames.
[[nodiscard]] Row row_of(const DkistDataset& dataset, int frame);
/// Bytes of the frame's file.
[[nodiscard]] std::uint64_t frame_size(const DkistDataset& dataset, int frame);

/// A number that `what` and `seed` decide, the same on every machine.
[[nodiscard]] std::uint64_t scatter(std::string_view what, std::uint64_t seed);
/// "2022-10-24T19:47:14.517", with 3 or 6 decimals.
[[nodiscard]] std::string iso_time(UtcMillis time, int decimals = 3);

}  // namespace astrofs::sim
