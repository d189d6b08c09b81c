/**
 * Unix sockets without a ring: the backlog and the path go to Node's own server.
 */

import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectUnixOnNode, openNodeUnixAcceptor } from '../../../src/io/unix/node-unix.ts';
import { validateUnixPath } from '../../../src/io/unix/unix-path.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { socketPath } from '../../support/unix-pair.ts';

describe('Unix sockets on Node', () => {
  it('listen, connect and go away', async () => {
    const runtime = new Runtime({ backend: 'libuv' });
    onTestFinished(() => runtime.close());
    const name = validateUnixPath(socketPath(), 'path');
    expect((await rejectionOf(connectUnixOnNode(runtime, name, undefined))).code).toBe('ENOENT');
    const acceptor = await openNodeUnixAcceptor(runtime, name, 1);
    const closed = new Promise<void>((resolve) => {
      acceptor.start({
        onConnection: (connection) => connection.destroy(),
        onError: (error) => expect.fail(error.message),
        onClose: resolve,
      });
    });
    const connection = await connectUnixOnNode(runtime, name, undefined);
    connection.destroy();
    acceptor.close();
    await closed;
    expect(existsSync(name.text)).toBe(false);
  });
});
