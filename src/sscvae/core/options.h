#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Options are plain structs whose fields are listed once:
///
///   struct PatchOptions {
///     int64_t size = 256;
///     Padding padding = Padding::kReflect;
///     void describe(FieldList& fields) {
///       fields.add("size", size, "side of a square patch, pixels", at_least(1));
///       fields.add("padding", padding, "what surrounds the image");
///     }
///   };
///
/// From that list come TOML and JSON reading and writing, `--set key=value`, `sscvae config --explain`, unknown-key
/// errors with the nearest known name, and the configuration stored with each run. Defaults are written once: in the
/// struct.
namespace sscvae {

using OptionValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

/// Inclusive bounds of a number.
struct Bounds {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string text() const;  ///< ">= 1", "0 to 1", "" where unbounded
};
Bounds at_least(double min);
Bounds between(double min, double max);

/// Names of an enumeration, in the order of its values 0, 1, ...: specialise
///   template <> inline const std::vector<std::string>& choice_names<Padding>() { ... }
template <class Enum>
const std::vector<std::string>& choice_names();

/// The position of `text` among the names. Errors: UsageError that begins with `what` and has the nearest name.
size_t choice_index(const std::string& what, const std::vector<std::string>& names, const std::string& text);
/// The value of that name: parse_choice<Padding>("--padding", "reflect").
template <class Enum>
Enum parse_choice(const std::string& what, const std::string& text) {
  return static_cast<Enum>(choice_index(what, choice_names<Enum>(), text));
}

/// One option: where it lives, what it means, how it is checked.
struct Field {
  std::string key;  ///< dotted: "train.loss.sparsity"
  std::string help;
  std::string type;                  ///< "boolean", "integer", "number", "text", "list of texts", "choice"
  std::vector<std::string> choices;  ///< of a choice
  Bounds bounds;
  std::function<OptionValue()> get;
  std::function<void(const OptionValue&)> set;  ///< throws UsageError naming key, value and constraint
};

class FieldList {
 public:
  void add(const std::string& name, bool& value, const std::string& help);
  void add(const std::string& name, int64_t& value, const std::string& help, Bounds bounds = {});
  void add(const std::string& name, double& value, const std::string& help, Bounds bounds = {});
  void add(const std::string& name, std::string& value, const std::string& help);
  void add(const std::string& name, std::vector<std::string>& value, const std::string& help);
  template <class Enum>
  requires std::is_enum_v<Enum>
  void add(const std::string& name, Enum& value, const std::string& help) {
    add_choice(
        name, help, choice_names<Enum>(), [&value] { return static_cast<size_t>(value); },
        [&value](size_t index) { value = static_cast<Enum>(index); });
  }
  /// A text restricted to the given names (used for registries, whose names are not an enumeration).
  void add_name(const std::string& name, std::string& value, const std::string& help, std::vector<std::string> names);
  template <class Options>
  void add_section(const std::string& name, Options& options) {
    const std::string outer = std::exchange(prefix_, prefix_ + name + ".");
    options.describe(*this);
    prefix_ = outer;
  }

  const std::vector<Field>& fields() const { return fields_; }
  /// Keeps those whose key the function wants.
  void keep_if(const std::function<bool(const std::string& key)>& wanted) {
    std::erase_if(fields_, [&](const Field& field) { return !wanted(field.key); });
  }
  std::vector<std::string> keys() const;
  /// The field of that key; UsageError with the nearest known name if there is none. `where` starts the message.
  const Field& find(std::string_view key, std::string_view where) const;

 private:
  void add_choice(const std::string& name, const std::string& help, const std::vector<std::string>& names,
                  std::function<size_t()> get, std::function<void(size_t)> set);
  std::string prefix_;
  std::vector<Field> fields_;
};

template <class Options>
FieldList fields_of(Options& options) {
  FieldList fields;
  options.describe(fields);
  return fields;
}

/// Dotted keys and values in file order.
using Assignments = std::vector<std::pair<std::string, OptionValue>>;

/// Reads TOML. `source` names the file in errors. Errors: UsageError with line and column (configs are usage).
Assignments parse_toml(std::string_view text, const std::string& source);
/// Reads a JSON object, nested objects becoming dotted keys.
Assignments parse_json(std::string_view text, const std::string& source);
/// "train.epochs=5": the value is read as TOML and, failing that, as text.
std::pair<std::string, OptionValue> parse_assignment(std::string_view text);

/// Sets every key. Errors: UsageError for unknown keys (with the nearest known name), types and ranges.
void assign(const FieldList& fields, const Assignments& values, const std::string& source);

/// The complete configuration as TOML; with `explain`, each option preceded by a comment: meaning, range and
/// `origins[key]` (where the value came from).
std::string to_toml(const FieldList& fields, bool explain = false,
                    const std::map<std::string, std::string>& origins = {});
/// The complete configuration as a JSON text.
std::string to_json(const FieldList& fields);
/// A value as TOML writes it.
std::string to_toml(const OptionValue& value);

}  // namespace sscvae
