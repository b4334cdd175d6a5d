#include "backends/format/votable.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <utility>

#include "backends/format/numbers.h"
#include "backends/format/utf8.h"
#include "backends/format/votable_cells.h"
#include "backends/format/xml_reader.h"

namespace astrofs {
namespace {

constexpr std::size_t kLongestMessage = 64ULL << 10;     // a server's stack trace is told in part
constexpr std::size_t kLongestDescription = 4ULL << 10;  // of a column: the longest known fill some lines
constexpr std::size_t kMostServices = 1000;      // documents have a handful; so have their services inputs
constexpr std::size_t kDecodeAt = 256ULL << 10;  // bytes of base64 decoded at a time

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// Lines become words of one line, cut where a character ends.
void put_on_one_line(std::string& text) {
  std::string line;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view before = rest;
    const auto code = take_utf8(rest);
    if (!code) break;
    if (*code > ' ')
      line += before.substr(0, before.size() - rest.size());
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  text = std::move(line);
}

/// Of one element; names with another case than the standard's occur.
class Attributes {
 public:
  explicit Attributes(std::span<const XmlAttribute> all) : all_(all) {}
  [[nodiscard]] std::string_view operator[](std::string_view name) const { return get(name).value_or(""); }
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const {
    for (const XmlAttribute& attribute : all_) {
      if (attribute.name == name) return attribute.value;
    }
    return std::nullopt;
  }

 private:
  std::span<const XmlAttribute> all_;
};

}  // namespace

std::optional<std::size_t> VoTable::column(std::string_view wanted, std::string_view utype) const {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (same_word(fields[i].name, wanted)) return i;
  }
  for (std::size_t i = 0; i < fields.size() && !utype.empty(); ++i) {
    std::string_view own = fields[i].utype;
    own.remove_prefix(own.find(':') == std::string_view::npos ? 0 : own.find(':') + 1);
    if (same_word(own, utype)) return i;
  }
  return std::nullopt;
}

/// What element one is in is known by a few words, for no name means two things at a place that matters here.
class VoTableReader::Impl final : public XmlHandler {
 public:
  Impl(VoTableHandler& handler, VoTableLimits limits)
      : handler_(handler), limits_(limits), xml_(*this, {.total = limits.total, .pieces = true}) {}

  Result<void> feed(std::string_view piece) {
    is_gzip_ = is_gzip_ || (at_start_ && piece.starts_with("\x1F\x8B"));
    at_start_ = at_start_ && piece.empty();
    if (is_gzip_) return fail(Errc::unsupported, "a VOTable that is compressed");
    return xml_.feed(piece);
  }
  Result<VoOutcome> finish() {
    if (is_gzip_) return tl::unexpected(feed({}).error());
    if (auto done = xml_.finish(); !done) return tl::unexpected(done.error());
    if (!outcome_.stated && !outcome_.has_table && error_info_) {
      outcome_.status = VoStatus::error;
      outcome_.message = *error_info_;
    }
    return std::move(outcome_);
  }

  Result<void> start_element(std::string_view name, std::span<const XmlAttribute> all) override;
  Result<void> text(std::string_view text) override;
  Result<void> end_element(std::string_view name) override;

 private:
  /// Where text goes.
  enum class Text : std::uint8_t { nowhere, cell, stream, message, description };
  enum class Data : std::uint8_t { none, text, binary };

  void open_resource(const Attributes& attributes);
  void close_resource();
  void info(const Attributes& attributes);
  void service_input(const Attributes& attributes);
  Result<void> open_table(const Attributes& attributes);
  Result<void> field(const Attributes& attributes);
  void values(const Attributes& attributes);
  Result<void> show_table();
  Result<void> open_binary(bool with_null_flags);
  Result<void> open_stream(const Attributes& attributes);
  Result<void> close_stream();
  Result<void> decode();
  Result<void> show_row();
  Result<void> start_in_table(std::string_view name, const Attributes& attributes);
  Result<void> end_in_table(std::string_view name);

  VoTableHandler& handler_;
  const VoTableLimits limits_;
  VoTable table_;
  VoOutcome outcome_;
  std::optional<std::string> error_info_;  ///< an INFO "Error", which counts where there is no table

  unsigned depth_{0};
  unsigned resources_{0}, meta_since_{0};  ///< nested RESOURCEs; the outermost that is metadata, 0 = none
  bool in_table_{false}, shown_{false};
  bool in_field_{false}, in_service_{false}, is_status_{false};
  VoService service_;
  std::map<std::string, std::string, std::less<>> nulls_;  ///< by the ID of their VALUES, before the rows
  std::vector<std::string> null_refs_;                     ///< of each field the ID to look up; "" = none
  Text text_{Text::nowhere};
  Data data_{Data::none};

  VoCells cells_;
  std::size_t cell_begin_{0};
  std::string message_, encoded_;
  Base64Stream base64_;
  std::optional<VoBinaryRows> rows_;
  bool at_start_{true}, is_gzip_{false};
  XmlReader xml_;
};

Result<void> VoTableReader::Impl::start_element(std::string_view name, std::span<const XmlAttribute> all) {
  const Attributes attributes(all);
  if (++depth_ == 1 && name != "VOTABLE") {
    return fail(Errc::corrupt, "not a VOTable but <" + std::string(name.substr(0, 40)) + ">");
  }
  if (name == "VALUES" && !shown_) values(attributes);
  if (name == "RESOURCE") {
    open_resource(attributes);
  } else if (name == "INFO") {
    info(attributes);
  } else if (name == "PARAM") {
    service_input(attributes);
  } else if (name == "TABLE" && !outcome_.has_table && meta_since_ == 0) {
    return open_table(attributes);
  } else if (in_table_) {
    return start_in_table(name, attributes);
  }
  return {};
}

Result<void> VoTableReader::Impl::end_element(std::string_view name) {
  --depth_;
  if (name == "RESOURCE") {
    close_resource();
  } else if (name == "INFO" && text_ == Text::message) {
    (is_status_ ? outcome_.message : *error_info_) += message_;
    text_ = Text::nowhere;
  } else if (in_table_) {
    return end_in_table(name);
  }
  return {};
}

Result<void> VoTableReader::Impl::text(std::string_view text) {
  switch (text_) {
    case Text::nowhere:
      return {};
    case Text::cell:
      if (cells_.text.size() + text.size() > limits_.row) {
        return fail(Errc::too_large, "a VOTable with a row that is too long");
      }
      cells_.text += text;
      return {};
    case Text::stream:
      encoded_ += text;
      return encoded_.size() < kDecodeAt ? Result<void>{} : decode();
    case Text::message:
      message_ += text.substr(0, kLongestMessage - std::min(kLongestMessage, message_.size()));
      return {};
    case Text::description: {
      std::string& description = table_.fields.back().description;
      description += text.substr(0, kLongestDescription - std::min(kLongestDescription, description.size()));
      return {};
    }
  }
  return {};
}

void VoTableReader::Impl::open_resource(const Attributes& attributes) {
  ++resources_;
  if (attributes["type"] != "meta" || meta_since_ != 0) return;
  meta_since_ = resources_;
  in_service_ = same_word(attributes["utype"], "adhoc:service");
  service_ = {};
  service_.id = attributes["ID"];
}

void VoTableReader::Impl::close_resource() {
  if (resources_-- != meta_since_) return;
  meta_since_ = 0;
  if (in_service_ && outcome_.services.size() < kMostServices)
    outcome_.services.push_back(std::move(service_));
  in_service_ = false;
}

void VoTableReader::Impl::info(const Attributes& attributes) {
  if (meta_since_ != 0 || text_ != Text::nowhere) return;  // within another: no text of it is taken for two
  const std::string_view name = attributes["name"];
  const std::string_view value = attributes["value"];
  is_status_ = same_word(name, "QUERY_STATUS");
  message_.clear();
  if (is_status_) {
    outcome_.stated = true;
    outcome_.message.clear();
    outcome_.status = same_word(value, "OVERFLOW") ? VoStatus::overflow
                      : same_word(value, "ERROR")  ? VoStatus::error
                                                   : VoStatus::ok;
    text_ = Text::message;
  } else if (same_word(name, "ERROR") && !error_info_) {
    error_info_ = value;
    text_ = Text::message;
  }
}

void VoTableReader::Impl::service_input(const Attributes& attributes) {
  if (!in_service_ || service_.inputs.size() >= kMostServices) return;
  const std::string_view name = attributes["name"];
  const std::string_view value = attributes["value"];
  if (name == "accessURL") {
    service_.access_url = value;
  } else if (name == "standardID") {
    service_.standard_id = value;
  } else {
    service_.inputs.push_back({std::string(name), std::string(value), std::string(attributes["ref"])});
  }
}

Result<void> VoTableReader::Impl::open_table(const Attributes& attributes) {
  outcome_.has_table = in_table_ = true;
  table_.name = attributes["name"];
  table_.rows = number_in<std::uint64_t>(attributes["nrows"]);
  return {};
}

Result<void> VoTableReader::Impl::field(const Attributes& attributes) {
  if (shown_) return fail(Errc::corrupt, "a VOTable with a column behind its rows");
  if (table_.fields.size() == limits_.fields) return fail(Errc::too_large, "a VOTable with too many columns");
  VoField& field = table_.fields.emplace_back();
  field.name = attributes["name"];
  field.id = attributes["ID"];
  field.ucd = attributes["ucd"];
  field.utype = attributes["utype"];
  field.unit = attributes["unit"];
  field.xtype = attributes["xtype"];
  if (field.name.empty()) field.name = field.id;
  field.type = vo_type(attributes["datatype"]);
  // Without a type it is text, and text without a size is some.
  const bool untyped = !attributes.get("datatype").has_value() && !attributes.get("arraysize").has_value();
  if (!vo_array(untyped ? "*" : attributes["arraysize"], field)) {
    return fail(Errc::corrupt, "a VOTable with a column of an array whose size is no size: " + field.name);
  }
  in_field_ = true;
  return {};
}

/// Of a column or of a parameter: another column may mean the same by its ID.
void VoTableReader::Impl::values(const Attributes& attributes) {
  const std::string_view null = attributes["null"];
  const std::string_view id = attributes["ID"];
  // One more than there may be columns tells show_table() that not all are known.
  if (!null.empty() && !id.empty() && nulls_.size() <= limits_.fields)
    nulls_.try_emplace(std::string(id), null);
  if (!in_field_) return;
  if (!null.empty()) table_.fields.back().null = null;
  if (const std::string_view ref = attributes["ref"]; !ref.empty()) {
    null_refs_.resize(table_.fields.size());
    null_refs_.back() = ref;
  }
}

Result<void> VoTableReader::Impl::start_in_table(std::string_view name, const Attributes& attributes) {
  if (name == "TD" && data_ == Data::text) {
    if (attributes.get("encoding").has_value()) {
      return fail(Errc::unsupported, "a VOTable with cells that are encoded");
    }
    cell_begin_ = cells_.text.size();
    text_ = Text::cell;
    return {};
  }
  if (name == "TR" && data_ == Data::text) {
    cells_.clear();
    return {};
  }
  if (name == "FIELD") return field(attributes);
  if (name == "DESCRIPTION" && in_field_) {
    text_ = Text::description;
    return {};
  }
  if (name == "TABLEDATA") {
    data_ = Data::text;
    return show_table();
  }
  if (name == "BINARY" || name == "BINARY2") return open_binary(name == "BINARY2");
  if (name == "FITS") return fail(Errc::unsupported, "a VOTable with a FITS file inside");
  if (name == "STREAM" && data_ == Data::binary) return open_stream(attributes);
  return {};
}

Result<void> VoTableReader::Impl::end_in_table(std::string_view name) {
  if (name == "TD" && text_ == Text::cell) {
    text_ = Text::nowhere;
    if (cells_.size() == table_.fields.size())
      return fail(Errc::corrupt, "a VOTable with a row of too many cells");
    cells_.end_cell(cell_begin_);
    return {};
  }
  if (name == "TR" && data_ == Data::text) return show_row();
  if (name == "FIELD") in_field_ = false;
  if (name == "DESCRIPTION" && text_ == Text::description) {
    text_ = Text::nowhere;
    put_on_one_line(table_.fields.back().description);
    return {};
  }
  if (name == "STREAM" && text_ == Text::stream) return close_stream();
  if (name == "TABLEDATA" || name == "BINARY" || name == "BINARY2") data_ = Data::none;
  if (name == "TABLE") {
    in_table_ = false;
    return show_table();
  }
  return {};
}

Result<void> VoTableReader::Impl::show_table() {
  if (std::exchange(shown_, true)) return {};
  // Not before: the VALUES that a column means may stand in a later one.
  for (std::size_t i = 0; i < null_refs_.size(); ++i) {
    if (table_.fields[i].null || null_refs_[i].empty()) continue;
    if (const auto known = nulls_.find(null_refs_[i]); known != nulls_.end()) {
      table_.fields[i].null = known->second;
    } else if (nulls_.size() > limits_.fields) {
      return fail(Errc::too_large, "a VOTable with too many VALUES");
    }
  }
  return handler_.table(table_);
}

Result<void> VoTableReader::Impl::show_row() {
  if (cells_.size() != table_.fields.size()) {
    return fail(Errc::corrupt, "a VOTable with a row of " + std::to_string(cells_.size()) + " cells for " +
                                   std::to_string(table_.fields.size()) + " columns");
  }
  ++outcome_.rows;
  return handler_.row(cells_.row(table_.fields));
}

Result<void> VoTableReader::Impl::open_binary(bool with_null_flags) {
  auto rows = VoBinaryRows::make(table_.fields, with_null_flags, limits_.row);
  if (!rows) return tl::unexpected(rows.error());
  rows_.emplace(std::move(*rows));
  data_ = Data::binary;
  return show_table();
}

Result<void> VoTableReader::Impl::open_stream(const Attributes& attributes) {
  if (attributes.get("href").has_value())
    return fail(Errc::unsupported, "a VOTable whose data lie elsewhere");
  const std::string_view encoding = attributes.get("encoding").value_or("base64");
  if (encoding != "base64") {
    return fail(Errc::unsupported,
                "a VOTable whose data are encoded as " + std::string(encoding.substr(0, 40)));
  }
  base64_ = {};
  text_ = Text::stream;
  return {};
}

Result<void> VoTableReader::Impl::decode() {
  auto fed = base64_.feed(encoded_, rows_->bytes);
  encoded_.clear();
  if (!fed) return fed;
  while (true) {
    const auto got = rows_->next(cells_);
    if (!got) return tl::unexpected(got.error());
    if (!*got) break;
    if (auto shown = show_row(); !shown) return shown;
  }
  rows_->compact();
  return {};
}

Result<void> VoTableReader::Impl::close_stream() {
  text_ = Text::nowhere;
  if (auto decoded = decode(); !decoded) return decoded;
  if (auto whole = base64_.finish(); !whole) return whole;
  return rows_->finish();
}

VoTableReader::VoTableReader(VoTableHandler& handler, VoTableLimits limits)
    : impl_(std::make_unique<Impl>(handler, limits)) {}
VoTableReader::~VoTableReader() = default;

Result<void> VoTableReader::feed(std::string_view piece) {
  return impl_->feed(piece);
}
Result<VoOutcome> VoTableReader::finish() {
  return impl_->finish();
}

Result<VoOutcome> read_votable(std::string_view xml, VoTableHandler& handler, VoTableLimits limits) {
  VoTableReader reader(handler, limits);
  if (auto fed = reader.feed(xml); !fed) return tl::unexpected(fed.error());
  return reader.finish();
}

}  // namespace astrofs
