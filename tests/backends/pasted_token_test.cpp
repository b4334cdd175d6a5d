#include "backends/pasted_token.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "backends/format/mast_user.h"
#include "backends/login_file.h"
#include "tests/support/changed_variable.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

constexpr const char* kFirst = "0123456789abcdef0123456789abcdef";
constexpr const char* kSecond = "fedcba9876543210fedcba9876543210";
constexpr const char* kBase = "https://mast.stsci.edu";

class PastedTokenTest : public ::testing::Test {
 protected:
  /// What a request to that address would be sent with; "" = nothing.
  static std::string header_of(const PastedToken& token, const std::string& url = std::string(kBase) + "/f") {
    http::Request request;
    request.url = url;
    if (!token.authorize(request)) return {};
    EXPECT_EQ(request.headers.size(), 1U);
    EXPECT_EQ(request.url.find(kFirst), std::string::npos);
    return request.headers[0].name + ": " + request.headers[0].value;
  }
  void log_in(const std::string& token) { EXPECT_TRUE(login_file::write_text(file_, token + "\n")); }

  FreshDir place_;
  const ChangedVariable directory_{"CREDENTIALS_DIRECTORY", std::nullopt};
  const ChangedVariable variable_{"MAST_API_TOKEN", std::nullopt};
  const std::string file_ = place_.path("logins/mast.token");
  const TokenService& mast_ = *token_service("mast");
};

TEST_F(PastedTokenTest, ALoginThatComesGoesOrChangesIsSeen) {
  PastedToken token(mast_, file_, kBase);
  token.notice();
  EXPECT_FALSE(token.is_there());
  EXPECT_EQ(token.scope(), "nobody");
  EXPECT_EQ(header_of(token), "");
  log_in(kFirst);
  EXPECT_FALSE(token.is_there()) << "nobody has looked";
  token.notice();
  EXPECT_EQ(header_of(token), std::string("Authorization: token ") + kFirst);
  const std::string first = token.scope();
  EXPECT_EQ(first.find(kFirst), std::string::npos);
  log_in(kSecond);
  token.notice();
  EXPECT_EQ(header_of(token), std::string("Authorization: token ") + kSecond);
  EXPECT_NE(token.scope(), first);
  std::filesystem::remove(file_);
  token.notice();
  EXPECT_FALSE(token.is_there());
}

TEST_F(PastedTokenTest, TheLoginWinsOverTheCredentialAndThatOverTheEnvironment) {
  const std::string third(40, 'c');
  place_.write("credentials/astrofs.mast", kSecond);
  const ChangedVariable directory("CREDENTIALS_DIRECTORY", place_.path("credentials"));
  const ChangedVariable variable("MAST_API_TOKEN", third);
  PastedToken token(mast_, file_, kBase);
  EXPECT_EQ(header_of(token), "Authorization: token " + third) << "known before anybody looks";
  token.notice();
  EXPECT_EQ(header_of(token), std::string("Authorization: token ") + kSecond);
  log_in(kFirst);
  token.notice();
  EXPECT_EQ(header_of(token), std::string("Authorization: token ") + kFirst);
  std::filesystem::remove(file_);
  std::filesystem::remove(place_.path("credentials/astrofs.mast"));
  token.notice();
  EXPECT_EQ(header_of(token), "Authorization: token " + third);
}

TEST_F(PastedTokenTest, TheSameTokenIsTheSameScopeWhereverItCameFrom) {
  log_in(kFirst);
  PastedToken from_file(mast_, file_, kBase);
  from_file.notice();
  const ChangedVariable variable("MAST_API_TOKEN", kFirst);
  const PastedToken from_environment(mast_, place_.path("none"), kBase);
  EXPECT_EQ(from_file.scope(), from_environment.scope());
}

TEST_F(PastedTokenTest, GoesToItsHostAloneAndNeverUnencrypted) {
  log_in(kFirst);
  PastedToken token(mast_, file_, kBase);
  token.notice();
  EXPECT_NE(header_of(token, "https://mast.stsci.edu:443/x"), "");
  for (const char* const other :
       {"http://mast.stsci.edu/x", "https://mast.stsci.edu:8443/x", "https://stpubdata.s3.amazonaws.com/x",
        "https://mast.stsci.edu.example.org/x", "https://archive.stsci.edu/x", "x"})
    EXPECT_EQ(header_of(token, other), "") << other;
  for (const char* const plain : {"http://mast.example.org", "http://127.example.org", "http://10.0.0.1"}) {
    PastedToken mirror(mast_, file_, plain);
    mirror.notice();
    EXPECT_EQ(header_of(mirror, std::string(plain) + "/x"), "") << plain;
  }
  for (const char* const here : {"http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"}) {
    PastedToken mirror(mast_, file_, here);
    mirror.notice();
    EXPECT_NE(header_of(mirror, std::string(here) + "/x"), "") << here;
  }
}

TEST_F(PastedTokenTest, AFileThatOthersCanReadIsNoLogin) {
  log_in(kFirst);
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::chmod(file_.c_str(), 0640), 0);
  PastedToken token(mast_, file_, kBase);
  token.notice();
  EXPECT_FALSE(token.is_there());
  ASSERT_EQ(::chmod(file_.c_str(), 0600), 0);
  token.notice();
  EXPECT_TRUE(token.is_there()) << "nothing else was wrong with it";
  std::filesystem::rename(file_, place_.path("elsewhere"));
  ASSERT_EQ(::chmod(place_.path("elsewhere").c_str(), 0600), 0);
  ASSERT_EQ(::symlink(place_.path("elsewhere").c_str(), file_.c_str()), 0);
  token.notice();
  EXPECT_FALSE(token.is_there()) << "a link may lead anywhere";
}

TEST_F(PastedTokenTest, WhatIsNoTokenIsNotTakenAndNotRepeated) {
  EXPECT_EQ(token_in(std::string(" \t") + kFirst + "\r\n", mast_).value_or(""), kFirst);
  for (const std::string& bad : {std::string(), std::string(" \n"), std::string("short"),
                                 std::string("two words of text"), std::string(kFirst) + "\n" + kSecond,
                                 std::string("secret\x01secretsecret"), std::string(5000, 'a')}) {
    const auto token = token_in(bad, mast_);
    ASSERT_FALSE(token) << bad;
    EXPECT_EQ(token.error().code, Errc::invalid);
    EXPECT_EQ(token.error().message.find("secret"), std::string::npos);
  }
}

TEST(MastUser, SaysWhoseTokenItIs) {
  const auto alice =
      mast::parse_user(R"({"eppn":"alice@stsci.edu","ezid":"alice","anon":false,"token":"t"})");
  ASSERT_TRUE(alice);
  EXPECT_FALSE(alice->anonymous);
  EXPECT_EQ(alice->name, "alice@stsci.edu");
  const auto nobody = mast::parse_user(R"({"eppn":"","ezid":"anonymous","anon":true})");
  ASSERT_TRUE(nobody);
  EXPECT_TRUE(nobody->anonymous);
  const auto odd = mast::parse_user(R"({"eppn":null,"ezid":"a\nb","anon":false})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->name, "a\\nb");
  for (const char* const bad :
       {"", "[]", "{}", "<html>", R"({"anon":"no","token":"secret"})", R"({"anon":fal)"}) {
    const auto user = mast::parse_user(bad);
    ASSERT_FALSE(user) << bad;
    EXPECT_EQ(user.error().message.find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace astrofs
