#include "fs/commands.h"

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "backends/courier.h"
#include "base/byte_size.h"
#include "base/path_below.h"
#include "base/redact.h"
#include "fs/inode.h"
#include "fs/json_text.h"
#include "fs/waiting.h"

namespace astrofs {
namespace {

using nlohmann::json;

/// Files being fetched at a time.
constexpr std::size_t kPage = 256;
/// Fewer than the index keeps in mind till it writes them.
constexpr std::size_t kUsesAtOnce = 4096;

json to_json(const WarmProgress& progress) {
  return {{"files", progress.files},
          {"files_done", progress.files_done},
          {"failed", progress.failed},
          {"missing", progress.missing},
          {"bytes", progress.bytes},
          {"bytes_done", progress.bytes_done},
          {"bytes_fetched", progress.bytes_fetched}};
}

json to_json(const std::vector<WarmFailure>& failures) {
  json rows = json::array();
  for (const WarmFailure& failure : failures) {
    rows.push_back({{"path", failure.path},
                    {"cause", name_of(failure.error.code)},
                    {"message", redact(failure.error.message)}});
  }
  return rows;
}

std::vector<std::string> paths_of(const json& request) {
  std::vector<std::string> paths;
  if (request.contains("path")) paths.push_back(request.at("path").get<std::string>());
  if (request.contains("paths")) paths = request.at("paths").get<std::vector<std::string>>();
  return paths;
}

}  // namespace

Commands::Commands(Vfs& vfs, const Status& status, Verifier& verifier)
    : vfs_(vfs), status_(status), verifier_(verifier), tree_(vfs, stopping_) {}

Result<std::string> Commands::run(const std::string& line, const Progress& progress) {
  const json request = json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
    return fail(Errc::invalid, "a request is {\"command\": ..., \"path\": ...}");
  }
  std::vector<std::string> paths;
  try {
    paths = paths_of(request);
  } catch (const json::exception&) {
    return fail(Errc::invalid, "`path` is a string, `paths` a list of strings");
  }
  const std::string command = request["command"];
  if (command == "status") return status_.status_json();
  if (command == "metrics") return json_text(json({{"text", status_.metrics_text()}}));
  if (command == "warm") return warm(paths, progress);
  if (command == "evict") return evict(paths);
  if (command == "verify") return verify(paths, progress);
  if (command == "pin") return pin(paths);
  if (command == "unpin") return unpin(paths);
  if (command == "refresh") return refresh(paths);
  if (command == "logins") {
    for (const MountedArchive& each : vfs_.parts().archives.all()) each.archive->notice_login();
    return json_text(json::object());
  }
  if (command == "why") {
    if (paths.size() > 1) return fail(Errc::invalid, "`why` explains one path at a time");
    // What keeps a file's size from being known is what is to be explained.
    const Result<Node> node = tree_.resolve(paths.empty() ? "" : paths.front(), true);
    if (!node) return tl::unexpected<Error>(node.error());
    return status_.why_json(*node);
  }
  return fail(Errc::invalid, "unknown command '" + command + "'");
}

Result<std::string> Commands::warm(const std::vector<std::string>& paths, const Progress& progress) {
  // First what there is, for the bar and the time it will take; then, some files at a time, the bytes.
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t room = 0;  // for what is here and what can be fetched
  bool is_all_here = true;
  std::size_t missed = 0;
  std::size_t missing = 0;
  std::vector<WarmFailure> failures;
  const auto miss = [&](const Node& node, const Error& why) {
    ++missed;
    if (failures.size() < Warmer::kMostFailures) failures.push_back({tree_.shown_path(node), why});
  };
  // A directory that cannot be listed costs its files and no others.
  const auto enter = [&](const Node& dir) -> Result<void> {
    if (Result<void> listed = tree_.list(dir); !listed) miss(dir, listed.error());
    return {};
  };
  const auto count = [&](const Node& node) {
    missing += node.missing ? 1 : 0;
    const Result<Node> sized = node.size ? Result<Node>(node) : tree_.lookup(node.parent, node.name);
    if (!sized) {
      miss(node, sized.error());
    } else if (!sized->size && vfs_.state_of(*sized) == FileState::not_logged_in) {
      miss(*sized, vfs_.why_not_given(*sized));
    } else if (is_fetched(*sized)) {
      ++files;
      bytes += *sized->size;
      const FileState state = vfs_.state_of(*sized);
      const bool is_here = state == FileState::cached;
      if (is_here || state == FileState::partial || state == FileState::remote) room += *sized->size;
      is_all_here = is_all_here && is_here;
    }
    return progress(json_text(json({{"progress", {{"files", files}, {"listing", true}}}})));
  };
  const Result<void> counted = tree_.for_files(paths, {.enter = enter, .visit = count, .left_out = miss});
  if (!counted) return tl::unexpected<Error>(counted.error());
  const std::uint64_t most = vfs_.parts().cache.most_kept();
  if (room > most && !is_all_here && !vfs_.options().offline) {
    // What came last would have driven out what came first, after hours.
    return fail(Errc::too_large,
                fmt::format("{} are more than the cache keeps, which is {} of its {} (see "
                            "cache_size=); nothing was fetched",
                            format_size(room), format_size(most), format_size(vfs_.options().quota)));
  }

  (void)vfs_.passthrough();  // before the bytes come: they are verified as they land
  Warmer warmer(vfs_.parts().cache, [&](const WarmProgress& now) {
    return !stopping_ && progress(json_text(json({{"progress", to_json(now)}})));
  });
  warmer.expect(files, bytes);
  bool whole = true;
  std::vector<Warmer::File> batch;
  const auto bring = [&] {
    whole = warmer.run(batch);
    for (const Warmer::File& file : batch) {
      vfs_.parts().notices.attributes_changed(
          file_inode(file.version.node, file.version.generation));  // st_blocks
    }
    for (const NodeId id : warmer.take_missing()) {
      if (const Result<Node> node = vfs_.parts().catalog.node(id)) vfs_.mark_missing(*node);
    }
    batch.clear();
    return whole;
  };
  const auto gather = [&](const Node& node) {
    if (is_fetched(node)) batch.push_back(to_warm(node));
    return batch.size() < kPage || bring();
  };
  const Result<void> walked = tree_.for_files(paths, {.visit = gather});  // all was listed a moment ago
  if (!walked) return tl::unexpected<Error>(walked.error());
  if (whole) (void)bring();
  if (whole) {
    const Result<bool> checked = check_kept(paths, warmer);
    if (!checked) return tl::unexpected<Error>(checked.error());
    whole = *checked;
  }
  for (WarmFailure& failure : warmer.failures()) failures.push_back(std::move(failure));
  json result = to_json(warmer.progress());
  result["files"] = files - std::min(files, warmer.progress().missing);
  result["failed"] = missed + warmer.progress().failed;
  result["missing"] = missing + warmer.progress().missing;
  result["ended_early"] = !whole;
  result["failures"] = to_json(failures);
  return json_text(result);
}

Result<bool> Commands::check_kept(const std::vector<std::string>& paths, Warmer& warmer) {
  const Vfs::Parts& parts = vfs_.parts();
  // What cannot stay goes now, and not when all was said to be well; what came last may go, too.
  (void)parts.writer.flush();
  parts.cache.evict_to_quota(true);
  // A copy that contradicted its checksum was dropped behind our back, for another one.
  std::vector<Warmer::File> replaced;
  const auto check = [&](const Node& node) {
    if (!is_fetched(node) || warmer.has_failed(node.id)) return !stopping_;
    Warmer::File file = to_warm(node);
    const Result<ObjectState> object = parts.catalog.object(file.version.object);
    const bool is_other_copy =
        object && (object->verdict == Verdict::suspect || object->verdict == Verdict::refused);
    if (is_other_copy && !parts.cache.presence(file.version).complete) {
      replaced.push_back(std::move(file));
    } else {
      warmer.check_kept(file);
    }
    return !stopping_;
  };
  if (Result<void> walked = tree_.for_files(paths, {.visit = check}); !walked)
    return tl::unexpected<Error>(walked.error());
  while (!replaced.empty()) {
    const std::vector<Warmer::File> again = std::exchange(replaced, {});
    if (!warmer.run_again(again)) return false;
    for (const Warmer::File& file : again) {
      const Result<Node> now = parts.catalog.node(file.version.node);
      if (now && now->generation != file.version.generation) {
        check(*now);
      } else {
        warmer.check_kept(file);
      }
    }
  }
  return !stopping_;
}

Warmer::File Commands::to_warm(const Node& node) const {
  return {tree_.shown_path(node), vfs_.parts().archives.version(node), is_ordered(node)};
}

bool Commands::is_fetched(const Node& node) const {
  return node.size && !node.missing && vfs_.state_of(node) != FileState::local;
}

bool Commands::is_ordered(const Node& node) const {
  const MountedArchive* const archive = vfs_.parts().archives.of(node);
  Courier* const courier = archive != nullptr ? archive->archive->courier() : nullptr;
  return courier != nullptr && courier->parcel(node.locator);
}

struct Commands::Evicted {
  std::size_t files{0};
  std::uint64_t bytes{0};
  std::size_t in_use{0};
  std::size_t pinned{0};
  std::vector<WarmFailure> failures;
};

void Commands::evict_file(const Node& file, bool named, Evicted& evicted) {
  if (!file.size || vfs_.state_of(file) == FileState::local) return;
  const FileVersion version = vfs_.parts().archives.version(file);
  const bool is_here = vfs_.parts().cache.presence(version).bytes > 0;
  if (is_here && vfs_.parts().catalog.pinned(version)) {
    ++evicted.pinned;
    // Below a directory it is what a pin is for; of itself he is told that it does not go.
    if (named)
      evicted.failures.push_back({tree_.shown_path(file), {Errc::denied, "it is pinned; see astrofs unpin"}});
    return;
  }
  // What is refused has no bytes here: evicting it is asking for another try, pinned or not.
  if (!is_here && standing_of(vfs_.parts().catalog, vfs_.parts().cache, version).standing != Standing::no)
    return;
  const Result<std::uint64_t> bytes = vfs_.parts().cache.evict(version);
  if (bytes) {
    evicted.bytes += *bytes;
    ++evicted.files;
    vfs_.parts().notices.attributes_changed(inode_of(file));
  } else {
    if (bytes.error().code == Errc::unavailable) ++evicted.in_use;
    evicted.failures.push_back({tree_.shown_path(file), bytes.error()});
  }
}

Result<std::string> Commands::evict(const std::vector<std::string>& paths) {
  Evicted evicted;
  for (const std::string& path : paths) {
    const Result<Node> start = tree_.resolve(path);
    if (!start) return tl::unexpected<Error>(start.error());
    const auto visit = [&](const Node& file) {
      evict_file(file, file.id == start->id, evicted);
      return true;
    };
    const auto left_out = [&](const Node& node, const Error& why) {
      evicted.failures.push_back({tree_.shown_path(node), why});
    };
    // What was never listed has nothing here.
    const Result<void> walked = tree_.walk(*start, {.visit = visit, .left_out = left_out});
    if (!walked) return tl::unexpected<Error>(walked.error());
  }
  return json_text(json({{"files", evicted.files},
                         {"bytes_freed", evicted.bytes},
                         {"in_use", evicted.in_use},
                         {"pinned", evicted.pinned},
                         {"ended_early", stopping_.load()},
                         {"failures", to_json(evicted.failures)}}));
}

Result<std::string> Commands::verify(const std::vector<std::string>& paths, const Progress& progress) {
  std::size_t yes = 0;
  std::size_t unavailable = 0;
  std::size_t incomplete = 0;
  json contradictions = json::array();
  std::vector<WarmFailure> failures;
  const auto visit = [&](const Node& node) {
    if (vfs_.state_of(node) == FileState::local) {
      ++unavailable;
    } else if (node.missing || !node.size) {
      ++incomplete;
    } else if (const auto found = verifier_.verify(vfs_.parts().archives.version(node)); !found) {
      ++incomplete;
    } else if (found->proof == Proof::contradicted) {
      contradictions.push_back({{"path", tree_.shown_path(node)}, {"message", redact(found->words)}});
    } else {
      ++(found->proof == Proof::fits ? yes : unavailable);
    }
    const std::size_t seen = yes + unavailable + incomplete + contradictions.size();
    return !stopping_ && progress(json_text(json({{"progress", {{"files", seen}, {"verifying", true}}}})));
  };
  const auto left_out = [&](const Node& node, const Error& why) {
    failures.push_back({tree_.shown_path(node), why});
  };
  // Nothing is listed or fetched: what was never listed has nothing here.
  const Result<void> walked = tree_.for_files(paths, {.visit = visit, .left_out = left_out});
  if (!walked) return tl::unexpected<Error>(walked.error());
  return json_text(json({{"yes", yes},
                         {"unavailable", unavailable},
                         {"incomplete", incomplete},
                         {"no", contradictions.size()},
                         {"contradictions", std::move(contradictions)},
                         {"ended_early", stopping_.load()},
                         {"failures", to_json(failures)}}));
}

Result<std::string> Commands::pin(const std::vector<std::string>& paths) {
  std::set<NodeId> nodes;
  for (const std::string& path : paths) {
    const Result<std::vector<Node>> found = pinned_by(path, true);
    if (!found) return tl::unexpected<Error>(found.error());
    for (const Node& node : *found) nodes.insert(node.id);
  }
  if (Result<void> set = set_pins(nodes, true); !set) return tl::unexpected<Error>(set.error());
  note_use(nodes);
  return json_text(json({{"pinned", nodes.size()}}));
}

void Commands::note_use(const std::set<NodeId>& nodes) {
  std::size_t used = 0;
  const auto use = [&](const Node& file) {
    if (!file.size || vfs_.state_of(file) == FileState::local) return true;
    const FileVersion version = vfs_.parts().archives.version(file);
    if (vfs_.parts().cache.presence(version).bytes == 0) return true;
    vfs_.parts().writer.touch(version);
    if (++used % kUsesAtOnce == 0) (void)vfs_.parts().writer.flush();
    return true;
  };
  for (const NodeId id : nodes) {
    const Result<Node> node = vfs_.parts().catalog.node(id);
    if (node) (void)tree_.walk(*node, {.visit = use});
  }
  (void)vfs_.parts().writer.flush();
}

Result<std::string> Commands::unpin(const std::vector<std::string>& paths) {
  const Result<std::vector<NodeId>> pinned = vfs_.parts().catalog.pins();
  if (!pinned) return tl::unexpected<Error>(pinned.error());
  Pins left;
  for (const NodeId pin : *pinned) {
    const Result<std::string> place = vfs_.parts().catalog.path(pin);
    left.emplace(pin, place ? std::optional(*place) : std::nullopt);
  }
  std::set<NodeId> taken;
  for (const std::string& path : paths) {
    Result<std::set<NodeId>> nodes = take_pins(left, path);
    if (!nodes) return tl::unexpected<Error>(nodes.error());
    taken.merge(*nodes);
  }
  if (Result<void> set = set_pins(taken, false); !set) return tl::unexpected<Error>(set.error());
  note_use(pinned_beside(taken, left));
  return json_text(json({{"unpinned", taken.size()}}));
}

std::set<NodeId> Commands::pinned_beside(const std::set<NodeId>& taken, const Pins& left) const {
  const auto archive_of = [this](NodeId id) {
    const Result<Node> node = vfs_.parts().catalog.node(id);
    return node ? vfs_.parts().archives.of(*node) : nullptr;
  };
  std::set<const MountedArchive*> archives;
  for (const NodeId id : taken) archives.insert(archive_of(id));
  std::set<NodeId> beside;
  for (const auto& [id, place] : left) {
    if (archives.contains(archive_of(id))) beside.insert(id);
  }
  return beside;
}

Result<std::set<NodeId>> Commands::take_pins(Pins& left, const std::string& path) {
  std::set<NodeId> taken;
  // Also what no listing shows any more, under the path that `status` tells.
  for (const auto& [pin, place] : left) {
    if (place == path) taken.insert(pin);
  }
  const Result<std::vector<Node>> found = pinned_by(path, false);
  if (!found && taken.empty()) return tl::unexpected<Error>(found.error());
  for (const Node& node : found.value_or(std::vector<Node>{})) {
    if (left.contains(node.id)) taken.insert(node.id);
  }
  for (const NodeId pin : taken) left.erase(pin);
  if (!taken.empty()) return taken;
  for (const auto& [pin, place] : left) {
    if (place && path_below(path, *place))
      return fail(Errc::invalid, "/" + path + " is pinned by /" + *place);
    if (place && path_below(*place, path))
      return fail(Errc::invalid, "/" + path + " itself is not pinned, but /" + *place + " is");
  }
  return taken;
}

Result<void> Commands::set_pins(const std::set<NodeId>& nodes, bool pinned) {
  for (const NodeId node : nodes) vfs_.parts().writer.set_pin(node, pinned);
  return vfs_.parts().writer.flush();
}

Result<std::vector<Node>> Commands::pinned_by(const std::string& path, bool pinned) {
  const Result<Node> node = tree_.resolve(path);
  if (!node) return tl::unexpected<Error>(node.error());
  std::vector<Node> nodes{*node};
  if (node->kind != NodeKind::directory) return nodes;
  // The files of a selection lie elsewhere. To let go asks nobody: what is not known was not pinned.
  if (const Result<void> listed = pinned ? tree_.list(*node) : Result<void>{}; !listed)
    return fail(listed.error().code, path + ": " + listed.error().message);
  Result<std::vector<Node>> linked = tree_.linked_from(*node, !pinned);
  if (!linked) return linked;
  nodes.insert(nodes.end(), std::make_move_iterator(linked->begin()), std::make_move_iterator(linked->end()));
  return nodes;
}

Result<void> Commands::renew(const std::vector<Node>& files) {
  std::vector<std::shared_ptr<Answer<Node>>> answers;
  for (const Node& file : files) {
    const MountedArchive* const archive = vfs_.parts().archives.of(file);
    if (archive == nullptr || !archive->archive->made_good_for(file.locator)) continue;
    answers.push_back(std::make_shared<Answer<Node>>());
    vfs_.renew(file, [answer = answers.back()](const Result<Node>& now) { answer->give(now); });
  }
  Result<void> all;
  for (const auto& answer : answers) {
    const Result<Node> now = answer->take(vfs_.parts().parking.timeout() + TreeWalk::kGrace);
    if (!now && all) all = tl::unexpected<Error>(now.error());
  }
  return all;
}

Result<std::string> Commands::refresh(const std::vector<std::string>& paths) {
  json refreshed = json::array();
  for (const std::string& path : paths) {
    Result<Node> node = tree_.resolve(path, true);
    if (!node) return tl::unexpected<Error>(node.error());
    std::vector<Node> made;
    // A file is refreshed by listing its directory again.
    if (node->kind != NodeKind::directory) {
      vfs_.recheck(*node);
      made.push_back(*node);
      node = vfs_.parts().catalog.node(node->parent);
      if (!node) return tl::unexpected<Error>(node.error());
    }
    auto answer = std::make_shared<Answer<bool>>();
    vfs_.parts().lister.refresh(
        *node, [answer](const Result<void>& done) { answer->give(done.map([] { return true; })); });
    const Result<bool> done = answer->take(vfs_.parts().parking.timeout() + TreeWalk::kGrace);
    if (!done) return tl::unexpected<Error>(done.error());
    if (made.empty()) {
      (void)vfs_.parts().catalog.scan(node->id, 0, [&made](const Node& file) {
        if (file.kind == NodeKind::file && file.size) made.push_back(file);
        return true;
      });
    }
    if (const Result<void> renewed = renew(made); !renewed) return tl::unexpected<Error>(renewed.error());
    const Result<ListingState> listing = vfs_.parts().catalog.listing(node->id);
    refreshed.push_back({{"path", vfs_.parts().catalog.path(node->id).value_or(path)},
                         {"names", listing ? listing->count : 0}});
  }
  return json_text(json({{"refreshed", std::move(refreshed)}}));
}

}  // namespace astrofs
