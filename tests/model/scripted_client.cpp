#include "tests/model/scripted_client.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/executor.h"

namespace astrofs::model {
namespace {

/// Small enough that a block of 16 KiB comes in several.
constexpr std::uint64_t kPiece = 6'000;
/// How often the thread looks at what waits for nothing but time: stop tokens, gates.
constexpr milliseconds kLook{1};

std::string http_date(std::int64_t when) {
  const std::time_t time = when;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[64];
  return std::string(text, ::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

}  // namespace

struct ScriptedClient::Transfer {
  http::Request request;
  std::shared_ptr<http::Receiver> receiver;
  std::stop_token stop;
  unsigned file{0}, mirror{0};
  bool answered{false}, paused{false}, silent{false}, over{false};
  http::ResponseHead head;
  Version version;
  ByteRange body;                       ///< of the version, still to come
  std::uint64_t breaks_at{UINT64_MAX};  ///< offset at which the connection is reset
  bool breaks_cleanly{false};           ///< the server says that this was all
};

ScriptedClient::ScriptedClient(Remote& remote) : remote_(remote), thread_([this] { run(); }) {}

ScriptedClient::~ScriptedClient() {
  stop();
}

void ScriptedClient::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool ScriptedClient::after(milliseconds delay, std::function<void()> job) {
  {
    const MutexLock lock(mutex_);
    if (ended_) return false;
    jobs_.emplace(std::chrono::steady_clock::now() + delay, std::move(job));
  }
  wake_.notify_all();
  return true;
}

void ScriptedClient::start(http::Request request, std::shared_ptr<http::Receiver> receiver,
                           std::stop_token stop) {
  {
    const MutexLock lock(mutex_);
    ++requests_;
  }
  after(milliseconds(0), [this, request = std::move(request), receiver = std::move(receiver),
                          stop = std::move(stop)]() mutable {
    auto transfer = std::make_shared<Transfer>();
    const std::string& url = request.url;  // http://a.test/7
    transfer->mirror = static_cast<unsigned>(url.at(7) - 'a');
    const std::size_t slash = url.rfind('/');
    std::from_chars(url.data() + slash + 1, url.data() + url.size(), transfer->file);
    transfer->request = std::move(request);
    transfer->receiver = std::move(receiver);
    transfer->stop = std::move(stop);
    transfers_.push_back(std::move(transfer));
  });
}

void ScriptedClient::resume(const http::Receiver* receiver) {
  after(milliseconds(0), [this, receiver] {
    for (const auto& one : transfers_) {
      if (one->receiver.get() == receiver) one->paused = false;
    }
  });
}

std::uint64_t ScriptedClient::requests() const {
  const MutexLock lock(mutex_);
  return requests_;
}

void ScriptedClient::run() {
  name_this_thread("net");
  bool moved = false;
  for (;;) {
    std::vector<std::function<void()>> due;
    bool ending = false;
    {
      MutexLock lock(mutex_);
      if (!moved && !stopping_ &&
          (jobs_.empty() || jobs_.begin()->first > std::chrono::steady_clock::now())) {
        if (!transfers_.empty()) {
          lock.wait_for(wake_, kLook);
        } else if (jobs_.empty()) {
          lock.wait(wake_);
        } else {
          lock.wait_for(wake_, jobs_.begin()->first - std::chrono::steady_clock::now());
        }
      }
      const SteadyTime now = std::chrono::steady_clock::now();
      while (!jobs_.empty() && jobs_.begin()->first <= now) {
        due.push_back(std::move(jobs_.begin()->second));
        jobs_.erase(jobs_.begin());
      }
      ending = stopping_;
    }
    for (auto& job : due) job();
    due.clear();
    moved = false;
    const std::vector<std::shared_ptr<Transfer>> all(transfers_.begin(), transfers_.end());
    for (const auto& one : all) {
      if (ending && !one->over) end(*one, fail(Errc::interrupted, "the client is ending"));
      if (!one->over && move_on(*one)) moved = true;
    }
    transfers_.remove_if([](const auto& one) { return one->over; });
    if (ending) {
      const MutexLock lock(mutex_);
      ended_ =
          transfers_.empty() && (jobs_.empty() || jobs_.begin()->first > std::chrono::steady_clock::now());
      if (ended_) return;
    }
  }
}

/// True: it did something, look again at once.
bool ScriptedClient::move_on(Transfer& transfer) {
  if (transfer.stop.stop_requested()) {
    end(transfer, fail(Errc::interrupted, "stopped"));
    return true;
  }
  if (transfer.silent || transfer.paused || remote_.held(transfer.file)) return false;
  if (!transfer.answered) {
    answer(transfer);
    return true;
  }
  if (!transfer.body.empty() && remote_.body_held(transfer.file)) return false;
  if (transfer.body.offset >= transfer.breaks_at) {
    end(transfer, transfer.breaks_cleanly ? Result<void>() : fail(Errc::unavailable, "connection reset"));
    return true;
  }
  if (transfer.body.empty()) {
    end(transfer, {});
    return true;
  }
  const std::uint64_t length =
      std::min({kPiece, transfer.body.length, transfer.breaks_at - transfer.body.offset});
  std::string piece = content_of(transfer.file, transfer.version, {transfer.body.offset, length});
  const ByteRange sent{transfer.body.offset, length};
  if (sent.contains(ByteRange{kFlipped, 1}) && remote_.take_flip(transfer.file)) {
    char& turned = piece[static_cast<std::size_t>(kFlipped - sent.offset)];
    turned = static_cast<char>(turned ^ 1);
  }
  if (!obey(transfer, transfer.receiver->on_data(as_bytes(piece)))) return true;
  transfer.body = ByteRange::between(transfer.body.offset + length, transfer.body.end());
  return true;
}

void ScriptedClient::answer(Transfer& transfer) {
  transfer.answered = true;
  const Story& story = remote_.story();
  const Trouble trouble = remote_.take_trouble(transfer.mirror);
  http::ResponseHead& head = transfer.head;
  head.url = transfer.request.url;
  if (trouble == Trouble::stall) {
    transfer.silent = true;
    return;
  }
  if (trouble == Trouble::reset) return end(transfer, fail(Errc::unavailable, "connection reset"));
  const bool lost = remote_.lost(transfer.file, transfer.mirror);
  transfer.version = remote_.newest(transfer.file);
  const std::string etag = remote_.etag(transfer.file, transfer.version, transfer.mirror);
  if (trouble == Trouble::busy || trouble == Trouble::denied) {
    head.status = trouble == Trouble::busy ? 503 : 403;
  } else if (lost) {
    head.status = 404;
  } else if (!transfer.request.if_match.empty() && story.validators != Validators::dated &&
             transfer.request.if_match != etag) {
    head.status = 412;
  } else {
    const bool partial = transfer.request.range && !story.ignores_ranges;
    const ByteRange whole{0, transfer.version.size};
    transfer.body = partial ? transfer.request.range->intersect(whole) : whole;
    head.status = partial ? 206 : 200;
    if (partial && transfer.body.empty()) {
      head.status = 416;
      head.headers.push_back({"content-range", fmt::format("bytes */{}", whole.length)});
    } else if (partial) {
      head.headers.push_back({"content-range", fmt::format("bytes {}-{}/{}", transfer.body.offset,
                                                           transfer.body.end() - 1, whole.length)});
    }
    head.headers.push_back({"content-length", std::to_string(transfer.body.length)});
    if (story.validators != Validators::dated) head.headers.push_back({"etag", etag});
    head.headers.push_back({"last-modified", http_date(transfer.version.mtime)});
    if (transfer.request.method == http::Method::head) transfer.body = {};
    if (trouble == Trouble::cut && !transfer.body.empty()) {
      transfer.breaks_at = transfer.body.offset + transfer.body.length / 2;
      transfer.breaks_cleanly = transfer.version.seed % 2 == 0;
    }
  }
  if (obey(transfer, transfer.receiver->on_head(head))) ++heads_;
}

/// False: the receiver has not taken it.
bool ScriptedClient::obey(Transfer& transfer, http::Flow flow) {
  if (flow == http::Flow::proceed) return true;
  if (flow == http::Flow::pause) {
    transfer.paused = true;
  } else {
    end(transfer, fail(Errc::interrupted, "stopped by the receiver"));
  }
  return false;
}

void ScriptedClient::end(Transfer& transfer, Result<void> result) {
  if (std::exchange(transfer.over, true)) return;
  transfer.receiver->on_end(std::move(result));
}

}  // namespace astrofs::model
