#include "backends/registry.h"

#include <algorithm>
#include <array>

#include "backends/applause.h"
#include "backends/dkist.h"
#include "backends/format/globus_task.h"
#include "backends/hlsp.h"
#include "backends/hst.h"
#include "backends/index.h"
#include "backends/local.h"
#include "backends/login_file.h"
#include "backends/obstap.h"
#include "backends/s3.h"
#include "backends/sia2.h"
#include "backends/table_reader.h"
#include "backends/tap_files.h"
#include "backends/tess.h"
#include "backends/vo_client.h"

namespace astrofs {
namespace {

/// Connections at a time, unless the table says another number. A directory server is somebody's machine; an
/// object store is made for crowds. More than the most would only wait for this machine's own descriptors.
constexpr unsigned kIndexConnections = 8;
constexpr unsigned kS3Connections = 64;
constexpr unsigned kMostConnections = 256;

using MadeArchive = Result<std::unique_ptr<Archive>>;

/// Tokens are of a service, whichever of its archives asks for them.
std::string token_file(const TokenService& service) {
  return login_file::usual_path(std::string(service.name) + ".token");
}

std::string read_bucket(TableReader& table) {
  return table.base_url("s3", "https://stpubdata.s3.amazonaws.com", true);
}
std::string read_mast(TableReader& table) {
  return table.base_url("mast", "https://mast.stsci.edu", true);
}

StsciHosts read_hosts(TableReader& table) {
  StsciHosts hosts;
  hosts.s3 = read_bucket(table);
  hosts.archive = table.base_url("archive", "https://archive.stsci.edu", true);
  hosts.mast = read_mast(table);
  if (hosts.s3.empty() && hosts.archive.empty()) {
    table.complain(table.where_of("s3"),
                   "s3 and archive are both empty, and MAST cannot list; give one of them");
  }
  return hosts;
}

MadeArchive make_tess(TableReader& table, http::Fetcher& fetcher) {
  // Stateless, and the same for every mount of the process.
  static const SystemClock clock;
  StsciHosts hosts = read_hosts(table);
  tess::Kinds kinds;
  kinds.raw = table.flag("raw", false);
  kinds.collateral = table.flag("collateral", false);
  kinds.cbv = table.flag("cbv", false);
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  return std::make_unique<TessArchive>(std::move(hosts), kinds, fetcher, clock);
}

MadeArchive make_hlsp(TableReader& table, http::Fetcher& fetcher) {
  static const SystemClock clock;
  StsciHosts hosts = read_hosts(table);
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  return std::make_unique<HlspArchive>(std::move(hosts), fetcher, clock);
}

struct HstTable {
  StsciHosts hosts;
  std::string login;
};

Result<HstTable> read_hst(TableReader& table) {
  HstTable read;
  read.hosts.s3 = read_bucket(table);
  read.hosts.mast = read_mast(table);
  if (read.hosts.s3.empty() && read.hosts.mast.empty())
    table.complain(table.where_of("s3"), "s3 and mast are both empty; give one of them");
  read.login = table.login("login", token_file(*token_service("mast")));
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  return read;
}

MadeArchive make_hst(TableReader& table, http::Fetcher& fetcher) {
  static const SystemClock clock;
  Result<HstTable> read = read_hst(table);
  if (!read) return tl::unexpected<Error>(read.error());
  return std::make_unique<HstArchive>(std::move(read->hosts), std::move(read->login), fetcher, clock);
}

Result<LoginWay> hst_login(TableReader& table) {
  Result<HstTable> read = read_hst(table);
  if (!read) return tl::unexpected<Error>(read.error());
  if (read->hosts.mast.empty())
    return fail(Errc::unsupported, "[archives." + table.archive() + "] turns MAST off");
  return LoginWay{TokenLogin{token_service("mast"), read->hosts.mast}, read->login};
}

MadeArchive make_s3(TableReader& table, http::Fetcher& fetcher) {
  std::string base = table.base_url("url", std::nullopt);
  std::string prefix = table.text("prefix", "");
  if (prefix.starts_with('/'))
    table.complain(table.where_of("prefix"), "prefix must not begin with '/': keys of a bucket do not");
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  const unsigned connections = table.count("connections", kS3Connections, kMostConnections);
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  fetcher.set_budget(base, connections);
  return std::make_unique<S3Archive>(std::move(base), std::move(prefix), fetcher);
}

MadeArchive make_index(TableReader& table, http::Fetcher& fetcher) {
  std::string base = table.base_url("url", std::nullopt);
  const unsigned connections = table.count("connections", kIndexConnections, kMostConnections);
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  // The usual number is every server's: another archive of the same host may have said more.
  if (connections != kIndexConnections) fetcher.set_budget(base, connections);
  return std::make_unique<IndexArchive>(std::move(base), fetcher);
}

MadeArchive make_local(TableReader& table, http::Fetcher&) {
  std::string path = table.text("path", std::nullopt);
  if (!path.starts_with('/'))
    table.complain(table.where_of("path"),
                   "path must be absolute: the mount does not run where it was started");
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  return std::make_unique<LocalArchive>(std::move(path));
}

struct DkistTable {
  dkist::Sources sources;
  dkist::Filter filter;
  dkist::GlobusAddresses globus;
  std::optional<dkist::LocalEndpoint> local;
  std::string client_id;
};

/// The user's own end point, into which frames are copied; none when the table names none.
std::optional<dkist::LocalEndpoint> read_local_endpoint(TableReader& table, const dkist::Sources& sources) {
  dkist::LocalEndpoint local;
  local.id = table.text("local_endpoint", "");
  local.folder = table.text("local_folder", "");
  local.path = table.text("local_path", local.folder);
  local.always = table.flag("local_always", false);
  if (local.id.empty()) {
    for (const char* const key : {"local_folder", "local_path", "local_always"}) {
      if (table.has(key)) table.complain(table.where_of(key), std::string(key) + " needs local_endpoint");
    }
    return std::nullopt;
  }
  if (!globus::is_uuid(local.id))
    table.complain(table.where_of("local_endpoint"), "local_endpoint must be the UUID of a Globus end point");
  if (!local.folder.starts_with('/'))
    table.complain(table.where_of("local_folder"),
                   "local_folder must be the absolute path of the folder that local_endpoint writes to");
  if (!local.path.starts_with('/'))
    table.complain(table.where_of("local_path"),
                   "local_path must begin with '/': it is local_folder as the end point calls it");
  if (!sources.mirror.empty())
    table.complain(table.where_of("local_endpoint"),
                   "frames come from the mirror or by local_endpoint, not both");
  while (local.folder.size() > 1 && local.folder.ends_with('/')) local.folder.pop_back();
  while (local.path.ends_with('/')) local.path.pop_back();
  return local;
}

Result<DkistTable> read_dkist(TableReader& table) {
  DkistTable read;
  read.sources.datasets = table.base_url("datasets", "https://api.dkistdc.nso.edu/datasets");
  read.sources.download = table.base_url("download", "https://api.dkistdc.nso.edu/download");
  read.sources.mirror = table.base_url("mirror", "", true);
  read.filter.embargoed = table.flag("embargoed", false);
  read.filter.instrument = table.text("instrument", "");
  read.filter.status = table.text("status", "");
  constexpr std::array<std::string_view, 4> kStates{"", "ACTIVE", "DEPRECATED", "REMOVED"};
  if (std::find(kStates.begin(), kStates.end(), read.filter.status) == kStates.end())
    table.complain(table.where_of("status"), "status must be ACTIVE, DEPRECATED or REMOVED");
  read.globus.auth = table.base_url("auth", "https://auth.globus.org");
  read.globus.transfer = table.base_url("transfer", "https://transfer.api.globus.org");
  read.globus.https = table.base_url("https", "", true);
  read.globus.login = table.login("login", login_file::usual_path(table.archive() + ".json"));
  read.local = read_local_endpoint(table, read.sources);
  read.client_id = table.text("client_id", "");
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  return read;
}

MadeArchive make_dkist(TableReader& table, http::Fetcher& fetcher) {
  static const SystemClock clock;
  Result<DkistTable> read = read_dkist(table);
  if (!read) return tl::unexpected<Error>(read.error());
  return std::make_unique<DkistArchive>(std::move(read->sources), std::move(read->filter),
                                        std::move(read->globus), std::move(read->local), fetcher, clock);
}

Result<LoginWay> dkist_login(TableReader& table) {
  Result<DkistTable> read = read_dkist(table);
  if (!read) return tl::unexpected<Error>(read.error());
  return LoginWay{
      CodeLogin{read->sources.datasets, read->globus.auth, read->globus.transfer, read->client_id},
      read->globus.login};
}

/// It answers with a program of its own to each request, and asks for few: large ones fill a line.
constexpr unsigned kApplauseConnections = 4;

struct ApplauseTable {
  std::string url;
  ApplauseArchive::Sequences sequences;
  std::string login;
  unsigned connections{0};
};

Result<ApplauseTable> read_applause(TableReader& table) {
  ApplauseTable read;
  read.url = table.base_url("url", std::string(token_service("applause")->base));
  read.login = table.login("login", token_file(*token_service("applause")));
  read.connections = table.count("connections", kApplauseConnections, kMostConnections);
  for (const auto& [name, listed] : table.entries("sequences")) {
    std::vector<applause::PlateId>& plates = read.sequences[name];
    std::string_view rest = listed;
    while (!rest.empty()) {
      const std::string_view number = rest.substr(0, rest.find(','));
      const auto plate = applause::plate_in(number);
      if (!plate)
        table.complain(table.where_of("sequences"),
                       "sequences." + name + ": \"" + std::string(number) + "\" is no number of a plate");
      plates.push_back(plate.value_or(0));
      rest.remove_prefix(std::min(number.size() + 1, rest.size()));
    }
    if (plates.empty() || name.find('/') != std::string::npos)
      table.complain(table.where_of("sequences"),
                     "sequences: a name, and the plates in it: seq03 = [16220, 16221]");
  }
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  return read;
}

MadeArchive make_applause(TableReader& table, http::Fetcher& fetcher) {
  static const SystemClock clock;
  Result<ApplauseTable> read = read_applause(table);
  if (!read) return tl::unexpected<Error>(read.error());
  fetcher.set_budget(read->url, read->connections);
  return std::make_unique<ApplauseArchive>(std::move(read->url), std::move(read->sequences),
                                           std::move(read->login), fetcher, clock);
}

Result<LoginWay> applause_login(TableReader& table) {
  const Result<ApplauseTable> read = read_applause(table);
  if (!read) return tl::unexpected<Error>(read.error());
  return LoginWay{TokenLogin{token_service("applause"), read->url}, read->login};
}

/// What tables of the Virtual Observatory's services have in common.
struct VoTableKeys {
  std::string url;
  VoAccess access;
  unsigned connections{0};
};

VoTableKeys read_vo(TableReader& table, VoProtocol protocol) {
  VoTableKeys read;
  read.url = table.base_url("url", std::nullopt);
  const std::string_view asked = std::string_view(read.url).substr(read.url.rfind('/') + 1);
  if (protocol == VoProtocol::tap && (asked == "sync" || asked == "async"))
    table.complain(table.where_of("url"), "url: the service's own address, without /" + std::string(asked));
  const std::string auth = table.text("auth", "");
  read.access.file = table.login("login", login_file::usual_path(table.archive() + ".login"));
  read.connections = table.count("connections", kIndexConnections, kMostConnections);
  if (auth.empty()) {
    if (table.has("login")) table.complain(table.where_of("login"), "login needs auth");
    return read;
  }
  read.access.service = vo_token_service(table.archive(), auth, read.url, protocol);
  if (read.access.service == nullptr)
    table.complain(table.where_of("auth"), "auth must be \"basic\", \"bearer\" or \"token\"");
  else if (!is_private_way(read.url))
    table.complain(table.where_of("url"), "url: a login is sent over https alone");
  return read;
}

Result<LoginWay> vo_login(TableReader& table, VoTableKeys keys) {
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  if (!keys.access.service)
    return fail(Errc::unsupported, "[archives." + table.archive() +
                                       "] has no auth, which says how the service is told who asks: "
                                       "\"basic\", \"bearer\" or \"token\"");
  return LoginWay{TokenLogin{std::move(keys.access.service), std::move(keys.url)},
                  std::move(keys.access.file)};
}

struct ObstapTable {
  VoTableKeys keys;
  obstap::Table asked;
};

ObstapTable read_obstap(TableReader& table) {
  ObstapTable read{read_vo(table, VoProtocol::tap), {}};
  read.asked.name = table.text("table", read.asked.name);
  read.asked.where = table.text("where", "");
  auto levels = obstap::parse_tree(table.text("tree", "{obs_collection}/{target_name}/{obs_id}"));
  if (!levels) table.complain(table.where_of("tree"), "tree: " + levels.error().message);
  if (levels) read.asked.levels = std::move(*levels);
  return read;
}

MadeArchive make_obstap(TableReader& table, http::Fetcher& fetcher) {
  static const SystemClock clock;
  auto [keys, asked] = read_obstap(table);
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  if (keys.connections != kIndexConnections) fetcher.set_budget(keys.url, keys.connections);
  return std::make_unique<ObstapArchive>(std::move(keys.url), std::move(asked), std::move(keys.access),
                                         fetcher, clock, ObstapArchive::Limits{});
}

Result<LoginWay> obstap_login(TableReader& table) {
  return vo_login(table, read_obstap(table).keys);
}

struct Sia2Table {
  VoTableKeys keys;
  std::string parameters;
};

Sia2Table read_sia2(TableReader& table) {
  Sia2Table read{read_vo(table, VoProtocol::sia2), {}};
  auto parameters = sia2::check_parameters(table.text("query", ""));
  if (!parameters) table.complain(table.where_of("query"), "query: " + parameters.error().message);
  if (parameters) read.parameters = std::move(*parameters);
  return read;
}

MadeArchive make_sia2(TableReader& table, http::Fetcher& fetcher) {
  static const SystemClock clock;
  auto [keys, parameters] = read_sia2(table);
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  if (keys.connections != kIndexConnections) fetcher.set_budget(keys.url, keys.connections);
  return std::make_unique<Sia2Archive>(std::move(keys.url), std::move(parameters), std::move(keys.access),
                                       fetcher, clock, Sia2Archive::Limits{});
}

Result<LoginWay> sia2_login(TableReader& table) {
  return vo_login(table, read_sia2(table).keys);
}

/// Days after which an answer is asked for again; more is never.
constexpr unsigned kMostDays = 36'500;

struct TapTable {
  VoTableKeys keys;
  std::vector<QueryFile> files;
  std::chrono::hours good_for{0};
};

TapTable read_tap(TableReader& table) {
  TapTable read{read_vo(table, VoProtocol::tap), {}, {}};
  for (const auto& [name, adql] : table.entries("files")) {
    auto file = QueryFile::parse(name, adql);
    if (file) {
      if (auto apart = check_apart(*file, read.files); !apart) file = tl::unexpected(apart.error());
    }
    if (file)
      read.files.push_back(std::move(*file));
    else
      table.complain(table.where_of("files", name), "files: \"" + name + "\": " + file.error().message);
  }
  if (read.files.empty())
    table.complain(table.where_of("files"),
                   "an archive of type \"tap\" needs files: names and the ADQL of each, files = { "
                   "\"near_{ra}_{dec}.fits\" = \"SELECT ...\" }");
  read.good_for = std::chrono::hours(24 * table.count("days", kMostDays, kMostDays));
  return read;
}

MadeArchive make_tap(TableReader& table, http::Fetcher& fetcher) {
  static const SystemClock clock;
  auto [keys, files, good_for] = read_tap(table);
  if (auto checked = table.finish(); !checked) return tl::unexpected<Error>(checked.error());
  if (keys.connections != kIndexConnections) fetcher.set_budget(keys.url, keys.connections);
  return std::make_unique<TapArchive>(std::move(keys.url), std::move(files), good_for, std::move(keys.access),
                                      fetcher, clock);
}

Result<LoginWay> tap_login(TableReader& table) {
  return vo_login(table, read_tap(table).keys);
}

struct ArchiveType {
  std::string_view name;
  MadeArchive (*make)(TableReader&, http::Fetcher&);
  Result<LoginWay> (*login)(TableReader&){nullptr};  ///< nullptr: its archives know no users
  std::string_view service{};                        ///< whose token it takes: token_services.h
  std::string_view needs{};  ///< a key without which an archive of this type knows no users
};
constexpr auto kTypes = std::to_array<ArchiveType>({
    {"applause", make_applause, applause_login, "applause"},
    {"dkist", make_dkist, dkist_login},
    {"hlsp", make_hlsp},
    {"hst", make_hst, hst_login, "mast"},
    {"index", make_index},
    {"local", make_local},
    {"obstap", make_obstap, obstap_login, "", "auth"},
    {"s3", make_s3},
    {"sia2", make_sia2, sia2_login, "", "auth"},
    {"tap", make_tap, tap_login, "", "auth"},
    {"tess", make_tess},
});

const ArchiveType* type_of(const ArchiveConfig& table) {
  const auto* const type = std::find_if(kTypes.begin(), kTypes.end(),
                                        [&](const ArchiveType& each) { return each.name == table.type; });
  return type == kTypes.end() ? nullptr : &*type;
}

bool knows_users(const ArchiveConfig& table) {
  const ArchiveType* const type = type_of(table);
  if (type == nullptr) return true;  // an error, and to be told
  return type->login != nullptr && (type->needs.empty() || table.keys.contains(std::string(type->needs)));
}

/// The table that `astrofs login NAME` is about: that of the name, else the first that takes the service's
/// token. nullptr: there is none.
const ArchiveConfig* table_of(const Config& config, std::string_view name) {
  const auto by_service = [name](const ArchiveConfig& each) {
    const ArchiveType* const type = type_of(each);
    return type != nullptr && !name.empty() && type->service == name;
  };
  const auto by_name = [name](const ArchiveConfig& each) { return each.name == name; };
  const auto& tables = config.archives;
  auto found = std::find_if(tables.begin(), tables.end(), by_name);
  // A service is meant where an archive of its name knows no users.
  const bool is_service = token_service(name) != nullptr;
  if (found == tables.end() || (is_service && !knows_users(*found)))
    found = is_service ? std::find_if(tables.begin(), tables.end(), by_service) : tables.end();
  return found == tables.end() ? nullptr : &*found;
}

}  // namespace

Result<ConfiguredArchive> make_archive(const ArchiveConfig& config, http::Fetcher& fetcher) {
  const ArchiveType* const type = type_of(config);
  if (type == nullptr) {
    std::string known;
    for (const ArchiveType& each : kTypes) known += (known.empty() ? "" : ", ") + std::string(each.name);
    return fail(Errc::invalid, config.where + ": unknown type \"" + config.type + "\" of [archives." +
                                   config.name + "]; known: " + known);
  }
  TableReader table(config);
  MadeArchive made = type->make(table, fetcher);
  if (!made) return tl::unexpected<Error>(made.error());
  return ConfiguredArchive{std::move(*made), table.identity()};
}

Result<LoginWay> login_way(const Config& config, std::string_view name) {
  const ArchiveConfig* const found = table_of(config, name);
  if (found == nullptr) {
    const std::shared_ptr<const TokenService> service = token_service(name);
    if (service == nullptr)
      return fail(Errc::not_found, config.source + " has no [archives." + std::string(name) + "]");
    return LoginWay{TokenLogin{service, std::string(service->base)}, token_file(*service)};
  }
  const ArchiveType* const type = type_of(*found);
  if (type == nullptr || type->login == nullptr)
    return fail(Errc::unsupported, "archives of type \"" + found->type + "\" need no login");
  TableReader table(*found);
  // Of every type, and of no use here.
  for (const char* const key : {"missing", "verify"}) (void)table.text(key, "");
  return type->login(table);
}

}  // namespace astrofs
