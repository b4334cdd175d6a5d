#include "tests/support/mast_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace astrofs::sim {
namespace {

using Names = std::vector<std::pair<std::string_view, std::string_view>>;

OrderedJson fields_of(const Names& names) {
  OrderedJson fields = OrderedJson::array();
  for (const auto& [name, type] : names) fields.push_back(OrderedJson{{"name", name}, {"type", type}});
  return fields;
}

OrderedJson observation_row(const Target& target, const TargetObservation& observation) {
  const TargetProduct& main = observation.products.front();
  const double start = sector_start(observation.first_sector) + 56'999.5;  // MJD
  const double end = sector_start(observation.last_sector + 1) + 56'999.5;
  return OrderedJson{
      {"intentType", "science"},
      {"obs_collection", "TESS"},
      {"provenance_name", "SPOC"},
      {"instrument_name", "Photometer"},
      {"project", "TESS"},
      {"filters", "TESS"},
      {"wavelength_region", "Optical"},
      {"target_name", std::to_string(target.tic)},
      {"target_classification", nullptr},
      {"obs_id", observation.id},
      {"s_ra", target.ra},
      {"s_dec", target.dec},
      {"dataproduct_type", "timeseries"},
      {"proposal_pi", "Ricker, George"},
      {"calib_level", 3},
      {"t_min", start},
      {"t_max", end},
      {"t_exptime", observation.exposure},
      {"em_min", 600.0},
      {"em_max", 1000.0},
      {"obs_title", nullptr},
      {"t_obs_release", end + 30},
      {"proposal_id", "G011183_G011132, \"A\""},
      {"proposal_type", nullptr},
      {"sequence_number", observation.last_sector},
      {"s_region", fmt::format("CIRCLE {:.6f} {:.6f} 0.00138889", target.ra, target.dec)},
      {"jpegURL", nullptr},
      {"dataURL", fmt::format("mast:TESS/product/{}", main.name)},
      {"dataRights", "PUBLIC"},
      {"mtFlag", false},
      {"srcDen", nullptr},
      {"obsid", observation.number},
      {"objID", observation.number + 100'000'000},
      {"_selected_", nullptr},
  };
}

OrderedJson product_row(const Target& target, const TargetObservation& observation,
                        const TargetProduct& product) {
  const bool recommended =
      product.form == ProductForm::light_curve || product.form == ProductForm::time_series;
  return OrderedJson{
      {"obsID", std::to_string(observation.number)},
      {"obs_collection", "TESS"},
      {"dataproduct_type", "timeseries"},
      {"obs_id", observation.id},
      {"description", product.description},
      {"type", "S"},
      {"dataURI", fmt::format("mast:TESS/product/{}", product.name)},
      {"productType",
       product.form == ProductForm::xml || product.form == ProductForm::pdf ? "INFO" : "SCIENCE"},
      {"productGroupDescription",
       recommended ? OrderedJson("Minimum Recommended Products") : OrderedJson(nullptr)},
      {"productSubGroupDescription", product.sub_group},
      {"productDocumentationURL", nullptr},
      {"project", "TESS"},
      {"prvversion", "2f3a7a06"},
      {"proposal_id", "N/A"},
      {"productFilename", product.name},
      {"size", 1'000'000},  // rounded, as the real ones are not to be trusted either
      {"parent_obsid", std::to_string(observation.number)},
      {"dataRights", "PUBLIC"},
      {"calib_level", target.tic % 2 == 0 ? 3 : 2},
      {"_selected_", nullptr},
  };
}

std::string text_of(const OrderedJson& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// SQL's LIKE: % stands for anything.
bool like(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '%')
    return !text.empty() && text.front() == pattern.front() && like(text.substr(1), pattern.substr(1));
  return like(text, pattern.substr(1)) || (!text.empty() && like(text.substr(1), pattern));
}

bool satisfies(const OrderedJson& cell, const OrderedJson& filter) {
  if (const auto free = filter.find("freeText"); free != filter.end() && free->is_string())
    return like(text_of(cell), free->get<std::string>());
  const auto values = filter.find("values");
  if (values == filter.end() || !values->is_array()) return true;
  return std::any_of(values->begin(), values->end(), [&](const OrderedJson& value) {
    if (value.is_object())
      return cell.is_number() && cell.get<double>() >= value.value("min", -1e300) &&
             cell.get<double>() <= value.value("max", 1e300);
    return text_of(value) == text_of(cell);
  });
}

}  // namespace

const OrderedJson& observation_fields() {
  static const OrderedJson fields = fields_of({
      {"intentType", "string"},
      {"obs_collection", "string"},
      {"provenance_name", "string"},
      {"instrument_name", "string"},
      {"project", "string"},
      {"filters", "string"},
      {"wavelength_region", "string"},
      {"target_name", "string"},
      {"target_classification", "string"},
      {"obs_id", "string"},
      {"s_ra", "float"},
      {"s_dec", "float"},
      {"dataproduct_type", "string"},
      {"proposal_pi", "string"},
      {"calib_level", "int"},
      {"t_min", "float"},
      {"t_max", "float"},
      {"t_exptime", "float"},
      {"em_min", "float"},
      {"em_max", "float"},
      {"obs_title", "string"},
      {"t_obs_release", "float"},
      {"proposal_id", "string"},
      {"proposal_type", "string"},
      {"sequence_number", "int"},
      {"s_region", "string"},
      {"jpegURL", "string"},
      {"dataURL", "string"},
      {"dataRights", "string"},
      {"mtFlag", "boolean"},
      {"srcDen", "float"},
      {"obsid", "string"},
      {"objID", "string"},
      {"_selected_", "boolean"},
  });
  return fields;
}

const OrderedJson& product_fields() {
  static const OrderedJson fields = fields_of({
      {"obsID", "string"},
      {"obs_collection", "string"},
      {"dataproduct_type", "string"},
      {"obs_id", "string"},
      {"description", "string"},
      {"type", "string"},
      {"dataURI", "string"},
      {"productType", "string"},
      {"productGroupDescription", "string"},
      {"productSubGroupDescription", "string"},
      {"productDocumentationURL", "string"},
      {"project", "string"},
      {"prvversion", "string"},
      {"proposal_id", "string"},
      {"productFilename", "string"},
      {"size", "int"},
      {"parent_obsid", "string"},
      {"dataRights", "string"},
      {"calib_level", "int"},
      {"_selected_", "boolean"},
  });
  return fields;
}

OrderedJson filtered_observations(const std::vector<Target>& targets, const OrderedJson& filters) {
  OrderedJson rows = OrderedJson::array();
  for (const Target& target : targets) {
    for (const TargetObservation& observation : target.observations) {
      OrderedJson row = observation_row(target, observation);
      const bool kept = std::all_of(filters.begin(), filters.end(), [&](const OrderedJson& filter) {
        const auto cell = row.find(filter.value("paramName", ""));
        return cell == row.end() || satisfies(*cell, filter);
      });
      if (kept) rows.push_back(std::move(row));
    }
  }
  return rows;
}

OrderedJson products_of(const std::vector<Target>& targets, std::string_view numbers) {
  std::set<std::uint64_t> wanted;
  while (!numbers.empty()) {
    const std::string_view word = numbers.substr(0, numbers.find(','));
    std::uint64_t number = 0;
    std::from_chars(word.data(), word.data() + word.size(), number);
    wanted.insert(number);
    numbers.remove_prefix(std::min(word.size() + 1, numbers.size()));
  }
  OrderedJson rows = OrderedJson::array();
  for (const Target& target : targets) {
    for (const TargetObservation& observation : target.observations) {
      if (!wanted.contains(observation.number)) continue;
      for (const TargetProduct& product : observation.products)
        rows.push_back(product_row(target, observation, product));
    }
  }
  return rows;
}

}  // namespace astrofs::sim
