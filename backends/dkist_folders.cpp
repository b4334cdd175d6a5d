#include "backends/dkist_folders.h"

#include <fmt/format.h>

#include <unordered_map>

#include "backends/dkist_frames.h"
#include "backends/dkist_head.h"
#include "backends/format/dates.h"
#include "backends/gone_service.h"
#include "backends/settle.h"
#include "base/hash.h"
#include "base/log.h"

namespace astrofs::dkist {
namespace {

/// The anonymous files of a dataset that are neither ASDF nor frames.
void add_documents(const Dataset& dataset, std::vector<Entry>& entries) {
  for (const auto& [key, locator] :
       {std::pair(&dataset.movie_key, "movie/"), std::pair(&dataset.quality_key, "report/")}) {
    const std::string_view name = last_component(*key);
    if (!is_component(name)) continue;
    Entry entry;
    entry.name = name;
    entry.locator = locator + dataset.id;
    entry.mtime = dataset.mtime;
    entries.push_back(std::move(entry));
  }
}

/// While a source is silent there is more to come.
constexpr std::chrono::minutes kPartGoodFor{10};

/// Who was heard for a listing: its token says it. In part: somebody was silent.
struct Heard {
  bool part{false}, asdf{false}, collection{false};
};

constexpr std::string_view kService = "DKIST's download service";
constexpr std::string_view kPart = "part ";
constexpr std::string_view kAsdf = "asdf ";
constexpr std::string_view kCollection = "collection ";

Heard heard_of(std::string_view token) {
  const auto says = [&token](std::string_view word) {
    const bool is_said = token.starts_with(word);
    if (is_said) token.remove_prefix(word.size());
    return is_said;
  };
  const bool part = says(kPart);
  const bool asdf = says(kAsdf);
  return {part, asdf, says(kCollection)};
}

std::string token_of(const Heard& heard, const std::string& state) {
  return fmt::format("{}{}{}{}", heard.part ? kPart : "", heard.asdf ? kAsdf : "",
                     heard.collection ? kCollection : "", state);
}

std::string_view rights_of(const Dataset& dataset) {
  return dataset.embargoed ? kPrivate : "";
}

/// What a listing depends on, hashed as it goes: of a large dataset it is megabytes.
std::string state_of(const Dataset& dataset, const std::optional<Entry>& asdf,
                     const std::vector<globus::FolderEntry>& folder) {
  StreamDigest digest(DigestKind::sha256);
  const auto add = [&digest](const std::string& text) { digest.add(as_bytes(text)); };
  add(fmt::format("{}{}{}", dataset.updated, rights_of(dataset), dataset.folder()));
  if (asdf) add(fmt::format(" {} {}", *asdf->size, asdf->validator));
  for (const globus::FolderEntry& file : folder) add(fmt::format("\n{} {}", file.name, file.size));
  return digest.hex();
}

}  // namespace

std::string_view without_rights(std::string_view locator) {
  return locator.starts_with(kPrivate) ? locator.substr(kPrivate.size()) : locator;
}

std::optional<std::string> path_on_collection(std::string_view locator) {
  locator = without_rights(locator);
  if (locator.starts_with(kExtra)) return "/" + std::string(locator.substr(kExtra.size()));
  const std::optional<Located> located = parse_locator(locator);
  if (!located) return std::nullopt;
  return fmt::format("/{}/{}", located->folder, located->frame.name);
}

Folders::Folders(std::string download, http::Fetcher& fetcher, Globus& globus)
    : download_(std::move(download)), fetcher_(fetcher), globus_(globus) {}

http::Request Folders::download(std::string_view kind, std::string_view id) const {
  http::Request request;
  request.url = fmt::format("{}/{}?datasetId={}", download_, kind, id);
  return request;
}

Result<std::optional<Entry>> Folders::ask_asdf(const Dataset& dataset, std::stop_token stop) {
  Entry asdf;
  asdf.name = last_component(dataset.asdf_key);
  if (!is_component(asdf.name)) return std::optional<Entry>{};
  http::Request question = download("asdf", dataset.id);
  question.method = http::Method::head;
  question.headers.push_back({"Want-Repr-Digest", "sha-512=8, sha-256=7, sha=3, md5=2"});
  const Result<http::Response> answer = fetcher_.fetch({question}, stop);
  if (!answer) return tl::unexpected<Error>(answer.error());
  asdf.size = answer->head.content_length();
  if (!asdf.size) return fail(Errc::unsupported, question.url + " does not say how long the ASDF file is");
  asdf.locator = "asdf/" + dataset.id;
  asdf.mtime = dataset.mtime;
  asdf.validator = answer->head.header("repr-digest");
  if (asdf.validator.empty()) asdf.validator = dataset.updated;
  return asdf;
}

Result<std::optional<std::vector<globus::FolderEntry>>> Folders::on_collection(const std::string& path,
                                                                               bool was_heard,
                                                                               std::stop_token stop) {
  using Found = std::optional<std::vector<globus::FolderEntry>>;
  if (!globus_.is_logged_in()) return Found{};
  Result<std::vector<globus::FolderEntry>> found = globus_.list(path, std::move(stop));
  if (found) return Found(std::move(*found));
  // What is not for this user, or not there, has no sizes: names come from the ASDF file, and reading says
  // what is wrong.
  const Errc code = found.error().code;
  if (code == Errc::not_found && was_heard)
    return tl::unexpected<Error>(of_service(found.error(), "Globus Transfer"));
  if (code != Errc::denied && code != Errc::not_found && code != Errc::too_large)
    return tl::unexpected<Error>(found.error());
  log::warning("DKIST {}: no sizes of frames: {}", path, found.error().message);
  return Found{};
}

Result<std::vector<Entry>> Folders::frames(const Dataset& dataset, std::uint64_t asdf_size,
                                           const std::vector<globus::FolderEntry>& folder,
                                           std::stop_token stop) {
  const Result<std::string> head = fetch_asdf_head(fetcher_, {download("asdf", dataset.id)}, asdf_size, stop);
  if (!head) return tl::unexpected<Error>(of_service(head.error(), kService));
  Result<std::vector<Frame>> frames = frames_in(*head);
  if (!frames) return tl::unexpected<Error>(frames.error());
  std::unordered_map<std::string_view, std::uint64_t> sizes;
  for (const globus::FolderEntry& file : folder) {
    if (!file.directory) sizes.emplace(file.name, file.size);
  }
  const SysSeconds made = parse_iso8601(dataset.created).value_or(SysSeconds{});
  std::vector<Entry> entries;
  entries.reserve(frames->size());
  for (Frame& frame : *frames) {
    Entry entry;
    entry.locator = rights_of(dataset);
    entry.locator += locator_of(frame, dataset.folder().substr(1));
    entry.mtime = made;
    if (const auto size = sizes.find(frame.name); size != sizes.end()) entry.size = size->second;
    entry.name = std::move(frame.name);
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<Entry>> Folders::entries(const Dataset& dataset, std::optional<Entry> asdf,
                                            const std::vector<globus::FolderEntry>& folder,
                                            std::stop_token stop) {
  std::vector<Entry> entries;
  add_documents(dataset, entries);
  if (asdf) {
    Result<std::vector<Entry>> named = frames(dataset, *asdf->size, folder, std::move(stop));
    if (!named) return named;
    std::move(named->begin(), named->end(), std::back_inserter(entries));
    entries.push_back(std::move(*asdf));
    entries.push_back(directory_entry(".select", std::string(kSelect) + dataset.id));
  }
  for (const globus::FolderEntry& file : folder) {
    if (file.directory && file.name == "extra")
      entries.push_back(directory_entry(
          file.name, fmt::format("{}{}{}", rights_of(dataset), kExtra, dataset.folder().substr(1))));
  }
  return settle_entries(std::move(entries), "DKIST " + dataset.id);
}

Result<std::variant<Listing, NotModified>> Folders::list(const Dataset& dataset, std::string_view token,
                                                         std::stop_token stop) {
  const Heard before = heard_of(token);
  Heard now;
  // What else the dataset has is there without its ASDF file, and the frames are without the collection. But
  // who was heard once and is silent now takes nothing away.
  Result<std::optional<Entry>> asdf = ask_asdf(dataset, stop);
  if (!asdf) {
    const Error silent = of_service(asdf.error(), kService);
    if (before.asdf || asdf.error().code != Errc::not_found) return tl::unexpected<Error>(silent);
    log::warning("DKIST {}: no frames: {}", dataset.id, silent.message);
    now.part = true;
    asdf = std::optional<Entry>{};
  }
  auto shown = on_collection(dataset.folder(), before.collection, stop);
  if (!shown) {
    if (before.collection || shown.error().code == Errc::interrupted)
      return tl::unexpected<Error>(shown.error());
    log::warning("DKIST {}: no sizes of frames: {}", dataset.id, shown.error().message);
    now.part = true;
    shown = std::nullopt;
  }
  now.asdf = asdf->has_value();
  now.collection = shown->has_value();
  const std::vector<globus::FolderEntry> folder =
      std::move(*shown).value_or(std::vector<globus::FolderEntry>{});

  // The tree of a large dataset has megabytes: it is read again only when something has changed.
  std::string state = token_of(now, state_of(dataset, *asdf, folder));
  if (state == token) return NotModified{};
  auto listed = entries(dataset, std::move(*asdf), folder, std::move(stop));
  if (!listed) return tl::unexpected<Error>(listed.error());
  return Listing{std::move(*listed), std::move(state),
                 now.part ? std::chrono::seconds(kPartGoodFor) : kGoodFor};
}

Result<std::variant<Listing, NotModified>> Folders::list_extra(std::string_view dir, std::string_view token,
                                                               std::stop_token stop) {
  const std::string_view folder = without_rights(dir).substr(kExtra.size());
  const Result<std::vector<globus::FolderEntry>> files =
      globus_.list("/" + std::string(folder) + "/extra", stop);
  if (!files) return tl::unexpected<Error>(files.error());
  std::vector<Entry> entries;
  for (const globus::FolderEntry& file : *files) {
    if (file.directory || !is_component(file.name)) continue;
    Entry entry;
    entry.name = file.name;
    entry.size = file.size;
    entry.locator = fmt::format("{}/extra/{}", dir, file.name);
    entries.push_back(std::move(entry));
  }
  return settle(std::move(entries), token, kGoodFor, "DKIST " + std::string(folder) + "/extra");
}

}  // namespace astrofs::dkist
