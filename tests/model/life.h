// One life of a mount over an archive that changes, fails and comes back: random calls, each answer judged
// against everything that the archive ever was. Runs in a process of its own, which it may end as kill -9
// would.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/model/house.h"

namespace astrofs::model {

/// An archive as an episode begins.
void begin_story(Story& story, std::uint64_t seed);

struct LifePlan {
  std::string dir;
  std::uint64_t seed{0};
  unsigned steps{30};
  bool offline{false};
  bool dies{false};   ///< SIGKILL instead of a clean end
  bool hasty{false};  ///< calls have little time, servers stall
};

class Life {
 public:
  Life(Story& story, LifePlan plan);
  ~Life();
  /// Throws std::runtime_error with what is wrong. Does not return when it dies.
  void run();

 private:
  enum class Kind : std::uint8_t { nothing, real, blank };
  struct Handle {
    unsigned file{0};
    Inode inode{0};
    std::shared_ptr<OpenHandle> open;
    bool doubtful{false};  ///< the file changed at the archive since it was opened, or had before
    unsigned declined{0};
  };
  struct Flying {
    std::shared_ptr<Handle> handle;
    ByteRange range;
    Call<Bytes> call;
    bool interrupted{false};
  };

  [[noreturn]] void wrong(const std::string& what) const;
  void check(bool condition, const std::string& what) const;
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  unsigned any_file() { return static_cast<unsigned>(pick(kFiles)); }
  std::shared_ptr<Handle> any_handle();
  ByteRange any_range(const Handle& handle);
  Node dir_node(unsigned dir);

  void step();
  void begin();
  void look_up(unsigned file);
  void look_attributes();
  void open_file(unsigned file);
  void read_some();
  void close_one();
  void read_directory(unsigned dir);
  void evict_something();
  void refresh(unsigned dir);
  void ask_again(unsigned file);
  void change_archive();
  void change_content(unsigned file);
  void make_trouble();
  void heal();
  void burst(bool and_leave);
  void converge(unsigned file);
  bool saw_newest(unsigned file);
  void quiet();

  void judge_read(Handle& handle, ByteRange range, const Result<Bytes>& result, bool interrupted);
  void judge_bytes(Handle& handle, ByteRange range, const Bytes& bytes);
  void judge_attr(unsigned file, const Attr& attr);
  void judge_error(unsigned file, const Error& error, bool doubtful, const std::string& what) const;
  [[nodiscard]] bool may_be_absent(unsigned file) const;

  Story& story_;
  const LifePlan plan_;
  std::mt19937_64 random_;
  HouseOptions options_;
  Remote remote_;
  std::unique_ptr<House> house_;
  std::vector<std::shared_ptr<Handle>> handles_;
  std::vector<Flying> left_;     ///< not waited for at the end
  std::map<Inode, Kind> kinds_;  ///< what an inode's pages hold, as the kernel may have kept them
  std::set<Errc> excused_;       ///< by trouble since the last rest
  std::optional<std::uint32_t> certain_[kDirs];  ///< the listing that is shown, where that is certain
  std::string doing_;
};

}  // namespace astrofs::model
