#include "cache/lmdb_pages.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "cache/lmdb.h"

namespace astrofs {
namespace {

static_assert(sizeof(std::size_t) == 8 && std::endian::native == std::endian::little,
              "the order of a node's fields is that of such machines");

using PageNumber = std::uint64_t;

struct PageHeader {
  PageNumber number;
  std::uint16_t pad;
  std::uint16_t kind;
  std::uint16_t lower;  ///< end of the nodes' offsets; with `upper`, an overflow page's number of pages
  std::uint16_t upper;  ///< begin of the nodes
};
constexpr std::uint16_t kBranch = 1;
constexpr std::uint16_t kLeaf = 2;
constexpr std::uint16_t kOverflow = 4;

struct NodeHeader {
  std::uint16_t low;  ///< with `high`: bytes of data; in a branch, with `flags` besides: a page
  std::uint16_t high;
  std::uint16_t flags;
  std::uint16_t key_size;
};
constexpr std::uint16_t kBigData = 1;  ///< the data is the number of an overflow page
constexpr std::uint16_t kSubTree = 2;  ///< the data is a Tree

struct Tree {
  std::uint32_t pad;  ///< of the free list: bytes of a page
  std::uint16_t flags;
  std::uint16_t depth;
  std::uint64_t branches, leaves, overflows, entries;
  PageNumber root;
};
constexpr PageNumber kNoPage = ~PageNumber{0};
/// LMDB's own bound, CURSOR_STACK.
constexpr std::uint16_t kDeepest = 32;

struct Meta {
  std::uint32_t magic, version;
  std::uint64_t address, map_size;
  Tree free, main;
  PageNumber last;
  std::uint64_t transaction;
};
constexpr PageNumber kFirstPage = 2;  ///< behind the two meta pages
/// More than any index has, and one bit each: the last of them need not have been written to the file.
constexpr PageNumber kMostPages = PageNumber{1} << 30;

struct Node {
  NodeHeader header;
  std::span<const char> key, data;  ///< data: as it lies there, a page number for kBigData

  [[nodiscard]] PageNumber child() const {
    return header.low | std::uint64_t{header.high} << 16 | std::uint64_t{header.flags} << 32;
  }
  [[nodiscard]] std::uint64_t data_size() const { return header.low | std::uint64_t{header.high} << 16; }
};

class Pages {
 public:
  Pages(std::span<const char> file, const std::function<bool()>& go_on) : file_(file), go_on_(go_on) {}
  bool sound();

 private:
  /// Called for each record of a tree: false is broken. Data behind kBigData is what it points to.
  using Visit = std::function<bool(const Node&)>;

  template <class T>
  std::optional<T> at(std::uint64_t offset) const;
  bool read_meta();
  /// Marks it as used, once.
  bool claim(PageNumber page);
  bool walk(const Tree& tree, const Visit& visit, bool whole);
  bool walk_page(PageNumber number, unsigned depth, const Tree& tree, Tree& seen, const Visit& visit);
  bool walk_node(Node node, unsigned depth, const Tree& tree, Tree& seen, const Visit& visit);
  bool follow(Node& node, Tree& seen);
  bool note_free(const Node& record);

  const std::span<const char> file_;
  const std::function<bool()>& go_on_;
  Meta meta_{};
  std::uint64_t page_size_{0};
  std::vector<bool> claimed_;
  std::uint64_t free_{0};
  bool whole_{false};  ///< this tree is seen to its end, however long it takes
  bool ended_{false};
};

template <class T>
std::optional<T> Pages::at(std::uint64_t offset) const {
  if (offset > file_.size() || file_.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file_.data() + offset, sizeof value);
  return value;
}

bool Pages::read_meta() {
  const auto first = at<Meta>(sizeof(PageHeader));
  if (!first || !std::has_single_bit(first->free.pad) || first->free.pad < sizeof(PageHeader)) return false;
  page_size_ = first->free.pad;
  const auto second = at<Meta>(page_size_ + sizeof(PageHeader));
  if (!second) return false;
  meta_ = second->transaction > first->transaction ? *second : *first;
  return meta_.last >= kFirstPage - 1 && meta_.last < kMostPages;
}

bool Pages::claim(PageNumber page) {
  if (page < kFirstPage || page > meta_.last || claimed_[page]) return false;
  claimed_[page] = true;
  return true;
}

bool Pages::walk(const Tree& tree, const Visit& visit, bool whole) {
  whole_ = whole;
  if (tree.root == kNoPage) return tree.entries == 0 && tree.leaves == 0 && tree.depth == 0;
  if (tree.depth == 0 || tree.depth > kDeepest) return false;
  Tree seen{};
  if (!walk_page(tree.root, 1, tree, seen, visit)) return false;
  return ended_ || (seen.branches == tree.branches && seen.leaves == tree.leaves &&
                    seen.overflows == tree.overflows && seen.entries == tree.entries);
}

bool Pages::walk_page(PageNumber number, unsigned depth, const Tree& tree, Tree& seen, const Visit& visit) {
  if (ended_ || (!whole_ && !go_on_())) {
    ended_ = true;
    return true;
  }
  const auto page = at<PageHeader>(number * page_size_);
  const bool leaf = depth == tree.depth;
  if (!claim(number) || !page || page->number != number || page->kind != (leaf ? kLeaf : kBranch))
    return false;
  if (page->lower < sizeof(PageHeader) || page->lower > page->upper || page->upper > page_size_) return false;
  ++(leaf ? seen.leaves : seen.branches);
  const std::uint64_t base = number * page_size_;
  std::uint64_t bytes = 0;
  for (std::uint64_t offset = sizeof(PageHeader); offset < page->lower; offset += sizeof(std::uint16_t)) {
    const auto place = at<std::uint16_t>(base + offset);
    if (!place || *place < page->upper || *place + sizeof(NodeHeader) > page_size_) return false;
    Node node{at<NodeHeader>(base + *place).value_or(NodeHeader{}), {}, {}};
    const bool big = (node.header.flags & kBigData) != 0;
    const std::uint64_t data = !leaf ? 0 : big ? sizeof(PageNumber) : node.data_size();
    const std::uint64_t size = sizeof(NodeHeader) + node.header.key_size + data;
    if (*place + size > page_size_ || base + *place + size > file_.size()) return false;
    bytes += size + size % 2;
    node.key = file_.subspan(base + *place + sizeof(NodeHeader), node.header.key_size);
    node.data = file_.subspan(base + *place + sizeof(NodeHeader) + node.header.key_size, data);
    if (!walk_node(node, depth, tree, seen, visit)) return false;
  }
  // The nodes lie one behind the other: who writes the next one relies on it.
  return bytes == page_size_ - page->upper;
}

bool Pages::walk_node(Node node, unsigned depth, const Tree& tree, Tree& seen, const Visit& visit) {
  if (depth < tree.depth) return walk_page(node.child(), depth + 1, tree, seen, visit);
  ++seen.entries;
  if ((node.header.flags & ~(kBigData | kSubTree)) != 0) return false;
  if ((node.header.flags & kBigData) != 0 && !follow(node, seen)) return false;
  return visit(node);
}

/// The overflow pages of a record that is too large for a leaf.
bool Pages::follow(Node& node, Tree& seen) {
  PageNumber first = 0;
  std::memcpy(&first, node.data.data(), sizeof first);
  if (first > meta_.last) return false;
  const auto page = at<PageHeader>(first * page_size_);
  if (!page || page->number != first || page->kind != kOverflow) return false;
  const std::uint64_t pages = page->lower | std::uint64_t{page->upper} << 16;
  const std::uint64_t begin = first * page_size_ + sizeof(PageHeader);
  if (pages > meta_.last || sizeof(PageHeader) + node.data_size() > pages * page_size_) return false;
  if (begin + node.data_size() > file_.size()) return false;
  for (std::uint64_t i = 0; i < pages; ++i) {
    if (!claim(first + i)) return false;
  }
  seen.overflows += pages;
  node.data = file_.subspan(begin, node.data_size());
  return true;
}

/// A record of the free list: a count, then that many page numbers.
bool Pages::note_free(const Node& record) {
  std::uint64_t count = 0;
  if (record.key.size() != sizeof count || record.data.size() < sizeof count) return false;
  std::memcpy(&count, record.data.data(), sizeof count);
  if (count > record.data.size() / sizeof count - 1) return false;
  PageNumber last = kNoPage;
  for (std::uint64_t i = 1; i <= count; ++i) {
    PageNumber page = 0;
    std::memcpy(&page, record.data.data() + i * sizeof page, sizeof page);
    if (page >= last || !claim(page)) return false;
    last = page;
  }
  free_ += count;
  return true;
}

bool Pages::sound() {
  if (!read_meta()) return false;
  claimed_.resize(meta_.last + 1);
  if (!walk(
          meta_.free, [this](const Node& record) { return note_free(record); }, true))
    return false;
  std::vector<Tree> tables;
  const auto note_table = [&tables](const Node& record) {
    Tree table{};
    if (record.header.flags != kSubTree || record.data.size() != sizeof table) return false;
    std::memcpy(&table, record.data.data(), sizeof table);
    tables.push_back(table);
    return table.flags == 0;
  };
  if (!walk(meta_.main, note_table, true) || tables.size() != kTables) return false;
  const auto pages_of = [](const Tree& tree) { return tree.branches + tree.leaves + tree.overflows; };
  std::uint64_t pages = kFirstPage + free_ + pages_of(meta_.free) + pages_of(meta_.main);
  for (const Tree& table : tables) pages += pages_of(table);
  if (pages != meta_.last + 1) return false;
  for (const Tree& table : tables) {
    if (!walk(
            table, [](const Node& record) { return record.header.flags <= kBigData; }, false))
      return false;
  }
  return true;
}

}  // namespace

bool lmdb_pages_sound(std::span<const char> file, const std::function<bool()>& go_on) {
  return Pages(file, go_on).sound();
}

}  // namespace astrofs
