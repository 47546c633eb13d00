import type { CodeLanguage, SandboxResult } from '../../../../src/contract/sandbox.ts';
import { unless, type Attack } from './attack.ts';

const SOURCES: Record<CodeLanguage, string> = {
  bash: `cd out; echo fine > fine.txt; mkdir d; echo deep > d/deep.txt
ln -s /etc/passwd link; ln -s / rootlink; ln -s ../../.. up; ln /bin/sh hard 2>/dev/null; ln fine.txt hard2; mkfifo pipe; mknod dev c 1 1 2>/dev/null; true`,
  python: `import os, socket
os.chdir('out'); open('fine.txt', 'w').write('fine\\n'); os.mkdir('d'); open('d/deep.txt', 'w').write('deep\\n')
os.symlink('/etc/passwd', 'link'); os.symlink('/', 'rootlink'); os.link('fine.txt', 'hard2'); os.mkfifo('pipe')
socket.socket(socket.AF_UNIX).bind('socket')`,
  javascript: `const fs = require('fs'); process.chdir('out'); fs.writeFileSync('fine.txt', 'fine\\n'); fs.mkdirSync('d'); fs.writeFileSync('d/deep.txt', 'deep\\n');
fs.symlinkSync('/etc/passwd', 'link'); fs.symlinkSync('/', 'rootlink'); fs.linkSync('fine.txt', 'hard2'); require('child_process').spawnSync('mkfifo', ['pipe']);`,
  typescript: `import * as fs from 'node:fs'; const out: string = 'out'; process.chdir(out); fs.writeFileSync('fine.txt', 'fine\\n'); fs.mkdirSync('d'); fs.writeFileSync('d/deep.txt', 'deep\\n');
fs.symlinkSync('/etc/passwd', 'link'); fs.symlinkSync('/', 'rootlink'); fs.linkSync('fine.txt', 'hard2');`,
  go: `package main
import ("os"; "syscall")
func main() { os.Chdir("out"); os.WriteFile("fine.txt", []byte("fine\\n"), 0o600); os.Mkdir("d", 0o700); os.WriteFile("d/deep.txt", []byte("deep\\n"), 0o600)
	os.Symlink("/etc/passwd", "link"); os.Symlink("/", "rootlink"); os.Link("fine.txt", "hard2"); syscall.Mkfifo("pipe", 0o600) }`,
};

/** Replaces the whole directory of outputs by a link out of it. */
const REPLACED = `rmdir out && ln -s / out`;
const TOO_MANY = `for i in $(seq 1200); do : > out/f$i; done`;
const TOO_LARGE = `for i in 1 2 3; do head -c 9000000 /dev/zero > out/f$i; done`;
/** Everything of the program is over before the archive is made, so nobody can swap a file for a link meanwhile. */
const SWAPPED = `( setsid bash -c 'while :; do rm -f out/x; ln -s /etc/passwd out/x; rm -f out/x; echo a > out/x; done' & ) ; echo a > out/y; sleep 0.2`;

/** Links, devices and pipes among the outputs, and more of them than allowed. */
export function outputAttacks(): Attack[] {
  const each = Object.entries(SOURCES).map(([language, source]): Attack => ({
    name: `${language}: links, pipes and devices in the outputs`,
    request: { language: language as CodeLanguage, source },
    damage: (result) => unless(plain(result), 'more than plain files came out', result),
  }));
  const bash = (name: string, source: string, held: (result: SandboxResult) => boolean): Attack => ({
    name: `bash: ${name}`,
    request: { language: 'bash', source },
    damage: (result) => unless(held(result), `took ${result.artifacts.length} artifacts`, result),
  });
  return [
    ...each,
    bash(
      'out replaced by a link',
      REPLACED,
      (result) => result.artifacts.length === 0 && result.cause === 'exited',
    ),
    bash(
      '1,200 outputs',
      TOO_MANY,
      (result) => result.artifacts.length <= 1_000 && result.cause === 'output_limit',
    ),
    bash(
      '27 MB of outputs',
      TOO_LARGE,
      (result) => size(result) <= 16 * 2 ** 20 && result.cause === 'output_limit',
    ),
    bash(
      'files swapped for links',
      SWAPPED,
      (result) => result.cause === 'exited' && result.artifacts.every(isPlain),
    ),
  ];
}

function plain(result: SandboxResult): boolean {
  const paths = result.artifacts.map((artifact) => artifact.path).sort();
  // A hard link is stored once as a file; which of the two names that is does not matter.
  const [deep, one, ...more] = paths;
  return (
    deep === 'd/deep.txt' &&
    (one === 'fine.txt' || one === 'hard2') &&
    more.length === 0 &&
    result.cause === 'exited'
  );
}

const size = (result: SandboxResult): number =>
  result.artifacts.reduce((sum, { bytes }) => sum + bytes.length, 0);
const isPlain = ({ bytes }: { bytes: Uint8Array }): boolean =>
  ['', 'a\n'].includes(Buffer.from(bytes).toString());
