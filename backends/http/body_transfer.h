// Small answers that are wanted whole: a listing page (BodyTransfer), or only what the server says about a
// file (ProbeTransfer). On the client's thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "backends/http/transfer.h"

namespace astrofs::http {

class BodyTransfer final : public Transfer {
 public:
  using Done = std::function<void(Result<Response>)>;
  BodyTransfer(std::shared_ptr<Exchange> exchange, std::vector<Request> mirrors, Done done);

 private:
  void prepare(Request& request) override;
  Flow head(const ResponseHead& head) override;
  Flow data(std::span<const std::byte> data) override;
  [[nodiscard]] Verdict ended(const Result<void>& transport) override;
  void finished(Result<void> result) override;

  const Done done_;
  std::uint64_t largest_{0};
  bool conditional_{false};   ///< this request may be answered with 304
  bool body_decides_{false};  ///< see Request
  bool is_oauth_{false};      ///< see Request
  bool globus_{false};        ///< see Request::globus_collection
  bool is_head_{false};       ///< a length is the file's, not that of a body
  Response response_;
  std::optional<Verdict> verdict_;
};

class ProbeTransfer final : public Transfer {
 public:
  using Done = std::function<void(Result<ContentInfo>)>;
  ProbeTransfer(std::shared_ptr<Exchange> exchange, std::vector<Request> mirrors, Done done);

 private:
  void prepare(Request& request) override;
  Flow head(const ResponseHead& head) override;
  Flow data(std::span<const std::byte> data) override;
  [[nodiscard]] Verdict ended(const Result<void>& transport) override;
  void finished(Result<void> result) override;

  const Done done_;
  /// A page where the file's name promises data: it is not told its size before its first bytes were seen.
  [[nodiscard]] bool is_page(const ResponseHead& head) const;

  std::string url_;           ///< as it was asked for
  bool by_get_{false};        ///< HEAD has not helped
  bool doubtful_{false};      ///< what was answered may be a page that is not the file
  bool page_{false};          ///< this answer is one
  bool globus_{false};        ///< see Request::globus_collection
  bool sick_or_gone_{false};  ///< its 404, of which the body tells the meaning
  bool known_{false};
  std::string start_;       ///< of a page
  std::size_t dropped_{0};  ///< bytes of bodies that nobody wants
  ContentInfo info_;
  std::optional<Verdict> verdict_;
};

}  // namespace astrofs::http
