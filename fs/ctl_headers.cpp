#include "fs/ctl_headers.h"

#include <filesystem>
#include <utility>

#include "fs/ctl_header_table.h"
#include "fs/ctl_output.h"
#include "fs/ctl_plot.h"
#include "fs/ctl_plot_image.h"
#include "fs/ctl_plot_text.h"
#include "fs/ctl_table_fits.h"
#include "fs/ctl_table_text.h"

namespace astrofs {
namespace {

Result<void> write_table(const HeaderTable& headers, const HeadersOptions& options) {
  auto table = headers.select(options.where, options.columns);
  if (!table) return tl::unexpected<Error>(table.error());
  // Not before there is something for it: a file of that name may hold the last good answer.
  auto out = Output::open(options.output);
  if (!out) return tl::unexpected<Error>(out.error());
  const bool is_named_fits = options.output.ends_with(".fits") && !options.as_text;
  if (options.as_fits || is_named_fits) {
    if (out->is_terminal())
      return fail(Errc::invalid, "a FITS file is nothing for a terminal: --output FILE, or a pipe");
    if (auto written = write_fits(std::move(*table), *out); !written) return written;
  } else if (options.as_text) {
    write_aligned(*table, *out);
  } else {
    write_csv(*table, *out);
  }
  return out->end();
}

Result<Plot> plot_of(const HeaderTable& headers, const HeadersOptions& options) {
  std::vector<std::string> columns{options.plot};
  if (headers.has(kTimeColumn)) columns.insert(columns.begin(), kTimeColumn);
  const auto table = headers.select(options.where, std::move(columns));
  if (!table) return tl::unexpected<Error>(table.error());
  const std::filesystem::path directory =
      std::filesystem::absolute(options.dataset + "/.").lexically_normal();
  const std::string name = directory.parent_path().filename().string();
  return plot_of(*table, options.where.empty() ? name : name + ", " + options.where);
}

Result<void> write_plot(const HeaderTable& headers, const HeadersOptions& options) {
  const auto plot = plot_of(headers, options);
  if (!plot) return tl::unexpected<Error>(plot.error());
  if (!options.plot_file.empty()) {
    const auto image = draw_image(*plot, *image_kind_of(options.plot_file));
    if (!image) return tl::unexpected<Error>(image.error());
    auto file = Output::open(options.plot_file);
    if (!file) return tl::unexpected<Error>(file.error());
    file->write(*image);
    if (auto written = file->end(); !written) return written;
  }
  auto out = Output::open("");
  if (!out) return tl::unexpected<Error>(out.error());
  out->write(draw_text(*plot, terminal_size()));
  return out->end();
}

}  // namespace

Result<void> show_headers(const HeadersOptions& options) {
  if (!options.plot_file.empty() && !image_kind_of(options.plot_file))
    return fail(Errc::invalid, options.plot_file + " is neither .png nor .svg");
  const auto headers = HeaderTable::open(options.dataset);
  if (!headers) return tl::unexpected<Error>(headers.error());
  return options.plot.empty() ? write_table(*headers, options) : write_plot(*headers, options);
}

}  // namespace astrofs
