#include "backends/archive.h"

#include "backends/recipe.h"

namespace astrofs {

Entry directory_entry(std::string name, std::string locator, SysSeconds mtime) {
  Entry entry;
  entry.name = std::move(name);
  entry.kind = EntryKind::directory;
  entry.mtime = mtime;
  entry.locator = std::move(locator);
  return entry;
}

Entry link_entry(std::string name, std::string target) {
  Entry entry;
  entry.name = std::move(name);
  entry.kind = EntryKind::symlink;
  entry.locator = std::move(target);
  return entry;
}

std::string made_version(std::string_view bytes) {
  return "made:" + to_hex(sha256_prefix({bytes}));
}

Result<std::vector<http::Request>> Archive::seek(std::string_view locator, bool, std::stop_token) {
  return locate(locator);
}

Result<std::string> Archive::make(std::string_view locator, std::stop_token) {
  return fail(Errc::unsupported, "no file is made of " + std::string(locator));
}

Result<Recipe> Archive::recipe(std::string_view locator, std::stop_token) {
  return fail(Errc::unsupported, "no file is built of others for " + std::string(locator));
}

Result<OwnFile> OwnFiles::file(std::string_view path) const {
  return fail(Errc::unsupported, "no file is asked for here: " + std::string(path));
}

Result<std::optional<Entry>> Archive::find(std::string_view, std::string_view, std::stop_token) {
  return std::optional<Entry>{};
}

std::vector<std::string> Archive::other_names(std::string_view) const {
  return {};
}

std::optional<Digest> Archive::digest(std::string_view) const {
  return std::nullopt;
}

std::optional<LocalFile> Archive::local_file(std::string_view) const {
  return std::nullopt;
}

Result<UniqueFd> Archive::open_local(std::string_view) const {
  return fail(Errc::unsupported, "the files of this archive are fetched");
}

Result<FrameShape> Archive::shape(std::string_view) const {
  return fail(Errc::unsupported, "this archive does not know what a missing file looked like");
}

}  // namespace astrofs
