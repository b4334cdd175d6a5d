// Files that an archive's courier must be ordered to bring: what is wanted is gathered for a moment, ordered
// together, looked after until it is there, and moved to its place (fs/incoming). Nobody hears of a file
// before all of it is there. An order goes on when nobody waits for it any more, and when this program ends.
// Owned by CourierSource; any thread. The thread "orders" asks the services and moves files.
#pragma once

#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "fs/archive_table.h"
#include "fs/order.h"

namespace astrofs {

struct OrdersOptions {
  milliseconds gather{500};      ///< from the first file that is wanted to the order: more will be wanted
  milliseconds first_look{500};  ///< an order of one frame takes some seconds
  milliseconds longest_look{15'000};  ///< between two looks at one that takes hours
  milliseconds refusal{30'000};       ///< after an order that failed, before its like is placed again
  bool offline{false};                ///< nobody is asked for anything
};

class Orders {
 public:
  /// Called once, without a lock, perhaps before want() returns. Success: the file is at its place.
  using Done = OrderedFile::Done;

  /// `archives` outlives stop().
  Orders(const ArchiveTable& archives, OrdersOptions options);
  ~Orders();
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  /// The file at its place; as Incoming::open. `archive` has a courier.
  [[nodiscard]] Result<UniqueFd> open(const MountedArchive& archive, std::string_view place,
                                      std::uint64_t size) const;
  /// Errors: unavailable (the order failed, or cannot get on), not_found and denied (the archive says so of
  /// this file), those of asking the service, offline, interrupted.
  void want(const MountedArchive& archive, const Parcel& parcel, std::uint64_t size, Done done)
      EXCLUDES(mutex_);
  [[nodiscard]] std::vector<OrderStatus> status() const EXCLUDES(mutex_);
  /// The order that this file is part of.
  [[nodiscard]] std::optional<OrderStatus> of(const MountedArchive& archive, const std::string& place) const
      EXCLUDES(mutex_);
  /// Everybody who waits is told so; what was ordered goes on.
  void stop() EXCLUDES(mutex_);

 private:
  struct Refusal {
    SteadyTime until{};
    Error error;
  };

  void run(const std::stop_token& stop);
  void find_old_orders() EXCLUDES(mutex_);
  /// Who has come for its files before it was found waits for it too.
  void take_over(Order& found) REQUIRES(mutex_);
  [[nodiscard]] const OrderDesk& desk_of(const MountedArchive& archive) const;
  /// False: `done` was not taken, and is to hear `why_not`.
  bool enlist(const OrderDesk& desk, const Parcel& parcel, std::uint64_t size, Done& done, Error& why_not)
      REQUIRES(mutex_);
  /// The order whose turn it is, or how long there is none.
  [[nodiscard]] std::shared_ptr<Order> due(milliseconds& wait) REQUIRES(mutex_);
  void act(Order& order, const std::stop_token& stop) EXCLUDES(mutex_);
  void write(Order& order, const std::stop_token& stop) EXCLUDES(mutex_);
  void place(Order& order, const std::stop_token& stop) EXCLUDES(mutex_);
  void look(Order& order, const std::stop_token& stop) EXCLUDES(mutex_);
  void take_in(Order& order, const std::stop_token& stop) EXCLUDES(mutex_);
  [[nodiscard]] std::map<std::string, std::uint64_t> sizes_of(const Order& order) EXCLUDES(mutex_);
  /// What has come by another way meanwhile is answered; the others are to be ordered.
  [[nodiscard]] std::vector<Parcel> still_wanted(Order& order) EXCLUDES(mutex_);
  void look_again(Order& order) EXCLUDES(mutex_);
  /// Who waits for it hears this; the order goes on.
  void disappoint(Order& order, const Error& error) EXCLUDES(mutex_);
  /// There is no such order any more, and nobody else comes to wait for it. `hold`: its like is refused with
  /// this for a while.
  void remove(const Order& order, const Error& error, bool hold) EXCLUDES(mutex_);
  /// Likewise, and who waits for it hears it.
  void drop(Order& order, const Error& error, bool hold) EXCLUDES(mutex_);

  const OrdersOptions options_;
  std::map<std::string, OrderDesk> desks_;
  mutable Mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ GUARDED_BY(mutex_){false};
  std::list<std::shared_ptr<Order>> orders_ GUARDED_BY(mutex_);  ///< what they point to, too
  std::map<std::pair<std::string, std::string>, Refusal> refusals_ GUARDED_BY(mutex_);  ///< archive and batch
  std::jthread thread_;  ///< last: it uses all of the above
};

}  // namespace astrofs
