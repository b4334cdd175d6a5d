// XML as it streams by: elements and text to a handler, without a tree. The only door to expat.
// A document is a stranger's: no DTD entities (a document that declares one, or uses more than XML's own
// five, is refused), bounded depth, bounded text between two tags, bounded total. One thread at a time per
// reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"

namespace astrofs {

struct XmlAttribute {
  std::string_view name, value;  ///< name without prefix; valid during the call
};

/// Names come without namespace prefix: "vot:TABLE" is "TABLE". An error ends the parse and is what feed()
/// returns.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual Result<void> start_element(std::string_view name, std::span<const XmlAttribute> attributes) = 0;
  /// All text between two tags, whole, entities decoded, as UTF-8; not called for none. With
  /// XmlLimits::pieces in as many calls as it comes.
  virtual Result<void> text(std::string_view text) = 0;
  virtual Result<void> end_element(std::string_view name) = 0;
};

struct XmlLimits {
  std::uint64_t total{64ULL << 20};  ///< bytes of the document
  unsigned depth{64};                ///< no format of an archive comes near
  std::size_t text{1ULL << 20};      ///< bytes between two tags
  bool pieces{false};                ///< text is not put together, and the handler is who bounds it
  std::size_t attributes{256};       ///< of one element
};

class XmlReader {
 public:
  /// `handler` outlives the reader.
  explicit XmlReader(XmlHandler& handler, XmlLimits limits = {});
  ~XmlReader();
  XmlReader(const XmlReader&) = delete;
  XmlReader& operator=(const XmlReader&) = delete;

  /// The next piece, cut anywhere. Errors: corrupt (not well-formed, entities), too_large, or the handler's.
  /// After an error every further call returns it again.
  [[nodiscard]] Result<void> feed(std::string_view piece);
  /// No more comes: corrupt when the document is cut off.
  [[nodiscard]] Result<void> finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A document that is in memory whole.
[[nodiscard]] Result<void> read_xml(std::string_view xml, XmlHandler& handler, XmlLimits limits = {});

}  // namespace astrofs
