#include "backends/mast_tap.h"

#include <fmt/format.h>

#include <chrono>
#include <string_view>
#include <utility>

#include "backends/tap.h"
#include "backends/url.h"

namespace astrofs::mast {
namespace {

/// Who asks has waited for others already: several times what a query of a thousand rows takes there.
constexpr std::chrono::seconds kPatience{20};

/// ".../Download/file?uri=mast:TESS/product/NAME" -> NAME, "" for other addresses.
std::string name_in(std::string_view address) {
  constexpr std::string_view kUri = "mast:TESS/product/";
  std::string plain = url::decode(address);
  const auto at = plain.find(kUri);
  if (at == std::string::npos) return {};
  plain.erase(0, at + kUri.size());
  return plain.substr(0, plain.find_first_of("&#"));
}

}  // namespace

Result<std::vector<std::string>> tap_products(http::Fetcher& fetcher, const std::string& base,
                                              std::uint64_t tic, std::stop_token stop) {
  http::Request request = tap::sync_request(
      base + "/vo-tap/api/v0.1/caom",
      {.adql = fmt::format(
           "SELECT access_url FROM ivoa.obscore WHERE obs_collection = 'TESS' AND target_name = '{}'", tic)});
  request.patience = kPatience;
  // An answer that does not say how the query went serves too: what it names is there.
  const auto answer = tap::read_answer(fetcher.fetch({std::move(request)}, std::move(stop)));
  if (!answer) return tl::unexpected<Error>(answer.error());
  const auto column = answer->table.column("access_url", "Access.Reference");
  std::vector<std::string> names;
  for (std::size_t row = 0; row < answer->rows.size(); ++row) {
    std::string name = name_in(answer->text(row, column));
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace astrofs::mast
