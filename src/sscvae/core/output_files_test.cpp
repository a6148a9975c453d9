#include "sscvae/core/output_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "support/paths.h"

namespace sscvae {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

TEST(OutputFiles, AreReplacedOnlyWhereAsked) {
  const TemporaryFolder folder;
  const std::string file = (folder / "a.json").string(), pipe = (folder / "pipe").string();
  EXPECT_NO_THROW(check_writable(file, false));
  write_atomically(file, "old");
  EXPECT_THROW(check_writable(file, false), UsageError);
  EXPECT_NO_THROW(check_writable(file, true));
  EXPECT_THROW(check_writable((folder / "missing/a.json").string(), true), IoError);
  EXPECT_THROW(check_writable(folder.path().string(), true), UsageError);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {std::string(), std::string("-"), pipe, std::string("/dev/null")})
    EXPECT_NO_THROW(check_writable(path, false)) << path;
  EXPECT_NO_THROW(check_outputs({{"--json", "/dev/null"}, {"--out", "/dev/null"}}, false));
  EXPECT_THROW(check_outputs({{"--json", (folder / "x/../b").string()}, {"--out", (folder / "b").string()}}, true),
               Error);
  EXPECT_THROW(check_outputs({{"--json", (folder / "b").string()}, {"--out", (folder / "./b").string()}}, true),
               UsageError);
  EXPECT_NO_THROW(check_outputs({{"--json", "-"}, {"--out", ""}}, false));
  EXPECT_THROW(check_outputs({{"--json", "-"}, {"--out", "/dev/stdout"}}, false), UsageError);
}

TEST(OutputFiles, AreTriedWhereFoldersOnlySeemToTakeThem) {
  const TemporaryFolder folder;
  fs::create_symlink("/proc/version", folder / "link.json");
  for (const fs::path& path : {fs::path("/proc/x.json"), folder / std::string(300, 'x'), folder / "link.json"})
    EXPECT_THROW(check_writable(path.string(), true), IoError) << path;
  EXPECT_THROW(check_folder_writable("/proc/results"), IoError);
  EXPECT_THROW(OutputFolder("--out", "/proc/results", false), IoError);
  write_atomically(folder / "file", "mine");
  EXPECT_THROW(check_folder_writable(folder / "file/below"), IoError);
  EXPECT_NO_THROW(check_folder_writable(folder / "not/yet/there"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2) << "nothing is left";
}

TEST(OutputFiles, LinksAreRefusedByName) {
  const TemporaryFolder folder;
  create_folder(folder / "elsewhere");
  EXPECT_NO_THROW(refuse_links("--out", folder.path(), {"missing", "elsewhere"}));
  fs::create_directory_symlink(folder / "elsewhere", folder / "figures");
  fs::create_symlink(folder / "nowhere", folder / "dangling");
  for (const char* name : {"figures", "dangling"})
    EXPECT_THROW(refuse_links("--out", folder.path(), {"missing", name}), UsageError) << name;
  fs::create_symlink(folder / "mine.json", folder / kResultsFile);
  EXPECT_THROW(OutputFolder("--out", folder.path(), true), UsageError);
}

TEST(OutputFiles, NamesOfDescriptors) {
  EXPECT_EQ(descriptor_of("/dev/stdin"), 0);
  EXPECT_EQ(descriptor_of("/dev/stdout"), 1);
  EXPECT_EQ(descriptor_of("-"), 1);
  EXPECT_EQ(descriptor_of("/dev/fd/63"), 63);
  EXPECT_EQ(descriptor_of("/proc/self/fd/2"), 2);
  for (const char* other : {"/dev/null", "/dev/fd/", "/dev/fd/x", "/dev/fd/-1", "stdout", "./-"})
    EXPECT_FALSE(descriptor_of(other)) << other;
  EXPECT_TRUE(is_standard_output("-") && is_standard_output("/dev/stdout") && is_standard_output("/dev/fd/1"));
  EXPECT_FALSE(is_standard_output("") || is_standard_output("/dev/stderr"));
  EXPECT_THROW(check_writable("/dev/fd/987", true), IoError);
}

TEST(OutputFolder, ReplacesNeitherFilesNorInputs) {
  const TemporaryFolder folder;
  write_atomically(folder / "there.png", "old");
  write_atomically(folder / "input.png", "mine");
  EXPECT_THROW(OutputFolder("--out", "", true), UsageError);
  EXPECT_THROW(OutputFolder("--out", folder / "there.png", true), UsageError);
  OutputFolder careful("--out", folder.path(), false);
  EXPECT_EQ(careful.add("new.png"), folder / "new.png");
  EXPECT_THROW(careful.add("there.png"), UsageError);
  EXPECT_THROW(careful.add("./new.png"), UsageError);
  OutputFolder bold("--out", folder.path(), true);
  bold.protect(folder / "." / "input.png");
  EXPECT_EQ(bold.add("there.png"), folder / "there.png");
  EXPECT_THROW(bold.add("input.png"), UsageError);
}

TEST(OutputFolder, KnowsResultsOfEarlierCalls) {
  const TemporaryFolder folder;
  const OutputFolder out("--out", folder / "in/clean", false);
  EXPECT_TRUE(out.holds_result(folder / "in/clean/a.png", folder / "in"));
  EXPECT_FALSE(out.holds_result(folder / "in/cleaner/a.png", folder / "in"));
  EXPECT_FALSE(out.holds_result(folder / "in/clean/a.png", folder / "in/clean"));  // named
  EXPECT_FALSE(out.holds_result(folder / "in/clean/x/a.png", folder / "in/clean/x"));
}

TEST(RecordedResults, AddUpAndMoveWithTheirFolder) {
  const TemporaryFolder folder;
  create_folder(folder / "clean");
  EXPECT_TRUE(recorded_results(folder / "clean").empty());
  record_results(folder / "clean", {"a.png", "deep/b.png"});
  record_results(folder / "clean", {"a.png", "no utf-8 \xff.png"});
  fs::rename(folder / "clean", folder / "moved");
  EXPECT_EQ(recorded_results(folder / "moved"), (std::set<fs::path>{"a.png", "deep/b.png", "no utf-8 \xff.png"}));
  for (const char* foreign : {"", "[]", "{\"results\": 3}", "not JSON"}) {
    write_atomically(folder / "moved" / kResultsFile, foreign);
    EXPECT_TRUE(recorded_results(folder / "moved").empty()) << foreign;
  }
}

TEST(ResultNames, AlwaysDiffer) {
  using Paths = std::vector<fs::path>;
  const auto names = [](const Paths& inputs, const std::string& extension) {
    return result_names(inputs, std::vector<std::string>(inputs.size(), extension));
  };
  EXPECT_EQ(names({"a.jpg", "d/b.png"}, ".png"), (Paths{"a.png", "d/b.png"}));
  EXPECT_EQ(names({"a.jpg", "a.png", "a.jpeg"}, ".png"), (Paths{"a.jpg.png", "a.png", "a.jpeg.png"}));
  EXPECT_EQ(names({"a.jpg", "a.png", "a.jpg.png"}, ".png"), (Paths{"a.jpg.png.png", "a.png", "a.jpg.png"}));
  EXPECT_EQ(names({"a.jpg", "a.png"}, ""), (Paths{"a.jpg", "a.png"}));
  EXPECT_EQ(names({"a.png", "a.jpg"}, ".safetensors"), (Paths{"a.png.safetensors", "a.jpg.safetensors"}));
  EXPECT_EQ(result_names({"a", "a.png"}, {".png", ""}), (Paths{"a.png.png", "a.png"}));
}

TEST(FoldersOfOurs, AreKnownByWhatIsInThem) {
  const TemporaryFolder folder;
  const auto put = [&](const std::string& name) {
    create_folder((folder / name).parent_path());
    write_atomically(folder / name, "x");
  };
  for (const char* name :
       {"run/config.toml", "run/checkpoints/best.safetensors", "photos/config.toml", "tables/plan.json",
        "tables/runs/a/train.log", "demo/split.csv", "demo/images/a.png", "demo/denoise/config.toml",
        "demo/denoise/split.csv", "demo/denoise/checkpoints/last.safetensors"})
    put(name);
  EXPECT_FALSE(is_folder_of_ours(folder / "run"));
  put("run/split.csv");
  for (const char* name : {"run", "tables", "demo"}) EXPECT_TRUE(is_folder_of_ours(folder / name)) << name;
  for (const char* name : {"photos", "demo/images", "run/checkpoints", "nothing"})
    EXPECT_FALSE(is_folder_of_ours(folder / name)) << name;
}

}  // namespace
}  // namespace sscvae
