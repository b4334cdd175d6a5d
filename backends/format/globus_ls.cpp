#include "backends/format/globus_ls.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace astrofs::globus {
namespace {

/// Ten times the most that the service lists.
constexpr std::size_t kMostEntries = 1'000'000;
/// A document is 3 deep; more room for what may be added.
constexpr unsigned kDeepest = 8;

// Where one is in {"total": 1, "DATA": [{"name": ...}]}.
constexpr unsigned kDocument = 1;
constexpr unsigned kRows = 2;
constexpr unsigned kRow = 3;
constexpr std::string_view kData = "DATA";

class FolderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool start_object(std::size_t) override {
    if (at_rows()) row_ = {};
    return !(depth_ == kDocument && key_ == kData) && open();
  }
  bool end_object() override { return !(at_row() && !finish_row()) && close(); }
  bool start_array(std::size_t) override {
    if (depth_ == 0 || at_rows()) return false;
    if (depth_ == kDocument && key_ == kData) {
      if (rows_ != Rows::before) return false;
      rows_ = Rows::inside;
    }
    return open();
  }
  bool end_array() override {
    if (at_rows()) rows_ = Rows::behind;
    return close();
  }
  bool key(string_t& value) override {
    key_ = depth_ == kDocument || at_row() ? value : std::string();
    return true;
  }
  bool string(string_t& value) override {
    if (at_row() && key_ == "name") row_.name = value;
    if (at_row() && key_ == "type") row_.directory = value == "dir";
    return is_value();
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (at_row() && key_ == "size") row_.size = value;
    if (depth_ == kDocument && key_ == "total") total_ = value;
    return is_value();
  }
  bool null() override { return is_value(); }
  bool boolean(bool) override { return is_value(); }
  bool number_integer(number_integer_t) override { return is_value(); }
  bool number_float(number_float_t, const string_t&) override { return is_value(); }
  bool binary(binary_t&) override { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  [[nodiscard]] bool is_whole() const {
    return rows_ == Rows::behind && total_.value_or(entries_.size()) == entries_.size();
  }
  [[nodiscard]] std::vector<FolderEntry> take() { return std::move(entries_); }

 private:
  enum class Rows : unsigned char { before, inside, behind };
  struct Row {
    std::string name;
    bool directory{false};
    std::optional<std::uint64_t> size;
  };

  [[nodiscard]] bool at_rows() const { return rows_ == Rows::inside && depth_ == kRows; }
  [[nodiscard]] bool at_row() const { return rows_ == Rows::inside && depth_ == kRow; }
  /// May a bare value stand here?
  [[nodiscard]] bool is_value() const {
    return depth_ != 0 && !at_rows() && !(depth_ == kDocument && key_ == kData);
  }
  bool open() { return ++depth_ <= kDeepest; }
  bool close() {
    --depth_;
    key_.clear();
    return true;
  }
  bool finish_row() {
    if (entries_.size() == kMostEntries || (!row_.directory && !row_.size)) return false;
    entries_.push_back({std::move(row_.name), row_.directory, row_.directory ? 0 : *row_.size});
    return true;
  }

  std::vector<FolderEntry> entries_;
  std::optional<std::uint64_t> total_;
  Row row_;
  Rows rows_{Rows::before};
  std::string key_;
  unsigned depth_{0};
};

}  // namespace

Result<std::vector<FolderEntry>> parse_ls(std::string_view json) {
  FolderReader reader;
  if (!nlohmann::json::sax_parse(json, &reader) || !reader.is_whole())
    return fail(Errc::corrupt, "Globus: no listing of a folder, or not all of it");
  return reader.take();
}

}  // namespace astrofs::globus
