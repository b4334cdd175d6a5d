// What stat shows of a name, and how long the kernel may keep it.
#include <gtest/gtest.h>

#include "fs/inode.h"
#include "tests/model/stage.h"

namespace astrofs::model {
namespace {

class Attributes : public ModelTest {
 protected:
  Attr attr(unsigned file) {
    const auto found = look_up(file);
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(Attr{});
  }
  void read_some(unsigned file, ByteRange range) {
    const auto handle = open(file);
    ASSERT_NE(handle, nullptr);
    EXPECT_TRUE(house->read(handle, range));
    house->vfs.release(handle);
    EXPECT_TRUE(house->rest()) << house->unrest();
  }
  Node top() { return house->vfs.node(house->lookup(kRootNode, "sky")->inode).value(); }
};

TEST_F(Attributes, OfAFileAreTheArchives) {
  mount();
  const Attr file = attr(kPlain);
  EXPECT_EQ(file.kind, NodeKind::file);
  EXPECT_EQ(file.size, kLongSize);
  EXPECT_EQ(file.mtime.time_since_epoch().count(), remote.newest(kPlain).mtime);
  EXPECT_EQ(file.cached_bytes, 0U);
  EXPECT_EQ(file.inode, file_inode(file.node, 1));
  EXPECT_GT(file.good_for, seconds(0));
}

TEST_F(Attributes, OfThisMachinesFilesAreAskedForAgainSoonThereOrNot) {
  const FreshDir folder;
  options.folder = folder.path();
  mount();
  const auto here = house->lookup(kRootNode, "here");
  ASSERT_TRUE(here && house->opendir(here->node));
  const auto absent = house->lookup(here->node, "new.fits");
  ASSERT_TRUE(absent) << absent.error().message;
  EXPECT_EQ(absent->inode, 0U);
  EXPECT_EQ(absent->good_for, seconds(2));
  folder.write("new.fits", "SIMPLE");
  const auto found = house->lookup(here->node, "new.fits");
  ASSERT_TRUE(found && found->inode != 0) << "no listing has it yet";
  EXPECT_EQ(found->size, 6U);
  EXPECT_EQ(found->good_for, seconds(2));
}

TEST_F(Attributes, WhatLookupSaysGetattrSays) {
  mount();
  const Attr by_name = attr(kFrame);
  const auto by_inode = house->getattr(by_name.inode);
  ASSERT_TRUE(by_inode);
  EXPECT_EQ(by_inode->node, by_name.node);
  EXPECT_EQ(by_inode->size, by_name.size);
  EXPECT_EQ(by_inode->mtime, by_name.mtime);
}

TEST_F(Attributes, TheBytesThatAreHereAreCounted) {
  mount();
  read_some(kPlain, {0, 100});
  EXPECT_EQ(attr(kPlain).cached_bytes, kBlockSize);
  read_some(kPlain, {0, kLongSize});
  EXPECT_EQ(attr(kPlain).cached_bytes, kLongSize);
}

TEST_F(Attributes, OfADirectoryAreThoseOfItsListing) {
  mount();
  const auto before = house->lookup(kRootNode, "sky");
  ASSERT_TRUE(before);
  ASSERT_TRUE(house->opendir(before->node));
  const auto after = house->lookup(kRootNode, "sky");
  ASSERT_TRUE(after);
  EXPECT_EQ(after->kind, NodeKind::directory);
  EXPECT_EQ(after->inode, after->node) << "a directory has no versions";
  EXPECT_EQ(after->mtime, house->catalog->listing(after->node)->fetched);
  EXPECT_EQ(after->size, 0U);
}

TEST_F(Attributes, OfAPlaceholderHaveTheSizeOfTheFrameAndAreAskedForAgainSoon) {
  mount();
  const Attr real = attr(kFrame);
  remote.set_lost(kFrame, true, false);
  read_some(kFrame, {0, 2880});
  const Attr blank = attr(kFrame);
  EXPECT_EQ(blank.size, real.size);
  EXPECT_EQ(blank.mtime, real.mtime);
  EXPECT_EQ(blank.node, real.node);
  EXPECT_EQ(blank.cached_bytes, 0U) << "nothing of it is stored";
  EXPECT_LT(blank.good_for, real.good_for) << "it gives way when the frame is there again";
}

TEST_F(Attributes, OfANewVersionHaveAnotherInodeUnderTheSameNumber) {
  mount();
  const Attr before = attr(kPlain);
  remote.change(kPlain, 77, kLongSize + 5);
  const auto dir = house->vfs.node(house->lookup(top().id, dir_name(dir_of(kPlain)))->inode);
  ASSERT_TRUE(dir);
  ASSERT_TRUE(house->refresh(*dir));
  const Attr after = attr(kPlain);
  EXPECT_EQ(after.node, before.node) << "st_ino stays";
  EXPECT_NE(after.inode, before.inode) << "and no page of one is shown for the other";
  EXPECT_EQ(after.size, kLongSize + 5);
  EXPECT_NE(after.mtime, before.mtime);
  const auto old = house->open(before.inode);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Errc::stale);
}

TEST_F(Attributes, AreTheSameAfterARestart) {
  mount();
  const Attr before = attr(kFrame);
  mount();
  const Attr after = attr(kFrame);
  EXPECT_EQ(after.inode, before.inode);
  EXPECT_EQ(after.size, before.size);
  EXPECT_EQ(after.mtime, before.mtime);
}

TEST_F(Attributes, SizesThatTheListingDoesNotGiveAreAskedFor) {
  story->sizes_listed = false;
  mount();
  EXPECT_EQ(attr(kPlain).size, kLongSize);
  EXPECT_EQ(attr(kFrame).size, long_frame());
}

/// The notice waits for the directory, which a lookup holds until it is answered; everybody waits behind it.
TEST_F(Attributes, AreLeftOpenWhileTheKernelIsToldOfANameBeside) {
  story->sizes_listed = false;
  mount();
  const auto dir = house->lookup(top().id, dir_name(dir_of(kPlain)));
  ASSERT_TRUE(dir && house->opendir(dir->node));
  remote.hold(1U << kPlain);
  house->notices.told_dir = dir->node;
  const auto now = house->lookup(dir->node, shown_name(kPlain));
  ASSERT_TRUE(now) << "at once";
  EXPECT_EQ(now->good_for, seconds(0));
  EXPECT_TRUE(now->is_private) << "until it is known";
  remote.hold({});
  const auto then = house->getattr(now->inode);
  ASSERT_TRUE(then);
  EXPECT_EQ(then->size, kLongSize);
  EXPECT_GT(then->good_for, seconds(0));
  EXPECT_FALSE(then->is_private);
  EXPECT_EQ(attr(kPlain).inode, now->inode);
}

}  // namespace
}  // namespace astrofs::model
