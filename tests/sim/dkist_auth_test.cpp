#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/sim/dkist_client.h"

namespace astrofs::sim {
namespace {

using Json = nlohmann::json;

// The example of RFC 7636, appendix B.
constexpr const char* kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr const char* kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
constexpr const char* kRedirect = "https%3A%2F%2Fauth.globus.org%2Fv2%2Fweb%2Fauth-code";

class DkistLogin : public DkistTest {
 protected:
  std::string code(const std::string& more = "&access_type=offline") {
    const std::string scopes =
        std::string(
            "urn%3Aglobus%3Aauth%3Ascope%3Atransfer.api.globus.org%3Aall%20https%3A%2F%2F"
            "auth.globus.org%2Fscopes%2F") +
        kDkistCollection + "%2Fhttps";
    const RawAnswer answer =
        ask("GET", std::string("/auth/v2/oauth2/authorize?client_id=me&response_type=code&state=_default"
                               "&code_challenge_method=S256&code_challenge=") +
                       kChallenge + "&redirect_uri=" + kRedirect + "&scope=" + scopes + more);
    EXPECT_EQ(answer.status(), 302);
    const std::string to = answer.header("Location");
    EXPECT_TRUE(to.starts_with("https://auth.globus.org/v2/web/auth-code?code=")) << to;
    EXPECT_TRUE(to.ends_with("&state=_default")) << to;
    const auto at = to.find("code=") + 5;
    return to.substr(at, to.find('&', at) - at);
  }
  RawAnswer token(const std::string& form) {
    return ask("POST", "/auth/v2/oauth2/token", "Content-Type: application/x-www-form-urlencoded\r\n", form);
  }
  RawAnswer exchange(const std::string& with, const std::string& verifier = kVerifier,
                     const std::string& client = "me") {
    return token("client_id=" + client + "&grant_type=authorization_code&code=" + with +
                 "&code_verifier=" + verifier + "&redirect_uri=" + kRedirect);
  }
  RawAnswer renew(const std::string& refresh, const std::string& client = "me") {
    return token("client_id=" + client + "&grant_type=refresh_token&refresh_token=" + refresh);
  }
  int listing_with(const std::string& access) {
    return ask("GET", std::string("/transfer/v0.10/endpoint/") + kDkistCollection, bearer(access)).status();
  }
};

TEST_F(DkistLogin, ACodeAndItsVerifierGiveATokenForEachService) {
  const RawAnswer answer = exchange(code());
  ASSERT_EQ(answer.status(), 200) << answer.body;
  const Json tokens = Json::parse(answer.body);
  EXPECT_EQ(tokens["resource_server"], "transfer.api.globus.org");
  EXPECT_EQ(tokens["expires_in"], 172800);
  ASSERT_EQ(tokens["other_tokens"].size(), 1U);
  EXPECT_EQ(tokens["other_tokens"][0]["resource_server"], kDkistCollection);
  control(R"({"need_token": true})");
  EXPECT_EQ(listing_with(tokens["access_token"]), 200);
  EXPECT_EQ(ask("GET", frame_url(0), bearer(tokens["other_tokens"][0]["access_token"])).status(), 200);
  EXPECT_EQ(listing_with(tokens["other_tokens"][0]["access_token"]), 401) << "that one is for bytes";
}

TEST_F(DkistLogin, ACodeWorksOnceAndOnlyForWhoAskedForIt) {
  EXPECT_EQ(Json::parse(exchange(code(), "another-verifier").body)["error"], "invalid_grant");
  EXPECT_EQ(Json::parse(exchange(code(), kVerifier, "somebody").body)["error"], "invalid_grant");
  const std::string once = code();
  EXPECT_EQ(exchange(once).status(), 200);
  EXPECT_EQ(exchange(once).status(), 400);
  EXPECT_EQ(Json::parse(exchange("made-up").body)["error"], "invalid_grant");
  EXPECT_EQ(token("grant_type=refresh_token").status(), 401);
}

TEST_F(DkistLogin, ARenewalGivesExactlyOneToken) {
  const Json tokens = Json::parse(exchange(code()).body);
  const RawAnswer answer = renew(tokens["other_tokens"][0]["refresh_token"]);
  ASSERT_EQ(answer.status(), 200);
  const Json renewed = Json::parse(answer.body);
  EXPECT_EQ(renewed["resource_server"], kDkistCollection);
  EXPECT_TRUE(renewed["other_tokens"].empty());
  EXPECT_NE(renewed["access_token"], tokens["other_tokens"][0]["access_token"]);
  EXPECT_EQ(renew(tokens["refresh_token"], "somebody").status(), 400);
}

TEST_F(DkistLogin, WithoutOfflineAccessNothingCanBeRenewed) {
  const Json tokens = Json::parse(exchange(code("")).body);
  EXPECT_FALSE(tokens.contains("refresh_token"));
  EXPECT_EQ(listing_with(tokens["access_token"]), 200);
}

TEST_F(DkistLogin, WhatHasRunOutIsRenewedAndWhatIsWithdrawnIsNot) {
  const Json tokens = Json::parse(exchange(code()).body);
  control(R"({"expire": true})");
  EXPECT_EQ(listing_with(tokens["access_token"]), 401);
  const Json renewed = Json::parse(renew(tokens["refresh_token"]).body);
  EXPECT_EQ(listing_with(renewed["access_token"]), 200);
  control(R"({"revoke": true})");
  EXPECT_EQ(listing_with(renewed["access_token"]), 401);
  EXPECT_EQ(Json::parse(renew(tokens["refresh_token"]).body)["error"], "invalid_grant");
}

TEST_F(DkistLogin, ATokenRunsOutByItself) {
  control(R"({"token_seconds": 0})");
  const Json tokens = Json::parse(exchange(code()).body);
  EXPECT_EQ(tokens["expires_in"], 0);
  EXPECT_EQ(listing_with(tokens["access_token"]), 401);
}

TEST_F(DkistLogin, ShowsTheCodeToWhoHasNoBrowserHere) {
  EXPECT_NE(ask("GET", "/auth/v2/web/auth-code?code=abc").body.find("<code>abc</code>"), std::string::npos);
  EXPECT_EQ(ask("GET", "/auth/v2/oauth2/authorize?client_id=me").status(), 400) << "no challenge";
}

}  // namespace
}  // namespace astrofs::sim
