// Integer series as `pack_series` of packed_series.py writes them: base64, zlib, byte planes, zigzag, differences.
semflow.unpack = async (series) => {
  const { rows, columns, bytes: width, byRow, data } = series;
  const text = atob(data);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = rows * columns;
  const values = new Int32Array(count);
  for (let place = 0; place < count; place++) {
    let code = 0;
    for (let plane = 0; plane < width; plane++) code |= planes[plane * count + place] << (8 * plane);
    const step = (code >>> 1) ^ -(code & 1);
    const row = byRow ? Math.floor(place / columns) : place % rows;
    const at = byRow ? place : row * columns + Math.floor(place / rows);
    values[at] = step + (row ? values[at - columns] : 0);
  }
  return values;
};
