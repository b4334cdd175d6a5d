// archive_sim: the stand-in archive as a program, for scripts and the demo. It ends on SIGTERM, SIGINT or
// --max-seconds.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <span>

#include "tests/support/archive_sim.h"
#include "tests/support/daiquiri.h"
#include "tests/support/vo_archive.h"

namespace astrofs::sim {
namespace {

constexpr std::string_view kUsage =
    "archive_sim [OPTION...]: serve astronomical archives on the loopback address\n"
    "  --port N            0 (default): one the kernel chooses\n"
    "  --ready-file FILE   write the URL there when ready, as well as to stdout\n"
    "  --folder DIR[:STYLE[:PREFIX]]  a directory on disk; STYLE apache, nginx, nginx_json, lighttpd or "
    "none; PREFIX / \n"
    "  --sector N          a TESS sector, with --frames K (per chip), --chips all|1-1,2-3, --size "
    "small|full\n"
    "  --listing CSV       the sector's real names (CSV or CSV.gz with path and data_offset)\n"
    "  --offsets A,B,...   data offsets of made-up frames, in turn\n"
    "  --denied NAME       listed and 404; may be repeated\n"
    "  --prf               the PRF models\n"
    "  --targets N         N targets of TESS, with --target-sectors A,B,..., --target-rows K and\n"
    "                      --target-stamp WxH\n"
    "  --dkist N           the DKIST data centre with N datasets, --dkist-frames M (of the first),\n"
    "                      --dkist-other-frames M, --dkist-lost K (of the first), --dkist-image "
    "COLUMNSxROWS,\n"
    "                      --dkist-no-https, --dkist-need-token, --dkist-ranges,\n"
    "                      --dkist-globus FOLDER, --dkist-task-ms N\n"
    "  --hlsp A,B,...      light-curve pipelines in these sectors, with --hlsp-targets N (QLP, TESS-SPOC),\n"
    "                      --hlsp-stars N (TGLC, per CCD), --hlsp-images N (TICA), --hlsp-rows N\n"
    "  --applause N        APPLAUSE with N plates of its second archive, with --applause-rows K (sources of\n"
    "                      a plate), --applause-scan COLUMNSxROWS, --applause-job-ms N\n"
    "  --hst N             HST with N exposures beside its three data sets, with --hst-side PIXELS,\n"
    "                      --hst-hap K\n"
    "  --vo N              an archive of the Virtual Observatory with N plates, --vo-linked N, --vo-stars N\n"
    "  --bucket NAME[:ROOT]  a further S3 bucket\n"
    "  --latency MS, --bandwidth BYTES  per second and connection\n"
    "  --max-seconds N     end after that time\n";

struct Program {
  ArchiveSim sim;
  std::uint16_t port{0};
  std::string ready_file;
  SectorOptions sector;
  bool has_sector{false};
  TargetOptions targets;
  DkistOptions dkist;
  HlspOptions hlsp{.sectors = {}};
  PlateOptions plates;
  milliseconds plate_job_time{-1};
  HstOptions hst;
  bool has_hst{false};
  VoOptions vo{.plates = 0};
  std::int64_t max_seconds{0};
};

template <class Number>
Result<Number> number_of(std::string_view text, std::string_view option) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  return fail(Errc::invalid, fmt::format("{}: \"{}\" is no number in range", option, text));
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Result<void> add_folder(ArchiveSim& sim, const std::string& value) {
  const auto parts = split(value, ':');
  const auto style = listing_style_of(parts.size() > 1 ? parts[1] : "apache");
  if (!style) return fail(Errc::invalid, fmt::format("--folder: no such style: {}", parts[1]));
  sim.serve_folder(parts.size() > 2 ? parts[2] : "/", parts[0], *style);
  return {};
}

Result<void> set_size(SectorOptions& sector, const std::string& value) {
  if (value != "small" && value != "full") return fail(Errc::invalid, "--size: small or full");
  sector.size = value == "full" ? kFullFrame : kSmallFrame;
  return {};
}

Result<void> set_offsets(SectorOptions& sector, const std::string& value) {
  sector.data_offsets.clear();
  for (const std::string& part : split(value, ',')) {
    const auto offset = number_of<std::uint32_t>(part, "--offsets");
    if (!offset) return tl::unexpected(offset.error());
    if (*offset < kDataOffsets.front() || *offset % 2880 != 0) {
      return fail(Errc::invalid, fmt::format("--offsets: {} is no multiple of 2880 from 14400 on", part));
    }
    sector.data_offsets.push_back(*offset);
  }
  return {};
}

/// `into` = the number in `value`.
template <class Number>
Result<void> set(Number& into, const std::string& value, std::string_view option) {
  const auto number = number_of<Number>(value, option);
  if (!number) return tl::unexpected(number.error());
  into = *number;
  return {};
}

Result<void> add_fault(ArchiveSim& sim, Kind kind, const std::string& value, std::string_view option) {
  Fault fault{.kind = kind};
  auto done = set(fault.n, value, option);
  if (done) sim.add_fault(fault);
  return done;
}

/// "COLUMNSxROWS".
template <class Number>
Result<void> set_image(Number& columns, Number& rows, const std::string& value, std::string_view option) {
  const auto parts = split(value, 'x');
  if (parts.size() != 2) return fail(Errc::invalid, fmt::format("{}: COLUMNSxROWS", option));
  auto done = set(columns, parts[0], option);
  if (done) done = set(rows, parts[1], option);
  if (done && (columns < 1 || rows < 1)) return fail(Errc::invalid, fmt::format("{}: at least 1x1", option));
  return done;
}

Result<void> set_sectors(TargetOptions& targets, const std::string& value) {
  targets.sectors.clear();
  for (const std::string& part : split(value, ',')) {
    const auto sector = number_of<int>(part, "--target-sectors");
    if (!sector) return tl::unexpected(sector.error());
    targets.sectors.push_back(*sector);
  }
  return {};
}

Result<void> apply_dkist(DkistOptions& dkist, const std::string& option, const std::string& value) {
  if (option == "--dkist") return set(dkist.datasets, value, option);
  if (option == "--dkist-frames") return set(dkist.frames, value, option);
  if (option == "--dkist-other-frames") return set(dkist.other_frames, value, option);
  if (option == "--dkist-lost") return set(dkist.lost, value, option);
  if (option == "--dkist-image") return set_image(dkist.image_columns, dkist.image_rows, value, option);
  if (option == "--dkist-globus") {
    dkist.globus_folder = value;
    return {};
  }
  if (option == "--dkist-task-ms") {
    std::int64_t milliseconds_of_a_task = 0;
    auto done = set(milliseconds_of_a_task, value, option);
    dkist.task_time = milliseconds(milliseconds_of_a_task);
    return done;
  }
  return fail(Errc::invalid, fmt::format("unknown option {}\n{}", option, kUsage));
}

Result<void> set_sectors(HlspOptions& hlsp, const std::string& value) {
  for (const std::string& part : split(value, ',')) {
    const auto sector = number_of<int>(part, "--hlsp");
    if (!sector) return tl::unexpected(sector.error());
    hlsp.sectors.push_back(*sector);
  }
  return {};
}

Result<void> apply_plates(Program& program, const std::string& option, const std::string& value) {
  if (option == "--applause") return set(program.plates.plates, value, option);
  if (option == "--applause-rows") return set(program.plates.rows, value, option);
  if (option == "--applause-scan") {
    auto done = set_image(program.plates.width, program.plates.height, value, option);
    if (done && program.plates.width % 2 + program.plates.height % 2 == 2)
      return fail(Errc::invalid, "--applause-scan: one of them must be even");
    return done;
  }
  if (option == "--applause-job-ms") {
    std::int64_t time = 0;
    auto done = set(time, value, option);
    program.plate_job_time = milliseconds(time);
    return done;
  }
  return fail(Errc::invalid, fmt::format("unknown option {}\n{}", option, kUsage));
}

/// Of HST, the light-curve pipelines and the plates; those of DKIST otherwise.
Result<void> apply_centre(Program& program, const std::string& option, const std::string& value) {
  if (option == "--hst") {
    program.has_hst = true;
    return set(program.hst.exposures, value, option);
  }
  if (option == "--hst-side") return set(program.hst.side, value, option);
  if (option == "--hst-hap") return set(program.hst.hap, value, option);
  if (option == "--hlsp") return set_sectors(program.hlsp, value);
  if (option == "--hlsp-targets") return set(program.hlsp.targets, value, option);
  if (option == "--hlsp-stars") return set(program.hlsp.stars, value, option);
  if (option == "--hlsp-images") return set(program.hlsp.images, value, option);
  if (option == "--hlsp-rows") return set(program.hlsp.rows, value, option);
  if (option == "--vo") return set(program.vo.plates, value, option);
  if (option == "--vo-linked") return set(program.vo.linked, value, option);
  if (option == "--vo-stars") return set(program.vo.stars, value, option);
  if (option.starts_with("--applause")) return apply_plates(program, option, value);
  return apply_dkist(program.dkist, option, value);
}

/// Options without a value; false for any other.
bool apply_switch(Program& program, const std::string& option) {
  if (option == "--prf") {
    program.sim.add_prf_models();
  } else if (option == "--dkist-no-https") {
    program.dkist.https = false;
  } else if (option == "--dkist-need-token") {
    program.dkist.need_token = true;
  } else if (option == "--dkist-ranges") {
    program.dkist.ranges = true;
  } else {
    return false;
  }
  return true;
}

Result<void> apply(Program& program, const std::string& option, const std::string& value) {
  if (option == "--port") return set(program.port, value, option);
  if (option == "--max-seconds") return set(program.max_seconds, value, option);
  if (option == "--folder") return add_folder(program.sim, value);
  if (option == "--latency") return add_fault(program.sim, Kind::latency, value, option);
  if (option == "--bandwidth") return add_fault(program.sim, Kind::bandwidth, value, option);
  if (option == "--ready-file") {
    program.ready_file = value;
    return {};
  }
  if (option == "--denied") {
    program.sim.deny(value);
    return {};
  }
  if (option == "--bucket") {
    const auto parts = split(value, ':');
    program.sim.add_bucket(parts[0], parts.size() > 1 ? parts[1] : "/");
    return {};
  }
  if (option == "--frames") return set(program.sector.frames, value, option);
  if (option == "--size") return set_size(program.sector, value);
  if (option == "--offsets") return set_offsets(program.sector, value);
  if (option == "--targets") return set(program.targets.targets, value, option);
  if (option == "--target-rows") return set(program.targets.rows, value, option);
  if (option == "--target-stamp") {
    const auto by = value.find('x');
    const std::string height = by == std::string::npos ? "" : value.substr(by + 1);
    return set(program.targets.width, value.substr(0, by), option).and_then([&] {
      return set(program.targets.height, height, option);
    });
  }
  if (option == "--target-sectors") return set_sectors(program.targets, value);
  if (option == "--sector" || option == "--listing") {
    program.has_sector = true;
    if (option == "--sector") return set(program.sector.sector, value, option);
    program.sector.listing = value;
    return {};
  }
  if (option == "--chips") {
    auto chips = parse_chips(value);
    if (!chips) return tl::unexpected(chips.error());
    program.sector.chips = std::move(*chips);
    return {};
  }
  return apply_centre(program, option, value);
}

Result<void> read_arguments(Program& program, std::span<char*> arguments) {
  for (std::size_t at = 1; at < arguments.size(); ++at) {
    const std::string option = arguments[at];
    if (apply_switch(program, option)) continue;
    if (option == "--help") return fail(Errc::invalid, std::string(kUsage));
    if (at + 1 == arguments.size())
      return fail(Errc::invalid, fmt::format("{} needs a value\n{}", option, kUsage));
    if (auto done = apply(program, option, arguments[++at]); !done) return done;
  }
  return {};
}

/// Blocks SIGTERM and SIGINT for every thread that comes later; they are read from the descriptor.
UniqueFd end_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC));
}

Result<void> run(Program& program) {
  const UniqueFd signals = end_signals();
  if (program.has_sector) {
    const auto frames = program.sim.add_sector(program.sector);
    if (!frames) return tl::unexpected(frames.error());
  }
  if (!program.hlsp.sectors.empty()) program.sim.add_hlsp(program.hlsp);
  if (program.targets.targets > 0) program.sim.add_targets(program.targets);
  if (program.plates.plates > 0) {
    Daiquiri& plates = program.sim.add_plates(program.plates);
    DaiquiriSettings settings = plates.settings();
    if (program.plate_job_time.count() >= 0) settings.job_time = program.plate_job_time;
    plates.set(settings);
  }
  if (program.has_hst) program.sim.add_hst(program.hst);
  if (program.vo.plates > 0) program.sim.add_vo(program.vo);
  if (program.dkist.datasets > 0) program.sim.add_dkist(program.dkist);
  if (auto started = program.sim.start(program.port); !started) return started;
  fmt::print("{}\n", program.sim.url());
  std::fflush(stdout);
  if (!program.ready_file.empty()) {
    // Renamed into place, so that whoever waits for the file finds the whole URL in it.
    const std::string half = program.ready_file + ".new";
    std::ofstream(half) << program.sim.url() << '\n';
    if (std::rename(half.c_str(), program.ready_file.c_str()) != 0) {
      return tl::unexpected(system_error(errno, program.ready_file));
    }
  }
  pollfd waiting{.fd = signals.get(), .events = POLLIN, .revents = 0};
  const SteadyTime end = std::chrono::steady_clock::now() + seconds(program.max_seconds);
  for (;;) {
    constexpr int kLookAgain = 1000;  // milliseconds, for --max-seconds
    if (::poll(&waiting, 1, program.max_seconds > 0 ? kLookAgain : -1) > 0) break;
    if (program.max_seconds > 0 && std::chrono::steady_clock::now() >= end) break;
  }
  program.sim.stop();
  return {};
}

}  // namespace
}  // namespace astrofs::sim

int main(int argc, char** argv) {
  astrofs::sim::Program program;
  auto done = astrofs::sim::read_arguments(program, std::span(argv, static_cast<std::size_t>(argc)));
  if (done) done = astrofs::sim::run(program);
  if (done) return 0;
  std::cerr << "archive_sim: " << done.error().message << '\n';
  return 2;
}
