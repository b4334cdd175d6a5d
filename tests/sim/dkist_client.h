// What the tests of the made-up DKIST data centre share: a running one, and questions to it. One thread.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/sim/raw_client.h"
#include "tests/support/archive_sim.h"
#include "tests/support/dkist_centre.h"
#include "tests/support/fresh_dir.h"

namespace astrofs::sim {

class DkistTest : public testing::Test {
 protected:
  void SetUp() override {
    centre_ = &sim_.add_dkist(options());
    ASSERT_TRUE(sim_.start());
  }
  virtual DkistOptions options() {
    DkistOptions options;
    options.datasets = 40;
    options.frames = 16;
    return options;
  }
  RawAnswer ask(const std::string& method, const std::string& target, const std::string& headers = {},
                const std::string& body = {}) {
    RawClient client(sim_.port());
    const std::string length =
        method == "POST" ? "Content-Length: " + std::to_string(body.size()) + "\r\n" : std::string();
    client.ask(method, target, headers + length);
    client.send(body);
    return client.read(method == "HEAD");
  }
  /// POST /_sim/dkist with this JSON.
  void control(const std::string& json) {
    ASSERT_EQ(ask("POST", "/_sim/dkist", {}, json).status(), 200) << json;
  }
  [[nodiscard]] static std::string bearer(const std::string& token) {
    return "Authorization: Bearer " + token + "\r\n";
  }
  /// Where the collection's HTTPS has a frame of the first dataset.
  std::string frame_url(int frame) {
    const DatasetPtr beogn = centre_->dataset("BEOGN");
    return "/https" + beogn->directory() + '/' + beogn->names->all[static_cast<std::size_t>(frame)];
  }

  const FreshDir folder_;  ///< the user's; outlives the tasks that write into it
  ArchiveSim sim_;
  DkistCentre* centre_{nullptr};
};

}  // namespace astrofs::sim
