#include "fs/daemon.h"

#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "backends/http/curl_client.h"
#include "base/heap.h"
#include "base/home.h"
#include "base/log.h"
#include "base/path_below.h"
#include "base/pause.h"
#include "cache/block_cache.h"
#include "cache/index_writer.h"
#include "fs/builds.h"
#include "fs/ca_file.h"
#include "fs/cached_files.h"
#include "fs/commands.h"
#include "fs/configured_archives.h"
#include "fs/control.h"
#include "fs/control_client.h"
#include "fs/courier_source.h"
#include "fs/errand_book.h"
#include "fs/last_resort.h"
#include "fs/lister.h"
#include "fs/logins.h"
#include "fs/missing_frames.h"
#include "fs/notifier.h"
#include "fs/remote_source.h"
#include "fs/session.h"
#include "fs/size_resolver.h"
#include "fs/status.h"
#include "fs/verifier.h"

namespace astrofs {
namespace {

/// Hashing, writing and waking: two keep one core's worth of network busy and leave the readers theirs.
constexpr unsigned kStoreThreads = 2;
/// Listings of directories at a time; each may itself fetch many pages in parallel.
constexpr unsigned kListThreads = 32;
/// Of them, those that one archive may keep busy.
constexpr unsigned kListThreadsEach = 12;
/// Calls at a time to the disk of each archive on this machine, which may be another machine's.
constexpr unsigned kDiskThreadsEach = 8;
constexpr seconds kHouseEvery{2};
/// What the cache occupies is counted anew: file systems add to files and take from them when they write
/// back, and a file that a crash left is removed when it is an hour old.
constexpr std::chrono::hours kCountEvery{1};
/// Files of a build that are read at a time: as many as keep the connections of an archive busy, and leave
/// half of its listings' turns to others.
constexpr unsigned kBuildReaders = 6;
/// Of the program that writes HDF5: a light curve and its values, at most 64 MiB each, and its libraries.
constexpr std::uint64_t kBuildMemory = 256ULL << 20;
/// The kernel asks again for a page that failed, and each of its readers in turn: within milliseconds. A
/// person, or a program that waits between its tries, takes longer.
constexpr milliseconds kFailureHold{1000};

/// Counts what the cache really occupies, removes what no index knows, keeps it inside its quota, and looks
/// after logins.
class House {
 public:
  House(BlockCache& cache, Logins& logins, Builds& builds)
      : thread_(
            [&cache, &logins, &builds](const std::stop_token& stop) { run(cache, logins, builds, stop); }) {}
  House(const House&) = delete;
  House& operator=(const House&) = delete;

 private:
  static void run(BlockCache& cache, Logins& logins, Builds& builds, const std::stop_token& stop) {
    name_this_thread("house");
    SteadyTime count_at{};
    while (!stop.stop_requested()) {
      if (std::chrono::steady_clock::now() >= count_at) {
        if (const Result<void> counted = cache.resum(stop); !counted)
          log::warning("the cache could not be counted: {}", counted.error().message);
        count_at = std::chrono::steady_clock::now() + kCountEvery;
      }
      cache.evict_to_quota();
      logins.look();
      builds.look();
      (void)pause(kHouseEvery, stop);
    }
  }

  std::jthread thread_;
};

/// For archives that are made only to see whether their tables are right: nothing is asked of anybody.
class NoClient final : public http::Client {
 public:
  void start(http::Request, std::shared_ptr<http::Receiver> receiver, std::stop_token) override {
    receiver->on_end(fail(Errc::offline, "nothing is fetched before the mount"));
  }
  void resume(const http::Receiver*) override {}
  bool after(milliseconds, std::function<void()> job) override {
    job();
    return true;
  }
};

Result<void> check_archives(const Config& config, const MountOptions& options) {
  NoClient client;
  const SystemClock clock;
  Metrics metrics;
  http::Fetcher fetcher(client, clock, metrics, {});
  return configured_archives(config, options.missing, fetcher).map([](const auto&) {});
}

Result<void> check_mountpoint(const std::string& path) {
  struct stat status {};
  struct statfs system {};
  // The attributes of a dead mount may still be known to the kernel; statfs always asks the file system.
  if (::stat(path.c_str(), &status) != 0 || ::statfs(path.c_str(), &system) != 0) {
    const int error = errno;
    const std::string_view advice = error == ENOTCONN
                                        ? "; an earlier mount died there: `fusermount3 -u` it first"
                                    : error == ENOENT ? "; make the directory first"
                                                      : "";
    return fail(Errc::invalid, fmt::format("cannot mount on {}: {}{}", path, std::strerror(error), advice));
  }
  if (!S_ISDIR(status.st_mode))
    return fail(Errc::invalid, fmt::format("cannot mount on {}: it is not a directory", path));
  const auto is_here = [&path](const MountPlace& mount) { return mount.mountpoint == path; };
  if (std::ranges::any_of(list_mounts(), is_here)) {
    return fail(
        Errc::invalid,
        fmt::format("astrofs is already mounted on {}: `astrofs unmount {}` it first, or mount elsewhere",
                    path, path));
  }
  // fusermount3 demands the same of users, and would say so less clearly.
  if (::geteuid() != 0 && ::access(path.c_str(), W_OK) != 0) {
    return fail(
        Errc::denied,
        fmt::format("cannot mount on {}: you may not write there; mount on a directory of your own", path));
  }
  return {};
}

/// Without links. It need not exist yet: what exists of its path is resolved, the rest taken as written.
std::string real_place(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(path, ignored).string();
}

/// The mount point must not hold what the daemon itself reads and writes: it would ask itself.
Result<void> check_place(std::string_view what, const std::string& path, const std::string& mountpoint) {
  const std::string place = real_place(path);
  if (!path_below(place, mountpoint)) return {};
  return fail(Errc::invalid, fmt::format("the {} {} lies inside the mount point {}; choose another with {}=",
                                         what, place, mountpoint, what));
}

/// Nor may it lie in a directory that is shown, where it would show itself: who goes down there waits for as
/// many of the few threads that could answer.
Result<void> check_local_archives(const Config& config, const std::string& mountpoint) {
  for (const ArchiveConfig& archive : config.archives) {
    const auto path = archive.keys.find("path");
    if (archive.type != "local" || path == archive.keys.end()) continue;
    const auto* const shown = std::get_if<std::string>(&path->second.value);
    if (shown == nullptr || !path_below(mountpoint, real_place(*shown))) continue;
    return fail(Errc::invalid,
                fmt::format("{}: path: the mount point {} lies inside {}, which would show it; "
                            "mount somewhere else",
                            path->second.where, mountpoint, *shown));
  }
  return {};
}

}  // namespace

Result<Config> effective_config(const MountOptions& options) {
  Result<Config> config = load_config(options.config_path);
  if (!config) return config;
  if (options.cache_dir) config->cache_dir = *options.cache_dir;
  // No shell expands a tilde behind "cache=".
  if (config->cache_dir.starts_with("~/")) {
    const Result<std::string> expanded = expand_home(config->cache_dir);
    if (!expanded) return tl::unexpected<Error>(expanded.error());
    config->cache_dir = *expanded;
  }
  if (!config->cache_dir.starts_with('/')) {
    char here[PATH_MAX];
    if (::getcwd(here, sizeof here) != nullptr)
      config->cache_dir = std::string(here) + '/' + config->cache_dir;
  }
  if (options.cache_size) config->cache_size = *options.cache_size;
  return config;
}

Result<void> check_mount(const Config& config, const MountOptions& options) {
  if (Result<void> readable = check_ca_file(options.ca_file); !readable) return readable;
  if (Result<void> archives = check_archives(config, options); !archives) return archives;
  if (Result<void> mountpoint = check_mountpoint(options.mountpoint); !mountpoint) return mountpoint;
  if (options.log_target.starts_with('/')) {
    if (Result<void> log = check_place("log", options.log_target, options.mountpoint); !log) return log;
  }
  if (Result<void> shown = check_local_archives(config, options.mountpoint); !shown) return shown;
  return check_place("cache", config.cache_dir, options.mountpoint);
}

Result<void> run_daemon(const Config& config, const MountOptions& options,
                        const std::function<void()>& ready) {
  give_back_large_blocks();
  // The catalog forks a probe after an unclean end and the mount may fork fusermount3: both before the first
  // thread.
  Result<std::unique_ptr<Catalog>> catalog = Catalog::open({config.cache_dir});
  if (!catalog) return tl::unexpected<Error>(catalog.error());
  if (!(*catalog)->recovery_note().empty()) log::warning("{}", (*catalog)->recovery_note());
  Result<std::unique_ptr<BlockStore>> blocks = BlockStore::open(config.cache_dir);
  if (!blocks) return tl::unexpected<Error>(blocks.error());

  SessionOptions mount;
  mount.source = options.source;
  mount.mountpoint = options.mountpoint;
  mount.allow_other = options.allow_other;
  mount.owner_uid = options.uid.value_or(::getuid());
  mount.owner_gid = options.gid.value_or(::getgid());
  mount.fuse_options = options.fuse_options;
  const Result<std::string> socket = control_socket_path(config.cache_dir);
  if (!socket) return tl::unexpected<Error>(socket.error());
  mount.control_socket = *socket;
  mount.cache_dir = config.cache_dir;
  Result<std::unique_ptr<Session>> session = Session::mount(mount);
  if (!session) return tl::unexpected<Error>(session.error());

  const auto timeout = std::chrono::duration_cast<milliseconds>(options.timeout);
  const SystemClock clock;
  Metrics metrics;
  Executor store("store", kStoreThreads);
  Executor list("list", kListThreads);
  ArchiveTurns turns(list, kListThreadsEach);
  http::CurlOptions curl;
  // Who asked is answered by then: a server that is silent longer would only keep others from its
  // connections.
  curl.head_timeout = std::min(curl.head_timeout, timeout);
  curl.ca_file = options.ca_file;
  http::CurlClient client(curl);
  http::FetcherOptions fetching;
  fetching.body_timeout = std::min(fetching.body_timeout, timeout);
  http::Fetcher fetcher(client, clock, metrics, fetching);
  Result<std::vector<MountedArchive>> mounted = configured_archives(config, options.missing, fetcher);
  if (!mounted) return tl::unexpected<Error>(mounted.error());
  const ArchiveTable archives(**catalog, std::move(*mounted));
  const auto disks = std::ranges::count_if(
      archives.all(), [](const MountedArchive& each) { return each.archive->is_local(); });
  Executor disk("disk", std::max(static_cast<unsigned>(disks) * kDiskThreadsEach, 1U));
  ArchiveTurns disk_turns(disk, kDiskThreadsEach);
  IndexWriter writer(**catalog);
  std::stop_source ending;
  MadeFiles made(turns, ending.get_token());
  SoughtFiles sought(turns, ending.get_token());
  RemoteSource source(**catalog, writer, archives, fetcher, timeout);
  source.attach(made);
  source.attach(sought);
  BlockCacheOptions cache_options;
  cache_options.quota = config.cache_size;
  cache_options.offline = options.offline;
  cache_options.failure_hold = kFailureHold;
  CourierSource couriers(**catalog, archives, source, store, {.offline = options.offline});
  BlockCache cache(**catalog, writer, **blocks, couriers, store, metrics, cache_options);
  made.attach(cache);
  Notifier notifier;
  Lister lister(**catalog, writer, archives, notifier, turns, store, clock, metrics, options.offline);
  SizeResolver sizes(**catalog, writer, archives, turns, fetcher, store, options.offline);
  sizes.attach(made);
  sizes.attach(sought);
  const PathFinder finder(**catalog, lister, sizes, timeout);
  BuildMeans means{archives,          writer,        cache,  finder, config.cache_dir, converter_program(),
                   {kBuildMemory, 0}, kBuildReaders, timeout};
  Builds builds(std::move(means), **catalog, store, clock, {.quota = config.cache_size});
  source.attach(builds);
  sizes.attach(builds);
  lister.attach(builds);
  std::deque<CachedFiles> own_files;
  std::deque<ErrandBook> errands;
  for (const MountedArchive& each : archives.all()) {
    each.archive->attach(
        own_files.emplace_back(each.name, **catalog, cache, archives, finder, timeout, ending.get_token()));
    each.archive->keep_errands_in(errands.emplace_back(config.cache_dir, each.name));
    each.archive->notice_login();
  }
  MissingFrames missing(**catalog, cache, archives, turns, timeout, ending.get_token());
  Sweep sweep(**catalog, cache, archives, metrics);
  Parking parking(timeout, metrics);
  Vfs vfs({**catalog, writer, cache, archives, lister, sizes, missing, parking, notifier, disk_turns, &sweep,
           &(*session)->kernel_files(), &source},
          {options.offline, config.cache_size, options.sparse, options.allow_other});
  Verifier verifier(**catalog, writer, cache, archives, notifier, metrics, timeout);
  const Status status(vfs, fetcher, couriers.orders(), builds, metrics, config, options, clock);
  Commands commands(vfs, status, verifier);
  Result<std::unique_ptr<ControlServer>> control = ControlServer::start(mount.control_socket, commands);
  if (!control) return tl::unexpected<Error>(control.error());
  if (Result<void> root = lister.list_root(); !root) return root;
  for (const MountedArchive& each : archives.all()) {
    if (options.offline) break;
    (void)turns.submit(
        &each, [archive = each.archive.get(), stop = ending.get_token()] { archive->end_errands(stop); });
  }
  Logins logins(archives, turns, clock, options.offline);
  const House house(cache, logins, builds);

  log::info("mounted {} from {}, cache {} of {}{}", options.mountpoint, config.source, config.cache_dir,
            format_size(config.cache_size), options.offline ? ", offline" : "");
  std::optional<LastResort> last_resort;
  const auto reads_a_disk = [](const MountedArchive& each) {
    return is_local(&each) || each.archive->courier() != nullptr;
  };
  if (std::ranges::any_of(archives.all(), reads_a_disk)) last_resort.emplace(**catalog, writer, store);
  Result<void> served = (*session)->serve(vfs, notifier, ready);
  (*session)->unmount();
  if (last_resort) last_resort->begin(served ? EXIT_SUCCESS : EXIT_FAILURE);
  // Whoever might still call into the parts is silenced before they go: listings and the commands that wait
  // for them, then the network, then the index's callbacks.
  verifier.stop();
  builds.stop();
  logins.stop();
  ending.request_stop();
  lister.stop();
  sizes.stop();
  control->reset();
  list.stop();
  disk.stop();
  couriers.stop();
  fetcher.stop();
  client.stop();
  verifier.join();
  builds.join();
  store.stop();
  (void)writer.flush();
  log::info("unmounted {}", options.mountpoint);
  return served;
}

}  // namespace astrofs
