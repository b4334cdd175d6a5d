// The pages of an LMDB file, looked over without LMDB, which believes what they say: each is free or part of
// one tree, and holds what its header says. A changed bit in a page's header or in the free list shows in no
// record; it makes a later write destroy others.
//
// The format of LMDB 0.9 with 64-bit page numbers (mdb.c: MDB_page, MDB_node, MDB_db, MDB_meta).
#pragma once

#include <functional>
#include <span>

namespace astrofs {

/// `file`: data.mdb, which LMDB could open. `go_on` is asked before each page of a table: no ends the check,
/// and what was not seen counts as sound. The free list and the tables' roots are seen always. Whatever the
/// bytes are, only they are read.
[[nodiscard]] bool lmdb_pages_sound(std::span<const char> file, const std::function<bool()>& go_on);

}  // namespace astrofs
