/**
 * Unix sockets on the ring: connecting to a listener whose backlog is full, which a kernel worker
 * waits for, and giving that up.
 */

import { expect } from 'vitest';
import { UnixListener } from '../../../src/io/unix/unix-listener.ts';
import { UnixStream } from '../../../src/io/unix/unix-stream.ts';
import { connectUnixOnRing, openUnixAcceptor } from '../../../src/io/unix/ring-unix.ts';
import { validateUnixPath } from '../../../src/io/unix/unix-path.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { socketPath } from '../../support/unix-pair.ts';

ringTest('6.1', 'waits for room in the backlog, and can be aborted meanwhile', async ({ open }) => {
  const runtime = open();
  const name = validateUnixPath(socketPath(), 'path');
  // It accepts nothing before it is started.
  const acceptor = openUnixAcceptor(runtime, name, 0);
  const first = await connectUnixOnRing(runtime, name, undefined);
  const controller = new AbortController();
  const waiting = rejectionOf(connectUnixOnRing(runtime, name, controller.signal));
  const patient = connectUnixOnRing(runtime, name, undefined);
  controller.abort();
  expect((await waiting).name).toBe('AbortError');
  let accepted = 0;
  acceptor.start({
    onConnection(connection) {
      accepted += 1;
      connection.destroy();
    },
    onError(error) {
      throw error;
    },
    onClose() {},
  });
  const second = await patient;
  for (const connection of [first, second]) connection.destroy();
  acceptor.close();
  await runtime.close();
  expect(accepted).toBeGreaterThanOrEqual(1);
});

ringTest('6.1', 'leaves no descriptor when a name is refused', async ({ open }) => {
  open();
  const path = `${socketPath()}/missing`;
  expect((await rejectionOf(UnixListener.listen({ path }))).code).toBe('EACCES');
  expect((await rejectionOf(UnixStream.connect({ path }))).code).toBe('ENOENT');
});
