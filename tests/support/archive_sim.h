// The stand-in archive: one loopback HTTP server that plays S3, archive.stsci.edu, mast.stsci.edu, the DKIST
// data centre, APPLAUSE and plain web directories from one content tree, keeps a log of what it was asked,
// and lies on request (see README.md). Owned by a test or by the program archive_sim. Everything but start()
// and stop() may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "tests/support/dkist_dataset.h"
#include "tests/support/hlsp_sectors.h"
#include "tests/support/hst_search.h"
#include "tests/support/mast_gate.h"
#include "tests/support/mast_portal.h"
#include "tests/support/plate_shelf.h"
#include "tests/support/sim_content.h"
#include "tests/support/sim_faults.h"
#include "tests/support/sim_log.h"
#include "tests/support/sim_reply.h"
#include "tests/support/sim_sector.h"
#include "tests/support/sim_server.h"

namespace astrofs::sim {

class Daiquiri;
class DkistCentre;
class HlspPortal;
class VoArchive;
struct VoOptions;

class ArchiveSim {
 public:
  ArchiveSim();
  ~ArchiveSim();
  ArchiveSim(const ArchiveSim&) = delete;
  ArchiveSim& operator=(const ArchiveSim&) = delete;

  /// Listen on 127.0.0.1; port 0 lets the kernel choose. May be started again after stop(), on the same port
  /// too.
  [[nodiscard]] Result<void> start(std::uint16_t port = 0);
  /// Cuts every connection; a client then finds the port refused. Content, faults and log stay.
  void stop();
  /// "http://127.0.0.1:PORT"
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }

  // Content. Paths begin with '/'.
  void serve_file(const std::string& path, std::string bytes, const ResourceOptions& options = {});
  void serve_file(const std::string& path, ReadBytes read, std::uint64_t size,
                  const ResourceOptions& options = {});
  /// A file on this machine; false when it cannot be read.
  bool serve_file_from(const std::string& path, const std::string& file, const ResourceOptions& options = {});
  void remove_file(const std::string& path) { tree_.remove(path); }
  /// Below `prefix` whatever is in `directory` at the time.
  void serve_folder(const std::string& prefix, const std::string& directory,
                    ListingStyle style = ListingStyle::apache);
  void set_style(const std::string& prefix, ListingStyle style) { tree_.set_style(prefix, style); }
  /// A line in the listings of `directory` (pages and S3), however hostile.
  void inject(const std::string& directory, ListedEntry entry) { tree_.inject(directory, std::move(entry)); }
  /// Listed, but 404 on every route; allow() takes it back.
  void deny(const std::string& name) { tree_.deny(name); }
  void allow(const std::string& name) { tree_.allow(name); }
  /// URL()/NAME?list-type=2 and URL()/NAME/KEY; the keys are what is below `root` in the tree.
  /// "stpubdata" with the root "/" is there from the start, and URL()/?list-type=2 is its virtual-host form.
  void add_bucket(const std::string& name, const std::string& root) EXCLUDES(mutex_);
  /// A TESS sector: frames, scripts, listings. What it is made of, in the listing's order.
  Result<std::vector<FrameName>> add_sector(const SectorOptions& options);
  /// Sectors of the light-curve pipelines, on S3, the archive and MAST. Before start(), once.
  void add_hlsp(const HlspOptions& options);
  /// The 800 PRF models under /missions/tess/models/prf_fitsfiles/.
  void add_prf_models();
  /// TESS targets: their files as S3 keys, their scripts, and the portal under /api/v0/invoke. Before
  /// start(), once.
  MastPortal& add_targets(const TargetOptions& options);
  /// The DKIST data centre and Globus, under /datasets, /download, /auth, /transfer and /https. Before
  /// start(), once. See dkist_centre.h.
  DkistCentre& add_dkist(const DkistOptions& options);
  /// HST: its public files as S3 keys, MissionMAST and path_lookup. Before start(), once.
  HstSearch& add_hst(const HstOptions& options);
  /// Whom MAST knows: kMastToken from the start.
  [[nodiscard]] MastGate& mast_users() { return gate_; }

  /// APPLAUSE, under /tap and /files. Before start(), once. See daiquiri.h.
  Daiquiri& add_plates(const PlateOptions& options);

  /// An archive of the Virtual Observatory, under /vo. Before start(), once. See vo_archive.h.
  VoArchive& add_vo(const VoOptions& options);

  // Lies
  int add_fault(Fault fault) { return faults_.add(std::move(fault)); }
  void remove_fault(int id) { faults_.remove(id); }
  void clear_faults() { faults_.clear(); }
  [[nodiscard]] int struck(int id) const { return faults_.struck(id); }

  // What happened. Requests to /_sim/ are not counted.
  [[nodiscard]] std::vector<LoggedRequest> requests() const { return log_.all(); }
  /// The same when `count` of them are answered to the end: who asked has the last byte before the log knows.
  /// Waits some seconds at most.
  [[nodiscard]] std::vector<LoggedRequest> finished_requests(std::size_t count) const;
  [[nodiscard]] std::size_t count(const std::function<bool(const LoggedRequest&)>& wanted) const {
    return log_.count(wanted);
  }
  /// Requests whose target contains `part`; of that method, if one is given.
  [[nodiscard]] std::size_t count(std::string_view part, std::string_view method = {}) const;
  /// Bytes of bodies since the log was cleared.
  [[nodiscard]] std::uint64_t bytes_sent() const { return log_.body_bytes(); }
  [[nodiscard]] unsigned peak_requests() const { return log_.peak(); }
  [[nodiscard]] unsigned peak_connections() const { return server_.peak_connections(); }
  [[nodiscard]] unsigned open_connections() const { return server_.open_connections(); }
  void clear_log();

 private:
  void serve(Connection& connection);
  bool answer(Connection& connection, const HttpRequest& request);
  [[nodiscard]] Reply route(const HttpRequest& request, const std::vector<Fault>& faults) EXCLUDES(mutex_);
  [[nodiscard]] Reply control(const HttpRequest& request);

  ContentTree tree_;
  FaultTable faults_;
  RequestLog log_;
  MastGate gate_;
  std::unique_ptr<DkistCentre> dkist_;  ///< nullptr: there is none
  std::unique_ptr<HlspPortal> stars_;   ///< nullptr: there are none
  std::unique_ptr<MastPortal> portal_;  ///< nullptr: there is none
  std::unique_ptr<Daiquiri> plates_;    ///< nullptr: there are none
  std::unique_ptr<HstSearch> hst_;      ///< nullptr: there is none
  std::unique_ptr<VoArchive> vo_;       ///< nullptr: there is none
  mutable Mutex mutex_;
  std::map<std::string, std::string> buckets_ GUARDED_BY(mutex_);  ///< name -> key prefix of its root
  SocketServer server_;                                            ///< last: its threads use all of the above
};

}  // namespace astrofs::sim
