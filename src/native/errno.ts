/**
 * errno numbers, names and messages.
 *
 * Names and messages are libuv's, and so Node's, word for word; where libuv has no words for a
 * number, the C library's. What neither knows is `UNKNOWN`, as in Node. Numbers are positive here;
 * the sign in `-errno` is the caller's.
 */

import * as numbers from './constants/errno.ts';

export * from './constants/errno.ts';

/** By the name that Node uses: of two names for one number, only that one is here. */
const messages: Readonly<Record<string, string>> = {
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ESRCH: 'no such process',
  EINTR: 'interrupted system call',
  EIO: 'i/o error',
  ENXIO: 'no such device or address',
  E2BIG: 'argument list too long',
  ENOEXEC: 'exec format error',
  EBADF: 'bad file descriptor',
  ECHILD: 'no child processes',
  EAGAIN: 'resource temporarily unavailable',
  ENOMEM: 'not enough memory',
  EACCES: 'permission denied',
  EFAULT: 'bad address in system call argument',
  ENOTBLK: 'block device required',
  EBUSY: 'resource busy or locked',
  EEXIST: 'file already exists',
  EXDEV: 'cross-device link not permitted',
  ENODEV: 'no such device',
  ENOTDIR: 'not a directory',
  EISDIR: 'illegal operation on a directory',
  EINVAL: 'invalid argument',
  ENFILE: 'file table overflow',
  EMFILE: 'too many open files',
  ENOTTY: 'inappropriate ioctl for device',
  ETXTBSY: 'text file is busy',
  EFBIG: 'file too large',
  ENOSPC: 'no space left on device',
  ESPIPE: 'invalid seek',
  EROFS: 'read-only file system',
  EMLINK: 'too many links',
  EPIPE: 'broken pipe',
  EDOM: 'numerical argument out of domain',
  ERANGE: 'result too large',
  EDEADLK: 'resource deadlock avoided',
  ENAMETOOLONG: 'name too long',
  ENOLCK: 'no locks available',
  ENOSYS: 'function not implemented',
  ENOTEMPTY: 'directory not empty',
  ELOOP: 'too many symbolic links encountered',
  ENOMSG: 'no message of desired type',
  EIDRM: 'identifier removed',
  ECHRNG: 'channel number out of range',
  EL2NSYNC: 'level 2 not synchronized',
  EL3HLT: 'level 3 halted',
  EL3RST: 'level 3 reset',
  ELNRNG: 'link number out of range',
  EUNATCH: 'protocol driver not attached',
  ENOCSI: 'no CSI structure available',
  EL2HLT: 'level 2 halted',
  EBADE: 'invalid exchange',
  EBADR: 'invalid request descriptor',
  EXFULL: 'exchange full',
  ENOANO: 'no anode',
  EBADRQC: 'invalid request code',
  EBADSLT: 'invalid slot',
  EBFONT: 'bad font file format',
  ENOSTR: 'device not a stream',
  ENODATA: 'no data available',
  ETIME: 'timer expired',
  ENOSR: 'out of streams resources',
  ENONET: 'machine is not on the network',
  ENOPKG: 'package not installed',
  EREMOTE: 'object is remote',
  ENOLINK: 'link has been severed',
  EADV: 'advertise error',
  ESRMNT: 'srmount error',
  ECOMM: 'communication error on send',
  EPROTO: 'protocol error',
  EMULTIHOP: 'multihop attempted',
  EDOTDOT: 'RFS specific error',
  EBADMSG: 'bad message',
  EOVERFLOW: 'value too large for defined data type',
  ENOTUNIQ: 'name not unique on network',
  EBADFD: 'file descriptor in bad state',
  EREMCHG: 'remote address changed',
  ELIBACC: 'can not access a needed shared library',
  ELIBBAD: 'accessing a corrupted shared library',
  ELIBSCN: '.lib section in a.out corrupted',
  ELIBMAX: 'attempting to link in too many shared libraries',
  ELIBEXEC: 'cannot exec a shared library directly',
  EILSEQ: 'illegal byte sequence',
  ERESTART: 'interrupted system call should be restarted',
  ESTRPIPE: 'streams pipe error',
  EUSERS: 'too many users',
  ENOTSOCK: 'socket operation on non-socket',
  EDESTADDRREQ: 'destination address required',
  EMSGSIZE: 'message too long',
  EPROTOTYPE: 'protocol wrong type for socket',
  ENOPROTOOPT: 'protocol not available',
  EPROTONOSUPPORT: 'protocol not supported',
  ESOCKTNOSUPPORT: 'socket type not supported',
  ENOTSUP: 'operation not supported on socket',
  EPFNOSUPPORT: 'protocol family not supported',
  EAFNOSUPPORT: 'address family not supported',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available',
  ENETDOWN: 'network is down',
  ENETUNREACH: 'network is unreachable',
  ENETRESET: 'network dropped connection on reset',
  ECONNABORTED: 'software caused connection abort',
  ECONNRESET: 'connection reset by peer',
  ENOBUFS: 'no buffer space available',
  EISCONN: 'socket is already connected',
  ENOTCONN: 'socket is not connected',
  ESHUTDOWN: 'cannot send after transport endpoint shutdown',
  ETOOMANYREFS: 'too many references: cannot splice',
  ETIMEDOUT: 'connection timed out',
  ECONNREFUSED: 'connection refused',
  EHOSTDOWN: 'host is down',
  EHOSTUNREACH: 'host is unreachable',
  EALREADY: 'connection already in progress',
  EINPROGRESS: 'operation now in progress',
  ESTALE: 'stale file handle',
  EUCLEAN: 'structure needs cleaning',
  ENOTNAM: 'not a XENIX named type file',
  ENAVAIL: 'no XENIX semaphores available',
  EISNAM: 'is a named type file',
  EREMOTEIO: 'remote I/O error',
  EDQUOT: 'disk quota exceeded',
  ENOMEDIUM: 'no medium found',
  EMEDIUMTYPE: 'wrong medium type',
  ECANCELED: 'operation canceled',
  ENOKEY: 'required key not available',
  EKEYEXPIRED: 'key has expired',
  EKEYREVOKED: 'key has been revoked',
  EKEYREJECTED: 'key was rejected by service',
  EOWNERDEAD: 'owner died',
  ENOTRECOVERABLE: 'state not recoverable',
  ERFKILL: 'operation not possible due to RF-kill',
  EHWPOISON: 'memory page has hardware error',
};

const numberByName = new Map<string, number>(Object.entries(numbers));
const nameByNumber = new Map<number, string>();
for (const [name, number] of numberByName) {
  if (name in messages) nameByNumber.set(number, name);
}

/** The name of an errno, such as `ENOENT`; `UNKNOWN` where it has none. */
export function errnoName(errno: number): string {
  return nameByNumber.get(errno) ?? 'UNKNOWN';
}

/** The message of an errno, such as `no such file or directory`. */
export function errnoMessage(errno: number): string {
  return messages[errnoName(errno)] ?? 'unknown error';
}

/** The number of an errno by any of its names, or nothing. */
export function errnoNumber(name: string): number | undefined {
  return numberByName.get(name);
}
