#include "backends/format/asdf_tree.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace astrofs {
namespace {

constexpr std::string_view kHead = "#ASDF";
constexpr std::uint64_t kFirstPiece = 256ULL << 10;  // most trees of 4,000 frames

/// Where the tree ends: behind the line "..."; npos when it is not there yet. `from` was looked at before.
std::size_t end_of_tree(std::string_view text, std::size_t from, bool whole_file) {
  for (auto at = text.find("\n...", from); at != std::string_view::npos; at = text.find("\n...", at + 1)) {
    const std::string_view rest = text.substr(at + 4, 2);
    if (rest.starts_with('\n')) return at + 5;
    if (rest == "\r\n") return at + 6;
    if (whole_file && at + 4 == text.size()) return text.size();
  }
  return std::string_view::npos;
}

/// The text from the first line to the one that ends the tree.
Result<std::string> read_head(const ReadAt& read, std::uint64_t file_size) {
  std::string text;
  while (true) {
    const std::size_t known = text.size();
    const std::uint64_t wanted =
        std::min({file_size, std::max<std::uint64_t>(kFirstPiece, known * 2), kLongestAsdfTree});
    if (wanted == known) break;
    text.resize(wanted);
    const std::span added(text.data() + known, text.size() - known);
    if (const auto got = read(known, std::as_writable_bytes(added)); !got) return tl::unexpected(got.error());
    if (!text.starts_with(kHead)) return fail(Errc::corrupt, "not an ASDF file");
    const std::size_t again = known < 6 ? 0 : known - 6;  // the end may lie across two pieces
    const auto end = end_of_tree(text, again, text.size() == file_size);
    if (end != std::string_view::npos) {
      text.resize(end);
      return text;
    }
  }
  if (text.size() < file_size) return fail(Errc::too_large, "an ASDF file with too long a tree");
  return fail(Errc::corrupt, "an ASDF file without the end of its tree");
}

}  // namespace

Result<AsdfFile> open_asdf(ReadAt read, std::uint64_t file_size) {
  auto head = read_head(read, file_size);
  if (!head) return tl::unexpected(std::move(head.error()));
  auto tree = YamlTree::parse(*head, {.total = kLongestAsdfTree});
  if (!tree) return tl::unexpected(std::move(tree.error()));
  auto blocks = AsdfBlocks::open(std::move(read), file_size, head->size());
  if (!blocks) return tl::unexpected(std::move(blocks.error()));
  return AsdfFile{std::move(*tree), std::move(*blocks)};
}

}  // namespace astrofs
