#include "backends/tap_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "backends/tap.h"

namespace astrofs::tap {
namespace {

/// A name of a form that a service does not know is answered like a query that it cannot read.
bool blames_format(const Error& error) {
  std::string text = error.message;
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return error.code == Errc::invalid && text.find("format") != std::string::npos;
}

/// A file is not missing because its query is wrong, nor is its reader's argument.
Error for_reader(Error error) {
  if (error.code == Errc::invalid || error.code == Errc::not_found) error.code = Errc::unavailable;
  return error;
}

}  // namespace

Result<Tables::Answer> Tables::read(http::Response response) const {
  Answer answer{std::move(response), TableMeasure(limits_.bytes), {}};
  auto outcome = read_answer(answer.response, answer.measure);
  if (!outcome) return tl::unexpected(outcome.error());
  answer.outcome = std::move(*outcome);
  return answer;
}

Result<void> Tables::check(const Answer& answer) const {
  const std::uint64_t rows = answer.measure.rows();
  if (answer.outcome.status == VoStatus::overflow && rows >= limits_.rows)
    return fail(Errc::too_large, fmt::format("the answer has more than {} rows", limits_.rows));
  if (answer.outcome.status == VoStatus::overflow)
    return fail(Errc::unavailable,
                fmt::format("the service cuts the answer off after {} rows; a query that asks for less, or "
                            "files of parts, have them all",
                            rows));
  if (const auto said = answer.measure.told().rows; said && *said != rows)
    return fail(Errc::corrupt, fmt::format("{} rows came where the service says {}", rows, *said));
  return {};
}

Result<Tables::Answer> Tables::ask(const std::string& adql, const std::stop_token& stop) {
  http::Request request =
      sync_request(client_.url(), {.adql = adql,
                                   .most_rows = limits_.rows,
                                   .format = any_format_ ? std::string() : std::string(kBinaryVotable),
                                   .is_slow = true});  // and then it is a job's
  request.large = http::LargeBody{.bytes = limits_.bytes};
  client_.sign(request);
  auto response = client_.fetcher().fetch({std::move(request)}, stop);
  if (!response) return tl::unexpected(response.error());
  auto answer = read(std::move(*response));
  if (!answer && !any_format_ && blames_format(answer.error())) {
    any_format_ = true;
    return ask(adql, stop);
  }
  if (answer && !answer->outcome.stated)
    return fail(Errc::corrupt, "an answer that does not say how the query went");
  return answer;
}

Result<Tables::Answer> Tables::ask_job(const std::string& adql, const std::stop_token& stop) {
  JobTerms terms{.query = adql, .language = "ADQL", .format = std::string(kBinaryVotable)};
  if (any_format_) terms.format = "votable";
  terms.largest = limits_.bytes;
  terms.most_rows = limits_.rows;
  terms.result = "result";  // as the standard of TAP names it
  auto result = jobs_.run(terms, stop);
  if (!result) return tl::unexpected(result.error());
  http::Response response;
  response.head.status = 200;
  response.body = std::move(result->body);
  auto answer = read(std::move(response));
  if (answer && answer->outcome.status != VoStatus::overflow && result->rows &&
      *result->rows != answer->measure.rows())
    return fail(Errc::corrupt, fmt::format("{} of the {} rows of the service's job came",
                                           answer->measure.rows(), *result->rows));
  return answer;
}

Result<Tables::Answer> Tables::ask_whole(const std::string& adql, const std::stop_token& stop) {
  auto answer = ask(adql, stop);
  const auto is_cut = [this](const Answer& said) {
    return said.outcome.status == VoStatus::overflow && said.measure.rows() < limits_.rows;
  };
  Error at_once;
  if (!answer) {
    if (!took_too_long(answer.error())) return answer;
    at_once = answer.error();
  } else {
    const auto checked = check(*answer);
    if (checked) return answer;
    if (!is_cut(*answer)) return tl::unexpected(checked.error());
    at_once = checked.error();
  }
  answer = fail(Errc::internal, "given up for a job");  // and its memory
  auto job = ask_job(adql, stop);
  if (!job) return fail(job.error().code, at_once.message + "; as a job: " + job.error().message);
  if (const auto checked = check(*job); !checked) return tl::unexpected(checked.error());
  return job;
}

Result<std::string> Tables::make(const Question& question, const std::stop_token& stop) {
  const auto answer = ask_whole(question.adql, stop);
  if (!answer && answer.error().code == Errc::denied) {
    client_.learn_methods(stop);
    return fail(Errc::denied, answer.error().message + "; " + client_.advice());
  }
  if (!answer) return tl::unexpected(for_reader(answer.error()));
  auto made = write_table(question.form, answer->measure, {client_.url(), question.adql}, limits_.bytes,
                          [&](VoTableHandler& rows) { return read_answer(answer->response, rows); });
  if (!made) return tl::unexpected(for_reader(made.error()));
  return made;
}

Result<std::string> Tables::file(const Question& question, const std::stop_token& stop) {
  const auto text = kept_.get(
      question.key, [&] { return make(question, stop); }, stop);
  return text.map([](const KeptTexts::Text& made) { return *made; });
}

}  // namespace astrofs::tap
