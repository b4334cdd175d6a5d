// Logins of services of the Virtual Observatory, through the types that use them.
#include "backends/vo_login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "backends/login_file.h"
#include "backends/obstap.h"
#include "backends/sia2.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"
#include "tests/support/changed_variable.h"
#include "tests/support/fresh_dir.h"
#include "tests/support/vo_archive.h"

namespace astrofs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kPair = std::string(sim::kVoUser) + ":" + std::string(sim::kVoPassword);

class VoLogin : public ::testing::Test {
 protected:
  VoLogin() {
    vo_ = &server_.add_vo({.plates = 3, .linked = 1, .stars = 0});
    EXPECT_TRUE(server_.start());
  }
  void want(const sim::VoGate& gate) {
    sim::VoSettings settings = vo_->settings();
    settings.gate = gate;
    vo_->set(settings);
  }
  std::unique_ptr<ObstapArchive> tap(const std::string& auth) {
    obstap::Table table;
    table.levels = {"obs_collection"};
    const std::string url = server_.url() + "/vo/tap";
    return std::make_unique<ObstapArchive>(
        url, table, VoAccess{vo_token_service("my-vo", auth, url, VoProtocol::tap), file_}, http_.fetcher(),
        clock_, ObstapArchive::Limits{});
  }
  void keep(const std::string& secret) { EXPECT_TRUE(login_file::write_text(file_, secret + "\n")); }
  static std::string refusal(Archive& archive, const std::string& dir) {
    const auto answer = archive.list(dir, "", {});
    EXPECT_FALSE(answer);
    if (answer) return {};
    EXPECT_EQ(answer.error().code, Errc::denied) << answer.error().message;
    return answer.error().message;
  }
  std::size_t authorized(sim::ArchiveSim& server) {
    std::size_t count = 0;
    for (const auto& request : server.requests()) {
      for (const auto& [name, value] : request.headers) count += name == "authorization" ? 1 : 0;
    }
    return count;
  }

  const ChangedVariable directory_{"CREDENTIALS_DIRECTORY", std::nullopt};
  const ChangedVariable variable_{"ASTROFS_LOGIN_MY_VO", std::nullopt};
  FreshDir place_;
  const std::string file_ = place_.path("logins/my-vo.login");
  sim::ArchiveSim server_;
  contract::HttpStack http_;
  ManualClock clock_;
  sim::VoArchive* vo_{nullptr};
};

TEST_F(VoLogin, IsSentWithTheFirstRequestInEachOfTheThreeWays) {
  for (const auto& [auth, scheme, secret] :
       {std::tuple{"basic", "Basic", kPair}, std::tuple{"bearer", "Bearer", std::string(sim::kVoToken)},
        std::tuple{"token", "Token", std::string(sim::kVoToken)}}) {
    want({.scheme = scheme});
    keep(secret);
    const auto archive = tap(auth);
    archive->notice_login();
    server_.clear_log();
    const auto listed = archive->list("lLINKED", "", {});
    ASSERT_TRUE(listed) << auth << ": " << listed.error().message;
    const auto& entries = std::get<Listing>(*listed).entries;
    const auto file = std::ranges::find(entries, "DR01400.fits", &Entry::name);
    ASSERT_NE(file, entries.end());
    const auto address = archive->locate(file->locator);
    ASSERT_TRUE(address);
    const auto body = http_.fetcher().fetch(*address);
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(body->body, sim::VoArchive::file("DR01400.fits"));
    for (const auto& request : server_.requests()) EXPECT_EQ(request.status, 200) << request.target;
    EXPECT_EQ(authorized(server_), server_.requests().size()) << "rows, documents and files";
    EXPECT_EQ(server_.count(secret), 0U) << "it is in no URL";
  }
}

TEST_F(VoLogin, WhoHasNoneIsToldWhatTheServiceTakes) {
  want({.scheme = "Basic"});
  const auto archive = tap("basic");
  archive->notice_login();
  EXPECT_EQ(archive->credential_scope(""), "nobody");
  EXPECT_THAT(refusal(*archive, ""),
              AllOf(HasSubstr("astrofs login my-vo"), HasSubstr("BasicAA (auth = \"basic\"), cookie")));
  EXPECT_THAT(archive->advice(), HasSubstr("BasicAA"));
  refusal(*archive, "lPLATES");
  EXPECT_EQ(server_.count("/capabilities"), 1U) << "asked once";
  // Where none is configured, which would do is said too.
  const auto without = tap("none of these");
  EXPECT_EQ(without->credential_scope(""), kPublic);
  EXPECT_THAT(refusal(*without, ""),
              AllOf(HasSubstr("no login is configured"), HasSubstr("auth = \"basic\"")));
}

TEST_F(VoLogin, AServiceThatIsSilentAboutItselfIsDeniedAllTheSame) {
  want({.scheme = "Basic"});
  server_.add_fault({.path = "*capabilities", .kind = sim::Kind::status, .n = 404});
  EXPECT_THAT(refusal(*tap("basic"), ""), Not(HasSubstr("capabilities")));
}

TEST_F(VoLogin, OneThatIsWrongOrAPageThatWantsAPasswordIsARefusal) {
  want({.scheme = "Basic"});
  keep("alice:wrong");
  const auto archive = tap("basic");
  archive->notice_login();
  EXPECT_THAT(refusal(*archive, ""), AllOf(HasSubstr("may be wrong"), Not(HasSubstr("alice"))));
  want({.scheme = "Basic", .shows_page = true});
  EXPECT_THAT(refusal(*archive, ""), HasSubstr("login"));
}

TEST_F(VoLogin, ComesGoesAndChangesWhileTheArchiveIsThere) {
  want({.scheme = "Bearer"});
  const auto archive = tap("bearer");
  archive->notice_login();
  refusal(*archive, "");
  keep(std::string(sim::kVoToken));
  archive->notice_login();
  const std::string scope = archive->credential_scope("");
  EXPECT_THAT(scope, AllOf(Not("nobody"), Not(HasSubstr(std::string(sim::kVoToken)))));
  const auto listed = archive->list("lPLATES", "", {});
  ASSERT_TRUE(listed);
  const std::string locator = std::get<Listing>(*listed).entries.front().locator;
  EXPECT_TRUE(archive->locate(locator));
  std::filesystem::remove(file_);
  archive->notice_login();
  EXPECT_EQ(archive->credential_scope(""), "nobody");
  EXPECT_FALSE(archive->locate(locator)) << "addresses were learnt as somebody else";
  refusal(*archive, "");
}

TEST_F(VoLogin, IsFoundInTheEnvironmentAndInACredentialToo) {
  want({.scheme = "Basic"});
  {
    const ChangedVariable variable("ASTROFS_LOGIN_MY_VO", kPair);
    const auto archive = tap("basic");
    EXPECT_TRUE(archive->list("", "", {}));
  }
  place_.write("credentials/astrofs.my-vo", kPair + "\n");
  const ChangedVariable directory("CREDENTIALS_DIRECTORY", place_.path("credentials"));
  const auto archive = tap("basic");
  archive->notice_login();
  EXPECT_TRUE(archive->list("", "", {}));
}

TEST_F(VoLogin, GoesToNoOtherHostAndAcrossNoRedirect) {
  keep(kPair);
  sim::ArchiveSim other;
  sim::VoArchive& strange = other.add_vo({.plates = 1, .linked = 0, .stars = 0});
  ASSERT_TRUE(other.start());
  (void)strange;
  VoClient client(server_.url() + "/vo/tap", VoProtocol::tap,
                  {vo_token_service("my-vo", "basic", server_.url() + "/vo/tap", VoProtocol::tap), file_},
                  http_.fetcher(), clock_);
  client.notice_login();
  EXPECT_FALSE(client.file(server_.url() + "/x").headers.empty());
  EXPECT_TRUE(client.file(other.url() + "/vo/files/plates/data/GS00700_x.fits").headers.empty());
  EXPECT_TRUE(client.get({other.url() + "/vo/sia2?MAXREC=1"}, 1, {}).front());
  server_.add_fault(
      {.path = "*tap/sync", .kind = sim::Kind::redirect, .n = -1, .text = other.url() + "/vo/sia2"});
  (void)client.ask({"SELECT obs_id FROM ivoa.obscore"}, {});
  EXPECT_FALSE(server_.requests().empty());
  EXPECT_GE(other.requests().size(), 2U);
  EXPECT_EQ(authorized(other), 0U);
}

TEST_F(VoLogin, OfASearchForImagesIsSentToo) {
  want({.scheme = "Token"});
  const std::string url = server_.url() + "/vo/sia2";
  Sia2Archive archive(url, "&COLLECTION=PLATES",
                      {vo_token_service("my-vo", "token", url, VoProtocol::sia2), file_}, http_.fetcher(),
                      clock_, Sia2Archive::Limits{});
  archive.notice_login();
  EXPECT_THAT(refusal(archive, "lall"), HasSubstr("OAuth (auth = \"bearer\")"))
      << "beside the query resource";
  keep(std::string(sim::kVoToken));
  archive.notice_login();
  EXPECT_TRUE(archive.list("lall", "", {}));
}

}  // namespace
}  // namespace astrofs
