#include "tests/support/vo_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/support/fits_cards.h"
#include "tests/support/gzip.h"
#include "tests/support/vo_table.h"

namespace astrofs::sim {
namespace {

constexpr std::string_view kLinkType = "application/x-votable+xml;content=datalink";
constexpr std::array<std::string_view, 3> kTargets{"M31", "M 13", "SN 2011fe"};

/// Of the body or the address; `wanted` in capitals, however it was written.
std::string parameter_of(const HttpRequest& request, std::string_view wanted) {
  const auto same = [&](const auto& pair) {
    return std::ranges::equal(pair.first, wanted,
                              [](unsigned char a, unsigned char b) { return std::toupper(a) == b; });
  };
  for (const std::string_view text : {std::string_view(request.body), std::string_view(request.query)}) {
    const auto form = parse_form(text);
    const auto found = std::ranges::find_if(form, same);
    if (found != form.end()) return found->second;
  }
  return {};
}

VoForm form_of(const std::string& format) {
  if (format.find("td") != std::string::npos || format.find("TABLEDATA") != std::string::npos)
    return VoForm::text;
  return format.find("BINARY2") != std::string::npos || format.find("b2") != std::string::npos
             ? VoForm::binary2
             : VoForm::binary;
}

/// What the real one's rows look like, `<...>` in it and all.
std::string did_of(std::string_view path) {
  return "ivo://org.example/~?" + std::string(path);
}

VoRows obscore(const std::vector<VoArchive::DataSet>& sets, const std::string& host, std::uint64_t key) {
  VoRows rows{{{"dataproduct_type"},
               {"calib_level", VoKind::whole},
               {"obs_collection"},
               {"obs_id"},
               {"obs_publisher_did"},
               {"access_url"},
               {"access_format"},
               {"access_estsize", VoKind::whole},
               {"target_name"},
               {"s_ra", VoKind::real, "deg", "Right ascension of the centre, ICRS"},
               {"t_exptime", VoKind::real, "s", "Total exposure time"},
               {"facility"},
               {"seeing", VoKind::single, "arcsec"},
               {"is_public", VoKind::boolean},
               {"obs_date", VoKind::time},
               {"s_fov", VoKind::narrow}},
              {}};
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const VoArchive::DataSet& one = sets[i];
    VoCell url;
    if (one.has_address) {
      url = one.linked ? fmt::format("{}/vo/links?ID={}&key={}", host, percent_encode(one.did, ""), key)
                       : host + "/vo" + percent_encode(one.path, "/?=&");
    }
    rows.rows.push_back({"image", std::to_string(one.calib_level), one.collection, one.obs_id, one.did, url,
                         std::string(one.linked ? kLinkType : one.format), "1",
                         one.has_target ? VoCell(one.target) : VoCell(),
                         fmt::format("{}", 10 + 0.25 * static_cast<double>(i)), VoCell(), "Test observatory",
                         VoCell(i % 2 == 0 ? "0.1" : "0.7"),
                         i % 4 == 3 ? VoCell() : VoCell(i % 2 == 0 ? "true" : "false"),
                         i % 3 == 2 ? VoCell() : VoCell(fmt::format("2014-10-{:02}T09:43:12", 1 + i % 3)),
                         VoCell(i % 2 == 0 ? "0.16000001" : "0.1")});
  }
  return rows;
}

}  // namespace

VoArchive::VoArchive(const VoOptions& options) {
  for (std::size_t i = 0; i < options.plates; ++i) {
    const std::string name = fmt::format("GS{:05}_x.fits", 700 + i);
    add({.collection = "PLATES",
         .obs_id = "plates/data/" + name,
         .did = did_of("plates/data/" + name),
         .target = std::string(kTargets[i % kTargets.size()]),
         .format = "image/fits",
         .path = "/files/plates/data/" + name});
  }
  for (std::size_t i = 0; i < options.linked; ++i) {
    const std::string name = fmt::format("DR{:05}", 1400 + i);
    add({.collection = "LINKED",
         .obs_id = name,
         .did = did_of("linked/" + name),
         .target = std::string(kTargets[i % kTargets.size()]),
         .format = {},
         .path = "/files/linked/" + name + ".fits",
         .calib_level = 2,
         .linked = true});
  }
  for (std::size_t i = 0; i < options.stars; ++i) {
    const std::string name = fmt::format("star{:06}", i);
    add({.collection = "SURVEY",
         .obs_id = name,
         .did = did_of("survey/" + name),
         .target = fmt::format("TIC {}", 1'000'000 + i),
         .format = "image/fits",
         .path = "/data?id=" + name,
         .calib_level = 3});
  }
}

bool VoArchive::knows(std::string_view path) {
  return path.starts_with("/vo/");
}

VoSettings VoArchive::settings() const {
  const MutexLock lock(mutex_);
  return settings_;
}
void VoArchive::set(const VoSettings& settings) {
  const MutexLock lock(mutex_);
  settings_ = settings;
}
void VoArchive::add(DataSet set) {
  const MutexLock lock(mutex_);
  sets_.push_back(std::move(set));
}
void VoArchive::remove(std::string_view did) {
  const MutexLock lock(mutex_);
  std::erase_if(sets_, [&](const DataSet& one) { return one.did == did; });
}

std::string VoArchive::file(std::string_view name) {
  if (name.find(".fits") == std::string_view::npos) return "not FITS but " + std::string(name) + "\n";
  constexpr std::size_t kColumns = 160;
  constexpr std::size_t kRows = 90;
  CardList cards;
  cards.add("SIMPLE", "T");
  cards.add("BITPIX", "16");
  cards.add("NAXIS", "2");
  cards.add("NAXIS1", std::to_string(kColumns));
  cards.add("NAXIS2", std::to_string(kRows));
  cards.add_text("OBJECT", name);
  std::string data;
  std::uint32_t state = 1;
  for (const char c : name) state = state * 31 + static_cast<unsigned char>(c);
  for (std::size_t i = 0; i < kColumns * kRows * 2; ++i) {
    state = state * 1664525U + 1013904223U;
    data += static_cast<char>(state >> 24U);
  }
  data.resize(padded(data.size()));
  return cards.finish(0, word_sum(data)) + data;
}

Reply VoArchive::reply(const HttpRequest& request, const std::string& host,
                       const std::vector<Fault>& faults) {
  if (request.method == "HEAD" && settings().silent_heads) {
    Reply never;
    never.never = true;
    return never;
  }
  if (VoGate::is_page(request.path)) return VoGate::page();
  if (auto refused = settings().gate.refusal(request, host)) return std::move(*refused);
  if (request.path == "/vo/tap/sync") {
    Reply answer = tap(request, host);
    if (!settings().gate.scheme.empty()) answer.set_header("X-VO-Authenticated", std::string(kVoUser));
    return answer;
  }
  constexpr std::string_view kAsync = "/vo/tap/async";
  if (request.path.starts_with(kAsync)) {
    const auto answer = [&](const HttpRequest& made_by) {
      return query(made_by, host, settings().most_rows);
    };
    return jobs_.reply(request, request.path.substr(kAsync.size()), host + std::string(kAsync),
                       settings().jobs, answer);
  }
  if (request.path == "/vo/sia2") return images(request, host);
  if (request.path == "/vo/links") return links(request, host);
  if (request.path == "/vo/tap/capabilities" || request.path == "/vo/capabilities") return capabilities(host);
  return data(request, faults);
}

Reply VoArchive::capabilities(const std::string& host) const {
  const std::string methods = settings().gate.methods();
  return text_reply(
      200,
      fmt::format("<?xml version='1.0'?><vosi:capabilities "
                  "xmlns:vosi='http://www.ivoa.net/xml/VOSICapabilities/v1.0' "
                  "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
                  "xmlns:vs='http://www.ivoa.net/xml/VODataService/v1.1' "
                  "xmlns:tr='http://www.ivoa.net/xml/TAPRegExt/v1.0'>"
                  "<capability standardID='ivo://ivoa.net/std/TAP' xsi:type='tr:TableAccess'>"
                  "<interface role='std' xsi:type='vs:ParamHTTP'><accessURL use='base'>{0}/vo/tap"
                  "</accessURL>{1}</interface></capability>"
                  "<capability standardID='ivo://ivoa.net/std/SIA#query-2.0'>"
                  "<interface role='std' xsi:type='vs:ParamHTTP'><accessURL use='base'>{0}/vo/sia2"
                  "</accessURL>{1}</interface></capability></vosi:capabilities>",
                  host, methods),
      "text/xml");
}

Reply VoArchive::table(const HttpRequest&, std::string text, int status) const {
  if (!settings().gzip) return text_reply(status, std::move(text), "application/x-votable+xml");
  Reply packed = text_reply(status, gzip(text), "application/x-votable+xml");
  packed.set_header("Content-Encoding", "gzip");
  return packed;
}

Reply VoArchive::tap(const HttpRequest& request, const std::string& host) {
  const VoSettings now = settings();
  if (now.slow_at_once) return table(request, vo_error("Query timed out (took too long)."));
  return table(request, query(request, host, std::min(now.most_rows, now.most_at_once)));
}

std::string VoArchive::query(const HttpRequest& request, const std::string& host, std::size_t most) {
  const VoSettings now = settings();
  VoRows content;
  {
    const MutexLock lock(mutex_);
    content = obscore(sets_, host, now.key);
  }
  if (now.no_groups && parameter_of(request, "QUERY").find("GROUP BY") != std::string::npos) {
    return vo_error("Query timed out (took too long).");
  }
  const std::string adql = parameter_of(request, "QUERY");
  const bool is_schema = adql.find("TAP_SCHEMA.tables") != std::string::npos;
  if (is_schema) content = {{{"table_name"}}, {{std::string("ivoa.obscore")}}};
  const std::string format = parameter_of(request, "RESPONSEFORMAT") + parameter_of(request, "FORMAT");
  if (now.old_formats && format.find('=') != std::string::npos)
    return vo_error("No such format known: " + format);
  auto answer = run_adql(adql, is_schema ? "TAP_SCHEMA.tables" : "ivoa.obscore", content);
  // As DaCHS does: the status is 200 whatever happened.
  if (!answer) return vo_error("Field query: " + answer.error().message);
  if (const std::string asked = parameter_of(request, "MAXREC"); !asked.empty() && !now.ignores_maxrec) {
    most = std::min(most, static_cast<std::size_t>(std::strtoull(asked.c_str(), nullptr, 10)));
  }
  const bool overflow = answer->rows.size() > most;
  if (overflow) answer->rows.resize(most);
  const std::string service =
      "<RESOURCE type=\"meta\" utype=\"adhoc:service\"><PARAM name=\"standardID\" datatype=\"char\" "
      "arraysize=\"*\" "
      "value=\"ivo://ivoa.net/std/DataLink#links-1.0\"/><PARAM name=\"accessURL\" datatype=\"char\" "
      "arraysize=\"*\" "
      "value=\"" +
      host +
      "/vo/links\"/><GROUP name=\"inputParams\"><PARAM name=\"ID\" datatype=\"char\" arraysize=\"*\" "
      "value=\"\" "
      "ref=\"obs_publisher_did\"/></GROUP></RESOURCE>";
  return vo_table(*answer, form_of(format), overflow && !now.hides_overflow, service);
}

Reply VoArchive::images(const HttpRequest& request, const std::string& host) {
  const VoSettings now = settings();
  VoRows content;
  {
    const MutexLock lock(mutex_);
    content = obscore(sets_, host, now.key);
  }
  const std::string position = parameter_of(request, "POS");
  double circle[3] = {0, 0, 360};
  if (!position.empty() &&
      std::sscanf(position.c_str(), "CIRCLE %lf %lf %lf", &circle[0], &circle[1], &circle[2]) != 3) {
    return table(request, vo_error("UsageFault: bad POS: " + position), 400);
  }
  const std::string collection = parameter_of(request, "COLLECTION");
  std::erase_if(content.rows, [&](const VoRow& row) {
    const double away = std::hypot(std::strtod(row[9]->c_str(), nullptr) - circle[0], circle[1]);
    return away > circle[2] || (!collection.empty() && row[2] != collection);
  });
  std::size_t most = now.most_rows;
  if (const std::string asked = parameter_of(request, "MAXREC"); !asked.empty() && !now.ignores_maxrec) {
    most = std::min(most, static_cast<std::size_t>(std::strtoull(asked.c_str(), nullptr, 10)));
  }
  const bool overflow = content.rows.size() > most;
  if (overflow) content.rows.resize(most);
  return table(request, vo_table(content, VoForm::binary2, overflow && !now.hides_overflow));
}

Reply VoArchive::links(const HttpRequest& request, const std::string& host) {
  const std::string did = parameter_of(request, "ID");
  const VoSettings now = settings();
  const std::string key = std::to_string(now.key);
  VoRows rows{{{"ID"},
               {"access_url"},
               {"service_def"},
               {"error_message"},
               {"semantics"},
               {"content_type"},
               {"content_length", VoKind::whole}},
              {}};
  std::string path;
  {
    const MutexLock lock(mutex_);
    const auto found = std::ranges::find(sets_, did, &DataSet::did);
    if (found != sets_.end()) path = found->path;
  }
  if (path.empty()) {
    rows.rows.push_back({did, {}, {}, "NotFoundFault: no such data set", "#this", {}, {}});
    return table(request, vo_table(rows, VoForm::text, false));
  }
  const auto link = [&](std::string_view semantics, const std::string& file, std::string_view type) {
    rows.rows.push_back({did,
                         host + "/vo" + file + "?key=" + key,
                         {},
                         {},
                         std::string(semantics),
                         std::string(type),
                         "54272"});
  };
  const std::string stem = path.substr(0, path.rfind('.'));
  const bool is_deep = parameter_of(request, "DEEP") == "yes";
  if (is_deep) {
    link("#this", stem + "_part.fits", "application/fits");
  } else {
    link("#this", path, "image/fits");
    link("http://www.ivoa.net/rdf/datalink/core#preview-image", stem + ".jpg", "image/jpeg");
    link("#calibration", "/files/linked/flat.fits", "image/fits");
    for (std::size_t i = 0; i < now.more_links; ++i) {
      link("#auxiliary", fmt::format("/files/linked/AUX.2014-10-01T09:43:12.{:03}", i), "");
      link("#bias", fmt::format("/files/night{}/bias.fits", i), "image/fits");
      link("#dark", "/files/linked/dark.fits", "image/fits");
      rows.rows.back()[1] = *rows.rows.back()[1] + fmt::format("&part={}", i);
    }
    link("#package", stem + ".tar", "application/x-tar");
    rows.rows.push_back({did, {}, "soda", {}, "#cutout", {}, {}});
    rows.rows.push_back({did, {}, {}, "NotFoundFault: no weights here", "#weight", {}, {}});
  }
  // A document that leads to another, and that one back to itself.
  const std::string nested =
      fmt::format("{}/vo/links?ID={}&deep=yes&key={}", host, percent_encode(did, ""), key);
  rows.rows.push_back({did, nested, {}, {}, "#this", std::string(kLinkType), {}});
  if (now.reversed) std::ranges::reverse(rows.rows);
  return table(request, vo_table(rows, is_deep ? VoForm::binary2 : VoForm::text, false));
}

Reply VoArchive::data(const HttpRequest& request, const std::vector<Fault>& faults) {
  const auto key = request.parameter("key");
  if (key && *key != std::to_string(settings().key)) return error_reply(403, request.path);
  std::string name;
  bool has_name = true;
  if (request.path == "/vo/data") {
    name = request.parameter("id").value_or("") + ".fits";
    has_name = false;
  } else if (request.path.starts_with("/vo/files/")) {
    name = request.path.substr(request.path.rfind('/') + 1);
  }
  if (name.empty() || name == ".fits" || name.find("lost") != std::string::npos)
    return error_reply(404, request.path);
  ResourcePtr resource = text_resource(file(name), name.ends_with(".jpg") ? "image/jpeg" : "image/fits");
  for (const Fault& fault : faults) resource = spoil_resource(fault, std::move(resource));
  Reply reply = resource_reply(request, resource);
  if (!has_name) reply.set_header("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
  return reply;
}

Reply VoArchive::control(const HttpRequest& request) {
  VoSettings now = settings();
  if (request.method == "POST") {
    const auto json = nlohmann::json::parse(request.body, nullptr, false);
    if (!json.is_object()) return text_reply(400, "an object\n", "text/plain");
    now.gzip = json.value("gzip", now.gzip);
    now.no_groups = json.value("no_groups", now.no_groups);
    now.silent_heads = json.value("silent_heads", now.silent_heads);
    now.most_rows = json.value("most_rows", now.most_rows);
    now.key = json.value("key", now.key);
    now.gate.scheme = json.value("login", now.gate.scheme);
    now.gate.shows_page = json.value("login_page", now.gate.shows_page);
    now.gate.knows_nobody = json.value("knows_nobody", now.gate.knows_nobody);
    now.most_at_once = json.value("most_at_once", now.most_at_once);
    now.slow_at_once = json.value("slow_at_once", now.slow_at_once);
    now.old_formats = json.value("old_formats", now.old_formats);
    now.jobs.offered = json.value("jobs_offered", now.jobs.offered);
    now.jobs.waits_to_be_run = json.value("jobs_wait", now.jobs.waits_to_be_run);
    now.jobs.looks = json.value("job_looks", now.jobs.looks);
    set(now);
    if (json.contains("remove")) remove(json["remove"].get<std::string>());
    if (json.contains("add")) {
      const auto& row = json["add"];
      DataSet set;
      set.collection = row.value("collection", "PLATES");
      set.obs_id = row.value("obs_id", "");
      set.did = row.value("did", "");
      set.has_target = row.contains("target");
      set.target = row.value("target", "");
      set.format = row.value("format", "image/fits");
      set.path = row.value("path", "");
      set.has_address = !set.path.empty();
      set.linked = row.value("linked", false);
      add(std::move(set));
    }
  }
  return text_reply(200,
                    nlohmann::json{{"key", now.key},
                                   {"most_rows", now.most_rows},
                                   {"jobs_left", jobs_.left()},
                                   {"jobs_made", jobs_.made()}}
                            .dump() +
                        "\n",
                    "application/json");
}

}  // namespace astrofs::sim
