#include "fs/vfs.h"

namespace astrofs {
namespace {

/// Listed names and sizes change only with the listing, and the kernel is told when they do.
constexpr seconds kKeepAttributes{3600};
/// A placeholder gives way to the real frame when that appears: its name is looked up again soon.
constexpr seconds kKeepPlaceholder{60};
/// Files on this machine, and who may read them, change without a word: the kernel asks again soon.
constexpr seconds kKeepLocal{2};
/// While bytes are on their way to the disk, what is cached of a file is about to change.
constexpr seconds kKeepLanding{1};
/// A login is a matter of minutes, and its user looks at once whether it has helped.
constexpr seconds kKeepUntilLogin{2};
/// Of a directory of this machine: a batch of who reads it.
constexpr std::size_t kNodesAtOnce = 256;

/// A name that its directory does not show, another spelling of one that it does, is in no notice.
seconds kept_for(const Node& node, const std::string& asked) {
  return node.name == asked ? kKeepAttributes : kKeepLocal;
}

/// The answer to a lookup that has to wait: until it is sent, no notice shall want the directory.
class LookupReply final : public Reply<Attr> {
 public:
  LookupReply(Notices& notices, NodeId dir, ReplyPtr<Attr> reply)
      : notices_(notices),
        dir_(dir),
        reply_(std::move(reply)),
        is_in_the_way_(notices_.lookup_begins(dir_)) {}
  /// Of a notice that the directory is wanted for already.
  [[nodiscard]] bool is_in_the_way() const { return is_in_the_way_; }
  void send(Result<Attr> result) override {
    reply_->send(std::move(result));
    notices_.lookup_ended(dir_);
  }
  void on_interrupt(std::function<void()> interrupted) override {
    reply_->on_interrupt(std::move(interrupted));
  }
  [[nodiscard]] bool caller_is_dying() const override { return reply_->caller_is_dying(); }

 private:
  Notices& notices_;
  const NodeId dir_;
  const ReplyPtr<Attr> reply_;
  const bool is_in_the_way_;
};

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
    case FileState::not_logged_in:
      return "not-logged-in";
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

bool Vfs::asks_disk(const Node& node) const {
  return options_.others && is_local(parts_.archives.of(node));
}

bool Vfs::is_private(const Node& node, const MountedArchive* archive) const {
  // This machine's disk is asked where it matters only: it may be another machine's, and hang.
  return archive != nullptr && (!is_local(archive) || options_.others) &&
         archive->archive->credential_scope(node.locator) != kPublic;
}

Result<void> Vfs::let_others_in(const Node& node) const {
  if (!is_private(node, parts_.archives.of(node))) return {};
  return fail(Errc::denied, node.name + " is for who mounted alone");
}

Attr Vfs::attr_of(const Node& node) const {
  Attr attr{inode_of(node), node.id, node.kind, node.size.value_or(0), node.mtime};
  const MountedArchive* archive = parts_.archives.of(node);
  attr.is_private = is_private(node, archive);
  attr.good_for = is_local(archive) ? kKeepLocal : kKeepAttributes;
  if (node.kind == NodeKind::directory) {
    if (const auto listing = parts_.catalog.listing(node.id)) attr.mtime = listing->fetched;
    return attr;
  }
  if (node.missing) {
    attr.good_for = kKeepPlaceholder;
    if (!node.size) attr.size = parts_.missing.natural_size(node).value_or(0);
    return attr;
  }
  if (is_local(archive)) {
    attr.cached_bytes = attr.size;
  } else if (state_of(node) == FileState::not_logged_in) {
    attr.good_for = kKeepUntilLogin;
    if (!node.size) attr.size = parts_.missing.natural_size(node).value_or(0);
  } else if (node.size) {
    attr.cached_bytes = parts_.cache.presence(parts_.archives.version(node)).bytes;
    if (parts_.cache.bytes_in_flight() > 0) attr.good_for = kKeepLanding;
  }
  return attr;
}

Attr Vfs::attr_for_now(const Node& node) const {
  Attr attr{inode_of(node), node.id, node.kind, node.size.value_or(0), node.mtime};
  if (const auto open = open_files_.find(attr.inode)) {
    const auto placeholder = open->placeholder();
    attr.size = placeholder ? placeholder->size() : open->version.size;
  }
  attr.is_private = true;
  attr.good_for = seconds(0);
  return attr;
}

// ---- names

void Vfs::lookup(NodeId parent, std::string name, ReplyPtr<Attr> reply) {
  Result<Node> dir = parts_.catalog.node(parent);
  if (!dir) return reply->send(tl::unexpected<Error>(dir.error()));
  if (dir->kind != NodeKind::directory)
    return reply->send(fail(Errc::not_directory, dir->name + " is not a directory"));
  Result<Node> child = parts_.catalog.child(parent, name);
  if (!child || !has_attributes(*child) || asks_disk(*child)) {
    auto waiting = std::make_unique<LookupReply>(parts_.notices, parent, std::move(reply));
    if (child && waiting->is_in_the_way()) return waiting->send(attr_for_now(*child));
    reply = std::move(waiting);
  }
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
  if (!parts_.lister.finds_first(dir)) return lookup_listing(dir, name, pending);
  parts_.lister.find(dir, name, [this, dir, name, pending](const Result<Node>& found) {
    // Some names are told by a listing alone: those that are shown shortened.
    if (!found) return lookup_listing(dir, name, pending);
    answer_attr(*found, pending, kept_for(*found, name));
  });
}

void Vfs::lookup_listing(const Node& dir, const std::string& name, const AttrPending& pending) {
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
  parts_.lister.find(dir, name, [this, pending, dir, name](const Result<Node>& found) {
    if (found) return answer_attr(*found, pending, kept_for(*found, name));
    Attr absent;
    absent.good_for = kKeepLocal;
    if (found.error().code == Errc::not_found && is_local(parts_.archives.of(dir)))
      pending->settle(absent);
    else
      pending->settle(tl::unexpected<Error>(found.error()));
  });
}

bool Vfs::has_attributes(const Node& node) const {
  return node.kind != NodeKind::file || node.size || (node.missing && parts_.missing.can_make(node)) ||
         state_of(node) == FileState::not_logged_in;
}

void Vfs::send_attr(const Node& node, ReplyPtr<Attr> reply) {
  if (has_attributes(node) && !asks_disk(node) && !differs_from_open(node)) return reply->send(attr_of(node));
  answer_attr(node, parts_.parking.park(std::move(reply)));
}

void Vfs::answer_attr(const Node& node, const AttrPending& pending, seconds at_most) {
  if (has_attributes(node)) return tell_attr(node, pending, at_most);
  resolve(node, [this, pending, at_most](const Result<Node>& resolved) {
    if (resolved)
      tell_attr(*resolved, pending, at_most);
    else
      pending->settle(tl::unexpected<Error>(resolved.error()));
  });
}

void Vfs::tell_attr(const Node& node, const AttrPending& pending, seconds at_most) {
  const auto settle = [this, pending, at_most](const Node& told) {
    Attr attr = attr_of(told);
    attr.good_for = std::min(attr.good_for, at_most);
    pending->settle(attr);
  };
  if (asks_disk(node))
    return ask_disk(parts_.archives.of(node), node.id, pending, [settle, node] { settle(node); });
  if (!differs_from_open(node)) return settle(node);
  part_from_open(node, [settle, pending](const Result<Node>& now) {
    if (now)
      settle(*now);
    else
      pending->settle(tl::unexpected<Error>(now.error()));
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
    mark_missing(node, done);
  });
}

void Vfs::getattr(Inode inode, ReplyPtr<Attr> reply) {
  // An open version answers for itself: its size is that of the bytes its readers get.
  if (const auto open = open_files_.find(inode)) {
    const auto make = [this, open, inode]() -> Result<Attr> {
      Attr attr = attr_of(open->node);
      attr.inode = inode;
      if (const auto placeholder = open->placeholder()) attr.size = placeholder->size();
      return attr;
    };
    return asks_disk(open->node) ? reply_with<Attr>(open->node, std::move(reply), make) : reply->send(make());
  }
  Result<Node> node = this->node(inode);
  if (!node) return reply->send(tl::unexpected<Error>(node.error()));
  if (inode_of(*node) != inode) return reply->send(fail(Errc::stale, node->name + " has a newer version"));
  send_attr(*node, std::move(reply));
}

// ---- directories

void Vfs::opendir(NodeId dir, ReplyPtr<Node> reply, bool by_other) {
  Result<Node> node = this->node(dir);
  if (!node) return reply->send(tl::unexpected<Error>(node.error()));
  if (node->kind != NodeKind::directory)
    return reply->send(fail(Errc::not_directory, node->name + " is not a directory"));
  const MountedArchive* const archive = parts_.archives.of(*node);
  const bool asks = by_other && asks_disk(*node);
  if (by_other && !asks) {
    if (const Result<void> let_in = let_others_in(*node); !let_in)
      return reply->send(tl::unexpected<Error>(let_in.error()));
  }
  const Result<ListingState> listing = parts_.catalog.listing(dir);
  const bool listed = dir == kRootNode || (listing && listing->fetched != SysSeconds{});
  // This machine's disk lists sooner than its users look twice: they wait for it.
  const bool wait = !listed || (is_local(archive) && parts_.lister.is_old(*listing));
  if (!wait) {
    parts_.lister.ensure(*node, [](const Result<void>&) {});
    if (!asks) return reply->send(std::move(*node));
  }
  const auto pending = parts_.parking.park(std::move(reply));
  const auto answer = [this, pending, node = *node, archive, listed, asks](const Result<void>& result) {
    if (!result && !listed)
      pending->settle(tl::unexpected<Error>(result.error()));
    else if (asks)
      ask_disk(archive, node.id, pending,
               [this, pending, node] { pending->settle(let_others_in(node).map([&] { return node; })); });
    else
      pending->settle(node);
  };
  if (!wait)
    answer({});
  else if (listed)
    parts_.lister.refresh(*node, answer);
  else
    parts_.lister.ensure(*node, answer);
}

Result<void> Vfs::readdir(const Node& dir, NodeId cookie, const std::function<bool(const DirEntry&)>& visit) {
  const auto show = [&](const Node& node) {
    DirEntry entry{node.name, node.id, node.kind, nullptr, node.id};
    if (!has_attributes(node) || differs_from_open(node)) return visit(entry);
    const Attr attr = attr_of(node);
    entry.attr = &attr;
    return visit(entry);
  };
  if (!asks_disk(dir)) return parts_.catalog.scan(dir.id, cookie, show);
  // While the index is read, its old pages are kept: not for as long as a disk may take.
  for (;;) {
    std::vector<Node> nodes;
    const auto gather = [&](const Node& node) {
      nodes.push_back(node);
      return nodes.size() < kNodesAtOnce;
    };
    if (Result<void> scanned = parts_.catalog.scan(dir.id, cookie, gather); !scanned) return scanned;
    for (const Node& node : nodes) {
      if (!show(node)) return {};
    }
    if (nodes.size() < kNodesAtOnce) return {};
    cookie = nodes.back().id;
  }
}

}  // namespace astrofs
