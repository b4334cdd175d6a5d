#include "tests/support/sim_listings.h"

#include <fmt/format.h>

#include <array>

namespace astrofs::sim {
namespace {

std::string shown(const ListedEntry& entry) {
  return entry.name + (entry.directory ? "/" : "");
}

/// An absolute, dotted or odd name is written percent-encoded, '/' included; a test that wants it raw gives
/// `href`.
std::string link(const ListedEntry& entry) {
  return entry.href.empty() ? percent_encode(entry.name, "") + (entry.directory ? "/" : "")
                            : escape_markup(entry.href);
}

std::string parent_of(std::string_view path) {
  const auto slash = path.substr(0, path.size() - 1).rfind('/');
  return std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash + 1));
}

/// Long names are cut to `width` characters in the pages of nginx; the link is whole.
std::string cut_name(const std::string& name, std::size_t width) {
  return escape_markup(name.size() > width ? name.substr(0, width - 3) + "..>" : name);
}

std::string apache_page(std::string_view path, const std::vector<ListedEntry>& entries) {
  const std::string title = escape_markup(path.size() > 1 ? path.substr(0, path.size() - 1) : path);
  std::string page = fmt::format(
      "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<html>\n <head>\n  <title>Index of "
      "{0}</title>\n </head>\n "
      "<body>\n<h1>Index of {0}</h1>\n  <table>\n   <tr><th valign=\"top\"><img src=\"/icons/blank.gif\" "
      "alt=\"[ICO]\"></th>"
      "<th><a href=\"?C=N;O=D\">Name</a></th><th><a href=\"?C=M;O=A\">Last modified</a></th><th><a "
      "href=\"?C=S;O=A\">Size</a>"
      "</th><th><a href=\"?C=D;O=A\">Description</a></th></tr>\n   <tr><th colspan=\"5\"><hr></th></tr>\n",
      title);
  if (path != "/") {
    page += fmt::format(
        "<tr><td valign=\"top\"><img src=\"/icons/back.gif\" alt=\"[PARENTDIR]\"></td><td><a "
        "href=\"{}\">Parent Directory</a>"
        "</td><td>&nbsp;</td><td align=\"right\">  - </td><td>&nbsp;</td></tr>\n",
        escape_markup(percent_encode(parent_of(path))));
  }
  for (const ListedEntry& entry : entries) {
    page += fmt::format(
        "<tr><td valign=\"top\"><img src=\"/icons/{}.gif\" alt=\"[{}]\"></td><td><a href=\"{}\">{}</a></td>"
        "<td align=\"right\">{}  </td><td align=\"right\">{}</td><td>&nbsp;</td></tr>\n",
        entry.directory ? "folder" : "unknown", entry.directory ? "DIR" : "   ", link(entry),
        escape_markup(shown(entry)), format_utc(entry.mtime, "%Y-%m-%d %H:%M"),
        entry.directory ? "  - " : rounded_size(entry.size));
  }
  return page + "   <tr><th colspan=\"5\"><hr></th></tr>\n</table>\n</body></html>\n";
}

std::string nginx_page(std::string_view path, const std::vector<ListedEntry>& entries) {
  constexpr std::size_t kNameWidth = 50;  // as in its pages
  std::string page = fmt::format(
      "<html>\r\n<head><title>Index of {0}</title></head>\r\n<body>\r\n<h1>Index of {0}</h1><hr><pre><a "
      "href=\"../\">../</a>\r\n",
      escape_markup(path));
  for (const ListedEntry& entry : entries) {
    const std::string name = shown(entry);
    const std::size_t width = std::min(name.size(), kNameWidth);
    page += fmt::format("<a href=\"{}\">{}</a>{:{}} {} {:>19}\r\n", link(entry), cut_name(name, kNameWidth),
                        "", kNameWidth - width, format_utc(entry.mtime, "%d-%b-%Y %H:%M"),
                        entry.directory ? "-" : std::to_string(entry.size));
  }
  return page + "</pre><hr></body>\r\n</html>\r\n";
}

std::string json_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string nginx_json(const std::vector<ListedEntry>& entries) {
  std::string text = "[";
  for (const ListedEntry& entry : entries) {
    text +=
        fmt::format("{}\n{{ \"name\":\"{}\", \"type\":\"{}\", \"mtime\":\"{}\"", text.size() > 1 ? "," : "",
                    json_text(entry.name), entry.directory ? "directory" : "file", http_date(entry.mtime));
    if (!entry.directory) text += fmt::format(", \"size\":{}", entry.size);
    text += " }";
  }
  return text + "\n]\n";
}

std::string lighttpd_page(std::string_view path, const std::vector<ListedEntry>& entries) {
  std::string page = fmt::format(
      "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>Index of "
      "{0}</title>\n</head>\n<body>\n"
      "<h2>Index of {0}</h2>\n<div class=\"list\">\n<table summary=\"Directory Listing\" cellpadding=\"0\" "
      "cellspacing=\"0\">\n<thead>"
      "<tr><th class=\"n\">Name</th><th class=\"m\">Last Modified</th><th class=\"s\">Size</th><th "
      "class=\"t\">Type</th></tr>"
      "</thead>\n<tbody>\n<tr class=\"d\"><td class=\"n\"><a href=\"../\">..</a>/</td><td "
      "class=\"m\">&nbsp;</td>"
      "<td class=\"s\">- &nbsp;</td><td class=\"t\">Directory</td></tr>\n",
      escape_markup(path));
  for (const ListedEntry& entry : entries) {
    page += fmt::format(
        "<tr{}><td class=\"n\"><a href=\"{}\">{}</a>{}</td><td class=\"m\">{}</td><td class=\"s\">{}</td><td "
        "class=\"t\">{}</td></tr>\n",
        entry.directory ? " class=\"d\"" : "", link(entry), escape_markup(entry.name),
        entry.directory ? "/" : "", format_utc(entry.mtime, "%Y-%b-%d %H:%M:%S"),
        entry.directory ? "- &nbsp;" : rounded_size(entry.size),
        entry.directory ? "Directory" : "application/octet-stream");
  }
  return page + "</tbody>\n</table>\n</div>\n<div class=\"foot\">lighttpd</div>\n</body>\n</html>\n";
}

// An opaque token as S3's: it has characters that must be percent-encoded in a query.
constexpr std::string_view kTokenFront = "1/+";
constexpr std::string_view kTokenBack = "==";

std::string token_of(const std::string& from) {
  std::string token(kTokenFront);
  for (const char c : from) token += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return token.append(kTokenBack);
}

std::optional<std::string> from_token(std::string_view token) {
  if (!token.starts_with(kTokenFront) || !token.ends_with(kTokenBack)) return std::nullopt;
  token.remove_prefix(kTokenFront.size());
  token.remove_suffix(kTokenBack.size());
  std::string percent;
  for (std::size_t at = 0; at + 1 < token.size(); at += 2) percent.append("%").append(token.substr(at, 2));
  return percent_decode(percent, false);
}

struct PageRequest {
  std::string prefix, delimiter, start_after, token;
  bool url_encoded{false};
  std::size_t most{1000};
};

std::string bucket_page(const PageRequest& asked, const Bucket& bucket, const ContentTree::KeyPage& page) {
  const auto write = [&](std::string_view text) {
    return asked.url_encoded ? percent_encode(text) : escape_markup(text);
  };
  const bool more = !page.next.empty() || bucket.token_repeats;
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Name>{}</Name><Prefix>{}</Prefix>",
      escape_markup(bucket.name), write(asked.prefix));
  if (!asked.start_after.empty()) xml += fmt::format("<StartAfter>{}</StartAfter>", write(asked.start_after));
  if (!asked.token.empty())
    xml += fmt::format("<ContinuationToken>{}</ContinuationToken>", escape_markup(asked.token));
  if (more) {
    const std::string next =
        bucket.token_repeats ? token_of(bucket.root + asked.prefix) : token_of(page.next);
    xml += fmt::format("<NextContinuationToken>{}</NextContinuationToken>", next);
  }
  xml += fmt::format("<KeyCount>{}</KeyCount><MaxKeys>{}</MaxKeys>", page.entries.size(), asked.most);
  if (!asked.delimiter.empty()) xml += fmt::format("<Delimiter>{}</Delimiter>", write(asked.delimiter));
  if (asked.url_encoded) xml += "<EncodingType>url</EncodingType>";
  xml += fmt::format("<IsTruncated>{}</IsTruncated>", more);
  std::string prefixes;
  for (const ListedEntry& entry : page.entries) {
    const std::string name = write(std::string_view(entry.name).substr(bucket.root.size()));
    if (entry.directory) {
      prefixes += fmt::format("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", name);
    } else {
      xml += fmt::format(
          "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size>"
          "<StorageClass>INTELLIGENT_TIERING</StorageClass></Contents>",
          name, format_utc(entry.mtime, "%Y-%m-%dT%H:%M:%S.000Z"), escape_markup(entry.etag), entry.size);
    }
  }
  return xml + prefixes + "</ListBucketResult>";
}

}  // namespace

std::string rounded_size(std::uint64_t bytes) {
  if (bytes < 973) return fmt::format("{:>3} ", bytes);
  constexpr std::string_view kUnits = "KMGTP";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 973 && unit + 1 < kUnits.size()) {  // beyond it four digits would be needed
    value /= 1024;
    ++unit;
  }
  return value < 9.95 ? fmt::format("{:.1f}{}", value, kUnits[unit])
                      : fmt::format("{:3.0f}{}", value, kUnits[unit]);
}

Reply index_reply(ListingStyle style, std::string_view path, const std::vector<ListedEntry>& entries) {
  switch (style) {
    case ListingStyle::apache:
      return text_reply(200, apache_page(path, entries), "text/html;charset=UTF-8");
    case ListingStyle::nginx:
      return text_reply(200, nginx_page(path, entries), "text/html");
    case ListingStyle::nginx_json:
      return text_reply(200, nginx_json(entries), "application/json");
    case ListingStyle::lighttpd:
      return text_reply(200, lighttpd_page(path, entries), "text/html; charset=utf-8");
    case ListingStyle::none:
      break;
  }
  return error_reply(403, path);
}

Reply s3_error(int status, std::string_view code, std::string_view message, std::string_view resource) {
  return text_reply(
      status,
      fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>"
                  "<Resource>{}</Resource><RequestId>4442587FB7D0A2F9</RequestId></Error>",
                  code, message, escape_markup(resource)),
      "application/xml");
}

Reply bucket_reply(const HttpRequest& request, const ContentTree& tree, const Bucket& bucket) {
  constexpr std::size_t kMostKeys = 1000;  // S3 never gives more in a page
  PageRequest asked;
  asked.prefix = request.parameter("prefix").value_or("");
  asked.delimiter = request.parameter("delimiter").value_or("");
  asked.start_after = request.parameter("start-after").value_or("");
  asked.token = request.parameter("continuation-token").value_or("");
  asked.url_encoded = request.parameter("encoding-type").value_or("") == "url";
  if (const auto most = request.parameter("max-keys")) {
    if (most->empty() || most->find_first_not_of("0123456789") != std::string::npos || most->size() > 9) {
      return s3_error(400, "InvalidArgument", "Argument max-keys must be an integer", request.path);
    }
    asked.most = std::min<std::size_t>(kMostKeys, std::stoul(*most));
  }
  std::string from = asked.start_after.empty() ? std::string{} : bucket.root + asked.start_after + '\0';
  if (!asked.token.empty()) {
    const auto decoded = from_token(asked.token);
    if (!decoded)
      return s3_error(400, "InvalidArgument", "The continuation token provided is incorrect", request.path);
    from = *decoded;
  }
  if (asked.most == 0) return text_reply(200, bucket_page(asked, bucket, {}), "application/xml");
  const auto page = tree.keys(bucket.root + asked.prefix, asked.delimiter, from, asked.most);
  return text_reply(200, bucket_page(asked, bucket, page), "application/xml");
}

}  // namespace astrofs::sim
