#include "backends/format/html_index.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "backends/format/dates.h"
#include "backends/format/html_links.h"
#include "backends/format/percent.h"
#include "backends/url.h"

namespace astrofs {
namespace {

constexpr std::size_t kDeepestPath =
    256;  // components of a link; deeper ones are no children of a page we would read

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// Of a few: find_first_of looks through all of them at each byte.
bool has_any_of(std::string_view text, std::string_view signs) {
  return std::ranges::any_of(signs, [text](char sign) { return text.find(sign) != std::string_view::npos; });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\f") - first + 1);
}

/// "http" of "http://x", "javascript" of "javascript:f()"; "" when the reference is relative.
std::string scheme_of(std::string_view reference) {
  const auto end = reference.find_first_of(":/");
  if (end == std::string_view::npos || end == 0 || reference[end] != ':') return {};
  return lower_case(reference.substr(0, end));
}

/// Host and port of "//host:port/...", lower case, the scheme's own port left out; removes them from `rest`.
std::string take_authority(std::string_view& rest, std::string_view scheme) {
  rest.remove_prefix(2);
  const auto end = std::min(rest.find('/'), rest.size());
  std::string authority = lower_case(rest.substr(0, end));
  rest.remove_prefix(end);
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(port)) authority.resize(authority.size() - port.size());
  return authority;
}

struct Path {
  std::vector<std::string> components;  ///< as written, dot segments resolved
  bool directory{false};                ///< written with a slash at the end
  bool usable{true};                    ///< false: an empty component, or too deep
};

/// Goes on from where `path` is. `text` without leading slash.
void walk(Path& path, std::string_view text) {
  while (true) {
    const auto slash = text.find('/');
    const bool last = slash == std::string_view::npos;
    const std::string_view part = text.substr(0, slash);
    path.directory = last && (part.empty() || part == "." || part == "..");
    if (part == "..") {
      if (!path.components.empty()) path.components.pop_back();
    } else if (part.empty()) {
      path.usable = path.usable && last;
    } else if (part != ".") {
      path.usable = path.usable && path.components.size() < kDeepestPath;
      if (!path.usable) return;
      path.components.emplace_back(part);
    }
    if (last) return;
    text.remove_prefix(slash + 1);
  }
}

bool same_component(const std::string& a, const std::string& b) {
  return a == b || url::decode(a) == url::decode(b);
}

bool is_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

/// Where the page is, and what a link on it means.
class Page {
 public:
  enum class Kind : unsigned char { child, parent, other };

  static Result<Page> at(std::string_view page_url) {
    Page page;
    page_url = page_url.substr(0, page_url.find_first_of("?#"));
    page.scheme_ = scheme_of(page_url);
    std::string_view rest = page_url.substr(std::min(page.scheme_.size() + 1, page_url.size()));
    if ((page.scheme_ != "http" && page.scheme_ != "https") || !rest.starts_with("//")) {
      return fail(Errc::invalid, "a directory page needs the URL it came from");
    }
    page.authority_ = take_authority(rest, page.scheme_);
    // Relative links count from the last slash: "http://h/data" is the page of "/".
    rest = rest.substr(0, rest.rfind('/') + 1);
    if (!rest.empty()) walk(page.base_, rest.substr(1));
    if (!page.base_.usable) return fail(Errc::invalid, "the URL of a directory page has an empty component");
    return page;
  }

  /// For a child, `component` is its part of the path as written and `directory` how it ended.
  Kind classify(std::string_view href, std::string& component, bool& directory) const {
    // Most links of most pages.
    if (is_name(href) && !has_any_of(href, "?#:")) {
      component = href;
      directory = false;
      return Kind::child;
    }
    Path path;
    if (href.empty() || has_any_of(href, "?#") || !resolve(href, path)) return Kind::other;
    if (!path.usable) return Kind::other;
    const auto& base = base_.components;
    const std::size_t common = std::min(base.size(), path.components.size());
    for (std::size_t i = 0; i < common; ++i) {
      if (!same_component(base[i], path.components[i])) return Kind::other;
    }
    if (path.components.size() + 1 == base.size()) return Kind::parent;
    if (path.components.size() != base.size() + 1) return Kind::other;
    component = std::move(path.components.back());
    directory = path.directory;
    return Kind::child;
  }

 private:
  bool resolve(std::string_view href, Path& path) const {
    const std::string scheme = scheme_of(href);
    if (!scheme.empty()) {
      href.remove_prefix(scheme.size() + 1);
      if (scheme != scheme_ || !href.starts_with("//")) return false;
    }
    if (href.starts_with("//")) {
      if (take_authority(href, scheme_) != authority_) return false;
      if (href.empty()) href = "/";
    }
    if (href.starts_with('/')) {
      href.remove_prefix(1);
    } else {
      path.components = base_.components;
    }
    walk(path, href);
    return true;
  }

  std::string scheme_, authority_;
  Path base_;
};

std::vector<std::string_view> first_words(std::string_view text, std::size_t count) {
  std::vector<std::string_view> words;
  constexpr std::string_view kSpace = " \t\r\n\f";
  while (words.size() < count) {
    const auto first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) break;
    text.remove_prefix(first);
    const auto end = std::min(text.find_first_of(kSpace), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

std::optional<std::uint64_t> exact_size(std::string_view word) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), size);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return size;
}

/// Of a size that is not in bytes, and so is rounded.
bool is_larger_unit(std::string_view word) {
  constexpr std::array<std::string_view, 12> kUnits{"k", "kb", "kib", "m", "mb", "mib",
                                                    "g", "gb", "gib", "t", "tb", "tib"};
  return std::ranges::find(kUnits, lower_case(word)) != kUnits.end();
}

/// Date, time and size stand behind the link, in this order, in every page that has them; lighttpd writes the
/// slash of a directory between, and h5ai a unit behind the size ("35547 KB"). Without a date nothing says
/// that a number is a size.
void read_columns(std::string_view tail, bool sizes, Entry& entry) {
  auto words = first_words(tail, 5);
  if (!words.empty() && words.front() == "/") words.erase(words.begin());
  if (words.size() < 2) return;
  const auto date = parse_index_date(words[0], words[1]);
  if (!date) return;
  entry.mtime = *date;
  if (words.size() < 3 || !sizes || entry.kind != EntryKind::file) return;
  if (words.size() == 3 || !is_larger_unit(words[3])) entry.size = exact_size(words[2]);
}

class Collector {
 public:
  Collector(HtmlIndex& out, bool sizes) : out_(out), sizes_(sizes) {}

  void add(const HtmlLink& link, const std::string& component, bool directory) {
    Entry entry;
    entry.name = url::decode(component);
    // A '<' in a link is no URL, and the flat page may have changed what follows it.
    if (!is_name(entry.name) || component.find('<') != std::string::npos) {
      ++out_.dropped;
      return;
    }
    entry.kind = directory ? EntryKind::directory : EntryKind::file;
    entry.locator = percent_repair(component) + (directory ? "/" : "");
    read_columns(link.tail, sizes_, entry);
    const auto [at, fresh] = seen_.try_emplace(entry.name, out_.entries.size());
    if (fresh) {
      out_.entries.push_back(std::move(entry));
    } else {
      merge(out_.entries[at->second], std::move(entry));
    }
  }

 private:
  /// The first wins, a directory beats a file. Where icons are links too, the columns stand behind the second
  /// link.
  static void merge(Entry& first, Entry second) {
    if (first.kind == EntryKind::file && second.kind == EntryKind::directory) {
      first = std::move(second);
    } else if (first.kind == second.kind && first.mtime == SysSeconds{} && !first.size) {
      first.mtime = second.mtime;
      first.size = second.size;
    }
  }

  HtmlIndex& out_;
  bool sizes_;
  std::unordered_map<std::string, std::size_t> seen_;
};

/// Every server that we know closes what it opened, and nothing else tells a page without a length that it is
/// whole.
bool is_whole(std::string_view html) {
  constexpr std::size_t kPreamble = 1024;  // where <html> stands when it stands anywhere
  constexpr std::size_t kEpilogue =
      65536;  // lighttpd puts a script of 7 KB before the end; footers may follow it
  const std::string first = lower_case(html.substr(0, kPreamble));
  const std::string last = lower_case(html.substr(html.size() - std::min(html.size(), kEpilogue)));
  return first.find("<html") == std::string::npos || last.find("</html") != std::string::npos;
}

}  // namespace

Result<HtmlIndex> parse_html_index(std::string_view html, std::string_view page_url) {
  const auto page = Page::at(page_url);
  if (!page) return tl::unexpected(page.error());
  const auto links = read_html_links(html);
  if (!links) return tl::unexpected(links.error());

  HtmlIndex index;
  index.complete = is_whole(html);
  index.recognised = links->heading.find("Index of ") != std::string::npos ||
                     links->heading.find("Directory listing for ") != std::string::npos;
  // Apache: links that sort a column say which columns there are. Without one for sizes, a number is a
  // description.
  bool sorts = false;
  bool sorts_sizes = false;
  for (const HtmlLink& link : links->links) {
    sorts = sorts || link.href.starts_with("?C=");
    sorts_sizes = sorts_sizes || link.href.starts_with("?C=S");
  }
  index.recognised = index.recognised || sorts;

  Collector collector(index, !sorts || sorts_sizes);
  std::string component;
  for (const HtmlLink& link : links->links) {
    bool directory = false;
    const auto kind = page->classify(trim(link.href), component, directory);
    if (kind == Page::Kind::parent) index.recognised = true;
    if (kind == Page::Kind::child) collector.add(link, component, directory);
  }
  return index;
}

}  // namespace astrofs
