#include "backends/format/html_links.h"

#include <libxml/HTMLparser.h>
#include <libxml/chvalid.h>
#include <libxml/parser.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace astrofs {
namespace {

constexpr std::size_t kLargestPage =
    64ULL << 20;  // of the fetcher's listing bodies; 250,000 names as Apache writes them
// Processor time: an honest page needs 0.03 s per MiB.
constexpr std::chrono::milliseconds kWorkAtLeast{2000};
constexpr std::chrono::milliseconds kWorkPerMiB{500};
constexpr std::size_t kLongestToken = 16ULL << 20;  // a tag or a comment
constexpr std::size_t kLongestReference = 12;       // "#1114111", and zeros before it
constexpr std::size_t kLongestRun = 4096;           // about what the parser asks for at a time

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/// Nothing that the flat page writes in another way begins with it.
bool is_plain(char c) {
  return c != '<' && c != '&' && c != '\0' && static_cast<unsigned char>(c) < 0x80;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Elements that stay: links, and those whose content must not be taken for links.
bool keeps(std::string_view name) {
  constexpr std::array<std::string_view, 4> kKept{"a", "script", "style", "textarea"};
  return std::ranges::any_of(
      kKept, [name](std::string_view kept) { return std::ranges::equal(name, kept, {}, lower); });
}

std::chrono::nanoseconds processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Where there is one at all, the number of "#65;" or "#x41;" is a character. Of others the parser makes a
/// NUL, which would end a name.
bool is_character(std::string_view reference) {
  reference.remove_prefix(1);
  const bool is_hex = !reference.empty() && lower(reference.front()) == 'x';
  if (is_hex) reference.remove_prefix(1);
  std::uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(reference.data(), reference.data() + reference.size(), value, is_hex ? 16 : 10);
  return error == std::errc{} && xmlIsCharQ(value) != 0;
}

/// The page as the parser reads it, piece by piece. Other elements begin with <br> and end with <img>:
/// neither nests or needs an end, and only the first sets text apart. Bytes that are not ASCII are %XX,
/// because the parser would take them for characters of an encoding, and a name must keep its bytes. A '<'
/// before a letter or '/' is the only way to a tag, so doing this everywhere, be it inside a comment or a
/// quoted value, needs no knowledge of where we are.
class FlatPage {
 public:
  explicit FlatPage(std::string_view html)
      : rest_(html),
        until_(processor_time() + kWorkAtLeast +
               kWorkPerMiB * static_cast<std::int64_t>(html.size() >> 20U)) {}

  /// xmlInputReadCallback. The parser is quadratic in the attributes of a tag and in what is never closed,
  /// and holds each attribute and comment in memory; this is where a page that asks for too much ends.
  static int read(void* self, char* to, int length) {
    return static_cast<FlatPage*>(self)->read({to, static_cast<std::size_t>(length)});
  }
  /// False: the parser was not given all of it, or did not want it.
  [[nodiscard]] bool was_read() const { return rest_.empty() && ready_.empty(); }

 private:
  int read(std::span<char> to) {
    while (ready_.size() < to.size() && !rest_.empty()) flatten_next();
    std::string_view piece = std::string_view(ready_).substr(0, to.size());
    // The parser looks for what follows these in what it has of the page.
    for (const std::string_view begun : {"&", "&#", "&#x", "&#X"}) {
      if (piece.ends_with(begun) && piece.size() < ready_.size() + rest_.size())
        piece.remove_suffix(begun.size());
    }
    unclosed_ = piece.find('>') == std::string_view::npos ? unclosed_ + piece.size() : 0;
    if (unclosed_ > kLongestToken || processor_time() > until_) return 0;
    const std::size_t length = piece.copy(to.data(), to.size());
    ready_.erase(0, length);
    return static_cast<int>(length);
  }

  void flatten_next() {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    const char c = rest_.front();
    const auto byte = static_cast<unsigned char>(c);
    std::size_t taken = 1;
    if (byte >= 0x80 || byte == 0) {
      ready_ += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    } else if (rest_.starts_with("&#") && !is_character(rest_.substr(1, kLongestReference))) {
      ready_ += "&amp;";
    } else if (const std::size_t begin = rest_.starts_with("</") ? 2 : 1;
               c == '<' && begin < rest_.size() && is_letter(rest_[begin])) {
      // A name longer than any kept one is not looked at further: this must stay linear.
      const std::string_view name = rest_.substr(begin, rest_.substr(begin).find_first_of(" \t\n\r\f/>"));
      taken = begin + name.size();
      ready_ += keeps(name) ? rest_.substr(0, taken) : std::string_view(begin == 1 ? "<br" : "<img");
    } else {
      // Up to the next byte that may be any of these; long texts come in pieces.
      while (taken < std::min(rest_.size(), kLongestRun) && is_plain(rest_[taken])) ++taken;
      ready_ += rest_.substr(0, taken);
    }
    rest_.remove_prefix(taken);
  }

  std::string_view rest_;
  std::string ready_;
  std::size_t unclosed_{0};  ///< bytes in pieces without '>'
  const std::chrono::nanoseconds until_;
};

/// What the parser tells of, in order.
class Collector {
 public:
  explicit Collector(const htmlParserCtxt& parser) : parser_(parser) {}

  static xmlSAXHandler handler() {
    xmlSAXHandler handler{};
    handler.startElement = [](void* self, const xmlChar* name, const xmlChar** attributes) {
      static_cast<Collector*>(self)->begin(text_of(name), attributes);
    };
    handler.endElement = [](void* self, const xmlChar* name) {
      static_cast<Collector*>(self)->end(text_of(name));
    };
    handler.characters = handler.ignorableWhitespace = [](void* self, const xmlChar* text, int length) {
      static_cast<Collector*>(self)->text({as_chars(text), static_cast<std::size_t>(length)});
    };
    handler.cdataBlock = [](void*, const xmlChar*, int) {};  // a script
    return handler;
  }

  HtmlLinks links;

 private:
  static const char* as_chars(const xmlChar* text) { return reinterpret_cast<const char*>(text); }
  static std::string_view text_of(const xmlChar* text) { return as_chars(text); }

  void begin(std::string_view name, const xmlChar** attributes) {
    if (name == "textarea") is_opaque_ = true;
    if (name == "br") text(" ");
    const bool is_cut_off = *parser_.input->cur == '\0';  // the page ends in this tag, perhaps in a name
    if (name != "a" || is_opaque_ || is_cut_off) return;
    for (; attributes != nullptr && attributes[0] != nullptr; attributes += 2) {
      if (text_of(attributes[0]) != "href") continue;
      is_in_link_ = true;
      links.links.push_back({attributes[1] != nullptr ? std::string(text_of(attributes[1])) : "", {}});
      return;
    }
  }
  void end(std::string_view name) {
    if (name == "textarea") is_opaque_ = false;
    if (name == "a") is_in_link_ = false;
  }
  void text(std::string_view text) {
    if (is_opaque_ || is_in_link_) return;
    std::string& to = links.links.empty() ? links.heading : links.links.back().tail;
    to.append(text.substr(0, kLongestTail - std::min(to.size(), kLongestTail)));
  }

  const htmlParserCtxt& parser_;
  bool is_in_link_{false}, is_opaque_{false};
};

struct FreeContext {
  void operator()(htmlParserCtxtPtr context) const { htmlFreeParserCtxt(context); }
};

}  // namespace

Result<HtmlLinks> read_html_links(std::string_view html) {
  if (html.size() > kLargestPage) return fail(Errc::too_large, "a directory page of more than 64 MiB");
  // Not all of the library is ready for several threads before that, nor makes itself so.
  static const bool is_ready = (xmlInitParser(), true);
  const std::unique_ptr<htmlParserCtxt, FreeContext> context(is_ready ? htmlNewParserCtxt() : nullptr);
  if (!context) return fail(Errc::too_large, "no memory for a directory page");
  FlatPage page(html);
  Collector collector(*context);
  *context->sax = Collector::handler();
  context->userData = &collector;
  // No tree is made. What is no HTML is passed over, as browsers do.
  (void)htmlCtxtReadIO(context.get(), &FlatPage::read, nullptr, &page, nullptr, nullptr,
                       HTML_PARSE_RECOVER | HTML_PARSE_NOIMPLIED | HTML_PARSE_NONET | HTML_PARSE_NOERROR |
                           HTML_PARSE_NOWARNING);
  if (!page.was_read() || context->errNo == XML_ERR_NO_MEMORY)
    return fail(Errc::too_large, "a directory page that takes too much memory or time to parse");
  return std::move(collector.links);
}

}  // namespace astrofs
