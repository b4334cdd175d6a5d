#include "fs/verifier.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "fs/remote_source.h"
#include "fs/waiting.h"

namespace astrofs {
namespace {

/// Read and hashed at a time: what a check holds in memory.
constexpr std::uint64_t kPiece = 1ULL << 20;
/// Versions waiting for their turn; beyond it they are looked at when they are opened next. A warmed camera
/// of a sector has 4,000 frames.
constexpr std::size_t kMostPending = 16'384;

/// Processor and disk for whoever else wants them. A system that refuses leaves the thread as it is.
void give_way() {
  constexpr int kLeast = 19;
  constexpr int kWhoThread = 1;        // IOPRIO_WHO_PROCESS; of a thread's id it means the thread
  constexpr int kIdleClass = 3 << 13;  // IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT: glibc has no header for it
  const auto self = static_cast<id_t>(::syscall(SYS_gettid));
  (void)::setpriority(PRIO_PROCESS, self, kLeast);
  (void)::syscall(SYS_ioprio_set, kWhoThread, self, kIdleClass);
}

/// The digest that the listing gave, else what the same origin said with the bytes.
std::optional<Digest> digest_of(const Catalog& catalog, const Node& node, const FileVersion& version,
                                const Archive& archive) {
  if (auto digest = archive.digest(node.validator)) return digest;
  const std::string origin = archive.validator_origin();
  const Result<ObjectState> object = catalog.object(version.object);
  if (origin.empty() || !object) return std::nullopt;
  const auto etags = parse_etags(object->etags);
  const auto known = etags.find(origin);
  return known == etags.end() ? std::nullopt : archive.digest(known->second);
}

}  // namespace

std::string_view name_of(Standing standing) noexcept {
  switch (standing) {
    case Standing::unavailable:
      return "unavailable";
    case Standing::yes:
      return "yes";
    case Standing::no:
      return "no";
  }
  return "unavailable";
}

VersionStanding standing_of(const Catalog& catalog, const BlockCache& cache, const FileVersion& version) {
  const Result<ObjectState> object = catalog.object(version.object);
  if (!object) return {};
  if (object->verdict == Verdict::refused) return {Standing::no, object->proof};
  if (!cache.presence(version).complete) return {};
  if (object->verdict == Verdict::reported) return {Standing::no, object->proof};
  return {object->verdict == Verdict::good ? Standing::yes : Standing::unavailable, object->proof};
}

Verifier::Verifier(const Catalog& catalog, IndexWriter& writer, BlockCache& cache,
                   const ArchiveTable& archives, Notices& notices, Metrics& metrics,
                   std::chrono::milliseconds timeout)
    : catalog_(catalog),
      writer_(writer),
      cache_(cache),
      archives_(archives),
      notices_(notices),
      verified_(metrics.counter("astrofs_files_verified_total", "Files whose checksums were found to fit")),
      contradicted_(metrics.counter("astrofs_files_contradicted_total",
                                    "Files whose bytes contradicted their checksums")),
      timeout_(timeout),
      thread_("verify", 1) {
  thread_.submit(give_way);
  cache_.observe(this);
}

Verifier::~Verifier() {
  stop();
  join();
}

void Verifier::stop() {
  stopping_ = true;
}

void Verifier::join() {
  thread_.stop();
  cache_.observe(nullptr);
}

std::size_t Verifier::pending() const {
  const MutexLock lock(mutex_);
  return pending_.size();
}

void Verifier::complete(const FileVersion& version, bool landed) {
  if (!landed) {
    const Result<ObjectState> object = catalog_.object(version.object);
    const bool is_new = !object || object->verdict == Verdict::none || object->verdict == Verdict::suspect;
    if (!is_new) return;
  }
  enqueue(version, From::disk);
}

void Verifier::enqueue(const FileVersion& version, From from) {
  {
    const MutexLock lock(mutex_);
    if (stopping_ || pending_.size() >= kMostPending || !pending_.insert(version.object).second) return;
  }
  (void)thread_.submit([this, version, from] { run(version, from); });
}

void Verifier::run(const FileVersion& version, From from) {
  // What cannot be compared now (evicted meanwhile, the network is gone) is when it is complete next.
  if (!stopping_) {
    (void)check(version, from);
    cache_.check_if_complete(version);
  }
  const MutexLock lock(mutex_);
  pending_.erase(version.object);
}

Result<Finding> Verifier::verify(const FileVersion& version) {
  const Result<ObjectState> object = catalog_.object(version.object);
  if (object && object->verdict == Verdict::refused) return Finding{Proof::contradicted, object->proof};
  return check(version, From::disk);
}

Result<Bytes> Verifier::piece(const FileVersion& version, ByteRange range, From from) {
  if (stopping_) return fail(Errc::interrupted, "the mount is ending");
  Result<Bytes> bytes = cache_.peek(version, range);
  if (bytes || from == From::disk) return bytes;
  return read_waiting(cache_, version, range, timeout_);
}

Result<Finding> Verifier::check(const FileVersion& version, From from) {
  const Result<Node> node = catalog_.node(version.node);
  if (!node) return tl::unexpected<Error>(node.error());
  if (node->generation != version.generation) return fail(Errc::stale, node->name + " has a newer version");
  const MountedArchive* archive = archives_.of(*node);
  if (archive == nullptr) return fail(Errc::not_found, "the archive of this file is no longer configured");
  if (archive->verify == VerifyPolicy::off)
    return Finding{Proof::none, "nothing of this archive is compared (verify = \"off\")"};
  ContentCheck content(version.size, digest_of(catalog_, *node, version, *archive->archive),
                       archive->archive->fits_sums(node->validator));
  for (std::uint64_t at = 0; at < version.size; at += kPiece) {
    const Result<Bytes> bytes = piece(version, {at, std::min(kPiece, version.size - at)}, from);
    if (!bytes) return tl::unexpected<Error>(bytes.error());
    content.feed(bytes->span());
  }
  ContentCheck::Result result = content.finish(digests_are_sure(*archive));
  if (result.digest_fits) {
    const MutexLock lock(mutex_);
    digests_proven_.insert(archive);
  }
  settle(*node, version, result.finding, archive->verify);
  return std::move(result.finding);
}

bool Verifier::digests_are_sure(const MountedArchive& archive) const {
  const MutexLock lock(mutex_);
  return digests_proven_.contains(&archive);
}

void Verifier::settle(const Node& node, const FileVersion& version, const Finding& finding,
                      VerifyPolicy policy) {
  if (finding.proof != Proof::contradicted) {
    const bool fits = finding.proof == Proof::fits;
    if (fits) verified_.add();
    return writer_.set_verdict(version, fits ? Verdict::good : Verdict::unproven, finding.words);
  }
  const Result<ObjectState> object = catalog_.object(version.object);
  const Verdict known = object ? object->verdict : Verdict::none;
  if (known == Verdict::reported) return;
  contradicted_.add();
  log::warning("{}: its bytes contradict their checksum: {}", catalog_.path(node.id).value_or(node.name),
               finding.words);
  if (known != Verdict::suspect) return replace(node, version, Verdict::suspect, finding.words);
  if (policy == VerifyPolicy::report) return writer_.set_verdict(version, Verdict::reported, finding.words);
  replace(node, version, Verdict::refused, finding.words);
}

void Verifier::replace(const Node& node, const FileVersion& version, Verdict of_next,
                       const std::string& words) {
  Node copy = node;
  copy.generation = generation_after(node.generation);
  const FileVersion next = archives_.version(copy);
  // The verdict is in the index before a reader can open that version.
  writer_.set_verdict(next, of_next, words);
  writer_.renew(node.id, node.generation, [this, node, next, of_next](const Result<void>& renewed) {
    notices_.entry_changed(node.parent, node.name);
    if (renewed && of_next == Verdict::suspect) enqueue(next, From::archive);
  });
  // Those who have it open get ESTALE for what the kernel does not have; the file goes with the last of them.
  if (!cache_.evict(version)) cache_.forget(version);
}

}  // namespace astrofs
