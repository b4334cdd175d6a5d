#include "backends/format/html_links.h"

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <utility>

namespace astrofs {
namespace {

constexpr std::size_t kLargestPage =
    64ULL << 20;  // of the fetcher's listing bodies; 250,000 names as Apache writes them
// gumbo's nodes need about 20 bytes per byte of a page, so a large page is parsed in pieces of this size.
constexpr std::size_t kPiece = 1ULL << 20;
constexpr std::size_t kLargestMemory = 256ULL << 20;  // of the nodes of one piece
// Processor time: an honest page needs less than 0.2 s per MiB, a tenth of that on a fast machine.
constexpr std::chrono::milliseconds kWorkAtLeast{2000};
constexpr std::chrono::milliseconds kWorkPerMiB{500};
constexpr unsigned kCallsPerClock =
    4096;  // asking the clock at each allocation would cost more than the allocation

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Elements that stay: links, and those whose content is text to the parser, which must not be taken for
/// links. None of them can nest in itself, so the tree stays flat whatever the page does.
bool keeps(std::string_view name) {
  constexpr std::array<std::string_view, 5> kKept{"a", "title", "script", "style", "textarea"};
  for (const std::string_view kept : kKept) {
    if (name.size() != kept.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < name.size() && same; ++i) same = lower(name[i]) == kept[i];
    if (same) return true;
  }
  return false;
}

/// The page with every other element turned into <br>. gumbo is quadratic in the depth of a tree and
/// recursive when it frees one; a '<' before a letter is the only way to open an element, so doing this
/// everywhere, be it inside a comment or a quoted value, bounds the depth without knowing where we are. Bytes
/// that are not ASCII become %XX, because gumbo would replace what is not UTF-8 and a name must keep its
/// bytes.
std::string flatten(std::string_view html) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(html.size() + html.size() / 16);
  for (std::size_t i = 0; i < html.size(); ++i) {
    const char c = html[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || byte == 0) {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else if (c == '<' && i + 1 < html.size() && is_letter(html[i + 1])) {
      const std::size_t end = std::min(html.find_first_of(" \t\n\r\f/>", i + 1), html.size());
      // A name longer than any kept one is not looked at further: this loop must stay linear.
      const std::string_view name = html.substr(i + 1, end - i - 1);
      out += '<';
      out += !keeps(name) ? std::string_view("br") : name.size() == 1 ? std::string_view("a") : name;
      i = end - 1;
    } else {
      out += c;
    }
  }
  return out;
}

/// gumbo's memory, so that a page that asks for too much of it, or for too much time, is given up half way.
/// gumbo has no way to report either; leaving it by longjmp from its allocator is sound because it is C and
/// owns nothing else.
class Allowance {
 public:
  explicit Allowance(std::size_t page_size)
      : until_(now() + kWorkAtLeast + kWorkPerMiB * static_cast<std::int64_t>(page_size >> 20U)) {
    first_.next = first_.previous = &first_;
  }
  ~Allowance() { release_all(); }
  Allowance(const Allowance&) = delete;
  Allowance& operator=(const Allowance&) = delete;

  static void* allocate(void* self, std::size_t size) { return static_cast<Allowance*>(self)->take(size); }
  static void release(void* self, void* memory) {
    if (memory == nullptr) return;
    static_cast<Allowance*>(self)->unlink(static_cast<Block*>(memory) - 1);
  }
  void release_all() {
    while (first_.next != &first_) unlink(first_.next);
  }
  std::jmp_buf spent;  ///< set before gumbo runs

 private:
  struct alignas(std::max_align_t) Block {
    Block* next;
    Block* previous;
    std::size_t size;
  };

  static std::chrono::nanoseconds now() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }
  void* take(std::size_t size) {
    const bool late = ++calls_ % kCallsPerClock == 0 && now() > until_;
    if (late || size > kLargestMemory - used_) std::longjmp(spent, 1);
    auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + size));
    if (block == nullptr) std::longjmp(spent, 1);
    *block = Block{first_.next, &first_, size};
    first_.next->previous = block;
    first_.next = block;
    used_ += size;
    return block + 1;
  }
  void unlink(Block* block) {
    used_ -= block->size;
    block->next->previous = block->previous;
    block->previous->next = block->next;
    std::free(block);
  }

  Block first_{};
  std::size_t used_{0};
  unsigned calls_{0};
  std::chrono::nanoseconds until_;
};

/// nullptr when the allowance is spent. Nothing here has a destructor: longjmp would skip it.
GumboOutput* parse(Allowance& allowance, const char* text, std::size_t size) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &Allowance::allocate;
  options.deallocator = &Allowance::release;
  options.userdata = &allowance;
  options.max_errors = 0;  // they are not read, and each would copy the parser's state
  if (setjmp(allowance.spent) != 0) return nullptr;
  return gumbo_parse_with_options(&options, text, size);
}

void append_bounded(std::string& to, std::string_view text) {
  to.append(text.substr(0, kLongestTail - std::min(to.size(), kLongestTail)));
}

class Walk {
 public:
  explicit Walk(HtmlLinks& out) : out_(out) {}

  /// Depth first with a stack of our own.
  void run(const GumboNode* root) {
    std::vector<std::pair<const GumboNode*, unsigned>> stack{{root, 0U}};
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      const GumboVector& children = node->v.element.children;
      if (next == 0) enter(*node);
      if (next == children.length) {
        if (node->v.element.tag == GUMBO_TAG_A) in_link_ = false;
        stack.pop_back();
        continue;
      }
      const auto* child = static_cast<const GumboNode*>(children.data[next++]);
      if (child->type == GUMBO_NODE_ELEMENT) {
        stack.emplace_back(child, 0U);
      } else if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_WHITESPACE) {
        text(child->v.text.text, node->v.element.tag);
      }
    }
  }

 private:
  void enter(const GumboNode& node) {
    if (entered_ == &node) return;
    entered_ = &node;
    if (node.v.element.tag == GUMBO_TAG_BR) text(" ", GUMBO_TAG_BR);
    if (node.v.element.tag != GUMBO_TAG_A) return;
    const GumboAttribute* href = gumbo_get_attribute(&node.v.element.attributes, "href");
    if (href == nullptr) return;
    in_link_ = true;
    out_.links.push_back({href->value, {}});
  }
  void text(std::string_view text, GumboTag parent) {
    if (parent == GUMBO_TAG_SCRIPT || parent == GUMBO_TAG_STYLE || parent == GUMBO_TAG_TEXTAREA) return;
    if (out_.links.empty()) {
      append_bounded(out_.heading, text);
    } else if (!in_link_) {
      append_bounded(out_.links.back().tail, text);
    }
  }

  HtmlLinks& out_;
  const GumboNode* entered_{nullptr};
  bool in_link_{false};
};

/// True when `text` ends inside what `open` begins and `close` ends, such as a comment.
bool is_open(std::string_view text, std::string_view open, std::string_view close) {
  const auto last = text.rfind(open);
  return last != std::string_view::npos && text.find(close, last) == std::string_view::npos;
}

/// A flat page (links are in lower case) may be cut before any link that is not in a comment or a script.
std::size_t piece_end(std::string_view flat) {
  for (std::size_t at = kPiece; at < flat.size(); at *= 2) {
    const std::size_t end = flat.find("<a ", at);
    if (end == std::string_view::npos) break;
    const std::string_view piece = flat.substr(0, end);
    if (!is_open(piece, "<!--", "-->") && !is_open(piece, "<script", "</script")) return end;
  }
  return flat.size();
}

}  // namespace

Result<HtmlLinks> read_html_links(std::string_view html) {
  if (html.size() > kLargestPage) return fail(Errc::too_large, "a directory page of more than 64 MiB");
  const std::string flat = flatten(html);
  Allowance allowance(html.size());
  HtmlLinks links;
  for (std::string_view rest = flat; !rest.empty();) {
    const std::string_view piece = rest.substr(0, piece_end(rest));
    rest.remove_prefix(piece.size());
    const GumboOutput* output = parse(allowance, piece.data(), piece.size());
    if (output == nullptr) {
      return fail(Errc::too_large, "a directory page that takes too much memory or time to parse");
    }
    Walk(links).run(output->root);
    allowance.release_all();  // also what gumbo left when it was given up
  }
  return links;
}

}  // namespace astrofs
