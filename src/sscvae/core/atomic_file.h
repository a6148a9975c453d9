#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

/// Files that appear under their final name only when complete.
namespace sscvae {

/// Calls `write` on a stream to a temporary file beside `path`, flushes it to disk and renames it over `path`. On any
/// error the temporary file is removed and `path` is as it was. A symbolic link is followed; what is no regular file
/// (/dev/stdout, a pipe) is written directly. A process killed half-way leaves nothing behind where the file system
/// knows nameless files, else ".<name>.<pid>-<count>.tmp".
/// Errors: IoError naming the path and the system's reason (disk full, no permission, ...); whatever `write` throws.
void write_atomically(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);
void write_atomically(const std::filesystem::path& path, std::string_view content);

/// Makes a file without a name in the folder, or one that is removed at once: 0, or the system's reason (errno) why
/// none can be made there. A folder may well say that it can be written and refuse (/proc, read-only file systems).
int try_to_write_in(const std::filesystem::path& folder);

/// The whole file. What is no regular file is read up to 1 GiB at most.
/// Errors: IoError; FormatError above `max_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 40);

/// Creates the folder and its parents. Errors: IoError.
void create_folder(const std::filesystem::path& path);

}  // namespace sscvae
