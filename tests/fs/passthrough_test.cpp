// What is said to the kernel of passthrough, byte for byte; the device is a pair of sockets.
#include "fs/passthrough.h"

#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/socket.h>

#include <cstring>

namespace astrofs {
namespace {

constexpr std::uint32_t kPassthroughFlag2 = 1U << 5;
constexpr std::uint64_t kNumber = 77;

class Greeting : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    kernel_ = UniqueFd(ends[0]);
    device_ = UniqueFd(ends[1]);
  }

  /// The kernel greets; what the daemon reads is what was sent.
  void greet(std::uint32_t flags, std::uint32_t flags2, std::uint32_t opcode = FUSE_INIT) {
    struct {
      fuse_in_header header;
      fuse_init_in body;
    } request{};
    request.header.len = sizeof request;
    request.header.opcode = opcode;
    request.header.unique = kNumber;
    request.body.major = FUSE_KERNEL_VERSION;
    request.body.minor = 40;
    request.body.flags = flags;
    request.body.flags2 = flags2;
    ASSERT_EQ(::send(kernel_.get(), &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
    char buffer[4096];
    ASSERT_EQ(passthrough_.read(device_.get(), buffer, sizeof buffer), static_cast<ssize_t>(sizeof request));
    EXPECT_EQ(std::memcmp(buffer, &request, sizeof request), 0);
  }

  struct Answer {
    fuse_out_header header;
    fuse_init_out body;
  };
  /// As libfuse answers; what the kernel gets of it.
  [[nodiscard]] Answer answer(std::uint64_t number, std::int32_t error = 0) {
    Answer out{};
    out.header = {sizeof out, error, number};
    out.body.major = FUSE_KERNEL_VERSION;
    out.body.minor = 38;
    out.body.flags = FUSE_ASYNC_READ;
    out.body.max_write = 1 << 20;
    iovec parts[2] = {{&out.header, sizeof out.header}, {&out.body, sizeof out.body}};
    EXPECT_EQ(passthrough_.writev(device_.get(), parts, 2), static_cast<ssize_t>(sizeof out));
    Answer got{};
    EXPECT_EQ(::recv(kernel_.get(), &got, sizeof got, 0), static_cast<ssize_t>(sizeof got));
    EXPECT_EQ(got.header.len, sizeof got);
    EXPECT_EQ(got.body.max_write, 1U << 20);
    EXPECT_NE(got.body.flags & FUSE_ASYNC_READ, 0U);
    return got;
  }
  [[nodiscard]] static bool asks_for_it(const Answer& got) {
    std::uint32_t depth = 0;
    std::memcpy(&depth, reinterpret_cast<const char*>(&got.body) + 36, sizeof depth);
    const bool flagged = (got.body.flags2 & kPassthroughFlag2) != 0;
    EXPECT_EQ(flagged, (got.body.flags & FUSE_INIT_EXT) != 0);
    EXPECT_EQ(depth, flagged ? 1U : 0U);
    return flagged;
  }

  Passthrough passthrough_{"/tmp"};
  UniqueFd kernel_, device_;
};

TEST_F(Greeting, AKernelThatOffersItIsAskedForIt) {
  greet(FUSE_INIT_EXT, kPassthroughFlag2);
  EXPECT_TRUE(asks_for_it(answer(kNumber)));
}

TEST_F(Greeting, AnOlderKernelIsAnsweredAsBefore) {
  greet(FUSE_INIT_EXT, 0);
  EXPECT_FALSE(asks_for_it(answer(kNumber)));
  EXPECT_FALSE(passthrough_.ready());
}

TEST_F(Greeting, LookupsSideBySideAreAskedForWhereTheyAreOffered) {
  greet(FUSE_INIT_EXT | FUSE_PARALLEL_DIROPS, 0);
  const Answer got = answer(kNumber);
  EXPECT_NE(got.body.flags & FUSE_PARALLEL_DIROPS, 0U);
  EXPECT_FALSE(asks_for_it(got));
}

TEST_F(Greeting, LookupsSideBySideAreNotAskedForWhereTheyAreNotOffered) {
  greet(FUSE_INIT_EXT, kPassthroughFlag2);
  EXPECT_EQ(answer(kNumber).body.flags & FUSE_PARALLEL_DIROPS, 0U);
}

TEST_F(Greeting, FlagsThatAKernelDoesNotSendAreNotRead) {
  greet(0, kPassthroughFlag2);
  EXPECT_FALSE(asks_for_it(answer(kNumber)));
}

TEST_F(Greeting, OnlyTheAnswerToItIsCompletedAndOnlyOnce) {
  greet(FUSE_INIT_EXT, kPassthroughFlag2);
  EXPECT_FALSE(asks_for_it(answer(kNumber + 1)));
  EXPECT_TRUE(asks_for_it(answer(kNumber)));
  EXPECT_FALSE(asks_for_it(answer(kNumber)));
}

TEST_F(Greeting, ARefusalGoesOutAsItIs) {
  greet(FUSE_INIT_EXT, kPassthroughFlag2);
  EXPECT_FALSE(asks_for_it(answer(kNumber, -EPROTO)));
}

TEST_F(Greeting, AnotherRequestIsNone) {
  greet(FUSE_INIT_EXT, kPassthroughFlag2, FUSE_GETATTR);
  EXPECT_FALSE(asks_for_it(answer(kNumber)));
}

TEST_F(Greeting, ADeviceThatTakesNoFilesIsSaidToTakeNone) {
  greet(FUSE_INIT_EXT, kPassthroughFlag2);
  passthrough_.attach(device_.get());
  EXPECT_FALSE(passthrough_.ready());
  EXPECT_EQ(passthrough_.give(device_.get()), std::nullopt);
}

TEST(OpenReply, NamesTheFileAndKeepsNoPages) {
  for (const bool direct : {false, true}) {
    const auto bytes = Passthrough::open_reply(0x1122334455667788, 9, direct);
    std::uint64_t handle = 0;
    std::uint32_t flags = 0;
    std::int32_t backing = 0;
    std::memcpy(&handle, bytes.data(), sizeof handle);
    std::memcpy(&flags, bytes.data() + 8, sizeof flags);
    std::memcpy(&backing, bytes.data() + 12, sizeof backing);
    EXPECT_EQ(handle, 0x1122334455667788U);
    EXPECT_EQ(flags & (1U << 7), 1U << 7) << "passthrough";
    EXPECT_EQ(flags & FOPEN_KEEP_CACHE, 0U);
    EXPECT_EQ(flags & FOPEN_DIRECT_IO, direct ? FOPEN_DIRECT_IO : 0U);
    EXPECT_EQ(backing, 9);
  }
}

}  // namespace
}  // namespace astrofs
