#include "fs/xattrs.h"

#include "base/file_name.h"
#include "base/redact.h"
#include "fs/remote_source.h"
#include "fs/verifier.h"

namespace astrofs {
namespace {

constexpr std::string_view kPrefix = "user.astrofs.";
constexpr std::string_view kUrl = "url";

std::string etag_of(const Vfs& vfs, const Node& node) {
  if (node.validator.starts_with('"')) return node.validator;
  const Result<ObjectState> object = vfs.parts().catalog.object(vfs.parts().archives.version(node).object);
  if (!object) return "";
  for (const auto& [origin, validator] : parse_etags(object->etags)) {
    if (validator.starts_with('"')) return validator;  // dates and weak ones are no ETags to show
  }
  return "";
}

std::string value_of(const Vfs& vfs, const Node& node, std::string_view key,
                     const std::string& control_socket) {
  if (key == "control") return node.id == kRootNode ? control_socket : "";
  if (key == "source") {
    const MountedArchive* archive = vfs.parts().archives.of(node);
    return archive ? archive->name : "";
  }
  if (key == "name") {
    const std::string raw = decode_file_name(node.name);
    return raw == node.name ? "" : raw;
  }
  if (node.kind != NodeKind::file) return "";
  if (key == "state") return std::string(name_of(vfs.state_of(node)));
  if (key == "cached") {
    const bool is_here = is_local(vfs.parts().archives.of(node));
    return std::to_string(is_here ? node.size.value_or(0) : vfs.attr_of(node).cached_bytes);
  }
  if (key == "verified") {
    if (node.missing || !node.size) return std::string(name_of(Standing::unavailable));
    const Vfs::Parts& parts = vfs.parts();
    return std::string(
        name_of(standing_of(parts.catalog, parts.cache, parts.archives.version(node)).standing));
  }
  if (key == "placeholder") return node.missing ? "1" : "";
  if (key == "etag") return etag_of(vfs, node);
  if (key == kUrl) {
    const std::vector<std::string> urls = source_urls(vfs, node);
    return urls.empty() ? "" : urls.front();
  }
  return "";
}

}  // namespace

std::vector<std::string> source_urls(const Vfs& vfs, const Node& node) {
  const MountedArchive* archive = vfs.parts().archives.of(node);
  if (archive == nullptr || node.kind != NodeKind::file) return {};
  if (const auto local = archive->archive->local_file(node.locator)) return {local->path};
  const Result<std::vector<http::Request>> mirrors = archive->archive->locate(node.locator);
  std::vector<std::string> urls;
  if (mirrors) {
    // An address of the moment may be signed anywhere in it, so no more than whose it is.
    const bool is_signed = archive->archive->signs_addresses(node.locator);
    for (const http::Request& request : *mirrors) {
      urls.push_back(is_signed ? request.origin() : redact(request.url));
    }
  }
  return urls;
}

bool xattr_asks_disk(std::string_view name) {
  return name.starts_with(kPrefix) && name.substr(kPrefix.size()) == kUrl;
}

Result<std::string> get_xattr(const Vfs& vfs, const Node& node, std::string_view name,
                              const std::string& control_socket) {
  if (!name.starts_with(kPrefix)) return fail(Errc::not_found, "no such attribute");
  std::string value = value_of(vfs, node, name.substr(kPrefix.size()), control_socket);
  if (value.empty()) return fail(Errc::not_found, "no such attribute");
  return value;
}

std::vector<std::string> list_xattrs(const Vfs& vfs, const Node& node) {
  const MountedArchive* const archive = vfs.parts().archives.of(node);
  std::vector<std::string> names;
  for (const std::string_view key :
       {"state", "url", "etag", "cached", "verified", "source", "name", "placeholder"}) {
    const bool is_known = key == kUrl && is_local(archive) && node.kind == NodeKind::file;
    if (is_known || !value_of(vfs, node, key, "").empty())
      names.push_back(std::string(kPrefix) + std::string(key));
  }
  if (node.id == kRootNode) names.push_back(std::string(kPrefix) + "control");
  return names;
}

}  // namespace astrofs
