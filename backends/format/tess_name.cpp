#include "backends/format/tess_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

namespace astrofs::tess {
namespace {

/// Matches a name from its front; once something does not fit, all later answers are without meaning and ok()
/// is false.
class Matcher {
 public:
  explicit Matcher(std::string_view text) : text_(text) {}
  unsigned digits(std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value * 10 + static_cast<unsigned>(one_of("0123456789") - '0');
    return value;
  }
  char one_of(std::string_view allowed) {
    if (text_.empty() || allowed.find(text_.front()) == std::string_view::npos) {
      ok_ = false;
      return '0';
    }
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  void literal(std::string_view expected) {
    ok_ = ok_ && text_.starts_with(expected);
    if (ok_) text_.remove_prefix(expected.size());
  }
  [[nodiscard]] bool matched() const { return ok_ && text_.empty(); }

 private:
  std::string_view text_;
  bool ok_{true};
};

std::chrono::sys_days first_day(unsigned year) {
  return std::chrono::sys_days(std::chrono::year(static_cast<int>(year)) / std::chrono::January / 1);
}

bool exists(const FfiName& name) {
  const auto days = (first_day(name.year + 1) - first_day(name.year)).count();
  return name.doy >= 1 && name.doy <= static_cast<unsigned>(days) && name.hour < 24 && name.minute < 60 &&
         name.second < 60;
}

bool same_chip(const FfiName& a, const FfiName& b) {
  return a.sector == b.sector && a.camera == b.camera && a.ccd == b.ccd && a.kind == b.kind;
}

struct Frame {
  std::size_t entry;
  FfiName name;
  SysSeconds stamp;
};

bool chip_then_time(const Frame& a, const Frame& b) {
  const auto key = [](const Frame& f) {
    return std::tuple(f.name.sector, f.name.camera, f.name.ccd, f.name.kind, f.stamp, f.entry);
  };
  return key(a) < key(b);
}

}  // namespace

SysSeconds FfiName::stamp() const {
  return SysSeconds(first_day(year)) + std::chrono::days(doy - 1) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

FfiName FfiName::at(SysSeconds stamp) const {
  const auto day = std::chrono::floor<std::chrono::days>(stamp);
  const std::chrono::hh_mm_ss time(stamp - day);
  FfiName moved = *this;
  moved.year = static_cast<unsigned>(static_cast<int>(std::chrono::year_month_day(day).year()));
  moved.doy = static_cast<unsigned>((day - first_day(moved.year)).count()) + 1;
  moved.hour = static_cast<unsigned>(time.hours().count());
  moved.minute = static_cast<unsigned>(time.minutes().count());
  moved.second = static_cast<unsigned>(time.seconds().count());
  return moved;
}

std::string FfiName::text() const {
  return fmt::format("tess{:04}{:03}{:02}{:02}{:02}-s{:04}-{}-{}-{:04}-{}_ffi{}.fits", year, doy, hour,
                     minute, second, sector, camera, ccd, scid, cr, static_cast<char>(kind));
}

std::string FfiName::path() const {
  return fmt::format("ffi/s{:04}/{:04}/{:03}/{}-{}/{}", sector, year, doy, camera, ccd, text());
}

std::optional<FfiName> parse_ffi_name(std::string_view name) {
  Matcher in(name);
  FfiName out;
  in.literal("tess");
  out.year = in.digits(4);
  out.doy = in.digits(3);
  out.hour = in.digits(2);
  out.minute = in.digits(2);
  out.second = in.digits(2);
  in.literal("-s");
  out.sector = in.digits(4);
  in.literal("-");
  out.camera = static_cast<unsigned>(in.one_of("1234") - '0');
  in.literal("-");
  out.ccd = static_cast<unsigned>(in.one_of("1234") - '0');
  in.literal("-");
  out.scid = in.digits(4);
  in.literal("-");
  out.cr = in.one_of("xsab");
  in.literal("_ffi");
  out.kind = static_cast<FfiKind>(in.one_of("cr"));
  in.literal(".fits");
  if (!in.matched() || !exists(out)) return std::nullopt;
  return out;
}

std::string ffi_path(std::string_view name) {
  const auto parsed = parse_ffi_name(name);
  return parsed ? parsed->path() : std::string();
}

std::vector<std::string> shifted_names(std::string_view name, unsigned seconds) {
  const auto parsed = parse_ffi_name(name);
  std::vector<std::string> names;
  if (!parsed) return names;
  for (unsigned shift = 1; shift <= seconds; ++shift) {
    // Earlier first: both reprocessings moved stamps back.
    names.push_back(parsed->at(parsed->stamp() - std::chrono::seconds(shift)).text());
    names.push_back(parsed->at(parsed->stamp() + std::chrono::seconds(shift)).text());
  }
  return names;
}

std::vector<Entry> collapse_doubles(std::vector<Entry> entries) {
  std::vector<Frame> frames;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (const auto name = parse_ffi_name(entries[i].name)) frames.push_back({i, *name, name->stamp()});
  }
  std::sort(frames.begin(), frames.end(), chip_then_time);
  std::vector<bool> gone(entries.size(), false);
  constexpr std::chrono::seconds kSameExposure{2};
  std::size_t kept = 0;   // index into frames: the one that later doubles are held against
  std::size_t group = 0;  // the earliest of its exposure
  for (std::size_t i = 1; i < frames.size(); ++i) {
    const auto apart = frames[i].stamp - frames[group].stamp;
    if (!same_chip(frames[i].name, frames[group].name) || apart > kSameExposure) {
      kept = group = i;
      continue;
    }
    // The same second with another configuration is not known to be a double: both stay.
    if (frames[i].stamp == frames[kept].stamp) continue;
    const bool later = entries[frames[i].entry].mtime > entries[frames[kept].entry].mtime;
    gone[frames[later ? kept : i].entry] = true;
    if (later) kept = i;
  }
  std::vector<Entry> left;
  left.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!gone[i]) left.push_back(std::move(entries[i]));
  }
  return left;
}

}  // namespace astrofs::tess
