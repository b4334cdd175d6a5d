#include "tests/support/asdf_writer.h"

#include <bzlib.h>
#include <lz4.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "base/bytes.h"
#include "base/hash.h"

namespace astrofs::sim {
namespace {

template <class T>
void put(std::string& out, T value, bool big_endian) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  if (big_endian != (std::endian::native == std::endian::big)) std::reverse(bytes.begin(), bytes.end());
  out += bytes;
}

std::u32string utf32(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k)
      code = code << 6 | (static_cast<unsigned char>(text.at(i + k)) & 0x3FU);
    out += code;
    i += length;
  }
  return out;
}

/// Frames of 1,000 bytes, so that small data has several.
std::string lz4_frames(std::string_view data) {
  std::string out;
  for (std::size_t at = 0; at < data.size(); at += 1'000) {
    const std::string_view raw = data.substr(at, 1'000);
    std::string packed(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(raw.size()))), '\0');
    const int length = LZ4_compress_default(raw.data(), packed.data(), static_cast<int>(raw.size()),
                                            static_cast<int>(packed.size()));
    packed.resize(static_cast<std::size_t>(length));
    put(out, static_cast<std::uint32_t>(packed.size() + 4), true);
    put(out, static_cast<std::uint32_t>(raw.size()), false);
    out += packed;
  }
  return out;
}

std::string packed(std::string_view data, AsdfPacking packing) {
  std::string out(data.size() + data.size() / 50 + 1'000, '\0');
  if (packing == AsdfPacking::zlib) {
    uLongf length = out.size();
    compress(reinterpret_cast<Bytef*>(out.data()), &length, reinterpret_cast<const Bytef*>(data.data()),
             data.size());
    out.resize(length);
    return out;
  }
  if (packing == AsdfPacking::bzp2) {
    auto length = static_cast<unsigned>(out.size());
    std::string source(data);  // bzip2 takes no const
    BZ2_bzBuffToBuffCompress(out.data(), &length, source.data(), static_cast<unsigned>(source.size()), 9, 0,
                             0);
    out.resize(length);
    return out;
  }
  return packing == AsdfPacking::lz4 ? lz4_frames(data) : std::string(data);
}

std::string md5(std::string_view data) {
  StreamDigest digest(DigestKind::md5);
  digest.add(as_bytes(data));
  const std::string hex = digest.hex();
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  out.resize(16);
  return out;
}

std::string index_text(std::vector<std::size_t> offsets, AsdfIndex index) {
  if (index == AsdfIndex::none || offsets.empty()) return {};
  if (index == AsdfIndex::shifted)
    std::for_each(offsets.begin(), offsets.end(), [](auto& offset) { offset += 3; });
  if (index == AsdfIndex::middle_wrong && offsets.size() > 2) offsets[offsets.size() / 2] += 1;
  if (index == AsdfIndex::without_first) offsets.erase(offsets.begin());
  if (index == AsdfIndex::without_second && offsets.size() > 2) offsets.erase(offsets.begin() + 1);
  std::string list;
  for (const std::size_t offset : offsets) {
    list += index == AsdfIndex::flow ? (list.empty() ? " [" : ", ") : "\n- ";
    list += std::to_string(offset);
  }
  if (index == AsdfIndex::flow) list += "]";
  return "#ASDF BLOCK INDEX\n%YAML 1.1\n---" + list + "\n...\n";
}

}  // namespace

int AsdfWriter::add_block(std::string_view data, const AsdfBlockForm& form) {
  static constexpr std::string_view kNames[] = {{"\0\0\0\0", 4}, "zlib", "bzp2", {"lz4\0", 4}};
  const std::string body = packed(data, form.packing);
  std::string block =
      "\xD3"
      "BLK";
  put<std::uint16_t>(block, 48, true);
  put<std::uint32_t>(block, form.streamed ? 1 : 0, true);
  block +=
      form.fourcc.empty() ? kNames[static_cast<std::size_t>(form.packing)] : std::string_view(form.fourcc);
  put<std::uint64_t>(block, form.streamed ? 0 : body.size() + form.spare, true);
  put<std::uint64_t>(block, form.streamed ? 0 : body.size(), true);
  put<std::uint64_t>(block, form.streamed ? 0 : data.size(), true);
  block += form.md5 ? md5(form.md5_of_packed ? std::string_view(body) : data) : std::string(16, '\0');
  block += body;
  block += std::string(form.spare, '\0');
  blocks_.push_back(std::move(block));
  return static_cast<int>(blocks_.size()) - 1;
}

std::string AsdfWriter::ndarray(std::string_view datatype, std::string_view data, std::size_t rows,
                                const AsdfColumnForm& form) {
  const int block = add_block(data, form.block);
  return "!core/ndarray-1.0.0 {source: " + std::to_string(block) + ", datatype: " + std::string(datatype) +
         ", byteorder: " + (form.big_endian ? "big" : "little") + ", shape: [" + std::to_string(rows) + "]}";
}

std::string AsdfWriter::int64s(const std::vector<std::int64_t>& values, const AsdfColumnForm& form) {
  std::string data;
  for (const std::int64_t value : values) put(data, value, form.big_endian);
  return ndarray("int64", data, values.size(), form);
}

std::string AsdfWriter::float64s(const std::vector<double>& values, const AsdfColumnForm& form) {
  std::string data;
  for (const double value : values) put(data, value, form.big_endian);
  return ndarray("float64", data, values.size(), form);
}

std::string AsdfWriter::bools(const std::vector<bool>& values, const AsdfColumnForm& form) {
  std::string data;
  for (const bool value : values) data += value ? '\1' : '\0';
  return ndarray("bool8", data, values.size(), form);
}

std::string AsdfWriter::texts(const std::vector<std::string>& values, const AsdfColumnForm& form) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, utf32(value).size());
  std::string data;
  for (const std::string& value : values) {
    std::u32string wide = utf32(value);
    wide.resize(width);
    for (const char32_t code : wide) put(data, static_cast<std::uint32_t>(code), form.big_endian);
  }
  return ndarray("[ucs4, " + std::to_string(width) + "]", data, values.size(), form);
}

std::string AsdfWriter::file(std::string_view tree, AsdfIndex index, std::string_view padding) const {
  std::string out =
      "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n";
  out += tree;
  if (!tree.ends_with('\n')) out += '\n';
  out += "...\n";
  out += padding;
  std::vector<std::size_t> offsets;
  for (const std::string& block : blocks_) {
    offsets.push_back(out.size());
    out += block;
  }
  return out + index_text(std::move(offsets), index);
}

std::string asdf_table(const std::vector<AsdfColumn>& columns) {
  std::string names, list;
  for (const AsdfColumn& column : columns) {
    names += (names.empty() ? "" : ", ") + column.name;
    list += (list.empty() ? "" : ", ") +
            ("!core/column-1.0.0 {data: " + column.ndarray + ", name: " + column.name + "}");
  }
  return "!<tag:astropy.org:astropy/table/table-1.0.0> {colnames: [" + names + "], columns: [" + list +
         "], qtable: false}";
}

}  // namespace astrofs::sim
