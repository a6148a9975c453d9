#include "sscvae/core/options.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sscvae/core/error.h"

namespace sscvae {
namespace {

enum class Padding { kReflect, kZero };

}  // namespace

template <>
const std::vector<std::string>& choice_names<Padding>() {
  static const std::vector<std::string> names{"reflect", "zero"};
  return names;
}

namespace {

struct InnerOptions {
  int64_t depth = 3;
  Padding padding = Padding::kZero;
  void describe(FieldList& fields) {
    fields.add("depth", depth, "how deep", between(1, 8));
    fields.add("padding", padding, "what surrounds the image");
  }
};

struct OuterOptions {
  InnerOptions inner;  // listed before the plain fields on purpose: TOML wants those first
  bool flag = false;
  double rate = 0.1;
  double free = -1;
  int64_t count = 7;
  std::string text = "a \"quoted\" text\n";
  std::string name = "red";
  std::vector<std::string> list{"x", "y"};
  void describe(FieldList& fields) {
    fields.add_section("inner", inner);
    fields.add("flag", flag, "a flag");
    fields.add("rate", rate, "a rate", at_least(0));
    fields.add("free", free, "any number");
    fields.add("count", count, "a count", at_least(-1));
    fields.add("text", text, "a text");
    fields.add_name("name", name, "a colour", {"red", "green"});
    fields.add("list", list, "some texts");
  }
};

OuterOptions set(const std::string& assignment) {
  OuterOptions options;
  assign(fields_of(options), {parse_assignment(assignment)}, "--set");
  return options;
}

template <class Action>
std::string usage_error_of(const Action& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}
std::string refusal(const std::string& assignment) {
  return usage_error_of([&] { set(assignment); });
}
std::string toml_refusal(const std::string& text) {
  return usage_error_of([&] { parse_toml(text, "c.toml"); });
}
std::string json_refusal(const std::string& text) {
  return usage_error_of([&] { parse_json(text, "c.json"); });
}

TEST(Options, DefaultsAreWrittenOnce) {
  OuterOptions options;
  const FieldList fields = fields_of(options);
  EXPECT_EQ(fields.keys(), (std::vector<std::string>{"inner.depth", "inner.padding", "flag", "rate", "free", "count",
                                                     "text", "name", "list"}));
  EXPECT_EQ(std::get<int64_t>(fields.find("inner.depth", "").get()), 3);
  EXPECT_EQ(std::get<std::string>(fields.find("inner.padding", "").get()), "zero");
  EXPECT_EQ(fields.find("inner.padding", "").choices, (std::vector<std::string>{"reflect", "zero"}));
}

TEST(Options, EveryTypeIsSet) {
  EXPECT_TRUE(set("flag=true").flag);
  EXPECT_EQ(set("rate=2.5").rate, 2.5);
  EXPECT_EQ(set("rate=2").rate, 2.0);  // an integer is a number
  EXPECT_EQ(set("rate=1e-8").rate, 1e-8);
  EXPECT_EQ(set("free=-inf").free, -INFINITY);
  EXPECT_EQ(set("count=-1").count, -1);
  EXPECT_EQ(set("text=plain words").text, "plain words");
  EXPECT_EQ(set("text='a=b'").text, "a=b");
  EXPECT_EQ(set("text=a=b").text, "a=b");
  EXPECT_EQ(set("text=").text, "");
  EXPECT_EQ(set("text=2024-01-01").text, "2024-01-01");
  EXPECT_EQ(set("text=/data/run 1/x.png").text, "/data/run 1/x.png");
  EXPECT_EQ(set("name=green").name, "green");
  EXPECT_EQ(set("list=['p','q']").list, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(set("list=single").list, std::vector<std::string>{"single"});
  EXPECT_EQ(set("list=[]").list, std::vector<std::string>{});
  EXPECT_EQ(set("inner.depth=8").inner.depth, 8);
  EXPECT_EQ(set(" inner.padding = reflect ").inner.padding, Padding::kReflect);
}

TEST(Options, WrongTypesAreRefusedByName) {
  EXPECT_EQ(refusal("flag=1"), "--set: option flag: expected true or false, got 1");
  EXPECT_EQ(refusal("count=2.5"), "--set: option count: expected an integer, got 2.5");
  EXPECT_EQ(refusal("count=many"), "--set: option count: expected an integer, got \"many\"");
  EXPECT_EQ(refusal("rate=fast"), "--set: option rate: expected a number, got \"fast\"");
  EXPECT_EQ(refusal("rate=true"), "--set: option rate: expected a number, got true");
  EXPECT_EQ(refusal("text=5"), "--set: option text: expected a text in quotes, got 5");
  EXPECT_EQ(refusal("list=5"), "--set: option list: expected a list of texts, got 5");
  EXPECT_EQ(refusal("list=[1]"), "--set list: lists may hold texts only");
  EXPECT_EQ(refusal("inner.padding=1"), "--set: option inner.padding: expected one of reflect, zero, got 1");
}

TEST(Options, RangesAreInclusiveAndNamed) {
  EXPECT_EQ(set("inner.depth=1").inner.depth, 1);
  EXPECT_EQ(refusal("inner.depth=0"), "--set: option inner.depth: expected a number 1 to 8, got 0");
  EXPECT_EQ(refusal("inner.depth=9"), "--set: option inner.depth: expected a number 1 to 8, got 9");
  EXPECT_EQ(set("rate=0").rate, 0);
  EXPECT_EQ(refusal("rate=-1e-9"), "--set: option rate: expected a number >= 0, got -1e-09");
  EXPECT_EQ(refusal("rate=nan"), "--set: option rate: expected a number >= 0, got nan");
  EXPECT_EQ(refusal("free=nan"), "--set: option free: expected a number, got nan");
}

TEST(Options, BoundsInWords) {
  EXPECT_EQ(at_least(1).text(), ">= 1");
  EXPECT_EQ(between(0, 0.5).text(), "0 to 0.5");
  EXPECT_EQ(Bounds{}.text(), "");
  EXPECT_EQ(between(-INFINITY, 3).text(), "<= 3");
}

TEST(Options, UnknownKeysAndChoicesNameTheNearest) {
  EXPECT_EQ(refusal("inner.dept=2"), "--set: unknown option 'inner.dept' (did you mean 'inner.depth'?)");
  EXPECT_EQ(refusal("depth=2"), "--set: unknown option 'depth' (did you mean 'inner.depth'?)");
  EXPECT_EQ(refusal("banana=2"), "--set: unknown option 'banana'");
  EXPECT_EQ(refusal("name=gren"),
            "--set: option name: expected one of red, green (did you mean 'green'?), got \"gren\"");
}

TEST(Options, AFailedAssignmentLeavesTheValue) {
  OuterOptions options;
  const FieldList fields = fields_of(options);
  EXPECT_THROW(assign(fields, {{"inner.depth", int64_t{99}}}, "x"), UsageError);
  EXPECT_EQ(options.inner.depth, 3);
}

TEST(Options, MalformedAssignments) {
  EXPECT_EQ(refusal("novalue"), "--set expects key=value, got 'novalue'");
  EXPECT_EQ(refusal("=5"), "--set expects key=value, got '=5'");
  // what would be two TOML statements is one text
  EXPECT_EQ(set("text=1\nflag = true").text, "1\nflag = true");
}

TEST(Toml, RoundTripOfEveryType) {
  OuterOptions options = set("rate=1e-08");
  options.text = "tab\t quote\" backslash\\ newline\n del\x7f nul-free \xc3\xa9";
  options.inner.padding = Padding::kReflect;
  options.free = INFINITY;
  const std::string text = to_toml(fields_of(options));
  OuterOptions back;
  assign(fields_of(back), parse_toml(text, "round trip"), "round trip");
  EXPECT_EQ(back.text, options.text);
  EXPECT_EQ(back.rate, 1e-8);
  EXPECT_EQ(back.free, INFINITY);
  EXPECT_EQ(back.list, options.list);
  EXPECT_EQ(back.inner.padding, Padding::kReflect);
  EXPECT_EQ(to_toml(fields_of(back)), text);
}

TEST(Toml, PlainKeysComeBeforeSections) {
  OuterOptions options;
  options.text = "t";
  EXPECT_EQ(to_toml(fields_of(options)),
            "flag = false\nrate = 0.1\nfree = -1.0\ncount = 7\ntext = \"t\"\nname = \"red\"\nlist = [\"x\", \"y\"]\n"
            "\n[inner]\ndepth = 3\npadding = \"zero\"\n");
}

TEST(Toml, WholeNumbersStayNumbers) {
  EXPECT_EQ(to_toml(OptionValue(3.0)), "3.0");
  EXPECT_EQ(to_toml(OptionValue(1e20)), "1e+20");
  EXPECT_EQ(to_toml(OptionValue(int64_t{3})), "3");
  EXPECT_EQ(std::get<double>(parse_assignment("x=" + to_toml(OptionValue(3.0))).second), 3.0);
  EXPECT_EQ(std::get<double>(parse_assignment("x=" + to_toml(OptionValue(1e20))).second), 1e20);
}

TEST(Toml, ExplainSaysMeaningTypeRangeAndOrigin) {
  OuterOptions options;
  const std::string text = to_toml(fields_of(options), true, {{"inner.depth", "profile sound"}});
  EXPECT_NE(text.find("# how deep [integer: 1 to 8] from profile sound\ndepth = 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# what surrounds the image [choice: reflect | zero]\npadding"), std::string::npos) << text;
  EXPECT_NE(text.find("# a flag [boolean]\nflag"), std::string::npos) << text;
  OuterOptions back;
  EXPECT_NO_THROW(assign(fields_of(back), parse_toml(text, "explained"), "explained"));
}

TEST(Toml, SectionsAndDottedKeysAreTheSame) {
  OuterOptions a, b;
  assign(fields_of(a), parse_toml("[inner]\ndepth = 5\n", "a"), "a");
  assign(fields_of(b), parse_toml("inner.depth = 5", "b"), "b");
  EXPECT_EQ(a.inner.depth, 5);
  EXPECT_EQ(b.inner.depth, 5);
}

TEST(Toml, ErrorsNameFileLineAndColumn) {
  EXPECT_EQ(toml_refusal("a = 1\nb = = 2\n").rfind("c.toml:2:5: ", 0), 0u) << toml_refusal("a = 1\nb = = 2\n");
  EXPECT_EQ(toml_refusal("a = 1979-05-27\n"), "c.toml: a: a value of this type is not used by any option");
  EXPECT_EQ(toml_refusal("a = [1, 2]\n"), "c.toml: a: lists may hold texts only");
  EXPECT_NE(toml_refusal("a = 1\na = 2\n"), "accepted");
}

TEST(Toml, HostileTextIsRefused) {
  EXPECT_NE(toml_refusal("a = " + std::string(100000, '[')), "accepted");
  std::string dots;
  for (int i = 0; i < 100000; ++i) dots += "a.";
  EXPECT_EQ(toml_refusal(dots + "a = 1"), "c.toml: more than 2000 dots are no configuration");
  EXPECT_EQ(toml_refusal("[" + dots + "a]"), "c.toml: more than 2000 dots are no configuration");
  const std::string valid = to_toml(fields_of(*std::make_unique<OuterOptions>()));
  for (size_t size = 0; size < valid.size(); ++size) {
    OuterOptions options;
    const std::string outcome = usage_error_of(
        [&] { assign(fields_of(options), parse_toml(std::string_view(valid).substr(0, size), "t"), "t"); });
    EXPECT_EQ(outcome.find('\n'), std::string::npos);
  }
  for (size_t at = 0; at < valid.size(); ++at)
    for (const char flip : {'\x01', '\x20', '\x80', '\xff'}) {
      std::string damaged = valid;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      OuterOptions options;
      const std::string outcome = usage_error_of([&] { assign(fields_of(options), parse_toml(damaged, "t"), "t"); });
      EXPECT_EQ(outcome.find('\n'), std::string::npos) << outcome;
    }
}

TEST(Json, RoundTripOfEveryType) {
  OuterOptions options;
  options.rate = 1.0 / 3;
  options.inner.depth = 4;
  const std::string text = to_json(fields_of(options));
  OuterOptions back;
  assign(fields_of(back), parse_json(text, "json"), "json");
  EXPECT_EQ(back.rate, 1.0 / 3);
  EXPECT_EQ(back.inner.depth, 4);
  EXPECT_EQ(back.text, options.text);
  EXPECT_EQ(to_json(fields_of(back)), text);
}

TEST(Json, ErrorsNameTheFile) {
  for (const char* text : {"", "{", "[1]", "5", "{\"a\": null}", "{\"a\": [1]}", "{\"a\": 18446744073709551615}",
                           "{\"a\": \"\xff\"}", "{\"a\": 1} x"})
    EXPECT_EQ(json_refusal(text).rfind("c.json: ", 0), 0u) << text << " -> " << json_refusal(text);
  EXPECT_EQ(json_refusal("{\"a\": " + std::string(100000, '[')), "c.json: JSON nested too deeply");
}

TEST(Json, NestedObjectsBecomeDottedKeys) {
  const Assignments values = parse_json(R"({"b": {"c": 1, "d": {"e": "x"}}, "f": -2.5})", "j");
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0], (std::pair<std::string, OptionValue>("b.c", int64_t{1})));
  EXPECT_EQ(values[1], (std::pair<std::string, OptionValue>("b.d.e", std::string("x"))));
  EXPECT_EQ(values[2], (std::pair<std::string, OptionValue>("f", -2.5)));
}

}  // namespace
}  // namespace sscvae
