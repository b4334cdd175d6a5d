// Frames that are missing for good: what stands in for them, and what it costs the archive to make it.
#include "fs/missing_frames.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/format/fits_layout.h"
#include "backends/tess_target_shape.h"
#include "tests/cache/block_support.h"
#include "tests/fs/placeholder_fixture.h"

namespace astrofs {
namespace {

using fake::kFrameName;
using Made = std::shared_ptr<const Placeholder>;

constexpr std::uint64_t kWidth = 160, kHeight = 100;
constexpr const char* kCurve = "tess2018206045859-s0001-0000000025132999-0120-s_lc.fits";

/// Frames of one detector, light curves, and notes of which nobody knows what they look like.
class Sky final : public Archive {
 public:
  Result<std::variant<Listing, NotModified>> list(std::string_view, std::string_view,
                                                  std::stop_token) override {
    return fail(Errc::unavailable, "nobody lists here");
  }
  Result<std::vector<http::Request>> locate(std::string_view) override {
    return fail(Errc::unavailable, "nobody asks where");
  }
  [[nodiscard]] Result<FrameShape> shape(std::string_view locator) const override {
    if (locator.ends_with("_ffic.fits")) return fake::ffi_shape(kWidth, kHeight);
    if (locator.ends_with("_lc.fits")) return tess::target_shape_of(locator);
    return fail(Errc::unsupported, "not a frame");
  }
  [[nodiscard]] Result<FrameShape> shape_like(std::string_view locator,
                                              const TableModel& model) const override {
    return tess::target_shape_of(locator, model);
  }
};

/// A real frame's headers with data behind them.
std::string frame_with(const SiblingHeader& header) {
  std::string file;
  for (const auto& cards : header.hdu_cards) {
    const std::size_t begin = file.size();
    for (const std::string& card : cards) file += card;
    file += "END";
    file.resize(begin + (file.size() - begin + fake::kBlock - 1) / fake::kBlock * fake::kBlock, ' ');
    const auto parsed = parse_fits_header(as_bytes(std::string_view(file).substr(begin)));
    EXPECT_TRUE(parsed && parsed->complete);
    file.resize(file.size() + parsed->data_length, '\0');
  }
  return file;
}

class MissingFramesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rig_.writer->replace_listing(kRootNode,
                                 {{"sky", NodeKind::directory, std::nullopt, {}, "", ""},
                                  {"strict", NodeKind::directory, std::nullopt, {}, "", ""}},
                                 {}, {});
    ASSERT_TRUE(rig_.writer->flush());
    std::vector<MountedArchive> archives(2);
    archives[0].name = "sky";
    archives[1].name = "strict";
    archives[1].missing = MissingPolicy::enoent;
    for (MountedArchive& one : archives) one.archive = std::make_unique<Sky>();
    archives_ = std::make_unique<ArchiveTable>(*rig_.catalog, std::move(archives));
    frames_ = std::make_unique<MissingFrames>(*rig_.catalog, *rig_.cache, *archives_, turns_,
                                              std::chrono::seconds(8));
  }
  void TearDown() override { wake_.stop(); }

  /// The directory's files, all of the frame's size where they are given one; the first of them.
  Node listed(const std::vector<std::string>& names, std::optional<std::uint64_t> size,
              const std::string& dir = "sky") {
    std::vector<ListedEntry> entries;
    for (const std::string& name : names) entries.push_back({name, NodeKind::file, size, {}, name, ""});
    const NodeId top = rig_.catalog->child(kRootNode, dir)->id;
    rig_.writer->replace_listing(top, std::move(entries), {}, {});
    EXPECT_TRUE(rig_.writer->flush());
    return *rig_.catalog->child(top, names.front());
  }
  Node sibling(const std::string& name) {
    return *rig_.catalog->child(rig_.catalog->child(kRootNode, "sky")->id, name);
  }
  /// Its bytes are in the cache.
  void cached(const Node& node, const std::string& content) {
    rig_.cache->prefetch(archives_->version(node), {0, content.size()});
    serve(content);
    ASSERT_TRUE(rig_.settle());
  }
  /// The next request brings them.
  void serve(const std::string& content) {
    const auto fetch = rig_.source->next();
    ASSERT_TRUE(fetch);
    ASSERT_TRUE(fetch->begin());
    const ByteRange range = fetch->range();
    fetch->send_raw(range.offset, content.substr(range.offset, range.length));
    fetch->end();
  }
  std::future<Result<Made>> make(const Node& node, MissingCause cause = MissingCause::denied_by_archive) {
    auto promise = std::make_shared<std::promise<Result<Made>>>();
    frames_->make(node, cause, [promise](Result<Made> made) { promise->set_value(std::move(made)); });
    return promise->get_future();
  }
  /// Text of a card of its first image; "" when there is none.
  static std::string card_of(const Result<Made>& made, std::string_view keyword) {
    return made ? fake::find(fake::parse(fake::contents(**made)).at(1), keyword) : made.error().message;
  }

  const std::string frame_ = frame_with(fake::synthetic_sibling({.width = kWidth, .height = kHeight}));
  const std::string lost_{kFrameName};
  block_test::Rig rig_;
  Executor wake_{"wake", 1};
  ArchiveTurns turns_{wake_, 1};
  std::unique_ptr<ArchiveTable> archives_;
  std::unique_ptr<MissingFrames> frames_;
};

TEST_F(MissingFramesTest, OnlyWhatTheArchiveKnowsAndTheMountWantsIsMade) {
  EXPECT_TRUE(frames_->can_make(listed({lost_}, frame_.size())));
  EXPECT_FALSE(frames_->can_make(listed({"notes.fits"}, frame_.size())));
  EXPECT_FALSE(frames_->can_make(listed({lost_}, frame_.size(), "strict")));
}

TEST_F(MissingFramesTest, ACachedSiblingTellsItsCardsAndNobodyIsAsked) {
  const Node lost = listed({lost_, "a_ffic.fits", "z_ffic.fits"}, frame_.size());
  cached(sibling("z_ffic.fits"), frame_);
  const Result<Made> made = make(lost).get();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ((*made)->size(), frame_.size());
  EXPECT_NE(card_of(made, "CTYPE1"), "") << "the pointing is the sibling's";
  EXPECT_EQ(rig_.source->fetches(), 1U) << "that of the sibling's own reader";
}

TEST_F(MissingFramesTest, ANeighbourOfAnotherKindIsPassedOver) {
  const Node lost = listed({lost_, "u_ffir.fits", "v_ffic.fits"}, frame_.size());
  const std::string raw =
      frame_with(fake::synthetic_sibling({.width = kWidth, .height = kHeight, .bitpix = 32}));
  ASSERT_EQ(raw.size(), frame_.size());
  cached(sibling("u_ffir.fits"), raw);
  auto made = make(lost);
  serve(frame_);
  const Result<Made> placeholder = made.get();
  EXPECT_THAT(card_of(placeholder, "BITPIX"), ::testing::HasSubstr(" -32"));
  EXPECT_NE(card_of(placeholder, "CTYPE1"), "") << "the pointing is that of the neighbour's neighbour";
}

TEST_F(MissingFramesTest, WithoutOneTheHeadOfANeighbourIsFetched) {
  const Node lost = listed({lost_, "u_ffic.fits", "v_ffic.fits", "w_ffic.fits"}, frame_.size());
  auto made = make(lost);
  serve(frame_);
  EXPECT_NE(card_of(made.get(), "CTYPE1"), "");
  EXPECT_EQ(rig_.source->fetches(), 1U);
  EXPECT_LE(rig_.source->bytes_asked(), 64U * 1024);
}

TEST_F(MissingFramesTest, WhenNoNeighbourAnswersTheNameAloneTells) {
  const Node lost = listed({lost_, "u_ffic.fits", "v_ffic.fits", "w_ffic.fits"}, frame_.size());
  rig_.source->refuse(Errc::unavailable);
  const Result<Made> made = make(lost).get();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ((*made)->size(), frame_.size());
  EXPECT_EQ(card_of(made, "CTYPE1"), "");
  EXPECT_EQ(rig_.source->fetches(), 2U) << "no more neighbours than that";
}

TEST_F(MissingFramesTest, AnotherMissingFrameIsNoNeighbour) {
  const Node lost = listed({lost_, "u_ffic.fits"}, frame_.size());
  rig_.writer->set_missing(sibling("u_ffic.fits").id, sibling("u_ffic.fits").generation, true, {});
  ASSERT_TRUE(rig_.writer->flush());
  EXPECT_TRUE(make(lost).get());
  EXPECT_EQ(rig_.source->fetches(), 0U);
}

TEST_F(MissingFramesTest, OfflineNobodyIsAsked) {
  const Node lost = listed({lost_, "u_ffic.fits"}, frame_.size());
  EXPECT_TRUE(make(lost, MissingCause::not_fetched).get());
  EXPECT_EQ(rig_.source->fetches(), 0U);
}

TEST_F(MissingFramesTest, AFrameOfUnknownSizeHasTheSizeItWasShownWith) {
  const Node lost = listed({lost_}, std::nullopt);
  const Result<std::uint64_t> shown = frames_->natural_size(lost);
  ASSERT_TRUE(shown);
  const Result<Made> made = make(lost).get();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ((*made)->size(), *shown);
}

TEST_F(MissingFramesTest, ASizeThatNoHeaderGivesIsAnErrorAndNoOtherSize) {
  const Result<Made> made = make(listed({lost_}, frame_.size() + 1)).get();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::unsupported);
}

TEST_F(MissingFramesTest, RowsThatWereLearntAreThoseOfTheTable) {
  Node lost = listed({kCurve}, std::nullopt);
  rig_.writer->set_missing(lost.id, lost.generation, true, "like 18012,0,0");
  ASSERT_TRUE(rig_.writer->flush());
  lost = *rig_.catalog->node(lost.id);
  EXPECT_EQ(card_of(make(lost).get(), "NAXIS2").substr(10, 20), "               18012");
}

TEST_F(MissingFramesTest, NothingIsLearntWhereTheArchiveKnowsNoFamilies) {
  const Node lost = listed({kCurve}, std::nullopt);
  std::string layout = "not called";
  frames_->learn(lost, [&layout](std::string said) { layout = std::move(said); });
  EXPECT_EQ(layout, "") << "at once";
}

}  // namespace
}  // namespace astrofs
