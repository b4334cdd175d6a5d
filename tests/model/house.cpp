#include "tests/model/house.h"

#include <fmt/format.h>

#include <stdexcept>

#include "backends/local.h"

namespace astrofs::model {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

CatalogOptions index_options(const std::string& dir) {
  CatalogOptions options;
  options.dir = dir;
  options.map_size = 16ULL << 20;
  return options;
}

http::FetcherOptions fetch_options(milliseconds timeout) {
  http::FetcherOptions options;
  options.first_backoff = milliseconds(1);
  options.longest_backoff = milliseconds(4);
  options.body_timeout = timeout;
  options.breaker_failures = 1'000'000;  // what ails one step must not ail the next
  options.seed = 1;
  return options;
}

BlockCacheOptions cache_options(const HouseOptions& house) {
  BlockCacheOptions options;
  options.quota = house.quota;
  options.memory = house.memory;
  options.largest_flight = 4ULL * kBlockSize;  // a file has several flights
  options.offline = house.offline;
  return options;
}

std::vector<MountedArchive> archives_of(Remote& remote, const HouseOptions& options) {
  std::vector<MountedArchive> archives(1);
  archives[0].name = "sky";
  archives[0].archive = std::make_unique<RemoteArchive>(remote, options.good_for);
  archives[0].missing = options.missing;
  archives[0].verify = options.verify;
  if (!options.folder.empty()) {
    archives.emplace_back().name = "here";
    archives.back().archive = std::make_unique<LocalArchive>(options.folder);
  }
  return archives;
}

template <class T, class Start>
Result<T> wait_for(Start start) {
  Call<T> call;
  start(call.reply());
  auto result = call.wait();
  if (!result) return fail(Errc::internal, "no answer came");
  if (call.answers() != 1) return fail(Errc::internal, fmt::format("{} answers came", call.answers()));
  return std::move(*result);
}

}  // namespace

void HeardNotices::entry_changed(NodeId, std::string) {
  ++heard_;
}
void HeardNotices::directory_changed(NodeId) {
  ++heard_;
}
void HeardNotices::attributes_changed(Inode) {
  ++heard_;
}

House::House(Remote& remote, const HouseOptions& options)
    : options_(options),
      catalog(must(Catalog::open(index_options(options.dir)))),
      blocks(must(BlockStore::open(options.dir))),
      store("store", 2),
      list("list", 4),
      turns(list, 4),
      client(remote),
      fetcher(client, clock, metrics, fetch_options(options.timeout)),
      archives(*catalog, archives_of(remote, options)),
      writer(*catalog),
      source(*catalog, writer, archives, fetcher, options.timeout),
      cache(*catalog, writer, *blocks, source, store, metrics, cache_options(options)),
      lister(*catalog, writer, archives, notices, turns, list, clock, metrics, options.offline),
      sizes(*catalog, writer, archives, turns, fetcher, list, options.offline),
      missing(*catalog, cache, archives, turns, options.timeout),
      sweep(*catalog, cache, archives, metrics),
      parking(options.timeout, metrics),
      vfs({*catalog, writer, cache, archives, lister, sizes, missing, parking, notices, turns,
           options.sweep ? &sweep : nullptr, options.kernel},
          {options.offline, options.quota}),
      verifier(*catalog, writer, cache, archives, notices, metrics, options.timeout) {
  if (const Result<void> root = lister.list_root(); !root) throw std::runtime_error(root.error().message);
}

House::~House() {
  verifier.stop();
  lister.stop();
  sizes.stop();
  list.stop();
  fetcher.stop();
  client.stop();
  verifier.join();
  store.stop();
  (void)writer.flush();
}

Result<Attr> House::lookup(NodeId parent, const std::string& name) {
  return wait_for<Attr>([&](ReplyPtr<Attr> reply) { vfs.lookup(parent, name, std::move(reply)); });
}

Result<Attr> House::getattr(Inode inode) {
  return wait_for<Attr>([&](ReplyPtr<Attr> reply) { vfs.getattr(inode, std::move(reply)); });
}

Result<Node> House::opendir(NodeId dir) {
  return wait_for<Node>([&](ReplyPtr<Node> reply) { vfs.opendir(dir, std::move(reply)); });
}

Result<std::shared_ptr<OpenHandle>> House::open(Inode inode) {
  using Handle = std::shared_ptr<OpenHandle>;
  return wait_for<Handle>([&](ReplyPtr<Handle> reply) { vfs.open(inode, std::move(reply)); });
}

Result<Bytes> House::read(const std::shared_ptr<OpenHandle>& handle, ByteRange range) {
  return wait_for<Bytes>([&](ReplyPtr<Bytes> reply) { vfs.read(handle, range, std::move(reply)); });
}

Result<void> House::refresh(const Node& dir) {
  struct Nothing {};
  return wait_for<Nothing>([&](ReplyPtr<Nothing> reply) {
           lister.refresh(
               dir, [reply = std::shared_ptr<Reply<Nothing>>(std::move(reply))](const Result<void>& result) {
                 reply->send(result.map([] { return Nothing{}; }));
               });
         })
      .map([](Nothing) {});
}

std::string House::unrest() const {
  return fmt::format("parked {} and {}, flights {}, bytes in flight {}, unfinished {} and {}, unverified {}",
                     parking.parked(), cache.parked(), cache.flights(), cache.bytes_in_flight(),
                     list.unfinished(), store.unfinished(), verifier.pending());
}

bool House::rest() {
  const auto still = [this] {
    return parking.parked() == 0 && cache.parked() == 0 && cache.flights() == 0 &&
           cache.bytes_in_flight() == 0 && list.unfinished() == 0 && store.unfinished() == 0 &&
           verifier.pending() == 0;
  };
  // What ends may begin something else (a mark in the index, a probe): at rest is what stays so over a
  // commit.
  return eventually([&] { return still() && writer.flush().has_value() && still(); });
}

}  // namespace astrofs::model
