// What the tests of type "tess" share: an archive whose three hosts are one stand-in.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "backends/tess.h"
#include "tests/contract/http_stack.h"
#include "tests/support/archive_sim.h"

namespace astrofs {

using sim::Fault;
using sim::Kind;
using sim::ListingStyle;

using Names = std::vector<std::string>;

inline Names names_of(const Listing& listing) {
  Names names;
  for (const Entry& entry : listing.entries) names.push_back(entry.name);
  return names;
}

class TessArchiveTest : public ::testing::Test {
 protected:
  TessArchiveTest() {
    EXPECT_TRUE(server_.start());
    server_.set_style("/missions/", ListingStyle::apache);
  }
  TessArchive& archive(tess::Kinds kinds = {}) {
    if (!archive_) {
      archive_ = std::make_unique<TessArchive>(tess::Sources{server_.url(), server_.url(), server_.url()},
                                               kinds, http_.fetcher(), clock_);
    }
    return *archive_;
  }
  Listing list(const std::string& dir, tess::Kinds kinds = {}) {
    auto answer = archive(kinds).list(dir, "", {});
    EXPECT_TRUE(answer) << dir << ": " << answer.error().message;
    return answer ? std::get<Listing>(std::move(*answer)) : Listing{};
  }
  Errc error_of(const std::string& dir) {
    const auto answer = archive().list(dir, "", {});
    EXPECT_FALSE(answer) << dir;
    return answer ? Errc::internal : answer.error().code;
  }
  /// A made-up sector 4 of one chip.
  Names add_chip(int frames, sim::Chip chip = {1, 2}, int doubled = 0) {
    const auto made =
        server_.add_sector({.sector = 4, .frames = frames, .chips = {chip}, .doubled = doubled});
    EXPECT_TRUE(made) << made.error().message;
    Names names;
    for (const sim::FrameName& frame : *made) names.push_back(frame.name);
    return names;
  }
  void stop_s3() { server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::status, .n = 503}); }
  void stop_scripts() { server_.add_fault(Fault{.path = "*tesscurl*", .kind = Kind::status, .n = 503}); }

  sim::ArchiveSim server_;
  contract::HttpStack http_;
  ManualClock clock_;
  std::unique_ptr<TessArchive> archive_;
};

}  // namespace astrofs
