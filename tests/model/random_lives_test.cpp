// Episodes of mounts over one archive and one cache directory: each life in a process of its own, some of
// which are killed. A failure prints its seed; ASTROFS_SEED=<n> runs that episode alone, ASTROFS_EPISODES=<n>
// so many.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <new>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "tests/model/life.h"
#include "tests/support/fresh_dir.h"

namespace astrofs::model {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr unsigned kEpisodes = 40;
#else
constexpr unsigned kEpisodes = 250;
#endif

class SharedStory {
 public:
  SharedStory() {
    void* place = ::mmap(nullptr, sizeof(Story), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) throw std::bad_alloc();
    story_ = new (place) Story;
  }
  ~SharedStory() { ::munmap(story_, sizeof(Story)); }
  SharedStory(const SharedStory&) = delete;
  SharedStory& operator=(const SharedStory&) = delete;
  Story& operator*() { return *story_; }

 private:
  Story* story_;
};

using Tallies = std::array<std::uint64_t, kTallies>;

/// "" when the life went as it should.
std::string live(Story& story, const LifePlan& plan) {
  story.meant_to_die = false;
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      Life life(story, plan);
      life.run();
    } catch (const std::exception& failure) {
      std::snprintf(story.wrong, sizeof story.wrong, "%s", failure.what());
      ::_exit(1);  // the parts may be beyond an orderly end
    }
    std::fflush(nullptr);
    ::exit(0);  // with the sanitizers' last look
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return "no process";
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && story.meant_to_die) return "";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  const std::string end = WIFEXITED(status) ? fmt::format("exit {}", WEXITSTATUS(status))
                                            : fmt::format("signal {}", WTERMSIG(status));
  return fmt::format("{}: {}", end, story.wrong);
}

void episode(std::uint64_t seed, Tallies& tallies) {
  SharedStory shared;
  begin_story(*shared, seed);
  const FreshDir cache;
  std::mt19937_64 random(seed * 7919);
  const unsigned lives = 2 + static_cast<unsigned>(random() % 3);
  for (unsigned i = 0; i < lives; ++i) {
    LifePlan plan;
    plan.dir = cache.path();
    plan.seed = random();
    plan.steps = 10 + static_cast<unsigned>(random() % 40);
    plan.offline = i > 0 && random() % 5 == 0;
    plan.dies = random() % 2 == 0;
    plan.hasty = random() % 8 == 0;
    const std::string outcome = live(*shared, plan);
    ASSERT_EQ(outcome, "") << "ASTROFS_SEED=" << seed << ", life " << i << (plan.offline ? ", offline" : "")
                           << (plan.hasty ? ", hasty" : "");
  }
  for (unsigned i = 0; i < kTallies; ++i) tallies[i] += (*shared).tally[i];
}

TEST(Model, RandomLivesNeverSeeWhatTheArchiveNeverSaid) {
  ::setenv("ASTROFS_LOG_LEVEL", "error", 0);
  ASSERT_TRUE(log::start("", log::Level::error));
  Tallies tallies{};
  if (const char* seed = std::getenv("ASTROFS_SEED"))
    return episode(std::strtoull(seed, nullptr, 10), tallies);
  const char* wanted = std::getenv("ASTROFS_EPISODES");
  const std::uint64_t episodes = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : kEpisodes;
  for (std::uint64_t seed = 1; seed <= episodes && !HasFatalFailure(); ++seed) episode(seed, tallies);
  std::printf("reads: %s\n", fmt::format("{}", fmt::join(tallies, " ")).c_str());
  if (HasFatalFailure() || episodes < kEpisodes) return;
  for (unsigned i = 0; i < kTallies; ++i) EXPECT_GT(tallies[i], 0U) << "the walks never came to case " << i;
}

}  // namespace
}  // namespace astrofs::model
