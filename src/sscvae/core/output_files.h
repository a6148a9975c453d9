#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// One rule for every output of every command, looked at before any work: what is there already is replaced with
/// --overwrite only, an input of the same call never, two results never share a name, and pictures that this program
/// made are no input of its next call unless they are named.
namespace sscvae {

/// What an output is called on the command line, and where it goes.
struct OutputFile {
  std::string option;  ///< "--json"
  std::string path;    ///< "": none
};

/// May the file `path` be written, and can it ("", "-" and what is no regular file, such as pipes and /dev/fd/3, are
/// fine)? A file is made in its folder, behind links, and removed at once. Errors: UsageError if it exists without
/// `overwrite` or is a folder; IoError if its folder does not exist or takes no file, or its name is too long.
void check_writable(const std::string& path, bool overwrite);
/// Can files be written in the folder, or the folder be made? Errors: IoError.
void check_folder_writable(const std::filesystem::path& folder);
/// The same for all files of a command. Errors: also UsageError where two of them are one file or both standard output.
void check_outputs(const std::vector<OutputFile>& files, bool overwrite);

/// "-", /dev/stdout or another name of it.
bool is_standard_output(const std::string& path);
/// The open descriptor that a name stands for: "-" (standard output), /dev/stdout, /dev/fd/3, /proc/self/fd/3. What is
/// written there goes to where the descriptor stands, also where a shell has put a regular file behind it.
std::optional<int> descriptor_of(const std::filesystem::path& path);

/// A command keeps files of these names, or folders whose files it writes and removes by name, in `root`: a symbolic
/// link there would lead it to files of others. Errors: UsageError naming the first link. `option` says where root was
/// named ("--out").
void refuse_links(const std::string& option, const std::filesystem::path& root, const std::vector<std::string>& names);

/// The results that a command puts into a folder.
class OutputFolder {
 public:
  /// `option` names it in messages. Errors: UsageError for "", for a file, and for kResultsFile that is a link; IoError
  /// where no file can be written.
  OutputFolder(std::string option, std::filesystem::path root, bool overwrite);
  const std::filesystem::path& root() const { return root_; }
  /// Input files of the call, which no result replaces.
  void protect(const std::filesystem::path& input);
  /// The path of a result of that name. Errors: UsageError if it exists, is a folder, is an input, or was added before.
  std::filesystem::path add(const std::filesystem::path& name);
  /// Was `file` found below this folder from a base folder outside of it? Then it is a result of an earlier call.
  bool holds_result(const std::filesystem::path& file, const std::filesystem::path& base) const;

 private:
  std::string option_;
  std::filesystem::path root_;
  bool overwrite_;
  std::set<std::filesystem::path> inputs_, added_;
};

/// Names for the results of these inputs (relative paths, all different): extensions[i] (".png") takes the place of
/// that of inputs[i], "" keeps it. Where two would be one, the names that had to change get it behind the whole name:
/// a.png stays a.png, and a.jpg beside it becomes a.jpg.png.
std::vector<std::filesystem::path> result_names(const std::vector<std::filesystem::path>& inputs,
                                                const std::vector<std::string>& extensions);

/// Notes in a folder that the files of these names (relative to it) are results, beside those noted earlier: in the
/// hidden file kResultsFile, which goes along when the folder is renamed. Errors: IoError.
void record_results(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& names);
/// The names noted in that folder; none where there is no such file, or another one.
std::set<std::filesystem::path> recorded_results(const std::filesystem::path& folder);
inline constexpr char kResultsFile[] = ".sscvae-results.json";

/// Is the folder a run of `train`, or what `tables` or `demo` made?
bool is_folder_of_ours(const std::filesystem::path& folder);

}  // namespace sscvae
