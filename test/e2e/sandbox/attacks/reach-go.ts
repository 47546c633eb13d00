/** The reach attack in Go: files, processes, sockets and raw system calls. */
export const GO_REACH = `package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func door(name string, open func() error) {
	if open() == nil {
		fmt.Println("ESCAPED " + name)
	}
}

func read(path string) func() error {
	return func() error { _, err := os.ReadFile(path); return err }
}

func dial(network, address string) func() error {
	return func() error { _, err := net.DialTimeout(network, address, 800*time.Millisecond); return err }
}

func call(name string, x64, arm64 uintptr, a, b, c uintptr) {
	nr := x64
	if runtime.GOARCH == "arm64" {
		nr = arm64
	}
	_, _, errno := syscall.RawSyscall(nr, a, b, c)
	if errno != syscall.EPERM && errno != syscall.ENOSYS && errno != syscall.EAFNOSUPPORT {
		fmt.Println("ESCAPED "+name, errno)
	}
}

func main() {
	var host struct {
		File       string
		Port       int
		UnixSocket string \`json:"unix_socket"\`
	}
	json.Unmarshal([]byte(os.Args[1]), &host)
	door("host file", read(host.File))
	door("passwd", read("/etc/passwd"))
	door("core_pattern", func() error { _, err := os.OpenFile("/proc/sys/kernel/core_pattern", os.O_RDWR, 0); return err })
	door("root directory", func() error { return syscall.Access("/", 2) })
	door("tcp", dial("tcp", fmt.Sprint("127.0.0.1:", host.Port)))
	door("unix socket", dial("unix", host.UnixSocket))
	processes, _ := os.ReadDir("/proc")
	for _, process := range processes {
		environ, _ := os.ReadFile("/proc/" + process.Name() + "/environ")
		if strings.Contains(string(environ), "ORCHESTRATOR_TEST_SECRET") {
			fmt.Println("ESCAPED foreign environment")
			break
		}
	}
	call("vsock", 41, 198, 40, 1, 0)
	call("netlink", 41, 198, 16, 3, 0)
	call("unshare", 272, 97, 0x10000000, 0, 0)
	call("bpf", 321, 280, 0, 0, 0)
	call("io_uring_setup", 425, 425, 4, 0, 0)
	call("keyctl", 250, 219, 0, 0, 0)
	call("ptrace", 101, 117, 0, 0, 0)
	fmt.Println("DONE")
}
`;
