#include "fs/courier_source.h"

#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "fs/file_stream.h"

namespace astrofs {
namespace {

/// One fetch of a file that is ordered.
struct Delivery {
  std::shared_ptr<Orders> orders;
  Executor& store;
  const MountedArchive& archive;
  Parcel parcel;
  std::uint64_t size;
  ByteRange range;
  std::shared_ptr<Sink> sink;
  std::stop_token stop;
};
using DeliveryPtr = std::shared_ptr<const Delivery>;

void submit(const DeliveryPtr& delivery, void (*step)(const DeliveryPtr&)) {
  if (!delivery->store.submit([delivery, step] { step(delivery); }))
    delivery->sink->end(fail(Errc::interrupted, "the mount is ending"));
}

/// An error text under the name of a frame was brought as well as any file.
bool is_what_it_is_called(const Delivery& delivery, const UniqueFd& file) {
  constexpr std::string_view kStart = "SIMPLE  =";
  if (!delivery.parcel.place.ends_with(".fits")) return true;
  std::array<char, kStart.size()> start{};
  return ::pread(file.get(), start.data(), start.size(), 0) == static_cast<ssize_t>(start.size()) &&
         std::string_view(start.data(), start.size()) == kStart;
}

void serve(const DeliveryPtr& delivery, Result<UniqueFd> file) {
  if (!file) return delivery->sink->end(tl::unexpected<Error>(file.error()));
  if (!is_what_it_is_called(*delivery, *file))
    return delivery->sink->end(
        fail(Errc::corrupt, delivery->parcel.place + " was brought, and is no FITS file"));
  FileStream::start(delivery->store, std::move(*file), delivery->range, delivery->sink, delivery->stop);
}

void serve_what_came(const DeliveryPtr& delivery) {
  serve(delivery, delivery->orders->open(delivery->archive, delivery->parcel.place, delivery->size));
}

void serve_or_order(const DeliveryPtr& delivery) {
  if (delivery->stop.stop_requested())
    return delivery->sink->end(fail(Errc::interrupted, "not wanted any more"));
  Result<UniqueFd> file = delivery->orders->open(delivery->archive, delivery->parcel.place, delivery->size);
  // Of another size: it was brought when the archive had another version.
  const bool is_wanting = !file && (file.error().code == Errc::not_found || file.error().code == Errc::stale);
  if (!is_wanting) return serve(delivery, std::move(file));
  delivery->orders->want(delivery->archive, delivery->parcel, delivery->size,
                         [delivery](Result<void> brought) {
                           if (!brought) return delivery->sink->end(std::move(brought));
                           submit(delivery, serve_what_came);
                         });
}

}  // namespace

CourierSource::CourierSource(const Catalog& catalog, const ArchiveTable& archives, Source& others,
                             Executor& store, OrdersOptions options)
    : catalog_(catalog),
      archives_(archives),
      others_(others),
      store_(store),
      orders_(std::make_shared<Orders>(archives, options)) {}

void CourierSource::fetch(const FileVersion& version, ByteRange range, FetchUrgency urgency,
                          std::shared_ptr<Sink> sink, std::stop_token stop) {
  const Result<Node> node = catalog_.node(version.node);
  const bool is_current = node && !node->missing && node->generation == version.generation;
  const MountedArchive* const archive = is_current ? archives_.of(*node) : nullptr;
  Courier* const courier = archive != nullptr ? archive->archive->courier() : nullptr;
  std::optional<Parcel> parcel = courier != nullptr ? courier->parcel(node->locator) : std::nullopt;
  if (!parcel) return others_.fetch(version, range, urgency, std::move(sink), std::move(stop));
  submit(std::make_shared<const Delivery>(Delivery{orders_, store_, *archive, std::move(*parcel),
                                                   version.size, range, std::move(sink), std::move(stop)}),
         serve_or_order);
}

}  // namespace astrofs
