#include "sscvae/core/options.h"

#include <toml++/toml.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

#include "sscvae/core/error.h"
#include "sscvae/core/text.h"
#include "sscvae/core/utf8.h"

namespace sscvae {

std::string Bounds::text() const {
  const bool low = std::isfinite(min), high = std::isfinite(max);
  if (low && high) return to_text(min) + " to " + to_text(max);
  if (low) return ">= " + to_text(min);
  return high ? "<= " + to_text(max) : "";
}

size_t choice_index(const std::string& what, const std::vector<std::string>& names, const std::string& text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end())
    throw UsageError(what + ": expected " + join(names, ", ") + ", got '" + text + "'" + suggestion(text, names));
  return static_cast<size_t>(found - names.begin());
}

Bounds at_least(double min) {
  Bounds bounds;
  bounds.min = min;
  return bounds;
}

Bounds between(double min, double max) { return {min, max}; }

namespace {

[[noreturn]] void refuse(const std::string& key, const OptionValue& value, const std::string& expected) {
  throw UsageError("option " + key + ": expected " + expected + ", got " + to_toml(value));
}

/// Also 1e4 and 200.0, which TOML takes for real numbers.
std::optional<int64_t> whole_number(const OptionValue& given) {
  if (const auto* number = std::get_if<int64_t>(&given)) return *number;
  constexpr double kExact = 9007199254740992.0;  // up to here every whole number is a double
  const auto* real = std::get_if<double>(&given);
  if (!real || !(std::abs(*real) <= kExact) || *real != std::trunc(*real)) return std::nullopt;
  return static_cast<int64_t>(*real);
}

void check_bounds(const std::string& key, double value, const Bounds& bounds, const OptionValue& given) {
  if (!(value >= bounds.min && value <= bounds.max))
    refuse(key, given, bounds.text().empty() ? "a number" : "a number " + bounds.text());
}

}  // namespace

void FieldList::add(const std::string& name, bool& value, const std::string& help) {
  const std::string key = prefix_ + name;
  fields_.push_back({key,
                     help,
                     "boolean",
                     {},
                     {},
                     [&value] { return OptionValue(value); },
                     [key, &value](const OptionValue& given) {
                       const bool* flag = std::get_if<bool>(&given);
                       if (!flag) refuse(key, given, "true or false");
                       value = *flag;
                     }});
}

void FieldList::add(const std::string& name, int64_t& value, const std::string& help, Bounds bounds) {
  const std::string key = prefix_ + name;
  fields_.push_back({key,
                     help,
                     "integer",
                     {},
                     bounds,
                     [&value] { return OptionValue(value); },
                     [key, bounds, &value](const OptionValue& given) {
                       const std::optional<int64_t> number = whole_number(given);
                       if (!number) refuse(key, given, "an integer");
                       check_bounds(key, static_cast<double>(*number), bounds, given);
                       value = *number;
                     }});
}

void FieldList::add(const std::string& name, double& value, const std::string& help, Bounds bounds) {
  const std::string key = prefix_ + name;
  fields_.push_back({key,
                     help,
                     "number",
                     {},
                     bounds,
                     [&value] { return OptionValue(value); },
                     [key, bounds, &value](const OptionValue& given) {
                       double number = 0;
                       if (const auto* real = std::get_if<double>(&given)) number = *real;
                       else if (const auto* whole = std::get_if<int64_t>(&given)) number = static_cast<double>(*whole);
                       else refuse(key, given, "a number");
                       check_bounds(key, number, bounds, given);
                       value = number;
                     }});
}

void FieldList::add(const std::string& name, std::string& value, const std::string& help) {
  const std::string key = prefix_ + name;
  fields_.push_back({key,
                     help,
                     "text",
                     {},
                     {},
                     [&value] { return OptionValue(value); },
                     [key, &value](const OptionValue& given) {
                       const auto* text = std::get_if<std::string>(&given);
                       if (!text) refuse(key, given, "a text in quotes");
                       value = *text;
                     }});
}

void FieldList::add(const std::string& name, std::vector<std::string>& value, const std::string& help) {
  const std::string key = prefix_ + name;
  fields_.push_back({key,
                     help,
                     "list of texts",
                     {},
                     {},
                     [&value] { return OptionValue(value); },
                     [key, &value](const OptionValue& given) {
                       if (const auto* list = std::get_if<std::vector<std::string>>(&given)) value = *list;
                       else if (const auto* text = std::get_if<std::string>(&given)) value = {*text};
                       else refuse(key, given, "a list of texts");
                     }});
}

void FieldList::add_name(const std::string& name, std::string& value, const std::string& help,
                         std::vector<std::string> names) {
  const std::string key = prefix_ + name;
  fields_.push_back({key,
                     help,
                     "choice",
                     names,
                     {},
                     [&value] { return OptionValue(value); },
                     [key, names, &value](const OptionValue& given) {
                       const auto* text = std::get_if<std::string>(&given);
                       if (!text || std::find(names.begin(), names.end(), *text) == names.end())
                         refuse(key, given, "one of " + join(names, ", ") + (text ? suggestion(*text, names) : ""));
                       value = *text;
                     }});
}

void FieldList::add_choice(const std::string& name, const std::string& help, const std::vector<std::string>& names,
                           std::function<size_t()> get, std::function<void(size_t)> set) {
  const std::string key = prefix_ + name;
  fields_.push_back({key,
                     help,
                     "choice",
                     names,
                     {},
                     [names, get] { return OptionValue(names.at(get())); },
                     [key, names, set](const OptionValue& given) {
                       const auto* text = std::get_if<std::string>(&given);
                       const auto found = text ? std::find(names.begin(), names.end(), *text) : names.end();
                       if (found == names.end())
                         refuse(key, given, "one of " + join(names, ", ") + (text ? suggestion(*text, names) : ""));
                       set(static_cast<size_t>(found - names.begin()));
                     }});
}

std::vector<std::string> FieldList::keys() const {
  std::vector<std::string> keys;
  for (const Field& field : fields_) keys.push_back(field.key);
  return keys;
}

const Field& FieldList::find(std::string_view key, std::string_view where) const {
  for (const Field& field : fields_)
    if (field.key == key) return field;
  throw UsageError(std::string(where) + (where.empty() ? "" : ": ") + "unknown option '" + std::string(key) + "'" +
                   suggestion(key, keys()));
}

namespace {

constexpr int kMaxDots = 2000, kMaxJsonDepth = 32;

OptionValue from_toml(const toml::node& node, const std::string& where) {
  if (const auto value = node.value_exact<bool>()) return *value;
  if (const auto value = node.value_exact<int64_t>()) return *value;
  if (const auto value = node.value_exact<double>()) return *value;
  if (const auto value = node.value_exact<std::string>()) return bytes_of_utf8(*value);
  if (const toml::array* array = node.as_array()) {
    std::vector<std::string> list;
    for (const toml::node& element : *array) {
      const auto text = element.value_exact<std::string>();
      if (!text) throw UsageError(where + ": lists may hold texts only");
      list.push_back(bytes_of_utf8(*text));
    }
    return list;
  }
  throw UsageError(where + ": a value of this type is not used by any option");
}

void flatten(const toml::table& table, const std::string& prefix, const std::string& source, Assignments& values) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* nested = node.as_table()) flatten(*nested, key + ".", source, values);
    else values.emplace_back(key, from_toml(node, source + ": " + key));
  }
}

int64_t integer_of(const nlohmann::json& node, const std::string& where) {
  if (node.is_number_unsigned() && node.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    throw UsageError(where + ": " + node.dump() + " is too large for an integer");
  return node.get<int64_t>();
}

void flatten(const nlohmann::json& object, const std::string& prefix, const std::string& source, Assignments& values) {
  for (const auto& [name, node] : object.items()) {
    const std::string key = prefix + name;
    if (node.is_object()) flatten(node, key + ".", source, values);
    else if (node.is_boolean()) values.emplace_back(key, node.get<bool>());
    else if (node.is_number_integer()) values.emplace_back(key, integer_of(node, source + ": " + key));
    else if (node.is_number()) values.emplace_back(key, node.get<double>());
    else if (node.is_string()) values.emplace_back(key, bytes_of_utf8(node.get<std::string>()));
    else if (node.is_array()) {
      std::vector<std::string> list;
      for (const auto& element : node) {
        if (!element.is_string()) throw UsageError(source + ": " + key + ": lists may hold texts only");
        list.push_back(bytes_of_utf8(element.get<std::string>()));
      }
      values.emplace_back(key, list);
    } else {
      throw UsageError(source + ": " + key + ": null is no value of any option");
    }
  }
}

}  // namespace

Assignments parse_toml(std::string_view text, const std::string& source) {
  // Each dot of a dotted key is a nested table, built and freed by recursion: input must not exhaust the stack.
  if (std::count(text.begin(), text.end(), '.') > kMaxDots)
    throw UsageError(source + ": more than " + std::to_string(kMaxDots) + " dots are no configuration");
  try {
    Assignments values;
    flatten(toml::parse(text), "", source, values);
    return values;
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    throw UsageError(
        format("%s:%u:%u: %s", source.c_str(), where.line, where.column, std::string(error.description()).c_str()));
  }
}

Assignments parse_json(std::string_view text, const std::string& source) {
  try {
    // A callback bounds the nesting: deep input must not exhaust the stack.
    const auto bounded = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
      if (depth > kMaxJsonDepth) throw UsageError(source + ": JSON nested too deeply");
      return true;
    };
    const nlohmann::json document = nlohmann::json::parse(text, bounded);
    if (!document.is_object()) throw UsageError(source + ": expected a JSON object");
    Assignments values;
    flatten(document, "", source, values);
    return values;
  } catch (const nlohmann::json::exception& error) {
    throw UsageError(source + ": " + error.what());
  }
}

std::pair<std::string, OptionValue> parse_assignment(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw UsageError("--set expects key=value, got '" + std::string(text) + "'");
  const std::string key(trim(text.substr(0, equals))), value(trim(text.substr(equals + 1)));
  try {
    const toml::table table = toml::parse("value = " + value);
    const toml::node* node = table.get("value");
    const bool plain = table.size() == 1 && !node->is_table() && !node->is_date() && !node->is_time();
    if (plain && !node->is_date_time()) return {key, from_toml(*node, "--set " + key)};
  } catch (const toml::parse_error&) {  // a text without quotes
  }
  return {key, value};
}

void assign(const FieldList& fields, const Assignments& values, const std::string& source) {
  for (const auto& [key, value] : values) {
    const Field& field = fields.find(key, source);
    try {
      field.set(value);
    } catch (const UsageError& error) {
      throw UsageError(source + ": " + error.what());
    }
  }
}

std::string to_toml(const OptionValue& value) {
  struct Writer {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const {
      const std::string text = to_text(number);
      return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
    }
    std::string operator()(const std::string& text) const {
      // A JSON text is a TOML basic string but for DEL.
      std::string quoted = nlohmann::json(utf8_of(text)).dump();
      for (size_t at = quoted.find('\x7f'); at != std::string::npos; at = quoted.find('\x7f', at))
        quoted.replace(at, 1, "\\u007F");
      return quoted;
    }
    std::string operator()(const std::vector<std::string>& list) const {
      std::vector<std::string> quoted;
      for (const std::string& text : list) quoted.push_back((*this)(text));
      return "[" + join(quoted, ", ") + "]";
    }
  };
  return std::visit(Writer{}, value);
}

std::string to_toml(const FieldList& fields, bool explain, const std::map<std::string, std::string>& origins) {
  std::string out;
  std::string section;
  // Keys outside any section must come first in TOML; within a section, its own keys before its sub-sections.
  std::vector<const Field*> ordered;
  for (const Field& field : fields.fields()) ordered.push_back(&field);
  const auto section_of = [](const Field& field) {
    const size_t dot = field.key.rfind('.');
    return dot == std::string::npos ? std::string() : field.key.substr(0, dot);
  };
  std::vector<std::string> sections;
  for (const Field* field : ordered)
    if (std::find(sections.begin(), sections.end(), section_of(*field)) == sections.end())
      sections.push_back(section_of(*field));
  std::stable_sort(sections.begin(), sections.end(),
                   [](const auto& a, const auto& b) { return a.empty() && !b.empty(); });
  for (const std::string& name : sections) {
    if (!name.empty()) out += (out.empty() ? "[" : "\n[") + name + "]\n";
    for (const Field* field : ordered) {
      if (section_of(*field) != name) continue;
      if (explain) {
        const std::string range = field->choices.empty() ? field->bounds.text() : join(field->choices, " | ");
        const auto origin = origins.find(field->key);
        out += "# " + field->help + " [" + field->type + (range.empty() ? "" : ": " + range) + "]" +
               (origin == origins.end() ? "" : " from " + origin->second) + "\n";
      }
      out += field->key.substr(name.empty() ? 0 : name.size() + 1) + " = " + to_toml(field->get()) + "\n";
    }
  }
  return out;
}

std::string to_json(const FieldList& fields) {
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  for (const Field& field : fields.fields()) {
    nlohmann::ordered_json* node = &document;
    for (const std::string& part : split(field.key, '.')) node = &(*node)[part];
    const OptionValue value = field.get();
    if (const auto* text = std::get_if<std::string>(&value)) {
      *node = utf8_of(*text);
    } else if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      *node = nlohmann::ordered_json::array();
      for (const std::string& item : *list) node->push_back(utf8_of(item));
    } else {
      std::visit([node](const auto& plain) { *node = plain; }, value);
    }
  }
  return document.dump(2);
}

}  // namespace sscvae
