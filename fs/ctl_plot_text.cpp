#include "fs/ctl_plot_text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "backends/format/numbers.h"
#include "backends/format/utf8.h"
#include "base/one_line.h"

namespace astrofs {
namespace {

constexpr std::size_t kNarrowest = 24, kWidest = 500;  // columns; nobody sees a wider one at once
constexpr std::size_t kLowest = 6, kHighest = 20;      // lines of the field
constexpr std::size_t kOtherLines = 6;  // title, axis, labels, its name, the prompt, and one to breathe
constexpr std::size_t kDotsAcross = 2, kDotsDown = 4;  // in a cell
constexpr std::uint32_t kBraille = 0x2800;
/// Bits of a cell's dots, line by line.
constexpr unsigned kDots[kDotsDown][kDotsAcross] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

/// `fraction` of the way through `count` places.
std::size_t place(double fraction, std::size_t count) {
  const double at = std::round(fraction * static_cast<double>(count - 1));
  return static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(count - 1)));
}

/// The part of a terminal that has points.
class Field {
 public:
  Field(std::size_t width, std::size_t height) : width_(width), height_(height), cells_(width * height) {}

  void mark(double across, double up) {
    const std::size_t x = place(across, width_ * kDotsAcross);
    const std::size_t y = height_ * kDotsDown - 1 - place(up, height_ * kDotsDown);
    cells_[y / kDotsDown * width_ + x / kDotsAcross] |= kDots[y % kDotsDown][x % kDotsAcross];
  }
  [[nodiscard]] std::string line(std::size_t at) const {
    std::string out;
    std::string blanks;
    for (std::size_t x = 0; x < width_; ++x) {
      const unsigned dots = cells_[at * width_ + x];
      if (dots == 0) {
        blanks += ' ';
        continue;
      }
      out += blanks;
      blanks.clear();
      append_utf8(out, kBraille + dots);
    }
    return out;
  }
  [[nodiscard]] std::size_t line_of(double up) const {
    return (height_ * kDotsDown - 1 - place(up, height_ * kDotsDown)) / kDotsDown;
  }

 private:
  std::size_t width_, height_;
  std::vector<unsigned> cells_;
};

std::size_t longest_label(const std::vector<Tick>& ticks) {
  std::size_t longest = 0;
  for (const Tick& tick : ticks) longest = std::max(longest, tick.label.size());
  return longest;
}

/// As many as have room beside each other, with two blanks between.
std::vector<Tick> ticks_across(const Axis& axis, std::size_t width) {
  std::vector<Tick> ticks;
  for (std::size_t most = std::max<std::size_t>(width / 8, 2); most > 1; --most) {
    ticks = ticks_of(axis, most);
    if (ticks.size() * (longest_label(ticks) + 2) <= width) break;
  }
  return ticks;
}

std::string axis_lines(const Axis& axis, std::size_t margin, std::size_t width) {
  std::vector<std::string> line(width, "─");
  std::string labels(margin + 1 + width, ' ');
  for (const Tick& tick : ticks_across(axis, width)) {
    const std::size_t at = place(fraction_of(axis, tick.at), width);
    line[at] = "┬";
    const std::size_t middle = margin + 1 + at;
    const std::size_t half = tick.label.size() / 2;
    const std::size_t begin = std::min(middle > half ? middle - half : 0,
                                       labels.size() - std::min(labels.size(), tick.label.size()));
    labels.replace(begin, tick.label.size(), tick.label);
  }
  labels.erase(labels.find_last_not_of(' ') + 1);
  std::string out = std::string(margin, ' ') + "└";
  for (const std::string& part : line) out += part;
  return out + "\n" + labels + "\n";
}

}  // namespace

TerminalSize terminal_size() {
  TerminalSize size;
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0)
    return {window.ws_col, window.ws_row};
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr)
    size.columns = number_in<std::size_t>(columns).value_or(size.columns);
  return size;
}

std::string draw_text(const Plot& plot, TerminalSize size) {
  const std::size_t columns = std::clamp(size.columns, kNarrowest, kWidest);
  const std::size_t height = std::clamp(size.lines - std::min(size.lines, kOtherLines), kLowest, kHighest);
  const std::vector<Tick> levels = ticks_of(plot.y, std::max<std::size_t>(height / 3, 2));
  const std::size_t labels = std::min(longest_label(levels), columns / 2);
  const std::size_t margin = labels + 1;
  Field field(columns - margin - 1, height);
  for (const PlotPoint& point : plot.points)
    field.mark(fraction_of(plot.x, point.x), fraction_of(plot.y, point.y));

  std::vector<std::string> sides(height, std::string(margin, ' ') + "│");
  for (const Tick& level : levels) {
    const std::string label = drawn(level.label, labels);
    sides[field.line_of(fraction_of(plot.y, level.at))] =
        std::string(labels - label.size(), ' ') + label + " ┤";
  }
  std::string out = drawn(plot.title + "  " + plot.subtitle, columns) + "\n";
  for (std::size_t line = 0; line < height; ++line) out += sides[line] + field.line(line) + "\n";
  out += axis_lines(plot.x, margin, columns - margin - 1);
  return out + drawn(std::string(margin + 1, ' ') + title_of(plot.x), columns) + "\n";
}

}  // namespace astrofs
