#include "fs/login.h"

#include <gtest/gtest.h>

#include <string>

#include "backends/login_file.h"
#include "tests/base/temporary_place.h"
#include "tests/support/archive_sim.h"

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

}  // namespace
}  // namespace astrofs
