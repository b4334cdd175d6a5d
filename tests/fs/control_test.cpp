// Where the control socket of a mount lives, and what is cleared away there.
#include "fs/control.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr uid_t kNobody = 65'534;

/// Runs `job` in a child that is no root, so that it is asked about a user's places; what it returns.
template <class Job>
std::string as_user(Job job) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) ::_exit(1);
    const std::string said = job();
    const ssize_t written = ::write(ends[1], said.data(), said.size());
    ::_exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? said : "the child failed";
}

/// The number of a process that has ended.
pid_t dead_pid() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return child;
}

class ControlSocket : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"", "/run", "/run/astrofs", "/cache"}) {
      std::filesystem::create_directories(dir_ + name);
      if (::geteuid() != 0) continue;
      ASSERT_EQ(::chown((dir_ + name).c_str(), kNobody, kNobody), 0);
    }
  }

  /// The socket's path as a daemon of a user chooses it; {pid} for its number. Or what is wrong.
  std::string chosen(const std::string& runtime) {
    return as_user([&] {
      if (runtime.empty()) {
        ::unsetenv("XDG_RUNTIME_DIR");
      } else {
        ::setenv("XDG_RUNTIME_DIR", runtime.c_str(), 1);
      }
      Result<std::string> path = control_socket_path(dir_ + "/cache");
      if (!path) return "error: " + path.error().message;
      const std::string pid = std::to_string(::getpid());
      if (const std::size_t at = path->rfind(pid); at != std::string::npos)
        path->replace(at, pid.size(), "{pid}");
      return *path;
    });
  }
  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  /// A socket that listens, as long as it is held.
  [[nodiscard]] UniqueFd listening(const std::string& below) const {
    const std::string path = dir_ + "/" + below;
    const sockaddr_un address = address_of(path);
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::chmod(path.c_str(), 0666), 0);
    EXPECT_EQ(::listen(socket.get(), 1), 0);
    return socket;
  }
  void leave(const std::string& below) const { std::ofstream(dir_ + "/" + below) << ""; }
  [[nodiscard]] std::set<std::string> names(const std::string& below) const {
    std::set<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ + "/" + below)) {
      all.insert(entry.path().filename().string());
    }
    return all;
  }

  const FreshDir place_;
  const std::string dir_ = place_.path();
};

TEST_F(ControlSocket, OfAUserLivesInHisRuntimeDirectory) {
  std::filesystem::remove(dir_ + "/run/astrofs");  // made when it is not there
  EXPECT_EQ(chosen(dir_ + "/run"), dir_ + "/run/astrofs/{pid}.sock");
  EXPECT_EQ(chosen(dir_ + "/run"), dir_ + "/run/astrofs/{pid}.sock");
  const auto mode = std::filesystem::status(dir_ + "/run/astrofs").permissions();
  EXPECT_EQ(mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
            std::filesystem::perms::none);
}

TEST_F(ControlSocket, WithoutARuntimeDirectoryLivesInTheCache) {
  const std::string in_cache = dir_ + "/cache/{pid}.sock";
  EXPECT_EQ(chosen(""), in_cache);
  EXPECT_EQ(chosen(dir_ + "/is/not/there"), in_cache);
  EXPECT_EQ(chosen("run"), in_cache) << "a relative one is none";
}

TEST_F(ControlSocket, WhosePathIsTooLongForASocketSaysSoAndWhatToDo) {
  const std::string deep = dir_ + "/cache/" + std::string(100, 'x');
  std::filesystem::create_directories(deep);
  const std::string said = as_user([&] {
    ::unsetenv("XDG_RUNTIME_DIR");
    const Result<std::string> path = control_socket_path(deep);
    return path ? *path : path.error().message;
  });
  EXPECT_THAT(said, HasSubstr("too long"));
  EXPECT_THAT(said, HasSubstr(deep));
  EXPECT_THAT(said, HasSubstr("XDG_RUNTIME_DIR"));
}

TEST_F(ControlSocket, OfADaemonThatDiedIsRemoved) {
  // Whether its number is free again, is still kept, or was given to somebody else, does not matter.
  const std::string dead = std::to_string(dead_pid()) + ".sock";
  for (const char* place : {"run/astrofs/", "cache/"}) listening(place + dead).reset();
  for (const std::string& taken : {std::string("1.sock"), std::to_string(::getpid()) + ".sock"}) {
    listening("run/astrofs/" + taken).reset();
  }
  EXPECT_THAT(chosen(dir_ + "/run"), HasSubstr("{pid}"));
  EXPECT_TRUE(names("run/astrofs").empty());
  EXPECT_EQ(names("cache"), std::set<std::string>{dead}) << "not where it does not live";
  EXPECT_THAT(chosen(""), HasSubstr("{pid}"));
  EXPECT_TRUE(names("cache").empty());
}

TEST_F(ControlSocket, OfADaemonThatLivesStays) {
  const std::string own = std::to_string(::getpid()) + ".sock";
  const std::string elsewhere = std::to_string(dead_pid()) + ".sock";  // in a container, under its own number
  const UniqueFd one = listening("run/astrofs/" + own);
  const UniqueFd other = listening("run/astrofs/" + elsewhere);
  (void)chosen(dir_ + "/run");
  EXPECT_THAT(names("run/astrofs"), UnorderedElementsAre(own, elsewhere));
}

TEST_F(ControlSocket, OfADaemonThatHasNoRoomForOneMoreStays) {
  const std::string name = std::to_string(::getpid()) + ".sock";
  const UniqueFd full = listening("run/astrofs/" + name);
  std::vector<UniqueFd> waiting;
  while (waiting.size() < 100) {
    const sockaddr_un address = address_of(dir_ + "/run/astrofs/" + name);
    UniqueFd& next = waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(next.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) break;
  }
  ASSERT_LT(waiting.size(), 100U);
  (void)chosen(dir_ + "/run");
  EXPECT_EQ(names("run/astrofs"), std::set<std::string>{name});
}

TEST_F(ControlSocket, NothingElseIsRemoved) {
  const std::string dead = std::to_string(dead_pid());
  const std::set<std::string> others{
      dead,       dead + ".socket", dead + "x.sock", "x" + dead + ".sock",       "0.sock", "-1.sock",
      "data.mdb", ".sock",          " 1.sock",       "99999999999999999999.sock"};
  for (const std::string& name : others) leave("cache/" + name);
  (void)chosen("");
  EXPECT_EQ(names("cache"), others);
}

}  // namespace
}  // namespace astrofs
