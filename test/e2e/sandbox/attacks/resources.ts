import type { CodeLanguage, SandboxLimits, SandboxResult } from '../../../../src/contract/sandbox.ts';
import { unless, type Attack } from './attack.ts';

type Sources = Partial<Record<CodeLanguage, string>>;

const FORK_BOMB: Sources = {
  javascript: `const { spawn } = require('child_process'); let n = 0;
const go = () => { for (let i = 0; i < 20; i++) { const c = spawn(process.execPath, [__filename]); c.on('error', () => {}); } setTimeout(go, 5); }; go();`,
  python: `import os, time
while True:
    try: os.fork()
    except OSError: time.sleep(0.01)`,
  bash: `bomb() { bomb | bomb & }; bomb; while :; do sleep 0.2; done`,
  go: `package main
import ("os"; "os/exec"; "time")
func main() { for { for i := 0; i < 20; i++ { exec.Command(os.Args[0]).Start() }; time.Sleep(time.Millisecond) } }`,
};

const ONE_GIB: Sources = {
  javascript: `const b = Buffer.alloc(2 ** 30, 1); setTimeout(() => console.log('GOT', b.length), 300);`,
  python: `b = bytearray(2 ** 30)\nfor i in range(0, len(b), 4096): b[i] = 1\nprint('GOT')`,
  bash: `x=$(head -c 1073741824 /dev/zero | tr '\\0' a); echo GOT`,
  go: `package main
import "fmt"
func main() { b := make([]byte, 1<<30); for i := range b { b[i] = 1 }; fmt.Println("GOT", len(b)) }`,
};

const EIGHT_TIMES_128_MIB: Sources = {
  javascript: `const cp = require('child_process');
if (process.argv[2]) { const b = Buffer.alloc(128 * 2 ** 20, 1); setTimeout(() => console.log('GOT', b.length), 3000); }
else for (let i = 0; i < 8; i++) cp.spawn(process.execPath, [__filename, 'child'], { stdio: 'inherit' });`,
  python: `import os, time
for i in range(8):
    if os.fork() == 0:
        b = bytearray(128 * 2 ** 20)
        for i in range(0, len(b), 4096): b[i] = 1
        time.sleep(3); print('GOT'); os._exit(0)
for i in range(8): os.wait()`,
  bash: `for i in 1 2 3 4 5 6 7 8; do ( x=$(head -c 100000000 /dev/zero | tr '\\0' a); sleep 3; echo GOT ) & done; wait`,
  go: `package main
import ("fmt"; "os"; "os/exec"; "time")
func main() {
	if len(os.Args) > 1 { b := make([]byte, 128<<20); for i := range b { b[i] = 1 }; time.Sleep(3*time.Second); fmt.Println("GOT", len(b)); return }
	for i := 0; i < 8; i++ { c := exec.Command(os.Args[0], "child"); c.Stdout = os.Stdout; c.Start() }
	time.Sleep(5*time.Second)
}`,
};

const ENDLESS: Sources = {
  javascript: `process.on('SIGTERM', () => {}); console.log('up'); for (;;);`,
  python: `import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\nwhile True: pass`,
  bash: `trap '' TERM INT; echo up; while :; do :; done`,
  go: `package main
import ("fmt"; "os/signal"; "syscall")
func main() { signal.Ignore(syscall.SIGTERM); fmt.Println("up"); for {} }`,
};

const HUNDRED_MB_OUT: Sources = {
  javascript: `const s = 'x'.repeat(1e6); const fs = require('fs'); for (let i = 0; i < 100; i++) { let d = 0; while (d < s.length) { try { d += fs.writeSync(1, s.slice(d)); } catch (e) { if (e.code !== 'EAGAIN') throw e; } } } fs.writeSync(2, 'ALL');`,
  python: `import sys\nfor i in range(100): sys.stdout.write('x' * 1000000)\nsys.stderr.write('ALL')`,
  bash: `head -c 100000000 /dev/zero | tr '\\0' x; echo ALL >&2`,
  go: `package main
import ("os"; "bytes")
func main() { b := bytes.Repeat([]byte("x"), 1000000); for i := 0; i < 100; i++ { os.Stdout.Write(b) }; os.Stderr.WriteString("ALL") }`,
};

/** Goes to every directory that can be written to, wherever it is. */
const ONE_GB_TO_DISK: Sources = {
  python: `import os
total = 0
for top in ['/work', '/tmp', '/dev/shm', '/', '/run', '/dev', '/usr']:
    for i in range(128):
        try:
            with open(top + '/f%d' % i, 'wb') as f: total += f.write(b'x' * 8000000)
        except OSError: break
print('TOTAL', total)`,
  javascript: `const fs = require('fs'); let total = 0;
for (const top of ['/work', '/tmp', '/dev/shm', '/', '/run', '/dev']) for (let i = 0; i < 128; i++) {
  try { fs.writeFileSync(top + '/f' + i, Buffer.alloc(8000000, 1)); total += 8000000; } catch { break; } }
console.log('TOTAL', total);`,
  bash: `head -c 1000000000 /dev/zero > /tmp/one; for d in /work /tmp /dev/shm / /run /dev; do for i in $(seq 125); do head -c 8000000 /dev/zero > $d/f$i || break; done; done 2>/dev/null
echo "TOTAL $(cat /work/f* /tmp/f* /dev/shm/f* /f* /run/f* 2>/dev/null | wc -c)"`,
  go: `package main
import ("fmt"; "os")
func main() { total := 0; b := make([]byte, 8000000)
	for _, top := range []string{"/work", "/tmp", "/dev/shm", "/", "/run", "/dev"} { for i := 0; i < 125; i++ {
		if os.WriteFile(fmt.Sprint(top, "/f", i), b, 0o600) != nil { break }; total += len(b) } }
	fmt.Println("TOTAL", total) }`,
};

const MANY_EMPTY_FILES: Sources = {
  python: `import os\nfor i in range(10000000): open('/tmp/%d' % i, 'w').close()\nprint('GOT')`,
};

const MIB = 2 ** 20;
const got = (result: SandboxResult): boolean => result.stdout.includes('GOT');

/** Attempts to take more than a share of the machine. */
export function resourceAttacks(): Attack[] {
  return [
    ...table(
      'a fork bomb ends with the wall limit',
      FORK_BOMB,
      { wall_ms: 1_500, memory_bytes: 1024 * MIB },
      (result) =>
        unless(result.usage.wall_ms < 30_000 && result.cause !== 'sandbox_error', 'went on', result),
    ),
    ...table('1 GiB against 256 MiB', ONE_GIB, {}, (result) =>
      unless(!got(result) && result.cause === 'memory_limit', 'took the memory', result),
    ),
    ...table('8 x 128 MiB against 256 MiB', EIGHT_TIMES_128_MIB, {}, (result) =>
      unless(!got(result) && result.cause === 'memory_limit', 'took the memory', result),
    ),
    ...table('an endless loop that ignores SIGTERM', ENDLESS, { wall_ms: 1_500 }, (result) =>
      unless(result.cause === 'timeout' && result.usage.wall_ms < 30_000, 'went on', result),
    ),
    ...table(
      'an endless loop against its processor time',
      ENDLESS,
      { cpu_ms: 700, wall_ms: 9_000 },
      (result) => unless(result.cause === 'cpu_limit', 'went on', result),
    ),
    ...table('100 MB on stdout', HUNDRED_MB_OUT, {}, floodDamage),
    ...table('1 GB to disk', ONE_GB_TO_DISK, {}, diskDamage),
    ...table('millions of empty files', MANY_EMPTY_FILES, {}, (result) =>
      unless(!got(result) && result.cause === 'disk_limit', 'made them', result),
    ),
  ];
}

function floodDamage(result: SandboxResult): string[] {
  const held = result.cause === 'output_limit' && Buffer.byteLength(result.stdout) <= MIB && result.truncated;
  return unless(held && result.stdout_bytes > 64 * MIB && !result.stderr.includes('ALL'), 'flooded', result);
}

function diskDamage(result: SandboxResult): string[] {
  const total = Number(/TOTAL (\d+)/.exec(result.stdout)?.[1] ?? 0);
  return unless(total <= 136 * MIB && result.cause !== 'sandbox_error', 'filled the disk', result);
}

function table(name: string, sources: Sources, limits: SandboxLimits, damage: Attack['damage']): Attack[] {
  const javascript = sources.javascript;
  const all: Sources = javascript
    ? { ...sources, typescript: `const typed: number = 1;\n${javascript}` }
    : sources;
  return (Object.entries(all) as [CodeLanguage, string][]).map(([language, source]) => ({
    name: `${language}: ${name}`,
    request: { language, source, limits },
    damage,
  }));
}
