// The command line as a person, mount(8), fstab and systemd write it.
#include "fs/mount_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace astrofs {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// mount.astrofs /mnt -o OPTIONS
Result<MountOptions> with(const std::string& options) {
  return parse_command_line({"/mnt", "-o", options}).map([](CommandLine line) { return line.mount; });
}

/// What is said of OPTIONS that are refused; "" when they are not.
std::string refusal(const std::string& options) {
  const Result<MountOptions> parsed = with(options);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, Errc::invalid) << options;
  return parsed.error().message;
}

TEST(CommandLine, AMountPointIsAllItNeeds) {
  const auto line = parse_command_line({"/mnt"});
  ASSERT_TRUE(line) << line.error().message;
  const MountOptions& options = line->mount;
  EXPECT_EQ(options.mountpoint, "/mnt");
  EXPECT_EQ(options.source, "astrofs");
  EXPECT_FALSE(options.config_path || options.cache_dir || options.cache_size || options.missing);
  EXPECT_FALSE(options.uid || options.gid);
  EXPECT_FALSE(options.offline || options.allow_other || options.foreground || options.sloppy ||
               options.fake || options.verbose);
  EXPECT_EQ(options.timeout, seconds(60));
  EXPECT_EQ(options.log_target, "");
  EXPECT_THAT(options.fuse_options, IsEmpty());
  EXPECT_EQ(line->text, "");
}

TEST(CommandLine, ASourceIsANameForTheTableOfMounts) {
  const auto line = parse_command_line({"survey", "/mnt"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->mount.source, "survey");
  EXPECT_EQ(line->mount.mountpoint, "/mnt");
  EXPECT_EQ(with("fsname=sky")->source, "sky");
}

TEST(CommandLine, TheFormOfMountsHelperIsUnderstood) {
  // As util-linux calls it: mount.TYPE SPEC DIR [-sfnv] [-o OPTIONS], flags one by one or together.
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"-s", "-f", "-n", "-v"}, std::vector<std::string>{"-sfnv"}}) {
    std::vector<std::string> arguments{"astrofs", "/mnt"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    arguments.insert(arguments.end(), {"-o", "rw,nosuid,offline"});
    const auto line = parse_command_line(arguments);
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_TRUE(line->mount.sloppy);
    EXPECT_TRUE(line->mount.fake);
    EXPECT_TRUE(line->mount.verbose);
    EXPECT_TRUE(line->mount.offline);
    EXPECT_EQ(line->mount.mountpoint, "/mnt");
  }
}

TEST(CommandLine, OptionsMayStandAnywhereAndMoreThanOnce) {
  const auto line = parse_command_line({"-o", "offline", "astrofs", "/mnt", "-o", "timeout=5,uid=7"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_TRUE(line->mount.offline);
  EXPECT_EQ(line->mount.timeout, seconds(5));
  EXPECT_EQ(line->mount.uid, 7U);
  EXPECT_EQ(line->mount.source, "astrofs");
  EXPECT_EQ(line->mount.mountpoint, "/mnt");
}

TEST(CommandLine, ForegroundIsAFlagOfItsOwn) {
  EXPECT_TRUE(parse_command_line({"/mnt", "--foreground"})->mount.foreground);
}

TEST(CommandLine, TheConfigurationOfItsOwnFlagComesFirst) {
  EXPECT_EQ(parse_command_line({"/mnt", "-o", "config=/a"})->mount.config_path, "/a");
  EXPECT_EQ(parse_command_line({"/mnt", "--config", "/b", "-o", "config=/a"})->mount.config_path, "/b");
}

TEST(CommandLine, HelpNamesEveryOptionAndVersionTheVersion) {
  const auto help = parse_command_line({"--help"});
  ASSERT_TRUE(help);
  for (const char* option :
       {"config=", "cache=", "cache_size=", "offline", "sparse", "missing=", "timeout=", "allow_other",
        "uid=", "gid=", "log=", "--foreground", "--config", "-s", "-f", "-n", "-v", "--version"}) {
    EXPECT_THAT(help->text, HasSubstr(option));
  }
  for (const char* flag : {"-V", "--version"}) {
    const auto version = parse_command_line({flag});
    ASSERT_TRUE(version);
    EXPECT_THAT(version->text, StartsWith("mount.astrofs "));
  }
}

TEST(CommandLine, AWrongOneSaysInOneLineHowItIsUsed) {
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, std::vector<std::string>{"a", "b", "c"},
        std::vector<std::string>{"/mnt", "--no-such-flag"}, std::vector<std::string>{"/mnt", "-o"},
        std::vector<std::string>{"/mnt", "--config"}}) {
    const auto line = parse_command_line(wrong);
    ASSERT_FALSE(line) << ::testing::PrintToString(wrong);
    EXPECT_EQ(line.error().code, Errc::invalid);
    EXPECT_THAT(line.error().message, HasSubstr("usage: mount.astrofs [SOURCE] MOUNTPOINT"));
    EXPECT_THAT(line.error().message, Not(HasSubstr("\n")));
  }
}

TEST(MountOption, EachOfOursIsTaken) {
  const auto options = with(
      "config=/etc/a.toml,cache=/var/"
      "c,cache_size=1.5GiB,offline,sparse,missing=enoent,timeout=7,allow_other,uid=1000,"
      "gid=100,log=syslog");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->config_path, "/etc/a.toml");
  EXPECT_EQ(options->cache_dir, "/var/c");
  EXPECT_EQ(options->cache_size, 3ULL << 29);
  EXPECT_TRUE(options->offline);
  EXPECT_TRUE(options->sparse);
  EXPECT_EQ(options->missing, MissingPolicy::enoent);
  EXPECT_EQ(options->timeout, seconds(7));
  EXPECT_TRUE(options->allow_other);
  EXPECT_EQ(options->uid, 1000U);
  EXPECT_EQ(options->gid, 100U);
  EXPECT_EQ(options->log_target, "syslog");
  EXPECT_THAT(options->fuse_options, IsEmpty()) << "ours are not libfuse's";
}

TEST(MountOption, MissingIsPlaceholderOrEnoent) {
  EXPECT_EQ(with("missing=placeholder")->missing, MissingPolicy::placeholder);
  EXPECT_EQ(refusal("missing=zero"), "option missing=zero: must be placeholder or enoent");
  EXPECT_EQ(refusal("missing"), "option missing=: must be placeholder or enoent");
}

TEST(MountOption, TheJournalIsForWhoStaysInTheForeground) {
  EXPECT_THAT(refusal("log=journal"), HasSubstr("--foreground"));
  EXPECT_EQ(parse_command_line({"/mnt", "--foreground", "-o", "log=journal"})->mount.log_target, "journal");
}

TEST(MountOption, TheLastOfTwoIsMeant) {
  EXPECT_EQ(with("timeout=5,timeout=6")->timeout, seconds(6));
  EXPECT_EQ(parse_command_line({"/mnt", "-o", "cache=/a", "-o", "cache=/b"})->mount.cache_dir, "/b");
}

TEST(MountOption, AValueMayContainAnEqualsSign) {
  EXPECT_EQ(with("cache=/a=b")->cache_dir, "/a=b");
}

TEST(MountOption, EmptyOnesAreNone) {
  for (const char* list : {"", ",", ",,offline,,"}) EXPECT_TRUE(with(list)) << list;
  EXPECT_TRUE(with(",,offline,,")->offline);
}

TEST(MountOption, FlagsTakeNoValue) {
  EXPECT_EQ(refusal("offline=yes"), "option offline takes no value");
  EXPECT_EQ(refusal("allow_other=1"), "option allow_other takes no value");
}

TEST(MountOption, NamesOfPlacesMustNameSomething) {
  for (const char* name : {"config", "cache", "log"}) {
    for (const char* tail : {"", "="}) {
      EXPECT_EQ(refusal(std::string(name) + tail),
                std::string("option ") + name + "= names nothing; give it a value or leave it out");
    }
  }
}

TEST(MountOption, NumbersAreWholeAndFit) {
  for (const char* name : {"timeout", "uid", "gid"}) {
    for (const char* value :
         {"", "x", "-1", "+1", "1.5", " 1", "1s", "0x10", "4294967296", "99999999999999999999999"}) {
      EXPECT_THAT(refusal(std::string(name) + "=" + value),
                  StartsWith(std::string("option ") + name + "=" + value + ": a whole number"));
    }
  }
  EXPECT_EQ(with("uid=0")->uid, 0U);
  EXPECT_EQ(with("uid=4294967294")->uid, 4294967294U);
}

TEST(MountOption, ANumberThatIsTooLargeIsNotCalledBroken) {
  EXPECT_THAT(refusal("timeout=4294967296"), HasSubstr("up to 4294967295"));
}

TEST(MountOption, ATimeoutOfNothingIsRefused) {
  EXPECT_EQ(refusal("timeout=0"), "option timeout=0: at least one second is needed");
  EXPECT_EQ(with("timeout=4294967295")->timeout, seconds(4294967295));
}

TEST(MountOption, ACacheSizeIsAnAmountAboveNothing) {
  EXPECT_EQ(with("cache_size=200GiB")->cache_size, 200ULL << 30);
  EXPECT_THAT(refusal("cache_size=0"), HasSubstr("the cache needs room"));
  for (const char* value : {"", "many", "-1", "10 XB"}) {
    EXPECT_THAT(refusal(std::string("cache_size=") + value), StartsWith("option cache_size: "));
  }
}

TEST(MountOption, WhatMountFstabAndSystemdAddIsTakenAndNotPassedOn) {
  const auto options = with(
      "ro,rw,defaults,noauto,auto,nofail,_netdev,user,users,nouser,owner,group,nosuid,nodev,exec,noatime,"
      "relatime,user=me,comment=x,x-systemd.automount,x-systemd.requires=/a,X-mount.mkdir");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_THAT(options->fuse_options, IsEmpty());
}

TEST(MountOption, WhatFuseUnderstandsIsPassedOnAsItIs) {
  EXPECT_THAT(with("auto_unmount,offline,noexec,debug")->fuse_options,
              ElementsAre("auto_unmount", "noexec", "debug"));
}

TEST(MountOption, AnUnknownOneIsNamedWholeUnlessTheMountIsSloppy) {
  EXPECT_EQ(refusal("offline,ofline=1"), "unknown mount option 'ofline=1'; see mount.astrofs(8)");
  EXPECT_EQ(refusal("Offline"), "unknown mount option 'Offline'; see mount.astrofs(8)");
  EXPECT_EQ(refusal("=x"), "unknown mount option '=x'; see mount.astrofs(8)");
  const auto sloppy = parse_command_line({"/mnt", "-o", "ofline=1,offline", "-s"});
  ASSERT_TRUE(sloppy) << sloppy.error().message;
  EXPECT_TRUE(sloppy->mount.offline);
  EXPECT_THAT(sloppy->mount.fuse_options, IsEmpty());
}

TEST(MountOption, ASloppyMountStillRefusesABadValue) {
  EXPECT_FALSE(parse_command_line({"/mnt", "-s", "-o", "timeout=soon"}));
}

TEST(MountOption, EveryRefusalIsOneLine) {
  for (const char* list : {"missing=x", "timeout=x", "uid=x", "cache_size=x", "cache_size=0", "offline=x",
                           "log=", "config", "nonsense", "timeout=0"}) {
    const std::string message = refusal(list);
    EXPECT_NE(message, "") << list;
    EXPECT_THAT(message, Not(HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace astrofs
