// What the stand-in archive holds: resources, and the tree of paths from which every protocol is answered.
// One tree per ArchiveSim; any thread, also while the server runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace astrofs::sim {

/// Fill `into` with the bytes from `offset` on; never asked beyond the size. Called from many threads.
using ReadBytes = std::function<void(std::uint64_t offset, std::span<std::byte> into)>;

struct Resource {
  std::uint64_t size{0};
  ReadBytes read;
  std::string etag;            ///< with its quotes; "" = none is sent
  SysSeconds last_modified{};  ///< 0 = none is sent
  std::string content_type{"application/octet-stream"};
};
using ResourcePtr = std::shared_ptr<const Resource>;

struct ResourceOptions {
  std::optional<std::string> etag{};  ///< unset: made of path and size; "" = no ETag
  std::optional<SysSeconds> last_modified{
      SysSeconds(seconds(1'620'728'520))};  ///< 2021-05-11 10:22, the great reprocessing
  std::string content_type{};               ///< "": by the name's ending
};

/// One line of a listing.
struct ListedEntry {
  std::string name;  ///< as the archive would write it, hostile or not
  bool directory{false};
  std::uint64_t size{0};
  SysSeconds mtime{};
  std::string etag{};
  std::string href{};  ///< written as it is into HTML; "": the name, percent-encoded
};

/// Files that follow from a rule: far more of them than anybody would hold. Keys have no leading '/'.
class RuledFiles {
 public:
  virtual ~RuledFiles() = default;
  /// The least key that is not less than this one.
  [[nodiscard]] virtual std::optional<std::string> first_from(std::string_view key) const = 0;
  [[nodiscard]] virtual ResourcePtr find(std::string_view key) const = 0;
};

enum class ListingStyle : unsigned char { none, apache, nginx, nginx_json, lighttpd };
[[nodiscard]] std::optional<ListingStyle> listing_style_of(std::string_view name);

/// Paths begin with '/'; a prefix is a directory and may end with one.
class ContentTree {
 public:
  void put(const std::string& path, ResourcePtr resource) EXCLUDES(mutex_);
  void put(const std::string& path, std::uint64_t size, ReadBytes read, const ResourceOptions& options)
      EXCLUDES(mutex_);
  void remove(const std::string& path) EXCLUDES(mutex_);
  /// A directory on disk, looked at when asked, never outside it.
  void mount(std::string prefix, std::string directory) EXCLUDES(mutex_);
  void add_rule(std::shared_ptr<const RuledFiles> rule) EXCLUDES(mutex_);
  /// Paths below `prefix` are those below `target`.
  void alias(std::string prefix, std::string target) EXCLUDES(mutex_);
  void set_style(std::string prefix, ListingStyle style) EXCLUDES(mutex_);
  /// Shown in the listings of `directory` beside what is there.
  void inject(std::string directory, ListedEntry entry) EXCLUDES(mutex_);
  /// Listed but 404 wherever a path or product ends in this name.
  void deny(std::string name) EXCLUDES(mutex_);
  void allow(const std::string& name) EXCLUDES(mutex_);

  [[nodiscard]] ResourcePtr find(std::string_view path) const EXCLUDES(mutex_);
  /// By its last path component, as MAST's product URIs name it.
  [[nodiscard]] ResourcePtr find_product(const std::string& name) const EXCLUDES(mutex_);
  [[nodiscard]] ListingStyle style_of(std::string_view path) const EXCLUDES(mutex_);
  /// nullopt: no such directory. Sorted by name.
  [[nodiscard]] std::optional<std::vector<ListedEntry>> list(std::string_view directory) const
      EXCLUDES(mutex_);

  struct KeyPage {
    std::vector<ListedEntry> entries;  ///< names are whole keys; a directory is a common prefix
    std::string next;                  ///< where the following page begins; "" = there is none
  };
  /// S3's view: keys without the leading '/', in byte order, from `from` on.
  [[nodiscard]] KeyPage keys(const std::string& prefix, const std::string& delimiter, std::string from,
                             std::size_t most) const EXCLUDES(mutex_);

 private:
  using Keys = std::multimap<std::string, ListedEntry, std::less<>>;
  [[nodiscard]] std::string resolve(std::string_view path) const REQUIRES(mutex_);
  [[nodiscard]] ResourcePtr find_locked(std::string_view path) const REQUIRES(mutex_);
  [[nodiscard]] Keys extra_keys(const std::string& prefix) const REQUIRES(mutex_);
  [[nodiscard]] std::optional<std::string> ruled_from(std::string_view key) const REQUIRES(mutex_);
  [[nodiscard]] ResourcePtr ruled_file(std::string_view key) const REQUIRES(mutex_);
  void add_ruled(const std::string& prefix, std::vector<ListedEntry>& entries) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, ResourcePtr, std::less<>> files_ GUARDED_BY(mutex_);  ///< by key: no leading '/'
  std::map<std::string, std::string> products_ GUARDED_BY(mutex_);            ///< last component -> key
  std::vector<std::shared_ptr<const RuledFiles>> rules_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> mounts_ GUARDED_BY(mutex_);  ///< key prefix with '/' -> directory
  std::map<std::string, std::string> aliases_ GUARDED_BY(mutex_);
  std::map<std::string, ListingStyle> styles_ GUARDED_BY(mutex_);
  std::multimap<std::string, ListedEntry> injected_ GUARDED_BY(mutex_);
  std::set<std::string, std::less<>> denied_ GUARDED_BY(mutex_);
};

/// A file on disk, read when asked; nullptr when there is none.
[[nodiscard]] ResourcePtr file_resource(const std::string& path, const ResourceOptions& options = {});
[[nodiscard]] ReadBytes read_from_text(std::string text);
/// A strong ETag that looks like an MD5, from whatever names the version.
[[nodiscard]] std::string etag_of(std::string_view version);

}  // namespace astrofs::sim
