/** What a hash looks like in a text. */
const NAME = /sha256:[0-9a-f]{64}/g;
const NAME_CHARS = 'sha256:'.length + 64;

/** The hashes that a text names, each once, in order. */
export function namesIn(text: string): string[] {
  return [...new Set(text.match(NAME))].sort();
}

/** The same for bytes that come in pieces, whatever they are; a name may lie across pieces. */
export async function namesInPieces(pieces: AsyncIterable<Buffer>): Promise<string[]> {
  const names = new Set<string>();
  let tail = '';
  for await (const piece of pieces) {
    // A byte to a character: no byte can spoil its neighbours.
    const text = tail + piece.toString('latin1');
    for (const name of namesIn(text)) names.add(name);
    tail = text.slice(1 - NAME_CHARS);
  }
  return [...names].sort();
}
