// A file of this machine as a fetch: all of the range, in order, at the pace of its sink.
#include "fs/file_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

class SlowSink final : public Sink {
 public:
  explicit SlowSink(int pauses) : pauses_(pauses) {}
  bool begin(ByteRange arriving, std::function<void()> resume) override {
    arriving_ = arriving;
    resume_ = std::move(resume);
    return true;
  }
  Flow data(std::uint64_t offset, std::span<const std::byte> data) override {
    if (pauses_-- > 0) {
      // At once, from another thread and sometimes before the pause is heard of; and once more than needed.
      resumers_.push_back(std::async(std::launch::async, [this] {
        resume_();
        resume_();
      }));
      return Flow::pause;
    }
    pauses_ = 1;
    EXPECT_EQ(offset, arriving_.offset + got_.size());
    got_.append(reinterpret_cast<const char*>(data.data()), data.size());
    return got_.size() > most_ ? Flow::stop : Flow::proceed;
  }
  void end(Result<void> result) override { ended_.set_value(std::move(result)); }

  Result<void> wait() { return ended_.get_future().get(); }
  void stop_after(std::size_t most) { most_ = most; }
  [[nodiscard]] const std::string& got() const { return got_; }

 private:
  int pauses_;
  std::size_t most_{SIZE_MAX};
  ByteRange arriving_;
  std::string got_;
  std::function<void()> resume_;
  std::promise<Result<void>> ended_;
  std::vector<std::future<void>> resumers_;
};

class FileStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < 2'000'000; ++i) content_ += static_cast<char>(i * 2654435761U >> 13U);
    const FreshDir dir;
    file_ = UniqueFd(::open(dir.write("a", content_).c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(file_);
  }
  Result<void> stream(ByteRange range, const std::shared_ptr<SlowSink>& sink, std::stop_token stop = {}) {
    executor_.submit([&] { FileStream::start(executor_, std::move(file_), range, sink, std::move(stop)); });
    return sink->wait();
  }

  Executor executor_{"store", 2};
  UniqueFd file_;
  std::string content_;
};

TEST_F(FileStreamTest, BringsARangeThroughEveryPause) {
  const auto sink = std::make_shared<SlowSink>(1);
  EXPECT_TRUE(stream({1000, 1'900'000}, sink));
  EXPECT_TRUE(sink->got() == content_.substr(1000, 1'900'000));
}

TEST_F(FileStreamTest, AFileThatHasBecomeShorterIsAnErrorAndNoShorterFile) {
  const auto sink = std::make_shared<SlowSink>(0);
  EXPECT_EQ(stream({0, 2'000'001}, sink).error().code, Errc::stale);
}

TEST_F(FileStreamTest, EndsWhenItIsNotWantedAnyMore) {
  const auto sink = std::make_shared<SlowSink>(0);
  sink->stop_after(1);
  EXPECT_EQ(stream({0, 2'000'000}, sink).error().code, Errc::interrupted);
  std::stop_source stop;
  stop.request_stop();
  const auto other = std::make_shared<SlowSink>(0);
  file_ = UniqueFd(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(stream({0, 2'000'000}, other, stop.get_token()).error().code, Errc::interrupted);
}

}  // namespace
}  // namespace astrofs
