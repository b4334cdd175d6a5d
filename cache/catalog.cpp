#include "cache/catalog.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "cache/damage_log.h"
#include "cache/lmdb.h"
#include "cache/records.h"
#include "cache/recover.h"
#include "cache/schema.h"

namespace astrofs {
namespace {

/// Nodes copied out of one transaction before they are shown. Grows from the first to the last, so that a
/// look at one entry does not pay for hundreds, and a walk of a hundred thousand seldom begins a transaction.
constexpr std::size_t kFirstBatch = 16;
constexpr std::size_t kLargestBatch = 256;

/// For readers a record that cannot be believed is one that is not there.
Error as_absent(const Txn& txn, const Error& error) {
  if (error.code == Errc::corrupt && txn.failure() == 0) return {Errc::not_found, error.message};
  return error;
}

/// The listed children of `dir` whose key is at or behind `from`, at most `most`; `from` becomes the key to
/// go on from. False: that was the last.
Result<bool> next_children(const Txn& txn, NodeId dir, std::string& from, std::size_t most,
                           std::vector<schema::NodeRecord>& out, std::size_t& count) {
  Cursor children(txn, Table::child);
  Cursor nodes(txn, Table::node);
  count = 0;
  Result<bool> more = children.seek(from);
  NodeId last = 0;
  for (; more && *more && schema::leading_u64(children.key()) == dir; more = children.next()) {
    if (count == most) {
      from.assign(children.key());
      return true;
    }
    schema::ChildRecord child;
    if (!schema::decode_child(children.key(), children.value(), child)) {
      txn.damage().record(Table::child, children.key());
      txn.damage().directory(dir);
      continue;
    }
    if (!child.listed) continue;
    // Children of one listing were numbered in the order of their names: the next node is most often the next
    // record.
    const schema::Key key = schema::id_key(child.id);
    Result<bool> found = last != 0 && child.id == last + 1 ? nodes.next() : nodes.find(key);
    if (found && (!*found || nodes.key() != std::string_view(key))) found = nodes.find(key);
    if (!found) return tl::unexpected(found.error());
    last = *found ? child.id : 0;
    if (out.size() == count) out.emplace_back();
    if (!*found || !schema::decode_node(key, nodes.value(), out[count])) {
      txn.damage().record(Table::node, key);
      txn.damage().directory(dir);
      continue;
    }
    ++count;
  }
  if (!more) return tl::unexpected(more.error());
  return false;
}

}  // namespace

Catalog::Catalog(OpenedIndex opened)
    : directory_(std::move(opened.directory)),
      lock_(std::move(opened.lock)),
      environment_(std::move(opened.environment)),
      recovery_note_(std::move(opened.note)) {}

Catalog::~Catalog() = default;

Result<std::unique_ptr<Catalog>> Catalog::open(const CatalogOptions& options) {
  Result<OpenedIndex> opened = open_index(options);
  if (!opened) return tl::unexpected(opened.error());
  return std::unique_ptr<Catalog>(new Catalog(std::move(*opened)));
}

Result<Node> Catalog::node(NodeId id) const {
  const auto txn = environment_->read();
  if (!txn) return tl::unexpected(txn.error());
  Result<schema::NodeRecord> record = records::node(*txn, id);
  if (!record) return tl::unexpected(as_absent(*txn, record.error()));
  return std::move(*record);
}

Result<Node> Catalog::child(NodeId parent, std::string_view name) const {
  const auto txn = environment_->read();
  if (!txn) return tl::unexpected(txn.error());
  const Result<schema::ChildRecord> child = records::child(*txn, parent, name);
  if (records::damaged(*txn, child)) txn->damage().directory(parent);
  if (!child) return tl::unexpected(as_absent(*txn, child.error()));
  if (!child->listed) return fail(Errc::not_found, "no longer listed");
  Result<schema::NodeRecord> record = records::node(*txn, child->id);
  if (records::absent(*txn, record)) txn->damage().directory(parent);
  if (!record) return tl::unexpected(as_absent(*txn, record.error()));
  return std::move(*record);
}

Result<void> Catalog::scan(NodeId dir, NodeId after, const std::function<bool(const Node&)>& visit) const {
  if (after == 0) return scan_from(dir, std::string(schema::id_key(dir)), visit);
  const Result<Node> last = node(after);
  if (!last) return tl::unexpected(last.error());
  if (last->parent != dir) return fail(Errc::invalid, "a place in another directory");
  return scan_after_name(dir, last->name, visit);
}

Result<void> Catalog::scan_after_name(NodeId dir, std::string_view name,
                                      const std::function<bool(const Node&)>& visit) const {
  if (name.size() > schema::kMaxName) return fail(Errc::invalid, "no entry can have such a name");
  // The first key behind a name is the name and a zero byte, which no name holds.
  return scan_from(dir, std::string(schema::child_key(dir, name).raw({"\0", 1})), visit);
}

Result<void> Catalog::scan_from(NodeId dir, std::string from,
                                const std::function<bool(const Node&)>& visit) const {
  std::vector<schema::NodeRecord> batch;
  std::size_t count = 0;
  for (std::size_t most = kFirstBatch;; most = std::min(most * 2, kLargestBatch)) {
    Result<bool> more = false;
    {
      const auto txn = environment_->read();
      if (!txn) return tl::unexpected(txn.error());
      more = next_children(*txn, dir, from, most, batch, count);
    }
    // Shown outside the transaction: whoever looks may take its time.
    for (std::size_t i = 0; i < count; ++i) {
      if (!visit(batch[i])) return {};
    }
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
  }
}

Result<ListingState> Catalog::listing(NodeId dir) const {
  if (environment_->damage().has_hole(dir)) return fail(Errc::not_found, "the listing is damaged");
  const auto txn = environment_->read();
  if (!txn) return tl::unexpected(txn.error());
  Result<ListingState> listing = records::listing(*txn, dir);
  if (!listing) return tl::unexpected(as_absent(*txn, listing.error()));
  return listing;
}

Result<std::string> Catalog::path(NodeId id) const {
  const auto txn = environment_->read();
  if (!txn) return tl::unexpected(txn.error());
  std::string path;
  for (int depth = 0; id != kRootNode; ++depth) {
    const Result<schema::NodeRecord> record = records::node(*txn, id);
    if (!record) return tl::unexpected(as_absent(*txn, record.error()));
    if (depth == records::kMaxDepth) return fail(Errc::corrupt, "directories that lead round in a circle");
    path = path.empty() ? record->name : record->name + "/" + path;
    id = record->parent;
  }
  return path;
}

Result<ObjectState> Catalog::object(const Hash128& id) const {
  const auto txn = environment_->read();
  if (!txn) return tl::unexpected(txn.error());
  Result<ObjectState> object = records::object(*txn, id);
  if (!object) return tl::unexpected(as_absent(*txn, object.error()));
  return object;
}

Result<BlockChunk> Catalog::blocks(const Hash128& id, std::uint32_t chunk) const {
  const auto txn = environment_->read();
  if (!txn) return tl::unexpected(txn.error());
  Result<BlockChunk> blocks = records::block(*txn, id, chunk);
  if (records::absent(*txn, blocks)) return BlockChunk{};
  return blocks;
}

Result<std::vector<std::uint32_t>> Catalog::stored_chunks(const Hash128& id) const {
  const auto txn = environment_->read();
  if (!txn) return tl::unexpected(txn.error());
  std::vector<std::uint32_t> chunks;
  const schema::Key prefix = schema::object_key(id);
  Cursor cursor(*txn, Table::block);
  Result<bool> more = cursor.seek(prefix);
  for (; more && *more && cursor.key().starts_with(prefix); more = cursor.next())
    chunks.push_back(schema::chunk_in(cursor.key()));
  if (!more) return tl::unexpected(more.error());
  return chunks;
}

bool Catalog::pinned(NodeId id) const {
  const auto txn = environment_->read();
  return txn && records::pinned(*txn, id);
}

bool Catalog::pinned(const FileVersion& version) const {
  if (pinned(version.node)) return true;
  const Result<ObjectState> state = object(version.object);
  return state && pinned(state->node);
}

Result<std::vector<NodeId>> Catalog::pins() const {
  const auto txn = environment_->read();
  if (!txn) return tl::unexpected(txn.error());
  std::vector<NodeId> pins;
  Cursor cursor(*txn, Table::pin);
  Result<bool> more = cursor.seek({});
  for (; more && *more; more = cursor.next()) {
    NodeId id = 0;
    if (schema::decode_pin(cursor.key(), cursor.value(), id)) {
      pins.push_back(id);
    } else {
      txn->damage().record(Table::pin, cursor.key());
    }
  }
  if (!more) return tl::unexpected(more.error());
  return pins;
}

Result<void> Catalog::scan_oldest(
    const std::function<bool(const Hash128&, const ObjectState&)>& visit) const {
  std::string from;
  std::vector<std::pair<Hash128, ObjectState>> batch;
  for (Result<bool> more = true; *more;) {
    batch.clear();
    {
      const auto txn = environment_->read();
      if (!txn) return tl::unexpected(txn.error());
      Cursor cursor(*txn, Table::used);
      more = cursor.seek(from);
      for (; more && *more && batch.size() < kLargestBatch; more = cursor.next()) {
        std::uint64_t use = 0;
        Hash128 id{};
        if (!schema::decode_used(cursor.key(), cursor.value(), use, id)) {
          txn->damage().record(Table::used, cursor.key());
          continue;
        }
        Result<ObjectState> object = records::object(*txn, id);
        if (object && object->last_used == use) batch.emplace_back(id, std::move(*object));
      }
      if (!more) return tl::unexpected(more.error());
      from.assign(cursor.key());
    }
    for (const auto& [id, object] : batch) {
      if (!visit(id, object)) return {};
    }
  }
  return {};
}

std::uint64_t Catalog::meta(std::string_view key) const {
  const auto txn = environment_->read();
  return txn ? records::meta(*txn, key).value_or(0) : 0;
}

std::uint64_t Catalog::used_bytes() const {
  return meta(schema::kMetaUsedBytes);
}
std::uint64_t Catalog::object_count() const {
  return meta(schema::kMetaObjectCount);
}

Result<void> Catalog::mark_clean() {
  const DamageLog& damage = environment_->damage();
  // The mark once more: when the page was found there may have been no descriptor for it.
  if (damage.page_seen()) return damage.leave_mark();
  // Records found broken while running are looked at once more, by the next opener's probe.
  if (damage.records() != 0) return {};
  if (auto synced = environment_->sync(); !synced) return synced;
  return seal_index(directory_.get());
}

}  // namespace astrofs
