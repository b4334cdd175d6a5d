#include "tests/support/mast_tap.h"

#include <fmt/format.h>

#include <string>

#include "tests/support/vo_query.h"
#include "tests/support/vo_table.h"

namespace astrofs::sim {
namespace {

VoRows obscore(const std::vector<Target>& targets) {
  VoRows content;
  for (const char* const name :
       {"dataproduct_type", "obs_collection", "obs_id", "target_name", "access_url", "access_format"})
    content.columns.push_back({name});
  content.columns.push_back({"access_estsize", VoKind::whole});
  for (const Target& target : targets) {
    const std::string tic = std::to_string(target.tic);
    for (const TargetObservation& observation : target.observations) {
      // A preview has no address, as some rows of the service.
      content.rows.push_back(
          {"image", "TESS", observation.id, tic, std::nullopt, std::nullopt, std::nullopt});
      for (const TargetProduct& product : observation.products) {
        content.rows.push_back(
            {"timeseries", "TESS", observation.id, tic,
             "https://mast.stsci.edu/portal/Download/file?uri=mast:TESS/product/" + product.name,
             "application/fits", "17"});
      }
    }
  }
  return content;
}

Reply document(int status, std::string xml) {
  return text_reply(status, std::move(xml), "application/x-votable+xml");
}

}  // namespace

Reply mast_tap(const HttpRequest& request, const std::vector<Target>& targets) {
  std::string language = request.parameter("LANG").value_or("");
  std::string query = request.parameter("QUERY").value_or("");
  if (request.method == "POST") {
    for (auto& [name, value] : parse_form(request.body)) {
      if (name == "LANG") language = std::move(value);
      if (name == "QUERY") query = std::move(value);
    }
  }
  if (language.empty() || query.empty()) return document(400, vo_error("LANG and QUERY are required"));
  const auto rows = run_adql(query, "ivoa.obscore", obscore(targets));
  if (!rows) return document(400, vo_error(rows.error().message));
  return document(200, vo_table(*rows, VoForm::text, false));
}

}  // namespace astrofs::sim
