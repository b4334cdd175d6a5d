// The files of a made-up DKIST dataset as bytes: frames as the data centre writes them (an empty primary,
// then the tile-compressed image 'observation'), the movie, the report. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/dkist_dataset.h"

namespace astrofs::sim {

/// The whole file, of frame_size() bytes.
[[nodiscard]] std::string frame_file(const DkistDataset& dataset, int frame);
/// FITS data sum of the uncompressed image: ZDATASUM of the file and DATASUM of the ASDF's row.
[[nodiscard]] std::uint32_t pixels_sum(const DkistDataset& dataset, int frame);

[[nodiscard]] std::string movie_file(const DkistDataset& dataset);
[[nodiscard]] std::string report_file(const DkistDataset& dataset);
/// The report as JSON.
[[nodiscard]] std::string report_document(const DkistDataset& dataset);
/// A calibration frame, of the same kind as the others.
[[nodiscard]] std::string extra_file(const DkistDataset& dataset);

}  // namespace astrofs::sim
