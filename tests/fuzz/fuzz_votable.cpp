// VoTableReader: every row has a cell for each column, what is cut in pieces reads the same, errors have a
// text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "backends/format/votable.h"

namespace {

class Checker final : public astrofs::VoTableHandler {
 public:
  std::string said;
  astrofs::Result<void> table(const astrofs::VoTable& table) override {
    if (columns_) std::abort();
    columns_ = table.fields.size();
    for (const auto& field : table.fields) said += field.name + '|';
    return {};
  }
  astrofs::Result<void> row(astrofs::VoRow cells) override {
    if (cells.size() != columns_) std::abort();
    for (const auto& cell : cells) {
      if (cell && cell->empty()) std::abort();
      said += cell.value_or("-");
      said += '|';
    }
    return {};
  }

 private:
  std::optional<std::size_t> columns_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const astrofs::VoTableLimits limits{.total = 1 << 20, .row = 1 << 16, .fields = 200};
  Checker whole;
  const auto outcome = astrofs::read_votable(xml, whole, limits);
  if (!outcome && outcome.error().message.empty()) std::abort();

  Checker cut;
  astrofs::VoTableReader reader(cut, limits);
  const std::size_t step = 1 + size / 7;
  for (std::size_t at = 0; at < size; at += step) {
    if (!reader.feed(xml.substr(at, step))) break;
  }
  const auto again = reader.finish();
  if (outcome.has_value() != again.has_value()) std::abort();
  if (outcome && (whole.said != cut.said || outcome->rows != again->rows ||
                  outcome->message != again->message || outcome->services.size() != again->services.size())) {
    std::abort();
  }
  return 0;
}
