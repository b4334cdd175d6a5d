// Frames that Globus brings on order: whose word ends an order, and whose is only a gateway's.
#include "backends/dkist_courier.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "backends/login_file.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"
#include "tests/support/dkist_centre.h"
#include "tests/support/fresh_dir.h"

namespace astrofs::dkist {
namespace {

class DkistCourierTest : public ::testing::Test {
 protected:
  DkistCourierTest() {
    EXPECT_TRUE(started_);
    log_in(sim::kDkistCollection);
  }
  void log_in(const std::string& collection) {
    const SysSeconds until = clock_.wall() + std::chrono::hours(48);
    const globus::Login login{.account = "someone",
                              .client_id = "an-application",
                              .collection = collection,
                              .https = "",
                              .transfer = {sim::kSimTransferToken, sim::kSimTransferRefresh, until},
                              .bytes = {sim::kSimHttpsToken, sim::kSimHttpsRefresh, until}};
    ASSERT_TRUE(login_file::write(login_file_, login));
    globus_.notice_login();
  }
  /// The text of an order of one frame.
  std::string written() {
    const Result<std::string> id = courier_.new_id({});
    const std::string frame = "/data/pid_1_123/BEOGN/a.fits";
    const Result<std::string> text =
        courier_.write({id.value_or(""), {{"pid_1_123/BEOGN", frame, "pid_1_123/BEOGN/a.fits"}}}, "in", {});
    return text.value_or("");
  }
  /// As a gateway says while the service behind it is put up anew.
  int answer_404() { return server_.add_fault({.path = "/transfer/*", .kind = sim::Kind::status, .n = 404}); }

  const FreshDir place_;
  const std::string login_file_ = place_.path("login.json");
  sim::ArchiveSim server_;
  sim::DkistCentre& centre_{server_.add_dkist({.datasets = 1, .frames = 2, .globus_folder = place_.path()})};
  const Result<void> started_{server_.start()};  // it has an address from here on
  contract::HttpStack http_;
  ManualClock clock_;
  Globus globus_{
      {server_.url() + "/auth", server_.url() + "/transfer", "", login_file_}, http_.fetcher(), clock_};
  GlobusCourier courier_{{.id = "1", .folder = place_.path(), .path = "/~"}, globus_, clock_};
};

TEST_F(DkistCourierTest, AGatewaysNotFoundIsNoWordOnAnOrder) {
  const std::string text = written();
  const Result<std::string> name = courier_.place(text, {});
  ASSERT_TRUE(name) << name.error().message;
  const int gone = answer_404();
  EXPECT_EQ(courier_.new_id({}).error().code, Errc::unavailable);
  EXPECT_EQ(courier_.place(text, {}).error().code, Errc::unavailable);
  EXPECT_EQ(courier_.progress(*name, {}).error().code, Errc::unavailable);
  EXPECT_EQ(courier_.left_out(*name, {}).error().code, Errc::unavailable);
  EXPECT_EQ(courier_.size({"", "/data/pid_1_123/BEOGN/a.fits", ""}, {}).error().code, Errc::unavailable);
  server_.remove_fault(gone);
  EXPECT_TRUE(courier_.progress(*name, {}));
}

TEST_F(DkistCourierTest, GlobusOwnNotFoundEndsAnOrderAndIsNoWordOnItsFiles) {
  const std::string unknown = "00000000-0000-4000-8000-0000000fffff";
  EXPECT_EQ(courier_.progress(unknown, {}).error().code, Errc::not_found);
  EXPECT_EQ(courier_.left_out(unknown, {}).error().code, Errc::unavailable);
  log_in("22222222-3333-4444-5555-666666666666");
  EXPECT_EQ(courier_.place(written(), {}).error().code, Errc::not_found) << "no such collection";
}

}  // namespace
}  // namespace astrofs::dkist
