#include "tests/support/dkist_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "/transfer/v0.10/";
constexpr std::size_t kMostEntries = 100'000;  ///< of one listing
/// What the S3 connector says of folders, and nobody should believe.
constexpr std::string_view kNoDate = "1969-12-31 23:59:59+00:00";
constexpr std::string_view kFileDate = "2026-01-17 03:20:11+00:00";

Reply json_reply(const Json& json) {
  return text_reply(200, json.dump(), "application/json");
}

Json document(const ShelfEntry& entry) {
  return {{"DATA_TYPE", "file"},
          {"name", entry.name},
          {"type", entry.directory ? "dir" : "file"},
          {"size", entry.size},
          {"permissions", entry.directory ? "0700" : "0600"},
          {"last_modified", entry.directory ? kNoDate : kFileDate},
          {"user", "root"},
          {"group", "root"},
          {"link_target", nullptr},
          {"link_size", nullptr},
          {"link_user", nullptr},
          {"link_group", nullptr},
          {"link_last_modified", nullptr}};
}

Reply not_found(const HttpRequest& request, std::string_view path) {
  return transfer_error(404, "ClientError.NotFound",
                        fmt::format("Path not found, Error (list)\nDetails: Error: '{}' not found\\r\\n"
                                    "550-GlobusError: v=1 c=PATH_NOT_FOUND\\r\\n",
                                    path),
                        request.path);
}

std::size_t number(const HttpRequest& request, std::string_view name, std::size_t otherwise) {
  const std::string text = request.parameter(name).value_or("");
  std::from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

Reply listing(const HttpRequest& request, DkistShelf& shelf, std::string path) {
  const auto entries = shelf.list(path);
  if (!entries) {
    return shelf.entry(path) ? transfer_error(502, "ExternalError.DirListingFailed.NotDirectory",
                                              "The path is not a directory", request.path)
                             : not_found(request, path);
  }
  const std::size_t first = std::min(number(request, "offset", 0), entries->size());
  const std::size_t count =
      std::min({number(request, "limit", kMostEntries), kMostEntries, entries->size() - first});
  Json data = Json::array();
  for (std::size_t at = first; at < first + count; ++at) data.push_back(document((*entries)[at]));
  if (!path.ends_with('/')) path += '/';
  return json_reply({{"DATA_TYPE", "file_list"},
                     {"DATA", data},
                     {"absolute_path", nullptr},
                     {"endpoint", kDkistCollection},
                     {"length", count},
                     {"total", entries->size()},
                     {"path", path},
                     {"rename_supported", false},
                     {"symlink_supported", false}});
}

Reply operation(const HttpRequest& request, DkistShelf& shelf, const DkistSettings& settings,
                std::string_view what) {
  const std::string path = request.parameter("path").value_or("/");
  if (shelf.embargoed(path) && !settings.member) {
    return transfer_error(
        403, "EndpointPermissionDenied",
        "Denied by endpoint, Error (list)\nDetails: 500 Command failed : Path not allowed.\\r\\n",
        request.path);
  }
  if (what == "ls") return listing(request, shelf, path);
  const auto entry = shelf.entry(path);
  return entry ? json_reply(document(*entry)) : not_found(request, path);
}

}  // namespace

Reply transfer_error(int status, std::string_view code, std::string_view message, std::string_view resource) {
  const Json json{{"code", code}, {"message", message}, {"request_id", "sim"}, {"resource", resource}};
  return text_reply(status, json.dump(), "application/json");
}

Reply dkist_endpoint_reply(const HttpRequest& request, DkistShelf& shelf, const DkistSettings& settings) {
  constexpr std::string_view kOperation = "operation/";
  constexpr std::string_view kEndpoint = "endpoint/";
  std::string_view rest = std::string_view(request.path).substr(kPrefix.size());
  const bool operating = rest.starts_with(kOperation);
  if (operating) rest.remove_prefix(kOperation.size());
  const auto nothing = [&] {
    return transfer_error(404, "ClientError.NotFound", "no such resource", request.path);
  };
  if (!rest.starts_with(kEndpoint) || request.method == "POST") return nothing();
  rest.remove_prefix(kEndpoint.size());
  const std::string_view id = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(rest.size(), id.size() + 1));
  if (id != kDkistCollection)
    return transfer_error(404, "EndpointNotFound", "No such endpoint", request.path);
  if (operating && (rest == "ls" || rest == "stat")) return operation(request, shelf, settings, rest);
  if (operating || !rest.empty()) return nothing();
  // The address under which the client has come is the one that it can reach.
  const std::string https = fmt::format("http://{}/https", request.header("host"));
  return json_reply({{"DATA_TYPE", "endpoint"},
                     {"DATA", Json::array()},
                     {"id", kDkistCollection},
                     {"display_name", "DKIST Data Transfer"},
                     {"entity_type", "GCSv5_guest_collection"},
                     {"public", true},
                     {"acl_available", true},
                     {"non_functional", false},
                     {"https_server", settings.https ? Json(https) : Json(nullptr)}});
}

}  // namespace astrofs::sim
