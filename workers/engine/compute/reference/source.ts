/**
 * Colour sources that can be sampled bilinearly: a full-size RGBA8 image or a planar f32 one.
 * Places are (u, v) in 0..1, colours 0..1; taps outside are clamped to the edge.
 */

export interface Source {
  readonly width: number;
  readonly height: number;
  /** Writes r, g, b at (u, v) to out[0..2]. */
  sample(u: number, v: number, out: Float64Array): void;
  /** Writes pixel (x, y)'s r, g, b to out[0..2]. */
  pixel(x: number, y: number, out: Float64Array): void;
  /** Samples one channel at `count` places, from `start` on and `step` apart, into out[0..count − 1]. */
  line(channel: number, start: Place, step: Place, count: number, out: Float32Array): void;
}

export type Place = readonly [number, number];

export function clampIndex(index: number, length: number): number {
  return index < 0 ? 0 : index >= length ? length - 1 : index;
}

/** Two neighbouring samples on one axis: `low·(1 − rest) + high·rest`. */
export interface Span {
  low: number;
  high: number;
  rest: number;
}

/** The bilinear taps at `place` (0..1) on an axis of `length` samples, into `out`. */
export function spanAt(place: number, length: number, out: Span): Span {
  const position = place * length - 0.5;
  const floor = Math.floor(position);
  out.low = clampIndex(floor, length);
  out.high = clampIndex(floor + 1, length);
  out.rest = position - floor;
  return out;
}

export function planarSource(planes: Float32Array, width: number, height: number): Source {
  const plane = width * height;
  const across: Span = { low: 0, high: 0, rest: 0 };
  const down: Span = { low: 0, high: 0, rest: 0 };
  return {
    width,
    height,
    sample(u, v, out) {
      spanAt(u, width, across);
      spanAt(v, height, down);
      for (let c = 0; c < 3; c++) {
        const top = c * plane + down.low * width;
        const bottom = c * plane + down.high * width;
        const above = planes[top + across.low] * (1 - across.rest) + planes[top + across.high] * across.rest;
        const below =
          planes[bottom + across.low] * (1 - across.rest) + planes[bottom + across.high] * across.rest;
        out[c] = above * (1 - down.rest) + below * down.rest;
      }
    },
    pixel(x, y, out) {
      const i = y * width + x;
      out[0] = planes[i];
      out[1] = planes[plane + i];
      out[2] = planes[2 * plane + i];
    },
    line(channel, start, step, count, out) {
      sampleLine(
        planes.subarray(channel * plane, (channel + 1) * plane),
        1,
        width,
        height,
        1,
        start,
        step,
        count,
        out,
      );
    },
  };
}

/** Planes `[3, S, S]` sampled bilinearly at the pixels of a square, which is `span` of the picture: `[3, side, side]`. */
export function sampledIn(
  planes: Float32Array,
  size: number,
  side: number,
  span: { readonly left: number; readonly top: number; readonly width: number; readonly height: number },
): Float32Array {
  const source = planarSource(planes, size, size);
  const out = new Float32Array(3 * side * side);
  for (let row = 0; row < 3 * side; row++) {
    const start = [
      span.left + (0.5 * span.width) / side,
      span.top + (span.height * ((row % side) + 0.5)) / side,
    ] as const;
    const line = out.subarray(row * side, (row + 1) * side);
    source.line(Math.floor(row / side), start, [span.width / side, 0], side, line);
  }
  return out;
}

/** A source of `width × height` pixels of which nothing is known but how it is sampled. */
export function sampledSource(width: number, height: number, sample: Source['sample']): Source {
  const colour = new Float64Array(3);
  return {
    width,
    height,
    sample,
    pixel: (x, y, out) => sample((x + 0.5) / width, (y + 0.5) / height, out),
    line(channel, start, step, count, out) {
      for (let i = 0; i < count; i++) {
        sample(start[0] + i * step[0], start[1] + i * step[1], colour);
        out[i] = colour[channel];
      }
    },
  };
}

/** r, g, b of row y of RGBA8 pixels, a plane each. */
export function rgbaRow(
  bytes: Uint8ClampedArray,
  width: number,
  y: number,
  out: readonly [Float32Array, Float32Array, Float32Array],
): void {
  const [r, g, b] = out;
  for (let x = 0, i = y * width * 4; x < width; x++, i += 4) {
    r[x] = bytes[i] / 255;
    g[x] = bytes[i + 1] / 255;
    b[x] = bytes[i + 2] / 255;
  }
}

/** Own colour of an RGBA8 image; its alpha is not looked at. */
export function rgbaSource(bytes: Uint8ClampedArray, width: number, height: number): Source {
  const across: Span = { low: 0, high: 0, rest: 0 };
  const down: Span = { low: 0, high: 0, rest: 0 };
  return {
    width,
    height,
    sample(u, v, out) {
      spanAt(u, width, across);
      spanAt(v, height, down);
      const a = (down.low * width + across.low) * 4;
      const b = (down.low * width + across.high) * 4;
      const c = (down.high * width + across.low) * 4;
      const d = (down.high * width + across.high) * 4;
      const wb = across.rest * (1 - down.rest);
      const wc = (1 - across.rest) * down.rest;
      const wd = across.rest * down.rest;
      const wa = 1 - wb - wc - wd;
      for (let k = 0; k < 3; k++) {
        out[k] = (bytes[a + k] * wa + bytes[b + k] * wb + bytes[c + k] * wc + bytes[d + k] * wd) / 255;
      }
    },
    pixel(x, y, out) {
      const i = (y * width + x) * 4;
      out[0] = bytes[i] / 255;
      out[1] = bytes[i + 1] / 255;
      out[2] = bytes[i + 2] / 255;
    },
    line(channel, start, step, count, out) {
      sampleLine(bytes.subarray(channel), 4, width, height, 1 / 255, start, step, count, out);
    },
  };
}

/** One channel along a line, without a call per pixel: copies at full size are made of these. */
function sampleLine(
  values: Float32Array | Uint8ClampedArray,
  stride: number,
  width: number,
  height: number,
  scale: number,
  start: Place,
  step: Place,
  count: number,
  out: Float32Array,
): void {
  for (let i = 0; i < count; i++) {
    const x = (start[0] + i * step[0]) * width - 0.5;
    const y = (start[1] + i * step[1]) * height - 0.5;
    const left = Math.floor(x);
    const top = Math.floor(y);
    const x0 = clampIndex(left, width) * stride;
    const x1 = clampIndex(left + 1, width) * stride;
    const y0 = clampIndex(top, height) * width * stride;
    const y1 = clampIndex(top + 1, height) * width * stride;
    const above = values[y0 + x0] + (values[y0 + x1] - values[y0 + x0]) * (x - left);
    const below = values[y1 + x0] + (values[y1 + x1] - values[y1 + x0]) * (x - left);
    out[i] = (above + (below - above) * (y - top)) * scale;
  }
}
