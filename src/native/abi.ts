/**
 * Door for io: only data and pure functions, which cannot talk to the kernel.
 */

export * from './assert.ts';
export * from './constants/files.ts';
export * from './constants/futex.ts';
export * from './constants/io-uring.ts';
export * from './constants/memory.ts';
export * from './constants/poll.ts';
export * from './constants/sockets.ts';
export * from './constants/time.ts';
export * from './constants/wait.ts';
export * from './errno.ts';
export * from './layout/buffer-ring.ts';
export * from './layout/cqe.ts';
export * from './layout/epoll.ts';
export * from './layout/futex.ts';
export * from './layout/ip-address.ts';
export * from './layout/message.ts';
export * from './layout/open-how.ts';
export * from './layout/registration.ts';
export * from './layout/ring-params.ts';
export * from './layout/siginfo.ts';
export * from './layout/sockaddr.ts';
export * from './layout/sqe.ts';
export * from './layout/statx.ts';
export * from './prep.ts';
