#include "backends/datalink.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>

#include "backends/url.h"

namespace astrofs::datalink {
namespace {

/// Documents that lead to documents: ALMA's have one step, nobody's two.
constexpr unsigned kDeepest = 3;
/// Of one row. A visit of a spectrograph has some hundreds of calibrations.
constexpr std::size_t kMostFiles = 5000;
/// Rows of one document, services and refusals among them.
constexpr std::size_t kMostLinks = 4 * kMostFiles;
/// Documents that those of one row lead to: each is a request.
constexpr std::size_t kMostDocuments = 100;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// "http://www.ivoa.net/rdf/datalink/core#this" and "#this" -> "this".
std::string term_of(std::string_view semantics) {
  const auto hash = semantics.rfind('#');
  return lower(hash == std::string_view::npos ? semantics : semantics.substr(hash + 1));
}

bool is_web_address(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

struct Document {
  std::size_t row;
  std::optional<std::string> folder;  ///< unset: each link says its own
  std::string url;
};

class Walk {
 public:
  explicit Walk(const std::vector<Row>& rows) : rows_(rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!is_web_address(rows[i].url)) continue;  // a row without an address has nothing to fetch
      if (is_document(rows[i].format)) {
        enter({i, std::nullopt, url::repair(rows[i].url)});
      } else {
        files.push_back({i, "", url::repair(rows[i].url), rows[i].format});
      }
    }
  }

  [[nodiscard]] std::vector<Document> take() { return std::exchange(documents_, {}); }
  Result<void> read(const Document& document, const tap::Answer& answer);

  std::vector<File> files;

 private:
  void enter(Document document) {
    if (seen_.emplace(document.row, document.url).second) documents_.push_back(std::move(document));
  }

  const std::vector<Row>& rows_;
  std::vector<Document> documents_;
  std::set<std::pair<std::size_t, std::string>> seen_, seen_files_;  ///< some documents repeat others
};

Result<void> Walk::read(const Document& document, const tap::Answer& answer) {
  const auto address = answer.table.column("access_url");
  const auto semantics = answer.table.column("semantics");
  const auto type = answer.table.column("content_type");
  const auto message = answer.table.column("error_message");
  if (!address || !semantics) return fail(Errc::corrupt, "a DataLink document without its columns");
  bool has_data = false;
  for (std::size_t i = 0; i < answer.rows.size(); ++i) {
    has_data = has_data || (term_of(answer.text(i, semantics)) == "this" && !answer.text(i, address).empty());
  }
  for (std::size_t i = 0; i < answer.rows.size(); ++i) {
    const std::string url = url::repair(answer.text(i, address));
    if (url.empty()) {
      // A fault that may pass is no "there is no such file".
      const std::string said = lower(answer.text(i, message));
      if (said.starts_with("transientfault")) return fail(Errc::unavailable, "DataLink says: " + said);
      continue;
    }
    const std::string term = term_of(answer.text(i, semantics));
    // Everything once more in one piece; where nothing else is, it is the data.
    const bool is_package = term == "package" && !has_data;
    auto folder = document.folder ? document.folder
                  : is_package    ? std::optional<std::string>("")
                                  : folder_of(term);
    const std::string content = lower(answer.text(i, type));
    // A directory of a server has no bytes of its own.
    if (!folder || content == "directory" || !is_web_address(url)) continue;
    if (is_document(content)) {
      if (seen_.size() >= kMostDocuments * rows_.size())
        return fail(Errc::too_large, "DataLink documents that lead to too many others");
      const bool inherits = !folder->empty();
      enter({document.row, inherits ? folder : document.folder, url});
    } else if (seen_files_.emplace(document.row, *folder + ' ' + url).second) {
      files.push_back({document.row, *folder, url, content});
      if (files.size() > kMostFiles * rows_.size())
        return fail(Errc::too_large, "a DataLink document without end");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Row>> rows_of(tap::Answer answer) {
  const auto did = answer.table.column("obs_publisher_did", "Curation.PublisherDID");
  const auto obs_id = answer.table.column("obs_id", "DataID.observationID");
  const auto url = answer.table.column("access_url", "Access.Reference");
  const auto format = answer.table.column("access_format", "Access.Format");
  if (!did || !url)
    return fail(Errc::corrupt, "an answer without the columns of ObsCore that were asked for");
  std::vector<Row> rows;
  for (std::size_t i = 0; i < answer.rows.size(); ++i) {
    if (answer.text(i, did).empty()) continue;  // nobody could ask for it again
    const auto take = [&](std::optional<std::size_t> column) {
      return column && answer.rows[i][*column] ? std::move(*answer.rows[i][*column]) : std::string();
    };
    rows.push_back({take(did), take(obs_id), take(url), take(format)});
  }
  return rows;
}

bool is_document(std::string_view type) {
  const std::string text = lower(type);
  return text.find("votable") != std::string::npos && text.find("content=datalink") != std::string::npos;
}

std::optional<std::string> folder_of(std::string_view semantics) {
  const std::string term = term_of(semantics);
  constexpr std::array<std::string_view, 4> kNoFiles{"proc", "cutout", "package", "documentation"};
  if (term == "this") return "";
  if (std::ranges::find(kNoFiles, term) != kNoFiles.end()) return std::nullopt;
  if (term.starts_with("preview") || term == "thumbnail") return "preview";
  const bool is_word = !term.empty() && std::ranges::all_of(term, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  return is_word ? term : "other";
}

Result<std::vector<File>> files_of(VoClient& client, const std::vector<Row>& rows,
                                   const std::stop_token& stop) {
  Walk walk(rows);
  for (unsigned depth = 0; depth < kDeepest; ++depth) {
    const std::vector<Document> documents = walk.take();
    if (documents.empty()) break;
    std::vector<std::string> addresses;
    for (const Document& document : documents) addresses.push_back(document.url);
    const auto answers = client.get(addresses, kMostLinks, stop);
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const auto& answer = answers[i];
      if (!answer && answer.error().code == Errc::not_found) continue;
      if (!answer) return tl::unexpected(answer.error());
      if (answer->overflow) return fail(Errc::too_large, "a DataLink document without end");
      if (auto read = walk.read(documents[i], *answer); !read) return tl::unexpected(read.error());
    }
  }
  if (!walk.take().empty()) return fail(Errc::too_large, "DataLink documents that lead too deep");
  std::ranges::stable_sort(walk.files, {}, &File::row);
  return std::move(walk.files);
}

}  // namespace astrofs::datalink
