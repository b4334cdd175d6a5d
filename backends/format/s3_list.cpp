#include "backends/format/s3_list.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "backends/format/dates.h"
#include "backends/format/percent.h"
#include "backends/format/xml_reader.h"

namespace astrofs {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// S3 writes quotes; some of its imitators leave them out, and If-Match needs them.
std::string quoted(std::string etag) {
  if (etag.empty() || etag.ends_with('"')) return etag;
  return '"' + etag + '"';
}

/// Follows the path of element names; the handlers below see the text of the innermost one.
class PathHandler : public XmlHandler {
 public:
  Result<void> start_element(std::string_view name, std::span<const XmlAttribute>) final {
    path_ += '/';
    path_ += name;
    text_.clear();
    return opened(path_);
  }
  Result<void> text(std::string_view text) final {
    text_ += text;
    return {};
  }
  Result<void> end_element(std::string_view) final {
    auto result = closed(path_, text_);
    path_.resize(path_.rfind('/'));
    text_.clear();
    return result;
  }

 protected:
  virtual Result<void> opened(std::string_view path) = 0;
  virtual Result<void> closed(std::string_view path, std::string& text) = 0;

 private:
  std::string path_, text_;
};

class ErrorReader final : public PathHandler {
 public:
  S3Error found;

 private:
  Result<void> opened(std::string_view path) override {
    if (path.starts_with("/Error/") || path == "/Error") return {};
    return fail(Errc::corrupt, "not an error answer of S3");
  }
  Result<void> closed(std::string_view path, std::string& text) override {
    if (path == "/Error/Code") found.code = std::move(text);
    if (path == "/Error/Message") found.message = std::move(text);
    return {};
  }
};

class ListReader final : public PathHandler {
 public:
  Result<S3Page> page() {
    if (url_encoded_) decode_names();
    if (page_.is_truncated && page_.next_token.empty()) {
      return fail(Errc::corrupt, "a truncated S3 listing without the token of its next page");
    }
    return std::move(page_);
  }
  /// Not a listing but an <Error>: what it says has to be read from the start.
  [[nodiscard]] bool is_error() const { return is_error_; }

 private:
  static constexpr std::string_view kContents = "/ListBucketResult/Contents";

  Result<void> opened(std::string_view path) override {
    if (path == "/Error") is_error_ = true;
    if (!path.starts_with("/ListBucketResult")) return fail(Errc::corrupt, "not a listing of S3");
    if (path == kContents) {
      object_ = S3Object{};
      has_size_ = false;
    }
    return {};
  }
  Result<void> closed(std::string_view path, std::string& text) override {
    if (path.starts_with(kContents)) return object(path.substr(kContents.size()), text);
    path.remove_prefix(std::string_view("/ListBucketResult").size());
    if (path == "/CommonPrefixes/Prefix") {
      page_.common_prefixes.push_back(std::move(text));
    } else if (path == "/IsTruncated") {
      page_.is_truncated = text == "true";
    } else if (path == "/NextContinuationToken") {
      page_.next_token = std::move(text);
    } else if (path == "/KeyCount") {
      page_.key_count = number(text);
    } else if (path == "/EncodingType") {
      url_encoded_ = text == "url";
    }
    return {};
  }
  Result<void> object(std::string_view field, std::string& text) {
    if (field == "/Key") {
      object_.key = std::move(text);
    } else if (field == "/Size") {
      const auto size = number(text);
      if (!size) return fail(Errc::corrupt, "an S3 listing with a size that is no number");
      object_.size = *size;
      has_size_ = true;
    } else if (field == "/ETag") {
      object_.etag = quoted(std::move(text));
    } else if (field == "/LastModified") {
      object_.last_modified = parse_iso8601(text).value_or(SysSeconds{});
    } else if (field.empty()) {
      if (object_.key.empty() || !has_size_)
        return fail(Errc::corrupt, "an S3 listing with an object that has no key or no size");
      page_.contents.push_back(std::move(object_));
    }
    return {};
  }
  /// EncodingType may stand behind the names it speaks of, so this comes last.
  void decode_names() {
    for (S3Object& object : page_.contents) object.key = percent_decode_plus(object.key);
    for (std::string& prefix : page_.common_prefixes) prefix = percent_decode_plus(prefix);
  }

  S3Page page_;
  S3Object object_;
  bool has_size_{false}, url_encoded_{false}, is_error_{false};
};

}  // namespace

Result<S3Page> parse_s3_list(std::string_view xml) {
  ListReader reader;
  const auto read = read_xml(xml, reader);
  if (reader.is_error()) {
    const auto error = parse_s3_error(xml);
    return tl::unexpected(error ? error_of(*error) : error.error());
  }
  if (!read) return tl::unexpected(read.error());
  return reader.page();
}

Result<S3Error> parse_s3_error(std::string_view xml) {
  ErrorReader reader;
  if (const auto read = read_xml(xml, reader); !read) return tl::unexpected(read.error());
  if (reader.found.code.empty()) return fail(Errc::corrupt, "an error answer of S3 without a code");
  return std::move(reader.found);
}

Error error_of(const S3Error& error) {
  constexpr std::array<std::string_view, 3> kMissing{"NoSuchKey", "NoSuchBucket", "NoSuchVersion"};
  constexpr std::array<std::string_view, 8> kDenied{
      "AccessDenied", "AllAccessDisabled", "AccountProblem",        "InvalidAccessKeyId",
      "ExpiredToken", "InvalidToken",      "SignatureDoesNotMatch", "TokenRefreshRequired"};
  const auto is_in = [&](const auto& codes) {
    return std::find(codes.begin(), codes.end(), error.code) != codes.end();
  };
  const Errc code = is_in(kMissing) ? Errc::not_found : is_in(kDenied) ? Errc::denied : Errc::unavailable;
  return {code, "S3 says " + error.code + (error.message.empty() ? "" : ": " + error.message)};
}

}  // namespace astrofs
