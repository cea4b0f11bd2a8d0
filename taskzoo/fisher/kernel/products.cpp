// Sums over samples of squared products g[n] @ columns[n]: a tile of one sample's product lives in registers, is
// squared there and added to the tile's total, so that no sample's gradient is ever written to memory.

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace {

// A tile is ROWS times two vectors: so many registers hold its sums that the rest just suffice for what is multiplied.
#if defined(__AVX512F__)
constexpr int64_t LANES = 16, ROWS = 12;  // 24 of 32.
#elif defined(__aarch64__)
constexpr int64_t LANES = 4, ROWS = 12;  // 24 of 32.
#else
constexpr int64_t LANES = 8, ROWS = 6;  // 12 of 16.
#endif
constexpr int64_t FEW_ROWS = ROWS / 2;  // Where totals matter as much as products: both stay in registers.
constexpr int64_t FEW = 8;
constexpr int64_t COLUMNS = 2 * LANES;
constexpr int64_t POSITIONS = 4096 / COLUMNS;  // At a time: 16 KiB of columns, which stay in the first cache.
typedef float Vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

// g: of the tile's first output; the next lie at a stride. x [samples, positions, COLUMNS].
template <int R>
void tile(const float* g, int64_t stride, const int64_t* offsets, const float* x, int64_t samples, int64_t positions,
          float* sums) {
  Vector total[R][2] = {};
  for (int64_t n = 0; n < samples; ++n) {
    Vector sum[R][2] = {};
    for (int64_t t = 0; t < positions; ++t, x += COLUMNS) {
      const float* rows = g + *offsets++;
      const Vector left = *reinterpret_cast<const Vector*>(x);
      const Vector right = *reinterpret_cast<const Vector*>(x + LANES);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        sum[r][0] += rows[r * stride] * left;
        sum[r][1] += rows[r * stride] * right;
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

using Tile = decltype(&tile<1>);

template <int... R>
constexpr std::array<Tile, sizeof...(R)> tiles(std::integer_sequence<int, R...>) {
  return {tile<R + 1>...};
}

constexpr auto TILES = tiles(std::make_integer_sequence<int, ROWS>());

// Brings what lies at offsets side by side: [count, R].
template <int R>
void gather(const float* from, const int64_t* offsets, int64_t count, float* to) {
  for (int64_t p = 0; p < count; ++p) std::copy_n(from + offsets[p], R, to + p * R);
}

// Returns [L, H, W, I], padded, with COLUMNS values behind its end that may be read.
at::Tensor with_slack(const at::Tensor& x, at::IntArrayRef padding, bool whole) {
  const at::Tensor last = x.permute({0, 2, 3, 1});
  const bool padded = padding[0] || padding[1];
  const int64_t behind = x.storage().nbytes() / sizeof(float) - x.storage_offset();
  if (!padded && last.is_contiguous() && (whole || behind >= x.numel() + COLUMNS)) return last;
  const int64_t height = x.size(2) + 2 * padding[0], width = x.size(3) + 2 * padding[1];
  const int64_t size = x.size(0) * height * width * x.size(1);
  const at::Tensor memory = padded ? at::zeros({size + COLUMNS}, x.options()) : at::empty({size + COLUMNS}, x.options());
  const at::Tensor ready = memory.narrow(0, 0, size).view({x.size(0), height, width, x.size(1)});
  ready.narrow(1, padding[0], x.size(2)).narrow(2, padding[1], x.size(3)).copy_(last);
  return ready;
}

// Returns the sums [O, K I / groups], channels last, of the inputs x [L, I, H, W] and the gradients g [L, O, H', W'].
// A tile's lines are brought side by side: at one large stride they would push each other out of the cache.
at::Tensor planes(const at::Tensor& inputs, const at::Tensor& gradients, at::IntArrayRef kernel,
                  at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups,
                  int64_t samples) {
  const at::Tensor x = with_slack(inputs, padding, inputs.size(1) / groups % COLUMNS == 0);
  const bool one_stride = gradients.stride(2) == gradients.stride(3) * gradients.size(3);
  const at::Tensor g = one_stride ? gradients : gradients.contiguous();
  const int64_t images = x.size(0), height = x.size(1), width = x.size(2), channels = x.size(3);
  const int64_t out_h = g.size(2), out_w = g.size(3), positions = images / samples * out_h * out_w;
  const int64_t ins = channels / groups, outs = g.size(1) / groups;
  const bool joined = groups == 1 && dilation[1] == 1;  // Neighbouring places of the kernel are neighbours in x.
  const int64_t run = joined ? kernel[1] * ins : ins, runs = joined ? kernel[0] : kernel[0] * kernel[1];
  const int64_t blocks = (run + COLUMNS - 1) / COLUMNS;
  const int64_t step = positions < FEW ? FEW_ROWS : ROWS;
  const int64_t chunk = std::min(samples, std::max<int64_t>(1, POSITIONS / positions));
  // Outputs lie side by side, positions do not, and enough blocks of columns read them.
  const bool scattered = g.stride(1) == 1 && g.stride(3) > 1 && runs * blocks >= 4;
  const int64_t whole = outs - outs % step;
  const float* xs = x.data_ptr<float>();
  const float* gs = g.data_ptr<float>();
  const at::Tensor out = at::zeros({g.size(1), runs * run}, x.options());
  float* sums = out.data_ptr<float>();

  std::vector<int64_t> x_offsets, g_offsets, packed(chunk * positions);
  x_offsets.reserve(samples * positions);
  g_offsets.reserve(samples * positions);
  for (int64_t image = 0; image < images; ++image)
    for (int64_t h = 0; h < out_h; ++h)
      for (int64_t w = 0; w < out_w; ++w) {
        x_offsets.push_back(((image * height + h * stride[0]) * width + w * stride[1]) * channels);
        g_offsets.push_back(image * g.stride(0) + (h * out_w + w) * g.stride(3));
      }
  for (int64_t p = 0; p < chunk * positions; ++p) packed[p] = p * step;
  std::vector<float> tiles_of_g(scattered ? chunk * positions * groups * whole : 0);

  for (int64_t first = 0; first < samples; first += chunk) {
    const int64_t taken = std::min(chunk, samples - first), count = taken * positions;
    const int64_t* at_x = x_offsets.data() + first * positions;
    const int64_t* at_g = g_offsets.data() + first * positions;
    if (scattered)
      at::parallel_for(0, groups * whole / step, 1, [&](int64_t from, int64_t until) {
        for (int64_t s = from; s < until; ++s) {
          const float* rows = gs + s * step / whole * outs + s * step % whole;
          float* to = tiles_of_g.data() + s * step * count;
          step == ROWS ? gather<ROWS>(rows, at_g, count, to) : gather<FEW_ROWS>(rows, at_g, count, to);
        }
      });
    at::parallel_for(0, groups * runs * blocks, 1, [&](int64_t from, int64_t until) {
      std::vector<float> columns(count * COLUMNS);
      float found[ROWS * COLUMNS];
      for (int64_t b = from; b < until; ++b) {
        const int64_t group = b / (runs * blocks), k = b / blocks % runs, begin = b % blocks * COLUMNS;
        const int64_t kh = joined ? k : k / kernel[1], kw = joined ? 0 : k % kernel[1];
        gather<COLUMNS>(xs + (kh * dilation[0] * width + kw * dilation[1]) * channels + group * ins + begin, at_x,
                        count, columns.data());
        for (int64_t o = 0; o < outs; o += step) {
          const int64_t rows = std::min(step, outs - o);
          if (scattered && rows == step)
            TILES[step - 1](tiles_of_g.data() + (group * whole + o) * count, 1, packed.data(), columns.data(), taken,
                            positions, found);
          else
            TILES[rows - 1](gs + (group * outs + o) * g.stride(1), g.stride(1), at_g, columns.data(), taken, positions,
                            found);
          float* to = sums + ((group * outs + o) * runs + k) * run + begin;
          for (int64_t r = 0; r < rows; ++r, to += runs * run) {
            if (begin + COLUMNS <= run)
              for (int64_t i = 0; i < COLUMNS; ++i) to[i] += found[r * COLUMNS + i];
            else
              for (int64_t i = 0; i < run - begin; ++i) to[i] += found[r * COLUMNS + i];
          }
        }
      }
    });
  }
  return out;
}

// As planes, of up to two spatial axes.
at::Tensor squares(const at::Tensor& x, const at::Tensor& g, at::IntArrayRef kernel, at::IntArrayRef stride,
                   at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups, int64_t samples) {
  if (x.dim() == 4) return planes(x, g, kernel, stride, padding, dilation, groups, samples);
  return planes(x.unsqueeze(2), g.unsqueeze(2), {1, kernel[0]}, {1, stride[0]}, {0, padding[0]}, {1, dilation[0]},
                groups, samples);
}

}  // namespace

TORCH_LIBRARY(taskzoo, library) {
  library.def(
      "squares(Tensor x, Tensor g, int[] kernel, int[] stride, int[] padding, int[] dilation, int groups, "
      "int samples) -> Tensor");
  library.impl("squares", c10::DispatchKey::CPU, squares);
}
