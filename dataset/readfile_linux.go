package dataset

import (
	"io/fs"
	"syscall"
	"unsafe"
)

// readFile reads a whole file into buf's memory, growing it where it does not suffice, and returns it also
// with an error. path ends in a zero byte. It is os.ReadFile without that one's allocations.
func readFile(buf, path []byte) ([]byte, error) {
	fail := func(op string, err error) ([]byte, error) {
		return buf, &fs.PathError{Op: op, Path: string(path[:len(path)-1]), Err: err}
	}
	fd, err := openFile(path)
	if err != nil {
		return fail("open", err)
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return fail("stat", err)
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return fail("read", errNotRegular)
	}
	buf = buf[:0]
	if need := int(st.Size) + 1; need > cap(buf) { // one more, to meet the end without growing
		buf = make([]byte, 0, need+need/4)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := syscall.Read(fd, buf[len(buf):cap(buf)])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return fail("read", err)
		case n == 0:
			return buf, nil
		default:
			buf = buf[:len(buf)+n]
		}
	}
}

// openFile opens a file for reading: syscall.Open copies the path. It does not wait for somebody to write into
// a pipe.
func openFile(path []byte) (int, error) {
	const atCWD = -100 // AT_FDCWD
	for {
		dir := atCWD
		fd, _, errno := syscall.Syscall6(syscall.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(unsafe.SliceData(path))),
			syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0, 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case syscall.EINTR:
		default:
			return -1, errno
		}
	}
}
