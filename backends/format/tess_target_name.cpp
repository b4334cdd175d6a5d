#include "backends/format/tess_target_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace astrofs::tess {
namespace {

constexpr std::size_t kStampDigits = 13;  // year, day of year, hours, minutes, seconds
constexpr std::size_t kSectorDigits = 4;
constexpr std::size_t kTicDigits = 16;

/// Takes a name apart from its front; once something does not fit, nothing does.
class Reader {
 public:
  explicit Reader(std::string_view name) : rest_(name) {}

  void word(std::string_view text) {
    good_ = good_ && rest_.starts_with(text);
    if (good_) rest_.remove_prefix(text.size());
  }
  std::uint64_t number(std::size_t digits) {
    std::uint64_t value = 0;
    good_ = good_ && rest_.size() >= digits &&
            std::all_of(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(digits),
                        [](char c) { return c >= '0' && c <= '9'; });
    if (!good_) return 0;
    std::from_chars(rest_.data(), rest_.data() + digits, value);
    rest_.remove_prefix(digits);
    return value;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool good_{true};
};

/// Behind the number of the target of one sector.
std::optional<TargetKind> product_kind(std::string_view ending) {
  constexpr std::size_t kConfiguration = std::string_view("-0124-").size();
  Reader reader(ending);
  reader.word("-");
  reader.number(4);
  reader.word("-");
  if (!reader.good()) return std::nullopt;
  ending.remove_prefix(kConfiguration);
  if (ending == "a_fast-lc.fits") return TargetKind::fast_light_curve;
  if (ending == "a_fast-tp.fits") return TargetKind::fast_pixels;
  // How cosmic rays were removed: x not, s in the spacecraft, a on ground, b both.
  if (ending.empty() || std::string_view("xsab").find(ending.front()) == std::string_view::npos)
    return std::nullopt;
  ending.remove_prefix(1);
  if (ending == "_lc.fits") return TargetKind::light_curve;
  if (ending == "_tp.fits") return TargetKind::pixels;
  return std::nullopt;
}

/// "-01-00205_dvs.pdf", "-00205_dvt.fits": numbers between '-', then a known ending.
bool is_validation(std::string_view ending) {
  const std::size_t bar = ending.find('_');
  if (bar == std::string_view::npos) return false;
  constexpr std::array<std::string_view, 5> kEndings{"_dvt.fits", "_dvr.xml", "_dvr.pdf", "_dvs.pdf",
                                                     "_dvm.pdf"};
  if (std::find(kEndings.begin(), kEndings.end(), ending.substr(bar)) == kEndings.end()) return false;
  std::string_view numbers = ending.substr(0, bar);
  unsigned count = 0;
  while (numbers.starts_with('-')) {
    numbers.remove_prefix(1);
    const std::size_t digits = std::min(numbers.find('-'), numbers.size());
    if (digits == 0 || !std::all_of(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(digits),
                                    [](char c) { return c >= '0' && c <= '9'; }))
      return false;
    numbers.remove_prefix(digits);
    ++count;
  }
  return numbers.empty() && (count == 1 || count == 2);
}

}  // namespace

std::optional<TargetName> parse_target_name(std::string_view name) {
  Reader reader(name);
  TargetName target;
  reader.word("tess");
  reader.number(kStampDigits);
  reader.word("-s");
  target.first_sector = target.last_sector = static_cast<unsigned>(reader.number(kSectorDigits));
  const bool validated = reader.good() && reader.rest().starts_with("-s");
  reader.word(validated ? "-s" : "-");
  if (validated) {
    target.last_sector = static_cast<unsigned>(reader.number(kSectorDigits));
    reader.word("-");
    target.kind = TargetKind::validation;
  }
  target.tic = reader.number(kTicDigits);
  if (!reader.good() || target.first_sector == 0 || target.last_sector < target.first_sector ||
      target.tic == 0)
    return std::nullopt;
  if (validated) return is_validation(reader.rest()) ? std::optional(target) : std::nullopt;
  const auto kind = product_kind(reader.rest());
  if (!kind) return std::nullopt;
  target.kind = *kind;
  return target;
}

std::vector<std::pair<unsigned, unsigned>> multi_sector_scripts(std::string_view page) {
  constexpr std::string_view kScript = "tesscurl_multisector_s";
  std::vector<std::pair<unsigned, unsigned>> runs;
  for (auto at = page.find(kScript); at != std::string_view::npos; at = page.find(kScript)) {
    page.remove_prefix(at + kScript.size());
    Reader reader(page);
    const auto first = static_cast<unsigned>(reader.number(kSectorDigits));
    reader.word("-s");
    const auto last = static_cast<unsigned>(reader.number(kSectorDigits));
    reader.word("_dv.sh");
    if (reader.good() && first > 0 && last > first) runs.emplace_back(first, last);
  }
  std::sort(runs.begin(), runs.end());
  runs.erase(std::unique(runs.begin(), runs.end()), runs.end());
  return runs;
}

std::uint64_t parse_tic(std::string_view text) {
  if (text.empty() || text.size() > kTicDigits || text.front() < '1' || text.front() > '9') return 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::string target_folder(unsigned sector, std::uint64_t tic) {
  constexpr std::uint64_t kGroup = 10'000;
  const std::uint64_t high = tic / kGroup / kGroup;
  return fmt::format("tid/s{:04}/{:04}/{:04}/{:04}/{:04}/", sector, high / kGroup, high % kGroup,
                     tic / kGroup % kGroup, tic % kGroup);
}

std::string target_path(std::string_view name) {
  const auto target = parse_target_name(name);
  if (!target || target->first_sector != target->last_sector) return {};
  return target_folder(target->first_sector, target->tic).append(name);
}

bool is_target_path(std::string_view path) {
  Reader reader(path);
  reader.word("tid/s");
  const auto sector = static_cast<unsigned>(reader.number(kSectorDigits));
  std::uint64_t tic = 0;
  for (int group = 0; group < 4; ++group) {
    reader.word("/");
    tic = tic * 10'000 + reader.number(4);
  }
  reader.word("/");
  const std::string_view name = reader.rest();
  if (!reader.good() || sector == 0 || tic == 0 || name.empty() || name.find('/') != std::string_view::npos)
    return false;
  const auto target = parse_target_name(name);
  return !target || target->tic == tic;
}

}  // namespace astrofs::tess
