#include "fs/vfs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/log.h"

namespace astrofs {
namespace {

/// Listed names and sizes change only with the listing, and the kernel is told when they do.
constexpr seconds kKeepAttributes{3600};
/// A placeholder gives way to the real frame when that appears: its name is looked up again soon.
constexpr seconds kKeepPlaceholder{60};
/// Files on this machine change without a word: the kernel asks again soon.
constexpr seconds kKeepLocal{2};
/// While bytes are on their way to the disk, what is cached of a file is about to change.
constexpr seconds kKeepLanding{1};

}  // namespace

std::string_view name_of(FileState state) noexcept {
  switch (state) {
    case FileState::remote:
      return "remote";
    case FileState::partial:
      return "partial";
    case FileState::cached:
      return "cached";
    case FileState::placeholder:
      return "placeholder";
    case FileState::not_fetched:
      return "not-fetched";
    case FileState::local:
      return "local";
  }
  return "remote";
}

Vfs::Vfs(Parts parts, VfsOptions options) : parts_(parts), options_(options), open_files_(parts.cache) {}

Result<Node> Vfs::node(Inode inode) const {
  Result<Node> node = parts_.catalog.node(node_of(inode));
  if (!node && node_of(inode) != kRootNode && node.error().code == Errc::not_found) {
    return fail(Errc::stale, "this inode is no longer in the catalog");
  }
  return node;
}

Attr Vfs::attr_of(const Node& node) const {
  Attr attr{inode_of(node), node.id, node.kind, node.size.value_or(0), node.mtime, 0, kKeepAttributes};
  if (node.kind == NodeKind::directory) {
    if (const auto listing = parts_.catalog.listing(node.id)) attr.mtime = listing->fetched;
    return attr;
  }
  if (node.missing) {
    attr.good_for = kKeepPlaceholder;
    if (!node.size) attr.size = parts_.missing.natural_size(node).value_or(0);
    return attr;
  }
  const MountedArchive* archive = parts_.archives.of(node);
  if (archive != nullptr && archive->archive->is_local()) {
    attr.cached_bytes = attr.size;
    attr.good_for = kKeepLocal;
  } else if (node.size) {
    attr.cached_bytes = parts_.cache.presence(parts_.archives.version(node)).bytes;
    if (parts_.cache.bytes_in_flight() > 0) attr.good_for = kKeepLanding;
  }
  return attr;
}

// ---- names

void Vfs::lookup(NodeId parent, std::string name, ReplyPtr<Attr> reply) {
  Result<Node> dir = parts_.catalog.node(parent);
  if (!dir) return reply->send(tl::unexpected<Error>(dir.error()));
  if (dir->kind != NodeKind::directory)
    return reply->send(fail(Errc::not_directory, dir->name + " is not a directory"));
  Result<Node> child = parts_.catalog.child(parent, name);
  if (!child) return lookup_unknown(*dir, name, std::move(reply));
  parts_.lister.ensure(*dir,
                       [](const Result<void>&) {});  // an old listing is refreshed behind the reader's back
  send_attr(*child, std::move(reply));
}

void Vfs::lookup_unknown(const Node& dir, const std::string& name, ReplyPtr<Attr> reply) {
  const Result<ListingState> listing = parts_.catalog.listing(dir.id);
  const bool listed = dir.id == kRootNode || (listing && listing->fetched != SysSeconds{});
  const auto pending = parts_.parking.park(std::move(reply));
  if (listed) {
    parts_.lister.ensure(dir, [](const Result<void>&) {});
    return lookup_listed(dir, name, pending);
  }
  parts_.lister.ensure(dir, [this, dir, name, pending](const Result<void>& result) {
    if (!result) {
      pending->settle(tl::unexpected<Error>(result.error()));
      return;
    }
    lookup_listed(dir, name, pending);
  });
}

void Vfs::lookup_listed(const Node& dir, const std::string& name, const AttrPending& pending) {
  if (const Result<Node> child = parts_.catalog.child(dir.id, name)) return answer_attr(*child, pending);
  parts_.lister.find(dir, name, [this, pending](const Result<Node>& found) {
    if (!found) {
      pending->settle(tl::unexpected<Error>(found.error()));
      return;
    }
    answer_attr(*found, pending);
  });
}

bool Vfs::has_attributes(const Node& node) const {
  return node.kind != NodeKind::file || node.size || (node.missing && parts_.missing.can_make(node));
}

void Vfs::send_attr(const Node& node, ReplyPtr<Attr> reply) {
  if (has_attributes(node)) return reply->send(attr_of(node));
  answer_attr(node, parts_.parking.park(std::move(reply)));
}

void Vfs::answer_attr(const Node& node, const AttrPending& pending) {
  if (has_attributes(node)) {
    pending->settle(attr_of(node));
    return;
  }
  resolve(node, [this, pending](const Result<Node>& resolved) {
    if (resolved) {
      pending->settle(attr_of(*resolved));
    } else {
      pending->settle(tl::unexpected<Error>(resolved.error()));
    }
  });
}

void Vfs::resolve(const Node& node, SizeResolver::Done done) {
  if (node.missing) {
    recheck_missing(node);
    return done(fail(Errc::not_found, node.name + " is missing in the archive"));
  }
  parts_.sizes.resolve(node, [this, node, done = std::move(done)](const Result<Node>& sized) {
    if (!sized) last_errors_.note(node.id, sized.error());
    if (sized || sized.error().code != Errc::not_found || !parts_.missing.can_make(node)) return done(sized);
    mark_missing(node, true, [node, done] {
      Node lost = node;
      lost.missing = true;
      done(lost);
    });
  });
}

void Vfs::getattr(Inode inode, ReplyPtr<Attr> reply) {
  // An open version answers for itself: its size is that of the bytes its readers get.
  if (const auto open = open_files_.find(inode)) {
    Attr attr = attr_of(open->node);
    attr.inode = inode;
    if (const auto placeholder = open->placeholder()) attr.size = placeholder->size();
    return reply->send(attr);
  }
  Result<Node> node = this->node(inode);
  if (!node) return reply->send(tl::unexpected<Error>(node.error()));
  if (inode_of(*node) != inode) return reply->send(fail(Errc::stale, node->name + " has a newer version"));
  send_attr(*node, std::move(reply));
}

// ---- directories

void Vfs::opendir(NodeId dir, ReplyPtr<Node> reply) {
  Result<Node> node = this->node(dir);
  if (!node) return reply->send(tl::unexpected<Error>(node.error()));
  if (node->kind != NodeKind::directory)
    return reply->send(fail(Errc::not_directory, node->name + " is not a directory"));
  const Result<ListingState> listing = parts_.catalog.listing(dir);
  if (dir == kRootNode || (listing && listing->fetched != SysSeconds{})) {
    parts_.lister.ensure(*node, [](const Result<void>&) {});
    return reply->send(std::move(*node));
  }
  const auto pending = parts_.parking.park(std::move(reply));
  parts_.lister.ensure(*node, [pending, node = *node](const Result<void>& result) {
    if (result) {
      pending->settle(node);
    } else {
      pending->settle(tl::unexpected<Error>(result.error()));
    }
  });
}

Result<void> Vfs::readdir(NodeId dir, NodeId cookie, const std::function<bool(const DirEntry&)>& visit) {
  return parts_.catalog.scan(dir, cookie, [&](const Node& node) {
    DirEntry entry{node.name, node.id, node.kind, nullptr, node.id};
    if (!has_attributes(node)) return visit(entry);
    const Attr attr = attr_of(node);
    entry.attr = &attr;
    return visit(entry);
  });
}

// ---- files

void Vfs::open(Inode inode, ReplyPtr<std::shared_ptr<OpenHandle>> reply) {
  if (const auto open = open_files_.find(inode)) {
    return reply->send(open_files_.open(inode, [&open] { return open; }));
  }
  Result<Node> node = this->node(inode);
  if (!node) return reply->send(tl::unexpected<Error>(node.error()));
  if (node->kind != NodeKind::file)
    return reply->send(fail(Errc::is_directory, node->name + " is a directory"));
  if (inode_of(*node) != inode) return reply->send(fail(Errc::stale, node->name + " has a newer version"));
  const MountedArchive* archive = parts_.archives.of(*node);
  if (archive == nullptr)
    return reply->send(fail(Errc::not_found, "the archive of this file is no longer configured"));
  if (archive->archive->is_local()) return open_local(*node, *archive->archive, std::move(reply));
  if (node->size && !node->missing && !is_not_fetched(*node))
    return reply->send(open_version(*node, nullptr));
  const auto pending = parts_.parking.park(std::move(reply));
  if (node->missing) {
    recheck_missing(*node);
    return open_placeholder(*node, MissingCause::denied_by_archive, pending);
  }
  if (node->size) return open_placeholder(*node, MissingCause::not_fetched, pending);
  resolve(*node, [this, pending](const Result<Node>& resolved) {
    if (!resolved) {
      pending->settle(tl::unexpected<Error>(resolved.error()));
    } else if (resolved->missing) {
      open_placeholder(*resolved, MissingCause::denied_by_archive, pending);
    } else {
      hand_over(*resolved, nullptr, pending);
    }
  });
}

void Vfs::open_local(const Node& node, const Archive& archive, ReplyPtr<std::shared_ptr<OpenHandle>> reply) {
  Result<UniqueFd> file = archive.open_local(node.locator);
  if (!file && file.error().code == Errc::denied) return reply->send(tl::unexpected<Error>(file.error()));
  struct stat st {};
  const bool is_as_listed = file && ::fstat(file->get(), &st) == 0 &&
                            node.size == static_cast<std::uint64_t>(st.st_size) &&
                            node.mtime == SysSeconds(seconds(st.st_mtim.tv_sec));
  if (is_as_listed) return reply->send(open_version(node, nullptr, std::move(*file)));
  // Changed since it was listed: with the new listing the kernel looks the name up again and finds the new
  // version.
  const auto pending = parts_.parking.park(std::move(reply));
  const auto stale = [pending, name = node.name](const Result<void>&) {
    pending->settle(fail(Errc::stale, name + " has changed on this machine"));
  };
  const Result<Node> dir = parts_.catalog.node(node.parent);
  if (!dir) return stale({});
  parts_.lister.refresh(*dir, stale);
}

bool Vfs::is_not_fetched(const Node& node) const {
  return options_.offline && node.size.value_or(0) > 0 && state_of(node) == FileState::not_fetched;
}

void Vfs::hand_over(const Node& node, std::shared_ptr<const Placeholder> placeholder,
                    const OpenPending& pending) {
  // A caller that is gone will never release what it opened.
  if (!pending->settle(open_version(node, std::move(placeholder)))) open_files_.close(inode_of(node));
}

std::shared_ptr<OpenHandle> Vfs::open_version(const Node& node,
                                              std::shared_ptr<const Placeholder> placeholder,
                                              UniqueFd local) {
  const MountedArchive* archive = parts_.archives.of(node);
  const FileVersion version = parts_.archives.version(node);
  GivenFile given = placeholder || local ? GivenFile() : give_to_kernel(version, archive);
  return open_files_.open(inode_of(node), [&] {
    auto file = std::make_shared<OpenFile>(node, version, archive);
    // What the kernel reads is not heard of here: it counts as read from the start.
    if (given && file->serve()) file->given = std::move(given);
    if (placeholder) (void)file->set_placeholder(std::move(placeholder));  // nobody has read of it yet
    file->local = std::move(local);
    return file;
  });
}

Result<void> Vfs::passthrough() const {
  if (parts_.kernel == nullptr) return fail(Errc::unsupported, "this mount has no kernel");
  Result<void> ready = parts_.kernel->ready();
  if (ready) parts_.cache.check_complete_files();
  return ready;
}

GivenFile Vfs::give_to_kernel(const FileVersion& version, const MountedArchive* archive) const {
  if (archive == nullptr || !passthrough()) return {};
  const auto file = parts_.cache.checked_file(version);
  if (!file) return {};
  // Not before it was compared with the archive's checksums: what the kernel has cannot be taken back from
  // its readers.
  const Result<ObjectState> object = parts_.catalog.object(version.object);
  const Verdict verdict = object ? object->verdict : Verdict::none;
  const bool compared =
      verdict != Verdict::none && verdict != Verdict::suspect && verdict != Verdict::refused;
  if (!compared && archive->verify != VerifyPolicy::off) return {};
  const std::optional<KernelFiles::Id> id = parts_.kernel->give(file->fd());
  return id ? GivenFile(*parts_.kernel, *id) : GivenFile();
}

void Vfs::open_placeholder(const Node& node, MissingCause cause, const OpenPending& pending) {
  const Errc otherwise = cause == MissingCause::not_fetched ? Errc::offline : Errc::not_found;
  if (!parts_.missing.can_make(node)) {
    pending->settle(fail(otherwise, node.name + (cause == MissingCause::not_fetched
                                                     ? " is not in the cache and the mount is offline"
                                                     : " is missing in the archive")));
    return;
  }
  parts_.missing.make(
      node, cause, [this, node, otherwise, pending](const Result<std::shared_ptr<const Placeholder>>& made) {
        if (!made) {
          pending->settle(fail(otherwise, made.error().message));
          return;
        }
        Node shown = node;
        shown.size = (*made)->size();
        hand_over(shown, *made, pending);
      });
}

void Vfs::release(const std::shared_ptr<OpenHandle>& handle) {
  const OpenFile& file = *handle->file;
  const Inode inode = inode_of(file.node);
  open_files_.close(inode);
  if (file.served() && !file.given) parts_.notices.attributes_changed(inode);
}

FileState Vfs::state_of(const Node& node) const {
  const MountedArchive* archive = parts_.archives.of(node);
  if (archive != nullptr && archive->archive->is_local()) return FileState::local;
  if (node.missing) return FileState::placeholder;
  const Presence presence = node.size ? parts_.cache.presence(parts_.archives.version(node)) : Presence{};
  if (presence.complete) return FileState::cached;
  if (presence.bytes > 0) return FileState::partial;
  return options_.offline ? FileState::not_fetched : FileState::remote;
}

}  // namespace astrofs
