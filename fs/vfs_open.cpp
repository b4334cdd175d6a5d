// The part of Vfs that opens: which version of a file its reader gets, real, blank or a file on this machine.
#include <fcntl.h>
#include <sys/stat.h>

#include "fs/vfs.h"

namespace astrofs {
namespace {

/// What an open says of a frame that is not there and cannot be made up.
Error refusal(const Node& node, MissingCause cause) {
  switch (cause) {
    case MissingCause::denied_by_archive:
      break;
    case MissingCause::not_fetched:
      return {Errc::offline, node.name + " is not in the cache and the mount is offline"};
    case MissingCause::not_logged_in:
      return {Errc::denied, node.name + " is given by its archive after a login only"};
  }
  return {Errc::not_found, node.name + " is missing in the archive"};
}

}  // namespace

void Vfs::open(Inode inode, ReplyPtr<std::shared_ptr<OpenHandle>> reply, bool by_other) {
  Result<Node> node = this->node(inode);
  if (!node) return reply->send(tl::unexpected<Error>(node.error()));
  if (node->kind != NodeKind::file)
    return reply->send(fail(Errc::is_directory, node->name + " is a directory"));
  if (by_other && !asks_disk(*node)) {
    const Result<void> let_in = let_others_in(*node);
    if (!let_in) return reply->send(tl::unexpected<Error>(let_in.error()));
  }
  // Also when somebody has the older one open: the kernel looks the name up again.
  if (inode_of(*node) != inode) return reply->send(fail(Errc::stale, node->name + " has a newer version"));
  const MountedArchive* archive = parts_.archives.of(*node);
  if (archive == nullptr)
    return reply->send(fail(Errc::not_found, "the archive of this file is no longer configured"));
  if (is_local(archive)) {  // compared with the disk whoever has it open
    const auto pending = parts_.parking.park(std::move(reply));
    return ask_disk(archive, node->id, pending, [this, node = *node, archive, by_other, pending] {
      open_local(node, *archive, by_other, pending);
    });
  }
  const std::optional<MissingCause> blank = blank_because(*node);
  if (const auto open = open_files_.find(inode)) {
    if (!differs(*open, *node, blank)) return reply->send(open_files_.open(inode, [&open] { return open; }));
    const auto pending = parts_.parking.park(std::move(reply));
    return part_from_open(*node, [node = *node, pending](const Result<Node>&) {
      pending->settle(fail(Errc::stale, node.name + " is open as something else"));
    });
  }
  if (node->size && !blank) {
    renew_old(*node);
    return reply->send(open_version(*node, nullptr));
  }
  const auto pending = parts_.parking.park(std::move(reply));
  if (node->missing) recheck_missing(*node);
  if (blank) return open_placeholder(*node, *blank, pending);
  resolve(*node, [this, inode, pending](const Result<Node>& resolved) {
    if (!resolved) {
      pending->settle(tl::unexpected<Error>(resolved.error()));
    } else if (inode_of(*resolved) != inode) {
      pending->settle(fail(Errc::stale, resolved->name + " changed while its size was asked for"));
    } else if (resolved->missing) {
      open_placeholder(*resolved, MissingCause::denied_by_archive, pending);
    } else {
      hand_over(*resolved, nullptr, pending);
    }
  });
}

void Vfs::open_local(const Node& node, const MountedArchive& archive, bool by_other,
                     const OpenPending& pending) {
  const Result<void> let_in = by_other ? let_others_in(node) : Result<void>();
  if (!let_in) {
    pending->settle(tl::unexpected<Error>(let_in.error()));
    return;
  }
  Result<UniqueFd> file = archive.archive->open_local(node.locator);
  const bool is_gone =
      !file && (file.error().code == Errc::not_found || file.error().code == Errc::not_directory);
  if (!file && !is_gone) {
    last_errors_.note(node.id, file.error());
    pending->settle(tl::unexpected<Error>(file.error()));
    return;
  }
  last_errors_.forget(node.id);
  struct stat st {};
  const bool is_as_listed = file && ::fstat(file->get(), &st) == 0 &&
                            node.size == static_cast<std::uint64_t>(st.st_size) &&
                            node.mtime == SysSeconds(seconds(st.st_mtim.tv_sec));
  if (is_as_listed) return hand_over(node, nullptr, pending, std::move(*file));
  // Changed since it was listed: with the new listing the kernel looks the name up again and finds the new
  // version.
  const auto stale = [pending, name = node.name](const Result<void>&) {
    pending->settle(fail(Errc::stale, name + " has changed on this machine"));
  };
  const Result<Node> dir = parts_.catalog.node(node.parent);
  if (!dir) return stale({});
  parts_.lister.refresh(*dir, stale);
}

std::optional<MissingCause> Vfs::blank_because(const Node& node) const {
  if (node.missing) return MissingCause::denied_by_archive;
  const FileState state = state_of(node);
  if (state == FileState::not_logged_in) return MissingCause::not_logged_in;
  // An empty file is what it is, and one of unknown size is not shown with another.
  if (state == FileState::not_fetched && node.size.value_or(0) > 0) return MissingCause::not_fetched;
  return std::nullopt;
}

bool Vfs::differs(const OpenFile& open, const Node& node, const std::optional<MissingCause>& blank) const {
  return (open.placeholder() != nullptr) != blank.has_value() ||
         (!blank && open.version.scope != parts_.archives.version(node).scope);
}

bool Vfs::differs_from_open(const Node& node) const {
  if (node.kind != NodeKind::file) return false;
  const auto open = open_files_.find(inode_of(node));
  return open && !open->local && differs(*open, node, blank_because(node));
}

void Vfs::part_from_open(const Node& node, SizeResolver::Done done) {
  parts_.writer.renew(node.id, node.generation, [this, node, done = std::move(done)](const Result<void>&) {
    parts_.notices.entry_changed(node.parent, node.name);
    done(parts_.catalog.node(node.id));
  });
}

void Vfs::hand_over(const Node& node, std::shared_ptr<const Placeholder> placeholder,
                    const OpenPending& pending, UniqueFd local) {
  // A caller that is gone will never release what it opened.
  if (!pending->settle(open_version(node, std::move(placeholder), std::move(local))))
    open_files_.close(inode_of(node));
}

std::shared_ptr<OpenHandle> Vfs::open_version(const Node& node,
                                              std::shared_ptr<const Placeholder> placeholder,
                                              UniqueFd local) {
  const MountedArchive* archive = parts_.archives.of(node);
  const FileVersion version = parts_.archives.version(node);
  GivenFile given = placeholder || local ? GivenFile() : give_to_kernel(version, archive);
  // It was read and evicted. It may be denied now: a blank frame has another head than the kernel may have.
  // Or it was fetched anew, ahead of its readers, and is another version by now.
  const bool was_read = !placeholder && !local && was_served(node.id);
  const bool is_forgotten =
      was_read && (parts_.cache.was_evicted(version) || parts_.cache.presence(version).bytes == 0);
  std::optional<Hash128> shown;
  if (placeholder)
    shown.emplace();
  else if (archive != nullptr && version.scope != kPublic)
    shown = version.object;
  return open_files_.open(inode_of(node), [&] {
    auto file = std::make_shared<OpenFile>(node, version, archive);
    // What the kernel reads is not heard of here: it counts as read from the start.
    if (given && file->serve()) file->given = std::move(given);
    file->pages_are_others = note_shown(inode_of(node), shown) || is_forgotten;
    if (was_read && !is_forgotten) (void)file->serve();  // the kernel may serve its readers what it has
    if (placeholder) (void)file->set_placeholder(std::move(placeholder));  // nobody has read of it yet
    file->local = std::move(local);
    return file;
  });
}

bool Vfs::note_shown(Inode inode, const std::optional<Hash128>& object) {
  const MutexLock lock(mutex_);
  const auto known = shown_.find(inode);
  const bool other = (known == shown_.end() ? std::nullopt : std::optional(known->second)) != object;
  if (object)
    shown_.insert_or_assign(inode, *object);
  else if (known != shown_.end())
    shown_.erase(known);
  return other;
}

bool Vfs::was_served(NodeId node) {
  const MutexLock lock(mutex_);
  return served_[node % served_.size()];
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
  const Error otherwise = refusal(node, cause);
  if (!parts_.missing.can_make(node)) {
    pending->settle(tl::unexpected<Error>(otherwise));
    return;
  }
  parts_.missing.make(
      node, cause,
      [this, node, code = otherwise.code, pending](const Result<std::shared_ptr<const Placeholder>>& made) {
        if (!made) {
          pending->settle(fail(code, made.error().message));
          return;
        }
        Node shown = node;
        shown.size = (*made)->size();
        hand_over(shown, *made, pending);
      });
}

void Vfs::release(std::shared_ptr<OpenHandle> handle) {
  const OpenFile& file = *handle->file;
  const Inode inode = inode_of(file.node);
  if (file.served()) {
    const MutexLock lock(mutex_);
    served_[file.node.id % served_.size()] = true;
  }
  open_files_.close(inode);
  if (file.served() && !file.given) parts_.notices.attributes_changed(inode);
  // close(2) asks the disk as well.
  if (file.local) (void)parts_.disk.submit(file.archive, [last = std::move(handle)] {});
}

FileState Vfs::state_of(const Node& node) const {
  const MountedArchive* archive = parts_.archives.of(node);
  if (is_local(archive)) return FileState::local;
  if (node.missing) return FileState::placeholder;
  const Presence presence = node.size ? parts_.cache.presence(parts_.archives.version(node)) : Presence{};
  if (presence.complete) return FileState::cached;
  // A part of a frame is worth nothing to its readers when the rest cannot be had.
  if (archive != nullptr && !archive->archive->can_fetch(node.locator) && parts_.missing.can_make(node))
    return FileState::not_logged_in;
  if (presence.bytes > 0) return FileState::partial;
  // What is built of what is here needs no network.
  const bool can_be_had =
      !options_.offline || (archive != nullptr && archive->archive->builds_offline(node.locator));
  return can_be_had ? FileState::remote : FileState::not_fetched;
}

Error Vfs::why_not_given(const Node& node) const {
  if (const MountedArchive* const archive = parts_.archives.of(node)) {
    if (auto located = archive->archive->locate(node.locator); !located) return located.error();
  }
  return {Errc::denied, "it wanted a login until just now"};
}

}  // namespace astrofs
