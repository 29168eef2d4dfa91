// The sensor in the browser: eLR frames by the same two matrices as everywhere else. Pure functions.

// Pixels (H, W, RGBA) to (h, w, channels) bytes: round(R @ frame @ C.T / unit² + noise), clipped to 0..255.
// `matrices` are the server's: whole numbers, so that sums are exact whatever their order.
export function degrade(rgba, matrices, channels, random = Math.random) {
  const { width, unit, noise, rows, columns } = matrices;
  const light = planes(rgba, channels);
  const stride = width * channels;
  const line = new Int32Array(stride); // at most 255 * 2^16
  const out = new Uint8ClampedArray(rows.length * columns.length * channels); // rounds ties to even, and clips
  let place = 0;
  for (const { start, weights } of rows) {
    line.fill(0);
    weights.forEach((weight, i) => {
      const from = (start + i) * stride;
      for (let x = 0; x < stride; x++) line[x] += weight * light[from + x];
    });
    for (const column of columns) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0; // below 2^40: exact
        let x = column.start * channels + channel;
        for (const weight of column.weights) {
          sum += weight * line[x];
          x += channels;
        }
        const grey = sum / (unit * unit);
        out[place++] = noise ? grey + noise * gaussian(random) : grey;
      }
    }
  }
  return new Uint8Array(out.buffer);
}

// RGBA without its A, or luma as OpenCV rounds it.
function planes(rgba, channels) {
  const count = rgba.length / 4;
  const out = new Uint8Array(count * channels);
  for (let i = 0, from = 0, to = 0; i < count; i++, from += 4) {
    if (channels === 1) {
      out[to++] = (9798 * rgba[from] + 19235 * rgba[from + 1] + 3735 * rgba[from + 2] + 16384) >> 15;
    } else {
      out[to++] = rgba[from];
      out[to++] = rgba[from + 1];
      out[to++] = rgba[from + 2];
    }
  }
  return out;
}

// Box and Muller, 1958.
function gaussian(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

// Which of `length` frames are looked at, K lists of T: the intervals centred in equal segments.
export function intervalIndices({ count, frames, stride }, length) {
  const positions = Math.max(length - (frames - 1) * stride, 1);
  return Array.from({ length: count }, (_, k) => {
    const start = Math.min(Math.floor(((k + 0.5) * positions) / count), positions - 1);
    return Array.from({ length: frames }, (_, t) => Math.min(start + t * stride, length - 1));
  });
}

// The centred window of aspect h:w, [left, top, width, height]; for showing only: the matrices crop by themselves.
export function centredWindow(height, width, h, w) {
  const wide = Math.min(width, (height * w) / h);
  const high = Math.min(height, (width * h) / w);
  return [(width - wide) / 2, (height - high) / 2, wide, high];
}
