#include "fs/session.h"

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/executor.h"
#include "base/log.h"
#include "fs/ops.h"

namespace astrofs {
namespace {

/// Callbacks never wait, so a few threads serve any number of readers.
constexpr unsigned kFuseThreads = 4;

/// ENOENT from the kernel only means that it does not know the name or inode: nothing to forget. From offset
/// 0 on it would drop a file's pages too, and wait for a read of them that is pending, in a state that not
/// even SIGKILL ends: the process would stay as a zombie and the mount with it. From -1 it drops attributes
/// only. Pages of a directory are never waited for.
void tell_kernel(fuse_session& session, const Notice& notice) {
  if (const auto* entry = std::get_if<EntryNotice>(&notice)) {
    (void)fuse_lowlevel_notify_inval_entry(&session, entry->parent, entry->name.c_str(), entry->name.size());
  } else {
    const auto& inode = std::get<InodeNotice>(notice);
    (void)fuse_lowlevel_notify_inval_inode(&session, inode.inode, inode.entries ? 0 : -1, 0);
  }
}

/// In libfuse's option lists a comma ends an option, unless a backslash stands before it.
std::string escaped(const std::string& value) {
  std::string out;
  for (const char letter : value) {
    if (letter == ',' || letter == '\\') out.push_back('\\');
    out.push_back(letter);
  }
  return out;
}

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

/// Wakes the thread that serves from its sleep in libfuse, which looks then whether it shall end.
constexpr int kWakeSignal = SIGUSR1;
constexpr std::chrono::milliseconds kWakeAgain{10};

/// Calls `end` when the process is told to end, on a thread of its own, and wakes the thread that made this
/// until that destroys it: a signal that came just before it falls asleep would be lost.
class SignalWait {
 public:
  explicit SignalWait(std::function<void()> end)
      : end_(std::move(end)), served_(pthread_self()), thread_([this] { run(); }) {}
  ~SignalWait() {
    over_ = true;
    pthread_kill(thread_.native_handle(), SIGTERM);  // if it still waits
  }
  SignalWait(const SignalWait&) = delete;
  SignalWait& operator=(const SignalWait&) = delete;

 private:
  void run() {
    name_this_thread("signals");
    const sigset_t signals = ending_signals();
    int came = 0;
    sigwait(&signals, &came);
    if (over_) return;
    end_();
    for (; !over_; std::this_thread::sleep_for(kWakeAgain)) pthread_kill(served_, kWakeSignal);
  }

  const std::function<void()> end_;
  const pthread_t served_;
  std::atomic<bool> over_{false};
  std::jthread thread_;
};

#if FUSE_VERSION < FUSE_MAKE_VERSION(3, 17)
Passthrough& passthrough_of(void* userdata) {
  return *static_cast<OpsContext*>(userdata)->passthrough;
}
ssize_t read_device(int device, void* buffer, size_t size, void* userdata) {
  return passthrough_of(userdata).read(device, buffer, size);
}
ssize_t write_device(int device, iovec* parts, int count, void* userdata) {
  return passthrough_of(userdata).writev(device, parts, count);
}
#endif

struct ArgsDeleter {
  void operator()(fuse_args* args) const {
    fuse_opt_free_args(args);
    delete args;
  }
};

}  // namespace

class Session::Impl {
 public:
  explicit Impl(const SessionOptions& options) : options_(options), passthrough_(options.cache_dir) {
    context_.passthrough = &passthrough_;
    context_.uid = options.owner_uid;
    context_.gid = options.owner_gid;
    context_.control_socket = options.control_socket;
  }
  ~Impl() {
    unmount();
    if (session_ != nullptr) fuse_session_destroy(session_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> mount();
  Result<void> serve(Vfs& vfs, Notifier& notifier, std::function<void()> ready);
  KernelFiles& kernel_files() { return passthrough_; }
  void unmount() {
    if (!mounted_) return;
    mounted_ = false;
    detach();
  }

 private:
  void detach() const;

  const SessionOptions options_;
  OpsContext context_;
  Passthrough passthrough_;
  fuse_session* session_{nullptr};
  bool mounted_{false};
};

Result<void> Session::Impl::mount() {
  std::string list =
      fmt::format("ro,nosuid,nodev,default_permissions,subtype=astrofs,fsname={}", escaped(options_.source));
  if (options_.allow_other) list += ",allow_other";
  for (const std::string& option : options_.fuse_options) list += ',' + option;
  std::unique_ptr<fuse_args, ArgsDeleter> args(new fuse_args{});
  fuse_opt_add_arg(args.get(), "mount.astrofs");
  fuse_opt_add_arg(args.get(), "-o");
  fuse_opt_add_arg(args.get(), list.c_str());
  session_ = fuse_session_new(args.get(), &fuse_operations(), sizeof(fuse_lowlevel_ops), &context_);
  if (session_ == nullptr) return fail(Errc::invalid, "libfuse refuses the mount options: " + list);
  if (fuse_session_mount(session_, options_.mountpoint.c_str()) != 0) {
    return fail(
        Errc::denied,
        fmt::format(
            "cannot mount on {}; is /dev/fuse there, is fusermount3 installed, and may you mount here?",
            options_.mountpoint));
  }
  mounted_ = true;
  passthrough_.attach(fuse_session_fd(session_));
#if FUSE_VERSION < FUSE_MAKE_VERSION(3, 17)
  // The library does not know passthrough: its reads and writes of the device go through ours.
  constexpr fuse_custom_io kDevice{write_device, read_device, nullptr, nullptr};
  if (fuse_session_custom_io(session_, &kDevice, fuse_session_fd(session_)) != 0)
    return fail(Errc::internal, "libfuse refuses the functions that read and write its device");
#endif
  return {};
}

/// What fuse_session_unmount() does, but the descriptor stays open until the session goes: replies are still
/// on their way, and its number must not become a file of the cache that they are then written to.
void Session::Impl::detach() const {
  pollfd device{fuse_session_fd(session_), 0, 0};
  // POLLERR: unmounted already, and what is mounted there now is not ours.
  if (::poll(&device, 1, 0) > 0 && (device.revents & POLLERR) != 0) return;
  if (::geteuid() == 0) {
    (void)::umount2(options_.mountpoint.c_str(), MNT_DETACH);
    return;
  }
  std::string program("fusermount3"), unmount("-u"), quiet("-q"), lazy("-z"), end("--"),
      place(options_.mountpoint);
  char* arguments[] = {program.data(), unmount.data(), quiet.data(), lazy.data(),
                       end.data(),     place.data(),   nullptr};
  pid_t child = 0;
  if (::posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ) != 0) return;
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<void> Session::Impl::serve(Vfs& vfs, Notifier& notifier, std::function<void()> ready) {
  context_.vfs = &vfs;
  context_.ready = std::move(ready);
  notifier.attach([this](const Notice& notice) { tell_kernel(*session_, notice); });
  const std::unique_ptr<fuse_loop_config, decltype(&fuse_loop_cfg_destroy)> config(fuse_loop_cfg_create(),
                                                                                   fuse_loop_cfg_destroy);
  // clone_fd of 3.14 leaves descriptors of /dev/fuse open in children, which keeps a dead mount alive.
  fuse_loop_cfg_set_clone_fd(config.get(), 0);
  fuse_loop_cfg_set_max_threads(config.get(), kFuseThreads);
  fuse_loop_cfg_set_idle_threads(config.get(), kFuseThreads);
  // A notice of a name waits in the kernel for lookups in its directory, in a state that not even SIGKILL
  // ends: the last one is told while there is still somebody to answer them.
  const auto fall_silent = [&] {
    vfs.answer_all();
    notifier.detach();
  };
  int outcome = 0;
  {
    const SignalWait ending([&] {
      fall_silent();
      fuse_session_exit(session_);
    });
    outcome = fuse_session_loop_mt(session_, config.get());
  }
  fall_silent();  // unmounted: the kernel has given up what waits there
  if (outcome < 0)
    return fail(Errc::internal, fmt::format("the FUSE session ended: {}", std::strerror(-outcome)));
  return {};
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::mount(const SessionOptions& options) {
  // Inherited by every thread made from here on: serve() waits for them. One that comes before must not leave
  // a dead mount.
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};  // without SA_RESTART: what sleeps wakes up
  sigaction(kWakeSignal, &nothing, nullptr);
  auto impl = std::make_unique<Impl>(options);
  if (Result<void> mounted = impl->mount(); !mounted) return tl::unexpected<Error>(mounted.error());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Result<void> Session::serve(Vfs& vfs, Notifier& notifier, std::function<void()> ready) {
  return impl_->serve(vfs, notifier, std::move(ready));
}
KernelFiles& Session::kernel_files() {
  return impl_->kernel_files();
}
void Session::unmount() {
  impl_->unmount();
}

}  // namespace astrofs
