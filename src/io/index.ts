/**
 * The package root: the runtime, files, sockets, and low-level operations.
 */

import * as abi from '../native/abi.ts';

export { Channel } from './channel/channel.ts';
export type { ChannelOptions, CreatedChannel, ReceiveOptions } from './channel/channel.ts';
export { File } from './file.ts';
export type { AppendOptions, ReadWholeOptions, TransferOptions } from './file.ts';
export type { WriteWholeOptions } from './file.ts';
export type { OpenOptions, PathLike } from './files/arguments.ts';
export type { FileStats } from './files/file-stats.ts';
export type { SocketAddress } from './tcp/address.ts';
export { SocketListener } from './stream/socket-listener.ts';
export { SocketStream } from './stream/socket-stream.ts';
export type { StreamOptions } from './stream/socket-stream.ts';
export type { SendFileOptions, SpliceOptions } from './splice/splice.ts';
export { TcpDuplex, toDuplex } from './tcp/duplex.ts';
export { TcpListener } from './tcp/tcp-listener.ts';
export type { ListenOptions } from './tcp/tcp-listener.ts';
export { TcpSocket } from './tcp/tcp-socket.ts';
export type { SocketCallbacks } from './tcp/tcp-socket.ts';
export { TcpStream } from './tcp/tcp-stream.ts';
export type { ConnectOptions } from './tcp/tcp-stream.ts';
export { UdpSocket } from './udp/udp-socket.ts';
export type {
  Datagram,
  DatagramTarget,
  UdpBindOptions,
  UdpCallbacks,
} from './udp/udp-arguments.ts';
export { UnixListener } from './unix/unix-listener.ts';
export type { UnixListenOptions } from './unix/unix-listener.ts';
export { UnixStream } from './unix/unix-stream.ts';
export type { UnixConnectOptions } from './unix/unix-stream.ts';
export {
  BufferTable,
  diagnose,
  FileTable,
  Lease,
  MultishotOperation,
  Napi,
  Runtime,
  runtime,
  SystemError,
  UringUnavailableError,
  Waiter,
} from '../runtime/index.ts';
export type {
  BufferOptions,
  CompletionCallback,
  Diagnosis,
  FeatureDiagnosis,
  FeatureName,
  MinWaitOptions,
  MultishotCompletion,
  NapiOptions,
  RegisteredBuffer,
  ResizeEvent,
  ResizeOptions,
  RuntimeEvents,
  RuntimeMetrics,
  RuntimeOptions,
  SharedBuffer,
  SubmitOptions,
  UnavailableReason,
  PollMode,
} from '../runtime/index.ts';

/**
 * The kernel's own names: constants, struct layouts, and a prep function for every opcode, for use
 * with `Runtime.submit`.
 *
 * @example
 * ```ts
 * import { prep, runtime } from 'onering';
 *
 * if (runtime().backend === 'uring') {
 *   await runtime().submit((sqe) => prep.prepNop(sqe));
 * }
 * ```
 */
export const prep: typeof abi = abi;
