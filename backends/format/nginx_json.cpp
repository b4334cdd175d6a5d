#include "backends/format/nginx_json.h"

#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>

#include "backends/format/dates.h"
#include "backends/url.h"

namespace astrofs {
namespace {

constexpr std::size_t kLargestList = 64ULL << 20;  // of the fetcher's listing bodies
constexpr unsigned kDeepest = 8;       // a list of objects is 2 deep; more room for what nginx may add
constexpr unsigned kStandIn = 0xF700;  // a private code point stands in for a raw byte, see below

/// nginx writes the bytes of a name as they are, which need not be UTF-8, and a JSON parser refuses the whole
/// list then. So bytes above 0x7F travel as private code points (three bytes of UTF-8) and are turned back
/// afterwards.
std::string carry_bytes(std::string_view json) {
  std::string out;
  out.reserve(json.size() + json.size() / 16);
  for (const char c : json) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
      continue;
    }
    const unsigned point = kStandIn + byte;
    out += static_cast<char>(0xE0U | (point >> 12U));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (point & 0x3FU));
  }
  return out;
}

std::string raw_bytes(const std::string& carried) {
  std::string out;
  out.reserve(carried.size());
  for (std::size_t i = 0; i < carried.size(); ++i) {
    const auto at = [&](std::size_t k) { return static_cast<unsigned char>(carried[k]); };
    if (i + 2 < carried.size() && at(i) == 0xEF && (at(i + 1) == 0x9E || at(i + 1) == 0x9F)) {
      // U+F780 to U+F7FF are EF 9E 80 to EF 9F BF; the low byte of the code point is the raw byte.
      out += static_cast<char>(((at(i + 1) & 3U) << 6U) | (at(i + 2) & 0x3FU));
      i += 2;
    } else {
      out += carried[i];
    }
  }
  return out;
}

/// Reads the list as it streams by: no tree is built, so depth and memory stay small.
class ListReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit ListReader(NginxListing& out) : out_(out) {}

  bool start_array(std::size_t) override { return depth_ == 0 ? open() : open() && depth_ != 2; }
  bool end_array() override { return close(); }
  bool start_object(std::size_t) override {
    if (depth_ == 0) return false;  // an object at the root is an answer, but not a list
    if (depth_ == 1) fields_ = Fields{};
    key_.clear();
    return open();
  }
  bool end_object() override {
    if (depth_ == 2) finish();
    return close();
  }
  bool key(string_t& value) override {
    key_ = depth_ == 2 ? value : std::string();
    return true;
  }
  bool string(string_t& value) override {
    if (key_ == "name") {
      fields_.name = raw_bytes(value);
    } else if (key_ == "type") {
      fields_.type = value;
    } else if (key_ == "mtime") {
      fields_.mtime = parse_http_date(value).value_or(SysSeconds{});
    }
    return in_list();
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (key_ == "size") fields_.size = value;
    return in_list();
  }
  bool null() override { return in_list(); }
  bool boolean(bool) override { return in_list(); }
  bool number_integer(number_integer_t) override { return in_list(); }
  bool number_float(number_float_t, const string_t&) override { return in_list(); }
  bool binary(binary_t&) override { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  [[nodiscard]] bool too_deep() const { return too_deep_; }

 private:
  struct Fields {
    std::string name, type;
    SysSeconds mtime{};
    std::optional<std::uint64_t> size;
  };

  /// A bare value where an entry belongs is no such list.
  [[nodiscard]] bool in_list() const { return depth_ >= 2; }
  bool open() {
    too_deep_ = ++depth_ > kDeepest;
    return !too_deep_;
  }
  bool close() {
    --depth_;
    key_.clear();
    return true;
  }
  void finish() {
    const bool directory = fields_.type == "directory";
    if (!directory && fields_.type != "file") return;
    const std::string& name = fields_.name;
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      ++out_.dropped;
      return;
    }
    Entry entry;
    entry.name = name;
    entry.kind = directory ? EntryKind::directory : EntryKind::file;
    entry.mtime = fields_.mtime;
    entry.locator = url::encode_component(name) + (directory ? "/" : "");
    if (!directory) entry.size = fields_.size;
    const auto [at, fresh] = seen_.try_emplace(name, out_.entries.size());
    if (fresh) {
      out_.entries.push_back(std::move(entry));
    } else if (directory && out_.entries[at->second].kind == EntryKind::file) {
      out_.entries[at->second] = std::move(entry);  // the first wins, a directory beats a file
    }
  }

  NginxListing& out_;
  Fields fields_;
  std::string key_;
  unsigned depth_{0};
  bool too_deep_{false};
  std::unordered_map<std::string, std::size_t> seen_;
};

}  // namespace

Result<NginxListing> parse_nginx_json(std::string_view json) {
  if (json.size() > kLargestList) return fail(Errc::too_large, "a directory list of more than 64 MiB");
  NginxListing listing;
  ListReader reader(listing);
  if (nlohmann::json::sax_parse(carry_bytes(json), &reader)) return listing;
  if (reader.too_deep()) return fail(Errc::too_large, "a directory list that is nested too deep");
  return fail(Errc::corrupt, "not a directory list of nginx in JSON, or only a part of one");
}

}  // namespace astrofs
