#include "tests/support/dkist_download.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/support/dkist_frame.h"
#include "tests/support/dkist_search.h"

namespace astrofs::sim {
namespace {

constexpr std::string_view kJson = "application/json";

Reply not_found() {
  return text_reply(404, "{\"message\": \"Not Found\"}", std::string(kJson));
}

struct Digest {
  std::string_view name;
  DigestKind kind;
};
constexpr std::array<Digest, 3> kDigests{
    {{"sha-512", DigestKind::sha512}, {"sha-256", DigestKind::sha256}, {"md5", DigestKind::md5}}};

/// Of "sha-512=8, md5=2" what is known here and weighs most.
const Digest* preferred(std::string_view header) {
  const Digest* best = nullptr;
  int most = 0;
  while (!header.empty()) {
    std::string_view one = header.substr(0, header.find(','));
    header.remove_prefix(std::min(header.size(), one.size() + 1));
    one.remove_prefix(std::min(one.size(), one.find_first_not_of(' ')));
    const auto equals = one.find('=');
    if (equals == std::string_view::npos || equals + 1 >= one.size()) continue;
    const auto* const known = std::ranges::find(kDigests, one.substr(0, equals), &Digest::name);
    const int weight = one[equals + 1] - '0';  // RFC 9530: 0 is "never", 10 is the most; nobody sends 10
    if (known == kDigests.end() || weight <= most) continue;
    best = known;
    most = weight;
  }
  return best;
}

/// The digest stands in hex, as the client compares it, and not as RFC 9530 has it.
void add_digest(const HttpRequest& request, const Resource& file, const DkistSettings& settings,
                Reply& reply) {
  const std::string_view wanted = request.header("want-repr-digest");
  if (wanted.empty() || settings.digest == "none") return;
  const Digest* digest = preferred(wanted);
  if (settings.digest != "wanted") {
    const auto* const only = std::ranges::find(kDigests, settings.digest, &Digest::name);
    digest = only == kDigests.end() ? nullptr : only;
  }
  if (digest != nullptr)
    reply.set_header("Repr-Digest",
                     fmt::format("{}={}", digest->name, DkistShelf::digest(file, digest->kind)));
}

struct Wanted {
  ResourcePtr file;
  std::string name;
};

Wanted wanted_file(const HttpRequest& request, DkistShelf& shelf, const DkistDataset& dataset) {
  const std::string_view kind = std::string_view(request.path).substr(request.path.rfind('/') + 1);
  Wanted wanted;
  if (kind == "asdf") wanted.name = dataset.asdf_name();
  if (kind == "movie") wanted.name = dataset.movie_name();
  if (kind == "quality") wanted.name = dataset.report_name();
  if (wanted.name.empty()) return wanted;
  if (kind == "quality" && request.header("accept").find(kJson) != std::string_view::npos) {
    wanted.name = dataset.id + ".json";
    wanted.file = text_resource(report_document(dataset), std::string(kJson));
  } else {
    wanted.file = shelf.file(dataset.directory() + '/' + wanted.name);
  }
  return wanted;
}

}  // namespace

Reply dkist_datasets_reply(const HttpRequest& request, const DkistShelf& shelf) {
  std::string_view path = request.path;
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path == "/datasets/v1") return text_reply(200, search_answer(shelf.all(), request), std::string(kJson));
  if (path == "/datasets/v1/searchValues")
    return text_reply(200, search_values(shelf.all()), std::string(kJson));
  if (path == "/datasets/v1/config")
    return text_reply(200, fmt::format("{{\"globusDataEndpointID\": \"{}\"}}", kDkistCollection),
                      std::string(kJson));
  return not_found();
}

Reply dkist_download_reply(const HttpRequest& request, DkistShelf& shelf, const DkistSettings& settings,
                           const std::vector<Fault>& faults) {
  const DatasetPtr dataset = shelf.find(request.parameter("datasetId").value_or(""));
  Wanted wanted = dataset == nullptr ? Wanted{} : wanted_file(request, shelf, *dataset);
  if (wanted.file == nullptr) return not_found();
  for (const Fault& fault : faults) wanted.file = spoil_resource(fault, std::move(wanted.file));
  HttpRequest asked = request;
  if (!settings.ranges)
    std::erase_if(asked.headers, [](const auto& header) { return header.first == "range"; });
  Reply reply = resource_reply(asked, wanted.file);
  if (!settings.ranges) reply.remove_header("Accept-Ranges");
  const bool shown = request.parameter("download") == "false";
  reply.set_header("Content-Disposition",
                   fmt::format("{}; filename={}", shown ? "inline" : "attachment", wanted.name));
  add_digest(request, *wanted.file, settings, reply);
  return reply;
}

}  // namespace astrofs::sim
