#include "backends/format/hst_name.h"

#include <algorithm>
#include <charconv>

namespace astrofs::hst {
namespace {

constexpr std::size_t kDataSetLetters = 9;
/// COS, WFC3, ACS, NICMOS, STIS, WFPC2, WFPC, FOC, FOS, GHRS, FGS, HSP.
constexpr std::string_view kInstruments = "lijnouwxyzfv";
constexpr std::size_t kMostProposalDigits = 6;  // today's have five
constexpr std::size_t kLongestPath = 400;       // of the catalog's keys; the longest known has 120

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_small(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

}  // namespace

bool is_data_set(std::string_view name) {
  return name.size() == kDataSetLetters && kInstruments.find(name.front()) != std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || is_small(c); });
}

std::string small_letters(std::string_view name) {
  std::string small(name);
  for (char& c : small) c = is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return small;
}

std::string capital_letters(std::string_view name) {
  std::string capital(name);
  for (char& c : capital) c = is_small(c) ? static_cast<char>(c - 'a' + 'A') : c;
  return capital;
}

std::string folder_of(std::string_view data_set) {
  return std::string("public/").append(data_set.substr(0, 4)).append("/").append(data_set).append("/");
}

std::uint32_t parse_proposal(std::string_view name) {
  std::uint32_t number = 0;
  if (name.empty() || name.size() > kMostProposalDigits || name.front() == '0') return 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc{} && end == name.data() + name.size() ? number : 0;
}

bool is_public_path(std::string_view path) {
  constexpr std::string_view kPublic = "public/";
  if (!path.starts_with(kPublic) || path.size() > kLongestPath || path.ends_with('/')) return false;
  char before = '/';
  for (const char c : path) {
    const bool is_plain = is_digit(c) || is_small(c) || is_capital(c);
    // No component is empty or begins with a dot.
    if (!is_plain && (before == '/' || std::string_view("-._/").find(c) == std::string_view::npos))
      return false;
    before = c;
  }
  return true;
}

}  // namespace astrofs::hst
