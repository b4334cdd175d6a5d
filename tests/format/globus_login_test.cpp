#include "backends/format/globus_login.h"

#include <gtest/gtest.h>

#include <string>

namespace astrofs::globus {
namespace {

constexpr std::string_view kCollection = "d26bd00b-62dc-40d2-9179-7aece2b8c437";
constexpr SysSeconds kNow{std::chrono::seconds(1'700'000'000)};

Login half_done() {
  Login login;
  login.client_id = "11111111-2222-3333-4444-555555555555";
  login.collection = kCollection;
  return login;
}

TEST(GlobusLogin, TheFileComesBackAsItWasWritten) {
  Login login = half_done();
  login.https = "https://g-1.data.globus.org";
  login.transfer = {"a", "r", kNow};
  login.bytes = {"b", "s", kNow + std::chrono::hours(48)};
  const auto read = parse_login(format_login(login));
  ASSERT_TRUE(read);
  EXPECT_EQ(format_login(*read), format_login(login));
  EXPECT_EQ(read->bytes.expires, login.bytes.expires);
  for (const char* const bad : {"", "[]", "{}", R"({"transfer": {}})"}) EXPECT_FALSE(parse_login(bad)) << bad;
}

TEST(GlobusLogin, EachTokenGoesToItsServer) {
  Login login = half_done();
  ASSERT_TRUE(
      take_tokens(R"({"access_token": "A", "refresh_token": "R", "resource_server": "transfer.api.globus.org",
      "expires_in": 172800, "other_tokens": [
        {"access_token": "B", "refresh_token": "S", "resource_server": "d26bd00b-62dc-40d2-9179-7aece2b8c437", "expires_in": 60},
        {"access_token": "C", "resource_server": "elsewhere.example", "expires_in": 60}]})",
                  kNow, login));
  EXPECT_EQ(login.transfer.access, "A");
  EXPECT_EQ(login.transfer.refresh, "R");
  EXPECT_EQ(login.transfer.expires, kNow + std::chrono::hours(48));
  EXPECT_EQ(login.bytes.access, "B");
  EXPECT_EQ(login.bytes.expires, kNow + std::chrono::seconds(60));
}

TEST(GlobusLogin, ARenewalBringsOneTokenAndMayLeaveOutTheRefreshToken) {
  Login login = half_done();
  login.transfer = {"old", "keep", kNow};
  login.bytes = {"other", "kept", kNow};
  ASSERT_TRUE(take_tokens(
      R"({"access_token": "new", "resource_server": "transfer.api.globus.org", "expires_in": 10})", kNow,
      login));
  EXPECT_EQ(login.transfer.access, "new");
  EXPECT_EQ(login.transfer.refresh, "keep");
  EXPECT_EQ(login.bytes.access, "other");
}

TEST(GlobusLogin, ARefusalIsSaidAndNothingIsTaken) {
  Login login = half_done();
  EXPECT_EQ(take_tokens(R"({"error": "invalid_grant"})", kNow, login).error().code, Errc::denied);
  EXPECT_EQ(take_tokens("<html>", kNow, login).error().code, Errc::corrupt);
  EXPECT_EQ(take_tokens("{}", kNow, login).error().code, Errc::corrupt);
  EXPECT_EQ(login.transfer.access, "");
}

// The example of RFC 7636, appendix B.
TEST(GlobusLogin, TheChallengeIsTheDigestOfTheVerifier) {
  const unsigned char random[] = {116, 24,  223, 180, 151, 153, 224, 37,  79,  250, 96,
                                  125, 216, 173, 187, 186, 22,  212, 37,  77,  105, 214,
                                  191, 240, 91,  88,  5,   88,  83,  132, 141, 121};
  const std::string verifier = verifier_of({reinterpret_cast<const char*>(random), sizeof random});
  EXPECT_EQ(verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  const std::string url = authorize_url("https://auth.example", half_done(), verifier);
  EXPECT_NE(url.find("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&"), std::string::npos)
      << url;
  EXPECT_EQ(url.find(verifier), std::string::npos) << "only who asked knows it";
  EXPECT_NE(url.find("access_type=offline"), std::string::npos);
  EXPECT_EQ(url.find(' '), std::string::npos);
}

}  // namespace
}  // namespace astrofs::globus
