// A Source for files that are brought to this machine on order: read from where they were left, whole and of
// the right size, or ordered first. All other files are another Source's.
#pragma once

#include <memory>

#include "base/executor.h"
#include "cache/catalog.h"
#include "cache/source.h"
#include "fs/archive_table.h"
#include "fs/orders.h"

namespace astrofs {

class CourierSource final : public Source {
 public:
  /// All outlive this; `store` reads from the disk.
  CourierSource(const Catalog& catalog, const ArchiveTable& archives, Source& others, Executor& store,
                OrdersOptions options);
  ~CourierSource() override { stop(); }
  CourierSource(const CourierSource&) = delete;
  CourierSource& operator=(const CourierSource&) = delete;

  /// Brings `range` and no more, also where the whole file was ordered for it: the rest is near by then. An
  /// order has no deadline, so that a later read finds what it has brought; readers have theirs.
  void fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency, std::shared_ptr<Sink> sink,
             std::stop_token stop) override;
  [[nodiscard]] bool works_offline(const FileVersion& version) const override {
    return others_.works_offline(version);
  }

  [[nodiscard]] const Orders& orders() const { return *orders_; }
  /// Fetches that wait for an order end. Before the network and `store` do.
  void stop() { orders_->stop(); }

 private:
  const Catalog& catalog_;
  const ArchiveTable& archives_;
  Source& others_;
  Executor& store_;
  const std::shared_ptr<Orders> orders_;  ///< jobs of `store` may be later than this
};

}  // namespace astrofs
