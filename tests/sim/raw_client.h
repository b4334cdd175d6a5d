// A client on a bare socket for the tests of the stand-in archive: it shows every byte, also of answers that
// no HTTP library would accept. One thread.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace astrofs::sim {

enum class End : unsigned char { complete, closed, reset, silence };

struct RawAnswer {
  std::string head;  ///< status line and headers, without the empty line
  std::string body;
  End end{End::complete};  ///< how the answer stopped

  [[nodiscard]] int status() const {
    return head.size() > 12 && head.starts_with("HTTP/") ? std::stoi(head.substr(9, 3)) : 0;
  }
  /// Value of a header as it was sent, "" when absent.
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto value = at + name.size() + 4;
    return head.substr(value, head.find("\r\n", value) - value);
  }
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }

  void send(std::string_view text) { ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
  void ask(const std::string& method, const std::string& target, const std::string& headers = {}) {
    send(method + " " + target + " HTTP/1.1\r\nHost: sim\r\n" + headers + "\r\n");
  }
  /// Reads by Content-Length; without one, and with `to_end`, until the server closes or falls silent.
  RawAnswer read(bool head_only = false, bool to_end = false) {
    RawAnswer answer;
    std::size_t end = 0;
    while ((end = pending_.find("\r\n\r\n")) == std::string::npos && more(answer.end)) {
    }
    answer.head = pending_.substr(0, end);
    pending_.erase(0, end == std::string::npos ? end : end + 4);
    if (answer.end != End::complete || head_only || answer.status() == 304) return answer;
    const std::string length = answer.header("Content-Length");
    const std::size_t wanted = length.empty() || to_end ? std::string::npos : std::stoul(length);
    while (pending_.size() < wanted && more(answer.end)) {
    }
    answer.body = pending_.substr(0, wanted);
    pending_.erase(0, wanted);
    return answer;
  }
  /// How long nothing may arrive before it counts as silence.
  void be_patient(int milliseconds) { patience_ = milliseconds; }

 private:
  bool more(End& end) {
    pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, patience_) == 0) {
      end = End::silence;
      return false;
    }
    char piece[65536];
    const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
    if (got <= 0) {
      end = got == 0 ? End::closed : End::reset;
      return false;
    }
    pending_.append(piece, static_cast<std::size_t>(got));
    return true;
  }

  UniqueFd fd_;
  bool connected_{false};
  int patience_{30000};  ///< far beyond what a loaded machine needs
  std::string pending_;
};

}  // namespace astrofs::sim
