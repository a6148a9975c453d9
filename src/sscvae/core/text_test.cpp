#include "sscvae/core/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sscvae {
namespace {

using Texts = std::vector<std::string>;

TEST(Format, IsPrintf) {
  EXPECT_EQ(format("%d of %s, %.2f", 3, "four", 0.125), "3 of four, 0.12");
  EXPECT_EQ(format("%s", ""), "");
  EXPECT_EQ(format("%s", std::string(5000, 'x').c_str()), std::string(5000, 'x'));
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a,b,,c", ','), (Texts{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), Texts{""});
  EXPECT_EQ(split(",", ','), (Texts{"", ""}));
}

TEST(Join, IsTheInverseOfSplit) {
  for (const std::string text : {"", "a", "a,b", ",a,,", ",,,"}) EXPECT_EQ(join(split(text, ','), ","), text);
  EXPECT_EQ(join({"a", "b"}, " and "), "a and b");
  EXPECT_EQ(join({}, ","), "");
}

TEST(Trim, RemovesOuterWhiteSpaceOnly) {
  EXPECT_EQ(trim("  a b\t\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(ToText, IsTheShortestTextThatReadsBack) {
  EXPECT_EQ(to_text(0.1), "0.1");
  EXPECT_EQ(to_text(1e-8), "1e-08");
  EXPECT_EQ(to_text(3), "3");
  for (const double value : {0.1, 1.0 / 3, 1e300, 5e-324, -0.0, 123456789.123456789}) {
    const double back = std::strtod(to_text(value).c_str(), nullptr);
    EXPECT_EQ(back, value);
    EXPECT_EQ(std::signbit(back), std::signbit(value));
  }
}

TEST(ToText, NamesWhatIsNoNumber) {
  EXPECT_EQ(to_text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(to_text(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(to_text(std::nan("")), "nan");
}

TEST(NearestName, FindsTypingMistakes) {
  const Texts names{"reconstruct", "denoise", "compare"};
  EXPECT_EQ(nearest_name("recontruct", names), "reconstruct");
  EXPECT_EQ(nearest_name("denosie", names), "denoise");
  EXPECT_EQ(nearest_name("denoise", names), "denoise");
}

TEST(NearestName, IsSilentWhereNothingIsNear) {
  EXPECT_EQ(nearest_name("banana", {"reconstruct", "denoise"}), "");
  EXPECT_EQ(nearest_name("x", {"ab", "c"}), "");
  EXPECT_EQ(nearest_name("", {"a"}), "");
  EXPECT_EQ(nearest_name("denoise", {}), "");
}

TEST(NearestName, KnowsSections) {
  const Texts keys{"model.sparse_coder.num_atoms", "train.epochs", "train.loss.sparsity", "data.seed"};
  EXPECT_EQ(nearest_name("epochs", keys), "train.epochs");
  EXPECT_EQ(nearest_name("epoch", keys), "train.epochs");
  EXPECT_EQ(nearest_name("model.num_atoms", keys), "model.sparse_coder.num_atoms");
  EXPECT_EQ(nearest_name("train.sparsity", keys), "train.loss.sparsity");
  EXPECT_EQ(nearest_name("other.seed.", keys), "");
}

TEST(Suggestion, IsReadyToBeAppended) {
  EXPECT_EQ(suggestion("epoch", {"epochs"}), " (did you mean 'epochs'?)");
  EXPECT_EQ(suggestion("banana", {"epochs"}), "");
}

}  // namespace
}  // namespace sscvae
