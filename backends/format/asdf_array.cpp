#include "backends/format/asdf_array.h"

#include <string_view>
#include <utility>

namespace astrofs {
namespace {

constexpr std::uint64_t kLongestText = 64ULL
                                       << 10;  // characters; a FITS value has 68, CONTINUEd ones some hundred

struct NamedElement {
  std::string_view name;
  AsdfArray::Element element;
  std::size_t width;
};
constexpr NamedElement kElements[] = {
    {"int8", AsdfArray::Element::signed_integer, 1},
    {"int16", AsdfArray::Element::signed_integer, 2},
    {"int32", AsdfArray::Element::signed_integer, 4},
    {"int64", AsdfArray::Element::signed_integer, 8},
    {"uint8", AsdfArray::Element::unsigned_integer, 1},
    {"uint16", AsdfArray::Element::unsigned_integer, 2},
    {"uint32", AsdfArray::Element::unsigned_integer, 4},
    {"uint64", AsdfArray::Element::unsigned_integer, 8},
    {"float32", AsdfArray::Element::real, 4},
    {"float64", AsdfArray::Element::real, 8},
    {"bool8", AsdfArray::Element::boolean, 1},
};

tl::unexpected<Error> unsupported(std::string_view what) {
  return fail(Errc::unsupported, "an ASDF array of a kind that no header has: " + std::string(what));
}

/// "float64", or [ucs4, 23].
Result<void> parse_datatype(const YamlNode& node, AsdfArray& array) {
  if (node.is_scalar()) {
    for (const NamedElement& known : kElements) {
      if (known.name != node.text()) continue;
      array.element = known.element;
      array.width = known.width;
      return {};
    }
    return unsupported("datatype " + std::string(node.text()));
  }
  const auto length = node.at(1).integer();
  if (!node.is_sequence() || node.size() != 2 || !length) return unsupported("a datatype of several fields");
  if (*length < 0 || static_cast<std::uint64_t>(*length) > kLongestText) {
    return fail(Errc::too_large, "an ASDF column with texts that are too long");
  }
  const bool wide = node.at(0).text() == "ucs4";
  if (!wide && node.at(0).text() != "ascii") return unsupported("datatype " + std::string(node.at(0).text()));
  array.element = wide ? AsdfArray::Element::ucs4 : AsdfArray::Element::ascii;
  array.width = static_cast<std::size_t>(*length) * (wide ? 4 : 1);
  return {};
}

// ---- values that stand in the tree

ColumnType common_type(const YamlNode& list) {
  bool integers = true, reals = true, booleans = true;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const YamlNode value = list.at(i);
    if (value.is_null()) continue;
    integers = integers && value.integer().has_value();
    reals = reals && value.real().has_value();
    booleans = booleans && value.boolean().has_value();
  }
  if (integers) return ColumnType::integer;
  return reals ? ColumnType::real : booleans ? ColumnType::boolean : ColumnType::text;
}

Result<std::shared_ptr<const ColumnValues>> written_values(const YamlNode& list) {
  if (list.size() > kMostAsdfRows) return fail(Errc::too_large, "an ASDF array with too many values");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list.at(i).is_scalar()) return unsupported("more than one dimension");
  }
  auto out = std::make_shared<ColumnValues>(ColumnValues::nothing(common_type(list), list.size()));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const YamlNode value = list.at(i);
    if (value.is_null()) continue;
    out->missing[i] = false;
    switch (out->type()) {
      case ColumnType::integer:
        std::get<0>(out->values)[i] = value.integer().value_or(0);
        break;
      case ColumnType::real:
        std::get<1>(out->values)[i] = value.real().value_or(0);
        break;
      case ColumnType::boolean:
        std::get<2>(out->values)[i] = value.boolean().value_or(false);
        break;
      case ColumnType::text:
        std::get<3>(out->values)[i] = value.text();
        break;
    }
  }
  return out;
}

Result<void> parse_shape(const YamlNode& shape, AsdfArray& array) {
  if (!shape) return {};
  if (!shape.is_sequence() || shape.size() != 1) return unsupported("more than one dimension");
  if (shape.at(0).text() == "*") return {};
  const auto rows = shape.at(0).integer();
  if (!rows || *rows < 0) return fail(Errc::corrupt, "an ASDF array without a length");
  if (static_cast<std::uint64_t>(*rows) > kMostAsdfRows) {
    return fail(Errc::too_large, "an ASDF array with too many values");
  }
  array.rows = static_cast<std::uint64_t>(*rows);
  return {};
}

Result<void> parse_place(const YamlNode& node, AsdfArray& array) {
  const auto block = node["source"].integer();
  if (!block) return unsupported("in another file");
  array.block = *block;
  array.big_endian = node["byteorder"].text() != "little";
  array.stride = array.width;
  if (const YamlNode offset = node["offset"]) {
    const auto value = offset.integer();
    if (!value || *value < 0) return fail(Errc::corrupt, "an ASDF array with an offset that is none");
    array.offset = static_cast<std::uint64_t>(*value);
  }
  if (const YamlNode strides = node["strides"]) {
    const auto value = strides.at(0).integer();
    if (!value || *value <= 0 || strides.size() != 1) return unsupported("strides");
    array.stride = static_cast<std::uint64_t>(*value);
  }
  return {};
}

Result<void> parse_mask(const YamlNode& mask, AsdfArray& array) {
  if (mask.is_null()) return {};
  if (mask.is_scalar()) {
    array.masked_value = mask.real();
    return {};
  }
  auto parsed = parse_asdf_array(mask);
  if (!parsed) return tl::unexpected(std::move(parsed.error()));
  const ColumnType type = parsed->type();
  if (parsed->mask || (type != ColumnType::boolean && type != ColumnType::integer))
    return unsupported("its mask");
  array.mask = std::make_shared<const AsdfArray>(std::move(*parsed));
  return {};
}

}  // namespace

ColumnType AsdfArray::type() const {
  if (written) return written->type();
  switch (element) {
    case Element::signed_integer:
    case Element::unsigned_integer:
      return ColumnType::integer;
    case Element::real:
      return ColumnType::real;
    case Element::boolean:
      return ColumnType::boolean;
    case Element::ucs4:
    case Element::ascii:
      break;
  }
  return ColumnType::text;
}

Result<AsdfArray> parse_asdf_array(const YamlNode& node) {
  AsdfArray array;
  if (const YamlNode list = node.is_sequence() ? node : node["data"]) {
    if (!list.is_sequence()) return unsupported("its data");
    auto values = written_values(list);
    if (!values) return tl::unexpected(std::move(values.error()));
    array.written = std::move(*values);
    array.rows = array.written->size();
  } else {
    if (!node.is_mapping()) return unsupported("no array");
    if (auto done = parse_datatype(node["datatype"], array); !done)
      return tl::unexpected(std::move(done.error()));
    if (auto done = parse_shape(node["shape"], array); !done) return tl::unexpected(std::move(done.error()));
    if (auto done = parse_place(node, array); !done) return tl::unexpected(std::move(done.error()));
  }
  if (auto done = parse_mask(node["mask"], array); !done) return tl::unexpected(std::move(done.error()));
  return array;
}

}  // namespace astrofs
