// user.astrofs.*: what scripts read of a file.
#include "fs/xattrs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/model/stage.h"

namespace astrofs::model {
namespace {

class Xattrs : public ModelTest {
 protected:
  std::string value(unsigned file, const std::string& name) {
    return get_xattr(house->vfs, node(file), "user.astrofs." + name, "/run/socket").value_or("none");
  }
};

TEST_F(Xattrs, TellStateBytesAddressAndValidatorOfAFile) {
  mount();
  EXPECT_EQ(value(kFrame, "state"), "remote");
  EXPECT_EQ(value(kFrame, "cached"), "0");
  EXPECT_EQ(value(kFrame, "url"), "http://a.test/5");
  EXPECT_EQ(value(kFrame, "source"), "sky");
  EXPECT_EQ(value(kFrame, "etag"), remote.etag(kFrame, remote.newest(kFrame), 0));
  EXPECT_EQ(value(kFrame, "placeholder"), "none");
  EXPECT_EQ(value(kFrame, "name"), "none");
  EXPECT_EQ(value(kFrame, "control"), "none");
}

TEST_F(Xattrs, TheStateFollowsWhatIsCached) {
  mount();
  const auto handle = open(kPlain);
  ASSERT_NE(handle, nullptr);
  ASSERT_TRUE(house->read(handle, {0, 100}));
  ASSERT_TRUE(house->rest());
  EXPECT_EQ(value(kPlain, "state"), "partial");
  EXPECT_EQ(value(kPlain, "cached"), std::to_string(kBlockSize));
  ASSERT_TRUE(house->read(handle, {0, kLongSize}));
  ASSERT_TRUE(house->rest());
  EXPECT_EQ(value(kPlain, "state"), "cached");
  EXPECT_EQ(value(kPlain, "cached"), std::to_string(kLongSize));
}

TEST_F(Xattrs, AnETagThatOnlyAnswersGiveIsShownOnceItIsKnown) {
  story->validators = Validators::answered;
  mount();
  EXPECT_EQ(value(kPlain, "etag"), "none");
  const auto handle = open(kPlain);
  ASSERT_NE(handle, nullptr);
  ASSERT_TRUE(house->read(handle, {0, 100}));
  ASSERT_TRUE(house->rest());
  EXPECT_EQ(value(kPlain, "etag"), remote.etag(kPlain, remote.newest(kPlain), 0));
}

TEST_F(Xattrs, AMissingFrameSaysThatItIsAPlaceholder) {
  mount();
  remote.set_lost(kFrame, true, false);
  const auto handle = open(kFrame);
  ASSERT_NE(handle, nullptr);
  ASSERT_TRUE(house->read(handle, {0, 2880}));
  EXPECT_EQ(value(kFrame, "state"), "placeholder");
  EXPECT_EQ(value(kFrame, "placeholder"), "1");
  EXPECT_EQ(value(kFrame, "cached"), "0");
}

TEST_F(Xattrs, AnEscapedNameIsToldAsTheArchiveWritesIt) {
  mount();
  EXPECT_EQ(value(1, "name"), raw_name(1));
  EXPECT_NE(shown_name(1), raw_name(1));
}

TEST_F(Xattrs, TheListNamesExactlyWhatCanBeRead) {
  mount();
  const Node file = node(1);
  const auto names = list_xattrs(house->vfs, file);
  EXPECT_NE(std::find(names.begin(), names.end(), "user.astrofs.name"), names.end());
  EXPECT_EQ(std::find(names.begin(), names.end(), "user.astrofs.placeholder"), names.end());
  for (const std::string& name : names) EXPECT_TRUE(get_xattr(house->vfs, file, name, "")) << name;
}

TEST_F(Xattrs, TheRootTellsTheControlSocketAndFilesDoNot) {
  mount();
  const Node root = house->vfs.node(kRootNode).value();
  EXPECT_EQ(get_xattr(house->vfs, root, "user.astrofs.control", "/run/socket").value_or("none"),
            "/run/socket");
  EXPECT_EQ(list_xattrs(house->vfs, root), std::vector<std::string>{"user.astrofs.control"});
}

TEST_F(Xattrs, OtherNamesAreNoAttributes) {
  mount();
  for (const std::string name :
       {"user.other", "security.selinux", "user.astrofs.", "user.astrofs.nonsense", ""}) {
    const auto got = get_xattr(house->vfs, node(kFrame), name, "");
    ASSERT_FALSE(got) << name;
    EXPECT_EQ(got.error().code, Errc::not_found);
  }
}

}  // namespace
}  // namespace astrofs::model
