import { withSecrets, openDoors, type Attack } from './attack.ts';
import { GO_REACH } from './reach-go.ts';
import { PYTHON_SYSCALLS } from './syscalls-python.ts';
import type { HostSecrets } from '../host.ts';

const JAVASCRIPT = `
const fs = require('node:fs'), net = require('node:net'), cp = require('node:child_process');
const host = JSON.parse(process.argv[2]);
const door = (name, f) => { try { if (f() !== false) console.log('ESCAPED ' + name); } catch {} };
door('host file', () => fs.readFileSync(host.file));
door('passwd', () => fs.readFileSync('/etc/passwd'));
door('root home', () => fs.readdirSync('/root'));
door('homes', () => fs.readdirSync('/home'));
door('core_pattern', () => fs.closeSync(fs.openSync('/proc/sys/kernel/core_pattern', 'r+')));
door('root directory', () => fs.accessSync('/', fs.constants.W_OK));
door('devices', () => fs.readdirSync('/dev').some((name) => /^(vd|sd|nvme|kvm|mem|vsock)/.test(name)));
door('foreign environment', () => fs.readdirSync('/proc').filter((n) => /^[0-9]+$/.test(n)).some((pid) => {
  try { return fs.readFileSync('/proc/' + pid + '/environ', 'latin1').includes('ORCHESTRATOR_TEST_SECRET'); } catch { return false; }
}));
door('foreign processes', () => fs.readdirSync('/proc').filter((n) => /^[0-9]+$/.test(n)).length > 8);
door('process 1', () => fs.closeSync(fs.openSync('/proc/1/mem', 'r+')));
door('descriptors of process 1', () => fs.readdirSync('/proc/1/fd').length > 0);
door('own environment', () => Object.keys(process.env).includes('ORCHESTRATOR_TEST_SECRET'));
door('user namespace', () => cp.spawnSync('/usr/bin/unshare', ['--user', '/bin/true']).status === 0);
door('more than one descriptor', () => fs.readdirSync('/proc/self/fd').some((fd) => {
  try { return !/^(\\/dev\\/null|pipe:|socket:|anon_inode:|\\/proc\\/)/.test(fs.readlinkSync('/proc/self/fd/' + fd)); } catch { return false; }
}));
const targets = [['tcp', { host: '127.0.0.1', port: host.port }], ['unix socket', { path: host.unix_socket }], ['internet', { host: '1.1.1.1', port: 53 }]];
Promise.all(targets.map(([name, target]) => new Promise((done) => {
  const socket = net.connect(target);
  socket.once('connect', () => { console.log('ESCAPED ' + name); socket.destroy(); done(); });
  socket.once('error', done);
  setTimeout(done, 800).unref();
}))).then(() => { console.log('DONE'); process.exit(0); });
`;

const PYTHON = `
import json, os, socket, sys
host = json.loads(sys.argv[1])
def door(name, f):
    try:
        if f() is not False: print('ESCAPED ' + name)
    except Exception: pass
def connect(family, address):
    s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(0.8); s.connect(address)
def environs():
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if b'ORCHESTRATOR_TEST_SECRET' in open('/proc/' + pid + '/environ', 'rb').read(): return True
        except OSError: pass
    return False
door('host file', lambda: open(host['file']).read())
door('passwd', lambda: open('/etc/passwd').read())
door('root home', lambda: os.listdir('/root'))
door('core_pattern', lambda: open('/proc/sys/kernel/core_pattern', 'r+').close())
door('root directory', lambda: os.access('/', os.W_OK))
door('foreign environment', environs)
door('foreign processes', lambda: len(list(filter(str.isdigit, os.listdir('/proc')))) > 8)
door('process 1', lambda: open('/proc/1/mem', 'rb+').close())
door('tcp', lambda: connect(socket.AF_INET, ('127.0.0.1', host['port'])))
door('unix socket', lambda: connect(socket.AF_UNIX, host['unix_socket']))
door('internet', lambda: connect(socket.AF_INET, ('1.1.1.1', 53)))
door('device', lambda: os.mknod('device', 0o20666, os.makedev(1, 1)))
door('root again', lambda: os.setuid(0))
`;

const BASH = `
file=$2; port=$3
door() { local name=$1; shift; "$@" >/dev/null 2>&1 && echo "ESCAPED $name"; }
door 'host file' cat "$file"
door 'passwd' cat /etc/passwd
door 'root home' ls /root
door 'homes' ls /home
door 'core_pattern' bash -c 'exec 5<>/proc/sys/kernel/core_pattern'
door 'root directory' test -w /
door 'tcp' bash -c "exec 5<>/dev/tcp/127.0.0.1/$port"
door 'user namespace' unshare --user true
mkdir mine; door 'mount' mount -t tmpfs none mine
door 'chroot' chroot / true
door 'foreign environment' bash -c 'cat /proc/[0-9]*/environ | grep -aq ORCHESTRATOR_TEST_SECRET'
door 'process 1' bash -c 'exec 5<>/proc/1/mem'
door 'device' mknod device c 1 1
door 'sudo' sudo -n true
[ "$(ls -d /proc/[0-9]* | wc -l)" -gt 8 ] && echo 'ESCAPED foreign processes'
echo DONE
`;

/**
 * Every program here only looks whether a door is open and does no harm behind it, for it also runs without a
 * sandbox, as the control.
 */

/** Doors that a bare process of any user must find open; otherwise the attack itself is broken. */
export const CONTROL_DOORS: Readonly<Record<string, readonly string[]>> = {
  javascript: ['host file', 'passwd', 'tcp', 'unix socket', 'foreign environment', 'foreign processes'],
  typescript: ['host file', 'passwd', 'tcp', 'unix socket', 'foreign environment', 'foreign processes'],
  python: [
    'host file',
    'passwd',
    'tcp',
    'unix socket',
    'foreign environment',
    'ptrace',
    'netlink',
    'memfd_create',
  ],
  bash: ['host file', 'passwd', 'tcp', 'foreign environment', 'foreign processes'],
  go: ['host file', 'passwd', 'tcp', 'unix socket', 'foreign environment', 'ptrace'],
};

/** Files, environment, processes, network and system calls that are none of the program's business. */
export function reachAttacks(secrets: HostSecrets): Attack[] {
  const sources = {
    javascript: JAVASCRIPT,
    typescript: JAVASCRIPT.replace(
      'const door = (name, f)',
      'const door = (name: string, f: () => unknown): void',
    ),
    python: `${PYTHON}${PYTHON_SYSCALLS}\nprint('DONE')\n`,
    bash: BASH,
    go: GO_REACH,
  } as const;
  return Object.entries(sources).map(([language, source]) => ({
    name: `${language}: reaches nothing of the host`,
    request: withSecrets({ language: language as keyof typeof sources, source }, secrets),
    damage: openDoors,
  }));
}
