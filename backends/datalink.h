// DataLink: which files belong to a data set, as the service of a Virtual Observatory archive answers.
// Documents that name further ones are followed, so far and no farther. Part of type "obstap". Blocks; any
// thread but the client's.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/tap.h"
#include "backends/vo_client.h"

namespace astrofs::datalink {

/// A data set as a row of ObsCore has it.
struct Row {
  std::string did, obs_id, url, format;
};

/// corrupt: an answer without the columns of ObsCore that this takes.
[[nodiscard]] Result<std::vector<Row>> rows_of(tap::Answer answer);

struct File {
  std::size_t row{0};     ///< which of the rows that were given
  std::string folder;     ///< "" = the data themselves; "preview", "calibration" ...
  std::string url, type;  ///< media type as it is said
};

/// Does that media type mean a document of DataLink?
[[nodiscard]] bool is_document(std::string_view type);

/// The folder of files of those semantics ("#preview-image", a whole IRI); nullopt: not shown, because it is
/// a service, a page to read, or all of the others once more.
[[nodiscard]] std::optional<std::string> folder_of(std::string_view semantics);

/// The files of these rows, in their order; a row that has none at the archive has none here. Documents are
/// asked side by side. One that cannot be had fails it all: half the files are no listing. `client`: of the
/// service whose rows they are.
[[nodiscard]] Result<std::vector<File>> files_of(VoClient& client, const std::vector<Row>& rows,
                                                 const std::stop_token& stop);

}  // namespace astrofs::datalink
