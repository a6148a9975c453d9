#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "layering/layers.h"

// Who may include whom. The allowed table is DEPENDS in src/sscvae/<layer>/CMakeLists.txt, taken transitively; a common
// include root compiles anything, so only this test keeps the arrows pointing down.
namespace sscvae {
namespace {

namespace fs = std::filesystem;
using Layers = std::map<std::string, std::set<std::string>>;

/// What the tests of a layer may use beyond it: libraries linked to sscvae_<layer>_test.
std::set<std::string> test_dependencies(const std::string& cmake) {
  static const std::regex call("target_link_libraries\\(\\s*sscvae_\\w+_test([^)]*)\\)"), library("sscvae::(\\w+)");
  std::set<std::string> found;
  for (std::sregex_iterator it(cmake.begin(), cmake.end(), call), end; it != end; ++it) {
    const std::string text = (*it)[1];
    for (std::sregex_iterator name(text.begin(), text.end(), library), last; name != last; ++name)
      found.insert((*name)[1]);
  }
  return found;
}

/// Everything below each layer.
Layers closure(Layers direct) {
  for (bool grown = true; grown;) {
    grown = false;
    for (auto& [layer, below] : direct)
      for (const std::string& other : std::set<std::string>(below))
        for (const std::string& deeper : direct[other]) grown = below.insert(deeper).second || grown;
  }
  return direct;
}

/// The quoted includes of a source, in order.
std::vector<std::string> includes(const std::string& source) {
  static const std::regex line("(?:^|\\n)[ \\t]*#[ \\t]*include[ \\t]*\"([^\"]+)\"");
  std::vector<std::string> found;
  for (std::sregex_iterator it(source.begin(), source.end(), line), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

/// "nn" for "sscvae/nn/blocks.h", "" for what is in no layer.
std::string layer_of(const std::string& include) {
  static const std::regex path("sscvae/(\\w+)/.*");
  std::smatch match;
  return std::regex_match(include, match, path) ? match[1].str() : "";
}

/// The includes of `source`, a file of `layer`, that are not allowed.
std::vector<std::string> violations(const std::string& source, const std::string& layer,
                                    const std::set<std::string>& allowed) {
  std::vector<std::string> wrong;
  for (const std::string& include : includes(source)) {
    const std::string other = layer_of(include);
    if (!other.empty() && other != layer && !allowed.contains(other)) wrong.push_back(include);
  }
  return wrong;
}

/// LibTorch's tensors as arrays: tests of the ground floor compare with LibTorch.
const std::string kTensorsForTests = "sscvae/nn/arrays.h";

struct Tree {
  fs::path root = testing::source_folder() / "src" / "sscvae";
  Layers direct, all;
  Layers tests;  ///< what each layer's tests may use beyond it

  Tree() {
    for (const auto& entry : fs::directory_iterator(root)) {
      if (!fs::exists(entry.path() / "CMakeLists.txt")) continue;
      const std::string cmake = read_file(entry.path() / "CMakeLists.txt"), name = entry.path().filename();
      direct[name] = stated_dependencies(cmake);
      tests[name] = test_dependencies(cmake);
    }
    all = closure(direct);
  }
  std::vector<fs::path> files(const fs::path& folder) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cpp") found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }
};

TEST(LayeringRules, ReadWhatCMakeStates) {
  EXPECT_EQ(stated_dependencies("sscvae_layer(image DEPENDS core LIBRARIES PNG::PNG)"), std::set<std::string>{"core"});
  EXPECT_EQ(stated_dependencies("sscvae_layer(models\n  DEPENDS core nn\n  serialization)"),
            (std::set<std::string>{"core", "nn", "serialization"}));
  EXPECT_EQ(stated_dependencies("sscvae_layer(core LIBRARIES LibTorch::LibTorch)"), std::set<std::string>{});
  EXPECT_EQ(test_dependencies("target_link_libraries(sscvae_nn_test PRIVATE sscvae::image sscvae::testing)"),
            (std::set<std::string>{"image", "testing"}));
}

TEST(LayeringRules, DependenciesAreTransitive) {
  const Layers layers = closure({{"core", {}}, {"nn", {"core"}}, {"models", {"nn"}}, {"tasks", {"models"}}});
  EXPECT_EQ(layers.at("tasks"), (std::set<std::string>{"core", "nn", "models"}));
  EXPECT_EQ(layers.at("core"), std::set<std::string>{});
}

TEST(LayeringRules, TestFilesAreKnownByName) {
  EXPECT_TRUE(serves_tests("src/sscvae/nn/lista_test.cpp"));
  EXPECT_TRUE(serves_tests("src/sscvae/train/training_fixture.h"));
  EXPECT_TRUE(serves_tests("src/sscvae/data/test_images.h"));
  EXPECT_FALSE(serves_tests("src/sscvae/core/latest.h"));
}

TEST(Layering, LibrariesDoNotIncludeWhatServesTests) {
  const Tree tree;
  for (const fs::path& file : tree.files(tree.root)) {
    if (serves_tests(file)) continue;
    for (const std::string& include : includes(read_file(file)))
      EXPECT_FALSE(serves_tests(include)) << file.string() << " includes " << include;
  }
}

TEST(LayeringRules, AWrongIncludeIsSeen) {
  const std::string source =
      "#include <vector>\n  # include \"sscvae/nn/blocks.h\"\n#include \"sscvae/core/error.h\"\n"
      "// #include \"sscvae/train/trainer.h\" in a comment\n";
  EXPECT_EQ(violations(source, "image", {"core"}), std::vector<std::string>{"sscvae/nn/blocks.h"});
  EXPECT_EQ(violations(source, "nn", {"core"}), std::vector<std::string>{});
  EXPECT_EQ(violations(source, "nn", {}), std::vector<std::string>{"sscvae/core/error.h"});
}

TEST(Layering, TheTableIsSound) {
  const Tree tree;
  EXPECT_TRUE(tree.direct.contains("core"));
  EXPECT_TRUE(tree.direct.at("core").empty()) << "core is the leaf";
  for (const auto& [layer, below] : tree.all) {
    EXPECT_FALSE(below.contains(layer)) << layer << " depends on itself";
    for (const std::string& other : tree.direct.at(layer))
      EXPECT_TRUE(tree.direct.contains(other)) << layer << " names " << other << ", which is no layer";
  }
}

TEST(Layering, LayersIncludeOnlyWhatLiesBelow) {
  const Tree tree;
  size_t checked = 0;
  for (const auto& [layer, below] : tree.all)
    for (const fs::path& file : tree.files(tree.root / layer)) {
      std::set<std::string> allowed = below;
      if (serves_tests(file))
        for (const std::string& other : tree.tests.at(layer)) {
          allowed.insert(other);
          if (tree.all.contains(other)) allowed.insert(tree.all.at(other).begin(), tree.all.at(other).end());
        }
      for (const std::string& include : violations(read_file(file), layer, allowed)) {
        if (serves_tests(file) && include == kTensorsForTests) continue;
        ADD_FAILURE() << file.string() << " may not include " << include;
      }
      ++checked;
    }
  EXPECT_GT(checked, 20u);
}

TEST(Layering, TheGroundFloorDoesNotKnowLibTorch) {
  static const std::regex torch("#[ \\t]*include[ \\t]*<(ATen|torch|c10|caffe2)/");
  const Tree tree;
  size_t layers = 0;
  for (const auto& [layer, below] : tree.all) {
    if (read_file(tree.root / layer / "CMakeLists.txt").find("LIBTORCH") != std::string::npos) continue;
    ++layers;
    for (const std::string& other : below)
      EXPECT_EQ(read_file(tree.root / other / "CMakeLists.txt").find("LIBTORCH"), std::string::npos)
          << layer << " stands on " << other;
    for (const fs::path& file : tree.files(tree.root / layer)) {
      if (serves_tests(file)) continue;
      EXPECT_FALSE(std::regex_search(read_file(file), torch)) << file.string();
    }
  }
  EXPECT_GE(layers, 11u);
}

TEST(Layering, LibrarySourcesKnowNeitherProgramsNorTests) {
  const Tree tree;
  for (const fs::path& file : tree.files(tree.root))
    for (const std::string& include : includes(read_file(file))) {
      const bool test = serves_tests(file);
      const bool generated = include.ends_with(".inc");  // data that the build writes
      EXPECT_TRUE(include.starts_with("sscvae/") || generated || (test && include.starts_with("support/")))
          << file.string() << " includes " << include << ": includes are written from the source root";
    }
}

TEST(Layering, ProgramsUseTheLibraryOnly) {
  const Tree tree;
  const fs::path apps = testing::source_folder() / "apps";
  for (const fs::path& file : tree.files(apps))
    for (const std::string& include : includes(read_file(file))) {
      const std::string layer = layer_of(include);
      const bool own = fs::exists(apps / include) || fs::exists(file.parent_path() / include);
      EXPECT_TRUE(own || tree.all.contains(layer)) << file.string() << " includes " << include;
    }
}

TEST(Headers, AreTheFirstIncludeOfTheirSource) {
  const Tree tree;
  for (const fs::path& file : tree.files(tree.root)) {
    if (file.extension() != ".cpp") continue;
    const fs::path header = fs::path(file).replace_extension(".h");
    if (!fs::exists(header)) continue;
    const std::string source = read_file(file);
    const std::string expected = fs::relative(header, tree.root.parent_path()).generic_string();
    const std::vector<std::string> found = includes(source);
    ASSERT_FALSE(found.empty()) << file.string();
    EXPECT_EQ(found.front(), expected) << file.string();
    const size_t first = source.find("#include");
    EXPECT_EQ(source.compare(first, 9, "#include "), 0);
    EXPECT_EQ(source[first + 9], '"') << file.string() << " includes something before its own header";
  }
}

/// What in a source writes or reads numbers as the locale of the process says: in a host with a decimal comma that
/// spoils logs, checkpoints and tables.
std::vector<std::string> locale_calls(const std::string& source) {
  static const std::regex call(
      "\\b(strto(d|f|ld|l|ll|ul|ull|imax|umax)|sto(d|f|ld|i|l|ll|ul|ull)|ato(f|i|l|ll)|v?[fs]?scanf|"
      "to(lower|upper)|is(alpha|alnum|digit|space|upper|lower|punct|print))\\s*\\(|"
      "\\b([io]?stringstream|setprecision|imbue)\\b|"
      "\\bv?(s|sn|f|d)?printf\\s*\\([^;]*%[-+ #0-9.*]*l?[aefgAEFG][^;]*;");
  std::vector<std::string> found;
  for (std::sregex_iterator it(source.begin(), source.end(), call), end; it != end; ++it) found.push_back(it->str());
  return found;
}

TEST(NumberRules, CallsThatFollowTheLocaleAreSeen) {
  for (const std::string source : {"double x = std::strtod(text, nullptr);", "std::stod (text)", "atof(text)",
                                   "std::ostringstream out;", "std::fprintf(stderr, \"%s\\n\"\n  \"%5.2f\", a, b);",
                                   "snprintf(b, n, \"%a\", x);", "std::tolower(c)", "std::sscanf(line, \"%d\", &n)"})
    EXPECT_EQ(locale_calls(source).size(), 1u) << source;
  for (const std::string source :
       {"format(\"%.2f\", x)", "std::fprintf(stderr, \"%s\\n\", text); // 5 %f", "custodian(x)",
        "std::to_chars(b, e, x)", "tensor.storage(3)", "[[gnu::format(printf, 1, 2)]]"})
    EXPECT_EQ(locale_calls(source).size(), 0u) << source;
}

TEST(Numbers, AreWrittenAndReadTheSameInEveryLocale) {
  const Tree tree;
  size_t checked = 0;
  for (const char* folder : {"src", "apps"})
    for (const fs::path& file : tree.files(testing::source_folder() / folder)) {
      if (serves_tests(file)) continue;
      for (const std::string& call : locale_calls(read_file(file)))
        ADD_FAILURE() << file.string() << ": " << call << ": see core/numbers.h and format in core/text.h";
      ++checked;
    }
  EXPECT_GT(checked, 300u);
}

TEST(Headers, NeverIncludeAllOfLibTorch) {
  const Tree tree;
  for (const fs::path& file : tree.files(testing::source_folder() / "src"))
    EXPECT_EQ(read_file(file).find("#include <torch/torch.h>"), std::string::npos) << file.string();
}

TEST(Headers, StartWithPragmaOnce) {
  const Tree tree;
  for (const fs::path& file : tree.files(testing::source_folder() / "src"))
    if (file.extension() == ".h") {
      EXPECT_TRUE(read_file(file).starts_with("#pragma once\n")) << file.string();
    }
}

}  // namespace
}  // namespace sscvae
