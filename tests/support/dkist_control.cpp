// /_sim/dkist: how the made-up data centre is looked at and changed by scripts.
#include <nlohmann/json.hpp>

#include "tests/support/dkist_centre.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

/// Lost frames by name or number.
void lose(DkistDataset& dataset, const Json& frames) {
  dataset.lost.clear();
  for (const Json& frame : frames) {
    if (frame.is_number_integer()) {
      dataset.lost.insert(frame.get<int>());
    } else if (const auto found = dataset.names->index.find(frame.get<std::string>());
               found != dataset.names->index.end()) {
      dataset.lost.insert(found->second);
    }
  }
}

void change_dataset(DkistDataset& dataset, const Json& json) {
  dataset.embargoed = json.value("embargoed", dataset.embargoed);
  dataset.bucket = json.value("bucket", dataset.bucket);
  dataset.status = json.value("status", dataset.status);
  if (json.contains("lost")) lose(dataset, json["lost"]);
  if (json.value("rewrite", false)) ++dataset.pixels_version;
  if (json.value("update", false)) ++dataset.revision;
  if (json.contains("reprocess")) dataset.status = "DEPRECATED";
}

void change_settings(DkistSettings& settings, const Json& json) {
  settings.https = json.value("https", settings.https);
  settings.need_token = json.value("need_token", settings.need_token);
  settings.member = json.value("member", settings.member);
  settings.ranges = json.value("ranges", settings.ranges);
  settings.digest = json.value("digest", settings.digest);
  settings.gcp = json.value("gcp", settings.gcp);
  settings.globus_folder = json.value("globus_folder", settings.globus_folder);
  settings.task_time = std::chrono::milliseconds(json.value("task_ms", settings.task_time.count()));
  settings.token_time = std::chrono::seconds(json.value("token_seconds", settings.token_time.count()));
}

Json dataset_json(const DkistDataset& dataset) {
  return {{"id", dataset.id},
          {"product", dataset.product},
          {"status", dataset.status},
          {"embargoed", dataset.embargoed},
          {"instrument", dataset.instrument},
          {"directory", dataset.directory()},
          {"asdf", dataset.asdf_name()},
          {"frames", dataset.frames()},
          {"lost", dataset.lost},
          {"revision", dataset.revision}};
}

}  // namespace

Reply DkistCentre::control(const HttpRequest& request) {
  if (request.method == "GET") {
    Json datasets = Json::array();
    for (const DatasetPtr& dataset : shelf_.all()) datasets.push_back(dataset_json(*dataset));
    return text_reply(200,
                      Json{{"collection", kDkistCollection},
                           {"datasets", datasets},
                           {"tasks", tasks_.count()},
                           {"mails", tasks_.mails()}}
                              .dump() +
                          "\n",
                      "application/json");
  }
  try {
    const Json json = Json::parse(request.body);
    if (json.contains("dataset")) {
      const std::string id = json["dataset"].get<std::string>();
      const DatasetPtr old = dataset(id);
      if (!change(id, [&](DkistDataset& dataset) { change_dataset(dataset, json); }))
        return text_reply(404, "no such dataset: " + id + "\n", "text/plain");
      if (json.contains("reprocess")) shelf_.add(reprocessed(*old, json["reprocess"].get<std::string>()));
    }
    if (json.value("expire", false)) auth_.expire();
    if (json.value("revoke", false)) auth_.revoke();
    set([&](DkistSettings& settings) { change_settings(settings, json); });
    return text_reply(200, "", "text/plain");
  } catch (const Json::exception& error) {
    return text_reply(400, std::string(error.what()) + "\n", "text/plain");
  }
}

}  // namespace astrofs::sim
