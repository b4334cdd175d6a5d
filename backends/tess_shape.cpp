#include "backends/tess_shape.h"

#include <fmt/format.h>

#include <chrono>

#include "backends/format/tess_name.h"

namespace astrofs::tess {
namespace {

// Bit 8 of DQUALITY, "manual exclude": who minds flags leaves this frame out.
constexpr int kManualExclude = 128;

FitsCard text_card(std::string keyword, std::string_view value, std::string comment) {
  return {std::move(keyword), fmt::format("'{:<8}'", value), std::move(comment)};
}

FitsCard card(std::string keyword, std::string value, std::string comment) {
  return {std::move(keyword), std::move(value), std::move(comment)};
}

std::string iso_date(SysSeconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

HduShape primary(const FfiName& name, std::size_t images) {
  HduShape hdu;
  const SysSeconds start = name.stamp();
  const SysSeconds end = start + std::chrono::seconds(cadence_of(name.sector).seconds);
  hdu.cards = {
      card("NEXTEND", std::to_string(images), "number of standard extensions"),
      text_card("EXTNAME", "PRIMARY", "name of extension"),
      card("EXTVER", "1", "extension version number (not format version)"),
      card("SIMDATA", "F", "file is based on simulated data"),
      text_card("ORIGIN", "NASA/Ames", "institution responsible for creating this file"),
      text_card("DATE-OBS", iso_date(start), "start of exposure, from the file name, to 2 s"),
      text_card("DATE-END", iso_date(end), "DATE-OBS and one cadence"),
      text_card("TELESCOP", "TESS", "telescope"),
      text_card("INSTRUME", "TESS Photometer", "detector type"),
      card("SCCONFIG", std::to_string(name.scid), "spacecraft configuration ID"),
      text_card("RADESYS", "ICRS", "reference frame of celestial coordinates"),
      card("EQUINOX", "2000.0", "equinox of celestial coordinate system"),
      card("CRMITEN", name.cr == 's' || name.cr == 'b' ? "T" : "F",
           "spacecraft cosmic ray mitigation enabled"),
      card("CRSPOC", name.cr == 'a' || name.cr == 'b' ? "T" : "F", "SPOC cosmic ray cleaning enabled"),
  };
  return hdu;
}

/// `type` is what IMAGTYPE says: "cal", "uncert" or "raw".
HduShape image(const FfiName& name, std::string_view type, int bitpix) {
  constexpr double kSecondsOfDay = 86400.0;
  const Cadence cadence = cadence_of(name.sector);
  const double cadence_days = cadence.seconds / kSecondsOfDay;
  HduShape hdu;
  hdu.bitpix = bitpix;
  hdu.axes = {kFfiColumns, kFfiRows};
  hdu.cards = {
      card("INHERIT", "T", "inherit the primary header"),
      card("EXTVER", "1", "extension version number (not format version)"),
      card("SIMDATA", "F", "file is based on simulated data"),
      text_card("TELESCOP", "TESS", "telescope"),
      text_card("INSTRUME", "TESS Photometer", "detector type"),
      card("CAMERA", std::to_string(name.camera), "Camera number"),
      card("CCD", std::to_string(name.ccd), "CCD chip number"),
      card("EXPOSURE", fmt::format("{:.12f}", cadence.exposure_days), "[d] time on source"),
      card("TELAPSE", fmt::format("{:.12f}", cadence_days), "[d] TSTOP - TSTART"),
      card("INT_TIME", "1.980000000000", "[s] photon accumulation time per frame"),
      card("READTIME", "0.020000000000", "[s] readout time per frame"),
      card("FRAMETIM", "2.000000000000", "[s] frame time (INT_TIME + READTIME)"),
      card("NUM_FRM", std::to_string(cadence.frames), "number of frames per time stamp"),
      card("TIMEDEL", fmt::format("{:.12f}", cadence_days), "[d] time resolution of data"),
      card("DQUALITY", std::to_string(kManualExclude), "data quality flags: manual exclude"),
      text_card("IMAGTYPE", type, "FFI image type: raw, cal, uncert"),
  };
  if (type != "raw") {
    // Of raw frames neither the name nor the unit is known for sure.
    hdu.cards.push_back(text_card("EXTNAME", fmt::format("CAMERA.CCD {}.{} {}", name.camera, name.ccd, type),
                                  "name of extension"));
    hdu.cards.push_back(text_card("BUNIT", "electrons/s", "physical units of image data"));
  }
  return hdu;
}

}  // namespace

Cadence cadence_of(unsigned sector) {
  // Extended missions: 10 minutes from sector 27, 200 s from sector 56 on, special pointings (above 1000)
  // too.
  const unsigned seconds = sector >= 56 ? 200 : sector >= 27 ? 600 : 1800;
  // A frame of 2 s collects light for 1.98 s, and cosmic ray mitigation keeps 8 frames of 10: card DEADC,
  // 0.792.
  constexpr double kLive = 0.99 * 0.8;
  return {seconds, seconds / 2, kLive * seconds / 86400.0};
}

Result<FrameShape> shape_of(std::string_view name) {
  const auto parsed = parse_ffi_name(name);
  if (!parsed) return fail(Errc::unsupported, "only of full-frame images it is known what they looked like");
  if (parsed->kind == FfiKind::raw) return FrameShape{{primary(*parsed, 1), image(*parsed, "raw", 32)}};
  return FrameShape{{primary(*parsed, 2), image(*parsed, "cal", -32), image(*parsed, "uncert", -32)}};
}

}  // namespace astrofs::tess
