#include "fs/open_file.h"

namespace astrofs {

bool OpenFile::serve() {
  const MutexLock lock(mutex_);
  if (placeholder_) return false;
  return served_ = true;
}

bool OpenFile::served() const {
  const MutexLock lock(mutex_);
  return served_;
}

bool OpenFile::set_placeholder(std::shared_ptr<const Placeholder> placeholder) {
  const MutexLock lock(mutex_);
  if (served_) return false;
  if (!placeholder_) placeholder_ = std::move(placeholder);
  return true;
}

std::shared_ptr<const Placeholder> OpenFile::placeholder() const {
  const MutexLock lock(mutex_);
  return placeholder_;
}

std::string OpenFile::learn(std::uint64_t offset, const Bytes& bytes) {
  if (!is_fits()) return "";
  const MutexLock lock(mutex_);
  const std::size_t known = layout_.hdus().size();
  (void)layout_.feed(offset,
                     bytes.span());  // a damaged header is the reader's to see: it only ends the guessing
  return layout_.hdus().size() > known ? layout_.remembered() : "";
}

void OpenFile::learn_head(BlockCache& cache) {
  if (!is_fits()) return;
  {
    const MutexLock lock(mutex_);
    // Where the next header lies, or how it ends, may be in the head that was fetched for the first.
    if (head_looked_for_ || layout_.next_header().value_or(kHeadBytes) >= kHeadBytes) return;
  }
  const Result<Bytes> head = cache.peek(version, {0, std::min(version.size, kHeadBytes)});
  if (!head) return;
  (void)learn(0, *head);
  const MutexLock lock(mutex_);
  head_looked_for_ = true;
}

std::optional<std::uint64_t> OpenFile::next_header() const {
  const MutexLock lock(mutex_);
  return layout_.next_header();
}

std::optional<ByteRange> OpenFile::header_in(ByteRange range) const {
  const MutexLock lock(mutex_);
  return layout_.header_in(range);
}

ReadPlan OpenHandle::plan(ByteRange asked, bool here, bool direct, const Windows& windows) {
  ByteRange header;
  if (file->is_fits()) {
    if (const std::optional<ByteRange> known = file->header_in(asked)) {
      header = *known;
    } else if (const std::optional<std::uint64_t> next = file->next_header()) {
      header = {*next, kHeaderBytes};
    }
  }
  const MutexLock lock(mutex_);
  return pattern_.plan(asked, here, direct, header, windows);
}

std::shared_ptr<OpenFile> OpenFiles::find(Inode inode) const {
  const MutexLock lock(mutex_);
  const auto row = rows_.find(inode);
  return row == rows_.end() ? nullptr : row->second.file;
}

std::shared_ptr<OpenHandle> OpenFiles::open(Inode inode,
                                            const std::function<std::shared_ptr<OpenFile>()>& make) {
  std::shared_ptr<OpenFile> file;
  bool is_new = false;
  {
    const MutexLock lock(mutex_);
    Row& row = rows_[inode];
    if (row.handles++ == 0) {
      row.file = make();
      is_new = true;
    }
    file = row.file;
  }
  if (is_new) cache_.open(file->version);
  return std::make_shared<OpenHandle>(std::move(file));
}

void OpenFiles::close(Inode inode) {
  std::shared_ptr<OpenFile> last;
  {
    const MutexLock lock(mutex_);
    const auto row = rows_.find(inode);
    if (row == rows_.end() || --row->second.handles > 0) return;
    last = std::move(row->second.file);
    rows_.erase(row);
  }
  cache_.close(last->version);
}

std::size_t OpenFiles::count() const {
  const MutexLock lock(mutex_);
  return rows_.size();
}

}  // namespace astrofs
