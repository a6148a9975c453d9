#include "support/tile_emulation.h"

#if defined(__x86_64__) && defined(__linux__)

#include <signal.h>
#include <ucontext.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace sscvae::testing {

namespace {

/// The state of palette 1: eight tiles of at most 16 rows of 64 bytes.
struct Tile {
  std::array<std::array<uint8_t, 64>, 16> bytes;
  int rows, row_bytes;
};
thread_local std::array<Tile, 8> tiles;

/// In the order of the instruction set's numbers.
constexpr std::array kRegisters{REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/// An instruction with a prefix VEX of three bytes, as far as tiles need it.
struct Instruction {
  int map, prefix, opcode;   // prefix: 0 none, 1 66, 2 F3, 3 F2
  int first, second, third;  // registers: ModRM.reg, ModRM.rm, VEX.vvvv
  bool has_memory;
  uint8_t* address;
  int64_t stride;  // index times scale
  int64_t length;
};

template <typename T>
T read(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

bool decode(const ucontext_t& context, Instruction& i) {
  const auto general = [&](int number) { return context.uc_mcontext.gregs[kRegisters[static_cast<size_t>(number)]]; };
  const auto* code = reinterpret_cast<const uint8_t*>(context.uc_mcontext.gregs[REG_RIP]);
  if (code[0] != 0xc4) return false;
  const int high_reg = ~code[1] >> 7 & 1, high_index = ~code[1] >> 6 & 1, high_base = ~code[1] >> 5 & 1;
  const int mod = code[4] >> 6, rm = code[4] & 7;
  i = {code[1] & 31,
       code[2] & 3,
       code[3],
       (code[4] >> 3 & 7) + 8 * high_reg,
       rm + 8 * high_base,
       ~code[2] >> 3 & 15,
       mod != 3,
       nullptr,
       0,
       5};
  if (!i.has_memory) return true;
  int64_t address = 0;
  bool has_base = true;
  if (rm == 4) {
    const int sib = code[i.length++], index = (sib >> 3 & 7) + 8 * high_index, base = sib & 7;
    if (index != 4) i.stride = general(index) << (sib >> 6);
    has_base = mod != 0 || base != 5;
    if (has_base) address = general(base + 8 * high_base);
  } else {
    has_base = mod != 0 || rm != 5;
    if (has_base) address = general(rm + 8 * high_base);
  }
  if (mod == 1) address += read<int8_t>(code + i.length++);
  if (mod == 2 || !has_base) {
    address += read<int32_t>(code + i.length);
    i.length += 4;
  }
  if (!has_base && rm == 5) address += reinterpret_cast<int64_t>(code) + i.length;  // relative to what follows
  i.address = reinterpret_cast<uint8_t*>(address);
  return true;
}

void configure(const uint8_t* memory) {
  for (size_t t = 0; t < tiles.size(); ++t)
    tiles[t] = {{}, memory[48 + t], static_cast<int>(read<uint16_t>(memory + 16 + 2 * t))};
}

void load(Tile& tile, const uint8_t* from, int64_t stride) {
  tile.bytes = {};
  for (int row = 0; row < tile.rows; ++row)
    std::memcpy(tile.bytes[static_cast<size_t>(row)].data(), from + row * stride, static_cast<size_t>(tile.row_bytes));
}

void store(const Tile& tile, uint8_t* to, int64_t stride) {
  for (int row = 0; row < tile.rows; ++row)
    std::memcpy(to + row * stride, tile.bytes[static_cast<size_t>(row)].data(), static_cast<size_t>(tile.row_bytes));
}

float bfloat16_at(const std::array<uint8_t, 64>& row, int place) {
  return std::bit_cast<float>(uint32_t{read<uint16_t>(row.data() + 2 * place)} << 16);
}

/// TDPBF16PS: the sums of even and of odd places first, each to itself.
void multiply(Tile& sums, const Tile& a, const Tile& b) {
  for (size_t m = 0; m < static_cast<size_t>(sums.rows); ++m)
    for (int n = 0; n < sums.row_bytes / 4; ++n) {
      float even = 0, odd = 0;
      for (int k = 0; k < a.row_bytes / 4; ++k) {
        const auto& pairs = b.bytes[static_cast<size_t>(k)];
        even += bfloat16_at(a.bytes[m], 2 * k) * bfloat16_at(pairs, 2 * n);
        odd += bfloat16_at(a.bytes[m], 2 * k + 1) * bfloat16_at(pairs, 2 * n + 1);
      }
      uint8_t* to = sums.bytes[m].data() + 4 * n;
      const float sum = read<float>(to) + (even + odd);
      std::memcpy(to, &sum, sizeof(sum));
    }
}

/// Does it, if it is an instruction of AMX_TILE or AMX_BF16.
bool execute(const Instruction& i) {
  if (i.map != 2) return false;
  const auto tile = [&](int number) -> Tile& { return tiles[static_cast<size_t>(number & 7)]; };
  if (i.opcode == 0x49 && i.prefix == 0 && i.has_memory) configure(i.address);                         // LDTILECFG
  else if (i.opcode == 0x49 && i.prefix == 0) tiles = {};                                              // TILERELEASE
  else if (i.opcode == 0x49 && i.prefix == 3) tile(i.first).bytes = {};                                // TILEZERO
  else if (i.opcode == 0x4b && i.prefix == 3) load(tile(i.first), i.address, i.stride);                // TILELOADD
  else if (i.opcode == 0x4b && i.prefix == 2) store(tile(i.first), i.address, i.stride);               // TILESTORED
  else if (i.opcode == 0x5c && i.prefix == 2) multiply(tile(i.first), tile(i.second), tile(i.third));  // TDPBF16PS
  else return false;
  return true;
}

void on_unknown_instruction(int, siginfo_t*, void* context) {
  auto& state = *static_cast<ucontext_t*>(context);
  Instruction instruction;
  if (decode(state, instruction) && execute(instruction)) state.uc_mcontext.gregs[REG_RIP] += instruction.length;
  else signal(SIGILL, SIG_DFL);  // not ours: it will end the program as before
}

bool catch_unknown_instructions() {
  struct sigaction action = {};
  action.sa_sigaction = on_unknown_instruction;
  action.sa_flags = SA_SIGINFO;
  return sigaction(SIGILL, &action, nullptr) == 0;
}

}  // namespace

bool emulate_tiles() {
  static const bool possible = catch_unknown_instructions();
  return possible;
}

}  // namespace sscvae::testing
#else
namespace sscvae::testing {
bool emulate_tiles() { return false; }
}  // namespace sscvae::testing
#endif
