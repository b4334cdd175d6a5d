#include "backends/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/home.h"
#include "tests/contract/http_stack.h"

namespace astrofs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RegistryTest : public ::testing::Test {
 protected:
  static ArchiveConfig config(std::string type, std::map<std::string, ConfigValue> keys = {}) {
    return {"sky", std::move(type), "astrofs.toml:3:1", std::move(keys)};
  }
  static ConfigValue at(int line, decltype(ConfigValue::value) value) {
    return {std::move(value), "astrofs.toml:" + std::to_string(line) + ":5"};
  }
  std::string refusal(const ArchiveConfig& config) {
    const auto made = make_archive(config, http_.fetcher());
    EXPECT_FALSE(made);
    if (made) return "";
    EXPECT_EQ(made.error().code, Errc::invalid);
    return made.error().message;
  }
  contract::HttpStack http_;
};

TEST_F(RegistryTest, MakesEveryTypeThatTheDocumentationShows) {
  using Text = std::string;
  for (const ArchiveConfig& good :
       {config("tess"), config("hlsp"), config("hst"),
        config("hst", {{"s3", at(4, Text())}, {"login", at(5, Text("/l.token"))}}),
        config("tess", {{"raw", at(4, true)}, {"s3", at(5, Text())}}),
        config("index", {{"url", at(4, Text("http://127.0.0.1:8080/data/"))}}),
        config("obstap", {{"url", at(4, Text("http://127.0.0.1/tap"))},
                          {"tree", at(5, Text("{obs_collection}/{obs_id}"))},
                          {"where", at(6, Text("calib_level>=2"))}}),
        config("sia2",
               {{"url", at(4, Text("https://127.0.0.1/SIA"))}, {"query", at(5, Text("COLLECTION=X"))}}),
        config("tap",
               {{"url", at(4, Text("http://h/tap"))},
                {"files", at(5, std::map<Text, Text>{{"a_{x}.fits", "SELECT {x}"}, {"b.csv", "SELECT 1"}})},
                {"days", at(6, std::int64_t{30})}}),
        config("s3",
               {{"url", at(4, Text("http://[::1]:9000/bucket"))}, {"prefix", at(5, Text("some/prefix"))}}),
        config("applause", {{"sequences", at(4, std::map<Text, Text>{{"seq03", "16220,16221"}})},
                            {"login", at(5, Text("/l.token"))},
                            {"connections", at(6, std::int64_t{2})}}),
        config("applause"), config("local", {{"path", at(4, Text("/data/archive"))}})}) {
    const auto made = make_archive(good, http_.fetcher());
    EXPECT_TRUE(made) << good.type << ": " << made.error().message;
  }
}

/// What is installed for users to copy from.
TEST_F(RegistryTest, MakesEveryArchiveOfTheExamples) {
  for (const char* const name : {"astrofs.toml", "virtual-observatory.toml"}) {
    std::filesystem::path root = std::filesystem::read_symlink("/proc/self/exe");
    const auto example = [&] { return root / "scripts/packaging" / name; };
    while (!std::filesystem::exists(example())) {
      ASSERT_NE(root, root.parent_path()) << name;
      root = root.parent_path();
    }
    std::ostringstream text;
    text << std::ifstream(example()).rdbuf();
    const auto config = parse_config(text.str(), name);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_GE(config->archives.size(), 5U) << name;
    for (const ArchiveConfig& table : config->archives) {
      const auto made = make_archive(table, http_.fetcher());
      EXPECT_TRUE(made) << table.name << ": " << made.error().message;
    }
  }
}

/// What is cached of an archive stays its own when its table says the same with other words, or says how its
/// files are fetched.
TEST_F(RegistryTest, AnArchiveIsTheSameUntilItsTableDescribesAnother) {
  using Text = std::string;
  const auto identity = [this](const ArchiveConfig& table) {
    const auto made = make_archive(table, http_.fetcher());
    EXPECT_TRUE(made) << made.error().message;
    return made ? made->identity : "";
  };
  const Text tess = identity(config("tess"));
  EXPECT_EQ(identity(config("tess", {{"s3", at(4, Text("https://stpubdata.s3.amazonaws.com/"))},
                                     {"archive", at(5, Text("https://archive.stsci.edu"))},
                                     {"raw", at(6, false)}})),
            tess);
  EXPECT_NE(identity(config("tess", {{"raw", at(4, true)}})), tess);
  EXPECT_NE(identity(config("tess", {{"s3", at(4, Text("https://mirror.example"))}})), tess);
  EXPECT_NE(identity(config("tess", {{"s3", at(4, Text())}})), tess);
  EXPECT_NE(identity(config("hlsp")), tess);

  const Text dkist = identity(config("dkist"));
  EXPECT_EQ(identity(config("dkist", {{"client_id", at(4, Text("1"))}, {"login", at(5, Text("/l.json"))}})),
            dkist);
  EXPECT_NE(identity(config("dkist", {{"instrument", at(4, Text("VISP"))}})), dkist);

  const auto server = [&identity](const char* url, std::int64_t connections) {
    return identity(
        config("index", {{"url", at(4, Text(url))}, {"connections", at(5, std::int64_t{connections})}}));
  };
  EXPECT_EQ(server("http://h/a", 3), server("http://h/a/", 8));
  EXPECT_NE(server("http://h/a", 3), server("http://h/b", 3));
}

TEST_F(RegistryTest, ALoginsFileIsTheSameForTheMountAndForWhoLogsIn) {
  using Text = std::string;
  EXPECT_THAT(refusal(config("hst", {{"login", at(4, Text("mast.token"))}})),
              AllOf(StartsWith("astrofs.toml:4:5: login must be absolute")));
  const Config home{"astrofs.toml", "/c", 1, {config("hst", {{"login", at(4, Text("~/mast.token"))}})}};
  const auto way = login_way(home, "sky");
  ASSERT_TRUE(way) << way.error().message;
  EXPECT_EQ(way->file, *expand_home("~/mast.token"));
}

TEST_F(RegistryTest, RefusesAnUnknownTypeAndSaysWhichThereAre) {
  EXPECT_THAT(refusal(config("ftp")), AllOf(StartsWith("astrofs.toml:3:1: "), HasSubstr("\"ftp\""),
                                            HasSubstr("obstap, s3, sia2, tap, tess")));
}

TEST_F(RegistryTest, RefusesSequencesThatAreNoPlates) {
  const auto sequences = [](const char* name, const char* plates) {
    return config("applause", {{"sequences", at(4, std::map<std::string, std::string>{{name, plates}})}});
  };
  EXPECT_THAT(refusal(sequences("night", "16220,x")), HasSubstr("\"x\" is no number of a plate"));
  EXPECT_THAT(refusal(sequences("night", "")), HasSubstr("seq03 = [16220, 16221]"));
  EXPECT_THAT(refusal(sequences("a/b", "16220")), HasSubstr("sequences"));
  EXPECT_THAT(refusal(config("applause", {{"sequences", at(4, std::string("16220"))}})),
              HasSubstr("must be a table"));
}

TEST_F(RegistryTest, RefusesATreeThatIsNotOfColumns) {
  EXPECT_THAT(refusal(config("obstap", {{"url", at(4, std::string("http://h/tap"))},
                                        {"tree", at(5, std::string("{obs_collection}/files"))}})),
              AllOf(StartsWith("astrofs.toml:5:5: tree: "), HasSubstr("\"files\"")));
  EXPECT_THAT(refusal(config("obstap")), HasSubstr("needs the key url"));
}

TEST_F(RegistryTest, RefusesTheAddressOfAServicesQueriesForItsOwn) {
  for (const char* address : {"http://h/tap/sync", "http://h/tap/async/"}) {
    EXPECT_THAT(refusal(config("obstap", {{"url", at(4, std::string(address))}})),
                AllOf(StartsWith("astrofs.toml:4:5: url: "), HasSubstr("sync")));
  }
}

TEST_F(RegistryTest, ALoginOfTheVirtualObservatoryIsDescribedWholeOrRefused) {
  using Text = std::string;
  const auto table = [](const char* url, const char* auth) {
    return config("obstap",
                  {{"url", at(4, Text(url))}, {"auth", at(5, Text(auth))}, {"login", at(6, Text("/l"))}});
  };
  EXPECT_TRUE(make_archive(table("https://h/tap", "basic"), http_.fetcher()));
  EXPECT_THAT(refusal(table("https://h/tap", "digest")),
              AllOf(StartsWith("astrofs.toml:5:5: "), HasSubstr("bearer")));
  EXPECT_THAT(refusal(table("http://h/tap", "basic")),
              AllOf(StartsWith("astrofs.toml:4:5: "), HasSubstr("https")));
  EXPECT_THAT(refusal(config("sia2", {{"url", at(4, Text("https://h/sia"))}, {"login", at(6, Text("/l"))}})),
              AllOf(StartsWith("astrofs.toml:6:5: "), HasSubstr("auth")));
  const auto way = login_way({"astrofs.toml", "/c", 1, {table("https://h/tap", "bearer")}}, "sky");
  ASSERT_TRUE(way) << way.error().message;
  EXPECT_EQ(std::get<TokenLogin>(way->by).base, "https://h/tap");
  EXPECT_EQ(way->file, "/l");
  const Config none{"astrofs.toml", "/c", 1, {config("sia2", {{"url", at(4, Text("https://h/sia"))}})}};
  const auto needless = login_way(none, "sky");
  ASSERT_FALSE(needless);
  EXPECT_EQ(needless.error().code, Errc::unsupported);
  EXPECT_THAT(needless.error().message, HasSubstr("has no auth"));
}

TEST_F(RegistryTest, RefusesFilesThatAreNoQueriesWhereTheyStand) {
  const auto files = [](std::map<std::string, std::string> entries) {
    ConfigValue value = at(5, std::move(entries));
    for (const auto& [name, adql] : std::get<std::map<std::string, std::string>>(value.value))
      value.where_within[name] = "astrofs.toml:" + std::to_string(6 + value.where_within.size()) + ":1";
    return config("tap", {{"url", at(4, std::string("http://h/tap"))}, {"files", std::move(value)}});
  };
  EXPECT_THAT(refusal(files({{"a.fits", "SELECT 1"}, {"b_{x}.fits", "SELECT 1"}})),
              AllOf(StartsWith("astrofs.toml:7:1: files: \"b_{x}.fits\": "), HasSubstr("does not use")));
  EXPECT_THAT(refusal(files({{"a.fits", "SELECT {x}"}})), HasSubstr("{x} that the name has not"));
  EXPECT_THAT(refusal(files({{"a.txt", "SELECT 1"}})), HasSubstr(".fits, .vot or .csv"));
  EXPECT_THAT(refusal(files({{"a_{x}.csv", "SELECT {x}"}, {"{y}.csv", "SELECT '{y}'"}})),
              AllOf(StartsWith("astrofs.toml:7:1: "), HasSubstr("\"a_0.csv\" is a name of")));
  EXPECT_THAT(refusal(files({})), HasSubstr("needs files"));
  EXPECT_THAT(refusal(config("tap", {{"url", at(4, std::string("http://h/tap"))}})),
              HasSubstr("needs files"));
}

TEST_F(RegistryTest, RefusesAnUnknownKeyWhereItStands) {
  const auto message =
      refusal(config("local", {{"path", at(4, std::string("/x"))}, {"pth", at(7, std::string("/y"))}}));
  EXPECT_THAT(message, AllOf(StartsWith("astrofs.toml:7:5: "), HasSubstr("\"pth\""), HasSubstr("path")));
}

TEST_F(RegistryTest, RefusesAMissingKeyAtTheTable) {
  EXPECT_THAT(refusal(config("s3")), AllOf(StartsWith("astrofs.toml:3:1: "), HasSubstr("url")));
}

TEST_F(RegistryTest, RefusesANumberOfConnectionsThatIsNone) {
  for (const std::int64_t wrong : {0, -1, 257}) {
    EXPECT_THAT(refusal(config("index", {{"url", at(4, std::string("http://127.0.0.1/"))},
                                         {"connections", at(5, wrong)}})),
                AllOf(StartsWith("astrofs.toml:5:5: "), HasSubstr("from 1 to 256")));
  }
}

TEST_F(RegistryTest, RefusesAWrongType) {
  EXPECT_THAT(refusal(config("tess", {{"raw", at(9, std::string("yes"))}})),
              StartsWith("astrofs.toml:9:5: raw must be true or false"));
  EXPECT_THAT(refusal(config("index", {{"url", at(9, true)}})),
              StartsWith("astrofs.toml:9:5: url must be a string"));
}

TEST_F(RegistryTest, RefusesUnusableUrlsAndPaths) {
  for (const char* const url : {"ftp://x/", "x", "http://", "http://:80/", "http://h:99999/", "http://h:x/",
                                "http://u:p@h/", "http://h/?a=b", "http://h/#f", "http://h/a b"}) {
    EXPECT_THAT(refusal(config("index", {{"url", at(4, std::string(url))}})),
                StartsWith("astrofs.toml:4:5: url: "))
        << url;
  }
  EXPECT_THAT(refusal(config("local", {{"path", at(4, std::string("data"))}})),
              StartsWith("astrofs.toml:4:5: "));
  EXPECT_THAT(
      refusal(config("s3", {{"url", at(4, std::string("http://h"))}, {"prefix", at(5, std::string("/x"))}})),
      StartsWith("astrofs.toml:5:5: "));
  EXPECT_THAT(refusal(config("tess", {{"missing", at(4, std::string("zeros"))}})),
              StartsWith("astrofs.toml:4:5: "));
}

TEST_F(RegistryTest, DoesNotRepeatAPasswordInItsMessage) {
  EXPECT_THAT(refusal(config("index", {{"url", at(4, std::string("http://user:hunter2@h/"))}})),
              Not(HasSubstr("hunter2")));
}

TEST_F(RegistryTest, RefusesTessWithoutASourceThatLists) {
  EXPECT_THAT(refusal(config("tess", {{"s3", at(4, std::string())}, {"archive", at(5, std::string())}})),
              HasSubstr("empty"));
}

TEST_F(RegistryTest, AnEndPointOfOnesOwnIsWholeOrRefusedWhereItStands) {
  using Text = std::string;
  const std::map<std::string, ConfigValue> whole{
      {"local_endpoint", at(4, Text("11111111-2222-3333-4444-555555555555"))},
      {"local_folder", at(5, Text("/data/globus/"))},
      {"local_path", at(6, Text("/~/"))},
      {"local_always", at(7, true)}};
  const auto made = make_archive(config("dkist", whole), http_.fetcher());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_NE(made->archive->courier(), nullptr);
  EXPECT_EQ(make_archive(config("dkist"), http_.fetcher())->archive->courier(), nullptr);
  const auto with = [&whole](const char* key, ConfigValue value) {
    auto keys = whole;
    keys[key] = std::move(value);
    return config("dkist", keys);
  };
  EXPECT_THAT(refusal(with("local_endpoint", at(4, Text("mine")))),
              AllOf(StartsWith("astrofs.toml:4:5: "), HasSubstr("UUID")));
  EXPECT_THAT(refusal(with("local_folder", at(5, Text("globus")))),
              AllOf(StartsWith("astrofs.toml:5:5: "), HasSubstr("absolute")));
  EXPECT_THAT(refusal(with("local_path", at(6, Text("~/")))), StartsWith("astrofs.toml:6:5: local_path"));
  EXPECT_THAT(refusal(with("mirror", at(8, Text("http://127.0.0.1/")))), HasSubstr("mirror"));
  EXPECT_THAT(refusal(config("dkist", {{"local_folder", at(9, Text("/data/globus"))}})),
              AllOf(StartsWith("astrofs.toml:9:5: "), HasSubstr("needs local_endpoint")));
}

TEST_F(RegistryTest, ALoginIsFoundByTheArchiveOrByTheServiceThatGivesTokens) {
  const Config both{"astrofs.toml", "/c", 1, {config("dkist", {{"login", at(4, std::string("/l.json"))}})}};
  const auto by_code = login_way(both, "sky");
  ASSERT_TRUE(by_code) << by_code.error().message;
  EXPECT_TRUE(std::holds_alternative<CodeLogin>(by_code->by));
  EXPECT_EQ(by_code->file, "/l.json");
  const Config hst{"astrofs.toml",
                   "/c",
                   1,
                   {config("hst", {{"mast", at(4, std::string("http://127.0.0.1:1/"))},
                                   {"login", at(5, std::string("/t.token"))}})}};
  for (const char* const name : {"sky", "mast"}) {
    const auto own = login_way(hst, name);
    ASSERT_TRUE(own) << own.error().message;
    EXPECT_EQ(std::get<TokenLogin>(own->by).base, "http://127.0.0.1:1");
    EXPECT_EQ(own->file, "/t.token");
  }
  const auto by_token = login_way(both, "mast");
  ASSERT_TRUE(by_token) << "it needs no table";
  ASSERT_TRUE(std::holds_alternative<TokenLogin>(by_token->by));
  EXPECT_EQ(std::get<TokenLogin>(by_token->by).base, "https://mast.stsci.edu");
  EXPECT_THAT(by_token->file, ::testing::EndsWith("/astrofs/logins/mast.token"));
}

TEST_F(RegistryTest, ThereIsNoLoginWhereNobodyIsKnown) {
  const Config table{"astrofs.toml", "/c", 1, {config("tess")}};
  const auto needless = login_way(table, "sky");
  ASSERT_FALSE(needless);
  EXPECT_EQ(needless.error().code, Errc::unsupported);
  const auto unknown = login_way(table, "sea");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_THAT(unknown.error().message, AllOf(HasSubstr("astrofs.toml"), HasSubstr("[archives.sea]")));
}

}  // namespace
}  // namespace astrofs
