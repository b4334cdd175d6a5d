#include "tests/support/dkist_collection.h"

#include <fmt/format.h>

namespace astrofs::sim {
namespace {

constexpr std::string_view kPrefix = "/https";

Reply unauthorized() {
  Reply reply = text_reply(401, "{\"code\":\"permission_denied\"}", "application/json");
  reply.set_header("WWW-Authenticate",
                   fmt::format("Bearer scope=\"https://auth.globus.org/scopes/{}/https\"", kDkistCollection));
  return reply;
}

Reply missing() {
  return text_reply(404, "File not found\nGlobusError: v=1 c=PATH_NOT_FOUND\nGridFTP-Errno: 2\n",
                    "text/plain");
}

Reply part_of(const ResourcePtr& file, std::string_view range) {
  const bool suffix = range.starts_with("bytes=-");
  const RangeAnswer answer = parse_range(range, file->size);
  if (suffix || answer.kind != RangeKind::part) {
    Reply refused = text_reply(416, "", "text/plain");
    refused.set_header("Content-Range", fmt::format("bytes */{}", file->size));
    return refused;
  }
  Reply reply;
  reply.status = 206;
  reply.body = file;
  reply.range = answer.range;
  reply.set_header("Content-Range",
                   fmt::format("bytes {}-{}/*", answer.range.offset, answer.range.end() - 1));
  return reply;
}

}  // namespace

Reply dkist_collection_reply(const HttpRequest& request, DkistShelf& shelf, const DkistAuth& auth,
                             const DkistSettings& settings, const std::vector<Fault>& faults) {
  if (request.method != "GET" && request.method != "HEAD") return error_reply(405, request.path);
  const std::string_view path = std::string_view(request.path).substr(kPrefix.size());
  const bool embargoed = shelf.embargoed(path);
  const bool presented = !request.header("authorization").empty();
  if ((presented || embargoed || settings.need_token) && !auth.admits(request, DkistScope::https))
    return unauthorized();
  if (embargoed && !settings.member)
    return text_reply(403, "{\"code\":\"EndpointPermissionDenied\",\"message\":\"Denied by endpoint\"}",
                      "application/json");
  ResourcePtr file = shelf.file(path);
  if (file == nullptr) return missing();
  for (const Fault& fault : faults) file = spoil_resource(fault, std::move(file));
  Reply reply;
  if (const std::string_view range = request.header("range"); !range.empty()) {
    reply = part_of(file, range);
  } else {
    reply.body = file;
    reply.range = {0, file->size};
  }
  reply.set_header("Accept-Ranges", "bytes");
  reply.set_header("Content-Type", "application/octet-stream");
  return reply;
}

}  // namespace astrofs::sim
