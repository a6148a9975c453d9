#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// Which image files are meant by what a person typed.
namespace sscvae::image {

/// All files below `root` (any depth) that has_image_extension accepts, as paths relative to `root`, sorted by their
/// generic text, so that the order is the same on every file system. Hidden files and folders (".x") are left out.
/// Links are followed, but no folder is listed twice: a link to one that is below `root` anyway, or that another link
/// has led to, adds nothing, so that links in a circle end and no image appears under two names. A note counts other
/// files by extension. Folders below that hold results of this program (is_folder_of_ours in core/output_files.h) are
/// left out, with a note; so are images that a record of such a folder knows as results (recorded_results). `root` may
/// be a file: then the list is its name. Errors: IoError if `root` does not exist or a folder cannot be read.
std::vector<std::filesystem::path> find_images(const std::filesystem::path& root);

/// "3 .tif, 1 .webp, 1 without extension, 2 broken links": files below `root` that find_images leaves out, by number;
/// "" if there are none. Errors: as find_images.
std::string describe_left_out(const std::filesystem::path& root);

/// An input and where it belongs below the output folder.
struct InputFile {
  std::filesystem::path path;      ///< to open
  std::filesystem::path relative;  ///< below the folder that was named; the file name for single files
  friend bool operator==(const InputFile&, const InputFile&) = default;
};

/// Files, folders (walked, see find_images) and glob patterns, which follow links, too (*, ? and [abc] within a name,
/// ** for any folders), in the order given, each file once. A pattern gives the image files (has_image_extension) it
/// fits, sorted, relative to its part before the first wildcard. "-" is standard input, under the name stdin (a
/// file of that name: ./-). A name that exists is never read as a pattern. Single
/// files are taken whatever their extension. Errors: IoError for what does not exist, and for folders and patterns
/// without any image; UsageError if two different files have the same `relative`, so that their results would overwrite
/// each other.
std::vector<InputFile> expand_inputs(const std::vector<std::string>& inputs);

}  // namespace sscvae::image
