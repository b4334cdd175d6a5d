#include "base/redact.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace astrofs {
namespace {

using namespace std::string_literals;

TEST(Redact, LeavesTextWithoutSecretsAlone) {
  for (const std::string text :
       {"", "GET https://archive.stsci.edu/missions/tess/ffi/s0004/x.fits?prefix=a&max-keys=1000 status 200",
        "astrofs.toml:3:5: unexpected token: '='", "user@example.org asked for /mnt/astro/tess", "signal 15",
        "http://[::1]:8080/data/", "https://host/path@version/file", "tokens 5, authorized"}) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(Redact, BlanksCredentialHeadersToTheEndOfTheLine) {
  EXPECT_EQ(redact("> Authorization: token 0123456789abcdef\r\n> Host: x"),
            "> Authorization: ***\r\n> Host: x");
  EXPECT_EQ(redact("authorization:Basic dXNlcjpwYXNz"), "authorization:***");
  EXPECT_EQ(redact("Proxy-Authorization: Digest username=\"me\", response=\"12ab\""),
            "Proxy-Authorization: ***");
  EXPECT_EQ(redact("Set-Cookie: session=12ab; Path=/\nnext"), "Set-Cookie: ***\nnext");
  EXPECT_EQ(redact("X-Amz-Security-Token: IQoJ/b3=="), "X-Amz-Security-Token: ***");
  EXPECT_EQ(redact(R"({"Authorization": "token 12ab"})"), R"({"Authorization": ***)");
}

TEST(Redact, BlanksSecretParameters) {
  EXPECT_EQ(redact("https://h/f?token=abc&x=1"), "https://h/f?token=***&x=1");
  EXPECT_EQ(redact("https://h/f?access_token=a.b-c%3D failed"), "https://h/f?access_token=*** failed");
  EXPECT_EQ(redact("?X-Amz-Credential=AK%2F1&X-Amz-Expires=60&X-Amz-Signature=12ab&X-Amz-Security-Token=t"),
            "?X-Amz-Credential=***&X-Amz-Expires=60&X-Amz-Signature=***&X-Amz-Security-Token=***");
  EXPECT_EQ(redact("TOKEN=abc"), "TOKEN=***");
  EXPECT_EQ(redact("password = \"two words\", next"), "password = \"***\", next");
  EXPECT_EQ(redact(R"({"token":"abc","size":3})"), R"({"token":"***","size":3})");
}

TEST(Redact, BlanksSecretsInsideAnEncodedUrl) {
  EXPECT_EQ(redact("uri=https%3A%2F%2Fh%2Ff%3Ftoken%3Dabc%26x%3D1"),
            "uri=https%3A%2F%2Fh%2Ff%3Ftoken%3D***%26x%3D1");
}

TEST(Redact, BlanksTheUserInformationOfUrls) {
  EXPECT_EQ(redact("https://me:pa@ss@host:8080/x and ftp://you@h"),
            "https://***@host:8080/x and ftp://***@h");
  EXPECT_EQ(redact("://X-Amz-Signature%3D/%26@h"), "://***@h");
  EXPECT_EQ(redact("https://me:secret@host"), "https://***@host");
}

TEST(Redact, AValueCutOffByTheEndOfTheTextIsNoProblem) {
  EXPECT_EQ(redact("token="), "token=");
  EXPECT_EQ(redact("token=\"abc"), "token=\"***");
  EXPECT_EQ(redact("Authorization:"), "Authorization:");
  EXPECT_EQ(redact("https://"), "https://");
  EXPECT_EQ(redact("token%3D"), "token%3D");
}

RC_GTEST_PROP(Redact, DoesNothingToWhatIsRedacted, ()) {
  const auto piece = rc::gen::elementOf(std::vector<std::string>{"Authorization", "token", "X-Amz-Signature",
                                                                 "%3D", "%26", "://", "@", ":", "=", "\"",
                                                                 "'", " ", "\n", "&", "a", "***", "/"});
  std::string text;
  for (const std::string& part : *rc::gen::container<std::vector<std::string>>(piece)) text += part;
  const std::string once = redact(text);
  RC_ASSERT(redact(once) == once);
}

RC_GTEST_PROP(Redact, NoSecretParameterSurvives, ()) {
  const std::string secret =
      "S3cr3t" + *rc::gen::container<std::string>(rc::gen::elementOf("abcXYZ019._-%/+~"s));
  const std::string name =
      *rc::gen::element("token"s, "mast_token"s, "X-Amz-Signature"s, "password"s, "sig"s);
  const std::string before = *rc::gen::element("https://h/p?"s, "https://h/p?a=b&"s, "curl: "s, "(", "\n");
  const std::string after = *rc::gen::element(""s, " failed"s, "&b=c"s, "\n"s, ")"s);
  RC_ASSERT(redact(before + name + "=" + secret + after) == before + name + "=***" + after);
}

}  // namespace
}  // namespace astrofs
