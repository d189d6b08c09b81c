/**
 * Two ends of a connection over a Unix socket, made through the runtime under test.
 */

import { join } from 'node:path';
import { UnixListener } from '../../src/io/unix/unix-listener.ts';
import { UnixStream } from '../../src/io/unix/unix-stream.ts';
import { tempDirectory } from './temp-directory.ts';

/** A path that does not exist, in a directory of the test's own. */
export function socketPath(): string {
  return join(tempDirectory(), 'a.sock');
}

/** Connects two streams. */
export async function unixPair(): Promise<{ client: UnixStream; server: UnixStream }> {
  const path = socketPath();
  const listener = await UnixListener.listen({ path });
  const [client, server] = await Promise.all([UnixStream.connect({ path }), listener.accept()]);
  await listener.close();
  return { client, server };
}
