/** What the probe tells its program, as the one argument in JSON. */
export interface ProbeInput {
  /** A file of the host that the sandbox must not find. */
  host_file: string;
  /** A port on which the host listens at 127.0.0.1. */
  port: number;
  /** The host's own namespaces, by name. */
  namespaces: Readonly<Record<string, string>>;
}

/** Prints, as a JSON list, every way out that was open; written for node, CommonJS. */
export const PROBE_PROGRAM = `
const fs = require('node:fs');
const net = require('node:net');
const { spawnSync } = require('node:child_process');
const input = JSON.parse(process.argv[2]);
const open = [];

function attempt(name, way_out) {
  try {
    if (way_out() !== false) open.push(name);
  } catch {
    // Refused, as it should be.
  }
}

for (const path of [input.host_file, '/etc/passwd', '/etc/shadow', '/root', '/home', '/var', '/sys/kernel']) {
  attempt('sees ' + path, () => fs.statSync(path) && true);
}
for (const path of ['/x', '/usr/x', '/dev/x', '/run/x', '/proc/sys/kernel/core_pattern']) {
  attempt('writes ' + path, () => fs.closeSync(fs.openSync(path, path.startsWith('/proc') ? 'r+' : 'a')));
}
for (const [name, link] of Object.entries(input.namespaces)) {
  attempt('shares the ' + name + ' namespace', () => fs.readlinkSync('/proc/self/ns/' + name) === link);
}
attempt('is root', () => process.getuid() === 0);
attempt('reads the memory of process 1', () => fs.closeSync(fs.openSync('/proc/1/mem', 'r')));
attempt('sees foreign processes', () => fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length > 4);
attempt('sees a foreign environment', () => Object.keys(process.env).some((name) => !['PATH', 'HOME', 'TMPDIR', 'LANG', 'PWD', 'OLDPWD'].includes(name)));
attempt('makes a user namespace', () => spawnSync('/usr/bin/unshare', ['--user', '/bin/true']).status === 0);

const status = fs.readFileSync('/proc/self/status', 'utf8');
const field = (name) => (new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(status) || [])[1];
for (const [name, value] of [['NoNewPrivs', /^1$/], ['Seccomp', /^2$/], ['CapEff', /^0+$/], ['CapPrm', /^0+$/]]) {
  if (!value.test(field(name) || '')) open.push('has ' + name + ' ' + field(name));
}

const socket = net.connect({ host: '127.0.0.1', port: input.port });
const done = () => { socket.destroy(); process.stdout.write(JSON.stringify(open)); };
socket.once('connect', () => { open.push('reaches the network of the host'); done(); });
socket.once('error', done);
`;
