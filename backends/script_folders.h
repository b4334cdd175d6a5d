// A download script of many files as the tree of directories that its lines name
// ("--output 's0023/0000/0004/7101/2345/NAME'"): what is directly in one of them. Where the lines are sorted
// by path only the parts of the script are read in which something new may stand, else all of it; it is never
// held as a whole. Blocks; any thread but the client's.
#pragma once

#include <string>
#include <vector>

#include "backends/script_lines.h"
#include "base/error.h"

namespace astrofs {

struct ScriptFolder {
  std::vector<std::string> files, folders;  ///< names, each once, in order
};

/// `folder` ends in '/'. not_found: no line lies below it.
[[nodiscard]] Result<ScriptFolder> folder_in_script(const RemoteScript& script, const std::string& folder);

}  // namespace astrofs
