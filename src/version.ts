import { readFileSync } from 'node:fs';

/** The product's version, from its package.json, wherever the code runs from (sources or `dist/`). */
export const VERSION: string = readVersion();

function readVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // dist/src is one level deeper than src.
    }
  }
  return '0.0.0';
}
