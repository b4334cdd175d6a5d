// What random walks found, or find too seldom: one case, one test.
#include <gtest/gtest.h>

#include "tests/model/stage.h"

namespace astrofs::model {
namespace {

constexpr ByteRange kHead{0, kBlockSize};
constexpr ByteRange kTail{10ULL * kBlockSize, kBlockSize};

TEST_F(ModelTest, AFrameThatIsWithdrawnWhileItArrivesIsNeverHalfBlank) {
  mount();
  const auto handle = open(kFrame);
  ASSERT_NE(handle, nullptr);
  remote.hold_bodies(1U << kFrame);
  Call<Bytes> head;
  house->vfs.read(handle, kHead, head.reply());
  ASSERT_TRUE(eventually([this] { return house->client.heads() > 0; }));
  remote.set_lost(kFrame, true, false);
  const auto tail = house->read(handle, kTail);
  remote.hold_bodies(0);
  const auto first = head.wait();
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(house->rest());
  // Blank or an error, as soon as any of it was blank.
  ASSERT_TRUE(tail) << tail.error().message;
  ASSERT_NE(handle->file->placeholder(), nullptr);
  EXPECT_FALSE(is_real(kFrame, kHead, *first));
  EXPECT_EQ(head.answers(), 1U);
  house->vfs.release(handle);
}

TEST_F(ModelTest, SiblingsThatStallDoNotCostAPlaceholder) {
  options.timeout = milliseconds(2'000);
  mount();
  const auto handle = open(kFrame);
  ASSERT_NE(handle, nullptr);
  remote.set_lost(kFrame, true, false);
  remote.hold(~(1U << kFrame));
  const auto bytes = house->read(handle, kHead);
  remote.hold({});
  EXPECT_TRUE(bytes) << bytes.error().message;
  EXPECT_NE(handle->file->placeholder(), nullptr);
}

TEST_F(ModelTest, AFrameOfWhichSomethingWasReadIsNeverBlankedForThatReader) {
  mount();
  const auto handle = open(kFrame);
  ASSERT_NE(handle, nullptr);
  ASSERT_TRUE(is_real(kFrame, kHead, house->read(handle, kHead)));
  remote.set_lost(kFrame, true, false);
  const auto tail = house->read(handle, kTail);
  ASSERT_FALSE(tail);
  EXPECT_EQ(tail.error().code, Errc::stale);
  ASSERT_TRUE(house->rest());
  const auto again = open(kFrame);
  ASSERT_NE(again, nullptr);
  EXPECT_NE(again->file->placeholder(), nullptr) << "the next open sees the placeholder";
}

/// The kernel keeps pages of a file that is closed.
class KernelPages : public ModelTest {
 protected:
  void SetUp() override {
    mount();
    const auto handle = open(kFrame);
    ASSERT_NE(handle, nullptr);
    ASSERT_TRUE(is_real(kFrame, kHead, house->read(handle, kHead)));
    version = handle->file->version;
    house->vfs.release(handle);
    ASSERT_TRUE(house->rest());
  }

  FileVersion version;  ///< of a frame of which there may be some
};

TEST_F(KernelPages, AreNeverThoseOfAFrameThatIsBlanked) {
  auto handle = open(kFrame);
  ASSERT_NE(handle, nullptr);
  EXPECT_FALSE(handle->file->pages_are_others) << "they are kept, and may be shown";
  EXPECT_TRUE(handle->file->served());
  house->vfs.release(handle);
  ASSERT_TRUE(house->rest());
  ASSERT_TRUE(house->cache.evict(version));
  handle = open(kFrame);
  ASSERT_NE(handle, nullptr);
  EXPECT_TRUE(handle->file->pages_are_others) << "they are dropped, and anything may be shown";
  EXPECT_FALSE(handle->file->served());
  remote.set_lost(kFrame, true, false);
  ASSERT_TRUE(house->read(handle, kHead));
  EXPECT_NE(handle->file->placeholder(), nullptr);
}

/// What every further open drops, it waits for: a read that stalls would hold it, and not even SIGKILL ends
/// that.
TEST_F(KernelPages, ThatMayBeAnothersAreDroppedUntilTheFirstRead) {
  ASSERT_TRUE(house->cache.evict(version));
  const auto handle = open(kFrame);
  ASSERT_NE(handle, nullptr);
  EXPECT_TRUE(handle->file->pages_are_others);
  ASSERT_TRUE(is_real(kFrame, kHead, house->read(handle, kHead)));
  const auto second = open(kFrame);
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(second->file->pages_are_others);
  house->vfs.release(second);
  house->vfs.release(handle);
}

TEST_F(KernelPages, AreDroppedOnceWhenTheFileWasFetchedAnewBehindItsReaders) {
  ASSERT_TRUE(house->cache.evict(version));
  house->cache.prefetch(version, {0, version.size});
  ASSERT_TRUE(house->rest());
  ASSERT_GT(house->cache.presence(version).bytes, 0U);
  for (const bool are_others : {true, false}) {
    const auto handle = open(kFrame);
    ASSERT_NE(handle, nullptr);
    EXPECT_EQ(handle->file->pages_are_others, are_others);
    house->vfs.release(handle);
  }
}

TEST_F(ModelTest, TheFirstMirrorsDenialAndTheSecondsTroubleMakeNoPlaceholder) {
  story->mirrors = 2;
  mount();
  const auto handle = open(kFrame);
  ASSERT_NE(handle, nullptr);
  remote.set_lost(kFrame, true, true);
  remote.trouble(Trouble::busy, 1000, 1);
  const auto bytes = house->read(handle, kHead);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::unavailable);
  EXPECT_EQ(handle->file->placeholder(), nullptr);
  remote.trouble(Trouble::none, 0, -1);
  EXPECT_TRUE(is_real(kFrame, kHead, house->read(handle, kHead)));
}

TEST_F(ModelTest, AFileThatChangesBetweenTwoDownloadsWithoutAnETagIsNeverMixed) {
  story->validators = Validators::dated;
  mount();
  const auto handle = open(kPlain);
  ASSERT_NE(handle, nullptr);
  ASSERT_TRUE(is_real(kPlain, kHead, house->read(handle, kHead)));
  remote.change(kPlain, 77, kLongSize);
  const auto tail = house->read(handle, kTail);
  ASSERT_FALSE(tail);
  EXPECT_EQ(tail.error().code, Errc::stale);
}

TEST_F(ModelTest, AVersionThatWasEvictedAndHasChangedSinceIsNotFilledWithTheNewOne) {
  story->validators = Validators::answered;
  mount();
  auto handle = open(kPlain);
  ASSERT_NE(handle, nullptr);
  ASSERT_TRUE(is_real(kPlain, kHead, house->read(handle, kHead)));
  const FileVersion version = handle->file->version;
  house->vfs.release(handle);
  handle.reset();
  ASSERT_TRUE(house->rest());
  ASSERT_TRUE(house->cache.evict(version));
  remote.change(kPlain, 78, kLongSize);
  // The kernel may still have pages of it under this inode.
  handle = open(kPlain);
  ASSERT_NE(handle, nullptr);
  ASSERT_EQ(handle->file->version.object, version.object);
  const auto bytes = house->read(handle, kTail);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::stale);
}

TEST_F(ModelTest, AnOpenThatWaitsForASizeOpensNoNewerVersion) {
  story->sizes_listed = false;
  mount();
  const auto sky = house->lookup(kRootNode, "sky");
  ASSERT_TRUE(sky && house->opendir(sky->node));
  const auto dir = house->lookup(sky->node, dir_name(dir_of(kPlain)));
  ASSERT_TRUE(dir && house->opendir(dir->node));
  const Node old = house->catalog->child(dir->node, shown_name(kPlain)).value();
  ASSERT_FALSE(old.size);
  remote.hold(1U << kPlain);
  Call<std::shared_ptr<OpenHandle>> opened;
  house->vfs.open(inode_of(old), opened.reply());
  story->sizes_listed = true;
  remote.change(kPlain, 79, kLongSize + 5);
  ASSERT_TRUE(house->refresh(house->catalog->node(dir->node).value()));
  remote.hold({});
  const auto result = opened.wait();
  ASSERT_TRUE(result.has_value());
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, Errc::stale);
  EXPECT_EQ(look_up(kPlain)->size, kLongSize + 5);
}

TEST_F(ModelTest, AStalledReadEndsAtItsDeadlineAndTheOthersGoOn) {
  options.timeout = milliseconds(3000);
  mount();
  const auto stalled = open(kFrame);
  const auto other = open(kPlain);
  ASSERT_NE(stalled, nullptr);
  ASSERT_NE(other, nullptr);
  remote.hold(1U << kFrame);
  Call<Bytes> waiting;
  house->vfs.read(stalled, kHead, waiting.reply());
  EXPECT_TRUE(is_real(kPlain, kHead, house->read(other, kHead)));
  EXPECT_EQ(waiting.answers(), 0U);
  const auto bytes = waiting.wait();
  ASSERT_TRUE(bytes.has_value());
  ASSERT_FALSE(*bytes);
  EXPECT_EQ(bytes->error().code, Errc::timed_out);
  EXPECT_EQ(stalled->file->placeholder(), nullptr);
  remote.hold({});
  EXPECT_TRUE(house->rest()) << house->unrest();
}

TEST_F(ModelTest, EveryReaderIsAnsweredOnceWhenTheMountEnds) {
  mount();
  const auto handle = open(kPlain);
  ASSERT_NE(handle, nullptr);
  remote.hold_bodies(1U << kPlain);
  house->cache.prefetch(handle->file->version,
                        {0, kLongSize});  // a reader who joins a prefetch is asked for again when it fails
  std::vector<Call<Bytes>> calls(20);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    house->vfs.read(handle, {i * 8192, 8192}, calls[i].reply());
  }
  house.reset();
  for (Call<Bytes>& call : calls) EXPECT_EQ(call.answers(), 1U);
}

TEST_F(ModelTest, OfflineNothingIsAskedAndWhatIsHereIsRead) {
  mount();
  const auto online = open(kPlain);
  ASSERT_NE(online, nullptr);
  ASSERT_TRUE(is_real(kPlain, {0, kLongSize}, house->read(online, {0, kLongSize})));
  house->vfs.release(online);
  options.offline = true;
  mount();
  const auto cached = open(kPlain);
  ASSERT_NE(cached, nullptr);
  EXPECT_TRUE(is_real(kPlain, {0, kLongSize}, house->read(cached, {0, kLongSize})));
  const auto frame = open(kFrame);
  ASSERT_NE(frame, nullptr);
  ASSERT_NE(frame->file->placeholder(), nullptr);
  EXPECT_EQ(frame->file->placeholder()->size(), long_frame());
  EXPECT_EQ(house->vfs.state_of(node(kFrame)), FileState::not_fetched);
  EXPECT_EQ(house->client.requests(), 0U);
}

}  // namespace
}  // namespace astrofs::model
