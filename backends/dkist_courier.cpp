#include "backends/dkist_courier.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/dkist_folders.h"
#include "backends/format/globus_task.h"
#include "backends/gone_service.h"
#include "backends/url.h"

namespace astrofs::dkist {
namespace {

/// The files of a directory are asked for one behind the other.
constexpr std::chrono::seconds kRecent{60};
constexpr std::string_view kService = "Globus";

/// "/bucket/proposal/ID/rest". A copy has no buckets: a dataset changes from one to another in its life.
std::optional<Parcel> parcel_of(std::string path) {
  const std::size_t proposal = path.find('/', 1);
  const std::size_t id = proposal == std::string::npos ? proposal : path.find('/', proposal + 1);
  const std::size_t rest = id == std::string::npos ? id : path.find('/', id + 1);
  if (rest == std::string::npos) return std::nullopt;
  Parcel parcel;
  parcel.batch = path.substr(proposal + 1, rest - proposal - 1);
  parcel.place = path.substr(proposal + 1);
  parcel.source = std::move(path);
  return parcel;
}

Error reason_of(const std::string& code) {
  const std::string words = "Globus left it out: " + code;
  // Transfer tries again where a back end is sick: what it leaves out is not there, or not for this user.
  if (code == "FILE_NOT_FOUND" || code == "PATH_NOT_FOUND") return {Errc::not_found, words};
  return {code == "PERMISSION_DENIED" ? Errc::denied : Errc::unavailable, words};
}

}  // namespace

std::optional<Parcel> GlobusCourier::parcel(std::string_view locator) const {
  if (!endpoint_.always && globus_.can_fetch()) return std::nullopt;
  std::optional<std::string> path = path_on_collection(locator);
  if (!path) return std::nullopt;
  return parcel_of(std::move(*path));
}

Result<std::uint64_t> GlobusCourier::size(const Parcel& parcel, std::stop_token stop) {
  const std::string folder = parcel.source.substr(0, parcel.source.rfind('/'));
  const MutexLock lock(mutex_);
  if (folder != folder_ || clock_.steady() - listed_ > kRecent) {
    Result<std::vector<globus::FolderEntry>> files = globus_.list(folder, std::move(stop));
    if (!files) return tl::unexpected<Error>(files.error());
    std::sort(files->begin(), files->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    files_ = std::move(*files);
    folder_ = folder;
    listed_ = clock_.steady();
  }
  const std::string_view name = last_component(parcel.source);
  const auto found =
      std::lower_bound(files_.begin(), files_.end(), name,
                       [](const auto& file, std::string_view than) { return file.name < than; });
  if (found == files_.end() || found->name != name || found->directory)
    return fail(Errc::not_found, "the collection has no " + parcel.source);
  return found->size;
}

Result<std::string> GlobusCourier::new_id(std::stop_token stop) {
  const Result<std::string> answer = globus_.ask("submission_id", {}, std::move(stop));
  if (!answer) return tl::unexpected<Error>(of_service(answer.error(), kService));
  return globus::parse_submission_id(*answer);
}

Result<std::string> GlobusCourier::write(const PlacedOrder& order, std::string_view below, std::stop_token) {
  globus::TransferOrder transfer;
  transfer.submission = order.id;
  const Result<std::string> collection = globus_.collection();
  if (!collection) return collection;
  transfer.source_endpoint = *collection;
  transfer.destination_endpoint = endpoint_.id;
  const std::string_view batch = order.parcels.empty() ? "" : std::string_view(order.parcels.front().batch);
  transfer.label =
      fmt::format("astrofs {}, {} files", batch.substr(batch.rfind('/') + 1), order.parcels.size());
  for (const Parcel& parcel : order.parcels)
    transfer.items.push_back({parcel.source, fmt::format("{}/{}/{}", endpoint_.path, below, parcel.place)});
  return globus::format_transfer(transfer);
}

Result<PlacedOrder> GlobusCourier::read(std::string_view text) const {
  const Result<globus::TransferOrder> transfer = globus::parse_transfer(text);
  if (!transfer) return tl::unexpected<Error>(transfer.error());
  PlacedOrder order{transfer->submission, {}};
  for (const globus::TransferItem& item : transfer->items) {
    std::optional<Parcel> parcel = parcel_of(item.source);
    if (parcel) order.parcels.push_back(std::move(*parcel));
  }
  return order;
}

Result<std::string> GlobusCourier::place(const std::string& text, std::stop_token stop) {
  const Result<std::string> answer = globus_.ask("transfer", text, std::move(stop));
  if (!answer) return answer;
  return globus::parse_task_id(*answer);
}

Result<OrderProgress> GlobusCourier::progress(const std::string& name, std::stop_token stop) {
  const Result<std::string> answer = globus_.ask("task/" + name, {}, std::move(stop));
  if (!answer) return tl::unexpected<Error>(answer.error());
  const Result<globus::TaskState> task = globus::parse_task(*answer);
  if (!task) return tl::unexpected<Error>(task.error());
  using Status = globus::TaskState::Status;
  OrderProgress progress;
  progress.phase = task->status == Status::succeeded ? OrderProgress::Phase::done
                   : task->status == Status::failed  ? OrderProgress::Phase::failed
                                                     : OrderProgress::Phase::under_way;
  progress.words = !task->trouble.empty()              ? task->trouble
                   : task->status == Status::succeeded ? "SUCCEEDED"
                   : task->status == Status::failed    ? "FAILED"
                                                       : "ACTIVE";
  progress.held_up = progress.phase == OrderProgress::Phase::under_way && !task->trouble.empty();
  progress.files_done = task->files;
  progress.bytes_done = task->bytes;
  return progress;
}

Result<std::map<std::string, Error>> GlobusCourier::left_out(const std::string& name, std::stop_token stop) {
  std::map<std::string, Error> files;
  std::string marker;
  do {
    const std::string page = marker.empty() ? "" : "?marker=" + url::encode_component(marker);
    const Result<std::string> answer =
        globus_.ask(fmt::format("task/{}/skipped_errors{}", name, page), {}, stop);
    // Not found would be a word on the files.
    if (!answer) return tl::unexpected<Error>(of_service(answer.error(), kService));
    Result<globus::SkippedFiles> skipped = globus::parse_skipped(*answer);
    if (!skipped) return tl::unexpected<Error>(skipped.error());
    if (!skipped->next.empty() && skipped->next == marker)
      return fail(Errc::corrupt, "Globus: a page that is its own successor");
    for (globus::SkippedFile& file : skipped->files)
      files.emplace(std::move(file.source), reason_of(file.code));
    // A page without a file would never bring the last one.
    marker = skipped->files.empty() ? std::string() : std::move(skipped->next);
  } while (!marker.empty());
  return files;
}

}  // namespace astrofs::dkist
