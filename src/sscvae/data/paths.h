#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// Paths that come from tables. Private to data.
namespace sscvae::data {

/// Behind messages about images that are not where a dataset has them: how to take a folder of other images.
inline constexpr const char* kOtherImages =
    " (a folder of other images? --dataset folder; in a training --set data.dataset=folder)";

/// Errors: FormatError starting with `where` if `path` is empty, absolute, holds a NUL or leaves its root by "..".
void check_relative_path(const std::string& path, const std::string& where);

/// Errors: IoError naming the first of the `paths` that are no files below `root`, and how many; `source` named them.
void check_files_exist(const std::filesystem::path& root, const std::vector<std::string>& paths,
                       const std::string& source);

/// Names of what lies in a folder, sorted, folders with a '/' behind, hidden ones left out.
/// Errors: IoError if it is not a folder or cannot be read.
std::vector<std::string> folder_content(const std::filesystem::path& folder);

/// "a/, b/, c.png and 12 more", "nothing": for messages.
std::string some_names(const std::vector<std::string>& names, size_t shown = 5);

}  // namespace sscvae::data
