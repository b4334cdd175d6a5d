// user.astrofs.*: what a file is to this mount, for scripts and for people with getfattr.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/vfs.h"

namespace astrofs {

/// Value of one attribute: state, url, etag, cached (bytes), source (archive), name (as the archive writes
/// it, where it had to be escaped), placeholder (1, for placeholders only), and on the root `control` (path
/// of the control socket). Errc::not_found: the node has no such attribute (ENODATA).
[[nodiscard]] Result<std::string> get_xattr(const Vfs& vfs, const Node& node, std::string_view name,
                                            const std::string& control_socket);

/// Is this attribute of a file on this machine told by its disk, which may hang?
[[nodiscard]] bool xattr_asks_disk(std::string_view name);

/// Names of the attributes a node has.
[[nodiscard]] std::vector<std::string> list_xattrs(const Vfs& vfs, const Node& node);

/// Where the bytes of a file are now, first choice first, with secrets blanked. For a file on this machine
/// its path.
[[nodiscard]] std::vector<std::string> source_urls(const Vfs& vfs, const Node& node);

}  // namespace astrofs
