// error, hash, clock and unique_fd: small words with small promises.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <set>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/unique_fd.h"

namespace astrofs {
namespace {

constexpr std::uint8_t kErrcCount = static_cast<std::uint8_t>(Errc::internal) + 1;

TEST(Error, EveryCauseHasAnErrnoAndANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::uint8_t i = 0; i < kErrcCount; ++i) {
    EXPECT_NE(errno_of(static_cast<Errc>(i)), 0);
    names.insert(name_of(static_cast<Errc>(i)));
  }
  EXPECT_EQ(names.size(), kErrcCount);
}

TEST(Error, AnUnreachableArchiveIsNeverAMissingFile) {
  for (const Errc code :
       {Errc::unavailable, Errc::timed_out, Errc::denied, Errc::offline, Errc::corrupt, Errc::internal}) {
    EXPECT_NE(errno_of(code), ENOENT) << name_of(code);
  }
}

TEST(Error, ASystemErrorKeepsItsCauseAndSaysWhere) {
  EXPECT_EQ(system_error(ENOENT, "x").code, Errc::not_found);
  EXPECT_EQ(system_error(ENOSPC, "x").code, Errc::no_space);
  EXPECT_EQ(system_error(EDQUOT, "x").code, Errc::no_space);
  EXPECT_EQ(system_error(EROFS, "x").code, Errc::denied);
  EXPECT_EQ(system_error(EIO, "x").code, Errc::internal);
  EXPECT_EQ(system_error(ENOENT, "open /a").message, "open /a: No such file or directory");
}

TEST(Hash, XxhMatchesThePublishedValueOfTheEmptyInput) {
  EXPECT_EQ(xxh3({}), 0x2d06800538d394c2ULL);
}

TEST(Hash, OneFlippedBitChangesTheHash) {
  std::string text(16384, 'x');
  const std::uint64_t before = xxh3(as_bytes(text));
  text[9000] = 'y';
  EXPECT_NE(xxh3(as_bytes(text)), before);
}

TEST(Hash, TheBoundariesOfPartsCount) {
  EXPECT_NE(sha256_prefix({"ab", "c"}), sha256_prefix({"a", "bc"}));
  EXPECT_NE(sha256_prefix({"a"}), sha256_prefix({"a", ""}));
  EXPECT_EQ(sha256_prefix({"a", "b"}), sha256_prefix({"a", "b"}));
}

TEST(Hash, ThePrefixIsTheSameOnEveryMachine) {
  // printf '\3\0\0\0\0\0\0\0abc' | sha256sum: the names of objects on disk depend on it.
  EXPECT_EQ(to_hex(sha256_prefix({"abc"})), "ce91dc5eec0139adf091900d225971d6");
}

TEST(Hash, DigestsOfPiecesAreThePublishedOnes) {
  StreamDigest md5(DigestKind::md5);  // RFC 1321, appendix 5
  md5.add(as_bytes("message "));
  md5.add(as_bytes("digest"));
  EXPECT_EQ(md5.hex(), "f96b697d7cb7938d525a2f31aaf161d0");
  StreamDigest sha(DigestKind::sha256);  // FIPS 180-4: "abc"
  sha.add(as_bytes("a"));
  sha.add({});
  sha.add(as_bytes("bc"));
  EXPECT_EQ(sha.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hash, HexHasTwoLowerCaseDigitsPerByte) {
  const std::array<std::byte, 3> bytes{std::byte{0x00}, std::byte{0x0f}, std::byte{0xa5}};
  EXPECT_EQ(to_hex(bytes), "000fa5");
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock;
  const SteadyTime steady = clock.steady();
  const SysSeconds wall = clock.wall();
  EXPECT_EQ(clock.steady(), steady);
  clock.advance(milliseconds(2500));
  EXPECT_EQ(clock.steady() - steady, milliseconds(2500));
  EXPECT_EQ(clock.wall() - wall, seconds(2));
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(UniqueFd, ClosesOnceAndMovesItsDescriptor) {
  UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(first);
  const int number = first.get();
  UniqueFd second(std::move(first));
  EXPECT_TRUE(is_open(number));
  EXPECT_EQ(second.get(), number);
  second.reset();
  EXPECT_FALSE(is_open(number));
  EXPECT_FALSE(second);
}

TEST(UniqueFd, ReleaseGivesTheDescriptorAway) {
  UniqueFd owner(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = owner.release();
  owner.reset();
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

}  // namespace
}  // namespace astrofs
