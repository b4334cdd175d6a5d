#include "fs/ctl_plot_image.h"

#include <cairo-svg.h>
#include <cairo.h>

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>

namespace astrofs {
namespace {

// A picture for a page or a slide; in points of SVG, of which a PNG has two pixels for each.
constexpr double kWidth = 960, kHeight = 540, kPixels = 2;
constexpr double kRight = 28, kTop = 84, kBottom = 64;  // margins; that on the left is as wide as its labels
constexpr double kLabelSize = 13, kTitleSize = 22;
constexpr std::size_t kMostLevels = 7;
constexpr double kLabelGap = 24;         // between labels beside each other
constexpr std::size_t kAtATime = 1'000;  // points in one path: cairo's work grows faster than their number

struct Colour {
  double red, green, blue;
};
constexpr Colour kPaper{1, 1, 1}, kInk{0.13, 0.15, 0.18}, kPale{0.42, 0.45, 0.50}, kLine{0.89, 0.90, 0.92},
    kDot{0.11, 0.40, 0.75};

struct SurfaceDeleter {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct PenDeleter {
  void operator()(cairo_t* pen) const { cairo_destroy(pen); }
};
using Surface = std::unique_ptr<cairo_surface_t, SurfaceDeleter>;
using Pen = std::unique_ptr<cairo_t, PenDeleter>;

cairo_status_t append(void* file, const unsigned char* data, unsigned length) {
  static_cast<std::string*>(file)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

enum class Align : unsigned char { left, centre, right };

class Drawing {
 public:
  Drawing(cairo_t* pen, const Plot& plot) : pen_(pen), plot_(plot), levels_(ticks_of(plot.y, kMostLevels)) {
    cairo_select_font_face(pen_, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(pen_, kLabelSize);
    for (const Tick& level : levels_) left_ = std::max(left_, width_of(level.label) + 44);
  }

  void draw() {
    colour(kPaper);
    cairo_paint(pen_);
    draw_levels();
    draw_times();
    draw_points();
    colour(kPale);
    text(kWidth - kRight, kHeight - 16, title_of(plot_.x), Align::right);
    text(left_, 62, plot_.subtitle, Align::left);
    colour(kInk);
    cairo_select_font_face(pen_, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(pen_, kTitleSize);
    text(left_, 40, plot_.title, Align::left);
  }

 private:
  void colour(const Colour& colour) { cairo_set_source_rgb(pen_, colour.red, colour.green, colour.blue); }
  [[nodiscard]] double x_of(double value) const {
    return left_ + fraction_of(plot_.x, value) * (kWidth - kRight - left_);
  }
  [[nodiscard]] double y_of(double value) const {
    return kHeight - kBottom - fraction_of(plot_.y, value) * (kHeight - kBottom - kTop);
  }
  double width_of(const std::string& label) {
    cairo_text_extents_t size{};
    cairo_text_extents(pen_, drawn(label).c_str(), &size);
    return size.x_advance;
  }
  void text(double x, double y, const std::string& words, Align align) {
    if (align != Align::left) x -= width_of(words) / (align == Align::centre ? 2 : 1);
    cairo_move_to(pen_, x, y);
    cairo_show_text(pen_, drawn(words).c_str());
  }
  void line(double x0, double y0, double x1, double y1) {
    cairo_move_to(pen_, x0, y0);
    cairo_line_to(pen_, x1, y1);
  }

  void draw_levels() {
    cairo_set_line_width(pen_, 1);
    for (const Tick& level : levels_) {
      const double y = y_of(level.at);
      colour(kLine);
      line(left_, y, kWidth - kRight, y);
      cairo_stroke(pen_);
      colour(kPale);
      text(left_ - 12, y + kLabelSize * 0.35, level.label, Align::right);
    }
  }

  void draw_times() {
    // Fewer, until they have room.
    std::vector<Tick> ticks;
    for (std::size_t most = 12; most > 1; --most) {
      ticks = ticks_of(plot_.x, most);
      double needed = 0;
      for (const Tick& tick : ticks) needed += width_of(tick.label) + kLabelGap;
      if (needed <= kWidth - kRight - left_) break;
    }
    const double y = kHeight - kBottom;
    colour(kPale);
    line(left_, y, kWidth - kRight, y);
    for (const Tick& tick : ticks) line(x_of(tick.at), y, x_of(tick.at), y + 5);
    cairo_stroke(pen_);
    for (const Tick& tick : ticks) text(x_of(tick.at), y + 22, tick.label, Align::centre);
  }

  /// A line of no length with round ends is a dot, and short in SVG.
  void draw_points() {
    colour(kDot);
    cairo_set_line_cap(pen_, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_width(pen_, plot_.points.size() <= 400 ? 5 : 3);
    for (std::size_t i = 0; i < plot_.points.size(); ++i) {
      const double x = x_of(plot_.points[i].x), y = y_of(plot_.points[i].y);
      line(x, y, x, y);
      if (i % kAtATime == kAtATime - 1) cairo_stroke(pen_);
    }
    cairo_stroke(pen_);
    cairo_set_line_cap(pen_, CAIRO_LINE_CAP_BUTT);
  }

  cairo_t* const pen_;
  const Plot& plot_;
  const std::vector<Tick> levels_;
  double left_{0};
};

}  // namespace

std::optional<ImageKind> image_kind_of(std::string_view file) {
  if (file.ends_with(".png")) return ImageKind::png;
  if (file.ends_with(".svg")) return ImageKind::svg;
  return std::nullopt;
}

Result<std::string> draw_image(const Plot& plot, ImageKind kind) {
  std::string file;
  const bool is_svg = kind == ImageKind::svg;
  const Surface surface(is_svg ? cairo_svg_surface_create_for_stream(append, &file, kWidth, kHeight)
                               : cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                                            static_cast<int>(kWidth * kPixels),
                                                            static_cast<int>(kHeight * kPixels)));
  const Pen pen(cairo_create(surface.get()));
  if (!is_svg) cairo_scale(pen.get(), kPixels, kPixels);
  Drawing(pen.get(), plot).draw();
  cairo_status_t status = cairo_status(pen.get());
  if (!is_svg && status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_write_to_png_stream(surface.get(), append, &file);
  cairo_surface_finish(surface.get());
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface.get());
  if (status != CAIRO_STATUS_SUCCESS)
    return fail(Errc::internal,
                fmt::format("the picture cannot be drawn: {}", cairo_status_to_string(status)));
  return file;
}

}  // namespace astrofs
