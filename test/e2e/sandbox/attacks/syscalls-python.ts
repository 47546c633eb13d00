/**
 * Raw system calls from python, which go past every wrapper. A call counts as open when the kernel looked at
 * its arguments: success, or an error other than "not permitted", "not there" and "no such family".
 */
export const PYTHON_SYSCALLS = `
import ctypes, errno, platform
libc = ctypes.CDLL(None, use_errno=True)
x64 = platform.machine() == 'x86_64'
REFUSED = (errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT)
def call(name, numbers, *args):
    ctypes.set_errno(0)
    got = libc.syscall(ctypes.c_long(numbers[0 if x64 else 1]), *[ctypes.c_long(a) for a in args])
    if got == 0 and name == 'clone user': os._exit(0)
    if got >= 0 or ctypes.get_errno() not in REFUSED: print('ESCAPED ' + name, got, ctypes.get_errno(), flush=True)
for name, family in dict(vsock=40, netlink=16, alg=38, packet=17, bluetooth=31, xdp=44).items():
    call(name, (41, 198), family, 3 if family == 16 else 1, 0)
    call(name + ' pair', (53, 199), family, 1, 0, 0)
pid = os.fork()
if pid == 0:
    call('ptrace', (101, 117), 0, 0, 0, 0)
    os._exit(0)
os.waitpid(pid, 0)
page = ctypes.addressof(ctypes.create_string_buffer(256))
call('unshare user', (272, 97), 0x10000000)
call('unshare net', (272, 97), 0x40000000)
call('setns', (308, 268), 0, 0)
call('clone user', (56, 220), 0x10000000 | 17, 0, 0, 0, 0)
call('clone3', (435, 435), 0, 0)
call('bpf', (321, 280), 0, page, 72)
call('io_uring_setup', (425, 425), 4, page)
call('userfaultfd', (323, 282), 1)
call('perf_event_open', (298, 241), page, 0, -1, -1, 0)
call('keyctl', (250, 219), 0, -3, 1)
call('add_key', (248, 217), page, page, 0, 0, -2)
call('memfd_create', (319, 279), page, 0)
call('shmget', (29, 194), 0, 4096, 0o1600)
call('msgget', (68, 186), 0, 0o1600)
call('mount', (165, 40), 0, page, 0, 0, 0)
call('open_by_handle_at', (304, 265), -1, page, 0)
call('process_vm_readv', (310, 270), 1, page, 1, page, 1, 0)
call('pidfd_getfd', (438, 438), -1, 0, 0)
call('personality', (135, 92), 0x0040000)
call('kexec_load', (246, 104), 0, 999, 0, 0)
call('reboot', (169, 142), 0, 0, 0, 0)
call('unknown future call', (470, 470), 0, 0, 0, 0)
call('fsopen', (430, 430), page, 0)
call('ioctl TIOCSTI', (16, 29), 0, 0x5412, page)
`;
