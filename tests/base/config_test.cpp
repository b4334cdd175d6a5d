#include "base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/changed_variable.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Config parsed(std::string_view text) {
  auto config = parse_config(text, "astrofs.toml");
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config : Config{};
}

std::string refused(std::string_view text) {
  const auto config = parse_config(text, "astrofs.toml");
  if (config) return "accepted";
  EXPECT_EQ(config.error().code, Errc::invalid);
  return config.error().message;
}

TEST(Config, TheBuiltInOneNamesTheRealArchives) {
  const Config config = parsed(builtin_config());
  EXPECT_EQ(config.cache_size, 100ULL << 30U);
  ASSERT_EQ(config.archives.size(), 5U);
  const ArchiveConfig& tess = config.archives[0];
  EXPECT_EQ(tess.name, "tess");
  EXPECT_EQ(tess.type, "tess");
  ASSERT_EQ(tess.keys.size(), 3U);
  EXPECT_EQ(std::get<std::string>(tess.keys.at("s3").value), "https://stpubdata.s3.amazonaws.com");
  EXPECT_EQ(std::get<std::string>(tess.keys.at("archive").value), "https://archive.stsci.edu");
  EXPECT_EQ(std::get<std::string>(tess.keys.at("mast").value), "https://mast.stsci.edu");
  EXPECT_EQ(config.archives[1].name, "dkist");
  EXPECT_EQ(config.archives[1].type, "dkist");
  EXPECT_EQ(config.archives[2].name, "hlsp");
  EXPECT_EQ(config.archives[2].type, "hlsp");
  EXPECT_EQ(config.archives[3].name, "hst");
  EXPECT_EQ(config.archives[3].type, "hst");
  EXPECT_EQ(config.archives[4].name, "applause");
  EXPECT_EQ(config.archives[4].type, "applause");
}

TEST(Config, AnEmptyTextIsTheDefaultsWithoutArchives) {
  const Config config = parsed("");
  EXPECT_EQ(config.source, "astrofs.toml");
  EXPECT_EQ(config.cache_dir, default_cache_dir());
  EXPECT_EQ(config.cache_size, 100ULL << 30U);
  EXPECT_TRUE(config.archives.empty());
}

TEST(Config, ArchivesKeepTheOrderOfTheFile) {
  const Config config =
      parsed("[archives.zeta]\ntype='s3'\n[archives.alpha]\ntype='index'\n[archives]\nmid={type='local'}\n");
  std::vector<std::string> names;
  for (const ArchiveConfig& archive : config.archives) names.push_back(archive.name);
  EXPECT_THAT(names, ElementsAre("zeta", "alpha", "mid"));
}

TEST(Config, AnArchiveKeepsItsOwnKeysWithTheirPlaces) {
  const Config config = parsed(
      "[archives.x]\ntype = \"index\"\nurl = \"http://h/\"\nretries = 3\nrate = 0.5\nraw = true\n"
      "mirrors = [\"a\", \"b\"]\nheaders = { Accept = \"text/html\" }\nnone = []\n");
  const auto& keys = config.archives.at(0).keys;
  EXPECT_EQ(config.archives[0].where, "astrofs.toml:1:11");
  EXPECT_FALSE(keys.contains("type"));
  EXPECT_EQ(std::get<std::string>(keys.at("url").value), "http://h/");
  EXPECT_EQ(keys.at("url").where, "astrofs.toml:3:7");
  EXPECT_EQ(std::get<std::int64_t>(keys.at("retries").value), 3);
  EXPECT_EQ(std::get<double>(keys.at("rate").value), 0.5);
  EXPECT_TRUE(std::get<bool>(keys.at("raw").value));
  EXPECT_THAT(std::get<std::vector<std::string>>(keys.at("mirrors").value), ElementsAre("a", "b"));
  EXPECT_EQ((std::get<std::map<std::string, std::string>>(keys.at("headers").value).at("Accept")),
            "text/html");
  EXPECT_TRUE(std::get<std::vector<std::string>>(keys.at("none").value).empty());
}

TEST(Config, AListWithinATableIsItsElementsWithCommas) {
  const Config config =
      parsed("[archives.x]\ntype = \"index\"\nseries = { one = [16220, 16221], two = [\"a\"], none = [] }\n");
  const auto series =
      std::get<std::map<std::string, std::string>>(config.archives.at(0).keys.at("series").value);
  EXPECT_EQ(series.at("one"), "16220,16221");
  EXPECT_EQ(series.at("two"), "a");
  EXPECT_EQ(series.at("none"), "");
  EXPECT_THAT(refused("[archives.x]\ntype='s3'\nmap = {a = [true]}"), StartsWith("astrofs.toml:3:13: "));
}

TEST(Config, UnknownKeysAreRefusedWithTheirPlaceAndTheKnownOnes) {
  EXPECT_EQ(refused("\n[cache]\n  sise = \"1 GiB\"\n"),
            "astrofs.toml:3:3: unknown key 'sise' in [cache]; known keys: dir, size");
  EXPECT_EQ(refused("[cahce]\n"),
            "astrofs.toml:1:2: unknown key 'cahce'; known tables: [cache], [archives.NAME]");
  EXPECT_THAT(refused("size = '1 GiB'"), StartsWith("astrofs.toml:1:1: unknown key 'size'"));
}

TEST(Config, WrongTypesAreRefusedWithTheirPlace) {
  EXPECT_EQ(refused("[cache]\nsize = 5\n"),
            "astrofs.toml:2:8: 'size' in [cache] must be a string, not an integer");
  EXPECT_THAT(refused("cache = 1"), StartsWith("astrofs.toml:1:9: [cache] must be a table"));
  EXPECT_THAT(refused("archives = 1"), StartsWith("astrofs.toml:1:12: 'archives' must be tables"));
  EXPECT_THAT(refused("[[archives]]\nx=1"), HasSubstr("not an array"));
  EXPECT_THAT(refused("[archives]\ntess = 'x'"),
              StartsWith("astrofs.toml:2:1: 'tess' must be a table [archives.tess]"));
  EXPECT_THAT(refused("[archives.x]\ntype = true"),
              StartsWith("astrofs.toml:2:8: 'type' in [archives.x] must be a string"));
  EXPECT_THAT(refused("[archives.x]\ntype='s3'\nday = 2024-01-01"), HasSubstr("not a date"));
  EXPECT_THAT(refused("[archives.x]\ntype='s3'\nlist = ['a', 1]"), StartsWith("astrofs.toml:3:14: "));
  EXPECT_THAT(refused("[archives.x]\ntype='s3'\nmap = {a = 1}"), StartsWith("astrofs.toml:3:12: "));
}

TEST(Config, BadSizesAreRefusedWithTheirPlace) {
  EXPECT_THAT(refused("[cache]\nsize = \"many\"\n"),
              StartsWith("astrofs.toml:2:8: 'size' in [cache]: 'many' is not a size"));
  EXPECT_THAT(refused("[cache]\nsize = \"0\"\n"), HasSubstr("must be more than 0"));
}

TEST(Config, AnArchiveNeedsAType) {
  EXPECT_EQ(refused("[archives.x]\nurl = \"http://h/\"\n"),
            "astrofs.toml:1:11: [archives.x] has no 'type'; add for example type = \"index\"");
  EXPECT_THAT(refused("[archives.x]\ntype = \"\"\n"), HasSubstr("is empty"));
}

TEST(Config, AnArchivesNameMustBeADirectoryName) {
  for (const char* name :
       {"\"\"", "\".\"", "\"..\"", "\".hidden\"", "\"a/b\"", "\"a\\nb\"", "\"a\\u0000b\"", "\"a%2Fb\""}) {
    EXPECT_THAT(refused(std::string("[archives.") + name + "]\ntype = 's3'\n"),
                HasSubstr("cannot be the name of an archive"))
        << name;
  }
  EXPECT_THAT(refused("[archives." + std::string(256, 'x') + "]\ntype = 's3'\n"),
              HasSubstr("cannot be the name"));
  EXPECT_EQ(parsed("[archives.\"My Data ü\"]\ntype = 's3'\n").archives.at(0).name, "My Data ü");
}

TEST(Config, SyntaxErrorsCarryTheirPlace) {
  EXPECT_THAT(refused("[cache]\nsize = \n"), StartsWith("astrofs.toml:2:"));
  EXPECT_THAT(refused("[cache\n"), StartsWith("astrofs.toml:1:"));
  EXPECT_THAT(refused("[cache]\nsize='1'\nsize='2'\n"), StartsWith("astrofs.toml:3:"));
  EXPECT_THAT(refused("a = \"\xff\"\n"), StartsWith("astrofs.toml:1:"));
}

TEST(Config, TheCacheDirectoryIsAbsoluteOrBelowHome) {
  const ChangedVariable home("HOME", "/home/me");
  EXPECT_EQ(parsed("[cache]\ndir = \"/var/x\"\n").cache_dir, "/var/x");
  EXPECT_EQ(parsed("[cache]\ndir = \"~/x\"\n").cache_dir, "/home/me/x");
  EXPECT_EQ(parsed("[cache]\ndir = \"~\"\n").cache_dir, "/home/me");
  EXPECT_EQ(refused("[cache]\ndir = \"x\"\n"),
            "astrofs.toml:2:7: 'dir' in [cache]: 'x' must be an absolute path, or begin with ~/");
  EXPECT_NE(refused("[cache]\ndir = \"\"\n"), "accepted");
  EXPECT_NE(refused("[cache]\ndir = \"~you/x\"\n"), "accepted");
  EXPECT_THAT(refused("[cache]\ndir = \"/a\\u0000b\"\n"), HasSubstr("NUL"));
}

TEST(Config, ATableNameThatBeginsWithoutALetterIsRefusedWithItsPlace) {
  using namespace std::string_literals;
  for (const std::string& header :
       {"[/x]"s, "[[/x]]"s, "[.a]"s, "[=]"s, "[é]"s, "[ #"s, "[\0\0ss]"s, "[\x7f]"s}) {
    EXPECT_THAT(refused("[cache]\n" + header + "\n"), StartsWith("astrofs.toml:2:")) << header;
  }
}

TEST(Config, NestingDoesNotExhaustTheStack) {
  EXPECT_NE(refused("a = " + std::string(100'000, '[')), "accepted");
}

/// The caller's environment, without a trace of the machine's own configuration.
class ConfigSearch : public ::testing::Test {
 protected:
  static std::string archive(const std::string& name) {
    return "[archives." + name + "]\ntype = \"local\"\n";
  }
  static std::string found(const std::optional<std::string>& explicit_path = std::nullopt) {
    const auto config = load_config(explicit_path);
    return config ? config->archives.at(0).name : config.error().message;
  }

  FreshDir dir_;
  ChangedVariable home_{"HOME", dir_.path("home")};
  ChangedVariable xdg_config_{"XDG_CONFIG_HOME", dir_.path("xdg")};
  ChangedVariable named_{"ASTROFS_CONFIG", std::nullopt};
};

TEST_F(ConfigSearch, GoesFromTheMostToTheLeastExplicit) {
  const std::string explicit_file = dir_.write("explicit.toml", archive("explicit"));
  const std::string variable_file = dir_.write("variable.toml", archive("variable"));
  dir_.write("home/.config/astrofs/astrofs.toml", archive("home"));
  {
    const ChangedVariable unset("XDG_CONFIG_HOME", std::nullopt);
    EXPECT_EQ(found(), "home");
    const ChangedVariable relative("XDG_CONFIG_HOME", "relative");  // the XDG rule: not absolute, not there
    EXPECT_EQ(found(), "home");
  }
  dir_.write("xdg/astrofs/astrofs.toml", archive("xdg"));
  EXPECT_EQ(found(), "xdg");
  const ChangedVariable named("ASTROFS_CONFIG", variable_file);
  EXPECT_EQ(found(), "variable");
  EXPECT_EQ(found(explicit_file), "explicit");
  EXPECT_EQ(load_config(explicit_file)->source, explicit_file);
}

TEST_F(ConfigSearch, EndsAtTheBuiltInDefaults) {
  if (::access("/etc/astrofs/astrofs.toml", F_OK) == 0)
    GTEST_SKIP() << "this machine has a configuration of its own";
  const auto config = load_config(std::nullopt);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->source, "built-in defaults");
  EXPECT_EQ(config->archives.at(0).name, "tess");
}

TEST_F(ConfigSearch, ANamedFileThatIsAbsentIsAClearError) {
  const auto config = load_config(dir_.path("none.toml"));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Errc::not_found);
  EXPECT_EQ(config.error().message, "cannot read the configuration " + dir_.path("none.toml") +
                                        ": No such file or directory; correct --config (or -o config=), or "
                                        "leave it out to use the default configuration");
  const ChangedVariable named("ASTROFS_CONFIG", dir_.path("none.toml"));
  EXPECT_THAT(found(), HasSubstr("correct ASTROFS_CONFIG"));
}

TEST_F(ConfigSearch, ADirectoryOrAnEndlessFileIsNoConfiguration) {
  EXPECT_THAT(found(dir_.path()), HasSubstr("Is a directory"));
  EXPECT_THAT(found("/dev/zero"), HasSubstr("larger than 1 MiB"));
}

TEST_F(ConfigSearch, AFileThatIsThereButUnusableIsNotPassedOver) {
  dir_.write("xdg/astrofs/astrofs.toml", "[cache]\nsise = 1\n");
  EXPECT_EQ(found(), dir_.path("xdg/astrofs/astrofs.toml") +
                         ":2:1: unknown key 'sise' in [cache]; known keys: dir, size");
}

TEST_F(ConfigSearch, AFileWithoutArchivesHasNothingToMount) {
  const std::string file = dir_.write("empty.toml", "[cache]\nsize = \"1 GiB\"\n");
  EXPECT_THAT(found(file), StartsWith(file + ":1:1: no archives"));
}

TEST_F(ConfigSearch, TheDefaultCacheIsRootsOrTheUsers) {
  const ChangedVariable unset("XDG_CACHE_HOME", std::nullopt);
  const uid_t me = ::geteuid();
  if (me == 0) {
    EXPECT_EQ(default_cache_dir(), "/var/cache/astrofs");
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const std::string below_home = default_cache_dir();
  const ChangedVariable set("XDG_CACHE_HOME", "/x");
  const std::string below_xdg = default_cache_dir();
  ASSERT_EQ(::seteuid(me), 0);
  EXPECT_EQ(below_home, dir_.path("home/.cache/astrofs"));
  EXPECT_EQ(below_xdg, "/x/astrofs");
}

}  // namespace
}  // namespace astrofs
