#include "tests/support/plate_columns.h"

#include <map>

namespace astrofs::sim {
namespace {

using Columns = std::vector<PlateColumn>;

constexpr std::string_view kTime = "Time[yyyy-mm-dd hh:mm:ss]";
/// Paths below /files/: what asynchronous answers write out as URLs.
constexpr std::string_view kFile = "meta.ref.url;meta.file";

PlateColumn id(std::string name) {
  return {std::move(name), "int", "", "meta.id", 0};
}
PlateColumn stamp(std::string name) {
  return {std::move(name), "char", std::string(kTime), "time.creation", 32};
}
PlateColumn text(std::string name, std::string_view ucd = {}) {
  return {std::move(name), "char", "", std::string(ucd), 0};
}
PlateColumn number(std::string name, std::string datatype, std::string unit = {}, std::string ucd = {}) {
  return {std::move(name), std::move(datatype), std::move(unit), std::move(ucd), 0};
}

Columns with_stamps(Columns columns) {
  columns.push_back(stamp("timestamp_insert"));
  columns.push_back(stamp("timestamp_update"));
  return columns;
}

Columns archive() {
  return with_stamps({id("archive_id"), text("archive_name"), text("institute")});
}

Columns plate() {
  return with_stamps({id("plate_id"), id("archive_id"), text("plate_num"), text("series"),
                      number("plate_size1", "float", "cm"), text("emulsion"), text("date_orig"),
                      number("numexp", "short"), text("observatory"),
                      number("site_longitude", "double", "deg"), text("telescope"), text("notes")});
}

Columns exposure() {
  return with_stamps({id("exposure_id"), id("plate_id"), id("archive_id"), number("exposure_num", "short"),
                      text("object_name"), number("ra_icrs", "double", "deg"),
                      number("dec_icrs", "double", "deg"), number("jd_mid", "double", "d"),
                      number("exptime", "float", "s")});
}

Columns scan() {
  return with_stamps({id("scan_id"), id("plate_id"), id("archive_id"), text("filename_scan", kFile),
                      number("naxis1", "short"), number("naxis2", "short"), text("scanner"),
                      number("pixel_size1", "float", "um"), text("scan_date"), text("file_datetime"),
                      number("file_size", "long", "byte"), text("fits_checksum"), text("fits_datasum")});
}

Columns preview() {
  return with_stamps({id("preview_id"), id("plate_id"), id("archive_id"), number("preview_type", "short"),
                      text("filename", kFile), text("file_format"), text("file_datetime"),
                      number("file_size", "int", "byte")});
}

Columns logpage() {
  return with_stamps({id("logpage_id"), id("archive_id"), number("logpage_type", "short"),
                      text("filename", kFile), text("file_format"), text("file_datetime"),
                      number("file_size", "int", "byte")});
}

Columns plate_logpage() {
  return with_stamps({id("plate_id"), id("logpage_id"), number("logpage_order", "short")});
}

Columns source() {
  Columns columns{number("source_id", "long", "", "meta.id;meta.main"),
                  id("process_id"),
                  id("scan_id"),
                  id("plate_id"),
                  id("archive_id"),
                  number("source_num", "int", "", "meta.number"),
                  number("x_source", "double", "", "pos.cartesian.x"),
                  number("y_source", "double", "", "pos.cartesian.y")};
  const auto add = [&columns](std::string unit, std::initializer_list<const char*> names) {
    for (const char* const name : names) columns.push_back(number(name, "float", unit));
  };
  add("pix", {"a_source", "b_source"});
  add("deg", {"theta_source"});
  add("pix", {"erra_source", "errb_source"});
  add("deg", {"errtheta_source"});
  add("", {"elongation"});
  for (const char* const name : {"x_peak", "y_peak"}) columns.push_back(number(name, "int"));
  columns.push_back(number("flag_usepsf", "short"));
  for (const char* const kind : {"image", "psf"}) {
    for (const char* const axis : {"x_", "y_"}) columns.push_back(number(std::string(axis) + kind, "double"));
    for (const char* const axis : {"erra_", "errb_"})
      columns.push_back(number(std::string(axis) + kind, "float", "pix"));
    columns.push_back(number(std::string("errtheta_") + kind, "float", "deg"));
  }
  add("mag", {"mag_auto", "magerr_auto"});
  add("", {"flux_auto", "fluxerr_auto"});
  add("mag", {"mag_iso", "magerr_iso"});
  add("", {"flux_iso", "fluxerr_iso", "flux_max"});
  add("pix", {"flux_radius"});
  columns.push_back(number("isoarea", "int", "pix2"));
  add("pix", {"sqrt_isoarea"});
  add("", {"background"});
  columns.push_back(number("sextractor_flags", "short", "", "meta.code"));
  for (const char* const name : {"dist_center", "dist_edge"})
    columns.push_back(number(name, "double", "pix", "pos.distance"));
  columns.push_back(number("annular_bin", "short", "", "meta.code"));
  for (const char* const name : {"flag_rim", "flag_negradius", "flag_clean"})
    columns.push_back(number(name, "short"));
  columns.push_back(number("model_prediction", "float", "", "stat.likelihood"));
  return with_stamps(std::move(columns));
}

Columns source_calib() {
  Columns columns{number("source_id", "long", "", "meta.id;meta.main"),
                  id("process_id"),
                  id("scan_id"),
                  id("plate_id"),
                  id("archive_id"),
                  number("solution_num", "short", "", "meta.number"),
                  number("annular_bin", "short", "", "meta.code"),
                  number("dist_center", "double", "px", "pos.distance"),
                  number("dist_edge", "double", "px", "pos.distance"),
                  number("sextractor_flags", "short", "", "meta.code"),
                  number("model_prediction", "float", "", "stat.likelihood"),
                  number("ra_icrs", "double", "", "pos.eq.ra"),
                  number("dec_icrs", "double")};
  const auto add = [&columns](const char* type, std::string unit, std::initializer_list<const char*> names) {
    for (const char* const name : names) columns.push_back(number(name, type, unit));
  };
  add("float", "arcsec", {"ra_error", "dec_error"});
  add("double", "", {"gal_lon", "gal_lat", "ecl_lon", "ecl_lat", "x_sphere", "y_sphere", "z_sphere"});
  add("int", "", {"healpix256", "healpix1024"});
  add("float", "arcsec", {"nn_dist"});
  add("float", "deg", {"zenith_angle"});
  add("float", "", {"airmass"});
  add("float", "mag", {"natmag"});
  add("float", "", {"natmag_error", "bpmag", "bpmag_error", "rpmag", "rpmag_error"});
  add("float", "mag", {"natmag_plate", "natmag_correction", "natmag_residual"});
  add("short", "", {"phot_range_flags", "phot_calib_flags"});
  add("float", "", {"color_term"});
  add("float", "mag", {"cat_natmag"});
  add("float", "arcsec", {"match_radius"});
  add("long", "", {"gaiaedr3_id"});
  add("float", "", {"gaiaedr3_gmag", "gaiaedr3_bp_rp"});
  add("float", "arcsec", {"gaiaedr3_dist"});
  add("int", "", {"gaiaedr3_neighbors"});
  columns = with_stamps(std::move(columns));
  columns.push_back({"pos", "", "(radians,radians)", "", 0});
  return columns;
}

const std::map<std::string, Columns, std::less<>>& all() {
  static const std::map<std::string, Columns, std::less<>> tables{
      {"archive", archive()}, {"exposure", exposure()}, {"logpage", logpage()},
      {"plate", plate()},     {"preview", preview()},   {"plate_logpage", plate_logpage()},
      {"scan", scan()},       {"source", source()},     {"source_calib", source_calib()}};
  return tables;
}

}  // namespace

std::span<const PlateColumn> plate_columns(std::string_view table) {
  const auto found = all().find(table);
  return found == all().end() ? std::span<const PlateColumn>() : std::span<const PlateColumn>(found->second);
}

std::vector<std::string_view> plate_tables() {
  std::vector<std::string_view> names;
  for (const auto& [name, columns] : all()) names.push_back(name);
  return names;
}

}  // namespace astrofs::sim
