// YAML as a tree that is small: one document, twenty bytes a node, text in one piece. The only door to
// libfyaml. A document is a stranger's: bounded size, depth, nodes, keys and tags; aliases share the node
// that they name and are never expanded, so whoever walks the tree bounds his walk. YamlTree is immutable
// after parse(): any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace astrofs {

struct YamlLimits {
  std::size_t total{64ULL << 20};  ///< bytes; a dataset of 77,694 frames has 5 MiB
  std::size_t nodes{4'000'000};    ///< 80 MB of tree; the same dataset has 90,000
  std::size_t depth{128};          ///< coordinate systems nest some 30 deep
  std::size_t keys{16'384};        ///< of one mapping: they are looked up one by one
  std::size_t tags{4'096};         ///< different ones; real files have 60
  std::size_t tag_length{1'024};   ///< with the prefix that a %TAG line gives it
};

struct YamlStore;

/// A place in a YamlTree, valid as long as the tree (also when that is moved). What is not there is a node
/// too, the absent one, and everything asked of it is absent or empty.
class YamlNode {
 public:
  YamlNode() = default;
  explicit operator bool() const { return store_ != nullptr; }
  [[nodiscard]] bool is_scalar() const;
  [[nodiscard]] bool is_sequence() const;
  [[nodiscard]] bool is_mapping() const;
  /// A scalar that was written without quotes: only such a one can be null, a number or a truth value.
  [[nodiscard]] bool is_plain() const;
  /// Absent, or one of YAML's words for nothing.
  [[nodiscard]] bool is_null() const;

  /// Of a scalar, unescaped; "" for all others.
  [[nodiscard]] std::string_view text() const;
  /// With its prefix: "tag:stsci.edu:asdf/core/ndarray-1.0.0". "" = none.
  [[nodiscard]] std::string_view tag() const;
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::optional<double> real() const;  ///< integers too
  [[nodiscard]] std::optional<bool> boolean() const;

  /// Elements of a sequence, pairs of a mapping.
  [[nodiscard]] std::size_t size() const;
  /// Element i, or the value of pair i.
  [[nodiscard]] YamlNode at(std::size_t i) const;
  [[nodiscard]] YamlNode key(std::size_t i) const;
  /// The value of the first such key.
  [[nodiscard]] YamlNode operator[](std::string_view key) const;
  /// Two places are one where an alias says so.
  friend bool operator==(const YamlNode&, const YamlNode&) = default;

 private:
  friend class YamlTree;
  YamlNode(const YamlStore* store, std::uint32_t id) : store_(store), id_(id) {}

  const YamlStore* store_{nullptr};
  std::uint32_t id_{0};
};

class YamlTree {
 public:
  /// The first document of `text`. Errors: corrupt (with the line), too_large.
  [[nodiscard]] static Result<YamlTree> parse(std::string_view text, const YamlLimits& limits = {});
  ~YamlTree();
  YamlTree(YamlTree&&) noexcept;
  YamlTree& operator=(YamlTree&&) noexcept;

  [[nodiscard]] YamlNode root() const;

 private:
  explicit YamlTree(std::unique_ptr<YamlStore> store);
  std::unique_ptr<YamlStore> store_;
};

}  // namespace astrofs
