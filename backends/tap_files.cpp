#include "backends/tap_files.h"

#include <algorithm>

#include "backends/settle.h"
#include "base/file_name.h"

namespace astrofs {
namespace {

// Names are the configuration's.
constexpr std::chrono::hours kConstant{24 * 365};

/// Its size is known when it is made.
Entry entry_of(std::string name) {
  Entry entry;
  entry.locator = name;
  entry.name = std::move(name);
  return entry;
}

}  // namespace

TapArchive::TapArchive(std::string url, std::vector<QueryFile> files, std::chrono::seconds good_for,
                       VoAccess access, http::Fetcher& fetcher, const Clock& clock,
                       tap::Tables::Limits limits)
    : files_(std::move(files)),
      good_for_(good_for),
      client_(std::move(url), VoProtocol::tap, std::move(access), fetcher, clock),
      jobs_(
          client_.url(), [this](http::Request& request) { client_.sign(request); },
          [this] { return client_.scope(); }, fetcher),
      tables_(client_, jobs_, clock, limits) {}

const QueryFile* TapArchive::file_of(std::string_view name) const {
  const auto found =
      std::ranges::find_if(files_, [&](const QueryFile& file) { return file.name.match(name).has_value(); });
  return found == files_.end() ? nullptr : &*found;
}

Result<std::variant<Listing, NotModified>> TapArchive::list(std::string_view dir, std::string_view token,
                                                            std::stop_token stop) {
  if (stop.stop_requested()) return fail(Errc::interrupted, "the mount is ending");
  if (!dir.empty()) return fail(Errc::not_found, "no such directory: " + std::string(dir));
  std::vector<Entry> entries;
  for (const QueryFile& file : files_) {
    if (file.name.fields().empty()) entries.push_back(entry_of(file.name.text()));
  }
  // Names that were found stay where they have led to a file; what was asked for in vain is forgotten.
  if (own_ != nullptr && !token.empty()) {
    const auto seen = own_->files("", [&](const OwnFile& known) {
      const std::string name = decode_file_name(known.name);
      const QueryFile* const file = file_of(name);
      if (file != nullptr && !file->name.fields().empty()) entries.push_back(entry_of(name));
      return true;
    });
    if (!seen) return tl::unexpected(seen.error());
    token = {};  // those that are forgotten are not counted in it
  }
  return settle(std::move(entries), token, kConstant, "tap", Slashes::are_names);
}

bool TapArchive::finds(std::string_view dir) const {
  return dir.empty() &&
         std::ranges::any_of(files_, [](const QueryFile& file) { return !file.name.fields().empty(); });
}

Result<std::optional<Entry>> TapArchive::find(std::string_view dir, std::string_view name, std::stop_token) {
  if (!dir.empty() || file_of(name) == nullptr) return std::optional<Entry>{};
  return std::optional(entry_of(std::string(name)));
}

Result<std::vector<http::Request>> TapArchive::locate(std::string_view locator) {
  return fail(Errc::not_found, "no file of this archive lies anywhere: " + std::string(locator));
}

std::string TapArchive::remark(std::string_view dir, std::string_view) const {
  std::string names;
  for (const QueryFile& file : files_) {
    if (dir.empty() && !file.name.fields().empty()) names += (names.empty() ? "" : ", ") + file.name.text();
  }
  return names.empty() ? names : "by name opens " + names;
}

bool TapArchive::makes(std::string_view locator) const {
  return file_of(locator) != nullptr;
}

Result<std::string> TapArchive::make(std::string_view locator, std::stop_token stop) {
  const QueryFile* const file = file_of(locator);
  if (file == nullptr) return fail(Errc::not_found, "no query is of the name " + std::string(locator));
  return tables_.file({std::string(locator), *file->adql_of(locator), file->form}, stop);
}

std::optional<std::chrono::seconds> TapArchive::made_good_for(std::string_view) const {
  return good_for_;
}

void TapArchive::notice_login() {
  tables_.forget_old();
  if (!client_.notice_login()) return;
  tables_.forget_all();  // who asks now may be told other rows
  is_somebody_new_ = true;
}

void TapArchive::make_anew(std::string_view locator) {
  tables_.forget(std::string(locator));
}

}  // namespace astrofs
