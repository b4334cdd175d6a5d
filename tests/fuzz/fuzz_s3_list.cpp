// parse_s3_list and the XML reader under it: whole pages or a cause; a document cut in pieces reads the same.
#include <cstdint>
#include <cstdlib>

#include "backends/format/s3_list.h"
#include "backends/format/xml_reader.h"

namespace {

/// Depth never goes wrong, and no call follows an error.
class Checker final : public astrofs::XmlHandler {
 public:
  std::string said;
  astrofs::Result<void> start_element(std::string_view name,
                                      std::span<const astrofs::XmlAttribute> attributes) override {
    ++depth_;
    said += '<' + std::string(name) + std::to_string(attributes.size());
    return {};
  }
  astrofs::Result<void> text(std::string_view text) override {
    if (text.empty() || depth_ == 0) std::abort();
    said += text;
    return {};
  }
  astrofs::Result<void> end_element(std::string_view) override {
    if (depth_-- == 0) std::abort();
    said += '>';
    return {};
  }

 private:
  unsigned depth_{0};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const auto page = astrofs::parse_s3_list(xml);
  if (page) {
    if (page->is_truncated && page->next_token.empty()) std::abort();
  } else if (page.error().message.empty()) {
    std::abort();
  }
  static_cast<void>(astrofs::parse_s3_error(xml));

  Checker whole;
  Checker cut;
  const bool good = astrofs::read_xml(xml, whole).has_value();
  astrofs::XmlReader reader(cut);
  const std::size_t step = 1 + size / 7;
  for (std::size_t at = 0; at < size; at += step) {
    if (!reader.feed(xml.substr(at, step))) break;
  }
  if (reader.finish().has_value() != good || (good && whole.said != cut.said)) std::abort();
  return 0;
}
