#include "sscvae/workshop/operation_profile.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "sscvae/nn/arrays.h"

namespace sscvae::workshop {

namespace {

using Clock = std::chrono::steady_clock;

/// An operation under way.
struct TimedScope : at::ObserverContext {
  bool counted = false, outermost = false;
  std::string layer;
  int64_t macs_before = 0;
  Clock::time_point begin;
};

std::string layer_of_inputs(const ParameterNames& names, c10::ArrayRef<const c10::IValue> inputs) {
  for (const c10::IValue& input : inputs)
    if (input.isTensor())
      if (std::string layer = layer_of(names, input.toTensor()); !layer.empty()) return layer;
  return "";
}

/// The frames that the autograd engine puts around the operations of a backward pass are none themselves.
bool is_operation(const std::string& name) { return !name.starts_with("autograd::"); }

std::string without_namespace(const std::string& name) {
  const size_t colons = name.find("::");
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

}  // namespace

// Record-function callbacks are plain function pointers: they find the profile through a thread-local pointer.
struct OperationProfile::State {
  explicit State(const ParameterNames& parameters) : names(parameters) {}
  ParameterNames names;
  MacCounter counter;  // its callbacks come first: at the end of an operation its multiply-adds are known
  std::map<std::pair<std::string, std::string>, OperationTime> operations;
  int depth = 0;
  at::CallbackHandle handle = 0;

  static State*& running() {
    thread_local State* state = nullptr;
    return state;
  }
  void add(const TimedScope& scope, const std::string& operation);
};

void OperationProfile::State::add(const TimedScope& scope, const std::string& operation) {
  OperationTime& entry = operations[{scope.layer, operation}];
  entry.layer = scope.layer;
  entry.operation = operation;
  ++entry.calls;
  entry.seconds += std::chrono::duration<double>(Clock::now() - scope.begin).count();
  entry.macs += counter.macs() - scope.macs_before;
}

OperationProfile::OperationProfile(const ParameterNames& names) : state_(std::make_unique<State>(names)) {
  const auto start = [](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
    auto scope = std::make_unique<TimedScope>();
    State* state = State::running();
    scope->counted = state && is_operation(function.name());
    scope->outermost = scope->counted && state->depth++ == 0;
    if (!scope->outermost) return scope;
    scope->layer = layer_of_inputs(state->names, function.inputs());
    scope->macs_before = state->counter.macs();
    scope->begin = Clock::now();
    return scope;
  };
  const auto end = [](const at::RecordFunction& function, at::ObserverContext* context) {
    State* state = State::running();
    const auto* scope = static_cast<const TimedScope*>(context);
    if (!state || !scope || !scope->counted) return;
    --state->depth;
    if (scope->outermost) state->add(*scope, without_namespace(function.name()));
  };
  state_->handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(start, end).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  State::running() = state_.get();
}

OperationProfile::~OperationProfile() {
  State::running() = nullptr;
  at::removeCallback(state_->handle);
}

std::vector<OperationTime> OperationProfile::times() const {
  std::vector<OperationTime> times;
  for (const auto& [key, time] : state_->operations) times.push_back(time);
  std::stable_sort(times.begin(), times.end(),
                   [](const OperationTime& a, const OperationTime& b) { return a.seconds > b.seconds; });
  return times;
}

}  // namespace sscvae::workshop
