#include "backends/format/yaml_tree.h"

#include <libfyaml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backends/format/numbers.h"
#include "backends/format/utf8.h"

namespace astrofs {

struct YamlStore {
  enum class Kind : std::uint8_t { scalar, sequence, mapping };
  struct Node {
    Kind kind{Kind::scalar};
    bool plain{false};
    std::uint32_t tag{0};    ///< in tags
    std::uint32_t first{0};  ///< of a scalar in text, of the others in edges
    std::uint32_t count{0};  ///< bytes, or edges: key and value in turn for a mapping
  };
  std::vector<Node> nodes;
  std::vector<std::uint32_t>
      edges;  ///< indices into nodes; an alias is an edge to a node that is there already
  std::string text;
  std::vector<std::string> tags{""};
  std::uint32_t root{0};
};

namespace {

std::string_view text_of(fy_token* token) {
  std::size_t length = 0;
  const char* text = token == nullptr ? nullptr : fy_token_get_text(token, &length);
  return text == nullptr ? std::string_view{} : std::string_view(text, length);
}

/// Events in, a store out.
class Builder {
 public:
  Builder(YamlStore& store, const YamlLimits& limits) : store_(store), limits_(limits) {}

  /// False: the document has ended.
  Result<bool> take(fy_event* event) {
    switch (event->type) {
      case FYET_SCALAR:
        return scalar(event->scalar);
      case FYET_ALIAS:
        return alias(text_of(event->alias.anchor));
      case FYET_SEQUENCE_START:
        return open(YamlStore::Kind::sequence, event->sequence_start.tag, event->sequence_start.anchor);
      case FYET_MAPPING_START:
        return open(YamlStore::Kind::mapping, event->mapping_start.tag, event->mapping_start.anchor);
      case FYET_SEQUENCE_END:
      case FYET_MAPPING_END:
        return close();
      case FYET_DOCUMENT_END:
        return false;
      default:
        return true;
    }
  }
  [[nodiscard]] bool whole() const { return pieces_ && has_root_ && open_.empty(); }

 private:
  struct Open {
    YamlStore::Kind kind;
    std::uint32_t tag;
    std::string anchor;
    std::size_t first_child;
  };

  Result<bool> scalar(const fy_event_scalar_data& event) {
    const auto tag = tag_of(event.tag);
    if (!tag) return tl::unexpected(tag.error());
    const std::size_t first = store_.text.size();
    append_text(event.value);
    // Escapes may be longer in UTF-8 than they were written, so the total is looked at again.
    if (store_.text.size() > std::numeric_limits<std::uint32_t>::max()) return too_much("text");
    const bool plain = event.value == nullptr || fy_token_scalar_style(event.value) == FYSS_PLAIN;
    return add({YamlStore::Kind::scalar, plain, *tag, static_cast<std::uint32_t>(first),
                static_cast<std::uint32_t>(store_.text.size() - first)},
               std::string(text_of(event.anchor)));
  }
  /// By the piece: fy_token_get_text leaks 4 KiB (0.7.12) where a text has some dozen escapes.
  void append_text(fy_token* token) {
    if (token == nullptr || !pieces_) return;
    fy_token_iter_start(token, pieces_.get());
    int failed = 0;
    const fy_iter_chunk* piece = nullptr;
    while ((piece = fy_token_iter_chunk_next(pieces_.get(), piece, &failed)) != nullptr) {
      store_.text.append(piece->str, piece->len);
    }
    fy_token_iter_finish(pieces_.get());
  }
  Result<bool> open(YamlStore::Kind kind, fy_token* tag_token, fy_token* anchor) {
    const auto tag = tag_of(tag_token);
    if (!tag) return tl::unexpected(tag.error());
    if (open_.size() == limits_.depth) return too_much("depth");
    open_.push_back({kind, *tag, std::string(text_of(anchor)), children_.size()});
    return true;
  }
  Result<bool> close() {
    if (open_.empty()) return fail(Errc::corrupt, "not YAML: an end without a beginning");
    Open ended = std::move(open_.back());
    open_.pop_back();
    const std::size_t count = children_.size() - ended.first_child;
    if (ended.kind == YamlStore::Kind::mapping) {
      if (count % 2 != 0) return fail(Errc::corrupt, "not YAML: a key without a value");
      if (count / 2 > limits_.keys) return too_much("keys in one mapping");
    }
    const auto first = static_cast<std::uint32_t>(store_.edges.size());
    const auto from = children_.begin() + static_cast<std::ptrdiff_t>(ended.first_child);
    store_.edges.insert(store_.edges.end(), from, children_.end());
    children_.erase(from, children_.end());
    return add({ended.kind, false, ended.tag, first, static_cast<std::uint32_t>(count)},
               std::move(ended.anchor));
  }
  /// Anchors are known when their node has ended, so no node can hold itself.
  Result<bool> alias(std::string_view name) {
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) return fail(Errc::corrupt, "not YAML: an alias of nothing");
    return link(found->second);
  }
  Result<bool> add(YamlStore::Node node, std::string anchor) {
    const auto id = static_cast<std::uint32_t>(store_.nodes.size());
    store_.nodes.push_back(node);
    if (!anchor.empty()) anchors_[std::move(anchor)] = id;
    return link(id);
  }
  Result<bool> link(std::uint32_t id) {
    if (++links_ > limits_.nodes) return too_much("nodes");
    if (!open_.empty()) {
      children_.push_back(id);
    } else if (!std::exchange(has_root_, true)) {
      store_.root = id;
    }
    return true;
  }
  Result<std::uint32_t> tag_of(fy_token* token) {
    const std::string_view tag = text_of(token);
    if (tag.empty()) return 0;
    if (tag.size() > limits_.tag_length) return too_much("length of a tag");
    if (const auto known = tags_.find(tag); known != tags_.end()) return known->second;
    if (store_.tags.size() > limits_.tags) return too_much("tags");
    const auto id = static_cast<std::uint32_t>(store_.tags.size());
    store_.tags.emplace_back(tag);
    tags_.emplace(tag, id);
    return id;
  }
  static tl::unexpected<Error> too_much(const char* what) {
    return fail(Errc::too_large, std::string("a YAML document with too many or too long: ") + what);
  }

  struct IterEnd {
    void operator()(fy_token_iter* iter) const { fy_token_iter_destroy(iter); }
  };

  YamlStore& store_;
  const YamlLimits limits_;
  const std::unique_ptr<fy_token_iter, IterEnd> pieces_{fy_token_iter_create(nullptr)};
  std::vector<Open> open_;
  std::vector<std::uint32_t> children_;  ///< of all that are open, innermost last
  std::map<std::string, std::uint32_t, std::less<>> anchors_, tags_;
  std::size_t links_{0};
  bool has_root_{false};
};

struct ParserEnd {
  void operator()(fy_parser* parser) const { fy_parser_destroy(parser); }
};
struct DiagEnd {
  void operator()(fy_diag* diag) const { fy_diag_unref(diag); }
};

/// Takes libfyaml's complaints, which would go to stderr, and keeps the beginning of the first. (Errors that
/// it is told to collect are never freed by 0.7.12.)
std::unique_ptr<fy_diag, DiagEnd> make_diag(std::string& first) {
  fy_diag_cfg config{};
  fy_diag_cfg_default(&config);
  config.fp = nullptr;
  config.user = &first;
  config.output_fn = [](fy_diag*, void* user, const char* text, std::size_t length) {
    constexpr std::size_t kLongest = 200;
    auto& kept = *static_cast<std::string*>(user);
    if (kept.empty()) kept.assign(text, std::min(length, kLongest));
  };
  config.level = FYET_ERROR;
  config.colorize = false;
  config.show_source = config.show_position = config.show_module = config.show_type = false;
  return std::unique_ptr<fy_diag, DiagEnd>(fy_diag_create(&config));
}

/// libfyaml goes in circles at some bytes that are no UTF-8, so only what YAML allows is given to it.
Result<void> check_characters(std::string_view text) {
  std::size_t line = 1;
  while (!text.empty()) {
    const auto code = take_utf8(text);
    const bool printable = code && (*code >= 0xA0 || (*code >= 0x20 && *code < 0x7F) || *code == 0x85 ||
                                    *code == '\t' || *code == '\n' || *code == '\r');
    if (!printable || *code == 0xFFFE || *code == 0xFFFF) {
      return fail(Errc::corrupt, "not YAML: a character that is none in line " + std::to_string(line));
    }
    if (*code == '\n') ++line;
  }
  return {};
}

/// libfyaml writes "<memory-@0x...>:2:1: error: what", with a place in memory that says nothing.
Error refusal(std::string_view complaint) {
  complaint = complaint.substr(0, complaint.find('\n'));
  std::string line;
  if (const auto name = complaint.find(">:"); complaint.starts_with('<') && name != std::string_view::npos) {
    complaint.remove_prefix(name + 2);
    line = " in line " + std::string(complaint.substr(0, complaint.find(':')));
  }
  constexpr std::string_view kMark = "error: ";
  if (const auto mark = complaint.find(kMark); mark != std::string_view::npos) {
    complaint.remove_prefix(mark + kMark.size());
  }
  return {Errc::corrupt,
          "not YAML" + std::string(complaint.empty() ? "" : ": ") + std::string(complaint) + line};
}

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

const YamlStore::Node& node_of(const YamlStore& store, std::uint32_t id) {
  return store.nodes[id];
}

}  // namespace

Result<YamlTree> YamlTree::parse(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.total) return fail(Errc::too_large, "a YAML document that is too long");
  if (auto good = check_characters(text); !good) return tl::unexpected(std::move(good.error()));
  std::string complaint;
  const auto diag = make_diag(complaint);
  fy_parse_cfg config{};
  config.diag = diag.get();
  // The depth is counted here: libfyaml's own limit depends on the machine, and its events need no recursion.
  config.flags = FYPCF_DISABLE_DEPTH_LIMIT;
  const std::unique_ptr<fy_parser, ParserEnd> parser(fy_parser_create(&config));
  if (!diag || !parser || fy_parser_set_string(parser.get(), text.data(), text.size()) != 0) {
    return fail(Errc::too_large, "no memory for a YAML parser");
  }
  auto store = std::make_unique<YamlStore>();
  Builder builder(*store, limits);
  for (bool more = true; more;) {
    fy_event* event = fy_parser_parse(parser.get());
    if (event == nullptr) break;
    auto taken = builder.take(event);
    fy_parser_event_free(parser.get(), event);
    if (!taken) return tl::unexpected(std::move(taken.error()));
    more = *taken;
  }
  if (!builder.whole()) return tl::unexpected(refusal(complaint));
  store->nodes.shrink_to_fit();
  return YamlTree(std::move(store));
}

YamlTree::YamlTree(std::unique_ptr<YamlStore> store) : store_(std::move(store)) {}
YamlTree::~YamlTree() = default;
YamlTree::YamlTree(YamlTree&&) noexcept = default;
YamlTree& YamlTree::operator=(YamlTree&&) noexcept = default;

YamlNode YamlTree::root() const {
  return {store_.get(), store_->root};
}

bool YamlNode::is_scalar() const {
  return store_ != nullptr && node_of(*store_, id_).kind == YamlStore::Kind::scalar;
}
bool YamlNode::is_sequence() const {
  return store_ != nullptr && node_of(*store_, id_).kind == YamlStore::Kind::sequence;
}
bool YamlNode::is_mapping() const {
  return store_ != nullptr && node_of(*store_, id_).kind == YamlStore::Kind::mapping;
}
bool YamlNode::is_plain() const {
  return is_scalar() && node_of(*store_, id_).plain;
}

bool YamlNode::is_null() const {
  static constexpr std::array<std::string_view, 5> kNothing{"", "null", "~", "Null", "NULL"};
  return store_ == nullptr || (is_plain() && is_one_of(text(), kNothing));
}

std::string_view YamlNode::text() const {
  if (!is_scalar()) return {};
  const YamlStore::Node& node = node_of(*store_, id_);
  return std::string_view(store_->text).substr(node.first, node.count);
}
std::string_view YamlNode::tag() const {
  return store_ == nullptr ? std::string_view{} : store_->tags[node_of(*store_, id_).tag];
}

std::optional<std::int64_t> YamlNode::integer() const {
  return is_plain() ? signed_number_in<std::int64_t>(text()) : std::nullopt;
}
std::optional<double> YamlNode::real() const {
  if (!is_plain()) return std::nullopt;
  static constexpr std::array<std::string_view, 3> kNan{".nan", ".NaN", ".NAN"};
  static constexpr std::array<std::string_view, 3> kInfinity{".inf", ".Inf", ".INF"};
  std::string_view word = text();
  if (is_one_of(word, kNan)) return std::nan("");
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  if (is_one_of(word, kInfinity)) return negative ? -HUGE_VAL : HUGE_VAL;
  // from_chars knows "nan", "inf" and "infinity", which are words to YAML.
  if (word.empty() || (word[0] != '.' && (word[0] < '0' || word[0] > '9'))) return std::nullopt;
  const auto value = signed_number_in<double>(word);
  return value && negative ? std::optional(-*value) : value;
}
std::optional<bool> YamlNode::boolean() const {
  static constexpr std::array<std::string_view, 3> kTrue{"true", "True", "TRUE"};
  static constexpr std::array<std::string_view, 3> kFalse{"false", "False", "FALSE"};
  if (!is_plain()) return std::nullopt;
  if (is_one_of(text(), kTrue)) return true;
  if (is_one_of(text(), kFalse)) return false;
  return std::nullopt;
}

std::size_t YamlNode::size() const {
  if (is_sequence()) return node_of(*store_, id_).count;
  return is_mapping() ? node_of(*store_, id_).count / 2 : 0;
}
YamlNode YamlNode::at(std::size_t i) const {
  if (i >= size()) return {};
  const std::size_t edge = is_mapping() ? 2 * i + 1 : i;
  return {store_, store_->edges[node_of(*store_, id_).first + edge]};
}
YamlNode YamlNode::key(std::size_t i) const {
  if (!is_mapping() || i >= size()) return {};
  return {store_, store_->edges[node_of(*store_, id_).first + 2 * i]};
}
YamlNode YamlNode::operator[](std::string_view wanted) const {
  for (std::size_t i = 0; is_mapping() && i < size(); ++i) {
    if (const YamlNode name = key(i); name.is_scalar() && name.text() == wanted) return at(i);
  }
  return {};
}

}  // namespace astrofs
