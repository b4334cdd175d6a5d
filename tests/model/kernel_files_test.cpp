// Which opens hand their file to the kernel: complete and checked ones, all handles of an inode alike.
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "tests/model/stage.h"

namespace astrofs::model {
namespace {

/// Keeps what it is given, as the kernel does.
class FakeKernel final : public KernelFiles {
 public:
  Result<void> ready() override {
    return willing_ ? Result<void>() : fail(Errc::denied, "it is not willing");
  }
  std::optional<Id> give(int fd) override {
    const std::lock_guard lock(mutex_);
    if (!takes_) return std::nullopt;
    files_.emplace(++last_, UniqueFd(::dup(fd)));
    return last_;
  }
  void take_back(Id id) override {
    const std::lock_guard lock(mutex_);
    ASSERT_EQ(files_.erase(id), 1U) << "taken back twice";
  }
  void be_willing(bool willing) { willing_ = willing; }
  void take(bool takes) { takes_ = takes; }
  [[nodiscard]] std::size_t held() const {
    const std::lock_guard lock(mutex_);
    return files_.size();
  }
  [[nodiscard]] std::string read(Id id) const {
    const std::lock_guard lock(mutex_);
    const int fd = files_.at(id).get();
    std::string bytes(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return bytes;
  }

 private:
  std::atomic<bool> willing_{true}, takes_{true};
  mutable std::mutex mutex_;
  std::map<Id, UniqueFd> files_;
  Id last_{0};
};

class FilesForTheKernel : public ModelTest {
 protected:
  FilesForTheKernel() { options.kernel = &kernel; }
  ~FilesForTheKernel() override { house.reset(); }

  void read_whole(const std::shared_ptr<OpenHandle>& handle) {
    const ByteRange all{0, handle->file->version.size};
    ASSERT_TRUE(is_real(kPlain, all, house->read(handle, all)));
  }
  /// Reads the file to its end, after which it is complete and gets checked.
  void make_ready() {
    const auto handle = open(kPlain);
    ASSERT_NE(handle, nullptr);
    const FileVersion version = handle->file->version;
    read_whole(handle);
    house->vfs.release(handle);
    ASSERT_TRUE(eventually([&] { return house->cache.checked_file(version) != nullptr; }));
    ASSERT_TRUE(house->rest());  // and it was compared with the archive's checksums
  }

  FakeKernel kernel;
};

TEST_F(FilesForTheKernel, ACompleteFileIsHandedOverWithItsBytes) {
  mount();
  make_ready();
  const auto handle = open(kPlain);
  ASSERT_TRUE(handle->file->given);
  EXPECT_EQ(kernel.read(handle->file->given.id()),
            content_of(kPlain, remote.newest(kPlain), {0, handle->file->version.size}));
  house->vfs.release(handle);
}

TEST_F(FilesForTheKernel, AllHandlesShareOneAndTheLastTakesItBack) {
  mount();
  make_ready();
  auto first = open(kPlain);
  auto second = open(kPlain);
  EXPECT_EQ(first->file, second->file);
  EXPECT_EQ(kernel.held(), 1U);
  house->vfs.release(first);
  first.reset();
  EXPECT_EQ(kernel.held(), 1U);
  house->vfs.release(second);
  second.reset();
  EXPECT_EQ(kernel.held(), 0U);
}

TEST_F(FilesForTheKernel, AFileThatBecomesCompleteWhileItIsOpenIsNotHandedOver) {
  mount();
  const auto first = open(kPlain);
  ASSERT_FALSE(first->file->given);
  make_ready();
  const auto second = open(kPlain);
  EXPECT_FALSE(second->file->given);
  house->vfs.release(first);
  house->vfs.release(second);
  const auto third = open(kPlain);
  EXPECT_TRUE(third->file->given);
  house->vfs.release(third);
}

TEST_F(FilesForTheKernel, APartOfAFileIsNotHandedOver) {
  mount();
  const auto handle = open(kPlain);
  ASSERT_TRUE(house->read(handle, {0, 4ULL * kBlockSize}));
  house->vfs.release(handle);
  ASSERT_TRUE(house->rest());
  const auto again = open(kPlain);
  EXPECT_FALSE(again->file->given);
  house->vfs.release(again);
}

TEST_F(FilesForTheKernel, AKernelThatRefusesCostsNothing) {
  mount();
  make_ready();
  kernel.take(false);
  const auto handle = open(kPlain);
  ASSERT_NE(handle, nullptr);
  EXPECT_FALSE(handle->file->given);
  read_whole(handle);
  house->vfs.release(handle);
}

TEST_F(FilesForTheKernel, NothingIsCheckedForAKernelThatIsNotWilling) {
  kernel.be_willing(false);
  mount();
  const auto handle = open(kPlain);
  read_whole(handle);
  house->vfs.release(handle);
  ASSERT_TRUE(house->rest());
  EXPECT_FALSE(house->vfs.passthrough());
  EXPECT_EQ(house->metrics.value("astrofs_cache_checked_files_total"), 0);
}

TEST_F(FilesForTheKernel, AFileThatTheKernelReadsGivesWayToNoPlaceholder) {
  mount();
  make_ready();
  const auto handle = open(kPlain);
  ASSERT_TRUE(handle->file->given);
  EXPECT_TRUE(handle->file->served());
  EXPECT_FALSE(handle->file->set_placeholder(nullptr));
  house->vfs.release(handle);
}

TEST_F(FilesForTheKernel, ANewVersionIsAnotherInodeAndTheOldOneKeepsItsBytes) {
  mount();
  make_ready();
  const auto old = open(kPlain);
  ASSERT_TRUE(old->file->given);
  const std::string bytes = kernel.read(old->file->given.id());
  remote.change(kPlain, 4711, kLongSize);
  ASSERT_TRUE(house->refresh(house->catalog->node(old->file->node.parent).value()));
  const auto fresh = open(kPlain);
  ASSERT_NE(fresh, nullptr);
  EXPECT_NE(inode_of(fresh->file->node), inode_of(old->file->node));
  EXPECT_FALSE(fresh->file->given);
  read_whole(fresh);
  EXPECT_EQ(kernel.read(old->file->given.id()), bytes);
  house->vfs.release(fresh);
  house->vfs.release(old);
}

}  // namespace
}  // namespace astrofs::model
