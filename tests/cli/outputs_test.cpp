#include <algorithm>
#include <map>

#include "cli/with_images.h"

// The one rule of outputs (core/output_files.h), over all commands.
namespace sscvae::testing {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

/// What a command takes, and the options that name what it writes.
struct Command {
  Strings arguments;
  std::map<std::string, std::string> files;  ///< option -> file name
  std::string folder = "";                   ///< option of a folder of results
  bool quick = true;                         ///< can it run to its end here?
};

class Outputs : public WithImages {
 protected:
  std::map<std::string, Command> commands() const {
    const std::string images = at("images"), first = at("images/a.png"), weights = at("w.safetensors");
    const std::map<std::string, std::string> json{{"--json", "o.json"}};
    const auto with = [&](const std::string& option, const std::string& name) {
      std::map<std::string, std::string> files = json;
      files[option] = name;
      return files;
    };
    return {
        {"train", {tiny_training("results"), json, "--out", false}},
        {"evaluate",
         {{"evaluate", "--weights", weights, "--data", images, "--dataset", "folder"}, with("--per-image", "o.csv")}},
        {"calibrate",
         {{"calibrate", "--weights", weights, "--data", images, "--dataset", "folder"},
          with("--out", "o.safetensors")}},
        {"reconstruct", {{"reconstruct", images, "--weights", weights}, json, "--out"}},
        {"denoise", {{"denoise", images, "--weights", weights}, json, "--out"}},
        {"verify-tiling", {{"verify-tiling", first, "--weights", weights, "--tile", "16"}, json}},
        {"compare", {{"compare", images, images, "--metrics", "psnr"}, json}},
        {"trace", {{"trace", "--weights", weights, "--input", first}, with("--out", "o.safetensors")}},
        {"inspect", {{"inspect", weights, "--codes", first, "--thresholds", first}, with("--atoms", "o.png"), "--out"}},
        {"complexity", {{"complexity", "--size", "32x32"}, json}},
        {"benchmark",
         {{"benchmark", "--weights", weights, "--size", "16x16", "--repeats", "1", "--warmup", "0"},
          with("--out", "o.safetensors")}},
        {"import", {{"import", at("w.pt"), "--config", at("c.toml")}, with("--out", "o.safetensors")}},
        {"export", {{"export", weights}, with("--out", "o.pt")}},
        {"config", {{"config"}, with("--out", "o.toml")}},
        {"list", {{"list", "models"}, json}},
        {"data synth", {{"data", "synth", "--count", "2", "--size", "8x8"}, json, "--out"}},
        {"data split", {{"data", "split", images}, with("--out", "o.csv")}},
        {"data noise", {{"data", "noise", images}, json, "--out"}},
        {"data info", {{"data", "info", images}, json}},
        {"tables", {{"tables", "--ultrasound", at("us"), "--steps", "1"}, json, "--out", false}},
        {"doctor", {{"doctor"}, json}},
        {"demo", {{"demo", "--minutes", "0.01"}, json, "--out", false}},
    };
  }

  /// The command line, every output named.
  Strings call(const Command& command) const {
    Strings arguments = command.arguments;
    for (const auto& [option, name] : command.files) arguments.insert(arguments.end(), {option, at(name)});
    if (!command.folder.empty() && command.arguments[0] != "train")
      arguments.insert(arguments.end(), {command.folder, at("results")});
    arguments.push_back("--quiet");
    return arguments;
  }

  void clear_outputs(const Command& command) const {
    for (const auto& [option, name] : command.files) fs::remove(at(name));
    fs::remove_all(at("results"));
  }
};

/// Reports name what was used: no inner value that stands for something, no empty text, no number as text where there
/// is none.
void expect_meaningful(const nlohmann::json& value, const std::string& place) {
  for (const auto& [key, inner] : value.items()) {
    const std::string here = place + "." + key;
    if (inner.is_structured()) expect_meaningful(inner, here);
    else if (inner.is_number()) EXPECT_NE(inner, -1) << here;
    else if (inner.is_string()) {
      EXPECT_NE(inner, "") << here;
      EXPECT_NE(inner, "nan") << here;
    }
  }
}

TEST_F(Outputs, OfEveryCommandAreInTheTableOfThisTest) {
  const auto known = commands();
  Strings names;
  for (const std::string& name : subcommands_of(run({"--help"}).out)) {
    if (name != "data") names.push_back(name);
    else
      for (const std::string& sub : subcommands_of(run({"data", "--help"}).out)) names.push_back("data " + sub);
  }
  EXPECT_GE(names.size(), known.size());
  for (const std::string& name : names) {
    ASSERT_TRUE(known.contains(name)) << "a new command? " << name;
    Strings arguments{known.at(name).arguments[0]};
    if (name.starts_with("data ")) arguments.push_back(name.substr(5));
    arguments.push_back("--help");
    const std::string help = run(arguments).out;
    for (const std::string shown : {"--json FILE", "--out ", "--per-image CSV", "--atoms PNG"}) {
      const std::string option = shown.substr(0, shown.find(' '));
      const Command& command = known.at(name);
      const bool listed = command.files.contains(option) || command.folder == option;
      EXPECT_EQ(help.find(shown) != std::string::npos, listed) << name << " " << option;
    }
  }
}

TEST_F(Outputs, FilesOfEveryCommandAreReplacedOnlyWhereAsked) {
  run_json({"export", at("w.safetensors"), "--out", at("w.pt")});
  std::ofstream(at("c.toml")) << serialization::read_safetensors(at("w.safetensors")).metadata.at(runtime::kConfigKey);
  create_folder(folder_ / "us/breast/high_quality");
  for (const char* name : {"a.png", "b.png", "c.png"})
    fs::copy_file(folder_.path() / "images" / name, folder_.path() / "us/breast/high_quality" / name);
  for (const auto& [name, command] : commands()) {
    SCOPED_TRACE(name);
    for (const auto& [option, file] : command.files) {
      clear_outputs(command);
      std::ofstream(at(file)) << "precious";
      const Outcome refused = run(call(command));
      EXPECT_EQ(refused.code, 2) << refused.err;
      EXPECT_NE(refused.err.find("exists; --overwrite"), std::string::npos) << refused.err;
      EXPECT_EQ(slurp(at(file)), "precious");
      EXPECT_FALSE(fs::exists(at("results"))) << "work had begun";
      for (const auto& [other, other_file] : command.files)
        if (other != option) {
          EXPECT_FALSE(fs::exists(at(other_file))) << "work had begun";
        }
    }
    if (!command.quick) continue;
    Strings bold = call(command);
    bold.push_back("--overwrite");
    const Outcome replaced = run(bold);
    EXPECT_EQ(replaced.code, 0) << replaced.err;
    for (const auto& [option, file] : command.files) {
      EXPECT_TRUE(fs::exists(at(file))) << option;
      EXPECT_NE(slurp(at(file)), "precious") << option;
    }
    if (name != "config")  // whose options may be empty
      expect_meaningful(nlohmann::json::parse(slurp(at("o.json"))), name);
    clear_outputs(command);
  }
}

TEST_F(Outputs, ThatCannotBeWrittenAreRefusedBeforeAnyWork) {
  run_json({"export", at("w.safetensors"), "--out", at("w.pt")});
  std::ofstream(at("c.toml")) << serialization::read_safetensors(at("w.safetensors")).metadata.at(runtime::kConfigKey);
  create_folder(folder_ / "us/breast/high_quality");
  for (const char* name : {"a.png", "b.png", "c.png"})
    fs::copy_file(folder_.path() / "images" / name, folder_.path() / "us/breast/high_quality" / name);
  const auto refuse = [&](const Strings& arguments) {
    const Outcome refused = run(arguments);
    EXPECT_EQ(refused.code, 3) << refused.err;
    EXPECT_EQ(refused.error_lines(), 1) << refused.err;
    EXPECT_NE(refused.err.find("error: cannot write '"), std::string::npos) << refused.err;
    EXPECT_EQ(refused.err.find("the results are in"), std::string::npos) << "work was done: " << refused.err;
    EXPECT_EQ(refused.out, "");
    EXPECT_FALSE(fs::exists(at("results"))) << "work had begun";
  };
  for (const auto& [name, command] : commands()) {
    clear_outputs(command);
    for (const auto& [option, file] : command.files) {
      const std::string ending = fs::path(file).extension().string();
      for (const std::string& wrong : {"/proc/x" + ending, at(std::string(300, 'x') + ending)}) {
        SCOPED_TRACE(name + " " + option + " " + wrong);
        Command changed = command;
        changed.files[option] = "";
        Strings arguments = call(changed);
        std::replace(arguments.begin(), arguments.end(), at(""), wrong);
        refuse(arguments);
        for (const auto& [other, other_file] : command.files) EXPECT_FALSE(fs::exists(at(other_file))) << other;
      }
    }
    if (command.folder.empty()) continue;
    SCOPED_TRACE(name + " " + command.folder);
    Strings arguments = call(command);
    std::replace(arguments.begin(), arguments.end(), at("results"), std::string("/proc/results"));
    refuse(arguments);
  }
}

TEST_F(Outputs, NeverTakeThePlaceOfInputs) {
  run_json({"export", at("w.safetensors"), "--out", at("w.pt")});
  std::ofstream(at("c.toml")) << serialization::read_safetensors(at("w.safetensors")).metadata.at(runtime::kConfigKey);
  fs::create_symlink(at("w.safetensors"), at("link.safetensors"));
  const std::string weights = at("w.safetensors"), first = at("images/a.png"), config = at("c.toml");
  const std::vector<std::pair<Strings, std::string>> calls{
      {{"export", weights, "--out", weights}, weights},
      {{"export", weights, "--format", "safetensors", "--out", at("link.safetensors")}, weights},
      {{"import", at("w.pt"), "--config", config, "--out", config}, config},
      {{"calibrate", "--weights", weights, "--data", at("images"), "--dataset", "folder", "--out", weights}, weights},
      {{"inspect", weights, "--json", weights}, weights},
      {{"inspect", weights, "--codes", first, "--out", at("maps"), "--atoms", first}, first},
      {{"config", "--config", config, "--out", config}, config},
      {{"reconstruct", first, "--weights", weights, "--out", at("o"), "--json", first}, first},
      {{"reconstruct", at("images"), "--weights", weights, "--out", at("o"), "--json", first}, first},
      {{"denoise", at("images/*.png"), "--weights", weights, "--out", at("o"), "--json", first}, first},
      {{"evaluate", "--weights", weights, "--data", at("images"), "--dataset", "folder", "--per-image", first}, first},
      {{"compare", first, at("images/b.png"), "--metrics", "psnr", "--json", first}, first},
      {tiny_training("run", {}), first},
  };
  for (auto [arguments, input] : calls) {
    SCOPED_TRACE(arguments[0]);
    if (arguments[0] == "train") arguments.insert(arguments.end(), {"--json", input});
    const std::string before = slurp(input);
    arguments.insert(arguments.end(), {"--overwrite", "--quiet"});
    const Outcome refused = run(arguments);
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_NE(refused.err.find("is an input of this call"), std::string::npos) << refused.err;
    EXPECT_EQ(slurp(input), before);
    EXPECT_FALSE(fs::exists(at("o"))) << "work had begun";
  }
  const std::string table = at("images/figures.csv");  // beside images, not one of them
  std::ofstream(table) << "old";
  const Outcome beside = run({"evaluate", "--weights", weights, "--data", at("images"), "--dataset", "folder",
                              "--per-image", table, "--overwrite", "--quiet"});
  EXPECT_EQ(beside.code, 0) << beside.err;
  EXPECT_NE(slurp(table), "old");
}

TEST_F(Outputs, FoldersOfResultsKeepWhatIsInThem) {
  for (const auto& [name, command] : commands()) {
    if (command.folder.empty() || !command.quick) continue;
    SCOPED_TRACE(name);
    clear_outputs(command);
    const Outcome first = run(call(command));
    ASSERT_EQ(first.code, 0) << first.err;
    for (const auto& [option, file] : command.files) fs::remove(at(file));
    Strings results;
    for (const auto& entry : fs::directory_iterator(at("results"))) results.push_back(entry.path().string());
    ASSERT_FALSE(results.empty());
    std::sort(results.begin(), results.end());
    const std::string last = results.back();  // the others are gone: it must be looked at before any is written
    for (const std::string& result : results) fs::remove(result);
    std::ofstream(last) << "precious";
    std::ofstream(at("results/notes.txt")) << "mine";
    EXPECT_EQ(run(call(command)).code, 2);
    EXPECT_EQ(slurp(last), "precious");
    EXPECT_EQ(std::distance(fs::directory_iterator(at("results")), fs::directory_iterator()), 2) << "work had begun";
    Strings bold = call(command);
    bold.push_back("--overwrite");
    const Outcome replaced = run(bold);
    EXPECT_EQ(replaced.code, 0) << replaced.err;
    EXPECT_NE(slurp(last), "precious");
    EXPECT_EQ(slurp(at("results/notes.txt")), "mine");
    clear_outputs(command);
  }
}

TEST_F(Outputs, PagesOfTablesAndDemoKeepForeignFolders) {
  create_folder(folder_ / "us/breast/high_quality");
  for (const char* name : {"a.png", "b.png", "c.png"})
    fs::copy_file(folder_.path() / "images" / name, folder_.path() / "us/breast/high_quality" / name);
  for (const char* file : {"index.html", "tables.csv", "tables.tex", "tables.md", "figures/a.png", "runs/notes"}) {
    const fs::path out = folder_ / "mine";
    fs::remove_all(out);
    create_folder((out / file).parent_path());
    std::ofstream(out / file) << "mine";
    const Outcome tables = run({"tables", "--out", out.string(), "--ultrasound", at("us"), "--steps", "1", "--quiet"});
    EXPECT_EQ(tables.code, 2) << tables.err;
    EXPECT_NE(tables.err.find("--overwrite"), std::string::npos) << tables.err;
    EXPECT_EQ(slurp(out / file), "mine");
    EXPECT_FALSE(fs::exists(out / "plan.json"));
    EXPECT_EQ(run({"demo", "--out", out.string(), "--quiet"}).code, 2);
    EXPECT_EQ(slurp(out / file), "mine");
  }
  std::ofstream(folder_ / "mine/plan.json") << "{\"mine\": 1}";
  EXPECT_EQ(run({"tables", "--out", at("mine"), "--ultrasound", at("us"), "--steps", "1", "--overwrite"}).code, 4);
}

TEST_F(Outputs, TrainingTakesNoFolderThatIsNotItsOwn) {
  for (const char* file : {"checkpoints/mine.pt", "previews/holiday.png", "tensorboard/x", "split.csv", "log.csv",
                           "validation.csv", "report.html"}) {
    const fs::path out = folder_ / "mine";
    fs::remove_all(out);
    create_folder((out / file).parent_path());
    std::ofstream(out / file) << "mine";
    const Outcome refused = run(tiny_training("mine"));
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_NE(refused.err.find(file), std::string::npos) << refused.err;
    EXPECT_EQ(slurp(out / file), "mine");
    EXPECT_FALSE(fs::exists(out / "config.toml"));
  }
  create_folder(folder_ / "mine/previews");
  for (const char* file : {"mine/previews/holiday.png", "mine/notes.txt"}) std::ofstream(at(file)) << "mine";
  Strings bold = tiny_training("mine");
  bold.push_back("--overwrite");
  for (int i = 0; i < 2; ++i) {
    const Outcome replaced = run(bold);
    EXPECT_EQ(replaced.code, 0) << replaced.err;
    for (const char* file : {"mine/previews/holiday.png", "mine/notes.txt"}) EXPECT_EQ(slurp(at(file)), "mine");
  }
}

TEST_F(Outputs, LinksLeadNoCommandToFilesOfOthers) {
  create_folder(folder_ / "us/breast/high_quality");
  for (const char* name : {"a.png", "b.png", "c.png"})
    fs::copy_file(folder_.path() / "images" / name, folder_.path() / "us/breast/high_quality" / name);
  ASSERT_EQ(run(tiny_training("old")).code, 0);
  Strings train = tiny_training("old");
  train.push_back("--overwrite");
  const Strings tables{"tables", "--ultrasound", at("us"), "--steps", "1", "--out", at("old"), "--overwrite"};
  const Strings demo{"demo", "--minutes", "0.01", "--out", at("old"), "--overwrite"};
  const Strings denoise{"denoise", at("images"), "--weights", at("w.safetensors"), "--out", at("old"), "--overwrite"};
  for (const auto& [arguments, name] :
       std::vector<std::pair<Strings, std::string>>{{train, "checkpoints"},
                                                    {train, "previews"},
                                                    {train, "tensorboard"},
                                                    {{"train", "--resume", at("old")}, "previews"},
                                                    {tables, "runs"},
                                                    {tables, "figures"},
                                                    {tables, "speed"},
                                                    {demo, "images"},
                                                    {demo, "reconstruct"},
                                                    {demo, "denoise"},
                                                    {demo, "speed"},
                                                    {denoise, ".sscvae-results.json"}}) {
    SCOPED_TRACE(arguments[0] + " " + name);
    const fs::path link = folder_ / "old" / name, kept = folder_ / "kept";
    fs::remove_all(folder_ / "mine");
    create_folder(folder_ / "mine");
    const Strings mine{"mine/last.safetensors", "mine/best.safetensors", "mine/step_000001.png", "mine/a.png"};
    for (const std::string& file : mine) std::ofstream(at(file)) << "mine";
    if (fs::exists(link)) fs::rename(link, kept);
    fs::create_symlink(name.ends_with(".json") ? folder_ / "mine/a.png" : folder_ / "mine", link);
    const Outcome refused = run(arguments);
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_NE(refused.err.find(name + "' is a link to '"), std::string::npos) << refused.err;
    for (const std::string& file : mine) EXPECT_EQ(slurp(at(file)), "mine") << file;
    EXPECT_EQ(std::distance(fs::directory_iterator(at("mine")), fs::directory_iterator()), 4);
    EXPECT_TRUE(fs::is_symlink(link));
    fs::remove(link);
    if (fs::exists(kept)) fs::rename(kept, link);
  }
}

TEST_F(Outputs, AnOldRunStaysUntilTheNewOneCanStep) {
  ASSERT_EQ(run(tiny_training("run")).code, 0);
  const auto before = fs::last_write_time(folder_ / "run/checkpoints/last.safetensors");
  for (const Strings& wrong :
       std::vector<Strings>{{"data.patch_size=100000"},
                            {"train.initial_weights=" + at("none.safetensors")},
                            {"train.initial_weights=" + at("w.safetensors"), "model.lite.width=16"},
                            {"data.root=" + at("none")},
                            {"data.sampling=grid", "data.patch_size=64"}}) {
    Strings arguments = tiny_training("run", wrong);
    arguments.push_back("--overwrite");
    const Outcome refused = run(arguments);
    EXPECT_NE(refused.code, 0) << wrong[0];
    EXPECT_EQ(refused.error_lines(), 1) << refused.err;
    EXPECT_EQ(fs::last_write_time(folder_ / "run/checkpoints/last.safetensors"), before) << wrong[0];
    EXPECT_TRUE(fs::exists(folder_ / "run/config.toml")) << wrong[0];
  }
}

TEST_F(Outputs, WholeImagesOfOddSizeAreTrainedOn) {
  for (int i = 0; i < 4; ++i)
    image::write_image(folder_.path() / "images" / (std::string(1, static_cast<char>('a' + i)) + ".png"),
                       image::dead_leaves(static_cast<uint64_t>(i), 37, 29, 1));
  const Outcome outcome = run(tiny_training("odd", {"data.sampling=whole-images"}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

}  // namespace
}  // namespace sscvae::testing
