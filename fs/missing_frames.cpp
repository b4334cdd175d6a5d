#include "fs/missing_frames.h"

#include "backends/format/fits_layout.h"
#include "base/log.h"
#include "fs/blank_table.h"
#include "fs/read_pattern.h"
#include "fs/waiting.h"

namespace astrofs {
namespace {

/// Siblings looked at behind a missing frame, and as many at the start of its directory, for one whose header
/// is in the cache.
constexpr std::size_t kSiblings = 32;
/// Siblings whose header is fetched when none is cached. The listing's neighbours are seldom missing too.
constexpr std::size_t kFetchedSiblings = 2;
/// Share of a call's time that each of those may take. A header is worth waiting for, but the placeholder is
/// not to be late for it.
constexpr int kSiblingShare = 4;

}  // namespace

MissingFrames::MissingFrames(const Catalog& catalog, BlockCache& cache, const ArchiveTable& archives,
                             ArchiveTurns& turns, std::chrono::milliseconds timeout, std::stop_token stop)
    : catalog_(catalog),
      cache_(cache),
      archives_(archives),
      turns_(turns),
      models_(catalog, cache, archives),
      timeout_(timeout),
      stop_(std::move(stop)) {}

bool MissingFrames::can_make(const Node& node) const {
  const MountedArchive* archive = archives_.of(node);
  return archive != nullptr && archive->missing == MissingPolicy::placeholder &&
         archive->archive->shape(node.locator);
}

Result<std::uint64_t> MissingFrames::natural_size(const Node& node) const {
  const MountedArchive* archive = archives_.of(node);
  if (archive == nullptr) return fail(Errc::not_found, "no archive is configured here");
  const Result<FrameShape> shape = shape_of(node, *archive->archive);
  if (!shape) return tl::unexpected<Error>(shape.error());
  return Placeholder::make(*shape, std::nullopt, std::nullopt, MissingCause::denied_by_archive, node.name)
      .map([](const Placeholder& made) { return made.size(); });
}

void MissingFrames::learn(const Node& node, std::function<void(std::string layout)> done) {
  if (!models_.may_know(node)) return done({});
  const auto job = [this, node, done] { done(text_of(models_.find(node))); };
  if (!turns_.submit(archives_.of(node), job)) done({});
}

Result<FrameShape> MissingFrames::shape_of(const Node& node, const Archive& archive) const {
  const std::optional<TableModel> model = table_model_in(node.layout);
  if (!model) return archive.shape(node.locator);
  auto shape = archive.shape_like(node.locator, *model);
  // Of a size that the listing gives only what agrees with it is believed.
  if (shape && node.size && !rows_fit(*shape, *node.size)) return archive.shape(node.locator);
  return shape;
}

void MissingFrames::make(const Node& node, MissingCause cause, Done done) {
  const auto job = [this, node, cause, done] { done(build(node, cause)); };
  if (!turns_.submit(archives_.of(node), job)) done(fail(Errc::interrupted, "the mount is ending"));
}

Result<std::shared_ptr<const Placeholder>> MissingFrames::build(const Node& node, MissingCause cause) {
  const MountedArchive* archive = archives_.of(node);
  if (archive == nullptr) return fail(Errc::not_found, "no archive is configured here");
  const bool is_told = table_model_in(node.layout).has_value();
  const Result<FrameShape> shape =
      is_told ? shape_of(node, *archive->archive) : archive->archive->describe(node.locator);
  if (!shape) return tl::unexpected<Error>(shape.error());
  std::optional<std::uint64_t> size = node.size;
  if (!size) {
    const Result<std::uint64_t> natural = natural_size(node);
    if (!natural) return tl::unexpected<Error>(natural.error());
    size = *natural;
  }
  std::optional<SiblingHeader> sibling;
  if (!tells_all(*shape)) sibling = sibling_header(node, *shape, cause == MissingCause::denied_by_archive);
  Result<Placeholder> made = Placeholder::make(*shape, sibling, size, cause, node.name);
  if (!made && is_told) {
    const auto untold = archive->archive->shape(node.locator);
    if (untold) made = Placeholder::make(*untold, sibling, size, cause, node.name);
  }
  if (!made) {
    log::warning("{} is missing and has no placeholder: {}", node.name, made.error().message);
    return tl::unexpected<Error>(made.error());
  }
  return std::make_shared<const Placeholder>(std::move(*made));
}

std::optional<SiblingHeader> MissingFrames::sibling_header(const Node& node, const FrameShape& shape,
                                                           bool may_fetch) {
  // Those that follow by name are nearest in time; those the directory begins with are the most often read.
  std::vector<Node> siblings;
  std::size_t room = kSiblings;
  const auto gather = [&](const Node& next) {
    if (next.kind == NodeKind::file && next.id != node.id && next.size && !next.missing)
      siblings.push_back(next);
    return siblings.size() < room;
  };
  (void)catalog_.scan_after_name(node.parent, node.name, gather);
  room = siblings.size() + kSiblings;
  (void)catalog_.scan(node.parent, 0, gather);
  for (const Node& sibling : siblings) {
    if (auto header = read_header(sibling, false); header && agrees(shape, *header)) return header;
  }
  for (std::size_t i = 0; may_fetch && i < std::min(kFetchedSiblings, siblings.size()); ++i) {
    if (auto header = read_header(siblings[i], true); header && agrees(shape, *header)) return header;
  }
  return std::nullopt;
}

std::optional<SiblingHeader> MissingFrames::read_header(const Node& sibling, bool may_fetch) {
  const FileVersion version = archives_.version(sibling);
  SiblingHeader header;
  std::uint64_t at = 0;
  while (at < version.size) {
    const ByteRange range = ByteRange::between(at, std::min(version.size, at + kHeadBytes));
    Result<Bytes> bytes = cache_.read_cached(version, range);
    // Only the head is worth a request; headers further on serve if they happen to be here.
    if (!bytes && may_fetch && at == 0)
      bytes = read_waiting(cache_, version, range, timeout_ / kSiblingShare, stop_);
    if (!bytes) break;
    std::uint64_t within = 0;
    while (within < bytes->size()) {
      const Result<FitsHeader> parsed = parse_fits_header(bytes->span().subspan(within));
      if (!parsed || !parsed->complete) break;
      header.hdu_cards.push_back(parsed->cards);
      within += parsed->header_length + parsed->data_length;
    }
    if (within == 0) break;
    at += within;
  }
  if (header.hdu_cards.empty()) return std::nullopt;
  return header;
}

}  // namespace astrofs
