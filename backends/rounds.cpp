#include "backends/rounds.h"

#include <utility>

namespace astrofs {

void ask_together(http::Fetcher& fetcher, const std::vector<Question*>& questions, std::stop_token stop) {
  for (;;) {
    std::vector<Question*> open;
    std::vector<std::vector<http::Request>> jobs;
    for (Question* const question : questions) {
      std::optional<http::Request> request = question->next();
      if (!request) continue;
      open.push_back(question);
      jobs.push_back({std::move(*request)});
    }
    if (open.empty()) return;
    const auto answers = fetcher.fetch_all(std::move(jobs), stop);
    for (std::size_t i = 0; i < open.size(); ++i) open[i]->take(answers[i]);
  }
}

}  // namespace astrofs
