// One order of files, as fs/orders keeps it: what is to be brought, who waits for it, how far it is. Values;
// the lock is that of Orders.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "backends/courier.h"
#include "base/clock.h"
#include "base/error.h"
#include "fs/incoming.h"

namespace astrofs {

/// Where the orders of an archive are placed, and where its files arrive.
struct OrderDesk {
  std::string archive;
  Courier* courier;
  Incoming incoming;
};

struct OrderedFile {
  using Done = std::function<void(Result<void>)>;
  Parcel parcel;
  std::uint64_t size{0};
  std::vector<Done> waiting;
};

struct Order {
  /// Looks; a service says now and then that something is wrong, and goes on all the same.
  static constexpr unsigned kStuck = 2;

  const OrderDesk* desk{nullptr};
  std::string batch;
  std::map<std::string, OrderedFile> files;  ///< by place
  bool closed{false};                        ///< takes no more files
  std::string id, text;                      ///< "" = not written yet; the thread's alone
  std::string name;                          ///< the service's; "" = not placed yet
  OrderProgress progress;
  bool found{false};     ///< in the folder, left there by an earlier run of this program
  unsigned failures{0};  ///< times in a row that it could not be placed
  unsigned untold{0};    ///< times in a row that it was not told what was left out
  unsigned stuck{0};     ///< looks in a row at which it could not get on
  SteadyTime made{};
  SteadyTime next{};  ///< when something is to be done about it
  milliseconds wait{0};
};

/// What `astrofs status` and `why` say of an order.
struct OrderStatus {
  std::string archive, batch;
  std::string name;
  std::string words;  ///< how far it is: the service's, or "gathering"
  std::uint64_t files{0}, files_done{0}, bytes_done{0};
  std::size_t waiting{0};  ///< reads and read-ahead
  seconds age{0};
};

}  // namespace astrofs
