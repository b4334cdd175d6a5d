#include "fs/orders.h"

#include <algorithm>

#include "base/executor.h"

namespace astrofs {
namespace {

/// Of an archive's orders under way. Globus runs three of a user at a time, and he may have some of his own.
constexpr std::ptrdiff_t kAtOnce = 3;
/// Of one order: it is asked about as a whole, and its first file is had when its last one is there.
constexpr std::size_t kMostFiles = 1000;
/// What has nothing to wait for looks whether it is to end.
constexpr milliseconds kNothingToDo{60'000};

OrderStatus status_of(const Order& order, SteadyTime now) {
  OrderStatus status{order.desk->archive,
                     order.batch,
                     order.name,
                     order.progress.words,
                     order.files.size(),
                     order.progress.files_done,
                     order.progress.bytes_done,
                     0,
                     std::chrono::duration_cast<seconds>(now - order.made)};
  for (const auto& [place, file] : order.files) status.waiting += file.waiting.size();
  return status;
}

}  // namespace

Orders::Orders(const ArchiveTable& archives, OrdersOptions options) : options_(options) {
  for (const MountedArchive& each : archives.all()) {
    Courier* const courier = each.archive->courier();
    if (courier != nullptr)
      desks_.emplace(each.name, OrderDesk{each.name, courier, Incoming(courier->folder())});
  }
  if (!desks_.empty() && !options_.offline)
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Orders::~Orders() {
  stop();
}

void Orders::stop() {
  thread_.request_stop();
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::list<std::shared_ptr<Order>> orders;
  {
    const MutexLock lock(mutex_);
    orders.swap(orders_);
  }
  for (const auto& order : orders) {
    for (const auto& [place, file] : order->files) {
      for (const Done& done : file.waiting) done(fail(Errc::interrupted, "the mount is ending"));
    }
  }
}

const OrderDesk& Orders::desk_of(const MountedArchive& archive) const {
  return desks_.at(archive.name);
}

Result<UniqueFd> Orders::open(const MountedArchive& archive, std::string_view place,
                              std::uint64_t size) const {
  return desk_of(archive).incoming.open(place, size);
}

void Orders::want(const MountedArchive& archive, const Parcel& parcel, std::uint64_t size, Done done) {
  Error why_not;
  {
    const MutexLock lock(mutex_);
    if (enlist(desk_of(archive), parcel, size, done, why_not)) {
      wake_.notify_all();
      return;
    }
  }
  done(tl::unexpected<Error>(std::move(why_not)));
}

bool Orders::enlist(const OrderDesk& desk, const Parcel& parcel, std::uint64_t size, Done& done,
                    Error& why_not) {
  const SteadyTime now = std::chrono::steady_clock::now();
  why_not = {Errc::offline, "the mount is offline"};
  if (options_.offline) return false;
  why_not = {Errc::interrupted, "the mount is ending"};
  if (stopped_) return false;
  std::shared_ptr<Order> open;
  for (const auto& order : orders_) {
    if (order->desk != &desk) continue;
    if (const auto file = order->files.find(parcel.place); file != order->files.end()) {
      why_not = {Errc::unavailable, "its order cannot get on: " + order->progress.words};
      if (order->stuck >= Order::kStuck) return false;
      file->second.size = size;
      file->second.waiting.push_back(std::move(done));
      return true;
    }
    if (!order->closed && order->batch == parcel.batch && order->files.size() < kMostFiles) open = order;
  }
  const auto refusal = refusals_.find({desk.archive, parcel.batch});
  if (refusal != refusals_.end() && now < refusal->second.until) {
    why_not = refusal->second.error;
    return false;
  }
  if (refusal != refusals_.end()) refusals_.erase(refusal);
  if (!open) {
    open = std::make_shared<Order>();
    open->desk = &desk;
    open->batch = parcel.batch;
    open->made = now;
    open->next = now + options_.gather;
    open->progress.words = "gathering";
    orders_.push_back(open);
  }
  OrderedFile& file = open->files[parcel.place];
  file.parcel = parcel;
  file.size = size;
  file.waiting.push_back(std::move(done));
  return true;
}

std::vector<OrderStatus> Orders::status() const {
  const SteadyTime now = std::chrono::steady_clock::now();
  std::vector<OrderStatus> all;
  const MutexLock lock(mutex_);
  for (const auto& order : orders_) all.push_back(status_of(*order, now));
  return all;
}

std::optional<OrderStatus> Orders::of(const MountedArchive& archive, const std::string& place) const {
  const MutexLock lock(mutex_);
  for (const auto& order : orders_) {
    if (order->desk->archive == archive.name && order->files.contains(place))
      return status_of(*order, std::chrono::steady_clock::now());
  }
  return std::nullopt;
}

// ---- the thread

void Orders::run(const std::stop_token& stop) {
  name_this_thread("orders");
  find_old_orders();
  while (!stop.stop_requested()) {
    std::shared_ptr<Order> order;
    {
      MutexLock lock(mutex_);
      milliseconds wait = kNothingToDo;
      order = due(wait);
      if (!order && !stopped_) lock.wait_for(wake_, wait);
    }
    if (order) act(*order, stop);
  }
}

std::shared_ptr<Order> Orders::due(milliseconds& wait) {
  const SteadyTime now = std::chrono::steady_clock::now();
  for (const auto& order : orders_) {
    const auto under_way = [&order](const auto& other) {
      // One that was found and cannot be asked for, perhaps for days, keeps no other waiting.
      const bool is_placed = !other->name.empty() || !other->found;
      return other->desk == order->desk && other->closed && is_placed;
    };
    // More may be wanted by the time that one of the others is done.
    if (!order->closed && std::count_if(orders_.begin(), orders_.end(), under_way) >= kAtOnce) continue;
    if (order->next <= now) {
      order->closed = true;
      return order;
    }
    wait = std::min(wait, std::chrono::ceil<milliseconds>(order->next - now));
  }
  return nullptr;
}

void Orders::act(Order& order, const std::stop_token& stop) {
  if (order.id.empty()) return write(order, stop);
  if (order.name.empty()) return place(order, stop);
  look(order, stop);
}

}  // namespace astrofs
