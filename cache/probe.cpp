#include "cache/probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <thread>

#include "base/unique_fd.h"
#include "cache/lmdb.h"
#include "cache/lmdb_pages.h"
#include "cache/schema.h"

namespace astrofs {
namespace {

using Clock = std::chrono::steady_clock;

/// Seen by parent and child.
struct Progress {
  std::atomic<std::uint64_t> moves{0};  ///< pages and records looked at
  std::atomic<std::uint64_t> records{0};
};

/// Exit codes of the child; any other is one more way of being broken.
enum class Finding : int { whole = 0, broken = 1, unmade = 16, no_look = 17 };

/// Smallest map a probe asks for; LMDB takes what the file needs when that is more.
constexpr std::uint64_t kProbeMap = 1ULL << 20;

/// Walks one table: keys rise, every record is whole and is found from the root as well, and there are as
/// many as the table says. False: broken.
bool walk(const Txn& txn, Table table, const ProbeLimits& limits, Clock::time_point end, Progress& progress) {
  const auto entries = txn.entries(table);
  Cursor cursor(txn, table);
  std::uint64_t seen = 0;
  std::string last;
  Result<bool> more = cursor.seek({});
  for (; more && *more; more = cursor.next(), ++seen) {
    if (seen != 0 && cursor.key() <= last) return false;
    last.assign(cursor.key());
    if (!schema::sound(table, cursor.key(), cursor.value())) return false;
    const auto found = txn.get(table, last);
    if (!found || !*found || (*found)->data() != cursor.value().data()) return false;
    progress.moves.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t done = progress.records.fetch_add(1, std::memory_order_relaxed) + 1;
    if (done >= limits.records) return true;
    if (done % 256 == 0 && Clock::now() >= end) return true;
  }
  return more && entries && seen == *entries;
}

/// Of data.mdb, without LMDB. nullopt: it could not be looked at.
std::optional<bool> pages_sound(const std::string& dir, Clock::time_point end, Progress& progress) {
  const UniqueFd file(::open((dir + "/data.mdb").c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) return std::nullopt;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* map = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (map == MAP_FAILED) return std::nullopt;
  return lmdb_pages_sound({static_cast<const char*>(map), size}, [&progress, end] {
    progress.moves.fetch_add(1, std::memory_order_relaxed);
    return Clock::now() < end;
  });
}

Finding look(const std::string& dir, const ProbeLimits& limits, Progress& progress) {
  const Clock::time_point start = Clock::now();
  const Clock::time_point end = start + limits.work;
  if (const UniqueFd free(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); !free)
    return Finding::no_look;
  const auto environment = Environment::open(dir, kProbeMap, Environment::Mode::probe);
  if (!environment) {
    // Whatever else keeps LMDB from opening it, be it memory, may come of a number that is damaged.
    return environment.error().code == Errc::not_found ? Finding::unmade : Finding::broken;
  }
  const auto sound = pages_sound(dir, start + limits.work / 2, progress);
  if (!sound) return Finding::no_look;
  if (!*sound) return Finding::broken;
  const auto txn = (*environment)->read();
  if (!txn) return Finding::broken;
  for (std::size_t i = 0; i < kTables; ++i) {
    if (!walk(*txn, table_at(i), limits, end, progress)) return Finding::broken;
    if (progress.records >= limits.records || Clock::now() >= end) break;
  }
  return Finding::whole;
}

[[noreturn]] void be_the_child(const std::string& dir, const ProbeLimits& limits, Progress& progress) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Dying is how the child answers: no core file, and no handler that makes a report of it.
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) signal(number, SIG_DFL);
  _exit(static_cast<int>(look(dir, limits, progress)));
}

/// The child's wait status, or nothing when it was stuck and had to be ended.
Result<int> await(pid_t child, const ProbeLimits& limits, const Progress& progress) {
  std::uint64_t last = progress.moves;
  Clock::time_point moved = Clock::now();
  // Often enough not to be felt at start, seldom enough to cost nothing.
  for (;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) return tl::unexpected(system_error(errno, "index: probe"));
    const std::uint64_t now = progress.moves;
    if (now != last) {
      last = now;
      moved = Clock::now();
    } else if (Clock::now() - moved > limits.stuck) {
      kill(child, SIGKILL);
      while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
      return fail(Errc::corrupt, "index: reading it does not come to an end");
    }
  }
}

}  // namespace

Result<void> probe_index(const std::string& catalog_dir, const ProbeLimits& limits) {
  void* shared = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return tl::unexpected(system_error(errno, "index: probe"));
  auto* progress = new (shared) Progress;
  const pid_t child = fork();
  if (child == 0) be_the_child(catalog_dir, limits, *progress);
  Result<int> status = child > 0 ? await(child, limits, *progress)
                                 : Result<int>(tl::unexpected(system_error(errno, "index: probe")));
  munmap(shared, sizeof(Progress));
  if (!status) return tl::unexpected(status.error());
  if (WIFSIGNALED(*status)) {
    return fail(Errc::corrupt, fmt::format("index: reading it ends in signal {}", WTERMSIG(*status)));
  }
  switch (static_cast<Finding>(WEXITSTATUS(*status))) {
    case Finding::whole:
      return {};
    case Finding::unmade:
      return fail(Errc::not_found, "index: has no tables");
    case Finding::no_look:
      return fail(Errc::unavailable, "index: too few descriptors to look it over");
    default:
      return fail(Errc::corrupt, "index: a record or a page is damaged");
  }
}

}  // namespace astrofs
