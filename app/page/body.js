// The body of a reply in the order in which it comes, so that its beginning is of use before its end is there.
export function bodyOf(response) {
  const reader = response.body.getReader();
  let [chunk, place] = [new Uint8Array(0), 0];

  async function fill(target) {
    // As many bytes as there is room for, or as many as there are.
    let filled = 0;
    while (filled < target.length) {
      if (place === chunk.length) {
        const { done, value } = await reader.read();
        if (done) break;
        [chunk, place] = [value, 0];
      }
      const part = chunk.subarray(place, place + target.length - filled);
      target.set(part, filled);
      place += part.length;
      filled += part.length;
    }
    return filled;
  }

  return {
    async take(length) {
      const bytes = new Uint8Array(length);
      if ((await fill(bytes)) < length) throw new Error("the reply is cut off");
      return bytes;
    },
    async rest() {
      const parts = [];
      for (;;) {
        const part = new Uint8Array(2 ** 16);
        const length = await fill(part);
        parts.push(part.subarray(0, length));
        if (length < part.length) return new Blob(parts);
      }
    },
  };
}
