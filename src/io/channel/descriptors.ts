/**
 * Connections that change threads. Threads share the table of descriptors, so the number alone goes
 * through the shared memory, and belongs to whoever takes it out (`layout.ts`).
 *
 * Not with `IORING_MSG_SEND_FD`: that moves a file between tables of registered files, and costs an
 * operation to put it into one and another to get a descriptor out (Linux 6.8+). What it would
 * give, that the kernel closes what the dead have not taken, the exchange gives as well.
 */

import type { Runtime } from '../../runtime/index.ts';
import { adoptOnNode } from '../tcp/node-connection.ts';
import { RingConnection } from '../tcp/ring-connection.ts';
import { TcpStream } from '../tcp/tcp-stream.ts';

/** Makes a stream of a connected socket that was received. */
export function adoptDescriptor(runtime: Runtime, fd: number): TcpStream {
  const isOnRing = runtime.engine !== null;
  return new TcpStream(isOnRing ? new RingConnection(runtime, fd) : adoptOnNode(runtime, fd));
}

/** Closes a connected socket that nobody received. */
export function closeDescriptor(runtime: Runtime, fd: number): void {
  const { engine } = runtime;
  if (engine === null) adoptOnNode(runtime, fd).destroy();
  else engine.calls.close(fd);
}
