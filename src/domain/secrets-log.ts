import type { NodeContext } from './nodes/node.ts';
import type { MaskedStream, Masker } from './rules/masking.ts';

/** The sandbox says with this that a program wrote faster than it can be shown (`output-pacer`). */
const LOSS = /^\[\.\.\. \d{1,15} bytes not shown \.\.\.\]\n/;

interface MaskedLog {
  write: NodeContext['log'];
  /** Writes what was held back because it might have been the beginning of a secret. */
  end(): Promise<void>;
}

/** Output of a program that comes in pieces, each stream for itself, without the secrets in it. */
export function maskedLog(masker: Masker, log: NodeContext['log']): MaskedLog {
  const streams = new Map<string, MaskedStream>();

  const show = async (stream: string, text: string): Promise<void> => {
    if (text !== '') await log(stream, text);
  };

  function streamOf(name: string): MaskedStream {
    const known = streams.get(name) ?? masker.stream();
    streams.set(name, known);
    return known;
  }

  return {
    async write(name, text) {
      const [mark] = LOSS.exec(text) ?? [];
      if (mark === undefined) return show(name, streamOf(name).push(text));
      const rest = streams.get(name)?.end(true) ?? '';
      streams.delete(name);
      const after = masker.afterLoss(text.slice(mark.length));
      await show(name, rest + mark + after.shown + streamOf(name).push(after.rest));
    },
    async end() {
      for (const [name, stream] of streams) await show(name, stream.end(true));
    },
  };
}
