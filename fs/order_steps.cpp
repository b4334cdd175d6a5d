// The part of Orders that its thread does with one order: write, place, look how far it is, take in what it
// has brought.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "fs/orders.h"

namespace astrofs {
namespace {

/// Questions in a row that were not answered, each of them asked several times, before an order that was
/// perhaps never placed is given up, and before one that is done is taken without a word on what it left out.
constexpr unsigned kTries = 10;

/// May the next try succeed without anybody's doing?
bool may_pass(Errc code) {
  return code == Errc::unavailable || code == Errc::timed_out || code == Errc::offline ||
         code == Errc::interrupted;
}

}  // namespace

void Orders::find_old_orders() {
  for (const auto& [name, desk] : desks_) {
    for (std::string& text : desk.incoming.notes()) {
      const Result<PlacedOrder> read = desk.courier->read(text);
      if (!read || read->parcels.empty()) continue;
      auto order = std::make_shared<Order>();
      order->desk = &desk;
      order->batch = read->parcels.front().batch;
      for (const Parcel& parcel : read->parcels) order->files[parcel.place].parcel = parcel;
      order->closed = order->found = true;
      order->id = read->id;
      order->text = std::move(text);
      order->made = std::chrono::steady_clock::now();
      order->next = order->made + options_.gather;
      order->wait = options_.first_look;
      order->progress.words = "found";
      const MutexLock lock(mutex_);
      take_over(*order);
      orders_.push_back(std::move(order));
    }
  }
}

void Orders::take_over(Order& found) {
  for (const auto& other : orders_) {
    if (other->desk != found.desk || other->closed) continue;
    for (auto& [place, file] : found.files) {
      const auto wanted = other->files.find(place);
      if (wanted == other->files.end()) continue;
      file = std::move(wanted->second);
      other->files.erase(wanted);
    }
  }
}

std::map<std::string, std::uint64_t> Orders::sizes_of(const Order& order) {
  std::map<std::string, std::uint64_t> sizes;
  const MutexLock lock(mutex_);
  for (const auto& [place, file] : order.files) sizes.emplace(place, file.size);
  return sizes;
}

std::vector<Parcel> Orders::still_wanted(Order& order) {
  std::vector<Parcel> wanted;
  std::vector<Done> here;
  for (const auto& [place, size] : sizes_of(order)) {
    const bool is_here = order.desk->incoming.open(place, size).has_value();
    const MutexLock lock(mutex_);
    const auto file = order.files.find(place);
    if (!is_here) {
      wanted.push_back(file->second.parcel);
      continue;
    }
    std::move(file->second.waiting.begin(), file->second.waiting.end(), std::back_inserter(here));
    order.files.erase(file);
  }
  for (const Done& done : here) done({});
  return wanted;
}

void Orders::write(Order& order, const std::stop_token& stop) {
  const std::vector<Parcel> wanted = still_wanted(order);
  if (wanted.empty()) return drop(order, {}, false);
  const Result<std::string> id = order.desk->courier->new_id(stop);
  if (!id) return drop(order, id.error(), false);
  const Result<std::string> text = order.desk->courier->write({*id, wanted}, Incoming::below(*id), stop);
  if (!text) return drop(order, text.error(), false);
  if (const Result<void> noted = order.desk->incoming.note(*id, *text); !noted)
    return drop(order, noted.error(), true);
  order.id = *id;
  order.text = *text;
  place(order, stop);
}

void Orders::place(Order& order, const std::stop_token& stop) {
  const Result<std::string> name = order.desk->courier->place(order.text, stop);
  if (stop.stop_requested()) return;
  if (name) {
    log::info("{}: {} files of {} are ordered: {}", order.desk->archive, order.files.size(), order.batch,
              *name);
    const MutexLock lock(mutex_);
    order.name = *name;
    order.failures = 0;
    order.wait = options_.first_look;
    order.next = std::chrono::steady_clock::now() + order.wait;
    order.progress.words = "ordered";
    return;
  }
  if (++order.failures == 1)
    log::warning("{}: {} files of {} cannot be ordered: {}", order.desk->archive, order.files.size(),
                 order.batch, name.error().message);
  // Was it heard over there? The same order again is the same order. And one that was found may be under way,
  // whoever answers in its service's place, or does not.
  const bool is_refused = name.error().code == Errc::not_found;
  const bool may_be_under_way = order.found || (may_pass(name.error().code) && order.failures < kTries);
  if (may_be_under_way && !is_refused) {
    disappoint(order, name.error());
    return look_again(order);
  }
  order.desk->incoming.forget(order.id);
  // That is no word on its files.
  const Errc code = is_refused ? Errc::unavailable : name.error().code;
  drop(order, {code, "it cannot be ordered: " + name.error().message}, true);
}

void Orders::look(Order& order, const std::stop_token& stop) {
  const Result<OrderProgress> progress = order.desk->courier->progress(order.name, stop);
  if (stop.stop_requested()) return;
  const bool is_gone = !progress && progress.error().code == Errc::not_found;
  if (!progress && !is_gone) {
    disappoint(order, progress.error());
    return look_again(order);
  }
  if (is_gone || progress->phase == OrderProgress::Phase::failed) {
    const Error error{Errc::unavailable, fmt::format("the order {} was given up: {}", order.name,
                                                     is_gone ? progress.error().message : progress->words)};
    log::warning("{}: {}", order.desk->archive, error.message);
    order.desk->incoming.forget(order.id);
    return drop(order, error, true);
  }
  unsigned stuck = 0;
  {
    const MutexLock lock(mutex_);
    order.progress = *progress;
    stuck = order.stuck = progress->held_up ? order.stuck + 1 : 0;
  }
  if (progress->phase == OrderProgress::Phase::done) return take_in(order, stop);
  if (stuck >= Order::kStuck)
    disappoint(order, {Errc::unavailable,
                       fmt::format("the order {} cannot get on: {}", order.name, progress->words)});
  look_again(order);
}

void Orders::take_in(Order& order, const std::stop_token& stop) {
  const Result<std::map<std::string, Error>> left = order.desk->courier->left_out(order.name, stop);
  if (stop.stop_requested()) return;
  // What is not there may be missing for good, or only not told yet.
  if (!left && ++order.untold < kTries) {
    disappoint(order, left.error());
    return look_again(order);
  }
  const Result<void> taken = order.desk->incoming.take_in(order.id);
  bool is_lost = false;
  const Error lost{Errc::unavailable,
                   fmt::format("the order {} is done, and the file is not in {}: is that what "
                               "the archive's table calls it?",
                               order.name, order.desk->courier->folder())};
  std::map<std::string, Result<void>> results;
  for (const auto& [place, size] : sizes_of(order)) {
    Result<void>& result = results[place];
    const Result<UniqueFd> file = order.desk->incoming.open(place, size);
    if (file) continue;
    if (file.error().code == Errc::stale) {
      result = tl::unexpected<Error>(file.error());
    } else if (const std::string& source = order.files.at(place).parcel.source;
               left && left->contains(source)) {
      result = tl::unexpected<Error>(left->at(source));
    } else {
      result = tl::unexpected<Error>(taken ? lost : taken.error());
      is_lost = is_lost || !order.found;
    }
  }
  log::info("{}: the order {} is done", order.desk->archive, order.name);
  if (taken) order.desk->incoming.forget(order.id);
  remove(order, taken ? lost : taken.error(), is_lost);
  for (const auto& [place, file] : order.files) {
    for (const Done& done : file.waiting) done(results[place]);
  }
}

void Orders::look_again(Order& order) {
  const MutexLock lock(mutex_);
  order.wait = std::min(std::max(order.wait, options_.first_look) * 2, options_.longest_look);
  order.next = std::chrono::steady_clock::now() + order.wait;
}

void Orders::disappoint(Order& order, const Error& error) {
  std::vector<Done> waiting;
  {
    const MutexLock lock(mutex_);
    for (auto& [place, file] : order.files) {
      std::move(file.waiting.begin(), file.waiting.end(), std::back_inserter(waiting));
      file.waiting.clear();
    }
  }
  for (const Done& done : waiting) done(tl::unexpected<Error>(error));
}

void Orders::drop(Order& order, const Error& error, bool hold) {
  remove(order, error, hold);
  disappoint(order, error);
}

void Orders::remove(const Order& order, const Error& error, bool hold) {
  const MutexLock lock(mutex_);
  if (hold) {
    const SteadyTime until = std::chrono::steady_clock::now() + options_.refusal;
    refusals_[{order.desk->archive, order.batch}] = {until, error};
  }
  orders_.remove_if([&order](const auto& each) { return each.get() == &order; });
}

}  // namespace astrofs
