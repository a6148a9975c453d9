#include "sscvae/serialization/pickle_reader.h"

#include <cstring>
#include <set>
#include <unordered_map>

#include "sscvae/core/text.h"
#include "sscvae/serialization/foreign_files.h"

namespace sscvae::serialization {

namespace {

/// The instructions by the names of Python's pickletools.
enum Opcode : unsigned char {
  kProto = 0x80,
  kStop = '.',
  kMark = '(',
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kBinInt = 'J',
  kLong1 = 0x8a,
  kBinFloat = 'G',
  kBinUnicode = 'X',
  kGlobal = 'c',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kAppend = 'a',
  kAppends = 'e',
  kSetItem = 's',
  kSetItems = 'u',
  kBinPersId = 'Q',
  kReduce = 'R',
  kNewObject = 0x81,
  kBuild = 'b'
};

/// What the values of one pickle may take. An instruction of one byte can make a value of a hundred bytes, and one of
/// five a tensor of a thousand; the largest checkpoints need some MiB.
constexpr size_t kMaxMemory = size_t{512} << 20;

size_t memory_of(const std::string& text) { return text.size(); }
size_t memory_of(const PickleList& list) { return list.size() * sizeof list[0]; }
size_t memory_of(const TensorDescription& tensor) { return tensor.key.size() + 16 * tensor.sizes.size(); }
size_t memory_of(const PickleValue::Storage& storage) { return storage.key.size(); }
size_t memory_of(const PickleValue::Object& object) { return object.name.size(); }
template <class T>
size_t memory_of(const T&) {
  return 0;
}

/// Types whose values a checkpoint may have beside its tensors, by the names that protocol 2 gives them.
bool is_harmless(std::string_view name) {
  static const std::set<std::string_view> names{"argparse.Namespace",
                                                "types.SimpleNamespace",
                                                "collections.defaultdict",
                                                "collections.Counter",
                                                "_codecs.encode",
                                                "__builtin__.set",
                                                "__builtin__.frozenset",
                                                "__builtin__.complex",
                                                "__builtin__.slice",
                                                "__builtin__.range",
                                                "__builtin__.bytearray",
                                                "__builtin__.dict",
                                                "__builtin__.list",
                                                "__builtin__.int",
                                                "__builtin__.float",
                                                "datetime.date",
                                                "datetime.datetime",
                                                "datetime.timedelta",
                                                "numpy.dtype",
                                                "numpy.ndarray",
                                                "numpy.core.multiarray.scalar",
                                                "numpy._core.multiarray.scalar",
                                                "numpy.core.multiarray._reconstruct",
                                                "numpy._core.multiarray._reconstruct",
                                                "torch.device",
                                                "torch.Size"};
  if (names.count(name) != 0) return true;
  for (const std::string_view module : {"pathlib.", "pathlib._local."})
    for (const std::string_view type : {"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"})
      if (name.starts_with(module) && name.substr(module.size()) == type) return true;
  static const std::set<std::string_view> types{"float16", "float32", "float64", "bfloat16", "uint8",     "int8",
                                                "int16",   "int32",   "int64",   "bool",     "complex64", "complex128"};
  return name.starts_with("torch.") && types.count(name.substr(6)) != 0;
}

}  // namespace

class PickleMachine {
 public:
  PickleMachine(std::string_view bytes, const ByteSource& source, Pickle& pickle)
      : bytes_(bytes), source_(source), pickle_(pickle) {}

  void run() {
    while (!pickle_.root_) step(take<unsigned char>());
  }

 private:
  void step(unsigned char opcode) {
    switch (opcode) {
      case kProto:
        return check_protocol(take<unsigned char>());
      case kStop:
        pickle_.root_ = pop();
        return;
      case kMark:
        marks_.push_back(stack_.size());
        return;
      case kEmptyTuple:
      case kEmptyList:
        return push(PickleList{});
      case kEmptyDict:
        return push(PickleDict{});
      case kNone:
        return push(PickleValue::None{});
      case kNewTrue:
        return push(true);
      case kNewFalse:
        return push(false);
      case kBinInt1:
        return push(int64_t{take<uint8_t>()});
      case kBinInt2:
        return push(int64_t{take<uint16_t>()});
      case kBinInt:
        return push(int64_t{take<int32_t>()});
      case kLong1:
        return push(take_long());
      case kBinFloat:
        return push(take_double());
      case kBinUnicode:
        return push(take_unicode());
      case kGlobal:
        return push_global();
      case kBinPut:
        memo_[take<uint8_t>()] = top();
        return;
      case kLongBinPut:
        memo_[take<uint32_t>()] = top();
        return;
      case kBinGet:
        return recall(take<uint8_t>());
      case kLongBinGet:
        return recall(take<uint32_t>());
      case kTuple:
        return push(pop_to_mark());
      case kTuple1:
        return push(pop_many(1));
      case kTuple2:
        return push(pop_many(2));
      case kTuple3:
        return push(pop_many(3));
      case kAppend:
        return append(pop_many(1));
      case kAppends:
        return append(pop_to_mark());
      case kSetItem:
        return set_items(pop_many(2));
      case kSetItems:
        return set_items(pop_to_mark());
      case kBinPersId:
        return push_storage(expect<PickleList>(pop(), "a tuple"));
      case kReduce:
        return call();
      case kNewObject:
        return make_object();
      case kBuild:
        pop();  // attributes, of a dict: _metadata
        if (!top()->get<PickleValue::Object>()) expect<PickleDict>(top(), "a dict");
        return;
      default:
        fail(format("uses the pickle instruction 0x%02x, which state dicts do not have", opcode));
    }
  }

  [[noreturn]] void fail(const std::string& what) const { source_.fail(what); }
  [[noreturn]] void damaged(const std::string& what) const { fail("has a damaged pickle: " + what); }

  // Input.

  std::string_view take_bytes(size_t count) {
    if (count > bytes_.size()) damaged("it ends too early");
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  template <class Number>
  Number take() {
    Number value;
    std::memcpy(&value, take_bytes(sizeof value).data(), sizeof value);
    return value;
  }

  int64_t take_long() {
    const size_t size = take<uint8_t>();
    if (size > 8) fail("has a whole number above 64 bits in its pickle");
    const std::string_view bytes = take_bytes(size);
    uint64_t value = size != 0 && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;  // two's complement
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return static_cast<int64_t>(value);
  }

  double take_double() {
    uint64_t bits = 0;
    for (const char byte : take_bytes(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  std::string take_unicode() {
    const std::string_view text = take_bytes(take<uint32_t>());
    if (!is_utf8(text)) damaged("a text is not UTF-8");
    return std::string(text);
  }

  std::string take_line() {
    const size_t length = bytes_.substr(0, 256).find('\n');
    if (length == std::string_view::npos) damaged("a name does not end");
    const std::string line(take_bytes(length));
    take_bytes(1);
    return line;
  }

  void check_protocol(int protocol) const {
    if (protocol != 2) fail(format("has pickle protocol %d; torch.save writes 2 unless told otherwise", protocol));
  }

  // The stack.

  template <class T>
  void push(T value) {
    memory_ += sizeof(PickleValue) + memory_of(value);
    if (memory_ > kMaxMemory) fail("has a pickle whose values take more than 512 MiB");
    pickle_.values_.push_back(PickleValue{std::move(value)});
    stack_.push_back(&pickle_.values_.back());
  }

  PickleValue* top() const {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) damaged("an operand is missing");
    return stack_.back();
  }

  PickleValue* pop() {
    PickleValue* value = top();
    stack_.pop_back();
    return value;
  }

  PickleList pop_many(size_t count) {
    PickleList values(count);
    while (count-- > 0) values[count] = pop();
    return values;
  }

  PickleList pop_to_mark() {
    if (marks_.empty()) damaged("a mark is missing");
    PickleList values(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return values;
  }

  void recall(uint32_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) damaged("it recalls what it has not stored");
    stack_.push_back(found->second);
  }

  template <class T>
  T& expect(PickleValue* value, const char* what) const {
    if (auto* found = std::get_if<T>(&value->is)) return *found;
    damaged(std::string("something else stands where ") + what + " belongs");
  }

  template <class T>
  const T& expect(const PickleValue* value, const char* what) const {
    if (const auto* found = value->get<T>()) return *found;
    damaged(std::string("something else stands where ") + what + " belongs");
  }

  // Containers.

  void append(const PickleList& values) {
    PickleList& list = expect<PickleList>(top(), "a list");
    list.insert(list.end(), values.begin(), values.end());
  }

  void set_items(const PickleList& values) {
    if (values.size() % 2 != 0) damaged("a key has no value");
    PickleDict& dict = expect<PickleDict>(top(), "a dict");
    for (size_t i = 0; i < values.size(); i += 2) dict.emplace_back(values[i], values[i + 1]);
  }

  // Names and calls.

  void push_global() {
    const std::string module = take_line(), name = take_line(), full = module + "." + name;
    const bool is_storage = module == "torch" && find_element_type_of_storage(name);
    if (!is_storage && full != "collections.OrderedDict" && full != "torch._utils._rebuild_tensor_v2" &&
        full != "torch._utils._rebuild_parameter" && !is_harmless(full)) {
      if (makes_the_root()) fail_whole_model(source_, full);
      fail("asks for " + quoted_name(full) + ", which is not among the names that a state dict may use");
    }
    push(PickleValue::Global{is_storage ? name : full});
  }

  /// Whether the pickle as a whole is an object of the class that has just been named.
  bool makes_the_root() const {
    std::string_view rest = bytes_;
    const auto skip_memo = [&rest] {
      if (!rest.empty() && rest[0] == kBinPut) rest.remove_prefix(std::min<size_t>(2, rest.size()));
    };
    skip_memo();
    if (!pickle_.values_.empty() || !rest.starts_with(kEmptyTuple)) return false;
    rest.remove_prefix(1);
    skip_memo();
    return rest.starts_with(static_cast<char>(kNewObject));
  }

  void make_object() {
    expect<PickleList>(pop(), "a tuple");
    const std::string& name = expect<PickleValue::Global>(pop(), "a type").name;
    if (!is_harmless(name)) damaged("an object of " + quoted_name(name));
    push(PickleValue::Object{name});
  }

  void push_storage(const PickleList& id) {
    if (id.size() != 5 || expect<std::string>(id[0], "a text") != "storage")
      damaged("an unknown kind of external data");
    PickleValue::Storage storage;
    storage.type = find_element_type_of_storage(expect<PickleValue::Global>(id[1], "a storage type").name);
    if (!storage.type) damaged("a storage has no element type");
    storage.key = expect<std::string>(id[2], "a text");
    const int64_t elements = expect<int64_t>(id[4], "a number");
    if (elements < 0) damaged("a storage has a negative size");
    storage.elements = static_cast<uint64_t>(elements);
    push(std::move(storage));
  }

  void call() {
    const PickleList& arguments = expect<PickleList>(pop(), "a tuple");
    const std::string& name = expect<PickleValue::Global>(pop(), "a function").name;
    if (name == "collections.OrderedDict" && arguments.empty()) return push(PickleDict{});
    if (name == "torch._utils._rebuild_parameter" && arguments.size() == 3)
      return push(expect<TensorDescription>(arguments[0], "a tensor"));
    if (name == "torch._utils._rebuild_tensor_v2" && arguments.size() == 6) return push(describe(arguments));
    if (name == "collections.defaultdict") return push(PickleDict{});
    if (is_harmless(name)) return push(PickleValue::Object{name});
    damaged("a call of " + quoted_name(name) + format(" with %zu arguments", arguments.size()));
  }

  TensorDescription describe(const PickleList& arguments) const {
    const auto& storage = expect<PickleValue::Storage>(arguments[0], "a storage");
    TensorDescription tensor{storage.type,          storage.key,
                             storage.elements,      expect<int64_t>(arguments[1], "a number"),
                             numbers(arguments[2]), numbers(arguments[3])};
    if (tensor.sizes.size() != tensor.strides.size()) damaged("a tensor has more sizes than strides or fewer");
    return tensor;
  }

  std::vector<int64_t> numbers(const PickleValue* tuple) const {
    std::vector<int64_t> result;
    const PickleList& list = expect<PickleList>(tuple, "a tuple");
    if (list.size() > kMaxDimensions) fail("has a tensor with more than 64 dimensions");
    for (const PickleValue* value : list) result.push_back(expect<int64_t>(value, "a number"));
    return result;
  }

  std::string_view bytes_;
  const ByteSource& source_;
  Pickle& pickle_;
  size_t memory_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, PickleValue*> memo_;
};

Pickle::Pickle(std::string_view bytes, const ByteSource& source) { PickleMachine(bytes, source, *this).run(); }

}  // namespace sscvae::serialization
