#include "backends/format/xml_reader.h"

#include <expat.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace astrofs {
namespace {

constexpr std::size_t kPiece = 16ULL << 20;  // expat counts in int: feed it far below 2 GiB at a time

std::string_view without_prefix(const XML_Char* name) {
  const std::string_view whole(name);
  const auto colon = whole.rfind(':');
  return colon == std::string_view::npos ? whole : whole.substr(colon + 1);
}

}  // namespace

class XmlReader::Impl {
 public:
  Impl(XmlHandler& handler, XmlLimits limits)
      : handler_(handler), limits_(limits), parser_(XML_ParserCreate(nullptr)) {
    if (parser_ == nullptr) {
      error_ = Error{Errc::too_large, "no memory for an XML parser"};
      return;
    }
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, &Impl::on_start, &Impl::on_end);
    XML_SetCharacterDataHandler(parser_, &Impl::on_text);
    XML_SetEntityDeclHandler(parser_, &Impl::on_entity);
    XML_SetSkippedEntityHandler(parser_, &Impl::on_skipped);
    XML_SetParamEntityParsing(parser_, XML_PARAM_ENTITY_PARSING_NEVER);
  }
  ~Impl() {
    if (parser_ != nullptr) XML_ParserFree(parser_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> feed(std::string_view piece, bool last) {
    if (error_) return tl::unexpected(*error_);
    if (finished_) return fail(Errc::invalid, "an XML document goes on after its end");
    total_ += piece.size();
    if (total_ > limits_.total) return refuse(Errc::too_large, "an XML document that is too long");
    do {
      const std::string_view part = piece.substr(0, kPiece);
      piece.remove_prefix(part.size());
      const bool end = last && piece.empty();
      if (XML_Parse(parser_, part.data(), static_cast<int>(part.size()), end ? 1 : 0) != XML_STATUS_OK) {
        if (error_) return tl::unexpected(*error_);
        return refuse(Errc::corrupt, std::string("not XML: ") + XML_ErrorString(XML_GetErrorCode(parser_)) +
                                         " in line " + std::to_string(XML_GetCurrentLineNumber(parser_)));
      }
    } while (!piece.empty());
    finished_ = last;
    return {};
  }

 private:
  static Impl& self(void* user) { return *static_cast<Impl*>(user); }
  static void on_start(void* user, const XML_Char* name, const XML_Char** attributes) {
    self(user).start(name, attributes);
  }
  static void on_end(void* user, const XML_Char* name) {
    Impl& me = self(user);
    --me.depth_;
    me.flush();
    if (!me.error_) me.note(me.handler_.end_element(without_prefix(name)));
  }
  static void on_text(void* user, const XML_Char* text, int length) {
    Impl& me = self(user);
    const auto size = static_cast<std::size_t>(length);
    if (me.error_) return;
    if (me.limits_.pieces) return me.note(me.handler_.text({text, size}));
    if (size > me.limits_.text - me.text_.size()) {
      me.stop({Errc::too_large, "an XML document with too long a text"});
      return;
    }
    me.text_.append(text, size);
  }
  static void on_entity(void* user, const XML_Char*, int, const XML_Char*, int, const XML_Char*,
                        const XML_Char*, const XML_Char*, const XML_Char*) {
    self(user).stop({Errc::corrupt, "an XML document that declares entities is not read"});
  }
  static void on_skipped(void* user, const XML_Char*, int) {
    self(user).stop({Errc::corrupt, "an XML document with an entity that it does not declare"});
  }

  void start(const XML_Char* name, const XML_Char** attributes) {
    flush();
    if (error_) return;
    if (++depth_ > limits_.depth) return stop({Errc::too_large, "an XML document that is nested too deep"});
    attributes_.clear();
    for (; *attributes != nullptr; attributes += 2) {
      if (attributes_.size() == limits_.attributes) {
        return stop({Errc::too_large, "an XML element with too many attributes"});
      }
      attributes_.push_back({without_prefix(attributes[0]), attributes[1]});
    }
    note(handler_.start_element(without_prefix(name), attributes_));
  }
  void flush() {
    if (text_.empty() || error_) return;
    note(handler_.text(text_));
    text_.clear();
  }
  void note(Result<void> result) {
    if (!result) stop(std::move(result.error()));
  }
  /// expat may call once more after it was told to stop; the handlers above look at error_ first.
  void stop(Error error) {
    if (error_) return;
    error_ = std::move(error);
    XML_StopParser(parser_, XML_FALSE);
  }
  Result<void> refuse(Errc code, std::string message) {
    error_ = Error{code, std::move(message)};
    return tl::unexpected(*error_);
  }

  XmlHandler& handler_;
  const XmlLimits limits_;
  XML_Parser parser_;
  std::optional<Error> error_;
  std::string text_;
  std::vector<XmlAttribute> attributes_;
  std::uint64_t total_{0};
  unsigned depth_{0};
  bool finished_{false};
};

XmlReader::XmlReader(XmlHandler& handler, XmlLimits limits)
    : impl_(std::make_unique<Impl>(handler, limits)) {}
XmlReader::~XmlReader() = default;

Result<void> XmlReader::feed(std::string_view piece) {
  return impl_->feed(piece, false);
}
Result<void> XmlReader::finish() {
  return impl_->feed({}, true);
}

Result<void> read_xml(std::string_view xml, XmlHandler& handler, XmlLimits limits) {
  XmlReader reader(handler, limits);
  if (auto fed = reader.feed(xml); !fed) return fed;
  return reader.finish();
}

}  // namespace astrofs
