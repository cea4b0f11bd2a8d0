// Sums over samples of squared products g[n] @ columns[n]: a tile of one sample's product lives in registers, is
// squared there and added to the tile's total, so that no sample's gradient is ever written to memory. Columns are
// read where they lie in the padded input.

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace {

constexpr int64_t LANES = 16;
constexpr int64_t ROWS = 12;  // At most. With two vectors a row: 24 of the 32 registers of AVX-512.
constexpr int64_t FEW_ROWS = 6;   // Where totals matter as much as products: both stay in registers.
constexpr int64_t FEW = 8;
constexpr int64_t COLUMNS = 2 * LANES;
constexpr int64_t POSITIONS = 128;  // Of a tile at a time: what it reads of the input stays in the first cache.
typedef float Vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

// g: of the tile's first output; outputs that lie side by side spare registers.
template <int R, bool SIDE_BY_SIDE>
void tile(const float* g, int64_t stride, const int64_t* g_offsets, const float* x, const int64_t* x_offsets,
          int64_t samples, int64_t positions, float* sums) {
  const int64_t step = SIDE_BY_SIDE ? 1 : stride;
  Vector total[R][2] = {};
  for (int64_t n = 0; n < samples; ++n) {
    Vector sum[R][2] = {};
    for (int64_t t = 0; t < positions; ++t) {
      const float* rows = g + *g_offsets++;
      const float* columns = x + *x_offsets++;
      const Vector left = *reinterpret_cast<const Vector*>(columns);
      const Vector right = *reinterpret_cast<const Vector*>(columns + LANES);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        sum[r][0] += rows[r * step] * left;
        sum[r][1] += rows[r * step] * right;
      }
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      total[r][0] += sum[r][0] * sum[r][0];
      total[r][1] += sum[r][1] * sum[r][1];
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) {
    *reinterpret_cast<Vector*>(sums + r * COLUMNS) = total[r][0];
    *reinterpret_cast<Vector*>(sums + r * COLUMNS + LANES) = total[r][1];
  }
}

using Tile = decltype(&tile<1, true>);

template <int... R>
constexpr std::array<std::array<Tile, 2>, sizeof...(R)> tiles(std::integer_sequence<int, R...>) {
  return {{{tile<R + 1, false>, tile<R + 1, true>}...}};
}

constexpr auto TILES = tiles(std::make_integer_sequence<int, ROWS>());

// out [O, runs * run] is filled with the sums; x [L, H, W, I] is padded, readable for COLUMNS values behind its end;
// g [L, O, H', W'] has H' W' positions at one stride.
void squares(at::Tensor out, const at::Tensor& x, const at::Tensor& g, at::IntArrayRef kernel, at::IntArrayRef stride,
             at::IntArrayRef dilation, int64_t groups, int64_t samples) {
  const int64_t images = x.size(0), height = x.size(1), width = x.size(2), channels = x.size(3);
  const int64_t out_h = g.size(2), out_w = g.size(3), positions = images / samples * out_h * out_w;
  const int64_t ins = channels / groups, outs = g.size(1) / groups;
  const bool joined = groups == 1 && dilation[1] == 1;  // Neighbouring places of the kernel are neighbours in x.
  const int64_t run = joined ? kernel[1] * ins : ins, runs = joined ? kernel[0] : kernel[0] * kernel[1];
  const int64_t blocks = (run + COLUMNS - 1) / COLUMNS;
  const int64_t step = positions < FEW ? FEW_ROWS : ROWS;
  const int64_t chunk = std::min(samples, std::max<int64_t>(1, POSITIONS / positions));
  const float* xs = x.data_ptr<float>();
  const float* gs = g.data_ptr<float>();
  float* sums = out.data_ptr<float>();

  std::vector<int64_t> x_offsets, g_offsets;
  x_offsets.reserve(samples * positions);
  g_offsets.reserve(samples * positions);
  for (int64_t image = 0; image < images; ++image)
    for (int64_t h = 0; h < out_h; ++h)
      for (int64_t w = 0; w < out_w; ++w) {
        x_offsets.push_back(((image * height + h * stride[0]) * width + w * stride[1]) * channels);
        g_offsets.push_back(image * g.stride(0) + (h * out_w + w) * g.stride(3));
      }

  at::parallel_for(0, groups * runs * blocks, 1, [&](int64_t from, int64_t until) {
    float found[ROWS * COLUMNS];
    for (int64_t first = 0; first < samples; first += chunk)
      for (int64_t b = from; b < until; ++b) {
        const int64_t group = b / (runs * blocks), k = b / blocks % runs, begin = b % blocks * COLUMNS;
        const int64_t kh = joined ? k : k / kernel[1], kw = joined ? 0 : k % kernel[1];
        const float* columns = xs + (kh * dilation[0] * width + kw * dilation[1]) * channels + group * ins + begin;
        for (int64_t o = 0; o < outs; o += step) {
          const int64_t rows = std::min(step, outs - o);
          TILES[rows - 1][g.stride(1) == 1](gs + (group * outs + o) * g.stride(1), g.stride(1), g_offsets.data() + first * positions, columns, x_offsets.data() + first * positions,
                          std::min(chunk, samples - first), positions, found);
          for (int64_t r = 0; r < rows; ++r) {
            float* to = sums + ((group * outs + o + r) * runs + k) * run + begin;
            for (int64_t i = 0; i < std::min(COLUMNS, run - begin); ++i)
              to[i] = (first ? to[i] : 0) + found[r * COLUMNS + i];
          }
        }
      }
  });
}

}  // namespace

TORCH_LIBRARY(taskzoo, library) {
  library.def(
      "squares(Tensor(a!) out, Tensor x, Tensor g, int[] kernel, int[] stride, int[] dilation, int groups, "
      "int samples) -> ()");
  library.impl("squares", c10::DispatchKey::CPU, squares);
}
