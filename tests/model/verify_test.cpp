// What becomes of files whose bytes do not fit the archive's checksums.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "fs/xattrs.h"
#include "tests/model/stage.h"

namespace astrofs::model {
namespace {

constexpr ByteRange kWhole{0, kLongSize};

class VerifyTest : public ModelTest {
 protected:
  [[nodiscard]] std::string md5_of(unsigned file) {
    StreamDigest md5(DigestKind::md5);
    const std::string content = content_of(file, remote.newest(file), {0, remote.newest(file).size});
    md5.add(as_bytes(content));
    return md5.hex();
  }
  void say_digest(unsigned file, std::string hex, bool certain = true) {
    remote.set_digest(remote.etag(file, remote.newest(file), 0), {DigestKind::md5, std::move(hex), certain});
  }
  Result<Bytes> read_all(unsigned file) {
    const auto handle = open(file);
    if (!handle) return fail(Errc::internal, "cannot be opened");
    auto bytes = house->read(handle, kWhole);
    house->vfs.release(handle);
    return bytes;
  }
  std::string attribute(unsigned file, const std::string& name) {
    return get_xattr(house->vfs, node(file), "user.astrofs." + name, "").value_or("none");
  }
  std::string verified(unsigned file) {
    EXPECT_TRUE(house->rest()) << house->unrest();
    return attribute(file, "verified");
  }
};

TEST_F(VerifyTest, AFileThatFitsItsDigestIsVerifiedOnceItIsComplete) {
  say_digest(kPlain, md5_of(kPlain));
  mount();
  const auto handle = open(kPlain);
  ASSERT_TRUE(house->read(handle, {0, 100}));
  house->vfs.release(handle);
  EXPECT_EQ(verified(kPlain), "unavailable") << "of a part nothing can be said";
  ASSERT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
  EXPECT_EQ(verified(kPlain), "yes");
  mount();
  EXPECT_EQ(verified(kPlain), "yes") << "it is remembered";
}

TEST_F(VerifyTest, AFileWithoutAChecksumIsServedAndNotVerified) {
  mount();
  ASSERT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
  EXPECT_EQ(verified(kPlain), "unavailable");
}

TEST_F(VerifyTest, ACopyThatIsContradictedIsFetchedOnceMoreAndThenRight) {
  say_digest(kPlain, md5_of(kPlain));
  mount();
  remote.flip(kPlain, 1);
  const auto handle = open(kPlain);
  const auto bad = house->read(handle, kWhole);
  ASSERT_TRUE(bad);
  EXPECT_FALSE(is_real(kPlain, kWhole, bad)) << "nobody can know before all of it is here";
  ASSERT_TRUE(house->rest()) << house->unrest();
  const auto late = house->read(handle, kWhole);
  ASSERT_FALSE(late) << "who has the bad copy open gets no more of it";
  EXPECT_EQ(late.error().code, Errc::stale);
  house->vfs.release(handle);
  EXPECT_EQ(verified(kPlain), "yes") << "the second copy came by itself";
  const auto requests = house->client.requests();
  EXPECT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
  EXPECT_EQ(house->client.requests(), requests);
  EXPECT_EQ(house->metrics.value("astrofs_files_contradicted_total"), 1);
}

TEST_F(VerifyTest, WhatIsContradictedTwiceIsRefusedAndAskedForNoMore) {
  say_digest(kPlain, md5_of(kPlain));
  mount();
  remote.flip(kPlain, 2);
  ASSERT_TRUE(read_all(kPlain));
  EXPECT_EQ(verified(kPlain), "no");
  const std::uint64_t both = house->client.requests();
  for (int life = 0; life < 2; ++life) {
    const std::uint64_t before = house->client.requests();
    const auto refused = read_all(kPlain);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
    EXPECT_NE(refused.error().message.find("MD5 does not fit"), std::string::npos) << refused.error().message;
    EXPECT_EQ(verified(kPlain), "no");
    EXPECT_EQ(house->client.requests(), before);
    mount();
  }
  // The archive mends it: evicting is asking for another try, and a new version begins anew by itself.
  ASSERT_TRUE(look_up(kPlain));
  ASSERT_TRUE(house->cache.evict(house->archives.version(node(kPlain))));
  const std::uint64_t before = house->client.requests();
  EXPECT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
  EXPECT_EQ(verified(kPlain), "yes");
  EXPECT_EQ(both, 2 * (house->client.requests() - before)) << "one further copy, no more";
}

TEST_F(VerifyTest, ANewVersionOfARefusedFileIsReadAgain) {
  say_digest(kPlain, md5_of(kPlain));
  mount();
  remote.flip(kPlain, 2);
  ASSERT_TRUE(read_all(kPlain));
  ASSERT_EQ(verified(kPlain), "no");
  remote.change(kPlain, 4711, kLongSize);
  ASSERT_TRUE(house->refresh(house->catalog->node(node(kPlain).parent).value()));
  EXPECT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
}

TEST_F(VerifyTest, AnETagThatLooksLikeADigestCondemnsNothingUntilOneHasFitted) {
  const unsigned other = 10;  // "a.dat" of the other directory
  say_digest(kPlain, std::string(32, 'a'), false);
  say_digest(other, md5_of(other), false);
  mount();
  ASSERT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
  EXPECT_EQ(verified(kPlain), "unavailable");
  ASSERT_TRUE(is_real(other, kWhole, read_all(other)));
  EXPECT_EQ(verified(other), "yes");
  const auto found = house->verifier.verify(house->archives.version(node(kPlain)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->proof, Proof::contradicted);
}

TEST_F(VerifyTest, AnArchiveMayBeExempt) {
  say_digest(kPlain, std::string(32, 'a'));
  options.verify = VerifyPolicy::off;
  mount();
  ASSERT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
  EXPECT_EQ(verified(kPlain), "unavailable");
  EXPECT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
}

TEST_F(VerifyTest, WhatIsReportedIsServedAndSaidToBeWrong) {
  say_digest(kPlain, std::string(32, 'a'));
  options.verify = VerifyPolicy::report;
  mount();
  ASSERT_TRUE(read_all(kPlain));
  EXPECT_EQ(verified(kPlain), "no");
  const auto requests = house->client.requests();
  EXPECT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
  EXPECT_EQ(verified(kPlain), "no");
  EXPECT_EQ(house->client.requests(), requests);
  const auto found = house->verifier.verify(house->archives.version(node(kPlain)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->proof, Proof::contradicted);
}

TEST_F(VerifyTest, WhatWasCompleteAndNeverComparedIsComparedWhenItIsOpened) {
  say_digest(kPlain, md5_of(kPlain));
  options.offline = false;
  mount();
  house->cache.observe(nullptr);  // as if the process had died before its turn came
  ASSERT_TRUE(read_all(kPlain));
  EXPECT_EQ(verified(kPlain), "unavailable");
  options.offline = true;
  mount();
  ASSERT_TRUE(read_all(kPlain));
  EXPECT_EQ(verified(kPlain), "yes");
}

TEST_F(VerifyTest, AMountThatEndsDuringASecondCopyEndsAtOnce) {
  say_digest(kPlain, md5_of(kPlain));
  mount();
  const auto handle = open(kPlain);
  remote.flip(kPlain, 1);
  ASSERT_TRUE(house->read(handle, kWhole));
  house->vfs.release(handle);
  remote.hold(1U << kPlain);
  ASSERT_TRUE(eventually([this] { return node(kPlain).generation > 1 && house->cache.flights() > 0; }));
  house.reset();
  remote.hold({});
  mount();
  EXPECT_TRUE(is_real(kPlain, kWhole, read_all(kPlain)));
  EXPECT_EQ(verified(kPlain), "yes");
}

}  // namespace
}  // namespace astrofs::model
