#include "tests/support/sim_content.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "base/hash.h"
#include "base/unique_fd.h"

namespace astrofs::sim {
namespace {

namespace fs = std::filesystem;

/// "/a/b/" and "a/b" become the key prefix "a/b/"; "/" becomes "".
std::string key_prefix(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.empty() ? std::string{} : std::string(path) + '/';
}

std::string key_of(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  return std::string(path);
}

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string content_type_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes{
      {{".fits", "image/fits"},
       {".html", "text/html"},
       {".txt", "text/plain"},
       {".sh", "application/x-sh"},
       {".json", "application/json"},
       {".csv", "text/csv"},
       {".xml", "application/xml"},
       {".gz", "application/gzip"},
       {".pdf", "application/pdf"}}};
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return std::string(type);
  }
  return "application/octet-stream";
}

ListedEntry line_of(std::string name, const Resource& resource) {
  return {
      .name = std::move(name), .size = resource.size, .mtime = resource.last_modified, .etag = resource.etag};
}

/// `relative` must not leave the mounted directory, by dots or by symbolic links.
std::optional<std::string> path_inside(const std::string& directory, std::string_view relative) {
  if (relative.find('\0') != std::string_view::npos) return std::nullopt;
  std::error_code error;
  const fs::path root = fs::canonical(directory, error);
  if (error) return std::nullopt;
  const fs::path path = fs::canonical(root / fs::path(relative), error);
  if (error || std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first != root.end()) {
    return std::nullopt;
  }
  return path.string();
}

/// False when there is no such directory.
bool add_disk_entries(const std::string& directory, std::vector<ListedEntry>& entries) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) return false;
  for (const fs::directory_entry& found : fs::directory_iterator(directory, error)) {
    struct stat status {};
    if (::stat(found.path().c_str(), &status) != 0) continue;
    entries.push_back({.name = found.path().filename().string(),
                       .directory = S_ISDIR(status.st_mode),
                       .size = static_cast<std::uint64_t>(status.st_size),
                       .mtime = SysSeconds(seconds(status.st_mtim.tv_sec))});
  }
  return true;
}

}  // namespace

std::optional<ListingStyle> listing_style_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, ListingStyle>, 5> kNames{
      {{"none", ListingStyle::none},
       {"apache", ListingStyle::apache},
       {"nginx", ListingStyle::nginx},
       {"nginx_json", ListingStyle::nginx_json},
       {"lighttpd", ListingStyle::lighttpd}}};
  for (const auto& [word, style] : kNames) {
    if (word == name) return style;
  }
  return std::nullopt;
}

std::string etag_of(std::string_view version) {
  const Hash128 hash = sha256_prefix({version});
  return '"' + to_hex(hash) + '"';
}

ReadBytes read_from_text(std::string text) {
  return [shared = std::make_shared<const std::string>(std::move(text))](std::uint64_t offset,
                                                                         std::span<std::byte> into) {
    std::memcpy(into.data(), shared->data() + offset, into.size());
  };
}

ResourcePtr file_resource(const std::string& path, const ResourceOptions& options) {
  auto fd = std::make_shared<UniqueFd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!*fd || ::fstat(fd->get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  auto resource = std::make_shared<Resource>();
  resource->size = static_cast<std::uint64_t>(status.st_size);
  resource->last_modified = SysSeconds(seconds(status.st_mtim.tv_sec));
  resource->etag = options.etag.value_or(etag_of(fmt::format("{} {} {}.{}", status.st_ino, status.st_size,
                                                             status.st_mtim.tv_sec, status.st_mtim.tv_nsec)));
  resource->content_type = options.content_type.empty() ? content_type_of(path) : options.content_type;
  resource->read = [fd](std::uint64_t offset, std::span<std::byte> into) {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got =
          ::pread(fd->get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (got <= 0) break;  // cut while being served: the rest reads as zeros
      done += static_cast<std::size_t>(got);
    }
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(done), into.end(), std::byte{0});
  };
  return resource;
}

void ContentTree::put(const std::string& path, ResourcePtr resource) {
  const MutexLock lock(mutex_);
  const std::string key = key_of(path);
  products_[std::string(last_component(key))] = key;
  files_[key] = std::move(resource);
}

void ContentTree::put(const std::string& path, std::uint64_t size, ReadBytes read,
                      const ResourceOptions& options) {
  auto resource = std::make_shared<Resource>();
  resource->size = size;
  resource->read = std::move(read);
  resource->etag = options.etag.value_or(etag_of(fmt::format("{} {}", path, size)));
  resource->last_modified = options.last_modified.value_or(SysSeconds{});
  resource->content_type = options.content_type.empty() ? content_type_of(path) : options.content_type;
  put(path, std::move(resource));
}

void ContentTree::remove(const std::string& path) {
  const MutexLock lock(mutex_);
  const std::string key = key_of(path);
  files_.erase(key);
  const auto product = products_.find(std::string(last_component(key)));
  if (product != products_.end() && product->second == key) products_.erase(product);
}

void ContentTree::mount(std::string prefix, std::string directory) {
  const MutexLock lock(mutex_);
  mounts_[key_prefix(prefix)] = std::move(directory);
}

void ContentTree::add_rule(std::shared_ptr<const RuledFiles> rule) {
  const MutexLock lock(mutex_);
  rules_.push_back(std::move(rule));
}

std::optional<std::string> ContentTree::ruled_from(std::string_view key) const {
  std::optional<std::string> least;
  for (const auto& rule : rules_) {
    auto found = rule->first_from(key);
    if (found && (!least || *found < *least)) least = std::move(found);
  }
  return least;
}

ResourcePtr ContentTree::ruled_file(std::string_view key) const {
  for (const auto& rule : rules_) {
    if (ResourcePtr resource = rule->find(key)) return resource;
  }
  return nullptr;
}

/// Children of a directory that rules give.
void ContentTree::add_ruled(const std::string& prefix, std::vector<ListedEntry>& entries) const {
  const auto others = static_cast<std::ptrdiff_t>(entries.size());
  std::string from = prefix;
  for (auto key = ruled_from(from); key && key->starts_with(prefix); key = ruled_from(from)) {
    const auto slash = key->find('/', prefix.size());
    const std::string name = key->substr(prefix.size(), slash - prefix.size());
    if (slash == std::string::npos) {
      entries.push_back(line_of(name, *ruled_file(*key)));
      from = *key + '\0';
    } else {
      const auto end = entries.begin() + others;
      if (std::ranges::find(entries.begin(), end, name, &ListedEntry::name) == end)
        entries.push_back({.name = name, .directory = true, .mtime = *ResourceOptions{}.last_modified});
      from = prefix + name + static_cast<char>('/' + 1);
    }
  }
}

void ContentTree::alias(std::string prefix, std::string target) {
  const MutexLock lock(mutex_);
  aliases_[key_prefix(prefix)] = key_prefix(target);
}

void ContentTree::set_style(std::string prefix, ListingStyle style) {
  const MutexLock lock(mutex_);
  styles_[key_prefix(prefix)] = style;
}

void ContentTree::inject(std::string directory, ListedEntry entry) {
  const MutexLock lock(mutex_);
  injected_.emplace(resolve(key_prefix(directory)), std::move(entry));
}

void ContentTree::deny(std::string name) {
  const MutexLock lock(mutex_);
  denied_.insert(std::move(name));
}

void ContentTree::allow(const std::string& name) {
  const MutexLock lock(mutex_);
  denied_.erase(name);
}

std::string ContentTree::resolve(std::string_view path) const {
  const std::string key = key_of(path);
  for (const auto& [prefix, target] : aliases_) {
    if (key.starts_with(prefix)) return target + key.substr(prefix.size());
  }
  return key;
}

ResourcePtr ContentTree::find_locked(std::string_view path) const {
  const std::string key = resolve(path);
  if (denied_.contains(last_component(key))) return nullptr;
  if (const auto found = files_.find(key); found != files_.end()) return found->second;
  if (ResourcePtr resource = ruled_file(key)) return resource;
  for (const auto& [prefix, directory] : mounts_) {
    if (!key.starts_with(prefix)) continue;
    const auto inside = path_inside(directory, std::string_view(key).substr(prefix.size()));
    if (ResourcePtr resource = inside ? file_resource(*inside) : nullptr) return resource;
  }
  return nullptr;
}

ResourcePtr ContentTree::find(std::string_view path) const {
  const MutexLock lock(mutex_);
  return find_locked(path);
}

ResourcePtr ContentTree::find_product(const std::string& name) const {
  const MutexLock lock(mutex_);
  const auto found = products_.find(name);
  return found == products_.end() ? nullptr : find_locked(found->second);
}

ListingStyle ContentTree::style_of(std::string_view path) const {
  const MutexLock lock(mutex_);
  const std::string key = key_of(path);
  ListingStyle style = ListingStyle::apache;
  for (const auto& [prefix, chosen] : styles_) {  // in order, so the longest prefix comes last
    if (key.starts_with(prefix)) style = chosen;
  }
  return style;
}

ContentTree::Keys ContentTree::extra_keys(const std::string& prefix) const {
  Keys keys;
  for (const auto& [directory, entry] : injected_) {
    keys.emplace(directory + entry.name + (entry.directory ? "/" : ""), entry);
  }
  for (const auto& [mounted, directory] : mounts_) {
    if (!mounted.starts_with(prefix) && !prefix.starts_with(mounted)) continue;
    std::error_code error;
    for (const fs::directory_entry& found : fs::recursive_directory_iterator(directory, error)) {
      struct stat status {};
      if (::stat(found.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
      const ResourcePtr resource = file_resource(found.path().string());
      const std::string key = mounted + fs::relative(found.path(), directory).string();
      if (resource != nullptr && key.starts_with(prefix)) keys.emplace(key, line_of({}, *resource));
    }
  }
  return keys;
}

ContentTree::KeyPage ContentTree::keys(const std::string& prefix, const std::string& delimiter,
                                       std::string from, std::size_t most) const {
  const MutexLock lock(mutex_);
  const Keys extra = extra_keys(prefix);
  from = std::max(from, prefix);
  KeyPage page;
  for (;;) {
    const auto file = files_.lower_bound(from);
    const auto other = extra.lower_bound(from);
    const auto ruled = ruled_from(from);
    std::optional<std::string> least = ruled;
    if (file != files_.end() && (!least || file->first < *least)) least = file->first;
    if (other != extra.end() && (!least || other->first < *least)) least = other->first;
    if (!least || !least->starts_with(prefix)) return page;
    const std::string key = *std::move(least);
    if (page.entries.size() >= most) {
      page.next = from;
      return page;
    }
    const auto cut = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
    if (cut != std::string::npos) {
      from = key.substr(0, cut + delimiter.size());
      page.entries.push_back({.name = from, .directory = true});
      from.back() = static_cast<char>(from.back() + 1);  // behind everything below this prefix
      continue;
    }
    if (file != files_.end() && file->first == key) page.entries.push_back(line_of(key, *file->second));
    if (ruled == key) page.entries.push_back(line_of(key, *ruled_file(key)));
    for (auto [twin, end] = extra.equal_range(key); twin != end; ++twin) {
      page.entries.push_back(twin->second);
      page.entries.back().name = key;
    }
    from = key + '\0';
  }
}

std::optional<std::vector<ListedEntry>> ContentTree::list(std::string_view directory) const {
  const MutexLock lock(mutex_);
  const std::string prefix = resolve(key_prefix(directory));
  bool exists = prefix.empty();
  std::vector<ListedEntry> entries;
  for (auto file = files_.lower_bound(prefix); file != files_.end() && file->first.starts_with(prefix);) {
    exists = true;
    const auto slash = file->first.find('/', prefix.size());
    const std::string name = file->first.substr(prefix.size(), slash - prefix.size());
    if (slash == std::string::npos) {
      entries.push_back(line_of(name, *file->second));
      ++file;
    } else {
      entries.push_back({.name = name, .directory = true, .mtime = file->second->last_modified});
      file = files_.lower_bound(file->first.substr(0, slash) + static_cast<char>('/' + 1));
    }
  }
  const auto add_child = [&](const std::string& below) {  // a mount or an alias further down
    if (below.size() <= prefix.size() || !below.starts_with(prefix)) return;
    const std::string name = below.substr(prefix.size(), below.find('/', prefix.size()) - prefix.size());
    if (std::ranges::find(entries, name, &ListedEntry::name) != entries.end()) return;
    exists = true;
    entries.push_back({.name = name, .directory = true, .mtime = *ResourceOptions{}.last_modified});
  };
  for (const auto& [below, target] : aliases_) {
    if (const auto file = files_.lower_bound(target); file != files_.end() && file->first.starts_with(target))
      add_child(below);
  }
  for (const auto& [mounted, root] : mounts_) {
    add_child(mounted);
    if (!prefix.starts_with(mounted)) continue;
    const auto inside = path_inside(root, std::string_view(prefix).substr(mounted.size()));
    if (inside && add_disk_entries(*inside, entries)) exists = true;
  }
  for (auto [line, end] = injected_.equal_range(prefix); line != end; ++line) {
    exists = true;
    entries.push_back(line->second);
  }
  add_ruled(prefix, entries);
  exists = exists || !entries.empty();
  if (!exists) return std::nullopt;
  std::ranges::sort(entries, {}, &ListedEntry::name);
  return entries;
}

}  // namespace astrofs::sim
