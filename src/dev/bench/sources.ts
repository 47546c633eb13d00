import { pack } from 'tar-stream';

const FUNCTIONS_PER_FILE = 12;
const FILES_PER_FOLDER = 40;

/** A tar of `count` TypeScript modules of about 100 lines, the same for the same `seed`, each file unlike those of other seeds. */
export async function sourcesTar(count: number, seed: number): Promise<Buffer> {
  const tar = pack();
  for (let n = 0; n < count; n += 1) tar.entry({ name: pathOf(n) }, moduleText(n, seed));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const pathOf = (n: number): string => `src/part${Math.floor(n / FILES_PER_FOLDER)}/module${n}.ts`;

function moduleText(n: number, seed: number): string {
  const before = n % FILES_PER_FOLDER === 0 ? [] : [`import { total0 } from './module${n - 1}.js';`, ''];
  const functions = Array.from({ length: FUNCTIONS_PER_FILE }, (_, i) =>
    functionText(i, n * FUNCTIONS_PER_FILE + i + seed),
  );
  const used = before.length > 0 ? 'total0([], 1)' : '0';
  const last = ['/** What comes before is a part of it. */', `export const start${n} = ${used};`, ''];
  return [...before, ...functions, ...last].join('\n');
}

function functionText(i: number, variant: number): string {
  return `/** The sum of what is above a limit (${variant}). */
export function total${i}(items: readonly { price: number; count: number }[], limit: number): number {
  let sum = ${variant % 97};
  for (const item of items) {
    if (item.count === 0) continue;
    sum += item.price > limit ? item.price * item.count : ${variant % 13};
  }
  return sum;
}
`;
}
