import type { Readable, Writable } from 'node:stream';
import { GO } from './launcher.ts';

export interface StartGate {
  /** The program runs, or may from now on. */
  isOpen: () => boolean;
  /** Ends the run: at once when the gate is open, otherwise as soon as ending it is sure to work. */
  kill: () => void;
}

/** A launcher that was not heard of for this long is stuck, and killed all the same. */
const STUCK_MS = 1_000;

/**
 * Lets the program start only after the launcher has spoken. Until then --die-with-parent may not be in force for
 * every process of the sandbox, and a kill in that moment would leave an orphan that nobody watches.
 */
export function startGate(status: (Readable & Writable) | null, kill: () => void): StartGate {
  let open = false;
  let wanted = false;
  let stuck: NodeJS.Timeout | undefined;
  let heard = '';

  status?.on('data', (chunk: Buffer) => {
    if (open) return;
    heard += chunk.toString('latin1');
    if (!heard.includes('start\n')) return;
    open = true;
    clearTimeout(stuck);
    if (wanted) kill();
    else status.write(GO);
  });
  status?.once('close', () => clearTimeout(stuck));

  return {
    isOpen: () => open,
    kill: () => {
      if (open) return kill();
      wanted = true;
      stuck ??= setTimeout(kill, STUCK_MS);
    },
  };
}
