// Files of this machine: who opens one gets what is on the disk then, or is told why not.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>

#include "tests/model/stage.h"

namespace astrofs::model {
namespace {

class LocalFiles : public ModelTest {
 protected:
  LocalFiles() {
    options.folder = folder.path();
    folder.write(kName, "before");
  }

  Result<Attr> found() {
    const auto here = house->lookup(kRootNode, "here");
    if (!here) return here;
    if (const auto listed = house->opendir(here->node); !listed) return tl::unexpected<Error>(listed.error());
    return house->lookup(here->node, kName);
  }

  static constexpr const char* kName = "x.dat";
  const FreshDir folder;
};

TEST_F(LocalFiles, OneThatCannotBeOpenedNowSaysSoAndWhy) {
  mount();
  const auto attr = found();
  ASSERT_TRUE(attr);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto refused = house->open(attr->inode);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().code, Errc::stale) << "nothing has changed";
  EXPECT_TRUE(house->vfs.last_errors().of(attr->node));
  const auto handle = house->open(attr->inode);
  ASSERT_TRUE(handle) << handle.error().message;
  EXPECT_FALSE(house->vfs.last_errors().of(attr->node));
  house->vfs.release(*handle);
}

TEST_F(LocalFiles, OneThatIsReplacedIsNewForTheNextThoughAnotherHasItOpen) {
  mount();
  const auto before = found();
  ASSERT_TRUE(before);
  const auto old = house->open(before->inode);
  ASSERT_TRUE(old);
  folder.write("new", "replaced");
  std::filesystem::rename(folder.path() + "/new", folder.path() + "/" + kName);
  const auto refused = house->open(before->inode);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::stale) << "the kernel looks the name up again";
  const auto after = found();
  ASSERT_TRUE(after);
  const auto fresh = house->open(after->inode);
  ASSERT_TRUE(fresh) << fresh.error().message;
  EXPECT_EQ(house->read(*fresh, {0, 100})->text(), "replaced");
  EXPECT_EQ(house->read(*old, {0, 100})->text(), "before");
  house->vfs.release(*fresh);
  house->vfs.release(*old);
}

}  // namespace
}  // namespace astrofs::model
