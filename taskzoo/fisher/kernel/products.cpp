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

// A tile is so many rows times two or three vectors that its sums and what is multiplied just fit the registers.
#if defined(__AVX512F__)
constexpr int64_t LANES = 16, REGISTERS = 24;  // Of 32.
#elif defined(__aarch64__)
constexpr int64_t LANES = 4, REGISTERS = 24;  // Of 32.
#else
constexpr int64_t LANES = 8, REGISTERS = 12;  // Of 16.
#endif
constexpr int64_t CACHED = 8192;  // Values of columns at a time: 32 KiB, the best of those tried.
typedef float Vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

// Adds to sums [R, W LANES]. g: of the tile's first output; the next lie at a stride. x [samples, positions, W LANES].
template <int R, int W>
void tile(const float* g, int64_t stride, const int64_t* offsets, const float* x, int64_t samples, int64_t positions,
          float* sums) {
  for (int64_t n = 0; n < samples; ++n) {
    Vector sum[R][W] = {};
    for (int64_t t = 0; t < positions; ++t, x += W * LANES) {
      const float* rows = g + *offsets++;
      Vector values[W];
#pragma GCC unroll 4
      for (int w = 0; w < W; ++w) values[w] = *reinterpret_cast<const Vector*>(x + w * LANES);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const float one = rows[r * stride];
#pragma GCC unroll 4
        for (int w = 0; w < W; ++w) sum[r][w] += one * values[w];
        asm volatile("" ::: "memory");  // The compiler would fetch all rows first, and have no registers left for sums.
      }
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int w = 0; w < W; ++w) *reinterpret_cast<Vector*>(sums + (r * W + w) * LANES) += sum[r][w] * sum[r][w];
  }
}

template <int W, int... R>
constexpr auto tiles(std::integer_sequence<int, R...>) {
  return std::array{tile<R + 1, W>...};
}

// Brings what lies at offsets side by side: [count, R].
template <int R>
void gather(const float* from, const int64_t* offsets, int64_t count, float* to) {
  for (int64_t p = 0; p < count; ++p) std::copy_n(from + offsets[p], R, to + p * R);
}

// Returns [L, H, W, I], padded, with some values behind its end that may be read.
at::Tensor with_slack(const at::Tensor& x, at::IntArrayRef padding, int64_t slack) {
  const at::Tensor last = x.permute({0, 2, 3, 1});
  const bool padded = padding[0] || padding[1];
  const int64_t behind = x.storage().nbytes() / sizeof(float) - x.storage_offset();
  if (!padded && last.is_contiguous() && behind >= x.numel() + slack) return last;
  const int64_t height = x.size(2) + 2 * padding[0], width = x.size(3) + 2 * padding[1];
  const int64_t size = x.size(0) * height * width * x.size(1);
  const at::Tensor memory = padded ? at::zeros({size + slack}, x.options()) : at::empty({size + slack}, x.options());
  const at::Tensor ready = memory.narrow(0, 0, size).view({x.size(0), height, width, x.size(1)});
  ready.narrow(1, padding[0], x.size(2)).narrow(2, padding[1], x.size(3)).copy_(last);
  return ready;
}

// Returns how many values lie side by side in x: neighbouring places of the kernel are neighbours there.
int64_t run_of(int64_t ins, at::IntArrayRef kernel, at::IntArrayRef dilation, int64_t groups) {
  return groups == 1 && dilation[1] == 1 ? kernel[1] * ins : ins;
}

// Returns the sums [O, K I / groups], channels last, of the inputs x [L, I, H, W] and the gradients g [L, O, H', W'].
// A tile's lines are brought side by side: at one large stride they would push each other out of the cache.
template <int W>
at::Tensor planes(const at::Tensor& inputs, const at::Tensor& gradients, at::IntArrayRef kernel,
                  at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups,
                  int64_t samples) {
  constexpr int64_t COLUMNS = W * LANES, ROWS = REGISTERS / W;
  constexpr auto TILES = tiles<W>(std::make_integer_sequence<int, ROWS>());
  const int64_t ins = inputs.size(1) / groups, run = run_of(ins, kernel, dilation, groups);
  const at::Tensor x = with_slack(inputs, padding, run % COLUMNS ? COLUMNS : 0);
  const bool one_stride = gradients.stride(2) == gradients.stride(3) * gradients.size(3);
  const at::Tensor g = one_stride ? gradients : gradients.contiguous();
  const int64_t images = x.size(0), height = x.size(1), width = x.size(2), channels = x.size(3);
  const int64_t out_h = g.size(2), out_w = g.size(3), positions = images / samples * out_h * out_w;
  const int64_t outs = g.size(1) / groups, runs = kernel[0] * kernel[1] * ins / run;
  const int64_t blocks = (run + COLUMNS - 1) / COLUMNS;
  const int64_t fit = std::max<int64_t>(1, CACHED / COLUMNS / positions), parts = (samples + fit - 1) / fit;
  const int64_t chunk = (samples + parts - 1) / parts;  // Equal parts.
  // Outputs lie side by side, positions do not, and enough blocks of columns read them.
  const bool scattered = g.stride(1) == 1 && g.stride(3) > 1 && runs * blocks >= 4;
  const int64_t whole = outs - outs % ROWS;
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
  for (int64_t p = 0; p < chunk * positions; ++p) packed[p] = p * ROWS;
  std::vector<float> tiles_of_g(scattered ? chunk * positions * groups * whole : 0);

  for (int64_t first = 0; first < samples; first += chunk) {
    const int64_t taken = std::min(chunk, samples - first), count = taken * positions;
    const int64_t* at_x = x_offsets.data() + first * positions;
    const int64_t* at_g = g_offsets.data() + first * positions;
    if (scattered)
      at::parallel_for(0, groups * whole / ROWS, 1, [&](int64_t from, int64_t until) {
        for (int64_t s = from; s < until; ++s) {
          const float* rows = gs + s * ROWS / whole * outs + s * ROWS % whole;
          float* to = tiles_of_g.data() + s * ROWS * count;
          gather<ROWS>(rows, at_g, count, to);
        }
      });
    at::parallel_for(0, groups * runs * blocks, 1, [&](int64_t from, int64_t until) {
      std::vector<float> columns(count * COLUMNS);
      for (int64_t b = from; b < until; ++b) {
        const int64_t group = b / (runs * blocks), k = b / blocks % runs, begin = b % blocks * COLUMNS;
        const int64_t kh = k * kernel[0] / runs, kw = k % (runs / kernel[0]);
        gather<COLUMNS>(xs + (kh * dilation[0] * width + kw * dilation[1]) * channels + group * ins + begin, at_x,
                        count, columns.data());
        for (int64_t o = 0; o < outs; o += ROWS) {
          float found[ROWS * COLUMNS] = {};
          const int64_t rows = std::min(ROWS, outs - o);
          if (scattered && rows == ROWS)
            TILES[ROWS - 1](tiles_of_g.data() + (group * whole + o) * count, 1, packed.data(), columns.data(), taken,
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

// Returns how many columns lie empty behind a run of inputs.
template <int W>
int64_t empty_columns(int64_t run) {
  return (W * LANES - run % (W * LANES)) % (W * LANES);
}

// As planes, of up to two spatial axes. The wider tile is faster, unless more of it lies empty.
at::Tensor squares(const at::Tensor& x, const at::Tensor& g, at::IntArrayRef kernel, at::IntArrayRef stride,
                   at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups, int64_t samples) {
  if (x.dim() == 3)
    return squares(x.unsqueeze(2), g.unsqueeze(2), {1, kernel[0]}, {1, stride[0]}, {0, padding[0]}, {1, dilation[0]},
                   groups, samples);
  const int64_t run = run_of(x.size(1) / groups, kernel, dilation, groups);
  const bool narrow = empty_columns<3>(run) > empty_columns<2>(run);
  return (narrow ? planes<2> : planes<3>)(x, g, kernel, stride, padding, dilation, groups, samples);
}

}  // namespace

TORCH_LIBRARY(taskzoo, library) {
  library.def(
      "squares(Tensor x, Tensor g, int[] kernel, int[] stride, int[] padding, int[] dilation, int groups, "
      "int samples) -> Tensor");
  library.impl("squares", c10::DispatchKey::CPU, squares);
}
