// Whether a caller is being ended by a signal.
#include "fs/caller.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace astrofs {
namespace {

TEST(Caller, WhoRunsIsNotDying) {
  EXPECT_FALSE(is_dying(::gettid()));
}

TEST(Caller, WhoHandlesOrBlocksASignalIsNotDying) {
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals, &before);
  ::pthread_kill(::pthread_self(), SIGUSR1);
  EXPECT_FALSE(is_dying(::gettid()));
  int taken = 0;
  ::sigwait(&signals, &taken);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Caller, WhoIsGoneOrCannotBeSeenCountsAsDying) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(is_dying(child));
  EXPECT_TRUE(is_dying(0));
}

}  // namespace
}  // namespace astrofs
