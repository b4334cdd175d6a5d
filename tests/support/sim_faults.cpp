#include "tests/support/sim_faults.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace astrofs::sim {
namespace {

/// Which requests a kind is about, so that `times` counts only those it can spoil.
enum class About : unsigned char { any, body, ranged, head, connection, collection };

struct KindRow {
  Kind kind;
  std::string_view name;
  About about;
};

constexpr std::array<KindRow, 44> kKinds{{
    {Kind::latency, "latency", About::any},
    {Kind::slow_headers, "slow_headers", About::any},
    {Kind::bandwidth, "bandwidth", About::body},
    {Kind::drip, "drip", About::body},
    {Kind::stall_after, "stall_after", About::body},
    {Kind::silent, "silent", About::any},
    {Kind::refuse, "refuse", About::connection},
    {Kind::reset_after, "reset_after", About::body},
    {Kind::close_early, "close_early", About::body},
    {Kind::close_idle, "close_idle", About::any},
    {Kind::length_short, "length_short", About::body},
    {Kind::length_long, "length_long", About::body},
    {Kind::unframed_short, "unframed_short", About::body},
    {Kind::unframed, "unframed", About::any},
    {Kind::chunked, "chunked", About::any},
    {Kind::chunked_endless, "chunked_endless", About::body},
    {Kind::range_shifted, "range_shifted", About::ranged},
    {Kind::range_header_shifted, "range_header_shifted", About::ranged},
    {Kind::range_data_shifted, "range_data_shifted", About::ranged},
    {Kind::range_other_total, "range_other_total", About::ranged},
    {Kind::range_no_header, "range_no_header", About::ranged},
    {Kind::range_multipart, "range_multipart", About::ranged},
    {Kind::range_ignored, "range_ignored", About::ranged},
    {Kind::range_partial_200, "range_partial_200", About::ranged},
    {Kind::range_refused, "range_refused", About::ranged},
    {Kind::status, "status", About::any},
    {Kind::redirect, "redirect", About::any},
    {Kind::new_version, "new_version", About::any},
    {Kind::silent_change, "silent_change", About::any},
    {Kind::flip_bit, "flip_bit", About::body},
    {Kind::gzip, "gzip", About::body},
    {Kind::gzip_bomb, "gzip_bomb", About::body},
    {Kind::head_delta, "head_delta", About::head},
    {Kind::head_refused, "head_refused", About::head},
    {Kind::login_page, "login_page", About::any},
    {Kind::empty, "empty", About::any},
    {Kind::body, "body", About::any},
    {Kind::huge_header, "huge_header", About::any},
    {Kind::many_headers, "many_headers", About::any},
    {Kind::garbage_status, "garbage_status", About::any},
    {Kind::http09, "http09", About::any},
    {Kind::junk_after, "junk_after", About::any},
    {Kind::sick_connection, "sick_connection", About::collection},
    {Kind::token_repeats, "token_repeats", About::body},
}};

About about_of(Kind kind) {
  return std::ranges::find(kKinds, kind, &KindRow::kind)->about;
}

bool concerns(const Fault& fault, const FaultCause& cause) {
  if (!fault.method.empty() && fault.method != cause.method) return false;
  switch (about_of(fault.kind)) {
    case About::any:
      break;
    case About::connection:
      return false;
    case About::collection:
      if (!cause.path.starts_with("/https/")) return false;
      break;
    case About::head:
      if (cause.method != "HEAD") return false;
      break;
    case About::body:
      if (cause.method == "HEAD") return false;
      break;
    case About::ranged:
      if (cause.method == "HEAD" || !cause.ranged) return false;
  }
  return ::fnmatch(fault.path.c_str(), std::string(cause.path).c_str(), 0) == 0 ||
         ::fnmatch(fault.path.c_str(), std::string(cause.target).c_str(), 0) == 0;
}

}  // namespace

std::string_view name_of(Kind kind) {
  return std::ranges::find(kKinds, kind, &KindRow::kind)->name;
}

std::optional<Kind> kind_of(std::string_view name) {
  const auto* const found = std::ranges::find(kKinds, name, &KindRow::name);
  if (found == kKinds.end()) return std::nullopt;
  return found->kind;
}

bool FaultTable::Slot::strikes_now() {
  const int past_skip = seen++ - fault.skip;
  if (past_skip < 0 || past_skip % fault.every != fault.every - 1) return false;
  if (fault.times != kForever && struck >= fault.times) return false;
  ++struck;
  return true;
}

bool FaultTable::Slot::strikes(const FaultCause& cause) {
  if (fault.kind != Kind::sick_connection) return strikes_now();
  const auto known = connections.find(cause.connection);
  if (known != connections.end()) return known->second;
  return connections[cause.connection] = strikes_now();
}

int FaultTable::add(Fault fault) {
  const MutexLock lock(mutex_);
  fault.every = std::max(fault.every, 1);
  slots_.push_back({.id = ++last_id_, .fault = std::move(fault)});
  return last_id_;
}

void FaultTable::remove(int id) {
  const MutexLock lock(mutex_);
  std::erase_if(slots_, [id](const Slot& slot) { return slot.id == id; });
}

void FaultTable::clear() {
  const MutexLock lock(mutex_);
  slots_.clear();
}

std::vector<Fault> FaultTable::strike(const FaultCause& cause) {
  const MutexLock lock(mutex_);
  std::vector<Fault> faults;
  for (Slot& slot : slots_) {
    if (concerns(slot.fault, cause) && slot.strikes(cause)) faults.push_back(slot.fault);
  }
  return faults;
}

bool FaultTable::refuses() {
  const MutexLock lock(mutex_);
  bool refused = false;
  for (Slot& slot : slots_) {
    if (slot.fault.kind == Kind::refuse && slot.strikes_now()) refused = true;
  }
  return refused;
}

int FaultTable::struck(int id) const {
  const MutexLock lock(mutex_);
  const auto found = std::ranges::find(slots_, id, &Slot::id);
  return found == slots_.end() ? 0 : found->struck;
}

}  // namespace astrofs::sim
