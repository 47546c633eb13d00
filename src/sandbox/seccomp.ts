import { ARGUED, DENIED, LAST_KNOWN, type Architecture, type SyscallNumbers } from './syscalls.ts';

/** The audit names of the architectures, as the kernel puts them into `seccomp_data.arch`. */
export const AUDIT_ARCH: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

export const VERDICT = {
  allow: 0x7fff0000,
  kill_process: 0x80000000,
  /** `errno` goes into the low bits. */
  errno: 0x00050000,
} as const;

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

const OFFSET_NR = 0;
const OFFSET_ARCH = 4;
const OFFSET_ARG0 = 16;
const OFFSET_ARG1 = 24;

/** x86_64 also answers to the x32 numbers, which would slip under a list of the normal ones. */
const X32_BIT = 0x40000000;
/** Every CLONE_NEW* flag that `clone` takes. */
const CLONE_NEW_ANY = 0x7e020000;
const SOCKET_FAMILIES = { unix: 1, inet: 2, inet6: 10 };
/** Both put characters into the terminal of somebody else. */
const TERMINAL_INJECTION = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c };

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

interface Instruction {
  code: number;
  k: number;
  jump_true: number;
  jump_false: number;
}

/**
 * The classic BPF program for `bwrap --seccomp`: a wrong architecture is killed, the denied calls get EPERM,
 * `clone3` and calls newer than this list get ENOSYS (callers then fall back to the older call), sockets only
 * of the families that the empty network namespace contains. Everything else is allowed.
 */
export function seccompProgram(architecture: Architecture): Buffer {
  return encode([
    load(OFFSET_ARCH),
    ...whenNotEqual(AUDIT_ARCH[architecture], VERDICT.kill_process),
    load(OFFSET_NR),
    ...(architecture === 'x64' ? whenAtLeast(X32_BIT, VERDICT.kill_process) : []),
    ...whenAtLeast(LAST_KNOWN + 1, failWith(ENOSYS)),
    ...denied(architecture),
    ...argued(architecture),
    ret(VERDICT.allow),
  ]);
}

function denied(architecture: Architecture): Instruction[] {
  return Object.values(DENIED).flatMap((numbers) => {
    const nr = numberOn(architecture, numbers);
    return nr === null ? [] : whenEqual(nr, failWith(EPERM));
  });
}

function argued(architecture: Architecture): Instruction[] {
  const on = (numbers: SyscallNumbers, body: Instruction[]): Instruction[] => {
    const nr = numberOn(architecture, numbers);
    return nr === null ? [] : [unlessEqual(nr, body.length), ...body];
  };
  const families = Object.values(SOCKET_FAMILIES).flatMap((family) => whenEqual(family, VERDICT.allow));
  const injections = Object.values(TERMINAL_INJECTION).flatMap((request) =>
    whenEqual(request, failWith(EPERM)),
  );
  const allow = ret(VERDICT.allow);
  const socketBody = [load(OFFSET_ARG0), ...families, ret(failWith(EAFNOSUPPORT))];
  return [
    ...on(ARGUED.clone3, [ret(failWith(ENOSYS))]),
    ...on(ARGUED.clone, [load(OFFSET_ARG0), ...whenAnyBit(CLONE_NEW_ANY, failWith(EPERM)), allow]),
    ...on(ARGUED.socket, socketBody),
    ...on(ARGUED.socketpair, socketBody),
    ...on(ARGUED.ioctl, [load(OFFSET_ARG1), ...injections, allow]),
  ];
}

function numberOn(architecture: Architecture, numbers: SyscallNumbers): number | null {
  return architecture === 'x64' ? numbers[0] : numbers[1];
}

const failWith = (errno: number): number => VERDICT.errno | errno;
const load = (offset: number): Instruction => ({ code: LOAD, k: offset, jump_true: 0, jump_false: 0 });
const ret = (verdict: number): Instruction => ({ code: RETURN, k: verdict, jump_true: 0, jump_false: 0 });

/** Goes on with the next instruction when equal, otherwise steps over `count`. */
function unlessEqual(k: number, count: number): Instruction {
  return { code: JUMP_EQUAL, k, jump_true: 0, jump_false: count };
}

function whenEqual(k: number, verdict: number): Instruction[] {
  return [unlessEqual(k, 1), ret(verdict)];
}

function whenNotEqual(k: number, verdict: number): Instruction[] {
  return [{ code: JUMP_EQUAL, k, jump_true: 1, jump_false: 0 }, ret(verdict)];
}

function whenAtLeast(k: number, verdict: number): Instruction[] {
  return [{ code: JUMP_AT_LEAST, k, jump_true: 0, jump_false: 1 }, ret(verdict)];
}

function whenAnyBit(mask: number, verdict: number): Instruction[] {
  return [{ code: JUMP_ANY_BIT, k: mask, jump_true: 0, jump_false: 1 }, ret(verdict)];
}

/** `struct sock_filter` is eight bytes; both architectures are little endian. */
function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach((instruction, index) => {
    const at = index * 8;
    bytes.writeUInt16LE(instruction.code, at);
    bytes.writeUInt8(instruction.jump_true, at + 2);
    bytes.writeUInt8(instruction.jump_false, at + 3);
    bytes.writeUInt32LE(instruction.k >>> 0, at + 4);
  });
  return bytes;
}
