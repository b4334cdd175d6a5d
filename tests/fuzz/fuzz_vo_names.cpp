// Addresses, locators and names that services of the Virtual Observatory and users write: what is shown can
// be shown, a locator says the same twice, nothing leaves its directory.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "backends/datalink.h"
#include "backends/http/answer_check.h"
#include "backends/obstap_place.h"
#include "backends/obstap_query.h"
#include "backends/product_name.h"
#include "backends/sia2.h"
#include "backends/url.h"
#include "base/file_name.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_component(const std::string& name) {
  return name.find('/') == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace astrofs;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string name = product_name::in_address(text);
  check(is_component(name));
  check(is_component(http::disposition_name(text)));
  const std::string made = product_name::made_of(text, text, text);
  check(!made.empty() && is_component(made));
  for (const std::string& one : {name, made, std::string(text)}) {
    if (one.empty() || one.find('\0') != std::string::npos) continue;
    check(encode_file_name(product_name::shortened(one, "12345678")).has_value());
    check(encode_file_name(product_name::tagged(one, "12345678")).has_value());
  }
  if (const auto place = obstap::to_place(text)) check(obstap::to_place(obstap::to_locator(*place)) == place);
  using obstap::Kind;
  for (const Kind kind : {Kind::text, Kind::number, Kind::single, Kind::boolean, Kind::time}) {
    const auto value = obstap::value_of_name(text, kind);
    if (!value) continue;
    check(obstap::name_of_value(*value) == text);
    obstap::Place place;
    place.levels.push_back(*value);
    check(obstap::to_place(obstap::to_locator(place)) == place);
  }
  static_cast<void>(obstap::parse_tree(text));
  static_cast<void>(sia2::circle_in(text));
  static_cast<void>(sia2::check_parameters(text));
  const auto folder = datalink::folder_of(text);
  check(!folder || is_component(*folder));
  const std::string sent = url::repair(text);
  check(url::repair(sent) == sent);
  return 0;
}
