#include "backends/format/vosi.h"

#include <algorithm>
#include <utility>

#include "backends/format/xml_reader.h"

namespace astrofs::vosi {
namespace {

/// Those of a service with hundreds of functions have some 100 kB.
constexpr XmlLimits kLimits{.total = 16ULL << 20, .depth = 32, .text = 1ULL << 20};
/// Of one document, and methods of one interface: a registry of services has some dozens.
constexpr std::size_t kMostInterfaces = 10'000;
constexpr std::size_t kMostMethods = 64;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string standard_in(std::span<const XmlAttribute> attributes) {
  const auto found = std::ranges::find(attributes, std::string_view("standardID"), &XmlAttribute::name);
  return found == attributes.end() ? std::string() : std::string(trimmed(found->value));
}

class Reader final : public XmlHandler {
 public:
  Result<void> start_element(std::string_view name, std::span<const XmlAttribute> attributes) override {
    ++depth_;
    text_.clear();
    if (depth_ == 1 && name != "capabilities") return fail(Errc::corrupt, "no document of capabilities");
    if (depth_ == 2 && name == "capability") {
      standard_ = standard_in(attributes);
    } else if (depth_ == 3 && name == "interface") {
      if (interfaces.size() >= kMostInterfaces) return fail(Errc::too_large, "a service without end");
      interfaces.push_back({standard_, {}, {}});
      in_interface_ = true;
    } else if (depth_ == 4 && in_interface_ && name == "securityMethod") {
      auto& methods = interfaces.back().methods;
      if (methods.size() < kMostMethods) methods.push_back(standard_in(attributes));
    }
    return {};
  }
  Result<void> text(std::string_view text) override {
    text_ += text;
    return {};
  }
  Result<void> end_element(std::string_view name) override {
    if (depth_ == 4 && in_interface_ && name == "accessURL" && interfaces.back().url.empty())
      interfaces.back().url = trimmed(text_);  // the first: others are mirrors
    if (depth_ == 3) in_interface_ = false;
    if (depth_ == 2) standard_.clear();
    --depth_;
    text_.clear();
    return {};
  }

  std::vector<Interface> interfaces;

 private:
  unsigned depth_{0};
  bool in_interface_{false};
  std::string standard_, text_;
};

}  // namespace

Result<std::vector<Interface>> parse_capabilities(std::string_view xml) {
  Reader reader;
  if (auto read = read_xml(xml, reader, kLimits); !read) return tl::unexpected<Error>(read.error());
  return std::move(reader.interfaces);
}

std::string_view method_name(std::string_view standard_id) {
  const std::size_t hash = standard_id.rfind('#');
  return hash == std::string_view::npos || hash + 1 == standard_id.size() ? standard_id
                                                                          : standard_id.substr(hash + 1);
}

}  // namespace astrofs::vosi
