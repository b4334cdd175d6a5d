#include "tests/cache/block_support.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace astrofs::block_test {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
/// What libcurl hands over at a time.
constexpr std::uint64_t kPiece = 16 * 1024;

std::uint64_t word_of(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t x = seed + index * 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

class CatchingWaiter final : public Waiter {
 public:
  explicit CatchingWaiter(std::function<void(Result<Bytes>)> done) : done_(std::move(done)) {}
  void done(Result<Bytes> result) override { done_(std::move(result)); }

 private:
  std::function<void(Result<Bytes>)> done_;
};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

FileVersion version_of(unsigned n, std::uint64_t size) {
  return {100 + n, 1, size, sha256_prefix({"test object", std::to_string(n)})};
}

std::string content_of(const FileVersion& version, ByteRange range) {
  std::uint64_t seed = 0;
  std::memcpy(&seed, version.object.data(), sizeof seed);
  std::string out(range.length, '\0');
  for (std::uint64_t at = range.offset; at < range.end();) {
    const std::uint64_t word = word_of(seed, at / 8);
    const std::size_t skip = at % 8;
    const std::size_t length = std::min<std::uint64_t>(8 - skip, range.end() - at);
    std::memcpy(out.data() + (at - range.offset), reinterpret_cast<const char*>(&word) + skip, length);
    at += length;
  }
  return out;
}

std::unique_ptr<Waiter> Answer::waiter() {
  return std::make_unique<CatchingWaiter>([state = state_](Result<Bytes> result) {
    const std::lock_guard lock(state->mutex);
    state->result = std::move(result);
    ++state->calls;
    state->changed.notify_all();
  });
}

Result<Bytes> Answer::get() {
  std::unique_lock lock(state_->mutex);
  if (!state_->changed.wait_for(lock, kPatience, [this] { return state_->result.has_value(); })) {
    return fail(Errc::internal, "no answer came");
  }
  return *state_->result;
}

bool Answer::ready() const {
  const std::lock_guard lock(state_->mutex);
  return state_->result.has_value();
}

int Answer::calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->calls;
}

Fetch::Fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency, std::shared_ptr<Sink> sink,
             std::stop_token stop)
    : version_(version), range_(range), urgency_(urgency), sink_(std::move(sink)), stop_(std::move(stop)) {}

bool Fetch::begin(ByteRange arriving) {
  arriving_ = arriving;
  position_ = arriving.offset;
  return sink_->begin(arriving, [gate = gate_] {
    const std::lock_guard lock(gate->mutex);
    gate->open = true;
    gate->changed.notify_all();
  });
}

Sink::Flow Fetch::send_raw(std::uint64_t offset, const std::string& bytes) {
  return sink_->data(offset, as_bytes(bytes));
}

std::uint64_t Fetch::send_unpaused(std::uint64_t end) {
  while (position_ < end) {
    const ByteRange piece{position_, std::min(kPiece, end - position_)};
    {
      const std::lock_guard lock(gate_->mutex);
      gate_->open = false;
    }
    if (send_raw(piece.offset, content_of(version_, piece)) != Sink::Flow::proceed) break;
    position_ = piece.end();
  }
  return position_;
}

bool Fetch::send_to(std::uint64_t end) {
  while (send_unpaused(end) < end) {
    std::unique_lock lock(gate_->mutex);
    while (!gate_->open) {
      if (stopped()) return false;
      gate_->changed.wait_for(lock, std::chrono::milliseconds(20));
    }
  }
  return true;
}

void Fetch::end(Result<void> result) {
  if (sink_) std::exchange(sink_, nullptr)->end(std::move(result));
}

void Fetch::serve() {
  if (begin() && send_to(range_.end())) return end();
  fail_with(Errc::interrupted);
}

void Fetch::serve_whole_file() {
  if (begin({0, version_.size}) && send_to(version_.size)) return end();
  fail_with(Errc::interrupted);
}

FakeSource::~FakeSource() {
  threads_.reset();
}

void FakeSource::fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency,
                       std::shared_ptr<Sink> sink, std::stop_token stop) {
  const auto fetch = std::make_shared<Fetch>(version, range, urgency, std::move(sink), std::move(stop));
  std::optional<Errc> refuse;
  {
    const std::lock_guard lock(mutex_);
    ++fetches_;
    bytes_ += range.length;
    refuse = refuse_;
    if (!refuse && !threads_) queue_.push_back(fetch);
  }
  if (refuse) return fetch->fail_with(*refuse);
  if (threads_) {
    const bool whole = ignore_range_;
    threads_->submit([fetch, whole] { whole ? fetch->serve_whole_file() : fetch->serve(); });
  }
  asked_.notify_all();
}

std::shared_ptr<Fetch> FakeSource::next() {
  std::unique_lock lock(mutex_);
  if (!asked_.wait_for(lock, kPatience, [this] { return !queue_.empty(); })) return nullptr;
  auto fetch = queue_.front();
  queue_.pop_front();
  return fetch;
}

std::size_t FakeSource::pending() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

std::size_t FakeSource::fetches() const {
  const std::lock_guard lock(mutex_);
  return fetches_;
}

std::uint64_t FakeSource::bytes_asked() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void FakeSource::answer_by_itself(unsigned threads, bool ignore_range) {
  ignore_range_ = ignore_range;
  threads_ = std::make_unique<Executor>("net", threads);
}

void FakeSource::refuse(std::optional<Errc> code) {
  const std::lock_guard lock(mutex_);
  refuse_ = code;
}

Rig::Rig(BlockCacheOptions wanted, std::string dir, unsigned store_threads)
    : options(wanted), dir_(std::move(dir)), store_threads_(store_threads) {
  if (dir_.empty()) {
    temp_ = std::make_unique<FreshDir>();
    dir_ = temp_->path();
  }
  start();
}

Rig::~Rig() {
  close();
}

void Rig::start() {
  CatalogOptions index;
  index.dir = dir_;
  index.map_size = 64ULL << 20;
  catalog = must(Catalog::open(index));
  blocks = must(BlockStore::open(dir_));
  writer = std::make_unique<IndexWriter>(*catalog);
  store = std::make_unique<Executor>("store", store_threads_);
  cache = std::make_unique<BlockCache>(*catalog, *writer, *blocks, *source, *store, metrics, options);
}

void Rig::close() {
  cache.reset();
  store.reset();
  writer.reset();
  blocks.reset();
  catalog.reset();
}

void Rig::reopen(bool fresh_source) {
  close();
  if (fresh_source) source = std::make_unique<FakeSource>();
  start();
}

Result<Bytes> Rig::read(const FileVersion& version, ByteRange range, ByteRange fetch) {
  Answer answer;
  auto waiter = answer.waiter();
  auto result = cache->read(version, range, fetch, waiter);
  if (auto* now = std::get_if<Result<Bytes>>(&result)) return std::move(*now);
  return answer.get();
}

WaitId Rig::park(const FileVersion& version, ByteRange range, Answer& answer, ByteRange fetch) {
  auto waiter = answer.waiter();
  auto result = cache->read(version, range, fetch, waiter);
  EXPECT_TRUE(std::holds_alternative<WaitId>(result)) << "answered at once";
  EXPECT_EQ(waiter, nullptr);
  return std::holds_alternative<WaitId>(result) ? std::get<WaitId>(result) : 0;
}

bool Rig::reads_right(const FileVersion& version, ByteRange range, ByteRange fetch) {
  const auto bytes = read(version, range, fetch);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().message;
    return false;
  }
  const std::uint64_t first = std::min(range.offset, version.size);
  const ByteRange there{first, std::min(range.length, version.size - first)};
  return bytes->text() == content_of(version, there);
}

bool Rig::settle() {
  return eventually([this] {
           return cache->flights() == 0 && cache->bytes_in_flight() == 0 && store->unfinished() == 0;
         }) &&
         writer->flush().has_value();
}

std::string Rig::object_path(const FileVersion& version) const {
  const std::string hex = to_hex(version.object);
  return dir_ + "/data/" + hex.substr(0, 2) + "/" + hex;
}

std::uint64_t Rig::du() const {
  std::uint64_t sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ + "/data")) {
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      sum += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
  }
  return sum;
}

}  // namespace astrofs::block_test
