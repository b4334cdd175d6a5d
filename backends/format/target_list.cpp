#include "backends/format/target_list.h"

#include <algorithm>
#include <cctype>

#include "backends/format/numbers.h"

namespace astrofs::hlsp {
namespace {

/// A line has some dozens of letters, a few hundred where a list has further columns.
constexpr std::size_t kLongestLine = 64 * 1024;

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// The next cell of a line, which becomes shorter by it; nullopt behind the last.
std::optional<std::string_view> next_cell(std::optional<std::string_view>& line) {
  if (!line) return std::nullopt;
  const std::size_t comma = line->find(',');
  const std::string_view cell = trimmed(line->substr(0, comma));
  if (comma == std::string_view::npos) {
    line.reset();
  } else {
    line->remove_prefix(comma + 1);
  }
  return cell;
}

}  // namespace

Result<void> TargetList::feed(std::string_view piece, const Visit& visit) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view line = piece.substr(0, end);
    if (partial_.size() + line.size() > kLongestLine)
      return fail(Errc::corrupt, "a target list with a line without end");
    if (end == std::string_view::npos) {
      partial_ += line;
      return {};
    }
    piece.remove_prefix(end + 1);
    Result<void> taken;
    if (partial_.empty()) {
      taken = take(line, visit);
    } else {
      partial_ += line;
      taken = take(partial_, visit);
      partial_.clear();
    }
    if (!taken) return taken;
  }
  return {};
}

Result<void> TargetList::finish(const Visit& visit) {
  if (Result<void> taken = take(partial_, visit); !taken) return taken;
  partial_.clear();
  if (!begun_) return fail(Errc::corrupt, "a target list without a first line");
  return {};
}

Result<void> TargetList::take_head(std::string_view line) {
  std::optional<std::string_view> rest = trimmed(line);
  if (rest->starts_with('#')) rest->remove_prefix(1);
  for (std::size_t column = 0; const auto cell = next_cell(rest); ++column) {
    std::string name(*cell);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (name == "TIC_ID") tic_ = column;
    if (name == "GAIADR3_ID") gaia_ = column;
    if (name == "RA") ra_ = column;
    if (name == "DEC") dec_ = column;
  }
  if (!tic_ || !ra_ || !dec_)
    return fail(Errc::corrupt, "a target list that names no columns TIC_ID, RA and DEC");
  begun_ = true;
  return {};
}

Result<void> TargetList::take(std::string_view line, const Visit& visit) {
  if (trimmed(line).empty()) return {};
  if (!begun_) return take_head(line);
  Target target;
  bool tic = false;
  bool gaia = !gaia_;
  bool ra = false;
  bool dec = false;
  std::optional<std::string_view> rest = line;
  for (std::size_t column = 0; const auto cell = next_cell(rest); ++column) {
    const auto take_number = [&](std::uint64_t& out) {
      const auto number = number_in<std::uint64_t>(*cell);
      out = number.value_or(0);
      return number.has_value();
    };
    const auto take_real = [&](double& out) {
      const auto number = signed_number_in<double>(*cell);
      out = number.value_or(0);
      return number.has_value();
    };
    if (column == tic_) tic = take_number(target.tic);
    if (column == gaia_) gaia = take_number(target.gaia);
    if (column == ra_) ra = take_real(target.ra);
    if (column == dec_) dec = take_real(target.dec);
  }
  // Of a star of Gaia it may be unknown which target it is.
  if ((tic || (gaia_ && gaia)) && gaia && ra && dec) {
    visit(target);
  } else {
    ++dropped_;
  }
  return {};
}

}  // namespace astrofs::hlsp
