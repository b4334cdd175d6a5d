// What a file of a Virtual Observatory archive is called, where all that is known of it is an address, a
// media type and the identifiers of its data set. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace astrofs::product_name {

/// The name in an address: the last part of its path or of one of its parameters that ends like a file; ""
/// when none does ("…/dataPortal/file/ADP.2014-10-01", "…/sync?ID=…").
[[nodiscard]] std::string in_address(std::string_view url);

/// What tells a file from others of its data set: that name, or else the last part of the path; "-" when
/// there is none. Addresses may move to another server and be signed anew.
[[nodiscard]] std::string identity(std::string_view url);

/// The name of a preview: an address of it may end like the FITS file that it shows ("x.fits?preview=True"),
/// and what is called FITS must be FITS. `media_type` says what it is, or nothing.
[[nodiscard]] std::string of_preview(std::string name, std::string_view media_type);

/// A name where nobody gives one: the end of the data set's identifiers, with the ending of that media type.
[[nodiscard]] std::string made_of(std::string_view obs_id, std::string_view did, std::string_view media_type);

/// `name` with "~tag" before its endings, and short enough to be shown.
[[nodiscard]] std::string tagged(std::string_view name, std::string_view tag);
/// The same only where it is too long to be shown.
[[nodiscard]] std::string shortened(std::string name, std::string_view tag);
/// Such a name without its endings and tag: what an identifier of its data set has in it, too.
[[nodiscard]] std::string_view stem_of(std::string_view name);

}  // namespace astrofs::product_name
