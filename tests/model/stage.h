// An archive with one version of each file and a mount of it, for tests of one thing.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/log.h"
#include "tests/model/house.h"
#include "tests/support/fresh_dir.h"

namespace astrofs::model {

inline constexpr unsigned kFrame = 5;  ///< a frame in "d0"
inline constexpr unsigned kPlain = 0;  ///< no FITS file
/// Longer than what is fetched with a head.
inline constexpr std::uint64_t kLongSize = 12ULL * kBlockSize;

class ModelTest : public ::testing::Test {
 protected:
  ModelTest() {
    (void)log::start("", log::Level::error);  // what goes wrong here is meant to
    for (unsigned file = 0; file < kFiles; ++file) {
      remote.change(file, 1000 + file, is_frame(file) ? long_frame() : kLongSize);
      story->seen[file].changed = false;
    }
    options.dir = cache.path();
  }
  static std::uint64_t long_frame() { return frame_size() + 60ULL * 2880; }

  House& mount() {
    house.reset();
    house = std::make_unique<House>(remote, options);
    return *house;
  }
  Result<Attr> look_up(unsigned file) {
    const auto sky = house->lookup(kRootNode, "sky");
    if (!sky) return sky;
    if (const auto top = house->opendir(sky->node); !top) return tl::unexpected<Error>(top.error());
    const auto dir = house->lookup(sky->node, dir_name(dir_of(file)));
    if (!dir) return dir;
    return house->lookup(dir->node, shown_name(file));
  }
  std::shared_ptr<OpenHandle> open(unsigned file) {
    const auto attr = look_up(file);
    if (!attr) return nullptr;
    return house->open(attr->inode).value_or(nullptr);
  }
  Node node(unsigned file) { return house->vfs.node(look_up(file)->inode).value(); }
  bool is_real(unsigned file, ByteRange range, const Result<Bytes>& bytes) {
    return bytes && bytes->text() == content_of(file, remote.newest(file), range);
  }

  const std::unique_ptr<Story> story = std::make_unique<Story>();
  Remote remote{*story};
  FreshDir cache;
  HouseOptions options;
  std::unique_ptr<House> house;
};

}  // namespace astrofs::model
