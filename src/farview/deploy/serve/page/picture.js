// Drawing of what was made elsewhere.

// Bytes (h, w, channels) as squares on a canvas of h x w.
export function drawFrame(canvas, bytes, height, width) {
  const channels = bytes.length / (height * width);
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = bytes[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// A map (h, w) of 0..255 as colours over a picture: nothing where it is 0, strong where it is 255.
export function drawMap(canvas, map) {
  const height = map.length;
  const width = map[0].length;
  const image = new ImageData(width, height);
  map.flat().forEach((value, i) => image.data.set([...heat(value / 255), 190 * (value / 255) ** 2], 4 * i));
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Red to yellow.
function heat(x) {
  return [255, Math.max(0, 330 * x - 90), 0];
}
