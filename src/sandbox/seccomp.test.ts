import fc from 'fast-check';
import { AUDIT_ARCH, seccompProgram, VERDICT } from './seccomp.ts';
import { ARGUED, DENIED, LAST_KNOWN, type Architecture } from './syscalls.ts';

interface Call {
  nr: number;
  arch?: number;
  args?: [number, number];
}

/** Runs the program as the kernel would, for the instructions that it is made of. */
function judge(program: Buffer, { nr, arch, args = [0, 0] }: Call & { arch: number }): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(nr >>> 0, 0);
  data.writeUInt32LE(arch, 4);
  data.writeUInt32LE(args[0] >>> 0, 16);
  data.writeUInt32LE(args[1] >>> 0, 24);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const code = program.readUInt16LE(at * 8);
    const [jump_true, jump_false] = [program.readUInt8(at * 8 + 2), program.readUInt8(at * 8 + 3)];
    const k = program.readUInt32LE(at * 8 + 4);
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x06) return k;
    else if (code === 0x15) at += accumulator === k ? jump_true : jump_false;
    else if (code === 0x35) at += accumulator >= k ? jump_true : jump_false;
    else if (code === 0x45) at += (accumulator & k) !== 0 ? jump_true : jump_false;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('ran off the end');
}

const EPERM = VERDICT.errno | 1;
const ENOSYS = VERDICT.errno | 38;
const EAFNOSUPPORT = VERDICT.errno | 97;

describe.each(['x64', 'arm64'] as const)('the seccomp filter of %s', (architecture: Architecture) => {
  const program = seccompProgram(architecture);
  const column = architecture === 'x64' ? 0 : 1;
  const verdict = (call: Call): number => judge(program, { arch: AUDIT_ARCH[architecture], ...call });
  const denied = Object.values(DENIED)
    .map((numbers) => numbers[column])
    .filter((nr) => nr !== null);
  const argued = Object.values(ARGUED).map((numbers) => numbers[column]);

  it('is small enough for the kernel', () => {
    expect(program.length % 8).toBe(0);
    expect(program.length / 8).toBeLessThan(4_096);
  });

  it('refuses every denied call, whatever its arguments', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...denied),
        fc.tuple(fc.nat(), fc.nat()),
        (nr, args) => verdict({ nr, args }) === EPERM,
      ),
    );
    for (const nr of denied) expect(verdict({ nr })).toBe(EPERM);
  });

  it('allows every call that is not listed', () => {
    const listed = new Set<number>([...denied, ...argued]);
    for (let nr = 0; nr <= LAST_KNOWN; nr += 1)
      if (!listed.has(nr)) expect(verdict({ nr })).toBe(VERDICT.allow);
  });

  it('does not know newer calls', () => {
    expect(verdict({ nr: LAST_KNOWN + 1 })).toBe(ENOSYS);
    expect(verdict({ nr: 1_000 })).toBe(ENOSYS);
    expect(verdict({ nr: ARGUED.clone3[column] })).toBe(ENOSYS);
  });

  it('kills calls of another architecture', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.nat(500), (arch, nr) => {
        fc.pre(arch !== AUDIT_ARCH[architecture]);
        return verdict({ arch, nr }) === VERDICT.kill_process;
      }),
    );
    if (architecture === 'x64') expect(verdict({ nr: 0x40000000 | 59 })).toBe(VERDICT.kill_process);
  });

  it('lets threads and children be made, and no namespaces', () => {
    const nr = ARGUED.clone[column];
    expect(verdict({ nr, args: [0x003d0f00, 0] })).toBe(VERDICT.allow);
    expect(verdict({ nr, args: [17, 0] })).toBe(VERDICT.allow);
    for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(verdict({ nr, args: [flag | 17, 0] })).toBe(EPERM);
    }
  });

  it.each(['socket', 'socketpair'] as const)('opens a %s of the unix and internet families only', (name) => {
    for (let family = 0; family < 64; family += 1) {
      const expected = [1, 2, 10].includes(family) ? VERDICT.allow : EAFNOSUPPORT;
      expect(verdict({ nr: ARGUED[name][column], args: [family, 0] })).toBe(expected);
    }
  });

  it('lets nobody type into a terminal', () => {
    const nr = ARGUED.ioctl[column];
    expect(verdict({ nr, args: [0, 0x5412] })).toBe(EPERM);
    expect(verdict({ nr, args: [0, 0x541c] })).toBe(EPERM);
    expect(verdict({ nr, args: [0, 0x5401] })).toBe(VERDICT.allow);
  });
});

it('has every number once per architecture', () => {
  const all = Object.values({ ...DENIED, ...ARGUED });
  for (const column of [0, 1] as const) {
    const numbers = all.map((pair) => pair[column]).filter((nr) => nr !== null);
    expect(new Set(numbers).size).toBe(numbers.length);
  }
});
