#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/cache/index_fixture.h"

namespace astrofs::test {
namespace {

class IndexBlocks : public testing::Test {
 protected:
  FreshDir dir_;
  Index index_{dir_.path()};
};

TEST_F(IndexBlocks, PresenceAndHashesAreKeptPerBlock) {
  const FileVersion version = version_of(1, 100 * kBlockSize);
  index_.writer().add_blocks(version, some_blocks(1, 60, 70));
  ASSERT_TRUE(index_.writer().flush());
  const auto first = index_.catalog().blocks(version.object, 0);
  const auto second = index_.catalog().blocks(version.object, 1);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->present, 0xFULL << 60);
  EXPECT_EQ(second->present, 0x7FULL);
  EXPECT_EQ(first->hashes[61], hash_of(1, 61));
  EXPECT_EQ(second->hashes[6], hash_of(1, 70));
  EXPECT_EQ(index_.catalog().blocks(version.object, 7)->present, 0U);
  EXPECT_EQ(index_.catalog().used_bytes(), 11U * kBlockSize);
  EXPECT_EQ(audit(index_.catalog()), "");
}

TEST_F(IndexBlocks, TheLastBlockCountsAsLongAsItIs) {
  const FileVersion version = version_of(1, kBlockSize + 100);
  index_.writer().add_blocks(version, some_blocks(1, 0, 1));
  index_.writer().add_blocks(version, some_blocks(1, 1, 5));  // some again, and some behind the end
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_EQ(index_.catalog().used_bytes(), kBlockSize + 100U);
  EXPECT_EQ(index_.catalog().object(version.object)->present_bytes, kBlockSize + 100U);
  index_.writer().drop_blocks(version.object, {1});
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_EQ(index_.catalog().used_bytes(), kBlockSize);
  EXPECT_EQ(audit(index_.catalog()), "");
}

TEST_F(IndexBlocks, ADroppedObjectLeavesNothing) {
  const FileVersion one = version_of(1, 1 << 22);
  const FileVersion two = version_of(2, 1 << 20);
  index_.writer().add_blocks(one, some_blocks(1, 0, 255));
  index_.writer().add_blocks(two, some_blocks(2, 0, 9));
  ASSERT_TRUE(index_.drop_object(one.object));
  EXPECT_EQ(index_.catalog().object(one.object).error().code, Errc::not_found);
  for (std::uint32_t chunk = 0; chunk < 4; ++chunk)
    EXPECT_EQ(index_.catalog().blocks(one.object, chunk)->present, 0U);
  EXPECT_EQ(index_.catalog().used_bytes(), 10U * kBlockSize);
  EXPECT_EQ(index_.catalog().object_count(), 1U);
  EXPECT_EQ(audit(index_.catalog()), "");
  ASSERT_TRUE(index_.drop_object(one.object)) << "gone is gone";
}

TEST_F(IndexBlocks, TheLongestUnusedComesFirst) {
  for (std::uint64_t number = 1; number <= 600; ++number) {
    index_.writer().add_blocks(version_of(number, 100), some_blocks(number, 0, 0));
  }
  ASSERT_TRUE(index_.writer().flush());
  index_.writer().touch(version_of(1, 100));
  index_.writer().touch(version_of(4711, 100));  // not here: nothing to note
  index_.reopen();
  std::vector<Hash128> order;
  ASSERT_TRUE(index_.catalog().scan_oldest([&](const Hash128& id, const ObjectState&) {
    order.push_back(id);
    return true;
  }));
  ASSERT_EQ(order.size(), 600U);
  EXPECT_EQ(order.front(), version_of(2, 100).object);
  EXPECT_EQ(order[598], version_of(600, 100).object);
  EXPECT_EQ(order.back(), version_of(1, 100).object);
  EXPECT_EQ(audit(index_.catalog()), "");
}

TEST_F(IndexBlocks, OfTwoPathsToAnObjectItBelongsToThePinnedOne) {
  ASSERT_TRUE(index_.list(kRootNode, {file_entry("a"), file_entry("b"), file_entry("c")}));
  const auto by = [&](const std::string& name) {
    FileVersion version = version_of(1, 2 * kBlockSize);
    version.node = index_.child(kRootNode, name).id;
    return version;
  };
  const auto owner = [&] {
    EXPECT_TRUE(index_.writer().flush());
    EXPECT_EQ(audit(index_.catalog()), "");
    return index_.catalog().object(by("a").object)->node;
  };
  index_.writer().add_blocks(by("a"), some_blocks(1, 0, 0));
  index_.writer().touch(by("b"));
  EXPECT_EQ(owner(), by("a").node) << "nothing is pinned";
  index_.writer().set_pin(by("b").node, true);
  EXPECT_FALSE(index_.catalog().pinned(by("a")));
  index_.writer().touch(by("b"));
  index_.writer().touch(by("a"));
  index_.writer().touch(by("c"));
  EXPECT_EQ(owner(), by("b").node);
  EXPECT_TRUE(index_.catalog().pinned(by("a"))) << "by the other path";
  index_.writer().set_pin(by("b").node, false);
  index_.writer().set_pin(by("c").node, true);
  index_.writer().add_blocks(by("c"), some_blocks(1, 1, 1));
  EXPECT_EQ(owner(), by("c").node) << "read by it, not opened anew";
}

TEST_F(IndexBlocks, EtagsStayWithTheirObject) {
  const FileVersion version = version_of(3, 1000);
  index_.writer().set_etags(version, "https://a \"x\"\n");
  index_.writer().add_blocks(version, some_blocks(3, 0, 0));
  index_.writer().touch(version);
  index_.reopen();
  EXPECT_EQ(index_.catalog().object(version.object)->etags, "https://a \"x\"\n");
  EXPECT_EQ(audit(index_.catalog()), "");
}

TEST_F(IndexBlocks, ChangesBecomeVisibleWithoutAnybodyWaiting) {
  const FileVersion version = version_of(1, 1000);
  index_.writer().add_blocks(version, some_blocks(1, 0, 0));
  for (int tries = 0; tries < 3000 && index_.catalog().used_bytes() == 0; ++tries) usleep(10'000);
  EXPECT_EQ(index_.catalog().used_bytes(), 1000U);
}

TEST_F(IndexBlocks, AnErrorReachesOnlyWhoCausedIt) {
  std::promise<Result<void>> bad;
  std::promise<Result<void>> good;
  index_.writer().set_size(999, 1, 1, {}, "", [&](Result<void> result) { bad.set_value(std::move(result)); });
  index_.writer().set_pin(kRootNode, true, [&](Result<void> result) { good.set_value(std::move(result)); });
  EXPECT_EQ(bad.get_future().get().error().code, Errc::not_found);
  EXPECT_TRUE(good.get_future().get());
}

TEST_F(IndexBlocks, ABurstBeyondTheQueueIsForgottenAndHarmsNothing) {
  // More blocks than may wait, faster than any disk: some are dropped, what is kept adds up.
  for (std::uint64_t number = 1; number <= 300; ++number) {
    index_.writer().add_blocks(version_of(number, 1ULL << 24), some_blocks(number, 0, 1023));
  }
  ASSERT_TRUE(index_.writer().flush());
  EXPECT_GT(index_.catalog().used_bytes(), 0U);
  EXPECT_EQ(audit(index_.catalog()), "");
}

}  // namespace
}  // namespace astrofs::test
