#include "tests/support/sim_sector.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "tests/support/sim_http.h"

namespace astrofs::sim {
namespace {

constexpr std::string_view kRoot = "/tess/public/";
/// tessYYYYDDDHHMMSS-sSSSS-C-D-IIII-s_ffic.fits
constexpr std::size_t kNameLetters = 44;
/// 2018-11-14 18:53: the names of that time are a second later than today's.
constexpr SysSeconds kFirstProcessing{seconds(1'542'221'614)};

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

SysSeconds stamp_time(int year, int day, int hour, int minute, int second) {
  const std::chrono::sys_days first_day = std::chrono::year(year) / 1 / 1;
  return first_day + std::chrono::days(day - 1) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         seconds(second);
}

/// Everything that a frame's name says; false when it is none.
bool spec_from_name(std::string_view name, FrameSpec& spec) {
  int year = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool ok = name.size() == kNameLetters && name.starts_with("tess") && name.ends_with("-s_ffic.fits") &&
                  read_number(name.substr(4, 4), year) && read_number(name.substr(8, 3), day) &&
                  read_number(name.substr(11, 2), hour) && read_number(name.substr(13, 2), minute) &&
                  read_number(name.substr(15, 2), second) && read_number(name.substr(19, 4), spec.sector) &&
                  read_number(name.substr(24, 1), spec.camera) && read_number(name.substr(26, 1), spec.ccd) &&
                  read_number(name.substr(28, 4), spec.scid);
  spec.name = name;
  spec.start = stamp_time(year, day, hour, minute, second);
  return ok;
}

std::string path_of(const FrameSpec& spec) {
  return fmt::format("{}ffi/s{:04}/{}/{}/{}-{}/{}", kRoot, spec.sector, format_utc(spec.start, "%Y"),
                     format_utc(spec.start, "%j"), spec.camera, spec.ccd, spec.name);
}

std::vector<std::string_view> columns_of(std::string_view line) {
  std::vector<std::string_view> columns;
  for (;;) {
    const auto comma = line.find(',');
    columns.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return columns;
    line.remove_prefix(comma + 1);
  }
}

/// gzread passes plain files through.
Result<std::string> read_listing(const std::string& path) {
  const gzFile file = ::gzopen(path.c_str(), "rb");
  if (file == nullptr) return fail(Errc::not_found, fmt::format("cannot open the listing {}", path));
  std::string text;
  std::vector<char> piece(1U << 16);
  int got = 0;
  while ((got = ::gzread(file, piece.data(), static_cast<unsigned>(piece.size()))) > 0) {
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  ::gzclose(file);
  if (got < 0) return fail(Errc::corrupt, fmt::format("the listing {} is damaged", path));
  return text;
}

bool wanted(const SectorOptions& options, const FrameSpec& spec) {
  return options.chips.empty() || std::ranges::any_of(options.chips, [&](const Chip& chip) {
           return chip.camera == spec.camera && chip.ccd == spec.ccd;
         });
}

Result<std::vector<FrameSpec>> listed_frames(const SectorOptions& options) {
  const auto text = read_listing(options.listing);
  if (!text) return tl::unexpected(text.error());
  std::vector<FrameSpec> frames;
  std::vector<std::string_view> head;
  std::map<std::pair<int, int>, int> taken;
  std::string_view rest = *text;
  for (int line_number = 1; !rest.empty(); ++line_number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto columns = columns_of(line);
    if (line_number == 1) {
      head = columns;
      continue;
    }
    const auto cell = [&](std::string_view name) -> std::string_view {
      const auto at = static_cast<std::size_t>(std::ranges::find(head, name) - head.begin());
      return at < columns.size() ? columns[at] : std::string_view{};
    };
    FrameSpec spec;
    const std::string_view path = cell("path");
    if (!spec_from_name(path.substr(path.rfind('/') + 1), spec) ||
        !read_number(cell("data_offset"), spec.data_offset) || spec.data_offset < kDataOffsets.front() ||
        spec.data_offset % 2880 != 0) {
      return fail(Errc::invalid, fmt::format("{}:{}: not a full-frame image with its data_offset",
                                             options.listing, line_number));
    }
    read_number(cell("quality"), spec.quality);
    read_number(cell("barycorr"), spec.barycorr);
    spec.cadence = cadence_of_sector(spec.sector);
    spec.size = options.size;
    if (!wanted(options, spec)) continue;
    if (int& count = taken[{spec.camera, spec.ccd}]; options.frames == 0 || count++ < options.frames)
      frames.push_back(spec);
  }
  return frames;
}

std::vector<FrameSpec> made_up_frames(const SectorOptions& options) {
  std::vector<FrameSpec> frames;
  const int count = options.frames > 0 ? options.frames : 8;
  const int cadence = options.cadence > 0 ? options.cadence : cadence_of_sector(options.sector);
  for (int chip = 0; chip < 16; ++chip) {
    FrameSpec spec{.name = {}, .sector = options.sector, .camera = chip / 4 + 1, .ccd = chip % 4 + 1};
    spec.scid = options.scid;
    spec.cadence = cadence;
    spec.size = options.size;
    if (!wanted(options, spec)) continue;
    for (int number = 0; number < count; ++number) {
      spec.start = options.first + seconds(std::int64_t{cadence} * number);
      spec.data_offset = options.data_offsets[static_cast<std::size_t>(number) % options.data_offsets.size()];
      for (int twin = 0; twin <= (number < options.doubled ? 1 : 0); ++twin) {
        spec.start += seconds(twin);
        spec.written = twin == 0 ? FrameSpec{}.written : kFirstProcessing;
        spec.name = fmt::format("tess{}-s{:04}-{}-{}-{:04}-s_ffic.fits", format_utc(spec.start, "%Y%j%H%M%S"),
                                spec.sector, spec.camera, spec.ccd, spec.scid);
        frames.push_back(spec);
      }
    }
  }
  return frames;
}

/// The script is never held as text: lines have one width, so any range is made from the names.
void put_script(ContentTree& tree, int sector, std::vector<std::string> names) {
  constexpr std::string_view kFirstLine = "#!/bin/sh\n";
  const auto line_of = [](const std::string& name) {
    return fmt::format(
        "curl -C - -L -o {0} https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{0}\n",
        name);
  };
  const std::uint64_t width = line_of(std::string(kNameLetters, 'x')).size();
  const std::uint64_t size = kFirstLine.size() + width * names.size();
  auto shared = std::make_shared<const std::vector<std::string>>(std::move(names));
  const auto read = [shared, line_of, width, kFirstLine](std::uint64_t offset, std::span<std::byte> into) {
    for (std::size_t done = 0; done < into.size();) {
      const std::uint64_t at = offset + done;
      const std::string line =
          at < kFirstLine.size()
              ? std::string(kFirstLine)
              : line_of((*shared)[static_cast<std::size_t>((at - kFirstLine.size()) / width)]);
      const std::uint64_t skip = at < kFirstLine.size() ? at : (at - kFirstLine.size()) % width;
      const std::size_t length = std::min(line.size() - static_cast<std::size_t>(skip), into.size() - done);
      std::memcpy(into.data() + done, line.data() + skip, length);
      done += length;
    }
  };
  tree.put(fmt::format("/missions/tess/download_scripts/sector/tesscurl_sector_{}_ffic.sh", sector), size,
           read, {});
}

}  // namespace

int cadence_of_sector(int sector) {
  if (sector <= 26) return 1800;
  return sector <= 55 ? 600 : 200;
}

Result<std::vector<Chip>> parse_chips(std::string_view text) {
  std::vector<Chip> chips;
  if (text.empty() || text == "all") return chips;
  for (const std::string_view word : columns_of(text)) {
    Chip chip;
    if (word.size() != 3 || word[1] != '-' || !read_number(word.substr(0, 1), chip.camera) ||
        !read_number(word.substr(2), chip.ccd) || chip.camera < 1 || chip.camera > 4 || chip.ccd < 1 ||
        chip.ccd > 4) {
      return fail(Errc::invalid, fmt::format("\"{}\" is no chip: write CAMERA-CCD, each 1 to 4", word));
    }
    chips.push_back(chip);
  }
  return chips;
}

Result<std::vector<FrameName>> put_sector(ContentTree& tree, const SectorOptions& options) {
  auto specs = options.listing.empty() ? Result<std::vector<FrameSpec>>(made_up_frames(options))
                                       : listed_frames(options);
  if (!specs) return tl::unexpected(specs.error());
  const auto shelf = std::make_shared<FrameShelf>();
  std::vector<FrameName> names;
  std::vector<std::string> script;
  for (const FrameSpec& spec : *specs) {
    const std::string path = path_of(spec);
    const std::uint64_t size = FfiFrame::bytes_of(spec);
    tree.put(
        path, size,
        [shelf, frame = std::make_shared<const FrameSpec>(spec)](
            std::uint64_t offset, std::span<std::byte> into) { shelf->frame(*frame)->read(offset, into); },
        {.last_modified = spec.written});
    names.push_back({.name = spec.name, .path = path, .size = size});
    script.push_back(spec.name);
  }
  const int sector = specs->empty() ? options.sector : specs->front().sector;
  put_script(tree, sector, std::move(script));
  for (const std::string& name : options.denied) tree.deny(name);
  return names;
}

void put_prf_models(ContentTree& tree) {
  struct Set {
    std::string_view directory;
    std::string_view front;  ///< of the stamps
    std::string_view ends;   ///< their last three digits, chip by chip
  };
  constexpr Set kSets[] = {
      {"start_s0001", "2018243163", "600600600600600600600601601601601601601601601601"},
      {"start_s0004", "2019107181", "900901901901901901901901901902902902902902902902"},
  };
  constexpr int kRows[] = {1, 513, 1025, 1536, 2048};
  constexpr int kColumns[] = {45, 557, 1069, 1580, 2092};
  for (const Set& set : kSets) {
    for (int chip = 0; chip < 16; ++chip) {
      const int camera = chip / 4 + 1;
      const int ccd = chip % 4 + 1;
      for (const int row : kRows) {
        for (const int column : kColumns) {
          const std::string path = fmt::format(
              "/missions/tess/models/prf_fitsfiles/{}/cam{}_ccd{}/tess{}{}-prf-{}-{}-row{:04}-col{:04}.fits",
              set.directory, camera, ccd, set.front, set.ends.substr(static_cast<std::size_t>(chip) * 3, 3),
              camera, ccd, row, column);
          tree.put(path, prf_bytes(),
                   [=](std::uint64_t offset, std::span<std::byte> into) {
                     const std::string file = prf_file(camera, ccd, row, column);
                     std::memcpy(into.data(), file.data() + offset, into.size());
                   },
                   {});
        }
      }
    }
  }
}

}  // namespace astrofs::sim
