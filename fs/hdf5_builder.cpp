#include "fs/hdf5_builder.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

namespace astrofs {
namespace {

template <class Word>
void append_big_endian(std::vector<std::byte>& out, Word word) {
  for (unsigned byte = sizeof(Word); byte-- > 0;) out.push_back(static_cast<std::byte>(word >> (8 * byte)));
}

Result<void> write_at(int fd, std::span<const std::byte> bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EFBIG)
      return fail(Errc::too_large, "more than the cache has room for beside its other files");
    if (n < 0) return tl::unexpected<Error>(system_error(errno, "writing the scratch file"));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> read_at(int fd, std::span<std::byte> bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(system_error(errno, "reading the scratch file"));
    if (n == 0) return fail(Errc::corrupt, "the scratch file has become shorter");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

/// A type that holds the values of both.
NumberForm common(NumberForm a, NumberForm b) {
  if (a == b) return a;
  const auto is_real = [](NumberForm form) { return form == NumberForm::f4 || form == NumberForm::f8; };
  if (is_real(a) || is_real(b)) return NumberForm::f8;
  return width_of(a) >= width_of(b) ? a : b;
}

}  // namespace

Hdf5Builder::Hdf5Builder(Recipe recipe, UniqueFd scratch)
    : recipe_(std::move(recipe)), scratch_(std::move(scratch)) {}

Result<void> Hdf5Builder::add(const PartLine& part, std::span<const std::byte> file) {
  for (const Recipe::Dataset& dataset : recipe_.datasets) {
    if (dataset.from == Recipe::From::given && dataset.given >= part.given.size())
      return fail(Errc::invalid, fmt::format("part {} was given too few numbers", part.index));
  }
  const Result<StoredCurve> curve = read_curve(file, recipe_);
  if (!curve) return fail(curve.error().code, fmt::format("part {}: {}", part.index, curve.error().message));
  Part kept{part.index, curve->rows, scratch_size_, {}, part.given, curve->cards};
  for (const StoredColumn& column : curve->columns) {
    if (Result<void> written = write_at(scratch_.get(), column.values, scratch_size_); !written)
      return written;
    scratch_size_ += column.values.size();
    kept.forms.push_back(column.form);
  }
  parts_.push_back(std::move(kept));
  return {};
}

NumberForm Hdf5Builder::form_of(std::size_t column, Recipe::Type wanted) const {
  switch (wanted) {
    case Recipe::Type::i2:
      return NumberForm::i2;
    case Recipe::Type::i4:
      return NumberForm::i4;
    case Recipe::Type::i8:
      return NumberForm::i8;
    case Recipe::Type::f4:
      return NumberForm::f4;
    case Recipe::Type::f8:
      return NumberForm::f8;
    case Recipe::Type::same:
      break;
  }
  NumberForm form = parts_.front().forms[column];
  for (const Part& part : parts_) form = common(form, part.forms[column]);
  return form;
}

std::uint64_t Hdf5Builder::longest() const {
  std::uint64_t rows = 0;
  for (const Part& part : parts_) rows = std::max(rows, part.rows);
  return rows;
}

Result<void> Hdf5Builder::write_columns(Hdf5File& file, std::size_t dataset, std::size_t column) const {
  std::vector<std::byte> values;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    std::uint64_t place = part.place;
    for (std::size_t before = 0; before < column; ++before) place += part.rows * width_of(part.forms[before]);
    const std::size_t width = width_of(part.forms[column]);
    values.assign(static_cast<std::size_t>(longest()) * width, std::byte{0});
    const std::span<std::byte> own(values.data(), static_cast<std::size_t>(part.rows) * width);
    if (Result<void> read = read_at(scratch_.get(), own, place); !read) return read;
    if (Result<void> done = file.write(dataset, i, part.forms[column], values); !done) return done;
  }
  return {};
}

Result<void> Hdf5Builder::write_numbers(Hdf5File& file, std::size_t number, std::size_t dataset,
                                        std::size_t card) const {
  const Recipe::Dataset& spec = recipe_.datasets[number];
  const bool is_given = spec.from == Recipe::From::given;
  std::vector<std::byte> values;
  for (const Part& part : parts_) {
    append_big_endian(values, is_given ? static_cast<std::uint64_t>(part.given[spec.given])
                                       : std::bit_cast<std::uint64_t>(part.cards[card]));
  }
  return file.write(dataset, 0, is_given ? NumberForm::i8 : NumberForm::f8, values);
}

Result<WrittenFile> Hdf5Builder::write(const std::string& path, bool named) {
  if (parts_.empty()) return fail(Errc::not_found, "there is no light curve to make a file of");
  if (recipe_.single && parts_.size() != 1) return fail(Errc::invalid, "one light curve was to come");
  std::sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.index < b.index; });
  auto file = Hdf5File::create(path);
  if (!file) return tl::unexpected<Error>(file.error());
  // libhdf5 makes no file of a descriptor; but a name is needed no longer than this.
  if (!named) (void)::unlink(path.c_str());
  const std::string group = "lightcurve";
  if (recipe_.single) {
    if (Result<void> made = (*file)->add_group(group); !made) return tl::unexpected<Error>(made.error());
  }
  std::size_t column = 0;
  std::size_t card = 0;
  for (std::size_t i = 0; i < recipe_.datasets.size(); ++i) {
    const Recipe::Dataset& spec = recipe_.datasets[i];
    const bool is_column = spec.from == Recipe::From::column;
    std::vector<std::uint64_t> axes;
    if (!recipe_.single) axes.push_back(parts_.size());
    if (is_column) axes.push_back(longest());
    NumberForm form = spec.from == Recipe::From::given ? NumberForm::i8 : NumberForm::f8;
    if (is_column || spec.type != Recipe::Type::same) form = form_of(column, spec.type);
    const auto dataset =
        (*file)->add_dataset((recipe_.single && is_column ? group + "/" : "") + spec.name, form, axes);
    if (!dataset) return tl::unexpected<Error>(dataset.error());
    const Result<void> written =
        is_column ? write_columns(**file, *dataset, column) : write_numbers(**file, i, *dataset, card);
    if (!written) return tl::unexpected<Error>(written.error());
    if (is_column) ++column;
    if (spec.from == Recipe::From::card) ++card;
  }
  const Result<std::uint64_t> size = (*file)->close();
  if (!size) return tl::unexpected<Error>(size.error());
  return WrittenFile{*size, parts_.size(), longest(), 0};
}

}  // namespace astrofs
