#include "fs/login.h"

#include <gtest/gtest.h>

#include <string>

#include "backends/login_file.h"
#include "backends/vo_login.h"
#include "tests/support/archive_sim.h"
#include "tests/support/fresh_dir.h"
#include "tests/support/vo_archive.h"

namespace astrofs {
namespace {

class TokenLoginTest : public ::testing::Test {
 protected:
  TokenLoginTest() { EXPECT_TRUE(sim_.start()); }
  Result<std::string> paste(const std::string& token) {
    AskUser ask;
    ask.token = [&token](const TokenService&) { return Result<std::string>(token); };
    return log_in({TokenLogin{token_service("mast"), sim_.url()}, file_}, ask);
  }
  [[nodiscard]] std::string kept() const { return login_file::read_text(file_).value_or("none"); }

  sim::ArchiveSim sim_;
  FreshDir place_;
  const std::string file_ = place_.path("logins/mast.token");
};

TEST_F(TokenLoginTest, ATokenThatMastKnowsIsKeptAndItsUserNamed) {
  const auto done = paste(std::string(sim::kMastToken) + "\r\n");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*done, "Logged in as alice@stsci.edu");
  EXPECT_EQ(kept(), std::string(sim::kMastToken) + "\n");
  EXPECT_EQ(sim_.count("/whoami"), 1U);
  EXPECT_EQ(sim_.count(sim::kMastToken), 0U) << "it is in no URL";
}

TEST_F(TokenLoginTest, ATokenThatMastDoesNotKnowChangesNothing) {
  ASSERT_TRUE(paste(std::string(sim::kMastToken)));
  const auto done = paste("00000000000000000000000000000000");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::denied);
  EXPECT_EQ(kept(), std::string(sim::kMastToken) + "\n");
}

TEST_F(TokenLoginTest, ATokenIsKeptWhereNobodyCouldSayWhoseItIs) {
  sim_.add_fault({.path = "/whoami", .kind = sim::Kind::status, .n = 404});
  const auto done = paste("11111111111111111111111111111111");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_NE(done->find("could not be asked"), std::string::npos);
  EXPECT_EQ(kept(), "11111111111111111111111111111111\n");
}

TEST_F(TokenLoginTest, WhatIsNoTokenIsNeverSent) {
  EXPECT_FALSE(paste("what is this?"));
  EXPECT_EQ(kept(), "none");
  EXPECT_TRUE(sim_.requests().empty());
}

TEST_F(TokenLoginTest, ARedirectToAnotherHostDoesNotGetTheToken) {
  sim::ArchiveSim other;
  ASSERT_TRUE(other.start());
  sim_.add_fault({.path = "/whoami", .kind = sim::Kind::redirect, .n = -1, .text = other.url() + "/whoami"});
  const auto done = paste(std::string(sim::kMastToken));
  ASSERT_FALSE(done) << "there nobody is known";
  const auto there = other.requests();
  ASSERT_EQ(there.size(), 1U);
  for (const auto& [name, value] : there[0].headers)
    EXPECT_EQ(value.find(sim::kMastToken), std::string::npos) << name;
}

/// A service of the Virtual Observatory, which the configuration describes.
TEST_F(TokenLoginTest, AUserAndHisPasswordAreTriedAndKeptTogether) {
  sim::VoArchive& vo = sim_.add_vo({.plates = 1, .linked = 0, .stars = 0});
  sim::VoSettings settings = vo.settings();
  settings.gate.scheme = "Basic";
  vo.set(settings);
  const std::string url = sim_.url() + "/vo/tap";
  const LoginWay way{TokenLogin{vo_token_service("vo", "basic", url, VoProtocol::tap), url}, file_};
  const auto try_it = [&](const std::string& secret) {
    AskUser ask;
    ask.token = [&secret](const TokenService& service) {
      EXPECT_TRUE(service.has_password);
      return Result<std::string>(secret);
    };
    return log_in(way, ask);
  };
  for (const char* const wrong : {"alice:wrong", "alice", "", ":x", "alice:\x07"}) {
    const auto refused = try_it(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().message.find("wrong"), std::string::npos);
    EXPECT_EQ(kept(), "none");
  }
  const std::string right = std::string(sim::kVoUser) + ":" + std::string(sim::kVoPassword);
  const auto done = try_it(right + "\n");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*done, "Logged in as alice");
  EXPECT_EQ(kept(), right + "\n");
  EXPECT_EQ(sim_.count("sesame"), 0U);
  // One that answers everybody says nothing of it.
  settings.gate.scheme = "";
  vo.set(settings);
  const auto unsaid = try_it("alice:whatever");
  ASSERT_TRUE(unsaid) << unsaid.error().message;
  EXPECT_NE(unsaid->find("it is kept"), std::string::npos);
  EXPECT_EQ(unsaid->find("Logged in"), std::string::npos);
}

}  // namespace
}  // namespace astrofs
