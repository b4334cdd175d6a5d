// TargetList: whatever the text and however it is cut, the same targets.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "backends/format/healpix.h"
#include "backends/format/target_list.h"

namespace {

struct Read {
  bool good{true};
  std::vector<astrofs::hlsp::Target> targets;
};

Read read(std::string_view text, std::size_t piece) {
  Read out;
  astrofs::hlsp::TargetList list;
  const auto keep = [&out](const astrofs::hlsp::Target& target) { out.targets.push_back(target); };
  for (; out.good && !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    out.good = list.feed(text.substr(0, piece), keep).has_value();
  out.good = out.good && list.finish(keep).has_value();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Read whole = read(text, size + 1);
  for (const std::size_t piece : {1U, 5U}) {
    const Read cut = read(text, piece);
    if (cut.good != whole.good || (cut.good && cut.targets.size() != whole.targets.size())) std::abort();
  }
  for (const astrofs::hlsp::Target& target : whole.targets) {
    const auto pixel = astrofs::healpix::nested_pixel(target.ra, target.dec);
    if (pixel && *pixel >= astrofs::healpix::kPixels) std::abort();
  }
  return 0;
}
