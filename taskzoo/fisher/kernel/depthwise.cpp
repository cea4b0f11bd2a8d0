// Gradients of a depthwise convolution's weight, one an image: 16 channels at a time, side by side in a vector.

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <torch/library.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace {

constexpr int64_t LANES = 16;
typedef float Vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

struct Shape {
  int64_t height, width, out_h, out_w, stride_h, stride_w, dilation_h, dilation_w, padding_h, padding_w;
};

// Brings up to 16 planes of [H, W] side by side: [H + 2 pad, W + 2 pad, 16], the rest zero.
void gather(const float* from, int64_t planes, int64_t height, int64_t width, int64_t pad_h, int64_t pad_w,
            float* to) {
  const int64_t wide = width + 2 * pad_w;
  std::memset(to, 0, (height + 2 * pad_h) * wide * LANES * sizeof(float));
  for (int64_t h = 0; h < height; ++h)
    for (int64_t c = 0; c < planes; ++c) {
      const float* row = from + (c * height + h) * width;
      float* at = to + ((h + pad_h) * wide + pad_w) * LANES + c;
      for (int64_t w = 0; w < width; ++w) at[w * LANES] = row[w];
    }
}

// Sums g times x over positions for ROWS rows of the kernel, beginning at row kh.
template <int ROWS, int KERNEL>
void correlate(const Shape& s, const Vector* x, const Vector* g, int64_t kh, Vector* found) {
  const int64_t wide = s.width + 2 * s.padding_w;
  Vector sums[ROWS][KERNEL] = {};
  for (int64_t h = 0; h < s.out_h; ++h) {
    const Vector* rows = x + (h * s.stride_h + kh * s.dilation_h) * wide;
    for (int64_t w = 0; w < s.out_w; ++w) {
      const Vector one = *g++;
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
        for (int k = 0; k < KERNEL; ++k)
          sums[r][k] += one * rows[r * s.dilation_h * wide + w * s.stride_w + k * s.dilation_w];
    }
  }
  for (int r = 0; r < ROWS; ++r)
    for (int k = 0; k < KERNEL; ++k) found[(kh + r) * KERNEL + k] = sums[r][k];
}

template <int KERNEL>
void image(const Shape& s, const Vector* x, const Vector* g, Vector* found) {
  constexpr int ROWS = KERNEL == 3 ? 3 : 2;  // So many rows' sums stay in registers.
  int kh = 0;
  for (; kh + ROWS <= KERNEL; kh += ROWS) correlate<ROWS, KERNEL>(s, x, g, kh, found);
  for (; kh < KERNEL; ++kh) correlate<1, KERNEL>(s, x, g, kh, found);
}

// out [L, C, K, K]; x [L, C, H, W] and g [L, C, H', W'], contiguous; K is 3, 5 or 7.
void depthwise(at::Tensor out, const at::Tensor& x, const at::Tensor& g, at::IntArrayRef stride,
               at::IntArrayRef padding, at::IntArrayRef dilation) {
  const int64_t images = x.size(0), channels = x.size(1), kernel = out.size(2);
  const Shape s{x.size(2),   x.size(3),   g.size(2),  g.size(3),  stride[0],
                stride[1], dilation[0], dilation[1], padding[0], padding[1]};
  const int64_t blocks = (channels + LANES - 1) / LANES, plane = s.height * s.width, out_plane = s.out_h * s.out_w;
  const float* xs = x.data_ptr<float>();
  const float* gs = g.data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, images * blocks, 1, [&](int64_t from, int64_t until) {
    std::vector<float> wide((s.height + 2 * s.padding_h) * (s.width + 2 * s.padding_w) * LANES);
    std::vector<float> narrow(out_plane * LANES);
    Vector found[7 * 7];
    for (int64_t b = from; b < until; ++b) {
      const int64_t first = b / blocks * channels + b % blocks * LANES;
      const int64_t planes = std::min(LANES, channels - b % blocks * LANES);
      gather(xs + first * plane, planes, s.height, s.width, s.padding_h, s.padding_w, wide.data());
      gather(gs + first * out_plane, planes, s.out_h, s.out_w, 0, 0, narrow.data());
      const Vector* left = reinterpret_cast<const Vector*>(wide.data());
      const Vector* right = reinterpret_cast<const Vector*>(narrow.data());
      if (kernel == 3) image<3>(s, left, right, found);
      if (kernel == 5) image<5>(s, left, right, found);
      if (kernel == 7) image<7>(s, left, right, found);
      for (int64_t c = 0; c < planes; ++c)
        for (int64_t k = 0; k < kernel * kernel; ++k) to[(first + c) * kernel * kernel + k] = found[k][c];
    }
  });
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(taskzoo, library) {
  library.def("depthwise(Tensor(a!) out, Tensor x, Tensor g, int[] stride, int[] padding, int[] dilation) -> ()");
  library.impl("depthwise", c10::DispatchKey::CPU, depthwise);
}
