#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// Which image files are meant by what a person typed.
namespace sscvae::image {

/// All files below `root` (any depth) that has_image_extension accepts, as paths relative to `root`, sorted by their
/// generic text, so that the order is the same on every file system. Hidden files and folders (".x") are left out;
/// links to files count, links to folders are not followed. `root` may be a file: then the list is its name.
/// Errors: IoError if `root` does not exist or a folder cannot be read.
std::vector<std::filesystem::path> find_images(const std::filesystem::path& root);

/// An input and where it belongs below the output folder.
struct InputFile {
  std::filesystem::path path;      ///< to open
  std::filesystem::path relative;  ///< below the folder that was named; the file name for single files
  friend bool operator==(const InputFile&, const InputFile&) = default;
};

/// Files, folders (walked, see find_images) and glob patterns (*, ? and [abc] within a name, ** for any folders), in the
/// order given, each file once. A pattern gives the image files (has_image_extension) it fits, sorted, relative to its
/// part before the first wildcard. A name that exists is never read as a pattern. Single files are taken whatever their
/// extension.
/// Errors: IoError for what does not exist, and for folders and patterns without any image; UsageError if two different
/// files have the same `relative`, so that their results would overwrite each other.
std::vector<InputFile> expand_inputs(const std::vector<std::string>& inputs);

}  // namespace sscvae::image
