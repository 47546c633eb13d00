import { randomUUID } from 'node:crypto';
import type { CodeLanguage, SandboxRequest } from '../../../src/contract/sandbox.ts';
import { openSandbox } from './open.ts';
import { processesWith, within } from './host.ts';
import { runJobs, type JobSpec } from './jobs.ts';
import { runAsNormalUser, startWorker } from './unprivileged.ts';

const { report, run } = await openSandbox();
const strong = report.isolation === 'namespaces';
const go = report.languages.some((one) => one.language === 'go' && one.available);
if (!strong) console.log(`the lifetime tests are skipped: ${report.reason}`);
/** Above what starting, or being ended, takes on a busy machine; what is not ended lives for ever. */
const [START_MS, SURVIVAL_MS] = [60_000, 20_000];

/** Leaves a daemon behind that is named by `mark`, detached in every way there is, and then does `after`. */
function daemon(language: CodeLanguage, mark: string, after: 'end' | 'wait'): SandboxRequest {
  const sources: Record<CodeLanguage, string> = {
    bash: `( setsid nohup bash -c "trap '' TERM HUP; while :; do sleep 1; done; : ${mark}" >/dev/null 2>&1 & )
for i in 1 2 3 4 5 6 7 8 9; do [ ${after} = end ] && break; sleep 1; done; sleep 0.3`,
    python: `import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2): os.close(fd)
        os.execv('/bin/bash', ['bash', '-c', "trap '' TERM HUP; while :; do sleep 1; done; : ${mark}"])
    os._exit(0)
os.wait(); time.sleep(0.3 if '${after}' == 'end' else 60)`,
    javascript: `const { spawn } = require('child_process');
spawn('/bin/bash', ['-c', "trap '' TERM HUP; while :; do sleep 1; done; : ${mark}"], { detached: true, stdio: 'ignore' }).unref();
setTimeout(() => process.exit(0), '${after}' === 'end' ? 300 : 60000);`,
    typescript: `import { spawn } from 'node:child_process';
spawn('/bin/bash', ['-c', "trap '' TERM HUP; while :; do sleep 1; done; : ${mark}"], { detached: true, stdio: 'ignore' }).unref();
setTimeout(() => process.exit(0), ('${after}' as string) === 'end' ? 300 : 60000);`,
    go: `package main
import ("os/exec"; "syscall"; "time")
func main() { c := exec.Command("/bin/bash", "-c", "trap '' TERM HUP; while :; do sleep 1; done; : ${mark}")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}; c.Start()
	if "${after}" == "end" { time.Sleep(300*time.Millisecond) } else { time.Sleep(60*time.Second) } }`,
  };
  return { language, source: sources[language], limits: { wall_ms: 60_000 } };
}

const languages: CodeLanguage[] = [
  'bash',
  'python',
  'javascript',
  'typescript',
  ...(go ? (['go'] as const) : []),
];

(strong ? describe : describe.skip)('what a program leaves behind', () => {
  it.each(languages)('ends with the program (%s)', async (language) => {
    const mark = randomUUID();
    const running = run(daemon(language, mark, 'end'));
    expect(await within(START_MS, () => processesWith(mark).length > 0)).toBe(true);
    expect((await running).cause).toBe('exited');
    expect(await within(SURVIVAL_MS, () => processesWith(mark).length === 0)).toBe(true);
  });

  it.each(languages)('ends when the run is cancelled (%s)', async (language) => {
    const mark = randomUUID();
    const cancel = new AbortController();
    const running = run(daemon(language, mark, 'wait'), { signal: cancel.signal });
    expect(await within(START_MS, () => processesWith(mark).length > 0)).toBe(true);
    cancel.abort();
    expect((await running).cause).toBe('cancelled');
    expect(await within(SURVIVAL_MS, () => processesWith(mark).length === 0)).toBe(true);
  });

  it.each([
    ['SIGKILL', false],
    ['SIGTERM', false],
    ['SIGKILL', true],
  ] as const)('ends when the worker dies of %s (as root: %s)', async (signal, as_root) => {
    const mark = randomUUID();
    const worker = await startWorker([{ request: daemon('python', mark, 'wait') }], { as_root });
    expect(await within(START_MS, () => processesWith(mark).length > 0)).toBe(true);
    worker.kill(signal);
    await new Promise((done) => worker.once('exit', done));
    expect(await within(SURVIVAL_MS, () => processesWith(mark).length === 0)).toBe(true);
  });
});

(strong ? describe : describe.skip)('cancellation', () => {
  it('lets the program tidy up, and takes its outputs', async () => {
    const source = `trap 'echo tidy > out/tidy; echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done`;
    const cancel = new AbortController();
    const onOutput = (): void => cancel.abort();
    const result = await run(
      { language: 'bash', source, limits: { wall_ms: 60_000 } },
      { signal: cancel.signal, onOutput },
    );
    expect(result).toMatchObject({ cause: 'cancelled', exit_code: 3, stdout: 'up\nbye\n' });
    expect(result.artifacts.map((artifact) => artifact.path)).toEqual(['tidy']);
  });

  it('kills a program that does not listen after two seconds', async () => {
    const source = `import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\nwhile True: time.sleep(1)`;
    const cancel = new AbortController();
    let at = 0;
    const onOutput = (): void => {
      at = performance.now();
      cancel.abort();
    };
    const result = await run(
      { language: 'python', source, limits: { wall_ms: 60_000 } },
      { signal: cancel.signal, onOutput },
    );
    const took = performance.now() - at;
    expect(result).toMatchObject({ cause: 'cancelled', signal: 'SIGKILL', exit_code: null });
    expect(took).toBeGreaterThan(1_900);
    expect(took).toBeLessThan(30_000);
  });

  it('says when the worker shuts down', async () => {
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(new Error('WORKER_SHUTDOWN')), 100);
    const result = await run(
      { language: 'bash', source: 'sleep 60', limits: { wall_ms: 60_000 } },
      { signal: cancel.signal },
    );
    expect(result.cause).toBe('worker_shutdown');
  });

  it('is safe at any moment, as root and as a normal user', async () => {
    const mark = randomUUID();
    const jobs = Array.from({ length: 24 }, (_, index): JobSpec => {
      const source = `sleep 60; : ${mark}`;
      const request: SandboxRequest = { language: 'bash', source, args: [mark], limits: { wall_ms: 60_000 } };
      return { request, cancel_after_ms: index * 8 + Math.floor(Math.random() * 8) };
    });
    const answers = [await runJobs({ report, run }, jobs), (await runAsNormalUser(jobs)).results];
    for (const result of answers.flat()) expect(result.cause).toBe('cancelled');
    expect(answers.flat()).toHaveLength(48);
    expect(await within(SURVIVAL_MS, () => processesWith(mark).length === 0)).toBe(true);
  });
});

(strong ? describe : describe.skip)('two runs at the same time', () => {
  it.each(['root', 'a normal user'])('never see each other (%s)', async (who) => {
    const marks = [randomUUID(), randomUUID()];
    const reversed = (text: string): string => [...text].reverse().join('');
    // The other's mark comes in backwards, so that it stands on no command line of one's own.
    const source = `echo "$1" | tee /tmp/mine /work/mine > /dev/shm/mine; sleep 1; other=$(echo "$2" | rev)
cat /tmp/mine /work/mine /dev/shm/mine; ls /tmp /work /dev/shm; case "$(cat /proc/[0-9]*/cmdline | tr '\\0' ' ')" in *"$other"*) echo SEEN;; esac`;
    const jobs = marks.map((mark, index) => {
      const request: SandboxRequest = { language: 'bash', source, args: [mark, reversed(marks[1 - index]!)] };
      return { request };
    });
    const results =
      who === 'root' ? await runJobs({ report, run }, jobs) : (await runAsNormalUser(jobs)).results;
    results.forEach((result, index) => {
      const mark = marks[index]!;
      expect(result.stdout).toBe(
        `${mark}\n`.repeat(3) + '/dev/shm:\nmine\n\n/tmp:\nmine\n\n/work:\nmain.sh\nmine\nout\n',
      );
    });
  });
});
