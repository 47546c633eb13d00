import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { compiled } from '../../../test/support/compiled.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { alive, processesBelow } from '../../../test/support/left-behind.ts';
import { runCommand } from './run-command.ts';

const request = { cwd: '/', env: {}, timeout_ms: 60_000 };

test('a command and its children end with the process that runs it, also when that is killed', async () => {
  const module = await compiled('src/clients/deployers/run-command');
  const asked = JSON.stringify({ ...request, argv: ['/bin/sh', '-c', 'sleep 600 & sleep 601'] });
  const code = `import(${JSON.stringify(module)}).then(({ runCommand }) => runCommand(${asked}))`;
  const runner = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', 'inherit'] });
  const below = () => processesBelow([runner.pid!]);
  await eventually(async () => (await below()).filter(({ name }) => name === 'sleep').length === 2);
  const begun = await below();
  runner.kill('SIGKILL');
  await once(runner, 'exit');
  await eventually(async () => (await alive(begun)).length === 0);
});

test('nobody watches over a command that has ended', async () => {
  const before = (await processesBelow([process.pid])).map(({ pid }) => pid);
  const argv = ['/bin/sh', '-c', 'exit 3'] as const;
  expect(await runCommand({ ...request, argv })).toEqual({ exit_code: 3, output: '' });
  await eventually(async () =>
    (await processesBelow([process.pid])).every(({ pid }) => before.includes(pid)),
  );
});
