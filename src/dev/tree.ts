/** `npm run tree -- export|import <directory>`: definitions as files in a working tree, to be kept in Git. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readDevFile } from './dev-file.ts';
import { devEnvironment } from './environment.ts';
import { treeClient, type TreeStack } from './tree-client.ts';
import { exportTree } from './tree-export.ts';
import { importTree } from './tree-import.ts';
import { isRefused, reportText } from './tree-report.ts';

const USAGE = `usage: npm run tree -- export <directory> [--workflow <name>] [--format yaml|json]
       npm run tree -- import <directory> [--workflow <name>] [--message <text>]
       both: [--url <address of the API>] [--token <token>] [--project <id>]
Without --url and --token the running embedded stack is used.`;

const OPTIONS = {
  workflow: { type: 'string' },
  format: { type: 'string', default: 'yaml' },
  message: { type: 'string' },
  url: { type: 'string' },
  token: { type: 'string' },
  project: { type: 'string' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

async function tree(): Promise<void> {
  const { positionals, values } = parsed();
  const [command, directory, ...more] = positionals;
  const { workflow, format, message } = values;
  if (directory === undefined || more.length > 0 || (format !== 'yaml' && format !== 'json'))
    throw new Error(USAGE);
  if (command !== 'export' && command !== 'import') throw new Error(USAGE);
  // npm changes to the directory of the package; this is where the caller is.
  const root = path.resolve(process.env.INIT_CWD ?? '.', directory);
  const client = treeClient(await stackOf(values));
  const entries =
    command === 'export'
      ? await exportTree(client, { root, workflow, format })
      : await importTree(client, { root, workflow, message });
  process.stdout.write(reportText(entries));
  if (isRefused(entries)) process.exitCode = 1;
}

function parsed() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`, { cause: error });
  }
}

async function stackOf({ url, token, project }: Values): Promise<TreeStack> {
  const running = await readDevFile(devEnvironment().data_dir);
  const api_url = (url ?? running?.api_url)?.replace(/\/+$/, '');
  // The token of the embedded stack is nobody else's to see.
  const known = token ?? (url === undefined || url === running?.api_url ? running?.token : undefined);
  if (api_url === undefined || known === undefined)
    throw new Error(`No stack is running here: say --url and --token.\n${USAGE}`);
  return { api_url, token: known, project_id: project };
}

try {
  await tree();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
