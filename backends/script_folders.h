// A download script of many files as the tree of directories that its lines name
// ("--output 's0023/0000/0004/7101/2345/NAME'"): what is directly in one of them. Where the lines are sorted
// by path only the parts of the script are read in which something new may stand, else all of it; it is never
// held as a whole. What was read serves the directories beside the one that it was read for. Blocks; any
// thread but the client's.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "backends/http/fetcher.h"
#include "backends/script_memory.h"
#include "base/clock.h"
#include "base/error.h"

namespace astrofs {

struct ScriptFolder {
  std::vector<std::string> files, folders;  ///< names, each once, in order
};

class ScriptTrees {
 public:
  /// Both outlive it.
  ScriptTrees(http::Fetcher& fetcher, const Clock& clock) : fetcher_(fetcher), memory_(clock) {}

  /// `url`: of the script; `folder` ends in '/'. not_found: there is no such script, or no line of it lies
  /// below the folder.
  [[nodiscard]] Result<ScriptFolder> folder(const std::string& url, const std::string& folder,
                                            const std::stop_token& stop);

 private:
  http::Fetcher& fetcher_;
  ScriptMemory memory_;
};

}  // namespace astrofs
